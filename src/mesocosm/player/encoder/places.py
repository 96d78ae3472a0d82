"""Where things lie: from the numbers of a scene to the steps that are sent, and to the words that are shown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mesocosm.player.encoder.scales import single
from mesocosm.record.about import Space

EXTENT = 4096
"""Steps along the longer side of a bounded world."""


def grid_of(space: Space) -> tuple[int, int]:
    """Columns and rows in which the parts of a space are drawn."""
    columns = math.ceil(math.sqrt(space.parts))
    return columns, math.ceil(space.parts / columns)


def laid_out(space: Space) -> Space:
    """The space as it is drawn: where it has several parts, a box with all of them in a grid."""
    if space.parts == 1:
        return space
    columns, rows = grid_of(space)
    width, height = space.width * columns, space.height / space.parts * rows
    return Space("box", width, height, space.left, space.top, space.per_unit, space.unit)


def part_of(space: Space) -> Space:
    """One part alone."""
    return Space(space.kind, space.width, space.height / space.parts, space.left, space.top, space.per_unit, space.unit)


def places_in_grid(place: Mapping[str, np.ndarray], space: Space) -> dict[str, np.ndarray]:
    """Where `x` and `y` lie once the parts of their space stand in a grid."""
    columns, _ = grid_of(space)
    height = space.height / space.parts
    part = np.clip((place["y"] - space.top) // height, 0, space.parts - 1).astype(np.int64)
    x = place["x"] + (part % columns) * space.width
    y = place["y"] + (part // columns - part) * height
    return {"x": x, "y": y}


def field_in_grid(values: np.ndarray, space: Space) -> np.ndarray:
    """A field [parts * height, width] with its parts in a grid; what fills the last row up is 0."""
    if space.parts == 1 or values.shape[0] % space.parts:
        return values
    columns, rows = grid_of(space)
    parts = values.reshape(space.parts, -1, values.shape[1])
    full = np.concatenate([parts, np.zeros((columns * rows - space.parts, *parts.shape[1:]), parts.dtype)])
    return np.concatenate([np.concatenate(full[k : k + columns], axis=1) for k in range(0, len(full), columns)])


def extent_of(space: Space) -> tuple[int, int]:
    """Steps along both sides; of a plane, those into which a recording divides what it shows."""
    if space.kind == "plane":
        return EXTENT, EXTENT
    longest = max(space.width, space.height)
    return tuple(max(1, round(EXTENT * side / longest)) for side in (space.width, space.height))  # type: ignore[return-value]


def steps(place: np.ndarray, space: Space, axis: int) -> np.ndarray:
    """Places along an axis (0: x, 1: y) as they are sent: whole steps, on a plane the numbers themselves."""
    if space.kind == "plane":
        return np.nan_to_num(single(place))
    extent = extent_of(space)[axis]
    start, length = ((space.left, space.width), (space.top, space.height))[axis]
    per_step = length / extent
    shift = int(per_step).bit_length() - 1
    if place.dtype.kind in "iu" and not start and per_step == 1 << max(shift, 0):
        out = place >> shift
    else:
        finite = np.nan_to_num(place.astype(np.float64), posinf=0, neginf=0)
        with np.errstate(over="ignore"):
            out = np.clip(np.floor((finite - start) / per_step + 1e-9), -(2**53), 2**53).astype(np.int64)
    if space.kind == "torus":  # a world keeps its places within itself; whatever does not is folded back
        out = out & (extent - 1) if extent & (extent - 1) == 0 else out % extent
        return out.astype(np.uint16)
    return np.clip(out, 0, extent - 1).astype(np.uint16)


def told_space(space: Space) -> dict[str, Any]:
    """A space, for the page: steps, and what they are in the unit that people read."""
    size = [side / space.per_unit for side in (space.width, space.height)]
    origin = [space.left / space.per_unit, space.top / space.per_unit]
    return {"kind": space.kind, "extent": list(extent_of(space)), "size": size, "origin": origin, "unit": space.unit}


def turned(now: dict[str, np.ndarray], before: dict[str, np.ndarray], space: Space) -> np.ndarray:
    """Where bodies went between two places, in 1/256 turn: [n] int16; -1 where nowhere."""
    away = []
    for axis, length in (("x", space.width), ("y", space.height)):
        whole = now[axis].dtype.kind in "iu"
        difference = now[axis].astype(np.int64 if whole else np.float64) - before[axis]
        if space.kind == "torus":
            span = int(length) if whole and float(length).is_integer() else length
            difference = (difference + span / 2) % span - span / 2
        away.append(np.nan_to_num(difference.astype(np.float64)))
    turn = np.rint(np.arctan2(away[1], away[0]) * (128 / np.pi)).astype(np.int16) & 255
    return np.where((away[0] == 0) & (away[1] == 0), np.int16(-1), turn).astype(np.int16)


def around(places: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of the square around all places on a plane, with a margin."""
    low, high = [], []
    for axis in (0, 1):
        values = np.concatenate([pair[axis] for pair in places]) if places else np.zeros(0)
        values = values[np.isfinite(values)] if values.dtype.kind == "f" else values
        low.append(float(values.min()) if values.size else 0.0)
        high.append(float(values.max()) if values.size else 0.0)
    half = 0.55 * max(high[0] - low[0], high[1] - low[1], 1e-9)
    middle = [(a + b) / 2 for a, b in zip(low, high, strict=True)]
    return middle[0] - half, middle[1] - half, middle[0] + half, middle[1] + half


def on_a_circle(n: int, space: Space) -> dict[str, np.ndarray]:
    """Places for points of a graph that have none."""
    turn = 2 * np.pi * np.arange(n) / max(n, 1)
    radius = 1.0 if space.kind == "plane" else 0.42 * min(space.width, space.height)
    middle = (0.0, 0.0) if space.kind == "plane" else (space.left + space.width / 2, space.top + space.height / 2)
    return {"x": middle[0] + radius * np.sin(turn), "y": middle[1] - radius * np.cos(turn)}
