"""Fields in a file: averaged down to at most 64 x 64 (classes as they are), some of their frames, in 256 levels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from mesocosm.player.encoder.planes import DamagedFrames, from_varints, to_varints
from mesocosm.player.encoder.scales import Scale, divisor, levels, power_above, values_of

SIDE_AT_MOST = 64
FRAMES_AT_MOST = 60


def pack_field(
    name: str,
    values: np.ndarray,
    ticks: np.ndarray,
    about: Mapping[str, Any],
    scale: Scale | None,
    planes: dict[str, bytes],
) -> dict[str, Any]:
    """Adds the planes of a field and gives its description.

    Raises:
      ValueError: naming the field, if there is not one tick for each of its frames.
    """
    values = np.asarray(values)
    if values.ndim != 3 or len(values) != len(ticks):
        raise ValueError(f"field {name!r}: needs [frames, height, width] and a tick for each frame")
    is_class = bool(about.get("is_class"))
    stride = 1 if is_class else max(1, math.ceil(len(values) / FRAMES_AT_MOST))
    scale = scale or seen_scale(values[::stride], about)
    small = values[::stride] if is_class else _averaged(values[::stride].astype(np.float64))
    level = levels(small, scale)
    planes[f"field {name}"] = np.diff(level, axis=0, prepend=np.zeros_like(level[:1])).tobytes()
    planes[f"field ticks {name}"] = to_varints(np.diff(np.asarray(ticks, np.int64)[::stride], prepend=0))
    n, height, width = level.shape
    told = {key: about[key] for key in ("unit", "words", "palette", "is_class", "called") if key in about}
    return {**told, "name": name, "scale": list(scale), "n": n, "height": height, "width": width}


def unpack_field(described: dict[str, Any], planes: dict[str, bytes]) -> tuple[np.ndarray, np.ndarray]:
    """The values `[frames, height, width]` that the levels stand for, and the ticks of the frames."""
    shape = (described["n"], described["height"], described["width"])
    flat = np.frombuffer(planes[f"field {described['name']}"], np.uint8)
    ticks = np.cumsum(from_varints(planes[f"field ticks {described['name']}"]))
    if flat.size != math.prod(shape) or ticks.size != shape[0]:
        raise DamagedFrames("the recording is damaged (a field is cut off)")
    level = np.add.accumulate(flat.reshape(shape), axis=0, dtype=np.uint8)
    kind, low, high = described["scale"]
    if kind not in ("log", "linear", "class") or not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise DamagedFrames("the recording is damaged (a field has no scale)")
    return values_of(level, (kind, low, high)), ticks


def seen_scale(values: np.ndarray, about: Mapping[str, Any]) -> Scale:
    """Of values [frames, height, width] of which no one has said how they are drawn: to the highest of them."""
    is_class = bool(about.get("is_class"))
    values = values if is_class else _averaged(np.asarray(values, np.float64))
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    high, low = float(finite.max(initial=0)), float(finite.min(initial=0))
    if is_class:
        return "class", 0.0, max(1.0, min(high, 255.0))
    if low < 0:
        return "linear", -power_above(max(high, -low)), power_above(max(high, -low))
    return "log", 0.0, high or 1.0


def _averaged(values: np.ndarray) -> np.ndarray:
    """Averages over blocks, so that no side is longer than 64 where its length can be divided."""
    n, height, width = values.shape
    down, right = (divisor(length, SIDE_AT_MOST) for length in (height, width))
    if down == right == 1:
        return values
    return (
        np.nan_to_num(values, posinf=0, neginf=0)
        .reshape(n, height // down, down, width // right, right)
        .mean(axis=(2, 4))
    )
