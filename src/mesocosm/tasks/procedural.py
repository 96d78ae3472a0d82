"""Tasks made from nothing: classes are clouds in a space with a random geometry.

x = common + prototype of the class + variation, each in its own random subspace, then a random squashing, then each
example standardised as images are. Spectra, ranks, sizes, the number of prototypes a class has, sparsity and noise are
drawn for each task over ranges that hold those of drawings, digits and clothes.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float32

from mesocosm.tasks.streams import Stream, as_images

RANK = 24
"""Directions in which examples of a class vary."""

PROTOTYPES = 3
"""Prototypes that a class has at most."""


def draw_clouds(key: Array, n: int, classes: int, pixels: int) -> Stream:
    """A task of `n` examples. `key` is consumed."""
    k = jax.random.split(key, 12)
    geometry = _spectrum(k[0], pixels)
    prototypes = _coloured(k[1], (classes, PROTOTYPES, pixels), geometry)
    strayed = _between(k[2], 0.0, 1.0)  # how far the prototypes of one class lie apart
    prototypes = prototypes[:, :1] + strayed * (prototypes - prototypes[:, :1])
    common = _between(k[3], 0.0, 2.0) * _coloured(k[4], (pixels,), geometry)
    labels = jax.random.randint(k[5], (n,), 0, classes, jnp.int32)
    which = jax.random.randint(k[6], (n,), 0, PROTOTYPES, jnp.int32)
    directions = _coloured(k[7], (RANK, pixels), geometry)
    fall = jnp.arange(1, RANK + 1, dtype=jnp.float32) ** -_between(k[8], 0.0, 1.5)
    variation = (jax.random.normal(k[9], (n, RANK)) * (fall / jnp.linalg.norm(fall))[None, :]) @ directions
    x = prototypes[labels, which] + common[None, :] + jnp.exp(_between(k[10], -0.7, 1.2)) * variation
    return Stream(as_images(_squash(k[11], x, n, pixels)), labels)


def _between(key: Array, low: float, high: float) -> Float32[Array, ""]:
    return jax.random.uniform(key, (), jnp.float32, low, high)


def _spectrum(key: Array, pixels: int) -> Float32[Array, " pixels"]:
    """How strongly each pixel takes part: from all alike to few only."""
    a, b = jax.random.split(key)
    weights = jnp.exp(_between(a, 0.0, 1.5) * jax.random.normal(b, (pixels,)))
    return weights / jnp.sqrt(jnp.mean(weights**2))


def _coloured(key: Array, shape: tuple[int, ...], weights: Array) -> Array:
    return jax.random.normal(key, shape) * weights.reshape((1,) * (len(shape) - 1) + (-1,))


def _squash(key: Array, x: Array, n: int, pixels: int) -> Array:
    """Noise, then ink: linear, or cut off below a random height and above another."""
    a, b, c, d = jax.random.split(key, 4)
    x = x + _between(a, 0.0, 1.0) * jax.random.normal(b, (n, pixels))
    height = _between(c, -0.5, 1.5)
    inked = jnp.tanh(jax.nn.relu(x - height))
    return jnp.where(jax.random.uniform(d) < 0.3, x, inked)


__all__ = ["draw_clouds"]
