"""The law of elements (docs/worlds/symbiont.md): a layer that neither the world, nor the mind, nor heredity knows of.

An element costs its host energy or saves it some, is inherited when the host divides, and is passed at touch: both as
its own genes say. After B. Agüera y Arcas, "Social intelligence" (NeurIPS 2019): a virus begins virulent and ends in
the germ line. That transmission at touch needs virulence, and that the two ways of transmission get in each other's
way, are the trade-offs of R. M. Anderson and R. M. May, Parasitology 85, 1982, and of P. E. Turner, V. S. Cooper and
R. E. Lenski, Evolution 52, 1998. Genes have two strands, as those of bodies: one acts, the other is a shadow.
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int8, Int32, UInt32

from mesocosm.core.random import Bits, threshold16
from mesocosm.layers.elements.parameters import GERM, KEY, N_LOCI, VIRULENCE, ElementParameters

PASS, INHERIT, GENE, COPY = 0x20000, 0x20001, 0x20100, 0x20200  # purposes of random bits; the locus is added
ACTING = 0
"""The strand that acts; strand 1 is the shadow."""


class Elements(eqx.Module):
    """What each body carries; the last axis is the slot."""

    strain: Int32[Array, " n"]  # id of the founder in which it began; 0 where the body carries none
    genes: Int8[Array, "2 loci n"]  # zeros where the body carries none

    @property
    def carried(self) -> Bool[Array, " n"]:
        return self.strain > 0

    def level(self, locus: int) -> Int32[Array, " n"]:
        """A gene that acts, as 0 ... 255."""
        return self.genes[ACTING, locus].astype(jnp.int32) + 128

    def where(self, mask: Bool[Array, " n"]) -> Elements:
        """Those of the bodies named; the others carry none."""
        return Elements(jnp.where(mask, self.strain, 0), jnp.where(mask, self.genes, 0))

    def take(self, slots: Int32[Array, " k"]) -> Elements:
        """Those of the bodies in these slots; none where there is no such slot."""
        strain, genes = (x.at[..., slots].get(mode="fill", fill_value=0) for x in (self.strain, self.genes))
        return Elements(strain, genes)

    def put(self, slots: Int32[Array, " k"], given: Elements) -> Elements:
        """With these elements in these slots; those of no slot are dropped."""
        pairs = ((self.strain, given.strain), (self.genes, given.genes))
        return Elements(*(x.at[..., slots].set(new, mode="drop") for x, new in pairs))


class Element(eqx.Module):
    """What elements do to bodies, and how they get from one to another."""

    lock_bits: int = eqx.field(static=True)
    carriers_threshold: Int32[Array, ""]
    drain: Int32[Array, ""]
    help: Int32[Array, ""]
    reach_threshold: Int32[Array, ""]
    rivalry: Int32[Array, ""]  # in 1/256
    superinfection_threshold: Int32[Array, ""]
    mutation_threshold: Int32[Array, ""]

    def __init__(self, parameters: ElementParameters):
        p = parameters
        self.lock_bits = p.lock_bits
        self.carriers_threshold = jnp.int32(threshold16(p.carriers))
        self.drain, self.help = jnp.int32(p.drain), jnp.int32(p.help)
        self.reach_threshold = jnp.int32(threshold16(p.reach))
        self.rivalry = jnp.int32(int(256 * p.rivalry + 0.5))
        self.superinfection_threshold = jnp.int32(threshold16(p.superinfection))
        self.mutation_threshold = jnp.int32(threshold16(p.mutation_probability))

    def found(self, bits: Bits, ids: Int32[Array, " n"]) -> Elements:
        """Some founders carry an element with random genes (section 3)."""
        carries = (ids > 0) & (_low(bits.of(ids, INHERIT)[0]) < self.carriers_threshold)
        return Elements(ids, _gene(_words(bits, ids, GENE))).where(carries)

    def inherit(self, bits: Bits, of_parents: Elements, child_ids: Int32[Array, " k"]) -> Elements:
        """What newborns carry (section 4.1)."""
        inherits = of_parents.carried & (_low(bits.of(child_ids, INHERIT)[0]) < 257 * of_parents.level(GERM))
        return self._copied(bits, of_parents, child_ids, GENE).where(inherits)

    def burden(
        self, elements: Elements, before: Int32[Array, " n"], after: Int32[Array, " n"], word: UInt32[Array, " n"]
    ) -> tuple[Int32[Array, " n"], Int32[Array, ""]]:
        """Elements take from their hosts or save them some (section 4.2).

        Args:
          before, after: energies before and after bodies paid for their living.
          word: 16 random bits of each body (the high ones).

        Returns:
          Energies, and the heat: what was taken less what was saved.
        """
        dither = (word >> 16).astype(jnp.int32)
        cost = ((257 * elements.level(VIRULENCE) * (self.drain + self.help) + dither) >> 16) - self.help
        cost = jnp.clip(cost, after - before, after)  # never more than was paid, or is there
        cost = jnp.where(elements.carried, cost, 0)
        return after - cost, jnp.sum(cost, dtype=jnp.int32)

    def gives(self, bits: Bits, elements: Elements, ids: Int32[Array, " n"]) -> Bool[Array, " n"]:
        """Whether a body would pass its element on if it is first in a meeting (section 4.3)."""
        effort = (elements.level(VIRULENCE) * (256 - ((elements.level(GERM) * self.rivalry) >> 8))) >> 8
        drawn = (bits.of(ids, PASS)[0] >> 8).astype(jnp.int32)
        return elements.carried & (drawn < effort * self.reach_threshold)

    def enter(
        self,
        bits: Bits,
        given: Elements,
        there: Elements,
        lock: Int8[Array, " k"] | None,
        giver_ids: Int32[Array, " k"],
        ids: Int32[Array, " k"],
    ) -> tuple[Elements, Bool[Array, " k"]]:
        """What bodies carry after an element was passed to them, and whether it has entered (section 4.3).

        Args:
          lock: the hosts' genes for it; None where there are no locks.
          giver_ids, ids: of the giver and the receiver of each pair.
        """
        displaces = _low(bits.of(giver_ids, PASS)[1]) < self.superinfection_threshold
        enters = given.carried & (~there.carried | displaces)
        if lock is not None:
            differs = (given.genes[ACTING, KEY] ^ lock).astype(jnp.int32) & ((1 << self.lock_bits) - 1)
            enters = enters & (differs == 0)
        copied = self._copied(bits, given, ids, COPY)
        after = Elements(*(jnp.where(enters, a, b) for a, b in zip(_parts(copied), _parts(there), strict=True)))
        return after, enters

    def _copied(self, bits: Bits, elements: Elements, ids: Int32[Array, " k"], purpose: int) -> Elements:
        words = _words(bits, ids, purpose)
        return Elements(elements.strain, jnp.where(_low(words) < self.mutation_threshold, _gene(words), elements.genes))


def _parts(elements: Elements) -> tuple[Array, Array]:
    return elements.strain, elements.genes


def _low(word: UInt32[Array, "*n"]) -> Int32[Array, "*n"]:
    return (word & 0xFFFF).astype(jnp.int32)


def _words(bits: Bits, ids: Int32[Array, " n"], purpose: int) -> UInt32[Array, "2 loci n"]:
    shape = (N_LOCI, ids.shape[0])
    purposes = jnp.arange(N_LOCI, dtype=jnp.uint32)[:, None] + jnp.uint32(purpose)
    return jnp.stack(bits.of(jnp.broadcast_to(ids[None, :], shape), jnp.broadcast_to(purposes, shape)))


def _gene(words: UInt32[Array, "2 loci n"]) -> Int8[Array, "2 loci n"]:
    return ((words >> 24).astype(jnp.int32) - 128).astype(jnp.int8)
