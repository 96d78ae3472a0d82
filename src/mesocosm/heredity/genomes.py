"""Genomes of two strands: one expressed, one a shadow that is never read (an exact control for drift).

Both strands are founded, copied, mutated and exchanged by the same law with their own random bits
(docs/worlds/petri.md, sections 3 to 5). Founding is the equilibrium of mutation: a gene drifts around a flat
distribution from the first tick.
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Int8, Int32, UInt32

from mesocosm.core.random import Bits, threshold16
from mesocosm.heredity.parameters import HeredityParameters

EXCHANGE, GENE = 0x100, 0x10000  # purposes of random bits; the number of the locus (or of 32 loci) is added

EXPRESSED = 0
"""The strand that a mind reads; strand 1 is the shadow."""

Genomes = Int8[Array, "2 loci n"]


class Heredity(eqx.Module):
    """Replacement of single genes at birth, and reciprocal exchange: a swap, which conserves allele counts."""

    n_loci: int = eqx.field(static=True)
    mutation_threshold: Int32[Array, ""]
    exchange_threshold: Int32[Array, ""]

    def __init__(self, parameters: HeredityParameters, n_loci: int):
        self.n_loci = n_loci
        self.mutation_threshold = jnp.int32(threshold16(parameters.mutation_probability))
        self.exchange_threshold = jnp.int32(threshold16(parameters.exchange_probability))

    def _words(self, bits: Bits, ids: Int32[Array, " n"]) -> UInt32[Array, "2 loci n"]:
        loci = jnp.arange(self.n_loci, dtype=jnp.uint32)[:, None]
        shape = (self.n_loci, ids.shape[0])
        counter = jnp.broadcast_to(ids[None, :], shape), jnp.broadcast_to(loci + jnp.uint32(GENE), shape)
        return jnp.stack(bits.of(*counter))

    def found(self, bits: Bits, ids: Int32[Array, " n"]) -> Genomes:
        """Random genomes, one for each id."""
        return _gene(self._words(bits, ids))

    def copy(self, bits: Bits, genomes: Int8[Array, "2 loci k"], child_ids: Int32[Array, " k"]) -> Genomes:
        """Copies for children, each gene replaced by a random one with the probability of mutation."""
        words = self._words(bits, child_ids)
        mutates = (words & 0xFFFF).astype(jnp.int32) < self.mutation_threshold
        return jnp.where(mutates, _gene(words), genomes)

    def wants_exchange(self, word: UInt32[Array, " n"]) -> Array:
        """Whether a body that is first in its cell would exchange; `word` holds 16 random bits (the low ones)."""
        return (word & 0xFFFF).astype(jnp.int32) < self.exchange_threshold

    def exchange(
        self, bits: Bits, a: Int8[Array, "2 loci k"], b: Int8[Array, "2 loci k"], ids: Int32[Array, " k"]
    ) -> tuple[Genomes, Genomes]:
        """Pairs swap each locus of each strand with probability 1/2; `ids` addresses the bits of a pair."""
        loci = jnp.arange(self.n_loci, dtype=jnp.uint32)
        block, bit = (loci >> 5)[:, None], (loci & 31)[None, :, None]
        shape = (self.n_loci, ids.shape[0])
        words = bits.of(jnp.broadcast_to(ids[None, :], shape), jnp.broadcast_to(block + jnp.uint32(EXCHANGE), shape))
        swaps = (jnp.stack(words) >> bit) & 1 == 1
        return jnp.where(swaps, b, a), jnp.where(swaps, a, b)


def _gene(words: UInt32[Array, "2 loci n"]) -> Genomes:
    return ((words >> 24).astype(jnp.int32) - 128).astype(jnp.int8)
