"""Genomes of bodies: founded, copied with mutations, exchanged; two strands, one expressed, one a shadow.

Founders may be seeded: an exact share of them carries a given genome, in both strands, so that what selection does to
it is seen against what mutation and chance alone do.
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int8, Int32, UInt32

from mesocosm.core.random import Bits, threshold16
from mesocosm.heredity.parameters import HeredityParameters
from mesocosm.heredity.strands import EXPRESSED, SHADOW, Genes, Strands
from mesocosm.record import ConfigurationError

EXCHANGE, GENE = 0x100, 0x10000  # purposes of random bits; the number of the locus (or of 32 loci) is added

Genomes = Genes


class Heredity(eqx.Module):
    """Replacement of single genes at birth, and exchange: a swap, which conserves allele counts, or a copy, by which
    the first of a pair takes from the last and gives nothing (as bacteria take up DNA)."""

    n_seeded: int = eqx.field(static=True)
    copies: bool = eqx.field(static=True)
    strands: Strands
    exchange_threshold: Int32[Array, ""]
    seed: Int8[Array, " loci"] | None

    def __init__(self, parameters: HeredityParameters, n_loci: int, founders: int = 0, copies: bool = False):
        """Heredity of so many loci.

        Args:
          copies: whether an exchange is a copy.

        Raises:
          ConfigurationError: for a seeded genome of another length.
        """
        p = parameters
        self.copies = copies
        self.strands = Strands(n_loci, GENE, p.mutation_probability)
        self.exchange_threshold = jnp.int32(threshold16(p.exchange_probability))
        self.n_seeded = int(founders * p.seeded_share + 0.5)
        if self.n_seeded and len(p.seeded_genome) != n_loci:
            raise ConfigurationError(
                f"heredity.seeded_genome: has {len(p.seeded_genome)} genes; genomes here have {n_loci}"
            )
        self.seed = jnp.asarray(np.array(p.seeded_genome, np.int8)) if self.n_seeded else None

    @property
    def n_loci(self) -> int:
        return self.strands.n_loci

    def found(self, bits: Bits, ids: Int32[Array, " n"]) -> Genomes:
        """Random genomes, one for each id; the first ones have the seeded genome."""
        genomes = self.strands.found(bits, ids)
        if self.seed is None:
            return genomes
        return jnp.where((ids <= self.n_seeded)[None, None, :], self.seed[None, :, None], genomes)

    def copy(self, bits: Bits, genomes: Int8[Array, "2 loci k"], child_ids: Int32[Array, " k"]) -> Genomes:
        """Copies for children, each gene replaced by a random one with the probability of mutation."""
        return self.strands.copy(bits, genomes, child_ids)

    def wants_exchange(self, word: UInt32[Array, " n"]) -> Array:
        """Whether a body that is first in its cell would exchange; `word` holds 16 random bits (the low ones)."""
        return (word & 0xFFFF).astype(jnp.int32) < self.exchange_threshold

    def exchange(
        self, bits: Bits, a: Int8[Array, "2 loci k"], b: Int8[Array, "2 loci k"], ids: Int32[Array, " k"]
    ) -> tuple[Genomes, Genomes]:
        """Pairs swap each locus of each strand with probability 1/2 (or the first takes it); `ids` addresses bits."""
        loci = jnp.arange(self.n_loci, dtype=jnp.uint32)
        block, bit = (loci >> 5)[:, None], (loci & 31)[None, :, None]
        shape = (self.n_loci, ids.shape[0])
        words = bits.of(jnp.broadcast_to(ids[None, :], shape), jnp.broadcast_to(block + jnp.uint32(EXCHANGE), shape))
        swaps = (jnp.stack(words) >> bit) & 1 == 1
        return jnp.where(swaps, b, a), b if self.copies else jnp.where(swaps, a, b)

    def frozen(self, meets: bool = False) -> Heredity:
        """Without mutation; and without exchange, unless bodies still meet."""
        still = (self.strands.frozen(), self.exchange_threshold if meets else jnp.int32(0))
        return eqx.tree_at(lambda heredity: (heredity.strands, heredity.exchange_threshold), self, still)


__all__ = ["EXCHANGE", "EXPRESSED", "GENE", "SHADOW", "Genomes", "Heredity"]
