"""A touch of `mirror`: the rounds that two, or one and a visitor, play (`docs/worlds/mirror.md`, section 5)."""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Int32, UInt32

from mesocosm.core import Bits
from mesocosm.core.arrays import gather_cells, sum32
from mesocosm.worlds.mirror.games import CYCLES, LONGEST, SCRIPTS
from mesocosm.worlds.mirror.minds import answer, context, counted, extended

PLAY, SHUFFLE = 0x1000, 0x2000
"""Purposes of random bits, to which the round is added."""

Bodies = Int32[Array, " n"]

ALWAYS = 16
"""The gene `noise` of a mind all of whose acts are coins."""

COUNTS = ("met", "read", "plays", "ones", "visits", "visit_ones", "gained", "lost", "inflow", "spilled", "cut")
"""What the rounds of a tick add up to, over bodies (section 5)."""


class Rules(eqx.Module):
    """What a touch needs to know: parameters are arrays."""

    pays: Int32[Array, "2 2 2"]
    supply: Int32[Array, ""]
    rounds: Int32[Array, ""]
    memory: Int32[Array, ""]
    own_acts: Bool[Array, ""]
    shuffled: Bool[Array, ""]
    mindless: Bool[Array, ""]
    cycles: Int32[Array, "5 32"]
    side: int = eqx.field(static=True)
    is_foresighted: bool = eqx.field(static=True)


class Pairing(NamedTuple):
    """Who touches whom in a tick, by place; section 5.

    Args:
      other: the place that is touched.
      kind: of the visitor, a number of `SCRIPTS`; -1 where there is none.
      touches: whether there is somebody here, and somebody to play with.
      chance: how often nature plays 1, by the role of the body that it meets, in 1/65536.
    """

    other: Bodies
    kind: Bodies
    touches: Bool[Array, " n"]
    chance: Bodies


class Touch(NamedTuple):
    """What changes from round to round, by place."""

    energy: Bodies
    table: Int32[Array, "n 64"]
    history: Bodies
    mine: Bodies
    theirs: Bodies
    wronged: Bodies
    met: Bodies
    read: Bodies
    ones: Bodies
    totals: dict[str, Array]


def colours(side: int) -> Bodies:
    """The role of who stands at a place: 0 where x + y is even."""
    place = jnp.arange(side * side, dtype=jnp.int32)
    return (place % side + place // side) & 1


def visitor_act(r: Array, at: Array, pair: Pairing, now: Touch, word: UInt32[Array, " n"], cycles: Array) -> Bodies:
    """What each visitor plays in round r, by its script.

    Args:
      at: of the round in the course of the world, for cycles.
      now: with the last act of the body (`mine`), of the visitor (`theirs`), and whether the body ever played 1.
    """
    is_first = r == 0
    high = (word >> 16).astype(jnp.int32)
    forgives = (high & 0xFF) < 85
    zero = jnp.zeros_like(now.mine)
    by_script = {
        "nature": (high < pair.chance).astype(jnp.int32),
        "allc": zero,
        "alld": zero + 1,
        "tft": jnp.where(is_first, 0, now.mine),
        "gtft": jnp.where(is_first | forgives, 0, now.mine),
        "wsls": jnp.where(is_first, 0, now.mine ^ now.theirs),
        "grim": now.wronged,
    }
    out = zero
    for number, script in enumerate(SCRIPTS[:CYCLES]):
        out = jnp.where(pair.kind == number, by_script[script], out)
    cycle = cycles[:, at % LONGEST][jnp.clip(pair.kind - CYCLES, 0, cycles.shape[0] - 1)]
    return jnp.where(pair.kind >= CYCLES, cycle, out)


def opponents(bits: Bits, r: Array, pair: Pairing, rules: Rules) -> Bodies:
    """The place of the opponent in round r: the one that is touched, or where all are dealt anew, another."""
    a, b = bits.of(jnp.uint32(0), SHUFFLE + r)
    side = rules.side
    dx, dy = (a & (side - 1)).astype(jnp.int32), (b & (side - 1)).astype(jnp.int32)
    dy = dy ^ ((dx ^ dy) & 1)
    place = jnp.arange(side * side, dtype=jnp.int32)

    def moved(p: Bodies, sign: int) -> Bodies:
        x, y = (p % side + sign * dx) & (side - 1), (p // side + sign * dy) & (side - 1)
        return y * side + x

    dealt = jnp.where(colours(side) == 0, moved(pair.other, 1), pair.other[moved(place, -1)])
    return jnp.where(rules.shuffled, dealt, pair.other)


def one_round(bits: Bits, r: Array, pair: Pairing, ids: Bodies, genes: Array, now: Touch, rules: Rules) -> Touch:
    """A round: all play at once, are paid, and have learnt."""
    a, _ = bits.of(ids, PLAY + r)
    role = colours(rules.side)
    pays = _by_role(rules.pays, role)
    noise = jnp.where(rules.mindless, ALWAYS, genes[3])
    act, guess = answer(now.table, now.history, (*genes[:3], noise), pays, a, rules.own_acts, rules.is_foresighted)

    is_visited = pair.kind >= 0
    facing = opponents(bits, r, pair, rules)
    is_here = pair.touches & (now.energy > 0)
    theirs_energy = gather_cells(jnp.where(is_here & ~is_visited, now.energy, 0), facing)
    is_on = is_here & (is_visited | (theirs_energy > 0))
    course = bits.tick * rules.rounds + r
    theirs = jnp.where(is_visited, visitor_act(r, course, pair, now, a, rules.cycles), gather_cells(act, facing))

    gain, loss, their_loss, pot = _paid(
        now.energy, theirs_energy, pays, _by_role(rules.pays, 1 - role), act, theirs, is_on, is_visited, rules.supply
    )
    on = is_on.astype(jnp.int32)
    is_read = jnp.where(guess == theirs, on, 0)
    between, visited = jnp.where(is_visited, 0, on), jnp.where(is_visited, on, 0)
    brought = jnp.where(is_visited, their_loss, 0)
    totals = dict(
        met=on, read=is_read, plays=between, ones=between * act, visits=visited, visit_ones=visited * act,
        gained=gain, lost=loss, inflow=jnp.where(is_on, rules.supply, 0) + brought,
        spilled=pot - gain + jnp.where(is_visited, loss, 0), cut=(pair.touches & ~is_on).astype(jnp.int32),
    )  # fmt: skip
    return Touch(
        energy=now.energy + gain - loss,
        table=counted(now.table, context(now.history, genes[0]), theirs, rules.memory, is_on),
        history=jnp.where(is_on, extended(now.history, act, theirs, rules.own_acts), now.history),
        mine=jnp.where(is_on, act, now.mine),
        theirs=jnp.where(is_on, theirs, now.theirs),
        wronged=now.wronged | (on & act),
        met=now.met + on,
        read=now.read + is_read,
        ones=now.ones + on * act,
        totals={name: now.totals[name] + sum32(totals[name]) for name in COUNTS},
    )


def _paid(
    energy: Bodies,
    theirs_energy: Bodies,
    pays: Int32[Array, "2 2 n"],
    their_pays: Int32[Array, "2 2 n"],
    act: Bodies,
    theirs: Bodies,
    is_on: Array,
    is_visited: Array,
    supply: Array,
) -> tuple[Bodies, Bodies, Bodies, Bodies]:
    """What a body gains and loses in a round, what its opponent loses (a visitor all), and what lay between them."""
    paid = jnp.where(is_on, _of(pays, act, theirs), 0)
    loss = jnp.minimum(energy, jnp.maximum(-paid, 0))
    their_loss = jnp.where(is_on, jnp.maximum(-_of(their_pays, theirs, act), 0), 0)
    their_loss = jnp.where(is_visited, their_loss, jnp.minimum(their_loss, theirs_energy))
    pot = jnp.where(is_on, supply + their_loss, 0)
    return jnp.minimum(jnp.maximum(paid, 0), pot), loss, their_loss, pot


def _by_role(pays: Int32[Array, "2 2 2"], role: Bodies) -> Int32[Array, "2 2 n"]:
    return jnp.where((role == 0)[None, None, :], pays[0][:, :, None], pays[1][:, :, None])


def _of(pays: Int32[Array, "2 2 n"], own: Bodies, other: Bodies) -> Bodies:
    """The entry of each body's matrix, without a gather."""
    row = [jnp.where(other == 1, pays[a, 1], pays[a, 0]) for a in (0, 1)]
    return jnp.where(own == 1, row[1], row[0])


def touch(
    bits: Bits, pair: Pairing, ids: Bodies, genes: Array, energy: Bodies, table: Array, history: Bodies, rules: Rules
) -> Touch:
    """All rounds of a tick. Who has no energy left has gone, and its partner waits for the next tick."""
    zero = jnp.zeros_like(energy)
    now = Touch(energy, table, history, zero, zero, zero, zero, zero, zero, {name: jnp.int32(0) for name in COUNTS})
    return lax.fori_loop(0, rules.rounds, lambda r, now: one_round(bits, r, pair, ids, genes, now, rules), now)
