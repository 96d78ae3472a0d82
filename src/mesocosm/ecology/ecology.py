"""One experiment class for every ecology: a world, a mind and a heredity, which never know each other.

`tick` follows docs/worlds/petri.md, section 5, one phase a line. Where there are elements, they add what
docs/worlds/symbiont.md says.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Int, Int8, Int32, UInt32

from mesocosm.core.arrays import materialise, sum32
from mesocosm.core.experiment import Events, Experiment, Field, Points, Scene, Tick
from mesocosm.core.random import Bits, unmix32
from mesocosm.ecology import words
from mesocosm.heredity.genomes import EXPRESSED, Heredity
from mesocosm.layers.elements.element import Element, Elements
from mesocosm.minds.table import Table
from mesocosm.record.about import Genome, torus
from mesocosm.record.status import Status
from mesocosm.worlds.petri.fields import as_grid
from mesocosm.worlds.petri.law import LAST_ID, Petri
from mesocosm.worlds.petri.measures import mean_distance
from mesocosm.worlds.petri.state import PetriState, contest_word, ranks


class EcologyState(eqx.Module):
    world: PetriState
    genomes: Int8[Array, "2 loci n"]  # strand 0 expressed, strand 1 shadow; the last axis is the slot
    elements: Elements | None = None  # what bodies carry, where there are elements


class Ecology(Experiment):
    """Bodies that sense, act, eat, meet, divide and die in a world; nobody is scored."""

    exact: ClassVar[bool] = True
    endings: ClassVar[dict[int, str]] = {
        Status.EXTINCT: "the last body starved",
        Status.OVERFLOW: "the ids of individuals came to their end",
    }

    world: Petri
    mind: Table
    heredity: Heredity
    element: Element | None = None
    misheard: tuple[int, int] | None = eqx.field(static=True, default=None)
    """(place, levels) of a digit of the stimulus that is not a body's own: the control of a sense."""

    def init(self, bits: Bits) -> EcologyState:
        world = self.world.found(bits)
        genomes = self.heredity.found(bits, world.bodies.id)
        elements = self.element.found(bits, world.bodies.id) if self.element else None
        return EcologyState(world, jnp.where(world.bodies.alive[None, None, :], genomes, 0), elements)

    def tick(self, bits: Bits, state: EcologyState) -> tuple[EcologyState, Tick]:
        word = contest_word(bits)
        world, genomes, elements = self._divide(bits, state, word)
        inherited = elements
        world = self.world.move_sources(bits, world)
        world, spilled = self.world.drop(bits, world)
        world, decayed = self.world.age_fields(bits, world)
        world, stimulus = self.world.sense(world)
        act_word, meet_word = self.world.draw(bits, world)
        expressed = genomes[EXPRESSED, : self.mind.n_loci]
        read = stimulus if self.misheard is None else self._misheard(world, stimulus, word)
        act = materialise(bits.tick, jax.vmap(self.mind.act, in_axes=(1, 0, 0)), expressed, read, act_word)
        world = self.world.move(world, act, act_word)
        world, paid = self._pay(world, act, elements, meet_word)
        rank = ranks(world.bodies.id, word)
        world, eaten, crowd, is_first = self.world.eat(world, rank)
        world = self.world.touch(world, crowd)
        exchanging = is_first & (crowd >= 2) & self.heredity.wants_exchange(meet_word)
        genomes = self._exchange(bits, world, genomes, exchanging, rank)
        elements, giver = self._pass(bits, world, genomes, elements, is_first & (crowd >= 2), rank)
        partner = (unmix32(self.world.last_ranks(world, rank)) ^ word).astype(jnp.int32)  # a rank is an id, mixed
        before = world.bodies
        world, died = self.world.die(world)

        births = before.alive & (before.born == bits.tick)
        appeared = births | (before.alive & (before.born < 0) & (bits.tick == 0))  # founders are logged in tick 0
        per_body = dict(id=before.id, lineage=before.lineage, born=before.born)
        n_alive = jnp.sum(before.alive, dtype=jnp.int32)
        flows = dict(
            inflow=self.world.n_sources * self.world.drops * self.world.drop_food,
            spilled=spilled,
            decayed=decayed,
            **paid,
            **eaten,
            births=jnp.sum(births, dtype=jnp.int32),
            deaths=jnp.sum(died, dtype=jnp.int32),
            exchanges=jnp.sum(exchanging, dtype=jnp.int32),
            agent_ticks=n_alive,
            distance=mean_distance(self.world, world),
        )
        carried: dict[str, Array] = {}
        if elements is not None and inherited is not None:
            carried = {"element": elements.strain, "element_genes": elements.genes}
            flows["carrier_ticks"] = jnp.sum(elements.carried, dtype=jnp.int32)
            flows["inherited"] = jnp.sum(births & inherited.carried, dtype=jnp.int32)
            flows["passed"] = jnp.sum(giver > 0, dtype=jnp.int32)
        events = dict(
            births=Events(appeared, {**per_body, "parent": before.parent, "genome": genomes, **carried}),
            deaths=Events(died, per_body),
            exchanges=Events(exchanging, {"id": before.id, "partner": partner}),
            acts=Events(before.alive, {"stimulus": stimulus, "act": act}),
        )
        if elements is not None:
            events["passes"] = Events(giver > 0, {"id": before.id, "giver": giver, **carried})
            elements = elements.where(world.bodies.alive)
        return EcologyState(world, genomes, elements), Tick(flows, events)

    def _misheard(self, world: PetriState, stimulus: Int32[Array, " n"], word: Array) -> Int32[Array, " n"]:
        """The stimuli with one digit replaced by that of a body that is drawn anew in every tick.

        In the long run every row of a table is read as often as by those who hear, but what is read says nothing of the
        place. No part of the law of `petri`.
        """
        assert self.misheard is not None
        place, levels = self.misheard
        digit = stimulus // place % levels
        rank = jnp.where(world.bodies.alive, ranks(world.bodies.id, word), jnp.uint32(0xFFFFFFFF))
        is_drawn = world.bodies.alive & (rank == jnp.min(rank))  # the first in the contests of this tick
        return stimulus + (sum32(jnp.where(is_drawn, digit, 0)) - digit) * place

    def _divide(self, bits: Bits, state: EcologyState, word: Array) -> tuple[PetriState, Array, Elements | None]:
        """Divisions in rounds until none waits: the length of a round is speed, never physics."""

        def one_round(carry):
            next_id, bodies, genomes, elements, waiting = carry
            next_id, bodies, births, waiting = self.world.divide(bits, next_id, bodies, waiting, word)
            parents = genomes.at[:, :, births.parent].get(mode="fill", fill_value=0)
            children = self.heredity.copy(bits, parents, births.child_id)
            if self.element:
                given = self.element.inherit(bits, elements.take(births.parent), births.child_id)
                elements = elements.put(births.child, given)
            return next_id, bodies, genomes.at[:, :, births.child].set(children, mode="drop"), elements, waiting

        world = state.world
        carry = (world.next_id, world.bodies, state.genomes, state.elements, self.world.may_divide(world, word))
        carry = lax.while_loop(lambda carry: self.world.is_waiting(carry[-1]), one_round, carry)
        next_id, bodies, genomes, elements, _ = carry
        return dataclasses.replace(world, next_id=next_id, bodies=bodies), genomes, elements

    def _pay(
        self, world: PetriState, act: Array, elements: Elements | None, word: UInt32[Array, " n"]
    ) -> tuple[PetriState, dict[str, Array]]:
        """Bodies pay for their living, then for what they carry."""
        before = world.bodies.energy
        world, paid = self.world.pay(world, act)
        if self.element is None or elements is None:
            return world, paid
        energy, heat = self.element.burden(elements, before, world.bodies.energy, word)
        return eqx.tree_at(lambda w: w.bodies.energy, world, energy), {**paid, "elements": heat}

    def _exchange(
        self, bits: Bits, world: PetriState, genomes: Array, waiting: Bool[Array, " n"], rank: UInt32[Array, " n"]
    ) -> Array:
        """Exchanges in rounds until none waits."""
        last_slot = self.world.last_finder(world, rank)

        def one_round(carry):
            genomes, waiting = carry
            pairs, waiting = self.world.meet(world, waiting, last_slot)
            a, b = (genomes.at[:, :, slots].get(mode="fill", fill_value=0) for slots in (pairs.first, pairs.last))
            a, b = self.heredity.exchange(bits, a, b, pairs.first_id)
            genomes = genomes.at[:, :, pairs.first].set(a, mode="drop").at[:, :, pairs.last].set(b, mode="drop")
            return genomes, waiting

        genomes, _ = lax.while_loop(lambda carry: self.world.is_waiting(carry[1]), one_round, (genomes, waiting))
        return genomes

    def _pass(
        self,
        bits: Bits,
        world: PetriState,
        genomes: Array,
        elements: Elements | None,
        is_first: Bool[Array, " n"],
        rank: UInt32[Array, " n"],
    ) -> tuple[Elements | None, Int32[Array, " n"]]:
        """The first of each meeting passes its element to the last, in rounds. Returns who gave to each (0: nobody)."""
        giver = jnp.zeros_like(world.bodies.id)
        if self.element is None or elements is None:
            return elements, giver
        element, last_slot = self.element, self.world.last_finder(world, rank)

        def one_round(carry):
            elements, giver, waiting = carry
            pairs, waiting = self.world.meet(world, waiting, last_slot)
            ids = world.bodies.id.at[pairs.last].get(mode="fill", fill_value=0)
            lock = genomes[EXPRESSED, -1].at[pairs.last].get(mode="fill", fill_value=0) if element.lock_bits else None
            given, there = elements.take(pairs.first), elements.take(pairs.last)
            after, enters = element.enter(bits, given, there, lock, pairs.first_id, ids)
            giver = giver.at[pairs.last].set(jnp.where(enters, pairs.first_id, 0), mode="drop")
            return elements.put(pairs.last, after), giver, waiting

        carry = (elements, giver, is_first & element.gives(bits, elements, world.bodies.id))
        elements, giver, _ = lax.while_loop(lambda carry: self.world.is_waiting(carry[-1]), one_round, carry)
        return elements, giver

    def scene(self, state: EcologyState) -> Scene:
        world, b = state.world, state.world.bodies
        columns = {name: getattr(b, name) for name in ("id", "x", "y", "energy", "born", "lineage", "parent")}
        if state.elements is not None:
            columns |= {"element": state.elements.strain, "element_genes": state.elements.genes}
        names = ("food", "odour", "signal")
        units = ("quanta", "amount", "amount")
        number = jnp.arange(self.world.n_sources, dtype=jnp.int32)
        places = {"source": number, "x": world.sources.x, "y": world.sources.y}
        sources = Points(jnp.ones(self.world.n_sources, bool), places, look="rings")
        about = {name: said for name, said in words.BODIES.items() if name in columns}
        bodies = Points(b.alive, {**columns, "genome": state.genomes}, about, motion=words.RUNS_OR_TUMBLES)
        return Scene(
            points={"bodies": bodies, "sources": sources},
            fields={n: Field(as_grid(v), u) for n, v, u in zip(names, world.fields, units, strict=False)},
            space=torus(256 * self.world.side, per_unit=256, unit="cells"),
        )

    def genomes(self) -> tuple[Genome, ...]:
        sharpness = None if self.mind.policy == "argmax" else int(self.mind.sharpness)
        table = words.table_genome(self.world.senses, self.mind.n_acts, sharpness, self.heredity.n_loci)
        if self.element is None:
            return (table,)
        return table, words.element_genome(int(self.element.drain), int(self.element.help))

    def status(self, state: EcologyState) -> Int[Array, ""]:
        extinct = state.world.population == 0
        overflow = state.world.next_id >= LAST_ID
        return jnp.where(extinct, Status.EXTINCT, jnp.where(overflow, Status.OVERFLOW, Status.ALIVE)).astype(jnp.int32)

    def has_room(self, state: EcologyState) -> Bool[Array, ""]:
        """Whether the slots hold everybody after the next divisions, counted exactly."""
        population, n = state.world.population, state.world.bodies.id.shape[0]
        asking = jnp.sum(self.world.asks_to_divide(state.world), dtype=jnp.int32)
        return population + jnp.minimum(asking, jnp.maximum(self.world.ceiling - population, 0)) <= n

    def grow(self, state: EcologyState) -> EcologyState:
        def double(column: Array) -> Array:
            return jnp.concatenate([column, jnp.zeros_like(column)], axis=-1)

        bodies = jax.tree.map(double, state.world.bodies)
        world = eqx.tree_at(lambda w: w.bodies, state.world, bodies)
        return EcologyState(world, double(state.genomes), jax.tree.map(double, state.elements))

    def canonical(self, state: EcologyState) -> dict[str, Any]:
        """Bodies in the order of their ids, empty slots left out (NumPy)."""
        b = state.world.bodies
        ids = np.asarray(b.id)
        order = np.argsort(ids, kind="stable")[np.sum(ids == 0) :]
        bodies = {name: np.asarray(getattr(b, name))[order] for name in vars(b)}
        elements = state.elements
        carried = {} if elements is None else {"strain": elements.strain, "genes": elements.genes}
        return {
            "next_id": np.asarray(state.world.next_id),
            "fields": [as_grid(np.asarray(v)) for v in state.world.fields],
            "sources": {name: np.asarray(v) for name, v in vars(state.world.sources).items()},
            "bodies": bodies,
            "genome": np.moveaxis(np.asarray(state.genomes)[:, :, order], 2, 0),
            **{name: np.moveaxis(np.asarray(v)[..., order], -1, 0) for name, v in carried.items()},
        }
