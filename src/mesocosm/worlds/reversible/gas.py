"""What the two lattice gases share: the drop, coarse cells, and how they look."""

from __future__ import annotations

from typing import ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Int32, UInt32

from mesocosm.core import About, Bits, Field, Scene, torus
from mesocosm.core.random import threshold16
from mesocosm.worlds.reversible.packed import ALL, backward, bits_of, bytes_of, drawn, forward, in_bytes, packed, spaced
from mesocosm.worlds.reversible.parameters import CELLS, GasParameters
from mesocosm.worlds.reversible.world import CHANCE, FOUND, World, binomials

MOST_SHOWN = 128
"""Places along a side of the picture of a gas."""


PALETTE = ("#10141c", "#3d2163", "#7c2d7e", "#c1456f", "#ec7b51", "#f8b75e", "#fbf2b4")
"""A site with nobody, with one, two ... particles."""


class Gas(World):
    """Particles of one speed in channels between sites, at most one in each.

    The microstate is `[planes, side, side / 32]`: a plane for each channel, then planes that do not move. Subclasses
    say how far apart rows are, and what becomes of particles that meet.
    """

    channels: ClassVar[int]
    row_height: ClassVar[float] = 1.0
    density: Int32[Array, ""]  # of a channel in the drop, 1/65536
    mean: Int32[Array, ""]  # of a channel over the torus
    drop: UInt32[Array, "side words"]
    table: Int32[Array, " n"]
    whole: Int32[Array, ""]
    side: int = eqx.field(static=True)

    @classmethod
    def of(cls, parameters: GasParameters) -> Self:
        """The gas with these parameters."""
        side = parameters.side
        y, x = np.mgrid[:side, :side] + 0.5 - side / 2
        inside = x**2 + (y * cls.row_height) ** 2 < (parameters.radius * side) ** 2
        return cls(
            density=jnp.int32(threshold16(parameters.density)),
            mean=jnp.int32(threshold16(parameters.density * inside.mean())),
            drop=jnp.asarray(packed(inside)),
            table=jnp.asarray(binomials(cls.channels * (side // CELLS) ** 2)),
            whole=jnp.int32(0),
            side=side,
        )

    def found(self, bits: Bits, is_prepared: Bool[Array, ""]) -> UInt32[Array, "channels side words"]:
        shape = (self.channels, self.side, self.side // 32)
        filled = drawn(bits, shape, jnp.where(is_prepared, self.density, self.mean), FOUND)
        return jnp.where(is_prepared, filled & self.drop[None], filled)

    def by_lot(self, bits: Bits, by_chance: Bool[Array, ""], law: UInt32[Array, "side words"]) -> UInt32[Array, "..."]:
        """A word for each word of a plane: fair bits of this tick, or what the law says."""
        number = jnp.arange(law.size, dtype=jnp.uint32).reshape(law.shape)
        return lax.cond(by_chance, lambda: bits.of(number, CHANCE)[0], lambda: law)

    def flipped(self, now: UInt32[Array, "planes side words"], draw: UInt32[Array, ""], n: Int32[Array, ""]) -> Array:
        moving = now[: self.channels]
        return now.at[: self.channels].set(moving ^ spaced(moving.shape, draw, n))

    def counts(self, now: UInt32[Array, "planes side words"]) -> Int32[Array, " cells"]:
        eighths = bytes_of(jnp.sum(in_bytes(now[: self.channels]), axis=0, dtype=jnp.uint32))  # of 8 sites each
        cells = eighths.reshape(CELLS, self.side // CELLS, CELLS, self.side // (8 * CELLS))
        return jnp.sum(cells, axis=(1, 3), dtype=jnp.int32).ravel()

    def probe(self, now: UInt32[Array, "planes side words"]) -> UInt32[Array, ""]:
        here = now[: self.channels, self.side // 2, self.side // 64]
        return lax.reduce(here, jnp.uint32(0), lax.bitwise_or, (0,))

    def conserved(self, now: UInt32[Array, "planes side words"]) -> dict[str, Int32[Array, ""]]:
        n = jnp.sum(lax.population_count(now[: self.channels]), axis=(1, 2), dtype=jnp.int32)
        x, y = (jnp.sum(n * jnp.array(v, jnp.int32), dtype=jnp.int32) for v in self.velocities())
        return {"particles": jnp.sum(n, dtype=jnp.int32), "momentum_x": x, "momentum_y": y}

    def velocities(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Components of the velocity of each channel, in whole units."""
        raise NotImplementedError

    def picture(self, now: UInt32[Array, "planes side words"]) -> Scene:
        sites = jnp.sum(bits_of(now[: self.channels]), axis=0, dtype=jnp.int32)
        block = -(-self.side // MOST_SHOWN)
        shown = self.side // block
        if shown * block == self.side:
            sites = jnp.sum(sites.reshape(shown, block, shown, block), axis=(1, 3), dtype=jnp.int32)
        words = ("nobody", "1 particle", *(f"{k} particles" for k in range(2, self.channels + 1)))
        about = About(words=words, palette=_spread(PALETTE, len(words)))
        if block > 1:
            about = About(f"particles in {block} x {block} sites", low=0)
        space = torus(self.side, self.side * self.row_height, unit="sites")
        return Scene(fields={"density": Field(sites, about=about)}, space=space)


class HPP(Gas):
    """Four channels on a square lattice (J. Hardy, Y. Pomeau and O. de Pazzis, J. Math. Phys. 14, 1973).

    Planes: east, north, west, south. Two that meet head on, and nobody else, leave at right angles.
    """

    channels: ClassVar[int] = 4

    def velocities(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return (1, 0, -1, 0), (0, 1, 0, -1)

    def collide(self, bits: Bits, now: UInt32[Array, "4 side words"], by_chance: Bool[Array, ""]) -> Array:
        east, north, west, south = now
        meet = (east & west & ~(north | south)) | (north & south & ~(east | west))
        return now ^ (meet & self.by_lot(bits, by_chance, jnp.full_like(meet, ALL)))[None]

    def move(self, now: UInt32[Array, "4 side words"]) -> UInt32[Array, "4 side words"]:
        east, north, west, south = now
        return jnp.stack([forward(east), jnp.roll(north, 1, axis=0), backward(west), jnp.roll(south, -1, axis=0)])

    def turned(self, now: UInt32[Array, "4 side words"]) -> UInt32[Array, "4 side words"]:
        return jnp.stack([now[2], now[3], now[0], now[1]])


class FHP(Gas):
    """Six channels on a triangular lattice (U. Frisch, B. Hasslacher and Y. Pomeau, Phys. Rev. Lett. 56, 1986).

    Planes: the channels at 0, 60 ... 300 degrees, and the handedness of each site, drawn at the founding. Pairs that
    meet head on turn by 60 degrees, to the left where the site is left-handed; three at 120 degrees go back where they
    came from. Nobody else may be there. Turning time round exchanges left and right.
    """

    channels: ClassVar[int] = 6
    row_height: ClassVar[float] = 0.75**0.5

    def velocities(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return (2, 1, -1, -2, -1, 1), (0, 1, 1, 0, -1, -1)  # in units of 1/2 and of sqrt(3)/2 of a site

    def found(self, bits: Bits, is_prepared: Bool[Array, ""]) -> UInt32[Array, "7 side words"]:
        particles = super().found(bits, is_prepared)
        hand = drawn(bits, particles.shape[1:], jnp.int32(1 << 15), FOUND + 8)
        return jnp.concatenate([particles, hand[None]])

    def collide(self, bits: Bits, now: UInt32[Array, "7 side words"], by_chance: Bool[Array, ""]) -> Array:
        n, left = now[:6], self.by_lot(bits, by_chance, now[6])
        both, some = n[:3] & n[3:], n[:3] | n[3:]  # of the three pairs that can meet head on
        pair = both & ~jnp.roll(some, 1, axis=0) & ~jnp.roll(some, -1, axis=0)
        change = pair ^ (jnp.roll(pair, 1, axis=0) & left[None]) ^ (jnp.roll(pair, -1, axis=0) & ~left[None])
        one, other = n[0::2], n[1::2]
        three = (_every(one) & ~_any(other)) | (_every(other) & ~_any(one))
        change = change ^ three[None]
        return jnp.concatenate([n ^ jnp.concatenate([change, change]), now[6:]])

    def move(self, now: UInt32[Array, "7 side words"]) -> UInt32[Array, "7 side words"]:
        # Odd rows lie half a site to the right: from them one gets to the right by a place, to the left by none.
        is_odd = (jnp.arange(self.side) % 2 == 1)[:, None]
        right = [jnp.where(is_odd, forward(now[k]), now[k]) for k in (1, 5)]
        left = [jnp.where(is_odd, now[k], backward(now[k])) for k in (2, 4)]
        up = [jnp.roll(plane, 1, axis=0) for plane in (right[0], left[0])]
        down = [jnp.roll(plane, -1, axis=0) for plane in (left[1], right[1])]
        return jnp.stack([forward(now[0]), *up, backward(now[3]), *down, now[6]])

    def turned(self, now: UInt32[Array, "7 side words"]) -> UInt32[Array, "7 side words"]:
        return jnp.concatenate([now[3:6], now[:3], ~now[6:]])


def _spread(palette: tuple[str, ...], n: int) -> tuple[str, ...]:
    """n of these colours, the first and the last among them."""
    return tuple(palette[k * (len(palette) - 1) // (n - 1)] for k in range(n))


def _every(planes: UInt32[Array, "planes side words"]) -> UInt32[Array, "side words"]:
    return lax.reduce(planes, ALL, lax.bitwise_and, (0,))


def _any(planes: UInt32[Array, "planes side words"]) -> UInt32[Array, "side words"]:
    return lax.reduce(planes, np.uint32(0), lax.bitwise_or, (0,))
