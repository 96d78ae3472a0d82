"""Fields of integer amounts: diffusion and decay with exact sums and exact expectations (petri.md, 5.4).

A field is stored as four sublattices, by the parity of its row and column: `v[row & 1, column & 1, row >> 1, column >>
1]`. A matching then pairs whole sublattices, each pair is computed once, and every step is a contiguous array
operation (2.5 times faster on a CPU than shifted copies of the plain grid).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Int32, UInt32

from mesocosm.core.arrays import promised
from mesocosm.core.random import Words

Sublattices = Int32[Array, "2 2 half half"]


@dataclass(frozen=True)
class FieldLaw:
    """A field that a world has, by name.

    Args:
      number: addresses its random bits; one's own begin at 16.
      unit: quanta are energy, and what of them decays is booked.
    """

    name: str
    number: int
    unit: str = "amount"


FULLEST = 32767
"""Of a cell: the largest `cell_capacity` that a configuration may have."""
FOOD, ODOUR, SIGNAL = FieldLaw("food", 0, "quanta"), FieldLaw("odour", 1), FieldLaw("signal", 2)


def as_grid(v: Any) -> Any:
    """A field (or its last four axes) as `[side, side]`; NumPy or jax."""
    *lead, _, _, half, _ = v.shape
    axes = (*range(len(lead)), *(len(lead) + k for k in (2, 0, 3, 1)))
    return v.transpose(axes).reshape(*lead, 2 * half, 2 * half)


def address(row: Int32[Array, " n"], column: Int32[Array, " n"], side: int) -> Int32[Array, " n"]:
    """Where the cell lies in a flattened field."""
    half = side // 2
    return (((row & 1) * 2 + (column & 1)) * half + (row >> 1)) * half + (column >> 1)


def _cells(row_parity: Any, column_parity: Any, shape: tuple[int, ...]) -> UInt32[Array, "..."]:
    """The cells (row * side + column) of sublattices of this shape; the last two axes are the half grid."""
    half = shape[-1]
    row = 2 * lax.broadcasted_iota(jnp.uint32, shape, len(shape) - 2) + row_parity
    return row * (2 * half) + 2 * lax.broadcasted_iota(jnp.uint32, shape, len(shape) - 1) + column_parity


def _dither(cells: Words, addend: Words, multiplier: Words) -> Words:
    """Uniform in every cell and tick; a multiplier new in every tick keeps any two cells from fluctuating together."""
    return cells * (multiplier | 1) + addend


def _exchange(
    v: Sublattices, strength: Int32[Array, ""], words: tuple[Words, Words], axis: int, odd: int
) -> Sublattices:
    """Every pair of a matching shares its difference; the pair's first cell addresses the dither.

    Args:
      axis: 0 for pairs of neighbouring rows, 1 for columns.
      odd: 1 if pairs begin at odd rows (columns).
    """
    even_half, odd_half = (lax.index_in_dim(v, parity, axis, keepdims=False) for parity in (0, 1))
    across = lax.broadcasted_iota(jnp.uint32, even_half.shape, 0)  # parity along the other axis
    cells = _cells(*((odd, across) if axis == 0 else (across, odd)), even_half.shape)
    dither = (_dither(cells, words[0], words[1]) >> 24).astype(jnp.int32)
    if odd:
        second = jnp.roll(even_half, -1, 1 + axis)
        flow = ((odd_half - second) * strength + dither) >> 8
        return jnp.stack([even_half + jnp.roll(flow, 1, 1 + axis), odd_half - flow], axis)
    flow = ((even_half - odd_half) * strength + dither) >> 8
    return jnp.stack([even_half - flow, odd_half + flow], axis)


def age(
    v: Sublattices,
    strength: Int32[Array, ""],
    rate: Int32[Array, ""],
    words: tuple[Array, Array],
    tick: Int32[Array, ""],
    is_bounded: bool = False,
) -> tuple[Sublattices, Int32[Array, ""]]:
    """Diffusion along one of four matchings, in turn, and after the fourth, decay.

    Diffusion conserves sums and keeps values between the old extremes; in decay each quantum is lost with probability
    rate / 65536, to the exact mean.

    Args:
      strength: share of a pair's difference that flows, in 1/256, at most 128.
      words: the two words of this field and tick; diffusion adds the first, decay the second.
      is_bounded: whether it is known that no cell holds less than 0 or more than `FULLEST`.

    Returns:
      the field, and how much decayed.
    """

    def known(v: Array) -> Array:
        return promised(v, jnp.int32(0), jnp.int32(FULLEST)) if is_bounded else v

    def matching(m: int, v: Array, words: tuple[Array, Array]) -> tuple[Array, Array]:
        v = known(v)
        spread = known(_exchange(v, strength, words, axis=m & 1, odd=m >> 1))
        if m < 3:
            return spread, jnp.int32(0)
        # Diffusion conserves the sum. The barrier keeps XLA from computing the field a second time for its sum alone.
        aged = lax.optimization_barrier(known(_decay(spread, rate, words)))
        return aged, jnp.sum(v, dtype=jnp.int32) - jnp.sum(aged, dtype=jnp.int32)

    return lax.switch(tick & 3, [partial(matching, m) for m in range(4)], v, words)


def _decay(v: Sublattices, rate: Int32[Array, ""], words: tuple[Words, Words]) -> Sublattices:
    row_parity, column_parity = (lax.broadcasted_iota(jnp.uint32, v.shape, axis) for axis in (0, 1))
    dither = _dither(_cells(row_parity, column_parity, v.shape), words[1], words[0])
    return v - ((v * rate + (dither >> 16).astype(jnp.int32)) >> 16)
