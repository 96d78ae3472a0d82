"""From what a scene names to what is drawn: a description, and for each frame a header and planes of numbers.

Planes: `id`, `x`, `y` and `column NAME` of the population that is watched; `source x`, `source y` of others;
`field NAME` in levels 0 ... 255; `curve NAME`. On a torus places are steps, 4096 along the side; on a plane they are
what they are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mesocosm.player.fields import KNEE
from mesocosm.player.reading import EXTENT
from mesocosm.viewer.genes import gene_names

UNITS = {"energy": "quanta", "age": "ticks", "food": "quanta", "odour": "amount", "signal": "amount"}
WORDS = {"behaviour": ("moves", "stays"), "element": ("none", "carried")}
PLACE = ("id", "x", "y")
TURNED = 4000
"""Bodies of a frame up to which it says where each is heading."""
_FEW = 4
_LIFE = ("lineage", "parent")
_ASIDE = (*PLACE, "born", "genome", "source")

Planes = dict[str, np.ndarray]


@dataclass(frozen=True)
class Shape:
    """What a world shows, apart from its numbers.

    Args:
      side: of the torus, in cells; None on a plane.
      population: whose bodies are watched; None where there are none.
      columns, fields, curves: each a mapping with `name` and what the player needs to know of it.
    """

    side: int | None
    population: str | None
    columns: list[dict[str, Any]] = field(default_factory=list)
    fields: list[dict[str, Any]] = field(default_factory=list)
    curves: list[dict[str, Any]] = field(default_factory=list)

    def meta(self) -> dict[str, Any]:
        """For the page."""
        place = {"side": self.side or 0, "extent": EXTENT, "plane": self.side is None}
        what = {"population": self.population, "columns": self.columns, "fields": self.fields, "curves": self.curves}
        return place | what


def side_of(configuration: Mapping[str, Any]) -> int | None:
    """Cells along the side of the torus; None where the experiment has no such world."""
    return configuration.get("world", {}).get("side")


def column(name: str, values: np.ndarray | None = None) -> dict[str, Any]:
    """How a column is shown: as words, as classes, or from low to high."""
    words = WORDS.get(name, ())
    is_class = name in _LIFE or (values is not None and values.dtype.itemsize == 1)
    kind = "frame" if words else "life" if is_class else "value"
    unit = "%" if name.startswith("tumbles") else UNITS.get(name, "")
    return {"name": name, "words": words, "unit": unit, "kind": kind}


def as_shown(name: str, values: np.ndarray) -> np.ndarray:
    """Values of a column as they are sent: whole numbers; of what has words for two, whether there is any."""
    if name in WORDS:
        return (values > 0).astype(np.uint8)
    return values.astype(np.int32, copy=False) if values.dtype.kind in "iub" else values


def columns_of(seen: Mapping[str, np.ndarray], configuration: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What bodies can be coloured by, from the columns of their population; the place is the last axis."""
    own = [name for name, values in seen.items() if name not in _ASIDE and values.ndim == 1]
    on_torus = side_of(configuration) is not None
    first = (["behaviour"] if on_torus else []) + [name for name in ("energy",) if name in own]
    last = (["age"] if "born" in seen else []) + [name for name in own if name not in first]
    out = [column(name, seen.get(name)) for name in (*first, *last)]
    if "genome" in seen:
        out += [{**column(name), "kind": "gene"} for name in gene_names(configuration, seen["genome"].shape[-2])]
    return out


def numbers(curve: str, values: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """A number, or the few numbers of a short vector, each with a name: what can be shown over time."""
    if values.ndim == 0:
        return [(curve, values)]
    few = values.ndim == 1 and values.size <= _FEW
    return [(f"{curve} {k + 1}", values[k]) for k in range(values.size)] if few else []


def levels(values: np.ndarray, high: float) -> np.ndarray:
    """A field as bytes on the logarithmic scale that ends at `high`."""
    knee = high * KNEE
    level = np.log1p(np.clip(values, 0, high).astype(np.float32) / np.float32(knee)) / math.log1p(high / knee)
    return np.rint(255 * level).astype(np.uint8).ravel()


def high_of(value: float) -> float:
    """The end of a field's scale: the next power of two, so that it seldom changes."""
    return float(2.0 ** math.ceil(math.log2(value))) if value > 1 else 1.0


def steps(place: np.ndarray, side: int | None) -> np.ndarray:
    """Places as they are sent."""
    if side is None:
        return place.astype(np.float32)
    shift = (256 * side // EXTENT).bit_length() - 1
    if side == EXTENT // 256 << max(shift, 0):  # a power of two, as worlds have it
        return (place >> shift).astype(np.uint16)
    return (place * (EXTENT // 256) // side % EXTENT).astype(np.uint16)


def turned(now: Planes, before: Planes, side: int) -> np.ndarray:
    """Where bodies went between two places (x and y in 1/256 cell), in 1/256 turn: [n] int16; -1 where nowhere."""
    half = 128 * side
    dx, dy = ((now[axis].astype(np.int64) - before[axis] + half) % (2 * half) - half for axis in "xy")
    turn = np.rint(np.arctan2(dy, dx) * (128 / np.pi)).astype(np.int16) & 255
    return np.where((dx == 0) & (dy == 0), np.int16(-1), turn).astype(np.int16)
