"""Newton's law in 32-bit integers: the same bits on every machine.

The differences are scaled so that the larger has 32 bits; the inverse root of their square comes from a parabola and
three of Newton's steps, to some 2^-26.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Int32, UInt32

Words = UInt32[Array, "..."]

FRACTION = 4
"""Bits below the unit in which pulls are added up."""


def high_product(a: Words, b: Words) -> Words:
    """The upper half of the product of two words."""
    a0, a1, b0, b1 = a & 0xFFFF, a >> 16, b & 0xFFFF, b >> 16
    low = a1 * b0 + ((a0 * b0) >> 16)
    middle = a0 * b1 + (low & 0xFFFF)
    return a1 * b1 + (low >> 16) + (middle >> 16)


def inverse_root(u: Words) -> Words:
    """2^30 / sqrt(u / 2^32), for u of at least 2^30: within 8 of it."""
    # 2.6706 - 3.2848 u + 1.6383 u^2 is within 2.5 % on [1/4, 1]
    square = high_product(u, u)
    linear, bend = (jnp.full_like(u, c) for c in (3527070000, 1759130000))
    y = np.uint32(2867555000) - (high_product(u, linear) - high_product(square, bend))
    for _ in range(3):  # y (3 - u y^2) / 2
        t = high_product(u, high_product(y, y))  # u y^2, in 2^-28
        y = high_product(y, (np.uint32(3 << 28) - t) << 2) << 1
    return y


def pull(x: Int32[Array, "2 bodies"], masses: tuple[int, ...]) -> Int32[Array, "2 bodies"]:
    """The change of all velocities in a tick by the first bodies, which have mass.

    Args:
      x: positions, in 2^-26 of the unit of length; differences wrap.
      masses: G m dt^2 of the first bodies, in 2^-32 of the unit of length cubed.
    """
    n, heavy = x.shape[1], len(masses)
    mass = np.array(masses, np.uint32)[None, :]
    most = np.array([30 - m.bit_length() for m in masses], np.int32)[None, :]
    apart = x[:, None, :heavy] - x[:, :, None]  # from each body to each that pulls
    size = jnp.where(apart < 0, -apart, apart).astype(jnp.uint32)
    larger = jnp.maximum(size[0], size[1])
    up = lax.clz(larger | 1).astype(jnp.int32)
    scaled = size << up.astype(jnp.uint32)[None]
    square = (high_product(scaled[0], scaled[0]) >> 2) + (high_product(scaled[1], scaled[1]) >> 2)
    is_small = square < 1 << 30
    y = inverse_root(jnp.maximum(jnp.where(is_small, square << 2, square), np.uint32(1 << 30)))
    cube = high_product(high_product(y, y), y)  # (u^-3/2), in 2^-26
    part = high_product(scaled, jnp.broadcast_to(cube[None], scaled.shape))
    weighed = high_product(part << 3, jnp.broadcast_to(jnp.asarray(mass)[None], part.shape))
    shift = jnp.minimum(2 * up + 3 * is_small.astype(jnp.int32) - 18 + FRACTION, most)  # near ones are softened
    left, right = (jnp.clip(s, 0, 31).astype(jnp.uint32)[None] for s in (shift, -shift))
    strength = ((weighed << left) >> right).astype(jnp.int32)
    is_other = jnp.arange(n)[:, None] != jnp.arange(heavy)[None, :]
    pulls = jnp.where(is_other[None], jnp.where(apart < 0, -strength, strength), 0)
    return (jnp.sum(pulls, axis=2, dtype=jnp.int32) + (1 << (FRACTION - 1))) >> FRACTION
