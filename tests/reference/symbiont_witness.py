"""The witness of the layer `symbiont`, written from `docs/worlds/symbiont.md` alone.

What `petri` does is done by its own witness; elements are kept here in a dictionary by the id of the body, and treated
one by one in plain Python. Docstrings name the section of the page.

    world = found(law, seed=1, replicate=0)
    advance(world, 1000)
    world.elements[id]  # (strain, genes[strand][locus])
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tests.reference import petri_phases as phases
from tests.reference import petri_witness as petri
from tests.reference.petri_phases import advance

PASS, INHERIT, ELEMENT, COPY = 0x20000, 0x20001, 0x20100, 0x20200  # section 2
LOCI = range(3)
VIRULENCE, GERM, KEY = LOCI  # section 1


@dataclass(frozen=True, kw_only=True)
class Law(petri.Law):
    """The numbers of section 6 besides those of `petri`."""

    carriers_threshold: int
    drain: int
    help: int
    rivalry: int
    reach_threshold: int
    superinfection_threshold: int
    element_mutation_threshold: int
    lock_bits: int = 0

    @property
    def n_loci(self) -> int:
        return self.n_stimuli * self.n_acts + (self.lock_bits > 0)


class World(phases.World):
    """A replicate with its elements: by the id of the host the strain and the genes of both strands."""

    def __init__(self, law: Law, seed: int, replicate: int):
        super().__init__(law, seed, replicate)
        self.elements: dict[int, tuple[int, list[list[int]]]] = {}
        self.flows = dict(elements=0, inherited=0, passed=0)

    def inherit(self, key, before):
        _inherit(self, key, before)

    def pay(self):
        energy_before = self.bodies.energy[: self.alive].copy()
        super().pay()
        _burden(self, energy_before)

    def meet(self, key):
        super().meet(key)
        _pass(self, key)

    def tick_once(self):
        """Section 4: an element dies with its host."""
        super().tick_once()
        living = set(self.bodies.id[: self.alive].tolist())
        self.elements = {i: element for i, element in self.elements.items() if i in living}


def _bits(key, index, purpose):
    a, b = petri.threefry(*key, index, purpose)
    return int(a), int(b)


def _random_gene(word):
    return (word >> 24) - 128


def _copy(law, key, element, index, purpose):
    """Section 2"""
    strain, genes = element
    new = [list(strand) for strand in genes]
    for locus in LOCI:
        for strand, word in enumerate(_bits(key, index, purpose + locus)):
            if word & 0xFFFF < law.element_mutation_threshold:
                new[strand][locus] = _random_gene(word)
    return strain, new


def found(law: Law, seed: int, replicate: int) -> World:
    """Section 3"""
    world = World(law, seed, replicate)
    petri._found(world.numbers, *world.key, world.bodies, world.places)
    key = petri.threefry(*world.key, np.uint32(petri.FOUNDING_TICK))
    for i in range(1, law.founders + 1):
        if _bits(key, i, INHERIT)[0] & 0xFFFF < law.carriers_threshold:
            words = [_bits(key, i, ELEMENT + locus) for locus in LOCI]
            world.elements[i] = i, [[_random_gene(pair[strand]) for pair in words] for strand in (0, 1)]
    return world


def _level(element, locus):
    return element[1][0][locus] + 128


def _inherit(world, key, before):
    """4.1: the children stand behind those who lived before, in the order of the queue of their parents."""
    for parent, child in world.parents_and_children(before):
        if parent in world.elements:
            element = world.elements[parent]
            if _bits(key, child, INHERIT)[0] & 0xFFFF < 257 * _level(element, GERM):
                world.elements[child] = _copy(world.law, key, element, child, ELEMENT)
                world.flows["inherited"] += 1


def _burden(world, energy_before):
    """4.2"""
    law, energy = world.law, world.bodies.energy
    for place in range(world.alive):
        element = world.elements.get(int(world.bodies.id[place]))
        if element is None:
            continue
        dither = int(world.scratch.word_b[place]) >> 16
        cost = ((257 * _level(element, VIRULENCE) * (law.drain + law.help) + dither) >> 16) - law.help
        paid = int(energy_before[place]) - int(energy[place])
        cost = min(max(cost, -paid), int(energy[place]))
        energy[place] -= cost
        world.flows["elements"] += cost


def _pass(world, key):
    """4.3"""
    law, bodies = world.law, world.bodies
    for giver, receiver in world.meetings():
        i, j = int(bodies.id[giver]), int(bodies.id[receiver])
        if i not in world.elements:
            continue
        element = world.elements[i]
        effort = (_level(element, VIRULENCE) * (256 - ((_level(element, GERM) * law.rivalry) >> 8))) >> 8
        a, b = _bits(key, i, PASS)
        if (a >> 8) >= effort * law.reach_threshold:
            continue
        if j in world.elements and not b & 0xFFFF < law.superinfection_threshold:
            continue
        if law.lock_bits:
            lock = int(bodies.genome[receiver, 0, law.n_loci - 1])
            if (element[1][0][KEY] ^ lock) % 2**law.lock_bits:
                continue
        world.elements[j] = _copy(law, key, element, j, COPY)
        world.flows["passed"] += 1


__all__ = ["Law", "World", "advance", "found", "petri"]
