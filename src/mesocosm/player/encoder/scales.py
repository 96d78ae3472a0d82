"""Values of a field or a picture as bytes, and what the bytes stand for."""

from __future__ import annotations

import math

import numpy as np

from mesocosm.record.about import About

KNEE = 1 / 100
"""Share of the highest value below which the logarithmic scale is linear."""
Scale = tuple[str, float, float]
"""`log` from 0 to a highest value, `linear` from a lowest to a highest, `class`: the values themselves."""


def kind_of(about: About) -> str:
    """How values become levels: `class`, `linear` (a range is declared), or `auto`: as the values turn out."""
    if about.words or (about.is_class and about.low is None):
        return "class"
    return "linear" if about.low is not None and about.high is not None and about.high > about.low else "auto"


def scale_of(about: About, low: float, high: float) -> Scale:
    """The scale of a field whose values lie between these so far. Ends are powers of two: they seldom change."""
    kind = kind_of(about)
    if kind == "class":
        return "class", 0.0, float(max(1, len(about.words) - 1, min(high, 255)))
    if kind == "linear":
        assert about.low is not None and about.high is not None
        return "linear", float(about.low), float(about.high)
    if low < 0:
        most = power_above(max(-low, high))
        return "linear", -most, most
    return "log", 0.0, power_above(high)


def power_above(value: float) -> float:
    """The next power of two; 1 at least for what exceeds 1/2, smaller ones for small values."""
    return float(2.0 ** math.ceil(math.log2(value))) if value > 0 and math.isfinite(value) else 1.0


def levels(values: np.ndarray, scale: Scale) -> np.ndarray:
    """Values as bytes, in their shape."""
    kind, low, high = scale
    if kind == "class":
        return np.clip(np.nan_to_num(values), 0, 255).astype(np.uint8)
    finite = np.clip(np.nan_to_num(values.astype(np.float32), nan=max(low, 0), posinf=high, neginf=low), low, high)
    if kind == "log":
        knee = high * KNEE
        return np.rint(255 / math.log1p(high / knee) * np.log1p(finite / np.float32(knee))).astype(np.uint8)
    return np.rint((finite - low) * (255 / (high - low))).astype(np.uint8)


def values_of(level: np.ndarray, scale: Scale) -> np.ndarray:
    """What levels stand for."""
    kind, low, high = scale
    if kind == "class":
        return level.astype(float)
    if kind == "log":
        return high * KNEE * np.expm1(level / 255 * math.log1p(1 / KNEE))
    return low + level / 255 * (high - low)


def single(values: np.ndarray) -> np.ndarray:
    """Numbers in single precision; what is too large for it is as large as it can say."""
    most = np.finfo(np.float32).max
    return np.clip(values, -most, most).astype(np.float32) if values.dtype.itemsize > 4 else values.astype(np.float32)


def range_of(values: np.ndarray) -> tuple[float, float]:
    """Lowest and highest of the finite values; 0 to 0 where there are none."""
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)]
    return (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)


def divisor(length: int, most: int) -> int:
    """The smallest divisor that brings a length to `most` or less; 1 where none leaves half as many at least."""
    for size in range(-(-length // most), length + 1):
        if length % size == 0:
            return size if 2 * (length // size) >= min(length, most) else 1
    return 1


def coarser(values: np.ndarray, about: About, most: int) -> np.ndarray:
    """A field with no more cells along a side: averaged over blocks; of classes every k-th cell."""
    down, right = (divisor(side, most) for side in values.shape)
    if down == right == 1:
        return values
    if kind_of(about) == "class":
        return values[::down, ::right]
    rows = values.reshape(values.shape[0] // down, down, -1).sum(axis=1)
    return rows.reshape(rows.shape[0], -1, right).sum(axis=2) / (down * right)


def pixels(image: np.ndarray, about: About, most: int) -> np.ndarray:
    """A picture as bytes: [height, width] or [height, width, 3]."""
    stride = max(1, -(-max(image.shape[:2]) // most))
    image = image[::stride, ::stride]
    if image.dtype.kind == "f":
        low = about.low if about.low is not None else 0.0
        high = about.high if about.high is not None else 1.0
        image = np.rint(255 * np.clip((np.nan_to_num(image) - low) / ((high - low) or 1.0), 0, 1))
    return np.clip(image, 0, 255).astype(np.uint8)
