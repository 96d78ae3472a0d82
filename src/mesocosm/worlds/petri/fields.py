"""Fields of integer amounts: diffusion and decay with exact sums and exact expectations (petri.md, 5.4)."""

from __future__ import annotations

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Int32, UInt32

_GOLDEN = 2654435769  # 2^32 / golden ratio: neighbouring cells get well-spread dithers


def _dither(side: int, word: UInt32[Array, ""]) -> UInt32[Array, "side side"]:
    cells = jnp.arange(side * side, dtype=jnp.uint32).reshape(side, side)
    return cells * jnp.uint32(_GOLDEN) + word


def _exchange(
    v: Int32[Array, "side side"], strength: Int32[Array, ""], word: UInt32[Array, ""], axis: int, odd: int
) -> Int32[Array, "side side"]:
    """Every pair of the matching (along `axis`, beginning at even or odd places) shares its difference."""
    place = lax.broadcasted_iota(jnp.int32, v.shape, axis)
    is_second = ((place ^ odd) & 1) == 1
    partner = jnp.where(is_second, jnp.roll(v, 1, axis), jnp.roll(v, -1, axis))
    dither = _dither(v.shape[0], word)
    dither = jnp.where(is_second, jnp.roll(dither, 1, axis), dither)  # the pair's first cell addresses its dither
    difference = jnp.where(is_second, partner - v, v - partner)
    flow = (difference * strength + (dither >> 24).astype(jnp.int32)) >> 8
    return jnp.where(is_second, v + flow, v - flow)


def diffuse(
    v: Int32[Array, "side side"], strength: Int32[Array, ""], word: UInt32[Array, ""], tick: Int32[Array, ""]
) -> Int32[Array, "side side"]:
    """One of four matchings, in turn: sums are conserved, values stay between the old extremes.

    Args:
      strength: share of a pair's difference that flows, in 1/256, at most 128.
      word: random bits of this field and tick.
    """
    matchings = [lambda v, s, w, m=m: _exchange(v, s, w, axis=m & 1, odd=m >> 1) for m in range(4)]
    return lax.switch(tick & 3, matchings, v, strength, word)


def decay(
    v: Int32[Array, "side side"], rate: Int32[Array, ""], word: UInt32[Array, ""], tick: Int32[Array, ""]
) -> Int32[Array, "side side"]:
    """Every fourth tick each quantum is lost with probability rate / 65536, to the exact mean."""

    def lose(v: Array, rate: Array, word: Array) -> Array:
        return v - ((v * rate + (_dither(v.shape[0], word) >> 16).astype(jnp.int32)) >> 16)

    return lax.cond(tick & 3 == 3, lose, lambda v, rate, word: v, v, rate, word)
