"""The law of `petri`, phase by phase, for one replicate (docs/worlds/petri.md, section 5).

Each phase takes the state and returns it with what it books. Who decides (minds) and what is inherited (heredity) come
from outside: the world never knows them.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Int32, UInt32

from mesocosm.core.arrays import (
    any_replicate,
    deposit,
    gather_cells,
    highest_in,
    lowest,
    lowest_in,
    quotient,
    sum32,
)
from mesocosm.core.random import Bits, threshold16
from mesocosm.worlds.petri import births, demes, meetings
from mesocosm.worlds.petri.fields import FOOD, ODOUR, SIGNAL, FieldLaw, address, age
from mesocosm.worlds.petri.parameters import PetriParameters
from mesocosm.worlds.petri.senses import Sense, n_stimuli, ordered
from mesocosm.worlds.petri.state import (
    BODY,
    DROP,
    FIELD,
    SOURCE,
    SOURCE_PLACE,
    Bodies,
    Meal,
    Meetings,
    PetriState,
    Sources,
    ranks,
)

_COSINES = np.array([math.floor(256 * math.cos(2 * math.pi * h / 64) + 0.5) for h in range(64)], np.int32)
_SINES = np.roll(_COSINES, 16)
LAST_ID = 2**31 - 2**20
"""Where ids end: a replicate that gets there has the status overflow."""


def _set(module, **changes):
    return dataclasses.replace(module, **changes)


class Petri(eqx.Module):
    """The physics. Every number that can be swept is an int32 array; sizes and switches are static."""

    side: int = eqx.field(static=True)
    founders: int = eqx.field(static=True)
    n_sources: int = eqx.field(static=True)
    drops: int = eqx.field(static=True)
    demes: int = eqx.field(static=True)
    senses: tuple[Sense, ...] = eqx.field(static=True)
    fields: tuple[FieldLaw, ...] = eqx.field(static=True)
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
    diffusion: dict[str, Int32[Array, ""]]
    decay: dict[str, Int32[Array, ""]]
    cell_capacity: Int32[Array, ""]
    odour_levels: Int32[Array, "3"]
    signal_levels: Int32[Array, "3"]
    trend_margin: Int32[Array, ""]
    emission_cost: Int32[Array, ""]
    emission_quanta: Int32[Array, ""]
    migration: demes.Migration | None

    def __init__(
        self,
        parameters: PetriParameters,
        senses: Sequence[Sense] = (),
        fields: Mapping[FieldLaw, tuple[int, int]] | None = None,
    ):
        """The law with these parameters.

        Args:
          senses: one's own, besides those of the parameters.
          fields: one's own, each with its diffusion and its decay.
        """
        p = parameters
        self.side, self.founders, self.drops = p.side, p.founders, p.drops
        self.demes, self.n_sources = p.demes, p.demes * p.n_sources
        self.senses = tuple(ordered([*p.senses, *senses]))
        self.has_signal = p.signal
        own = {FOOD: (p.food_diffusion, p.food_decay), ODOUR: (p.odour_diffusion, p.odour_decay)}
        own |= {SIGNAL: (p.signal_diffusion, p.signal_decay)} if p.signal else {}
        own |= fields or {}
        self.fields = tuple(own)
        self.diffusion, self.decay = ({f.name: jnp.int32(pair[k]) for f, pair in own.items()} for k in (0, 1))
        self.migration = demes.Migration(p) if p.demes > 1 else None
        plain = (
            "ceiling founding_energy division_energy metabolism bite speed drop_food drop_odour drop_spread "
            "source_speed cell_capacity odour_levels signal_levels trend_margin emission_cost emission_quanta"
        )
        for name in plain.split():
            setattr(self, name, jnp.array(getattr(p, name), jnp.int32))
        self.turn_threshold = jnp.int32(threshold16(p.turn_probability))
        self.jump_threshold = jnp.int32(threshold16(p.jump_probability))

    @property
    def extent(self) -> int:
        """Side of the torus in subcells."""
        return 256 * self.side

    def wrap(self, position: Array) -> Array:
        return position & (self.extent - 1)

    @property
    def n_cells(self) -> int:
        return self.demes * self.side**2

    @property
    def n_stimuli(self) -> int:
        return n_stimuli(self.senses)

    @property
    def n_acts(self) -> int:
        return 4 if self.has_signal else 2

    def cells(
        self, x: Int32[Array, " n"], y: Int32[Array, " n"], deme: Int32[Array, " n"] | None = None
    ) -> Int32[Array, " n"]:
        """Where the cell of a position lies in a flattened field."""
        cell = address(y >> 8, x >> 8, self.side)
        return cell if deme is None else cell + deme * self.side**2

    def cells_of(self, b: Bodies) -> Int32[Array, " n"]:
        """Where the cell of each body lies in a flattened field."""
        return self.cells(b.x, b.y, b.deme)

    def at_bodies(self, state: PetriState, field: str) -> Int32[Array, " n"]:
        """How much of a field there is in the cell of each body."""
        return gather_cells(state.fields[field].ravel(), self.cells_of(state.bodies))

    def level(self, value: Int32[Array, " n"], levels: Int32[Array, " k"]) -> Int32[Array, " n"]:
        """How many of the thresholds a value reaches."""
        return jnp.sum(value[None, :] >= levels[:, None], axis=0, dtype=jnp.int32)

    def quarters(self) -> Int32[Array, "3"]:
        return jnp.arange(1, 4, dtype=jnp.int32)

    def _step(self, heading: Int32[Array, " n"], speed: Int32[Array, ""]) -> tuple[Array, Array]:
        # One table of both components: a second gather costs as much as the rest of the phase.
        dx, dy = (speed * jnp.asarray(_COSINES) + 128) >> 8, (speed * jnp.asarray(_SINES) + 128) >> 8
        both = ((dx << 16) | (dy & 0xFFFF)).at[heading].get(mode="promise_in_bounds")
        return both >> 16, (both << 16) >> 16

    # -- 5.1 divide ----------------------------------------------------------------------------------------------

    def found(self, bits: Bits) -> PetriState:
        return births.found(self, bits)

    def asks_to_divide(self, state: PetriState) -> Bool[Array, " n"]:
        return state.bodies.alive & (state.bodies.energy >= self.division_energy)

    def may_divide(self, state: PetriState, word: UInt32[Array, ""]) -> Bool[Array, " n"]:
        """Who divides in this tick: all who ask, or as many as the ceiling permits, by rank."""
        permitted = jnp.maximum(self.ceiling - state.population, 0)
        return lowest(self.asks_to_divide(state), ranks(state.bodies.id, word), permitted)

    divide = staticmethod(births.divide)

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
        cells = self.cells(x, y, self.deme_of_source(j) if self.migration else None)
        food, odour = (state.fields[name].ravel() for name in ("food", "odour"))
        food = deposit(food, cells, jnp.full(cells.shape, 0, jnp.int32) + self.drop_food)
        odour = deposit(odour, cells, jnp.full(cells.shape, 0, jnp.int32) + self.drop_odour)
        # Only cells on which something fell can spill; several drops may share one, whence the first of each.
        cells = jnp.sort(cells)
        is_first = jnp.concatenate([jnp.ones(1, bool), cells[1:] != cells[:-1]])

        def spill(field: Array) -> Array:
            return jnp.where(is_first, jnp.maximum(gather_cells(field, cells) - self.cell_capacity, 0), 0)

        spilled = spill(food)
        food, odour = deposit(food, cells, -spilled), deposit(odour, cells, -spill(odour))
        return self.with_fields(state, food=food, odour=odour), sum32(spilled)

    def deme_of_source(self, j: Int32[Array, " j"]) -> Int32[Array, " j"]:
        return j // (self.n_sources // self.demes)

    def with_fields(self, state: PetriState, **fields: Int32[Array, "..."]) -> PetriState:
        """With these fields changed; they may be flat."""
        shaped = {name: field.reshape(state.food.shape) for name, field in fields.items()}
        return _set(state, fields={**state.fields, **shaped})

    def age_fields(self, bits: Bits, state: PetriState) -> tuple[PetriState, dict[str, Int32[Array, ""]]]:
        """All fields diffuse and decay. Returns how much of each decayed."""
        numbers = jnp.array([f.number for f in self.fields], jnp.int32)
        if self.migration:
            numbers = numbers[None, :] + 256 * jnp.arange(self.demes, dtype=jnp.int32)[:, None]
        a, b = bits.of(numbers, FIELD)
        aged, lost = {}, {}
        for k, f in enumerate(self.fields):
            name, is_ours = f.name, f in (FOOD, ODOUR, SIGNAL)

            def one(v: Array, words: tuple[Array, Array], name: str = name, is_ours: bool = is_ours) -> Any:
                return age(v, self.diffusion[name], self.decay[name], words, bits.tick, is_ours)

            if self.migration:
                aged[name], decayed = jax.vmap(one)(state.fields[name], (a[:, k], b[:, k]))
                lost[name] = sum32(decayed)
            else:
                aged[name], lost[name] = one(state.fields[name], (a[k], b[k]))
        return _set(state, fields=aged), lost

    # -- 5.5 sense and act -----------------------------------------------------------------------------------------

    def sense(self, state: PetriState) -> tuple[PetriState, dict[str, Int32[Array, " n"]]]:
        """The level of each sense of each body; bodies remember what they smelt."""
        b = state.bodies
        levels = {sense.name: sense.read(self, state) for sense in self.senses if sense.read}
        remembered = jnp.where(b.alive, self.at_bodies(state, "odour"), 0)
        return _set(state, bodies=_set(b, last_odour=remembered)), levels

    def stimulus(self, state: PetriState, levels: dict[str, Int32[Array, " n"]]) -> Int32[Array, " n"]:
        """The levels of all senses as one number, digit by digit."""
        stimulus = jnp.zeros_like(state.bodies.id)
        for sense in self.senses:
            stimulus = stimulus * sense.n_levels + levels[sense.name]
        return stimulus

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

    def migrate(
        self, bits: Bits, state: PetriState, rank: UInt32[Array, " n"]
    ) -> tuple[PetriState, dict[str, Int32[Array, ""]]]:
        """Some bodies change their torus, where there are several (docs/worlds/demes.md)."""
        if self.migration is None:
            return state, {}
        bodies, moved = self.migration.move(bits, state.bodies, rank)
        return _set(state, bodies=bodies), {"migrants": moved}

    def frozen(self, kind: str) -> Petri:
        """The law in an assay: no births but in a competition or a monoculture; in a garden nobody
        pays, and reserves are full."""
        zero = jnp.int32(0)
        law = self if kind in ("competition", "monoculture") else eqx.tree_at(lambda law: law.ceiling, self, zero)
        if kind != "garden":
            return law
        spent = (zero, zero, law.division_energy)
        return eqx.tree_at(lambda law: (law.metabolism, law.emission_cost, law.founding_energy), law, spent)

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
        amounts = jnp.where(emits, self.emission_quanta, 0)
        signal = deposit(state.fields["signal"].ravel(), self.cells_of(b), amounts)
        state = self.with_fields(state, signal=jnp.minimum(signal, self.cell_capacity))
        return _set(state, bodies=_set(b, energy=left - signalling)), {
            "metabolism": sum32(metabolism),
            "signalling": sum32(signalling),
        }

    def eat(self, state: PetriState, rank: UInt32[Array, " n"]) -> tuple[PetriState, Meal]:
        """Bodies in a cell share its food; the first takes the remainder."""
        b = state.bodies
        cells = self.cells_of(b)
        n_cells = self.n_cells
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
        state = self.with_fields(state, food=deposit(state.food.ravel(), cells, -taken))
        return _set(state, bodies=_set(b, energy=kept)), Meal(taken, sum32(energy - kept), crowd, is_first)

    def touch(self, state: PetriState, crowd: Int32[Array, " n"]) -> PetriState:
        touched = (state.bodies.alive & (crowd >= 2)).astype(jnp.int32)
        return _set(state, bodies=_set(state.bodies, touched=touched))

    def last_ranks(self, state: PetriState, rank: UInt32[Array, " n"]) -> UInt32[Array, " n"]:
        """The highest rank in each body's cell."""
        b = state.bodies
        cells = self.cells_of(b)
        most = jnp.zeros(self.n_cells, jnp.uint32)
        return gather_cells(highest_in(most, cells, jnp.where(b.alive, rank, jnp.uint32(0))), cells)

    def each_meeting(
        self,
        state: PetriState,
        waiting: Bool[Array, " n"],
        rank: UInt32[Array, " n"],
        carry: Any,
        step: Callable[[Any, Meetings], Any],
    ) -> Any:
        """What is left of `carry` after `carry = step(carry, pairs)` in rounds, until nobody waits as the first of a
        pair: the length of a round is speed, never physics."""
        last_slot = meetings.last_finder(self, state, rank)

        def one_round(carry: Any) -> Any:
            carry, waiting = carry
            pairs, waiting = meetings.meet(self, state, waiting, last_slot)
            return step(carry, pairs), waiting

        return lax.while_loop(lambda carry: self.is_waiting(carry[1]), one_round, (carry, waiting))[0]

    def die(self, state: PetriState) -> tuple[PetriState, Bool[Array, " n"]]:
        """Bodies without energy leave their slots. Returns who died."""
        b = state.bodies
        starved = b.alive & (b.energy == 0)
        return _set(state, bodies=_set(b, id=jnp.where(starved, 0, b.id))), starved

    def is_waiting(self, waiting: Bool[Array, " n"]) -> Bool[Array, ""]:
        """Whether anybody waits for another round, here or in a replicate beside."""
        return any_replicate(jnp.any(waiting))
