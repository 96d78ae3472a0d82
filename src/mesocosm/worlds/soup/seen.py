"""What a person sees of a soup: its tapes as lines of a picture, by what a byte does and by whom it descends from."""

from __future__ import annotations

import colorsys

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Int32, UInt8

from mesocosm.core import Image, Scene
from mesocosm.core.arrays import sum32
from mesocosm.core.random import mix32
from mesocosm.record.about import About
from mesocosm.worlds.soup.language import CLASSES, PALETTE, TAPE, classes
from mesocosm.worlds.soup.parse import parse

HUES = 60
"""Colours of founding tapes; more share one. The last colour of all is that of bytes that were struck."""

_SHADES = [(h / 20, 0.75 - 0.2 * tone, 0.95 - 0.25 * tone) for tone in range(3) for h in range(20)]
_HUED = ["#" + "".join(f"{int(255 * c):02x}" for c in colorsys.hsv_to_rgb(*shade)) for shade in _SHADES]
COLOURS = (*_HUED, "#f4f4f4")

_FRACTION = 8
"""Binary digits behind the point of a logarithm."""


def tall(n: int) -> int:
    """Tapes below each other in the picture, of n (a power of two): it is about as wide as high, or twice."""
    bits = n.bit_length() - 1
    return 1 << max(0, bits - (max(0, bits - 6) + 1) // 2)


def laid_out(values: Array) -> Array:
    """[n, 64] as a picture: a tape is a line of 64, first down and then to the right."""
    rows = tall(values.shape[0])
    return values.reshape(-1, rows, TAPE).transpose(1, 0, 2).reshape(rows, -1)


def log2(x: Int32[Array, "*n"]) -> Int32[Array, "*n"]:
    """floor(256 log2 x) or one less, of 1 <= x < 2^31, by squaring: exact integers on every device; 0 of 0."""
    x = jnp.maximum(x, 1).astype(jnp.uint32)
    whole = 31 - lax.clz(x).astype(jnp.int32)
    mantissa = jnp.where(
        whole > 15,
        x >> jnp.maximum(whole - 15, 0).astype(jnp.uint32),
        x << (15 - jnp.minimum(whole, 15)).astype(jnp.uint32),
    )
    out = whole
    for _ in range(_FRACTION):
        square = (mantissa * mantissa) >> 15  # below 2^17
        is_above = square >= (1 << 16)
        mantissa = jnp.where(is_above, square >> 1, square)
        out = 2 * out + is_above.astype(jnp.int32)
    return out


def entropy(data: UInt8[Array, "m"]) -> Int32[Array, ""]:
    """Shannon's entropy of the bytes, in 1/256 bit a byte, of m = 2^k bytes, k >= 6."""
    counts = jnp.bincount(data.astype(jnp.int32), length=256).astype(jnp.int32)
    bits = data.shape[0].bit_length() - 1
    missing = (bits << _FRACTION) - log2(counts)  # log2 of 1/p; below 2^13
    # counts * missing stays below 2^34: the low six bits of the counts are added up apart
    high, low = sum32((counts >> 6) * missing), sum32((counts & 63) * missing)
    return (high + (low >> 6)) >> (bits - 6)


def order(shannon: Int32[Array, ""], literals: Array, matches: Array, n_bytes: int) -> Int32[Array, ""]:
    """Higher-order entropy in 1/256 bit a byte: Shannon's entropy less what a byte takes once the parse compresses it.

    A literal costs the entropy of the bytes, a match its distance and length, and which of the two comes the entropy of
    their frequencies. Large soups are counted in units of 2^shift bytes, so that no product leaves 31 bits.
    """
    bits = n_bytes.bit_length() - 1
    shift = max(0, bits - 15)
    literal, match = literals >> shift, matches >> shift
    items = literal + match
    which = items * log2(items) - literal * log2(literal) - match * log2(match)
    taken = literal * shannon + match * ((bits + 6) << _FRACTION) + which
    return jnp.maximum(shannon - (taken >> (bits - shift)), 0)


def scene_of(data: UInt8[Array, "n 64"], tokens: Int32[Array, "n 64"], depth: Int32[Array, " n"]) -> Scene:
    """Pictures and numbers."""
    flat = data.ravel()
    kind = jnp.asarray(classes())[data]
    founder = (tokens - 1) // TAPE  # the tape that the byte was founded on; what was struck later has none
    hue = jnp.where(founder < data.shape[0], mix32(founder.astype(jnp.uint32)) % HUES, HUES).astype(jnp.uint8)
    ordered = jnp.sort(tokens.ravel())
    shannon, (literals, matches) = entropy(flat), parse(flat)
    curves = {
        "deepest": jnp.max(depth),
        "entropy": shannon,
        "higher": order(shannon, literals, matches, flat.shape[0]),
        "tokens": 1 + sum32(ordered[1:] != ordered[:-1]),
        "zeros": sum32(flat == 0),
    }
    about = {
        "deepest": About("copies"),
        "entropy": About("1/256 bit a byte", low=0, high=2048),
        "higher": About("1/256 bit a byte", low=0),
        "tokens": About("tokens"),
        "zeros": About("bytes"),
    }
    images = {
        "tapes": Image(laid_out(kind), About(words=CLASSES, palette=PALETTE, is_class=True)),
        "descent": Image(laid_out(hue), About(palette=COLOURS, is_class=True)),
    }
    return Scene(curves=curves, images=images, about=about)
