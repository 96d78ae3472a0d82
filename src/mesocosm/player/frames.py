"""A recorded world as compact bytes, about one for each body and frame. `player.js` reads the same format.

Places are kept at 12 bits a coordinate (4096 steps a side, whatever the side); they are exact at that resolution.
A body is aligned by its id with itself in the frame before. What is written is the difference from a forecast: that it
stays, or that it goes on as it went. Which of the two is decided once for each pair (act before, act now): a body that
runs straight goes on, one that tumbles stays. So each pair has planes of its own, and zlib finds them full of zeros.

Columns are kept in one of three ways: `frame` (few small values: every frame, packed bits), `life` (what never changes
while a body lives: at its birth), `sampled` (the rest, as energy: at birth and in every tenth frame, held in between).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mesocosm.player.fields import pack_field
from mesocosm.player.panel import Panel
from mesocosm.player.planes import seal, to_bits, to_varints
from mesocosm.player.reading import ESCAPE, EXTENT, FEW, wrapped

_PLACE = ("tick", "id", "x", "y")


def pack(panel: Panel, sampled_every: int = 10, field_highs: Mapping[str, float] | None = None) -> bytes:
    """A panel as bytes.

    Args:
      sampled_every: frames between two samples of a column such as energy.
      field_highs: by field the value that has the full colour; so that several panels share a scale.

    Raises:
      ValueError: naming the panel and the column, if rows are not ordered by tick then id, or are out of range.
    """
    rows = _Rows.of(panel)
    planes = _pack_lives(rows)
    header: dict[str, Any] = {
        "title": panel.title,
        "side": int(panel.side),
        "extent": EXTENT,
        "n_frames": rows.n_frames,
        "sampled_every": int(sampled_every),
    }
    header["columns"] = _pack_columns(panel, rows, sampled_every, planes)
    header["contexts"] = _pack_moves(rows, _context(header["columns"], panel), planes)
    _pack_sources(panel, rows.ticks, planes)
    highs = field_highs or {}
    header["fields"] = [
        pack_field(name, values, ticks, panel.units.get(name, ""), highs.get(name), planes)
        for name, (values, ticks) in panel.fields.items()
    ]
    header["curves"] = [_pack_curve(panel, name, rows.n_frames, planes) for name in panel.curves]
    header["series"] = {n: [_short(ticks), _short(values)] for n, (ticks, values) in panel.series.items()}
    header["bounds"] = None if panel.bounds is None else list(map(float, panel.bounds))
    header["population"] = panel.population
    return seal(header, planes)


@dataclass(frozen=True)
class _Rows:
    """The bodies of a panel, each aligned with itself in the frame before: [rows]."""

    ticks: np.ndarray
    frame: np.ndarray
    id: np.ndarray
    x: np.ndarray
    y: np.ndarray

    @classmethod
    def of(cls, panel: Panel) -> _Rows:
        ticks = panel.frame_ticks
        if np.any(np.diff(ticks) <= 0):
            raise ValueError(f"panel {panel.title!r}: ticks must ascend")
        columns = {name: _integers(panel, name, values) for name, values in panel.bodies.items()}
        n = {name: values.size for name, values in columns.items()}
        if len(set(n.values())) > 1:
            raise ValueError(f"panel {panel.title!r}: columns of bodies must be equally long, not {n}")
        tick, id, x, y = (columns.get(name, np.zeros(0, np.int64)) for name in _PLACE)
        if np.any(np.diff(tick) < 0) or np.any((np.diff(tick) == 0) & (np.diff(id) <= 0)):
            raise ValueError(f"panel {panel.title!r}: bodies must be ordered by tick, then id, each once in a tick")
        frame = np.searchsorted(ticks, tick)
        if np.any(frame >= ticks.size) or np.any(ticks[frame] != tick):
            raise ValueError(f"panel {panel.title!r}: there are bodies at ticks that are not among its ticks")
        extent = 256 * int(panel.side)
        for name, values, end in (("id", id, 2**31), ("x", x, extent), ("y", y, extent)):
            if values.size and not (values.min() >= 0 and values.max() < end):
                raise ValueError(f"panel {panel.title!r}: {name} must be within 0 ... {end - 1}")
        return cls(ticks, frame, id, _quantised(x, panel.side), _quantised(y, panel.side))

    @property
    def n_frames(self) -> int:
        return self.ticks.size

    @cached_property
    def by_life(self) -> np.ndarray:
        """Rows ordered by id, then frame."""
        return np.lexsort((self.frame, self.id))

    @cached_property
    def before(self) -> np.ndarray:
        """Row of the same body one frame before; -1 where it is born."""
        order = self.by_life
        follows = (np.diff(self.id[order]) == 0) & (np.diff(self.frame[order]) == 1)
        before = np.full(self.id.size, -1)
        before[order[1:][follows]] = order[:-1][follows]
        return before

    @cached_property
    def born(self) -> np.ndarray:
        return self.before < 0

    @cached_property
    def last(self) -> np.ndarray:
        """Whether the body is gone in the next frame (there must be one)."""
        goes_on = np.zeros(self.id.size, bool)
        goes_on[self.before[~self.born]] = True
        return ~goes_on & (self.frame < self.n_frames - 1)

    @cached_property
    def rank(self) -> np.ndarray:
        """Place of a row among the rows of its frame."""
        first = np.searchsorted(self.frame, np.arange(self.n_frames))
        return np.arange(self.id.size) - first[self.frame]


def _integers(panel: Panel, name: str, values: np.ndarray) -> np.ndarray:
    array = np.asarray(values)
    if array.dtype.kind not in "biu":
        raise ValueError(f"panel {panel.title!r}: {name} must hold integers, not {array.dtype}")
    whole = array.astype(np.int64)
    if name != "tick" and whole.size and not (whole.min() >= -(2**31) and whole.max() < 2**31):
        raise ValueError(f"panel {panel.title!r}: {name} must fit into 32 bits")
    return whole


def _quantised(place: np.ndarray, side: int) -> np.ndarray:
    return place * (EXTENT // 256) // int(side)


def _pack_lives(rows: _Rows) -> dict[str, bytes]:
    """The planes of ticks, and of who appears and goes in each frame, and where it appears."""
    born = rows.born
    return {
        "ticks": to_varints(np.diff(rows.ticks, prepend=0)),
        "births": to_varints(np.bincount(rows.frame[born], minlength=rows.n_frames)),
        "deaths": to_varints(np.bincount(rows.frame[rows.last] + 1, minlength=rows.n_frames)[: rows.n_frames]),
        "gone": to_varints(rows.rank[rows.last]),
        "ids": to_varints(np.diff(rows.id[born], prepend=0)),
        "place_x": to_varints(rows.x[born]),
        "place_y": to_varints(rows.y[born]),
    }


def _pack_columns(panel: Panel, rows: _Rows, every: int, planes: dict[str, bytes]) -> list[dict[str, Any]]:
    described = []
    for name, given in panel.bodies.items():
        if name in _PLACE:
            continue
        values = np.asarray(given).astype(np.int64)
        column: dict[str, Any] = {"name": name, "words": list(panel.words.get(name, ()))}
        column["unit"] = panel.units.get(name, "")
        lived = ~rows.born
        is_small = values.size == 0 or (values.min() >= 0 and values.max() < FEW)
        if is_small and (column["words"] or np.any(values[lived] != values[rows.before[lived]])):
            column |= {"kind": "frame", "bits": int(values.max(initial=0)).bit_length()}
            planes[f"{name}.bits"] = to_bits(values, column["bits"])
        elif np.all(values[lived] == values[rows.before[lived]]):
            column["kind"] = "life"
            planes[f"{name}.born"] = to_varints(values[rows.born])
        else:
            column["kind"] = "sampled"
            sampled = lived & (rows.frame % every == 0)
            planes[f"{name}.born"] = to_varints(values[rows.born])
            planes[f"{name}.sampled"] = to_varints((values - _known_before(values, rows, rows.born | sampled))[sampled])
        described.append(column)
    return described


def _known_before(values: np.ndarray, rows: _Rows, is_known: np.ndarray) -> np.ndarray:
    """For each row the newest value of the same body that was written before it."""
    order = rows.by_life
    newest = np.maximum.accumulate(np.where(is_known[order], np.arange(order.size), 0))
    known = np.zeros_like(values)
    known[order[1:]] = values[order[newest[:-1]]]
    return known


def _context(columns: list[dict[str, Any]], panel: Panel) -> np.ndarray | None:
    """The column that says what a body does, the first of the kind `frame`; None where there is none."""
    name = next((column["name"] for column in columns if column["kind"] == "frame"), None)
    return None if name is None else np.asarray(panel.bodies[name]).astype(np.int64)


def _pack_moves(rows: _Rows, acts: np.ndarray | None, planes: dict[str, bytes]) -> list[list[int]]:
    """Writes the planes of moves; gives for each pair of acts its number and whether bodies go on as they went."""
    lived = ~rows.born
    context = np.zeros(rows.id.size, np.int64) if acts is None else acts[rows.before] * FEW + acts
    moves = {}
    for axis, place in (("x", rows.x), ("y", rows.y)):
        move = np.where(lived, wrapped(place - place[rows.before]), 0)
        moves[axis] = move, wrapped(move - move[rows.before])
    described = []
    for number in np.unique(context[lived]).tolist():
        here = lived & (context == number)
        cost = [sum(np.log2(1 + np.abs(moves[axis][kind][here])).sum() for axis in "xy") for kind in (0, 1)]
        goes_on = int(cost[1] < cost[0])
        described.append([number, goes_on])
        for axis in "xy":
            rest = moves[axis][goes_on][here]
            is_far = np.abs(rest) > 127
            planes[f"{axis}{number}"] = np.where(is_far, ESCAPE, rest).astype(np.int64).astype(np.uint8).tobytes()
            planes[f"{axis}{number}.far"] = to_varints(rest[is_far])
    return described


def _pack_sources(panel: Panel, ticks: np.ndarray, planes: dict[str, bytes]) -> None:
    tick, x, y = (np.asarray(panel.sources.get(name, ()), np.int64) for name in ("tick", "x", "y"))
    order = np.argsort(tick, kind="stable")
    order = order[np.isin(tick[order], ticks)]
    planes["sources"] = to_varints(np.bincount(np.searchsorted(ticks, tick[order]), minlength=ticks.size))
    planes["source_x"] = to_varints(_quantised(x[order], panel.side))
    planes["source_y"] = to_varints(_quantised(y[order], panel.side))


def _pack_curve(panel: Panel, name: str, n_frames: int, planes: dict[str, bytes]) -> dict[str, Any]:
    values = np.asarray(panel.curves[name], np.float32)
    if values.ndim < 2 or len(values) != n_frames:
        raise ValueError(f"panel {panel.title!r}: curve {name} needs an array for each of its {n_frames} frames")
    planes[f"curve {name}"] = values.astype("<f4").tobytes()
    return {"name": name, "shape": list(values.shape[1:])}


def _short(values: Sequence[float]) -> list[float]:
    """Numbers of six digits: enough for a chart."""
    return [float(f"{float(value):.6g}") for value in values]
