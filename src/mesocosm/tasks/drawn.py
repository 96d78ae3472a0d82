"""Tasks of images made from nothing: strokes of a pen, and blobs with textures.

A class of *strokes* is a few curves (quadratic Bezier curves); a drawing of it moves their ends. A class of *blobs* is
the shape where a smooth random field is positive, often the same left and right, with a texture of its own; an example
moves the field, the texture and the light. Fields have the noise spectra 1/f^s of natural images (D. Field, "Relations
between the statistics of natural images and the response properties of cortical cells", 1987), s drawn for each class.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32

from mesocosm.tasks.streams import Stream
from mesocosm.tasks.variety import Variety

STROKES, POINTS = 4, 14
"""Strokes of a drawing at most, and places along each that the pen's distance is taken from."""
_STEADY = Variety(slant=0.05, turn=0.05, scale=0.08, stretch=0.1, shift=0.025, thick=False)
"""How far blobs are taken apart: clothes and leaves lie much alike."""


def draw_strokes(key: Array, n: int, classes: int, side: int) -> Stream:
    """A task of `n` drawings of random characters. `key` is consumed."""
    of_class, of_label, of_drawing, of_variety = jax.random.split(key, 4)
    k1, k2, k3 = jax.random.split(of_class, 3)
    ends = jax.random.uniform(k1, (classes, STROKES, 3, 2), minval=-0.75, maxval=0.75)
    is_joined = jax.random.bernoulli(k2, 0.5, (classes, STROKES - 1))
    begins = jnp.where(is_joined[:, :, None], ends[:, :-1, 2], ends[:, 1:, 0])  # a stroke goes on where one ended
    ends = ends.at[:, 1:, 0].set(begins)
    used = jax.random.randint(k3, (classes,), 2, STROKES + 1)
    labels = jax.random.randint(of_label, (n,), 0, classes)
    moved = ends[labels] + 0.08 * jax.random.normal(of_drawing, (n, STROKES, 3, 2))
    ink = jax.vmap(lambda e, u: _inked(e, u, 2 * side))(moved, used[labels])
    return Stream(Variety()(of_variety, ink), labels.astype(jnp.int32))


def _inked(ends: Float[Array, "strokes 3 2"], used: Array, side: int) -> Float32[Array, "side side"]:
    """Ink near the curves of the first `used` strokes."""
    t = jnp.linspace(0, 1, POINTS)[:, None, None]
    points = (1 - t) ** 2 * ends[None, :, 0] + 2 * t * (1 - t) * ends[None, :, 1] + t**2 * ends[None, :, 2]
    points = points.reshape(-1, 2)
    line = jnp.linspace(-1, 1, side)
    place = jnp.stack(jnp.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)
    squared = jnp.sum(place**2, axis=1)[:, None] + jnp.sum(points**2, axis=1)[None, :] - 2 * place @ points.T
    is_used = jnp.tile(jnp.arange(STROKES) < used, POINTS)
    nearest = jnp.min(jnp.where(is_used[None, :], squared, 4.0), axis=1)
    return jnp.clip(1.5 - jnp.sqrt(jax.nn.relu(nearest) + 1e-6) * side / 2.5, 0, 1).reshape(side, side)


def draw_blobs(key: Array, n: int, classes: int, side: int) -> Stream:
    """A task of `n` images of random bodies. `key` is consumed."""
    k = jax.random.split(key, 10)
    size = 2 * side
    scalars = jax.random.uniform(k[0], (9, classes, 1, 1))
    ranges = ((1.6, 3.2), (0.3, 1.5), (0.8, 1.4), (0.8, 1.6), (0.5, 2.5), (0.0, 0.5), (3, 15), (0.1, 0.5), (0.0, 0.8))
    slope, height, tall, broad, grain, contrast, edge, loose, strange = (
        low + (high - low) * s for (low, high), s in zip(ranges, scalars, strict=True)
    )
    shape = _field(k[1], slope, size)
    is_even = jax.random.bernoulli(k[2], 0.6, (classes, 1, 1))
    shape = jnp.where(is_even, (shape + shape[:, :, ::-1]) / jnp.sqrt(2.0), shape)
    line = jnp.abs(jnp.linspace(-1, 1, size))
    shape = shape + height - 3 * jax.nn.relu(jnp.maximum(line[None, :, None] * tall, line[None, None, :] * broad) - 0.3)
    texture = _field(k[3], grain, size)
    y = jax.random.randint(k[4], (n,), 0, classes)
    bent = _field(k[5], jnp.full((n, 1, 1), 3.0), size)
    other = _field(k[6], grain[y], size)
    light = jax.random.uniform(k[7], (n, 1, 1), minval=0.3)
    body = jax.nn.sigmoid(edge[y] * (shape[y] + loose[y] * bent))
    skin = 1 + contrast[y] * ((1 - strange[y]) * texture[y] + strange[y] * other)
    return Stream(_STEADY(k[8], jnp.clip(body * light * skin, 0, 1)), y.astype(jnp.int32))


def _field(key: Array, slope: Float[Array, "n 1 1"], side: int) -> Float32[Array, "n side side"]:
    """Random fields with amplitudes 1 / f^slope, mean 0 and variance 1, cut out of fields of twice the side."""
    wide = 2 * side
    f = np.fft.fftfreq(wide)[:, None] ** 2 + np.fft.rfftfreq(wide)[None, :] ** 2 + 1 / wide**2
    amplitude = jnp.asarray(f, jnp.float32)[None] ** (-slope / 2)
    real, imaginary = (amplitude * part for part in jax.random.normal(key, (2, slope.shape[0], *f.shape)))
    x = jnp.fft.irfft2(jax.lax.complex(real, imaginary), s=(wide, wide))
    x = x[:, side // 2 : side // 2 + side, side // 2 : side // 2 + side]
    x = x - jnp.mean(x, axis=(1, 2), keepdims=True)
    return x / jnp.sqrt(jnp.mean(x**2, axis=(1, 2), keepdims=True) + 1e-6)


__all__ = ["draw_blobs", "draw_strokes"]
