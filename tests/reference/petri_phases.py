"""A tick of the witness of `petri` phase by phase, for witnesses of what adds to it.

What a layer adds is written from its own page, in the methods that it replaces; the order of what it leaves as it is
stands here once (docs/worlds/petri.md, 5).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.reference import petri_witness as petri


class World(petri.World):
    """A replicate whose phases may be added to."""

    def tick_once(self) -> None:
        numbers, bodies, places, scratch, count = self.numbers, self.bodies, self.places, self.scratch, self.count
        t, before = self.tick, self.alive
        key = petri.threefry(*self.key, np.uint32(t))
        word = petri.threefry(*key, 0, petri.CONTEST)[0]
        petri._divide(numbers, t, *key, word, bodies, scratch.queue, count)
        self.inherit(key, before)
        petri._move_sources(numbers, *key, places)
        petri._let_drops_fall(numbers, *key, places, count)
        self.age(key, t)
        alive = self.alive
        petri._draw(*key, word, bodies, scratch, alive)
        petri._find_cells(numbers, bodies, scratch.cell, alive)
        self.sense(key)
        self.choose()
        petri._move(numbers, bodies, scratch, alive)
        petri._find_cells(numbers, bodies, scratch.cell, alive)
        self.pay()
        petri._eat(numbers, bodies, places, scratch, count, alive)
        self.meet(key)
        petri._disperse(scratch, alive)
        petri._die(bodies, count)
        count[petri.TICK] = t + 1
        if self.alive == 0:
            count[petri.STATE], count[petri.ENDED] = 1, t

    def age(self, key, t: int) -> None:
        """5.4"""
        for f, kind, values in self.fields():
            a, b = petri.threefry(*key, f, petri.FIELD)
            petri._diffuse(values, self.law.side, getattr(self.law, f"{kind}_diffusion"), t & 3, a, b)
            if t & 3 == 3:
                lost = petri._decay(values, getattr(self.law, f"{kind}_decay"), b, a)
                self.count[petri.DECAYED] += lost if f == 0 else 0

    def fields(self) -> list[tuple[int, str, np.ndarray]]:
        """Number, kind and values of each."""
        names = ("food", "odour", "signal")[: 2 + self.law.signal]
        return [(f, name, getattr(self.places, name)) for f, name in enumerate(names)]

    def inherit(self, key, before: int) -> None:
        """What children have of their parents besides genes; so many lived before."""

    def sense(self, key) -> None:
        petri._sense(self.numbers, self.bodies, self.places, self.scratch, self.alive)

    def choose(self) -> None:
        petri._choose(self.numbers, self.bodies.genome, self.scratch, self.alive)

    def pay(self) -> None:
        petri._pay(self.numbers, self.bodies, self.places, self.scratch, self.count, self.alive)

    def meet(self, key) -> None:
        petri._meet(self.numbers, *key, self.bodies, self.scratch, self.count, self.alive)

    def parents_and_children(self, before: int) -> Iterator[tuple[int, int]]:
        """Ids of parent and child: children stand behind those who lived before, in the order of the queue."""
        ids = self.bodies.id
        for k in range(self.alive - before):
            yield int(ids[int(self.scratch.queue[k] & np.uint64(0xFFFFFFFF))]), int(ids[before + k])

    def meetings(self) -> Iterator[tuple[int, int]]:
        """Places of the first and the last of every cell in which several stand."""
        crowds: dict[int, list[tuple[int, int]]] = {}
        for place in range(self.alive):
            crowds.setdefault(int(self.scratch.cell[place]), []).append((int(self.scratch.rank[place]), place))
        for crowd in crowds.values():
            if len(crowd) > 1:
                yield min(crowd)[1], max(crowd)[1]


def advance(world: World, ticks: int) -> None:
    """So many ticks, or to its end."""
    for _ in range(ticks):
        if world.status != "alive":
            return
        world.tick_once()
