"""Bits packed into words, lowest bit first: shifted along a row, counted, drawn with a given probability."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Int32, UInt32

from mesocosm.core import Bits

ALL = np.uint32(0xFFFFFFFF)


def forward(row: UInt32[Array, "*rows words"]) -> UInt32[Array, "*rows words"]:
    """Every bit one place on, along a cyclic last axis."""
    return (row << 1) | (jnp.roll(row, 1, axis=-1) >> 31)


def backward(row: UInt32[Array, "*rows words"]) -> UInt32[Array, "*rows words"]:
    """Every bit one place back: the inverse of `forward`."""
    return (row >> 1) | (jnp.roll(row, -1, axis=-1) << 31)


def in_bytes(words: UInt32[Array, "..."]) -> UInt32[Array, "..."]:
    """The number of bits in each byte of a word, in that byte (H. S. Warren, "Hacker's Delight", 5-1)."""
    words = words - ((words >> 1) & 0x55555555)
    words = (words & 0x33333333) + ((words >> 2) & 0x33333333)
    return (words + (words >> 4)) & 0x0F0F0F0F


def bytes_of(words: UInt32[Array, "*rows words"]) -> Int32[Array, "*rows bytes"]:
    """The bytes of words as numbers, in order."""
    apart = jnp.stack([(words >> k) & 0xFF for k in range(0, 32, 8)], axis=-1)
    return apart.reshape(*words.shape[:-1], -1).astype(jnp.int32)


def bits_of(words: UInt32[Array, "*rows words"]) -> Int32[Array, "*rows sites"]:
    """The bits of words as numbers, in order."""
    apart = (words[..., None] >> _places(words.ndim)) & 1
    return apart.reshape(*words.shape[:-1], -1).astype(jnp.int32)


def packed(sites: np.ndarray) -> np.ndarray:
    """Truth values [..., sites] as words [..., sites / 32]."""
    words = np.asarray(sites, np.uint32).reshape(*sites.shape[:-1], -1, 32)
    return (words << np.arange(32, dtype=np.uint32)).sum(axis=-1, dtype=np.uint32)


def drawn(bits: Bits, shape: tuple[int, ...], threshold: Int32[Array, ""], purpose: int) -> UInt32[Array, "..."]:
    """Words of which each bit is set with probability threshold / 65536, independently.

    From the lowest binary digit of the threshold to the highest: OR with fair bits where it is 1, AND where it is 0.
    Takes 8 purposes.
    """
    index = jnp.arange(int(np.prod(shape)), dtype=jnp.uint32).reshape(shape)

    def two_digits(k: Array, out: UInt32[Array, "..."]) -> UInt32[Array, "..."]:
        for j, fair in enumerate(bits.of(index, purpose + k)):
            is_one = (threshold >> (2 * k + j)) & 1 == 1
            out = jnp.where(is_one, out | fair, out & fair)
        return out

    out = lax.fori_loop(0, 8, two_digits, jnp.zeros(shape, jnp.uint32))
    return jnp.where(threshold >= 65536, ALL, out)


def spaced(shape: tuple[int, ...], draw: UInt32[Array, ""], n: Int32[Array, ""]) -> UInt32[Array, "..."]:
    """Words in which n bits are set, evenly spaced from a drawn place on."""
    n_bits = 32 * int(np.prod(shape))
    place = jnp.arange(n_bits, dtype=jnp.int32).reshape(*shape, 32)
    along = (place - (draw % jnp.uint32(n_bits)).astype(jnp.int32)) % n_bits
    spacing = n_bits // jnp.maximum(n, 1)
    is_set = (along % spacing == 0) & (along // spacing < n)
    return jnp.sum(is_set.astype(jnp.uint32) << _places(len(shape)), axis=-1, dtype=jnp.uint32)


def _places(n_axes: int) -> UInt32[Array, "..."]:
    """0 ... 31 along a last axis after so many others."""
    return jnp.arange(32, dtype=jnp.uint32).reshape(*(1,) * n_axes, 32)
