"""Images looked at from elsewhere: slanted, turned, shifted, larger or smaller."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def warped(
    images: Float[Array, "n side side"], matrix: Float[Array, "n 2 2"], offset: Float[Array, "n 2"]
) -> Float[Array, "n side side"]:
    """To each place comes what lies at matrix @ place + offset, in pixels from the middle, rows first.

    Between pixels it is interpolated in both directions; around the image there are zeros.
    """
    side = images.shape[1]
    middle = (side - 1) / 2
    line = jnp.arange(side, dtype=images.dtype) - middle
    grid = jnp.stack(jnp.meshgrid(line, line, indexing="ij"))
    at = jnp.einsum("nij,jyx->niyx", matrix, grid) + offset[:, :, None, None] + middle
    at = jnp.clip(at, -1.0, side)
    low = jnp.floor(at).astype(jnp.int32)
    rest = at - low.astype(at.dtype)
    padded = jnp.pad(images, ((0, 0), (1, 2), (1, 2)))

    def seen(image: Array, low: Array, rest: Array) -> Array:
        y, x = low + 1
        above = image[y, x] * (1 - rest[1]) + image[y, x + 1] * rest[1]
        below = image[y + 1, x] * (1 - rest[1]) + image[y + 1, x + 1] * rest[1]
        return above * (1 - rest[0]) + below * rest[0]

    return jax.vmap(seen)(padded, low, rest)


__all__ = ["warped"]
