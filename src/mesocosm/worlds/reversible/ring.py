"""A ring of balls that recurs, and two urns that forget: two worlds whose mean course is known exactly."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Int32, UInt32

from mesocosm.core import About, Bits, Points, Scene, box
from mesocosm.core.random import threshold16
from mesocosm.worlds.reversible.packed import ALL, backward, bits_of, drawn, forward, spaced
from mesocosm.worlds.reversible.parameters import CELLS, RingParameters, UrnParameters
from mesocosm.worlds.reversible.world import CHANCE, FOUND, World, binomials

MOST_SHOWN = 1024
"""Balls that are drawn."""


class Ring(World):
    """Balls on a ring move on by one place a tick; whoever crosses a marked border changes colour (M. Kac, 1956).

    The microstate is `[3, balls / 32]`: which balls are black, which borders are marked (border k between places k and
    k + 1), and the way they go round: no bits, or all. From white balls, white less black is (1 - 2 marked)^t of all in
    the mean over markers, for t up to the number of balls N; after 2 N ticks everything is as it was.
    """

    marked: Int32[Array, ""]  # 1/65536
    table: Int32[Array, " n"]
    whole: Int32[Array, ""]
    balls: int = eqx.field(static=True)

    def __init__(self, parameters: RingParameters) -> None:
        self.balls = parameters.balls
        self.marked = jnp.int32(threshold16(parameters.marked))
        self.table, self.whole = jnp.asarray(binomials(self.balls // CELLS)), jnp.int32(0)

    def found(self, bits: Bits, is_prepared: Bool[Array, ""]) -> UInt32[Array, "3 words"]:
        shape = (self.balls // 32,)
        black = drawn(bits, shape, jnp.where(is_prepared, 0, 1 << 15), FOUND)
        return jnp.stack([black, drawn(bits, shape, self.marked, FOUND + 8), jnp.zeros(shape, jnp.uint32)])

    def collide(
        self, bits: Bits, now: UInt32[Array, "3 words"], by_chance: Bool[Array, ""]
    ) -> UInt32[Array, "3 words"]:
        def by_lot() -> UInt32[Array, " words"]:
            return drawn(bits, now.shape[1:], self.marked, CHANCE)

        # By chance, markers are drawn anew in every tick.
        return now.at[1].set(lax.cond(by_chance, by_lot, lambda: now[1]))

    def move(self, now: UInt32[Array, "3 words"]) -> UInt32[Array, "3 words"]:
        black, marked, way = now
        on, back = forward(black ^ marked), backward(black) ^ marked
        return jnp.stack([jnp.where(way == 0, on, back), marked, way])

    def turned(self, now: UInt32[Array, "3 words"]) -> UInt32[Array, "3 words"]:
        return now.at[2].set(~now[2])

    def flipped(self, now: UInt32[Array, "3 words"], draw: UInt32[Array, ""], n: Int32[Array, ""]) -> Array:
        return now.at[0].set(now[0] ^ spaced(now[0].shape, draw, n))

    def counts(self, now: UInt32[Array, "3 words"]) -> Int32[Array, " arcs"]:
        return jnp.sum(lax.population_count(now[0]).reshape(CELLS, -1), axis=1, dtype=jnp.int32)

    def probe(self, now: UInt32[Array, "3 words"]) -> UInt32[Array, ""]:
        return now[0, 0]

    def conserved(self, now: UInt32[Array, "3 words"]) -> dict[str, Int32[Array, ""]]:
        return {"markers": jnp.sum(lax.population_count(now[1]), dtype=jnp.int32)}

    def picture(self, now: UInt32[Array, "3 words"]) -> Scene:
        n = min(self.balls, MOST_SHOWN)
        black = bits_of(now[0])[:: self.balls // n][:n]
        angle = 2 * np.pi * np.arange(n) / n
        x, y = (np.rint(1000 * f(angle)).astype(np.int32) for f in (np.sin, np.cos))
        ids = jnp.arange(1, n + 1, dtype=jnp.int32)
        columns = {"id": ids, "x": jnp.asarray(x), "y": -jnp.asarray(y), "colour": black}
        points = Points(jnp.ones(n, bool), columns, {"colour": About(words=("white", "black"))}, "dots")
        return Scene({"balls": points}, space=box(2400, left=-1200, top=-1200))


class Urn(World):
    """In every tick one of N balls is drawn and put into the other urn (P. and T. Ehrenfest, 1907).

    The microstate is `[1, balls / 32]`: which balls lie in the left urn. There is nothing but chance, hence no way
    back. Left less right is (1 - 2/N)^t of all in the mean.
    """

    is_reversible: ClassVar[bool] = False
    table: Int32[Array, " n"]
    whole: Int32[Array, ""]
    balls: int = eqx.field(static=True)

    def __init__(self, parameters: UrnParameters) -> None:
        self.balls = parameters.balls
        self.table, self.whole = jnp.asarray(binomials(self.balls)), jnp.int32(0)

    def found(self, bits: Bits, is_prepared: Bool[Array, ""]) -> UInt32[Array, "1 words"]:
        half = drawn(bits, (1, self.balls // 32), jnp.int32(1 << 15), FOUND)
        return jnp.where(is_prepared, ALL, half)

    def move(self, now: UInt32[Array, "1 words"]) -> UInt32[Array, "1 words"]:
        return now

    def step(self, bits: Bits, now: UInt32[Array, "1 words"], by_chance: Bool[Array, ""]) -> UInt32[Array, "1 words"]:
        drawn_ball = bits.of(jnp.uint32(0), CHANCE)[0] % jnp.uint32(self.balls)
        place = jnp.arange(now.size, dtype=jnp.uint32).reshape(now.shape)
        return now ^ jnp.where(place == drawn_ball // 32, jnp.uint32(1) << (drawn_ball % 32), jnp.uint32(0))

    def flipped(self, now: UInt32[Array, "1 words"], draw: UInt32[Array, ""], n: Int32[Array, ""]) -> Array:
        return now ^ spaced(now.shape, draw, n)

    def counts(self, now: UInt32[Array, "1 words"]) -> Int32[Array, "1"]:
        return jnp.sum(lax.population_count(now), axis=1, dtype=jnp.int32)

    def probe(self, now: UInt32[Array, "1 words"]) -> UInt32[Array, ""]:
        return now[0, 0]

    def picture(self, now: UInt32[Array, "1 words"]) -> Scene:
        n = min(self.balls, MOST_SHOWN)
        is_left = bits_of(now[0])[:n]
        side = int(np.ceil(np.sqrt(n)))
        number = jnp.arange(n, dtype=jnp.int32)
        x = 10 * (number % side) + jnp.where(is_left == 1, 0, 10 * (side + 4))
        columns = {"id": number + 1, "x": x, "y": 10 * (number // side), "urn": 1 - is_left}
        points = Points(jnp.ones(n, bool), columns, {"urn": About(words=("left", "right"))}, "dots")
        return Scene({"balls": points}, space=box(10 * (2 * side + 8), 10 * (side + 4), -20, -20))
