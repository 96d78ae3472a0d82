"""One experiment class for every ecology: a world, a mind, a heredity and any layers, which never know each other.

A tick is a list of phases of one signature, `(bits, state, book) -> (state, book)`; they follow docs/worlds/petri.md,
section 5, and the hooks of layers come after the phase of the same name.
"""

from __future__ import annotations

import dataclasses
from itertools import product
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Int, Int32

from mesocosm.core.arrays import deposit, first_true, gather_cells, materialise, sum32
from mesocosm.core.experiment import Events, Experiment, Field, Points, Scene, Tick
from mesocosm.core.random import Bits, unmix32
from mesocosm.ecology import words
from mesocosm.ecology.state import EcologyState, Memory, of_the_living, put, taken
from mesocosm.heredity.genomes import EXPRESSED, Heredity
from mesocosm.layers.book import Book
from mesocosm.layers.layer import Layer
from mesocosm.minds.mind import Draw, Experience, Mind
from mesocosm.record.about import Genome, torus
from mesocosm.record.status import Status
from mesocosm.worlds.petri.fields import as_grid
from mesocosm.worlds.petri.law import LAST_ID, Petri
from mesocosm.worlds.petri.measures import closeness
from mesocosm.worlds.petri.ranges import ranges_of
from mesocosm.worlds.petri.state import contest_word, ranks

_ROUND = 32
"""Bodies that think in a round."""


class Ecology(Experiment):
    """Bodies that sense, act, eat, meet, divide and die in a world; nobody is scored."""

    exact: ClassVar[bool] = True
    endings: ClassVar[dict[int, str]] = {
        Status.EXTINCT: "the last body starved",
        Status.OVERFLOW: "the ids of individuals came to their end",
    }

    world: Petri
    mind: Mind
    heredity: Heredity
    layers: tuple[Layer, ...] = ()
    unseen: tuple[str, ...] = eqx.field(static=True, default=())
    """Populations and fields that nobody is shown: where rain has no source, say, or a field would hide the others."""

    def init(self, bits: Bits) -> EcologyState:
        world = self.world.found(bits)
        ids, alive = world.bodies.id, world.bodies.alive
        genomes = self.heredity.found(bits, ids)
        if type(self.mind).found is not Mind.found:
            read = jax.vmap(jax.vmap(self.mind.found, 1, 1))(genomes[:, : self.mind.n_loci])
            genomes = genomes.at[:, : self.mind.n_loci].set(read)
        genomes = jnp.where(alive[None, None, :], genomes, 0)
        owns = {layer.name: layer.found(bits, ids) for layer in self.layers}
        colony = self.mind.colony()
        brains = of_the_living(self.developed(bits, genomes, ids, colony), alive)
        memory = None
        if self.mind.learns:
            zero = jnp.zeros_like(ids)
            memory = Memory(jnp.zeros_like(alive), zero, zero, {name: zero for name in self.mind.doings})
        return EcologyState(world, genomes, {k: v for k, v in owns.items() if v is not None}, brains, memory, colony)

    def tick(self, bits: Bits, state: EcologyState) -> tuple[EcologyState, Tick]:
        state, book = self.respond(bits, *self.perceive(bits, state))
        return state, Tick(dict(book.flows), dict(book.events))

    def perceive(self, bits: Bits, state: EcologyState) -> tuple[EcologyState, Book]:
        """The first half of a tick: at its end everybody knows what it reads, and nobody has acted."""
        book = self.book(bits)
        for phase in (self._divide, self._feed, self._sense, self._learn, self._think):
            state, book = phase(bits, state, book)
        return state, book

    def respond(self, bits: Bits, state: EcologyState, book: Book) -> tuple[EcologyState, Book]:
        """The second half: what bodies do, and what comes of it."""
        for phase in (self._act, self._move, self._pay, self._eat, self._meet, self._die):
            state, book = phase(bits, state, book)
        return state, book

    def book(self, bits: Bits) -> Book:
        """The account of a tick in which nothing has happened yet."""
        return Book(self.world, self._loci(), contest_word(bits))

    # -- phases ----------------------------------------------------------------------------------------------------

    def _divide(self, bits: Bits, state: EcologyState, book: Book) -> tuple[EcologyState, Book]:
        """Divisions in rounds until none waits: the length of a round is speed, never physics."""

        def one_round(carry: Any) -> Any:
            next_id, bodies, genomes, owns, brains, waiting = carry
            next_id, bodies, births, waiting = self.world.divide(bits, next_id, bodies, waiting, book.word)
            parents = genomes.at[:, :, births.parent].get(mode="fill", fill_value=0)
            children = self.heredity.copy(bits, parents, births.child_id)
            owns = dict(owns)
            for layer in self.layers:
                if layer.name in owns:
                    own = owns[layer.name]
                    given = layer.divide(bits, taken(own, births.parent), births.child_id)
                    owns[layer.name] = put(own, births.child, given)
            brains = put(brains, births.child, self.developed(bits, children, births.child_id, state.colony))
            return next_id, bodies, genomes.at[:, :, births.child].set(children, mode="drop"), owns, brains, waiting

        world = state.world
        waiting = self.world.may_divide(world, book.word)
        carry = (world.next_id, world.bodies, state.genomes, dict(state.owns), state.brains, waiting)
        carry = lax.while_loop(lambda carry: self.world.is_waiting(carry[-1]), one_round, carry)
        next_id, bodies, genomes, owns, brains, _ = carry
        world = dataclasses.replace(world, next_id=next_id, bodies=bodies)
        state = dataclasses.replace(state, world=world, genomes=genomes, owns=owns, brains=brains)
        return state, book.add({"births": sum32(bodies.alive & (bodies.born == bits.tick))})

    def _feed(self, bits: Bits, state: EcologyState, book: Book) -> tuple[EcologyState, Book]:
        """Sources move, food and odour fall, fields diffuse and decay."""
        world = self.world.move_sources(bits, state.world)
        world, spilled = self.world.drop(bits, world)
        world, decayed = self.world.age_fields(bits, world)
        flows = {"inflow": self.world.n_sources * self.world.drops * self.world.drop_food, "spilled": spilled}
        flows["decayed"] = sum((decayed[f.name] for f in self.world.fields if f.unit == "quanta"), jnp.int32(0))
        return dataclasses.replace(state, world=world), book.add(flows)

    def _sense(self, bits: Bits, state: EcologyState, book: Book) -> tuple[EcologyState, Book]:
        world, levels = self.world.sense(state.world)
        act_word, meet_word = self.world.draw(bits, world)
        stimulus = self.world.stimulus(world, levels)
        book = book.add(levels=levels, stimulus=stimulus, act_word=act_word, meet_word=meet_word)
        state, book = self._hooks("sense", bits, dataclasses.replace(state, world=world), book)
        read = stimulus if book["levels"] is levels else self.world.stimulus(world, book["levels"])
        return state, book.add(read=read)

    def _learn(self, bits: Bits, state: EcologyState, book: Book) -> tuple[EcologyState, Book]:
        """What happened since the last tick has become experience, now that one sees what came of it."""
        if state.memory is None:
            return state, book
        memory, alive = state.memory, state.world.bodies.alive
        experience = Experience(memory.seen, memory.act, memory.doings, book["read"], jnp.bool_(False))
        counts = alive & memory.is_full
        brains = state.brains
        if type(self.mind).learn is not Mind.learn:
            expressed = state.genomes[EXPRESSED, : self.mind.n_loci]

            def one(genome: Array, brain: Any, lived: tuple[Any, Any, Any, Any]) -> Any:
                return self.mind.learn(genome, brain, Experience(*lived, experience.is_last))

            lived = (memory.seen, memory.act, memory.doings, book["read"])
            learnt = jax.vmap(one, (1, -1, 0), -1)(expressed, brains, lived)
            brains = jax.tree.map(lambda old, new: jnp.where(counts, new, old), brains, learnt)
        colony = self.mind.tally(bits, state.colony, experience, counts)
        return dataclasses.replace(state, brains=brains, colony=colony), book

    def _think(self, bits: Bits, state: EcologyState, book: Book) -> tuple[EcologyState, Book]:
        """Those who wait think, in rounds until none waits: the length of a round is speed, never physics."""
        mind = self.mind
        if type(mind).think is Mind.think:
            return state, book
        bodies, expressed = state.world.bodies, state.genomes[EXPRESSED, : mind.n_loci]

        def one_round(carry: Any) -> Any:
            common, brains, waiting = carry
            who = first_true(waiting, _ROUND)
            genomes, unready = taken((expressed, brains), who)
            brains = put(brains, who, jax.vmap(mind.think, (1, -1, None), -1)(genomes, unready, common))
            return common, brains, waiting & ~jnp.zeros_like(waiting).at[who].set(True, mode="drop")

        def now(colony: Any, brains: Any, waiting: Array) -> Any:
            carry = (mind.common(colony), brains, waiting)
            return lax.while_loop(lambda carry: self.world.is_waiting(carry[2]), one_round, carry)[1]

        waiting = bodies.alive & jax.vmap(mind.waits, (None, -1))(bits.tick, state.brains)
        is_time = (bits.tick + 1) % mind.thinks_every == 0
        brains = lax.cond(is_time, now, lambda _, brains, __: brains, state.colony, state.brains, waiting)
        return dataclasses.replace(state, brains=brains), book

    def _act(self, bits: Bits, state: EcologyState, book: Book) -> tuple[EcologyState, Book]:
        bodies = state.world.bodies

        def chosen(genomes: Array, brains: Any, seen: Array, ids: Array, words: Array) -> tuple[Any, Array]:
            def one(genome: Array, brain: Any, seen: Array, id: Array, word: Array) -> tuple[Any, Array]:
                return self.mind.act(Draw(bits, id, word), genome, brain, seen)

            return jax.vmap(one, (1, -1, 0, 0, 0), (-1, 0))(genomes, brains, seen, ids, words)

        expressed = state.genomes[EXPRESSED, : self.mind.n_loci]
        who = (expressed, state.brains, book["read"], bodies.id, book["act_word"])
        brains, act = materialise(bits.tick, chosen, *who)
        book = book.add(act=act)
        state, book = self._hooks("act", bits, dataclasses.replace(state, brains=brains), book)
        act = book["act"]
        acts = Events(bodies.alive, {"id": bodies.id, "stimulus": book["stimulus"], "act": act})
        emits = (bodies.alive & (act >= 2)).astype(jnp.int32)
        return state, book.add({"agent_ticks": sum32(bodies.alive)}, {"acts": acts}, {"emitted": emits})

    def _move(self, bits: Bits, state: EcologyState, book: Book) -> tuple[EcologyState, Book]:
        world = self.world.move(state.world, book["act"], book["act_word"])
        rank = ranks(world.bodies.id, book.word)
        world, moved = self.world.migrate(bits, world, rank)
        return dataclasses.replace(state, world=world), book.add(moved, rank=rank)

    def _pay(self, bits: Bits, state: EcologyState, book: Book) -> tuple[EcologyState, Book]:
        book = book.add(energy_before=state.world.bodies.energy)
        world, paid = self.world.pay(state.world, book["act"])
        return self._hooks("pay", bits, dataclasses.replace(state, world=world), book.add(paid))

    def _eat(self, bits: Bits, state: EcologyState, book: Book) -> tuple[EcologyState, Book]:
        world, meal = self.world.eat(state.world, book["rank"])
        world = self.world.touch(world, meal.crowd)
        flows = {"eaten": sum32(meal.taken), "wasted": meal.wasted}
        book = book.add(flows, None, {"eaten": meal.taken, "met": world.bodies.touched})
        return dataclasses.replace(state, world=world), book.add(crowd=meal.crowd, is_first=meal.is_first)

    def _meet(self, bits: Bits, state: EcologyState, book: Book) -> tuple[EcologyState, Book]:
        """The first and the last of a cell exchange genes; then layers have their turn."""
        world, rank, heredity = state.world, book["rank"], self.heredity
        exchanging = book["is_first"] & (book["crowd"] >= 2) & heredity.wants_exchange(book["meet_word"])

        def step(genomes: Array, pairs: Any) -> Array:
            a, b = (genomes.at[:, :, slots].get(mode="fill", fill_value=0) for slots in (pairs.first, pairs.last))
            a, b = heredity.exchange(bits, a, b, pairs.first_id)
            return genomes.at[:, :, pairs.first].set(a, mode="drop").at[:, :, pairs.last].set(b, mode="drop")

        genomes = self.world.each_meeting(world, exchanging, rank, state.genomes, step)
        last = self.world.last_ranks(world, rank)
        partner = (unmix32(last) ^ book.word).astype(jnp.int32)  # a rank is an id, mixed
        events = {"exchanges": Events(exchanging, {"id": world.bodies.id, "partner": partner})}
        cells = self.world.cells_of(world.bodies)
        in_cell = deposit(jnp.zeros(self.world.n_cells, jnp.int32), cells, exchanging.astype(jnp.int32))
        is_one_of_two = world.bodies.alive & (book["is_first"] | (last == rank))
        exchanged = jnp.where(is_one_of_two, gather_cells(in_cell, cells), 0)
        book = book.add({"exchanges": sum32(exchanging)}, events, {"exchanged": exchanged})
        return self._hooks("meet", bits, dataclasses.replace(state, genomes=genomes), book)

    def _die(self, bits: Bits, state: EcologyState, book: Book) -> tuple[EcologyState, Book]:
        """Those without energy die; who was born is noted as it is at the end of its first tick."""
        state, book = self._hooks("die", bits, state, book)
        before, genomes = state.world.bodies, state.genomes
        world, died = self.world.die(state.world)
        per_body = dict(id=before.id, lineage=before.lineage, born=before.born)
        appeared = before.alive & (before.born == bits.tick)
        appeared = appeared | (before.alive & (before.born < 0) & (bits.tick == 0))  # founders are logged in tick 0
        births = {**per_body, "parent": before.parent, "genome": genomes, **self._scenes(state)}
        events = {"births": Events(appeared, births), "deaths": Events(died, per_body)}
        book = book.add({"deaths": sum32(died), **closeness(self.world, world)}, events)
        owns = {name: of_the_living(own, world.bodies.alive) for name, own in state.owns.items()}
        state = dataclasses.replace(state, world=world, owns=owns)
        return (state if state.memory is None else self._remember(bits, state, book, died)), book

    def _remember(self, bits: Bits, state: EcologyState, book: Book, died: Bool[Array, " n"]) -> EcologyState:
        """What there is to learn from in the next tick; of the dead only the colony can."""
        doings = {name: book.doings[name] for name in self.mind.doings}
        last = Experience(book["read"], book["act"], doings, book["read"], jnp.bool_(True))
        colony = self.mind.tally(bits, state.colony, last, died)
        alive = state.world.bodies.alive
        memory = of_the_living(Memory(alive, book["read"], book["act"], doings), alive)
        return dataclasses.replace(state, memory=memory, colony=colony, brains=of_the_living(state.brains, alive))

    # -- layers and minds ------------------------------------------------------------------------------------------

    def _hooks(self, name: str, bits: Bits, state: EcologyState, book: Book) -> tuple[EcologyState, Book]:
        for layer in self.layers:
            state, book = getattr(layer, name)(bits, state, book)
        return state, book

    def _scenes(self, state: EcologyState) -> dict[str, Array]:
        """Columns of bodies that layers show."""
        columns: dict[str, Array] = {}
        for layer in self.layers:
            if layer.name in state.owns:
                columns |= layer.scene(state.own(layer.name))
        return columns

    def _loci(self) -> dict[str, slice]:
        """Where the genes lie that layers have in their hosts: after those of the mind, in the order of the layers."""
        start, out = self.mind.n_loci, {}
        for layer in self.layers:
            out[layer.name] = slice(start, start + layer.host_loci)
            start += layer.host_loci
        return out

    def developed(self, bits: Bits, genomes: Array, ids: Int32[Array, " k"], colony: Any) -> Any:
        """The brains of newborns."""
        if type(self.mind).develop is Mind.develop:
            return None

        def one(genome: Array, id: Array) -> Any:
            return self.mind.develop(Draw(bits, id, jnp.uint32(0)), genome, colony)

        return jax.vmap(one, (1, 0), -1)(genomes[EXPRESSED, : self.mind.n_loci], ids)

    def frozen(self, kind: str) -> Ecology:
        """The law in an assay, where nothing evolves; its program stays the same."""
        layers = tuple(layer.frozen(kind) for layer in self.layers)
        heredity = self.heredity.frozen(meets=kind == "monoculture")
        return Ecology(self.world.frozen(kind), self.mind.frozen(kind), heredity, layers, self.unseen)

    # -- what there is ---------------------------------------------------------------------------------------------

    def scene(self, state: EcologyState) -> Scene:
        world, b = state.world, state.world.bodies
        columns = {name: getattr(b, name) for name in ("id", "x", "y", "energy", "born", "lineage", "parent")}
        number = jnp.arange(self.world.n_sources, dtype=jnp.int32)
        places = {"source": number, "x": world.sources.x, "y": world.sources.y}
        if b.deme is not None:  # one torus beneath the other
            columns |= {"y": b.y + b.deme * self.world.extent, "deme": b.deme}
            places["y"] = places["y"] + self.world.deme_of_source(number) * self.world.extent
        columns |= self._scenes(state)
        about = {name: said for name, said in words.BODIES.items() if name in columns}
        about |= {name: said for layer in self.layers for name, said in layer.about.items() if name in columns}
        bodies = Points(b.alive, {**columns, "genome": state.genomes}, about, motion=words.RUNS_OR_TUMBLES)
        sources = Points(jnp.ones(self.world.n_sources, bool), places, look="rings")
        side = self.world.side
        seen = [f for f in self.world.fields if f.name not in self.unseen]
        points = {"bodies": bodies, "sources": sources}
        return Scene(
            points={name: there for name, there in points.items() if name not in self.unseen},
            fields={f.name: Field(as_grid(world.fields[f.name]).reshape(-1, side), f.unit) for f in seen},
            space=torus(256 * side, self.world.demes * 256 * side, per_unit=256, unit="cells", parts=self.world.demes),
        )

    def genomes(self) -> tuple[Genome, ...]:
        stimuli = [", ".join(levels) or "always" for levels in product(*(s.told() for s in self.world.senses))]
        acts = {word: bit for word, bit in words.ACTS.items() if bit < self.mind.n_acts}
        table = self.mind.genome(stimuli, acts, self.heredity.n_loci)
        return table, *(genome for layer in self.layers for genome in layer.genomes())

    def ranges(self) -> dict[str, tuple[int, int]]:
        return {f"world.{name}": ends for name, ends in ranges_of(self.world).items()}

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
        owns, brains, memory = jax.tree.map(double, (dict(state.owns), state.brains, state.memory))
        return EcologyState(world, double(state.genomes), owns, brains, memory, state.colony)

    def canonical(self, state: EcologyState) -> dict[str, Any]:
        """Bodies in the order of their ids, empty slots left out (NumPy)."""
        b = state.world.bodies
        ids = np.asarray(b.id)
        order = np.argsort(ids, kind="stable")[np.sum(ids == 0) :]
        bodies = {name: np.asarray(column)[order] for name, column in vars(b).items() if column is not None}
        own = {name: column for part in state.owns.values() for name, column in _named(part).items()}
        own |= {f"brain {name}": column for name, column in _named(state.brains).items()}
        own |= {f"memory {name}": column for name, column in _named(state.memory).items()}
        return {
            "next_id": np.asarray(state.world.next_id),
            "fields": [as_grid(np.asarray(state.world.fields[f.name])) for f in self.world.fields],
            "sources": {name: np.asarray(v) for name, v in vars(state.world.sources).items()},
            "bodies": bodies,
            "genome": np.moveaxis(np.asarray(state.genomes)[:, :, order], 2, 0),
            **{name: np.moveaxis(np.asarray(v)[..., order], -1, 0) for name, v in own.items()},
            **{f"colony {name}": np.asarray(v) for name, v in _named(state.colony).items()},
        }


def _named(tree: Any) -> dict[str, Any]:
    """The leaves of a pytree by their paths."""
    leaves = jax.tree_util.tree_flatten_with_path(tree)[0]
    return {jax.tree_util.keystr(path, simple=True, separator="."): leaf for path, leaf in leaves}
