"""Variety within a class: each drawing is slanted, turned, scaled, shifted and thickened at random.

What is left of a class when all of that has been done to it is the class. Rules and rivals that are meta-trained on
such tasks learn what to overlook (the idea is P. Simard et al., "Best practices for convolutional neural networks
applied to visual document analysis", 2003; here it is done to the tasks of a meta-training, never to a test).
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float32

from mesocosm.core.sampling import warped

Images = Float32[Array, "n side side"]


class Variety(eqx.Module):
    """How far drawings of one class are taken apart: standard deviations of normal numbers, but for `thick`.

    Args:
      slant: sideways shift a row of height 1.
      turn: radians.
      scale, stretch: natural logarithms of the size, and of width against height.
      shift: of the side of the image.
      thick: whether strokes are blurred and saturated by random amounts, as by other pens.
    """

    slant: float = eqx.field(static=True, default=0.3)
    turn: float = eqx.field(static=True, default=0.15)
    scale: float = eqx.field(static=True, default=0.25)
    stretch: float = eqx.field(static=True, default=0.15)
    shift: float = eqx.field(static=True, default=0.07)
    thick: bool = eqx.field(static=True, default=True)

    def __call__(self, key: Array, drawings: Images) -> Float32[Array, "n pixels"]:
        """Ink from 0 to 1 of an even side -> images of half the side, standardised. `key` is consumed."""
        n, side = drawings.shape[:2]
        move, pen = jax.random.split(key)
        slant, turn, scale, stretch, down, across = jax.random.normal(move, (6, n))
        cos, sin = jnp.cos(self.turn * turn), jnp.sin(self.turn * turn)
        high = jnp.exp(self.scale * scale + self.stretch * stretch)
        wide = jnp.exp(self.scale * scale - self.stretch * stretch)
        turned = jnp.stack([jnp.stack([cos * high, -sin * wide], 1), jnp.stack([sin * high, cos * wide], 1)], 1)
        sheared = turned.at[:, :, 0].add(turned[:, :, 1] * (self.slant * slant)[:, None])
        moved = warped(drawings, sheared, self.shift * side * jnp.stack([down, across], axis=1))
        return as_images(halved(_penned(pen, moved) if self.thick else moved).reshape(n, -1))


def as_images(x: Float32[Array, "n pixels"]) -> Float32[Array, "n pixels"]:
    """Each example with mean 0 and standard deviation 1.

    The unit is that of ink (at most 1): an example that is nearly empty stays faint.
    """
    x = x - jnp.mean(x, axis=1, keepdims=True)
    return x / jnp.sqrt(jnp.mean(x**2, axis=1, keepdims=True) + 1e-6)


def halved(images: Images) -> Images:
    """Each new pixel is the mean of four."""
    n, side = images.shape[:2]
    return images.reshape(n, side // 2, 2, side // 2, 2).mean(axis=(2, 4))


def _penned(key: Array, images: Images) -> Images:
    """Blurred over 0.4 to 1.6 pixels, then made 1 to 2.5 times as dark, at most 1."""
    n, side = images.shape[:2]
    drawn = jax.random.uniform(key, (2, n, 1, 1))
    width, gain = 0.4 + 1.2 * drawn[0], 1 + 1.5 * drawn[1]
    line = jnp.arange(side, dtype=images.dtype)
    near = jnp.exp(-0.5 * ((line[:, None] - line[None, :])[None] / width) ** 2)
    near = near / jnp.sum(near, axis=2, keepdims=True)
    soft = near @ images @ jnp.swapaxes(near, 1, 2)
    return jnp.clip(gain * soft / (jnp.max(soft, axis=(1, 2), keepdims=True) + 1e-6), 0, 1)


__all__ = ["Variety", "as_images", "halved"]
