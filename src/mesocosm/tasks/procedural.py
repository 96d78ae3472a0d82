"""Tasks made from nothing: classes are clouds in a space with a random geometry.

x = common + prototype of the class + variation, each in its own random subspace, then a random squashing, then each
example standardised as images are. Spectra, ranks, sizes, the number of prototypes a class has, sparsity and noise are
drawn for each task over ranges that hold those of drawings, digits and clothes.
"""

from __future__ import annotations

from itertools import accumulate
from math import prod

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float32

from mesocosm.tasks.streams import Stream
from mesocosm.tasks.variety import as_images

RANK = 24
"""Directions in which examples of a class vary."""

PROTOTYPES = 3
"""Prototypes that a class has at most."""


SCALARS = 8
"""Properties of a task that are one number each."""


def draw_clouds(key: Array, n: int, classes: int, pixels: int) -> Stream:
    """A task of `n` examples. `key` is consumed.

    All numbers come from one draw, cut into pieces: every further draw would cost a second of compiling.
    """
    shapes = [(SCALARS,), (2, n), (pixels,), (classes, PROTOTYPES, pixels), (pixels,), (RANK, pixels), (n, RANK)]
    shapes += [(n, pixels)]
    ends = list(accumulate(prod(shape) for shape in shapes))
    drawn = jax.random.uniform(key, (ends[-1],), jnp.float32, 1e-6, 1 - 1e-6)
    pieces = [part.reshape(shape) for part, shape in zip(jnp.split(drawn, ends[:-1]), shapes, strict=True)]
    scalars, (which_class, which_prototype), *uniform = pieces
    weight, prototypes, common, directions, amounts, noise = (_normal(u) for u in uniform)
    low_high = ((0, 1.5), (0, 1), (0, 2), (0, 1.5), (-0.7, 1.2), (0, 1), (-0.5, 1.5), (0, 1))
    uneven, strayed, shift, fall, vary, noisy, height, plain = (
        low + (high - low) * scalars[i] for i, (low, high) in enumerate(low_high)
    )

    weight = jnp.exp(uneven * weight)  # how strongly each pixel takes part: from all alike to few only
    weight = weight / jnp.sqrt(jnp.mean(weight**2))
    prototypes = prototypes * weight[None, None, :]
    prototypes = prototypes[:, :1] + strayed * (prototypes - prototypes[:, :1])  # those of one class lie together
    labels = (which_class * classes).astype(jnp.int32)
    falling = jnp.arange(1, RANK + 1, dtype=jnp.float32) ** -fall
    variation = (amounts * (falling / jnp.linalg.norm(falling))[None, :]) @ (directions * weight[None, :])
    x = prototypes[labels, (which_prototype * PROTOTYPES).astype(jnp.int32)]
    x = x + (shift * common * weight)[None, :] + jnp.exp(vary) * variation + noisy * noise
    inked = jnp.tanh(jax.nn.relu(x - height))
    return Stream(as_images(jnp.where(plain < 0.3, x, inked)), labels)


def _normal(uniform: Float32[Array, "..."]) -> Float32[Array, "..."]:
    return jnp.sqrt(2.0) * jax.lax.erf_inv(2 * uniform - 1)


__all__ = ["draw_clouds"]
