"""The law of elements (docs/worlds/symbiont.md): a layer that neither the world, nor the mind, nor heredity knows of.

An element costs its host energy or saves it some, is inherited when the host divides, and is passed at touch: both as
its own genes say. After B. Agüera y Arcas, "Social intelligence" (NeurIPS 2019): a virus begins virulent and ends in
the germ line. That transmission at touch needs virulence, and that the two ways of transmission get in each other's
way, are the trade-offs of R. M. Anderson and R. M. May, Parasitology 85, 1982, and of P. E. Turner, V. S. Cooper and
R. E. Lenski, Evolution 52, 1998. Genes have two strands, as those of bodies: one acts, the other is a shadow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int8, Int32, UInt32

from mesocosm.core.arrays import sum32
from mesocosm.core.experiment import Events
from mesocosm.core.instrument import Fold, Log
from mesocosm.core.random import Bits, threshold16
from mesocosm.heredity.strands import EXPRESSED, Strands
from mesocosm.layers.book import Book
from mesocosm.layers.elements.carriers import Carriers
from mesocosm.layers.elements.entries import Logged
from mesocosm.layers.elements.parameters import GERM, KEY, N_LOCI, VIRULENCE, ElementParameters
from mesocosm.layers.layer import Layer, Variant
from mesocosm.record import Record
from mesocosm.record.about import About, Gene, Genome

PASS, INHERIT, GENE, COPY = 0x20000, 0x20001, 0x20100, 0x20200  # purposes of random bits; the locus is added


class Elements(eqx.Module):
    """What each body carries; the last axis is the slot."""

    strain: Int32[Array, " n"]  # id of the founder in which it began; 0 where the body carries none
    genes: Int8[Array, "2 loci n"]  # zeros where the body carries none

    @property
    def carried(self) -> Bool[Array, " n"]:
        return self.strain > 0

    def level(self, locus: int) -> Int32[Array, " n"]:
        """A gene that acts, as 0 ... 255."""
        return self.genes[EXPRESSED, locus].astype(jnp.int32) + 128

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


class Element(Layer):
    """What elements do to bodies, and how they get from one to another."""

    name: ClassVar[str] = "elements"
    losses: ClassVar[tuple[str, ...]] = ("elements",)
    seen: ClassVar[tuple[str, ...]] = ("element",)
    logged: ClassVar[tuple[str, ...]] = ("element", "element_genes")
    about: ClassVar[Mapping[str, About]] = {"element": About(words=("none", "carried"), leads=True)}
    words: ClassVar[Mapping[str, str]] = {"elements": "taken by elements, less what they saved"}

    lock_bits: int = eqx.field(static=True)
    strands: Strands
    carriers_threshold: Int32[Array, ""]
    drain: Int32[Array, ""]
    help: Int32[Array, ""]
    reach_threshold: Int32[Array, ""]
    rivalry: Int32[Array, ""]  # in 1/256
    superinfection_threshold: Int32[Array, ""]

    def __init__(self, parameters: ElementParameters):
        p = parameters
        self.lock_bits = p.lock_bits
        self.carriers_threshold = jnp.int32(threshold16(p.carriers))
        self.drain, self.help = jnp.int32(p.drain), jnp.int32(p.help)
        self.reach_threshold = jnp.int32(threshold16(p.reach))
        self.rivalry = jnp.int32(int(256 * p.rivalry + 0.5))
        self.superinfection_threshold = jnp.int32(threshold16(p.superinfection))
        self.strands = Strands(N_LOCI, GENE, p.mutation_probability)

    @property
    def host_loci(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]: depends on the parameters
        return int(self.lock_bits > 0)

    # -- the law ---------------------------------------------------------------------------------------------------

    def found(self, bits: Bits, ids: Int32[Array, " n"]) -> Elements:
        """Some founders carry an element with random genes (section 3)."""
        carries = (ids > 0) & (_low(bits.of(ids, INHERIT)[0]) < self.carriers_threshold)
        return Elements(ids, self.strands.found(bits, ids)).where(carries)

    def divide(self, bits: Bits, of_parents: Elements, child_ids: Int32[Array, " k"]) -> Elements:
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
            differs = (given.genes[EXPRESSED, KEY] ^ lock).astype(jnp.int32) & ((1 << self.lock_bits) - 1)
            enters = enters & (differs == 0)
        copied = self._copied(bits, given, ids, COPY)
        after = Elements(*(jnp.where(enters, a, b) for a, b in zip(_parts(copied), _parts(there), strict=True)))
        return after, enters

    def _copied(self, bits: Bits, elements: Elements, ids: Int32[Array, " k"], purpose: int) -> Elements:
        return Elements(elements.strain, self.strands.copy(bits, elements.genes, ids, purpose))

    # -- its part in a tick ----------------------------------------------------------------------------------------

    def pay(self, bits: Bits, state: Any, book: Book) -> tuple[Any, Book]:
        """Hosts pay for what they carry."""
        paid = state.world.bodies.energy
        energy, heat = self.burden(state.own(self.name), book["energy_before"], paid, book["meet_word"])
        return state.with_energy(energy), book.add(flows={"elements": heat})

    def meet(self, bits: Bits, state: Any, book: Book) -> tuple[Any, Book]:
        """The first of each meeting passes its element to the last."""
        before, bodies, genomes = state.own(self.name), state.world.bodies, state.genomes

        def step(carry: tuple[Elements, Array], pairs: Any) -> tuple[Elements, Array]:
            elements, giver = carry
            ids = bodies.id.at[pairs.last].get(mode="fill", fill_value=0)
            lock = None
            if self.lock_bits:
                locus = book.loci[self.name].start
                lock = genomes[EXPRESSED, locus].at[pairs.last].get(mode="fill", fill_value=0)
            given, there = elements.take(pairs.first), elements.take(pairs.last)
            after, enters = self.enter(bits, given, there, lock, pairs.first_id, ids)
            giver = giver.at[pairs.last].set(jnp.where(enters, pairs.first_id, 0), mode="drop")
            return elements.put(pairs.last, after), giver

        waiting = book["is_first"] & (book["crowd"] >= 2) & self.gives(bits, before, bodies.id)
        carry = (before, jnp.zeros_like(bodies.id))
        elements, giver = book.law.each_meeting(state.world, waiting, book["rank"], carry, step)
        is_newborn = bodies.alive & (bodies.born == bits.tick)
        flows = {
            "carrier_ticks": sum32(elements.carried),
            "inherited": sum32(is_newborn & before.carried),
            "passed": sum32(giver > 0),
        }
        columns = {"id": bodies.id, "giver": giver, **self.scene(elements)}
        return state.with_own(self.name, elements), book.add(flows, {"passes": Events(giver > 0, columns)})

    def scene(self, own: Elements) -> dict[str, Array]:
        return {"element": own.strain, "element_genes": own.genes}

    # -- what assays, records and people ask -----------------------------------------------------------------------

    def frozen(self, kind: str) -> Self:
        zero = jnp.int32(0)
        law = eqx.tree_at(lambda law: (law.strands, law.reach_threshold), self, (self.strands.frozen(), zero))
        return eqx.tree_at(lambda law: (law.drain, law.help), law, (zero, zero)) if kind == "garden" else law

    def variants(self) -> Mapping[str, Variant]:
        return {"cured": Variant(bodies=lambda population, mind: population.without(self.name))}

    def of_strand(self, own: Mapping[str, np.ndarray], strand: int) -> Mapping[str, np.ndarray]:
        return Logged().of_strand(own, strand)

    def at(self, record: Record, replicate: int, tick: int, ids: np.ndarray) -> Mapping[str, np.ndarray] | None:
        return Logged().at(record, replicate, tick, ids)

    def folds(self) -> dict[str, Fold]:
        return {"carriers": Carriers((("virulence", VIRULENCE), ("germ", GERM)))}

    def logs(self) -> tuple[Log, ...]:
        columns = tuple((name, name) for name in ("id", "giver", *self.logged))
        return (Log("passes", "passes", columns),)

    def genomes(self) -> tuple[Genome, ...]:
        """What it costs its host, and how surely a child of the host inherits it."""
        level, most, least = 1 / 255, int(self.drain) + int(self.help), int(self.help)
        costs = Gene("costs", "quanta per tick", (VIRULENCE,), scale=most * level, offset=most * 128 * level - least)
        germ = Gene("is inherited with probability", "", (GERM,), scale=level, offset=128 * level)
        return (Genome("bodies", "element_genes", (costs, germ), "What it carries", carrier="element"),)


def _parts(elements: Elements) -> tuple[Array, Array]:
    return elements.strain, elements.genes


def _low(word: UInt32[Array, "*n"]) -> Int32[Array, "*n"]:
    return (word & 0xFFFF).astype(jnp.int32)
