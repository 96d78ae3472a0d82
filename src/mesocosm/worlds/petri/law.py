"""The law of `petri`, phase by phase, for one replicate (docs/worlds/petri.md, section 5).

Each phase takes the state and returns it with what it books. Who decides (minds) and what is inherited (heredity) come
from outside: the world never knows them.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int32, UInt32

from mesocosm.core.arrays import (
    any_replicate,
    deposit,
    first_true,
    gather_cells,
    highest_in,
    lowest,
    lowest_in,
    next_power_of_two,
    order_of,
    quotient,
    sum32,
)
from mesocosm.core.random import Bits, threshold16
from mesocosm.worlds.petri.fields import address, age
from mesocosm.worlds.petri.parameters import SENSES, PetriParameters
from mesocosm.worlds.petri.state import (
    BODY,
    DROP,
    FIELD,
    HEADING,
    PLACE,
    SOURCE,
    SOURCE_PLACE,
    Births,
    Bodies,
    Meetings,
    PetriState,
    Sources,
    ranks,
)

_COSINES = np.array([math.floor(256 * math.cos(2 * math.pi * h / 64) + 0.5) for h in range(64)], np.int32)
_SINES = np.roll(_COSINES, 16)
LAST_ID = 2**31 - 2**20
"""Where ids end: a replicate that gets there has the status overflow."""


_SEARCHED = 2**16
"""Comparisons up to which searching bodies is cheaper than a table of cells."""


def _round(n: int) -> int:
    """Places in a round of births or meetings: speed, never physics."""
    return max(8, n // 64)


def _set(module, **changes):
    return dataclasses.replace(module, **changes)


class Petri(eqx.Module):
    """The physics. Every number that can be swept is an int32 array; sizes and switches are static."""

    side: int = eqx.field(static=True)
    founders: int = eqx.field(static=True)
    n_sources: int = eqx.field(static=True)
    drops: int = eqx.field(static=True)
    senses: tuple[str, ...] = eqx.field(static=True)
    has_signal: bool = eqx.field(static=True)
    ceiling: Int32[Array, ""]
    founding_energy: Int32[Array, ""]
    division_energy: Int32[Array, ""]
    metabolism: Int32[Array, ""]
    bite: Int32[Array, ""]
    speed: Int32[Array, ""]
    drop_food: Int32[Array, ""]
    drop_odour: Int32[Array, ""]
    drop_spread: Int32[Array, ""]
    source_speed: Int32[Array, ""]
    turn_threshold: Int32[Array, ""]
    jump_threshold: Int32[Array, ""]
    diffusion: Int32[Array, "3"]  # food, odour, signal
    decay: Int32[Array, "3"]
    cell_capacity: Int32[Array, ""]
    odour_levels: Int32[Array, "3"]
    signal_levels: Int32[Array, "3"]
    trend_margin: Int32[Array, ""]
    emission_cost: Int32[Array, ""]
    emission_quanta: Int32[Array, ""]

    def __init__(self, parameters: PetriParameters):
        p = parameters
        self.side, self.founders, self.n_sources, self.drops = p.side, p.founders, p.n_sources, p.drops
        self.senses = tuple(s for s in SENSES if s in p.senses)
        self.has_signal = p.signal
        plain = (
            "ceiling founding_energy division_energy metabolism bite speed drop_food drop_odour drop_spread "
            "source_speed cell_capacity odour_levels signal_levels trend_margin emission_cost emission_quanta"
        )
        for name in plain.split():
            setattr(self, name, jnp.array(getattr(p, name), jnp.int32))
        self.turn_threshold = jnp.int32(threshold16(p.turn_probability))
        self.jump_threshold = jnp.int32(threshold16(p.jump_probability))
        self.diffusion = jnp.array([p.food_diffusion, p.odour_diffusion, p.signal_diffusion], jnp.int32)
        self.decay = jnp.array([p.food_decay, p.odour_decay, p.signal_decay], jnp.int32)

    @property
    def extent(self) -> int:
        """Side of the torus in subcells."""
        return 256 * self.side

    def wrap(self, position: Array) -> Array:
        return position & (self.extent - 1)

    def cells(self, x: Int32[Array, " n"], y: Int32[Array, " n"]) -> Int32[Array, " n"]:
        """Where the cell of a position lies in a flattened field."""
        return address(y >> 8, x >> 8, self.side)

    def _step(self, heading: Int32[Array, " n"], speed: Int32[Array, ""]) -> tuple[Array, Array]:
        # One table of both components: a second gather costs as much as the rest of the phase.
        dx, dy = (speed * jnp.asarray(_COSINES) + 128) >> 8, (speed * jnp.asarray(_SINES) + 128) >> 8
        both = ((dx << 16) | (dy & 0xFFFF)).at[heading].get(mode="promise_in_bounds")
        return both >> 16, (both << 16) >> 16

    # -- founding ------------------------------------------------------------------------------------------------

    def found(self, bits: Bits) -> PetriState:
        """Section 4, genomes aside."""
        n = next_power_of_two(2 * self.founders)  # a common trough-to-peak ratio, so that few runs grow
        ids = jnp.arange(1, n + 1, dtype=jnp.int32)
        ids = jnp.where(ids <= self.founders, ids, 0)
        is_body = ids > 0
        x, y = (self.wrap(word.astype(jnp.int32)) for word in bits.of(ids, PLACE))
        heading = (bits.of(ids, HEADING)[0] & 63).astype(jnp.int32)
        zero = jnp.zeros(n, jnp.int32)
        bodies = Bodies(
            id=ids,
            x=jnp.where(is_body, x, 0),
            y=jnp.where(is_body, y, 0),
            heading=jnp.where(is_body, heading, 0),
            energy=jnp.where(is_body, self.founding_energy, 0),
            last_odour=zero,
            touched=zero,
            born=zero - 1,
            lineage=ids,
            parent=zero,
        )
        j = jnp.arange(self.n_sources, dtype=jnp.int32)
        x, y = (self.wrap(word.astype(jnp.int32)) for word in bits.of(j, SOURCE))
        sources = Sources(x, y, (bits.of(j, SOURCE_PLACE)[0] & 63).astype(jnp.int32))
        field = jnp.zeros((2, 2, self.side // 2, self.side // 2), jnp.int32)
        n_fields = 3 if self.has_signal else 2
        return PetriState(jnp.int32(self.founders + 1), (field,) * n_fields, sources, bodies)

    # -- 5.1 divide ----------------------------------------------------------------------------------------------

    def asks_to_divide(self, state: PetriState) -> Bool[Array, " n"]:
        return state.bodies.alive & (state.bodies.energy >= self.division_energy)

    def may_divide(self, state: PetriState, word: UInt32[Array, ""]) -> Bool[Array, " n"]:
        """Who divides in this tick: all who ask, or as many as the ceiling permits, by rank."""
        permitted = jnp.maximum(self.ceiling - state.population, 0)
        return lowest(self.asks_to_divide(state), ranks(state.bodies.id, word), permitted)

    def divide(
        self, bits: Bits, next_id: Int32[Array, ""], b: Bodies, waiting: Bool[Array, " n"], word: UInt32[Array, ""]
    ) -> tuple[Int32[Array, ""], Bodies, Births, Bool[Array, " n"]]:
        """A round of divisions: the first of those who wait. Returns who still waits. Harmless where nobody does."""
        n = waiting.shape[0]
        size = min(1024, _round(n))
        rank = ranks(b.id, word)
        now = lowest(waiting, rank, jnp.int32(size))
        parent = first_true(now, size)
        child = first_true(~b.alive, size)
        is_birth = parent < n
        child = jnp.where(is_birth, child, n)

        def of_parent(column: Array) -> Array:
            return column.at[parent].get(mode="fill", fill_value=0)

        child_id = next_id + order_of(of_parent(rank), is_birth)
        energy = of_parent(b.energy)
        newborn = dict(
            id=child_id,
            x=of_parent(b.x),
            y=of_parent(b.y),
            heading=(bits.of(child_id, HEADING)[0] & 63).astype(jnp.int32),
            energy=energy >> 1,
            last_odour=of_parent(b.last_odour),
            touched=of_parent(b.touched),
            born=jnp.full(size, 0, jnp.int32) + bits.tick,
            lineage=of_parent(b.lineage),
            parent=of_parent(b.id),
        )
        b = _set(b, energy=b.energy.at[parent].set(energy - (energy >> 1), mode="drop"))
        b = Bodies(**{name: getattr(b, name).at[child].set(value, mode="drop") for name, value in newborn.items()})
        return next_id + sum32(is_birth), b, Births(parent, child, child_id), waiting & ~now

    # -- 5.2 to 5.4: sources and fields ----------------------------------------------------------------------------

    def move_sources(self, bits: Bits, state: PetriState) -> PetriState:
        s = state.sources
        j = jnp.arange(self.n_sources, dtype=jnp.int32)
        a, b = bits.of(j, SOURCE)
        jumps = (a & 0xFFFF).astype(jnp.int32) < self.jump_threshold
        turns = ~jumps & ((a >> 16).astype(jnp.int32) < self.turn_threshold)
        heading = jnp.where(turns, (b & 63).astype(jnp.int32), s.heading)
        dx, dy = self._step(heading, self.source_speed)
        to_x, to_y = (word.astype(jnp.int32) for word in bits.of(j, SOURCE_PLACE))
        x = self.wrap(jnp.where(jumps, to_x, s.x + dx))
        y = self.wrap(jnp.where(jumps, to_y, s.y + dy))
        return _set(state, sources=Sources(x, y, heading))

    def drop(self, bits: Bits, state: PetriState) -> tuple[PetriState, Int32[Array, ""]]:
        """Food and odour fall. Returns the food that spilled."""
        j, i = jnp.divmod(jnp.arange(self.n_sources * self.drops, dtype=jnp.int32), self.drops)

        def offset(word: Array) -> Array:
            difference = (word & 0xFFFF).astype(jnp.int32) - (word >> 16).astype(jnp.int32)
            return (difference * self.drop_spread) >> 16

        a, b = bits.of(256 * j + i, DROP)
        x = self.wrap(jnp.repeat(state.sources.x, self.drops) + offset(a))
        y = self.wrap(jnp.repeat(state.sources.y, self.drops) + offset(b))
        cells = self.cells(x, y)
        food, odour, *rest = (f.ravel() for f in state.fields)
        food = deposit(food, cells, jnp.full(cells.shape, 0, jnp.int32) + self.drop_food)
        odour = deposit(odour, cells, jnp.full(cells.shape, 0, jnp.int32) + self.drop_odour)
        # Only cells on which something fell can spill; several drops may share one, whence the first of each.
        cells = jnp.sort(cells)
        is_first = jnp.concatenate([jnp.ones(1, bool), cells[1:] != cells[:-1]])

        def spill(field: Array) -> Array:
            return jnp.where(is_first, jnp.maximum(gather_cells(field, cells) - self.cell_capacity, 0), 0)

        spilled = spill(food)
        food, odour = deposit(food, cells, -spilled), deposit(odour, cells, -spill(odour))
        fields = tuple(f.reshape(state.food.shape) for f in (food, odour, *rest))
        return _set(state, fields=fields), sum32(spilled)

    def age_fields(self, bits: Bits, state: PetriState) -> tuple[PetriState, Int32[Array, ""]]:
        """All fields diffuse and decay. Returns the food that decayed."""
        words = bits.of(jnp.arange(len(state.fields), dtype=jnp.int32), FIELD)
        aged = [
            age(v, self.diffusion[f], self.decay[f], (words[0][f], words[1][f]), bits.tick)
            for f, v in enumerate(state.fields)
        ]
        return _set(state, fields=tuple(v for v, _ in aged)), aged[0][1]

    # -- 5.5 sense and act -----------------------------------------------------------------------------------------

    def sense(self, state: PetriState) -> tuple[PetriState, Int32[Array, " n"]]:
        """Each body's stimulus; it remembers what it smelt."""
        b = state.bodies
        cells = self.cells(b.x, b.y)
        odour = gather_cells(state.fields[1].ravel(), cells)

        def level(value: Array, levels: Array) -> Array:
            return jnp.sum(value[None, :] >= levels[:, None], axis=0, dtype=jnp.int32)

        reads = {
            "odour": lambda: level(odour, self.odour_levels),
            "trend": lambda: jnp.where(
                odour + self.trend_margin < b.last_odour, 0, jnp.where(odour > b.last_odour + self.trend_margin, 2, 1)
            ),
            "touch": lambda: b.touched,
            "signal": lambda: level(gather_cells(state.fields[2].ravel(), cells), self.signal_levels),
            "energy": lambda: level(4 * b.energy, jnp.arange(1, 4, dtype=jnp.int32) * self.division_energy),
        }
        stimulus = jnp.zeros_like(b.id)
        for name in self.senses:
            stimulus = stimulus * SENSES[name] + reads[name]()
        return _set(state, bodies=_set(b, last_odour=jnp.where(b.alive, odour, 0))), stimulus

    def draw(self, bits: Bits, state: PetriState) -> tuple[UInt32[Array, " n"], UInt32[Array, " n"]]:
        """The 64 bits of each body in this tick."""
        return bits.of(state.bodies.id, BODY)

    def move(self, state: PetriState, act: Int32[Array, " n"], word: UInt32[Array, " n"]) -> PetriState:
        """Tumblers turn, runners step."""
        b = state.bodies
        tumbles = (act & 1) == 1
        heading = jnp.where(tumbles, ((word >> 16) & 63).astype(jnp.int32), b.heading)
        dx, dy = self._step(b.heading, self.speed)
        runs = b.alive & ~tumbles
        x = jnp.where(runs, self.wrap(b.x + dx), b.x)
        y = jnp.where(runs, self.wrap(b.y + dy), b.y)
        return _set(state, bodies=_set(b, x=x, y=y, heading=heading))

    # -- 5.6 to 5.9: pay, eat, meet, die ---------------------------------------------------------------------------

    def pay(self, state: PetriState, act: Int32[Array, " n"]) -> tuple[PetriState, dict[str, Int32[Array, ""]]]:
        b = state.bodies
        metabolism = jnp.minimum(b.energy, self.metabolism)
        left = b.energy - metabolism
        if not self.has_signal:
            flows = {"metabolism": sum32(metabolism), "signalling": jnp.int32(0)}
            return _set(state, bodies=_set(b, energy=left)), flows
        emits = b.alive & (act >= 2)
        signalling = jnp.where(emits, jnp.minimum(left, self.emission_cost), 0)
        food, odour, signal = state.fields
        amounts = jnp.where(emits, self.emission_quanta, 0)
        signal = deposit(signal.ravel(), self.cells(b.x, b.y), amounts).reshape(signal.shape)
        signal = jnp.minimum(signal, self.cell_capacity)
        state = _set(state, bodies=_set(b, energy=left - signalling), fields=(food, odour, signal))
        return state, {"metabolism": sum32(metabolism), "signalling": sum32(signalling)}

    def eat(
        self, state: PetriState, rank: UInt32[Array, " n"]
    ) -> tuple[PetriState, dict[str, Int32[Array, ""]], Int32[Array, " n"], Bool[Array, " n"]]:
        """Bodies in a cell share its food; the first takes the remainder.

        Returns, besides, how many share each body's cell and whether the body is the first there.
        """
        b = state.bodies
        cells = self.cells(b.x, b.y)
        n_cells = self.side**2
        crowd = gather_cells(deposit(jnp.zeros(n_cells, jnp.int32), cells, b.alive.astype(jnp.int32)), cells)
        crowd = jnp.maximum(crowd, 1)
        worst = jnp.full(n_cells, 0xFFFFFFFF, jnp.uint32)
        best = lowest_in(worst, cells, jnp.where(b.alive, rank, jnp.uint32(0xFFFFFFFF)))
        is_first = b.alive & (gather_cells(best, cells) == rank)
        food = gather_cells(state.food.ravel(), cells)
        share = jnp.minimum(quotient(food, crowd), self.bite)
        rest = jnp.where(is_first, jnp.minimum(food - crowd * share, self.bite - share), 0)
        taken = jnp.where(b.alive, share + rest, 0)
        energy = b.energy + taken
        kept = jnp.minimum(energy, self.division_energy)
        fields = (deposit(state.food.ravel(), cells, -taken).reshape(state.food.shape), *state.fields[1:])
        flows = {"eaten": sum32(taken), "wasted": sum32(energy - kept)}
        return _set(state, fields=fields, bodies=_set(b, energy=kept)), flows, crowd, is_first

    def touch(self, state: PetriState, crowd: Int32[Array, " n"]) -> PetriState:
        touched = (state.bodies.alive & (crowd >= 2)).astype(jnp.int32)
        return _set(state, bodies=_set(state.bodies, touched=touched))

    def last_ranks(self, state: PetriState, rank: UInt32[Array, " n"]) -> UInt32[Array, " n"]:
        """The highest rank in each body's cell."""
        b = state.bodies
        cells = self.cells(b.x, b.y)
        most = jnp.zeros(self.side**2, jnp.uint32)
        return gather_cells(highest_in(most, cells, jnp.where(b.alive, rank, jnp.uint32(0))), cells)

    def last_finder(
        self, state: PetriState, rank: UInt32[Array, " n"]
    ) -> Callable[[Int32[Array, " k"]], Int32[Array, " k"]]:
        """A function from cells to the slot of the last body (highest rank) in each.

        A table of all cells costs as much as a phase; where few bodies are asked for among few, each is searched.
        """
        b, n = state.bodies, rank.shape[0]
        cells = self.cells(b.x, b.y)
        slot = jnp.arange(n, dtype=jnp.int32)
        if n * _round(n) <= _SEARCHED:

            def search(asked: Array) -> Array:
                there = (cells[None, :] == asked[:, None]) & b.alive[None, :]
                ranks = jnp.where(there, rank[None, :], jnp.uint32(0))
                is_last = there & (ranks == jnp.max(ranks, axis=1, keepdims=True))
                return jnp.sum(jnp.where(is_last, slot[None, :], 0), axis=1, dtype=jnp.int32)

            return search
        is_last = b.alive & (self.last_ranks(state, rank) == rank)
        table = highest_in(jnp.zeros(self.side**2, jnp.int32), cells, jnp.where(is_last, slot, 0))
        return lambda asked: table.at[asked].get(mode="promise_in_bounds")

    def meet(
        self, state: PetriState, waiting: Bool[Array, " n"], last_slot: Callable[[Array], Array]
    ) -> tuple[Meetings, Bool[Array, " n"]]:
        """A round of meetings: pairs whose first waits, with the last of its cell. Returns who still waits."""
        b, n = state.bodies, waiting.shape[0]
        first = first_true(waiting, _round(n))
        last = last_slot(self.cells(b.x, b.y).at[first].get(mode="clip"))
        first_id = b.id.at[first].get(mode="fill", fill_value=0)
        still = waiting & ~jnp.zeros_like(waiting).at[first].set(True, mode="drop")
        return Meetings(first, jnp.where(first < n, last, n), first_id), still

    def die(self, state: PetriState) -> tuple[PetriState, Bool[Array, " n"]]:
        """Bodies without energy leave their slots. Returns who died."""
        b = state.bodies
        starved = b.alive & (b.energy == 0)
        return _set(state, bodies=_set(b, id=jnp.where(starved, 0, b.id))), starved

    def is_waiting(self, waiting: Bool[Array, " n"]) -> Bool[Array, ""]:
        """Whether anybody waits for another round, here or in a replicate beside."""
        return any_replicate(jnp.any(waiting))
