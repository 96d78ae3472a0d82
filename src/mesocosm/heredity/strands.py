"""Genes of two strands: one acts, the other is a shadow that is never read, an exact control for drift.

Whatever has genes declares them with `Strands`: bodies (`heredity.genomes`), what lives in them, and what one's own
layer or mind lets evolve. Both strands are founded, copied and mutated by the same law with their own random bits
(docs/worlds/petri.md, sections 3 to 5). Founding is the equilibrium of mutation: a gene drifts around a flat
distribution from the first tick.
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Int8, Int32, UInt32

from mesocosm.core.random import Bits, threshold16

EXPRESSED, SHADOW = 0, 1

Genes = Int8[Array, "2 loci n"]


class Strands(eqx.Module):
    """Replacement of single genes by random ones when they are copied.

    Args:
      n_loci: genes of a strand.
      purpose: of the random bits; the number of the locus is added.
      mutation_probability: per locus and copy.
    """

    n_loci: int = eqx.field(static=True)
    purpose: int = eqx.field(static=True)
    mutation_threshold: Int32[Array, ""]

    def __init__(self, n_loci: int, purpose: int, mutation_probability: float):
        self.n_loci, self.purpose = n_loci, purpose
        self.mutation_threshold = jnp.int32(threshold16(mutation_probability))

    def found(self, bits: Bits, ids: Int32[Array, " n"]) -> Genes:
        """Random genes, one row for each id."""
        return _gene(self._words(bits, ids, self.purpose))

    def copy(
        self, bits: Bits, genes: Int8[Array, "2 loci k"], ids: Int32[Array, " k"], purpose: int | None = None
    ) -> Genes:
        """Copies, each gene replaced by a random one with the probability of mutation; `ids` address the bits."""
        words = self._words(bits, ids, self.purpose if purpose is None else purpose)
        mutates = (words & 0xFFFF).astype(jnp.int32) < self.mutation_threshold
        return jnp.where(mutates, _gene(words), genes)

    def frozen(self) -> Strands:
        """Without mutation."""
        return eqx.tree_at(lambda strands: strands.mutation_threshold, self, jnp.int32(0))

    def _words(self, bits: Bits, ids: Int32[Array, " n"], purpose: int) -> UInt32[Array, "2 loci n"]:
        loci = jnp.arange(self.n_loci, dtype=jnp.uint32)[:, None]
        shape = (self.n_loci, ids.shape[0])
        counter = jnp.broadcast_to(ids[None, :], shape), jnp.broadcast_to(loci + jnp.uint32(purpose), shape)
        return jnp.stack(bits.of(*counter))


def _gene(words: UInt32[Array, "2 loci n"]) -> Genes:
    return ((words >> 24).astype(jnp.int32) - 128).astype(jnp.int8)
