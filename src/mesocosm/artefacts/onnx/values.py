"""Values of a graph, and what numbers they can be: the least and the most, from what made them.

Bounds of whole numbers are always known (at worst the ends of their type), of floats where they are finite and so no
NaN. By them nodes become unnecessary: a place that cannot be negative is not wrapped, the root of a small number is not
clipped before it becomes whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

Shape = tuple[int, ...]
Number = int | float


@dataclass(frozen=True, eq=False)
class Value:
    """An array of the program.

    Args:
      shape, dtype: as the program has it.
      held: the shape that is in the graph; broadcasts to `shape`, and has no leading ones.
      name: in the graph; empty for a constant that has not been needed yet.
      constant: its numbers [held], where they are known.
      least, most: bounds of its numbers, where more is known than its type says.
    """

    shape: Shape
    dtype: np.dtype
    held: Shape
    name: str = ""
    constant: np.ndarray | None = None
    least: Number | None = None
    most: Number | None = None

    @property
    def bounds(self) -> tuple[Number, Number]:
        """The least and the most number; of floats infinite where nothing is known."""
        if self.constant is not None:
            return _of_array(self.constant)
        low, high = _of_type(self.dtype)
        return low if self.least is None else self.least, high if self.most is None else self.most

    @property
    def is_finite(self) -> bool:
        return all(map(math.isfinite, self.bounds))

    @property
    def one(self) -> Number | bool | None:
        """The number, if it is known and the same everywhere."""
        return self.constant.item() if self.constant is not None and self.constant.size == 1 else None


def _of_array(array: np.ndarray) -> tuple[Number, Number]:
    if not array.size:
        return 0, 0
    low, high = array.min().item(), array.max().item()
    return (low, high) if math.isfinite(low) and math.isfinite(high) else (-math.inf, math.inf)


def _of_type(dtype: np.dtype) -> tuple[Number, Number]:
    if dtype.kind == "b":
        return 0, 1
    if dtype.kind in "iu":
        return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    return -math.inf, math.inf


def is_one(array: np.ndarray) -> bool:
    """Whether it holds the same number everywhere, bit for bit: 0 and -0 are equal, and 1 / 0 and 1 / -0 are not."""
    bits = np.ascontiguousarray(array).reshape(-1).view(f"u{array.itemsize}")
    return bool(bits.size) and bool((bits == bits[0]).all())


def within(value: Value, low: Number, high: Number) -> Value:
    """The value with these bounds; whole numbers that may have wrapped, and what may be no number, have none."""
    ends = _of_type(value.dtype)
    if value.constant is not None or math.isnan(low) or math.isnan(high) or low < ends[0] or high > ends[1]:
        return value
    return replace(value, least=low, most=high)


def like(value: Value, *others: Value) -> Value:
    """The value, which has only numbers of the others."""
    ends = [other.bounds for other in others]
    return within(value, min(low for low, _ in ends), max(high for _, high in ends))


def at_corners(value: Value, f: Callable[[Number, Number], Number], a: Value, b: Value) -> Value:
    """The value of a function that is monotone in each of two whole numbers."""
    ends = [f(x, y) for x in a.bounds for y in b.bounds]
    return within(value, min(ends), max(ends))


def stripped(shape: Sequence[int]) -> Shape:
    """A shape without its leading ones."""
    shape = tuple(shape)
    while shape and shape[0] == 1:
        shape = shape[1:]
    return shape


def padded(held: Shape, rank: int) -> Shape:
    """A held shape with leading ones, as long as the rank."""
    return (1,) * (rank - len(held)) + held
