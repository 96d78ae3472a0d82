"""Tasks made from nothing whose answer is a number, or an order.

x is normal in a space with a random spectrum, each example standardised as images are. What is asked for is a sum of a
linear part, a smooth one that no line can follow (random waves), and noise, each of a share of the variance that is
drawn for each task.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float32

from mesocosm.tasks.streams import Stream
from mesocosm.tasks.variety import as_images

WAVES = 8
"""Waves of the part that is not linear."""

STEEP = 4.0
"""How surely the better of two is preferred: log odds for a difference of one standard deviation."""


def draw_numbers(key: Array, n: int, width: int, curved: float = 0.5, noisy: float = 0.3) -> Stream:
    """A task of `n` examples of `width` numbers, labels of mean 0 and deviation 1 over the stream. `key` is consumed.

    Args:
      curved, noisy: the largest share of the variance that is not linear, and that is noise.
    """
    k_x, k_worth, k_noise, k_share = jax.random.split(key, 4)
    x = _inputs(k_x, n, width)
    share = noisy * jax.random.uniform(k_share)
    noise = _even(jax.random.normal(k_noise, (n,)))
    return Stream(x, _even(jnp.sqrt(1 - share) * _worth(k_worth, x, curved) + jnp.sqrt(share) * noise))


def draw_pairs(key: Array, n: int, width: int, curved: float = 0.0, items: int = 0) -> tuple[Stream, Stream]:
    """`n` pairs with 1 where the first was preferred, and `items` single ones with what they are worth.

    The better of two is preferred with the probability of R. Bradley and M. Terry, 1952: the logistic function of
    `STEEP` times the difference of worths. `key` is consumed.
    """
    k_x, k_worth, k_prefer = jax.random.split(key, 3)
    x = _inputs(k_x, 2 * n + items, width)
    worth = _worth(k_worth, x, curved)
    first, second, single = worth[:n], worth[n : 2 * n], worth[2 * n :]
    prefers = jax.random.uniform(k_prefer, (n,)) < jax.nn.sigmoid(STEEP * (first - second))
    pairs = jnp.concatenate([x[:n], x[n : 2 * n]], axis=1)
    return Stream(pairs, prefers.astype(jnp.float32)), Stream(x[2 * n :], single)


def _inputs(key: Array, n: int, width: int) -> Float32[Array, "n width"]:
    k_fall, k_axes, k_x = jax.random.split(key, 3)
    fall = jax.random.uniform(k_fall, maxval=1.0)
    deviations = jnp.arange(1, width + 1, dtype=jnp.float32) ** -fall
    axes = jax.random.normal(k_axes, (width, width)) / jnp.sqrt(jnp.float32(width))
    return as_images((jax.random.normal(k_x, (n, width)) * deviations[None, :]) @ axes)


def _worth(key: Array, x: Float32[Array, "n width"], curved: float) -> Float32[Array, " n"]:
    """Of mean 0 and deviation 1 over the examples."""
    k_line, k_waves, k_phase, k_share = jax.random.split(key, 4)
    width = x.shape[1]
    share = curved * jax.random.uniform(k_share)
    line = _even(x @ jax.random.normal(k_line, (width,)))
    directions = jax.random.normal(k_waves, (width, WAVES)) / jnp.sqrt(jnp.float32(width))
    phases = jax.random.uniform(k_phase, (WAVES,), maxval=2 * jnp.pi)
    waves = _even(jnp.sum(jnp.cos(1.5 * x @ directions + phases[None, :]), axis=1))
    return _even(jnp.sqrt(1 - share) * line + jnp.sqrt(share) * waves)


def _even(values: Float32[Array, " n"]) -> Float32[Array, " n"]:
    return (values - jnp.mean(values)) / (jnp.std(values) + 1e-6)


__all__ = ["STEEP", "draw_numbers", "draw_pairs"]
