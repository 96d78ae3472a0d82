"""The law of `mirror` for one replicate, phase by phase as in `docs/worlds/mirror.md`."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int32

from mesocosm.core import Bits, Events, Experiment, Scene, Tick
from mesocosm.core.arrays import sum32
from mesocosm.core.random import threshold16
from mesocosm.record import Status
from mesocosm.record.about import Genome
from mesocosm.worlds.mirror.games import SCRIPTS, cycles, payoffs, supply
from mesocosm.worlds.mirror.minds import CONTEXTS, LOCI, PRIORS
from mesocosm.worlds.mirror.parameters import MOST_ID, MirrorParameters
from mesocosm.worlds.mirror.play import COUNTS, Bodies, Pairing, Rules, Touch, colours, touch
from mesocosm.worlds.mirror.seen import GENOME, faced, scene_of

# Purposes of random bits, section 1 of the page; a strand is added to the last three.
STIR, MOVE, TOUCH, VISIT, DEATH = range(5)
FOUND, COPY, STEP = 0x10, 0x20, 0x30
STRANDS = 2
SLOTS = {"everyone": 1, "partner": 4, "kind": 1 + len(SCRIPTS)}
"""Tables that a body has, by what it remembers apart."""


class Colony(eqx.Module):
    """The state: who stands at each place, and what it knows. Place p = y * side + x.

    Args:
      id: 0 where nobody stands.
      genome: strand 0 is expressed, 1 the shadow.
      tables: how often each act followed each context, 16 bits each, for each slot.
      history: the acts of whom a slot is about, behind a leading one.
      whom: the id of whom a slot is about; 0: nobody.
      met, read: rounds that were played in the tick, and in how many the other's act was the expected one.
      way: which neighbours touched in the tick.
      chance: how often minds of each role played 1 in the tick, in 1/65536.
    """

    id: Bodies
    energy: Bodies
    genome: Int32[Array, "2 4 n"]
    tables: Int32[Array, "n slots 64"]
    history: Int32[Array, "n slots"]
    whom: Int32[Array, "n slots"]
    met: Bodies
    read: Bodies
    way: Int32[Array, ""]
    chance: Int32[Array, "2"]
    next_id: Int32[Array, ""]


class Mirror(Experiment):
    """Bodies that touch and play. Parameters are arrays; who is remembered and whether minds look ahead: switches."""

    exact: ClassVar[bool] = True
    endings: ClassVar[dict[int, str]] = {
        Status.EXTINCT: "the last body died",
        Status.OVERFLOW: "the ids of individuals came to their end",
    }

    rules: Rules
    tops: Int32[Array, "4"]  # the largest value of each gene
    pool: Int32[Array, " 12"]
    numbers: dict[str, Int32[Array, ""]]
    side: int = eqx.field(static=True)
    remembers: str = eqx.field(static=True)

    @staticmethod
    def of(parameters: MirrorParameters, keep_every: int = 0) -> Mirror:
        """The law.

        Args:
          keep_every: ticks between the times whose genomes are events (`minds`); 0 is never.
        """
        p = parameters
        rules = Rules(
            jnp.asarray(payoffs(p.game, p.stake)),
            jnp.int32(supply(p.game, p.stake)),
            jnp.int32(p.rounds),
            jnp.int32(p.memory),
            jnp.bool_(p.own_acts),
            jnp.bool_(p.shuffled),
            jnp.bool_(p.mindless),
            jnp.asarray(cycles()),
            p.side,
            p.foresight,
        )
        pool = np.resize(np.array([SCRIPTS.index(name) for name in p.pool], np.int32), len(SCRIPTS))
        same = ("cost", "ration", "metabolism", "founding_energy", "division_energy", "ceiling")
        chances = ("mutation", "hazard", "mobility", "visitors")
        numbers = {name: jnp.int32(getattr(p, name)) for name in same}
        numbers |= {name: jnp.int32(threshold16(getattr(p, name))) for name in chances}
        numbers["keep_every"] = jnp.int32(keep_every)
        numbers["pool_size"] = jnp.int32(len(p.pool))
        tops = jnp.array([p.orders, int(p.foresight), PRIORS - 1, p.noise], jnp.int32)
        return Mirror(rules, tops, jnp.asarray(pool), numbers, p.side, p.remembers)

    @property
    def n(self) -> int:
        """Places."""
        return self.side * self.side

    # -- founding ----------------------------------------------------------------------------------------------------

    def init(self, bits: Bits) -> Colony:
        ids = jnp.arange(1, self.n + 1, dtype=jnp.int32)
        strands = []
        for strand in range(STRANDS):
            drawn = _quarters(bits, ids, FOUND + strand)
            strands.append(jnp.stack([(w * (top + 1)) >> 16 for w, top in zip(drawn, self.tops, strict=True)]))
        slots, zero = SLOTS[self.remembers], jnp.zeros(self.n, jnp.int32)
        return Colony(
            ids,
            jnp.broadcast_to(self.numbers["founding_energy"], (self.n,)),
            jnp.stack(strands),
            jnp.zeros((self.n, slots, CONTEXTS), jnp.int32),
            jnp.ones((self.n, slots), jnp.int32),
            jnp.zeros((self.n, slots), jnp.int32),
            zero,
            zero,
            jnp.int32(0),
            jnp.full(2, 32768, jnp.int32),
            jnp.int32(self.n + 1),
        )

    # -- a tick ------------------------------------------------------------------------------------------------------

    def tick(self, bits: Bits, state: Colony) -> tuple[Colony, Tick]:
        state = self.stir(bits, state)
        state, pair = self.meet(bits, state)
        state, played = self.play(bits, state, pair)
        state, living = self.live(bits, state)
        state, born = self.divide(bits, state, pair.other)
        flows = {**{name: played.totals[name] for name in COUNTS}, **living, "births": sum32(born)}
        flows["inflow"] = played.totals["inflow"] + living["inflow"]
        flows["spilled"] = played.totals["spilled"] + living["spilled"]
        flows["touches"] = sum32(pair.touches)
        every = self.numbers["keep_every"]
        is_kept = (every > 0) & ((bits.tick + 1) % jnp.maximum(every, 1) == 0)
        kept = Events((state.id > 0) & is_kept, {"id": state.id, "genome": state.genome})
        return state, Tick(flows, {"minds": kept})

    def stir(self, bits: Bits, state: Colony) -> Colony:
        """Some places change contents with the place across a point that is drawn; of the same role."""
        a, b = bits.of(jnp.uint32(0), STIR)
        side, place = self.side, jnp.arange(self.n, dtype=jnp.int32)
        cx, cy = (a & (side - 1)).astype(jnp.int32), (b & (side - 1)).astype(jnp.int32)
        cy = cy ^ ((cx ^ cy) & 1)
        across = ((cy - place // side) & (side - 1)) * side + ((cx - place % side) & (side - 1))
        word, _ = bits.of(jnp.minimum(place, across), MOVE)
        moves = (word & 0xFFFF).astype(jnp.int32) < self.numbers["mobility"]
        source = jnp.where(moves, across, place)
        by_place = ("id", "energy", "tables", "history", "whom")
        moved = {name: jnp.take(getattr(state, name), source, axis=0, mode="clip") for name in by_place}
        return replace(state, genome=jnp.take(state.genome, source, axis=2, mode="clip"), **moved)

    def meet(self, bits: Bits, state: Colony) -> tuple[Colony, Pairing]:
        """Each place touches one neighbour, or both meet visitors; slots of strangers are emptied."""
        way = (bits.of(jnp.uint32(0), TOUCH)[0] & 3).astype(jnp.int32)
        other = self.touched(way)
        place = jnp.arange(self.n, dtype=jnp.int32)
        a, b = bits.of(jnp.minimum(place, other), VISIT)
        is_visited = (a & 0xFFFF).astype(jnp.int32) < self.numbers["visitors"]
        half = jnp.where(colours(self.side) == 0, b & 0xFFFF, b >> 16).astype(jnp.int32)
        kind = jnp.where(is_visited, self.pool[(half * self.numbers["pool_size"]) >> 16], -1)
        partner = jnp.where(is_visited, 0, state.id[other])
        touches = (state.id > 0) & (is_visited | (partner > 0))
        pair = Pairing(other, kind, touches, state.chance[1 - colours(self.side)])
        return self._recognise(replace(state, way=way), pair, partner), pair

    def touched(self, way: Array) -> Bodies:
        """The place that each place touches: 0 and 1 along x, 2 and 3 along y; from even ones up, or down."""
        side, place = self.side, jnp.arange(self.n, dtype=jnp.int32)
        x, y, odd = place % side, place // side, way & 1

        def across(z: Bodies) -> Bodies:
            return (((z + odd) ^ 1) - odd) & (side - 1)

        return jnp.where(way < 2, y * side + across(x), across(y) * side + x)

    def slot(self, way: Array, kind: Bodies) -> Bodies:
        """Which of its tables a body uses."""
        if self.remembers == "partner":
            return jnp.broadcast_to(way, kind.shape)
        return kind + 1 if self.remembers == "kind" else jnp.zeros_like(kind)

    def _recognise(self, state: Colony, pair: Pairing, partner: Bodies) -> Colony:
        used = self.slot(state.way, pair.kind)[:, None] == jnp.arange(SLOTS[self.remembers])[None, :]
        used = used & pair.touches[:, None]
        if self.remembers != "partner":
            return replace(state, history=jnp.where(used, 1, state.history))
        is_new = used & ((state.whom != partner[:, None]) | (partner == 0)[:, None])
        return replace(
            state,
            tables=jnp.where(is_new[:, :, None], 0, state.tables),
            history=jnp.where(is_new, 1, state.history),
            whom=jnp.where(used, partner[:, None], state.whom),
        )

    def play(self, bits: Bits, state: Colony, pair: Pairing) -> tuple[Colony, Touch]:
        """The rounds, with the table of the slot that is used."""
        slot = self.slot(state.way, pair.kind)
        rows = jnp.arange(self.n, dtype=jnp.int32)
        table, history = state.tables[rows, slot], state.history[rows, slot]
        after = touch(bits, pair, state.id, state.genome[0], state.energy, table, history, self.rules)
        used = slot[:, None] == jnp.arange(SLOTS[self.remembers])[None, :]
        role, between = colours(self.side), pair.kind < 0
        chance = []
        for which in (0, 1):
            mine = (role == which) & between
            rounds = sum32(jnp.where(mine, after.met, 0))
            ones = sum32(jnp.where(mine, after.ones, 0))
            chance.append(jnp.where(rounds > 0, ((ones << 8) // jnp.maximum(rounds, 1)) << 8, state.chance[which]))
        return replace(
            state,
            energy=after.energy,
            tables=jnp.where(used[:, :, None], after.table[:, None], state.tables),
            history=jnp.where(used, after.history[:, None], state.history),
            met=after.met,
            read=after.read,
            chance=jnp.stack(chance),
        ), after

    def live(self, bits: Bits, state: Colony) -> tuple[Colony, dict[str, Array]]:
        """Who has energy gets its ration and pays for living and thinking; some die, and what they held is heat."""
        n, is_alive = self.numbers, (state.id > 0) & (state.energy > 0)
        contexts = jnp.int32(1) << state.genome[0, 0]
        got = jnp.where(is_alive, state.energy + n["ration"], 0)
        paid = jnp.where(is_alive, jnp.minimum(got, n["metabolism"] + ((n["cost"] * contexts) >> 4)), 0)
        energy = jnp.minimum(got - paid, n["ceiling"])
        over = got - paid - energy
        word, _ = bits.of(state.id, DEATH)
        is_struck = (word & 0xFFFF).astype(jnp.int32) < n["hazard"]
        lives = is_alive & (energy > 0) & ~is_struck
        flows = {
            "inflow": jnp.where(is_alive, n["ration"], 0),
            "spilled": over,
            "upkeep": paid,
            "died": jnp.where(lives, 0, energy),
            "deaths": (state.id > 0) & ~lives,
            "starved": (state.id > 0) & ~(is_alive & (energy > 0)),
            "steps": jnp.where(state.id > 0, self.rules.rounds, 0),
        }
        state = replace(state, id=jnp.where(lives, state.id, 0), energy=jnp.where(lives, energy, 0))
        return state, {name: sum32(values) for name, values in flows.items()}

    def divide(self, bits: Bits, state: Colony, other: Bodies) -> tuple[Colony, Bool[Array, " n"]]:
        """Whoever touches an empty place with energy enough fills it: half of its energy, its genome with mutations."""
        is_born = (state.id == 0) & (state.id[other] > 0) & (state.energy[other] >= self.numbers["division_energy"])
        child = state.next_id + jnp.cumsum(is_born, dtype=jnp.int32) - 1
        given = state.energy >> 1
        energy = jnp.where(is_born, given[other], state.energy - jnp.where(is_born[other], given, 0))
        copies = self._copied(bits, state.genome[:, :, other], child)
        genome = jnp.where(is_born, copies, jnp.where((state.id > 0) | is_born, state.genome, 0))
        is_clear = is_born | (state.id == 0)
        state = replace(
            state,
            id=jnp.where(is_born, child, state.id),
            energy=energy,
            genome=genome,
            tables=jnp.where(is_clear[:, None, None], 0, state.tables),
            history=jnp.where(is_clear[:, None], 1, state.history),
            whom=jnp.where(is_clear[:, None], 0, state.whom),
            met=jnp.where(is_clear, 0, state.met),
            read=jnp.where(is_clear, 0, state.read),
            next_id=state.next_id + sum32(is_born),
        )
        return state, is_born

    def _copied(self, bits: Bits, genome: Array, child: Bodies) -> Array:
        strands = []
        for strand in range(STRANDS):
            steps, _ = bits.of(child, STEP + strand)
            genes = []
            for locus, word in enumerate(_quarters(bits, child, COPY + strand)):
                is_mutant = word < self.numbers["mutation"]
                step = jnp.where(((steps >> locus) & 1) == 1, 1, -1)
                moved = jnp.clip(genome[strand, locus] + step, 0, self.tops[locus])
                genes.append(jnp.where(is_mutant, moved, genome[strand, locus]))
            strands.append(jnp.stack(genes))
        return jnp.stack(strands)

    # -- what is seen ------------------------------------------------------------------------------------------------

    def scene(self, state: Colony) -> Scene:
        other = self.touched(state.way)
        is_faced = faced(state, other, self.numbers["visitors"], self.rules.shuffled)
        return scene_of(state, other, self.side, is_faced)

    def genomes(self) -> tuple[Genome, ...]:
        return (GENOME,)

    def status(self, state: Colony) -> Int32[Array, ""]:
        is_full = state.next_id > MOST_ID
        ended = jnp.where(is_full, Status.OVERFLOW, Status.ALIVE)
        return jnp.where(jnp.any(state.id > 0), ended, Status.EXTINCT).astype(jnp.int32)


def _quarters(bits: Bits, ids: Bodies, purpose: int) -> list[Bodies]:
    """Four words of 16 bits for each id: low and high of the first, low and high of the second."""
    words = [w for word in bits.of(ids, purpose) for w in (word & 0xFFFF, word >> 16)]
    assert len(words) == len(LOCI)
    return [word.astype(jnp.int32) for word in words]
