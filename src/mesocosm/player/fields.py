"""Fields as bytes: averaged down to at most 64 x 64, some of their frames, 256 levels on a logarithmic scale."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mesocosm.player.planes import DamagedFrames, from_varints, to_varints

SIDE_AT_MOST = 64
FRAMES_AT_MOST = 60
KNEE = 1 / 100
"""Share of the highest value below which the scale is linear."""


def pack_field(
    name: str, values: np.ndarray, ticks: np.ndarray, unit: str, high: float | None, planes: dict[str, bytes]
) -> dict[str, Any]:
    """Adds the planes of a field and gives its description.

    A value v is kept as level round(255 log(1 + v / knee) / log(1 + high / knee)), with knee = high / 100.

    Raises:
      ValueError: naming the field, if there is not one tick for each of its frames.
    """
    values = np.asarray(values)
    if values.ndim != 3 or len(values) != len(ticks):
        raise ValueError(f"field {name!r}: needs [frames, height, width] and a tick for each frame")
    stride = max(1, math.ceil(len(values) / FRAMES_AT_MOST))
    small = _averaged(np.nan_to_num(values[::stride].astype(np.float64), posinf=0).clip(min=0))
    if high is None:
        high = float(small.max(initial=0))
    high = high if math.isfinite(high) and high > 0 else 1.0
    knee = high * KNEE
    levels = np.rint(255 * np.log1p(np.minimum(small, high) / knee) / math.log1p(high / knee)).astype(np.uint8)
    planes[f"field {name}"] = np.diff(levels, axis=0, prepend=np.zeros_like(levels[:1])).tobytes()
    planes[f"field ticks {name}"] = to_varints(np.diff(np.asarray(ticks, np.int64)[::stride], prepend=0))
    n, height, width = levels.shape
    return {"name": name, "unit": unit, "high": high, "knee": knee, "n": n, "height": height, "width": width}


def unpack_field(described: dict[str, Any], planes: dict[str, bytes]) -> tuple[np.ndarray, np.ndarray]:
    """The values `[frames, height, width]` that the levels stand for, and the ticks of the frames."""
    shape = (described["n"], described["height"], described["width"])
    flat = np.frombuffer(planes[f"field {described['name']}"], np.uint8)
    ticks = np.cumsum(from_varints(planes[f"field ticks {described['name']}"]))
    if flat.size != math.prod(shape) or ticks.size != shape[0]:
        raise DamagedFrames("the recording is damaged (a field is cut off)")
    levels = np.add.accumulate(flat.reshape(shape), axis=0, dtype=np.uint8)
    knee, high = described["knee"], described["high"]
    if not (0 < knee < math.inf and 0 <= high < math.inf):
        raise DamagedFrames("the recording is damaged (a field has no highest value)")
    return knee * np.expm1(levels / 255 * math.log1p(high / knee)), ticks


def high_of(values: np.ndarray) -> float:
    """The highest value that a field shows: of its averages, NaN aside."""
    return float(_averaged(np.nan_to_num(np.asarray(values, np.float64), posinf=0).clip(min=0)).max(initial=0))


def _averaged(values: np.ndarray) -> np.ndarray:
    """Averages over blocks, so that no side is longer than 64 where its length can be divided."""
    n, height, width = values.shape
    down, right = (_divisor(length) for length in (height, width))
    if down == right == 1:
        return values
    return values.reshape(n, height // down, down, width // right, right).mean(axis=(2, 4))


def _divisor(length: int) -> int:
    """The smallest divisor that brings a length to 64 or less; 1 where only the length itself would."""
    for divisor in range(1, length):
        if length % divisor == 0 and length // divisor <= SIDE_AT_MOST:
            return divisor
    return 1
