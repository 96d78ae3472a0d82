"""Bodies that move by Verlet's rule in integers: soft discs on a torus, planets and dust around a star.

The microstate is `[4, bodies]`: x, y and the velocities, 32-bit integers in two's complement that wrap. C is the kick
`v + F(x)`, P the drift `x + v`. Each can be undone whatever F rounds to, hence so can the tick (D. Levesque and
L. Verlet, "Molecular dynamics and time reversibility", J. Stat. Phys. 72, 1993; H. Rein and D. Tamayo, "JANUS", MNRAS
473, 2018). Positions are those half a tick after the velocities: the leapfrog, drift, kick, drift.
"""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Int32, UInt32

from mesocosm.core import About, Bits, Points, Scene, box, torus
from mesocosm.worlds.reversible import orbits
from mesocosm.worlds.reversible.gravity import high_product, pull
from mesocosm.worlds.reversible.parameters import DiscParameters, PlanetParameters
from mesocosm.worlds.reversible.world import CHANCE, FOUND, World, permutations

REACH = np.uint32(1 << 28)
"""The distance below which discs push each other: a sixteenth of the side."""


class Bodies(World):
    """What discs and planets share. Subclasses say how bodies are kicked."""

    kick: ClassVar[int]  # by chance, each component of a velocity changes by less than 2^kick

    def force(self, x: Int32[Array, "2 bodies"]) -> Int32[Array, "2 bodies"]:
        """The change of the velocities in a tick, from positions alone."""
        raise NotImplementedError

    def collide(self, bits: Bits, now: UInt32[Array, "4 bodies"], by_chance: Bool[Array, ""]) -> Array:
        x = now[:2].astype(jnp.int32)
        dv = self.force(x).astype(jnp.uint32)

        def by_lot() -> UInt32[Array, "2 bodies"]:
            return _narrow(_two_words(bits, now.shape[1], CHANCE), self.kick)

        dv = dv + lax.cond(by_chance, by_lot, lambda: jnp.zeros_like(dv))
        return now.at[2:].add(dv)

    def move(self, now: UInt32[Array, "4 bodies"]) -> UInt32[Array, "4 bodies"]:
        return now.at[:2].add(now[2:])

    def turned(self, now: UInt32[Array, "4 bodies"]) -> UInt32[Array, "4 bodies"]:
        return now.at[2:].set(jnp.uint32(0) - now[2:])

    def flipped(self, now: UInt32[Array, "4 bodies"], draw: UInt32[Array, ""], n: Int32[Array, ""]) -> Array:
        """The lowest bit of x of n bodies."""
        n_bodies = now.shape[1]
        first = (draw % jnp.uint32(n_bodies)).astype(jnp.int32)
        is_one = (jnp.arange(n_bodies, dtype=jnp.int32) - first) % n_bodies < n
        return now.at[0].set(now[0] ^ is_one.astype(jnp.uint32))

    def apart(self, a: UInt32[Array, "4 bodies"], b: UInt32[Array, "4 bodies"]) -> Int32[Array, ""]:
        """The largest difference of a coordinate."""
        return jnp.max(_size((a[:2] - b[:2]).astype(jnp.int32)))

    def probe(self, now: UInt32[Array, "4 bodies"]) -> UInt32[Array, ""]:
        """Eight bits of x of each of the last four."""
        seen = (now[0, -4:] >> self.probed) & 0xFF
        return jnp.sum(seen << jnp.arange(0, 32, 8, dtype=jnp.uint32), dtype=jnp.uint32)

    probed: ClassVar[int]  # from which bit on


class Discs(Bodies):
    """Discs that push each other away, on a torus of 2^32 by 2^32. Their momentum is conserved to the last unit.

    Two whose distance d is below a = 2^28 push each other with 2^24 (d / a) (1 - (d / a)^2) in each tick.
    """

    chance_unit: ClassVar[str] = "kicks"
    kick: ClassVar[int] = 16
    probed: ClassVar[int] = 24
    speed: UInt32[Array, ""]
    table: Int32[Array, " n"]
    whole: Int32[Array, ""]
    bodies: int = eqx.field(static=True)

    def __init__(self, parameters: DiscParameters) -> None:
        self.bodies, self.speed = parameters.bodies, jnp.uint32(parameters.speed)
        table, whole = permutations(self.bodies)
        self.table, self.whole = jnp.asarray(table), jnp.int32(whole)

    def found(self, bits: Bits, is_prepared: Bool[Array, ""]) -> UInt32[Array, "4 bodies"]:
        """In a quarter of the torus, or on every second place of a lattice over all of it."""
        number = jnp.arange(self.bodies, dtype=jnp.uint32)
        spacing = jnp.where(is_prepared, jnp.uint32(1 << 28), jnp.uint32(1 << 29))
        place = jnp.stack([number % 8, number // 8]) * spacing
        jitter = _two_words(bits, self.bodies, FOUND) >> 8  # below 2^24
        width = 2 * self.speed + 1
        velocity = _two_words(bits, self.bodies, FOUND + 1) % width - self.speed
        return jnp.concatenate([place + jitter, velocity])

    def force(self, x: Int32[Array, "2 bodies"]) -> Int32[Array, "2 bodies"]:
        apart = x[:, :, None] - x[:, None, :]  # wraps: the shortest way on the torus
        size = _size(apart).astype(jnp.uint32)
        is_near = jnp.max(size, axis=0) < REACH
        share = jnp.where(is_near[None], size << 4, 0)  # of a, in 2^-32
        square = (high_product(share[0], share[0]) >> 1) + (high_product(share[1], share[1]) >> 1)
        left = np.uint32(1 << 31) - jnp.minimum(square, np.uint32(1 << 31))
        push = high_product(share, jnp.stack([left, left])).astype(jnp.int32) >> 7
        return jnp.sum(jnp.where(apart < 0, -push, push), axis=2, dtype=jnp.int32)

    def counts(self, now: UInt32[Array, "4 bodies"]) -> Int32[Array, "16"]:
        """In the squares of a grid of four by four."""
        return _in_cells((now[1] >> 30) * 4 + (now[0] >> 30), 16)

    def conserved(self, now: UInt32[Array, "4 bodies"]) -> dict[str, Int32[Array, ""]]:
        x, y = jnp.sum(now[2:].astype(jnp.int32), axis=1, dtype=jnp.int32)
        return {"momentum_x": x, "momentum_y": y}

    def picture(self, now: UInt32[Array, "4 bodies"]) -> Scene:
        x, y = (now[:2] >> 16).astype(jnp.int32)
        vx, vy = (now[2:].astype(jnp.int32) >> 16).astype(jnp.float32)
        columns = {"id": jnp.arange(1, self.bodies + 1, dtype=jnp.int32), "x": x, "y": y, "speed": jnp.hypot(vx, vy)}
        about = {"speed": About("1/65536 side per tick", low=0)}
        return Scene({"discs": Points(jnp.ones(self.bodies, bool), columns, about, "dots")}, space=torus(65536))


class Planets(Bodies):
    """A star, two planets and dust, in the plane, under gravity; lengths in 2^-26, a quarter of a unit of time a tick.

    Star and planets are those of REBOUND's own test of reversibility (`orbits.py`). The dust has no mass.
    """

    chance_unit: ClassVar[str] = "kicks"
    kick: ClassVar[int] = 8
    probed: ClassVar[int] = 22
    massive: UInt32[Array, "4 heavy"]
    circles: UInt32[Array, "4 radii phases"]
    table: Int32[Array, " n"]
    whole: Int32[Array, ""]
    dust: int = eqx.field(static=True)

    def __init__(self, parameters: PlanetParameters) -> None:
        self.dust = parameters.dust
        self.massive, self.circles = (jnp.asarray(a) for a in (orbits.massive(), orbits.circles()))
        table, whole = permutations(self.dust)
        self.table, self.whole = jnp.asarray(table), jnp.int32(whole)

    def found(self, bits: Bits, is_prepared: Bool[Array, ""]) -> UInt32[Array, "4 bodies"]:
        """Dust on circles: close together, or all around."""
        a, b = _two_words(bits, self.dust, FOUND)
        _, n_radii, n_phases = self.circles.shape
        phase = (b % n_phases) // jnp.where(is_prepared, jnp.uint32(16), jnp.uint32(1))
        at = (a % n_radii) * n_phases + phase
        return jnp.concatenate([self.massive, self.circles.reshape(4, -1)[:, at]], axis=1)

    def force(self, x: Int32[Array, "2 bodies"]) -> Int32[Array, "2 bodies"]:
        return pull(x, orbits.MASSES)

    def counts(self, now: UInt32[Array, "4 bodies"]) -> Int32[Array, "8"]:
        """Grains in the eight directions from the middle."""
        x, y = now[:2, self.massive.shape[1] :].astype(jnp.int32)
        ways = x < 0, y < 0, _size(y) > _size(x)
        west, south, steep = (way.astype(jnp.int32) for way in ways)
        return _in_cells(4 * west + 2 * south + steep, 8)

    def picture(self, now: UInt32[Array, "4 bodies"]) -> Scene:
        n = now.shape[1]
        x, y = now[:2].astype(jnp.int32) >> 16  # 1/1024 of the unit of length
        kind = jnp.minimum(jnp.arange(n, dtype=jnp.int32), 3)
        columns = {"id": jnp.arange(1, n + 1, dtype=jnp.int32), "x": x, "y": -y, "kind": kind}
        about = {"kind": About(words=("star", "inner planet", "outer planet", "dust"))}
        space = box(6144, left=-3072, top=-3072, per_unit=1024, unit="units of length")
        return Scene({"bodies": Points(jnp.ones(n, bool), columns, about, "dots")}, space=space)


def _two_words(bits: Bits, n: int, purpose: int) -> UInt32[Array, "2 n"]:
    """Two random words for each body."""
    return bits.of(jnp.arange(2 * n, dtype=jnp.uint32).reshape(2, n), purpose)[0]


def _size(x: Int32[Array, "..."]) -> Int32[Array, "..."]:
    """|x|, and 2^31 - 1 for the one number that has none."""
    return jnp.maximum(x, -jnp.maximum(x, -(2**31) + 1))


def _narrow(word: UInt32[Array, "..."], width: int) -> UInt32[Array, "..."]:
    """A random word as a number of width + 1 bits in two's complement."""
    return (word.astype(jnp.int32) >> (31 - width)).astype(jnp.uint32)


def _in_cells(cell: Array, n: int) -> Int32[Array, " n"]:
    return jnp.sum(cell[None, :].astype(jnp.int32) == jnp.arange(n, dtype=jnp.int32)[:, None], axis=1, dtype=jnp.int32)
