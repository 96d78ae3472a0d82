"""A recorded world as compact bytes, about one for each body and frame. `frames.js` reads the same format.

Places on a torus and in a box are kept in steps, at 12 bits a coordinate; on a plane within bounds. A point is aligned
by its id with itself in the frame before. What is written is the difference from a forecast: that it stays, or that it
goes on as it went. Which of the two is decided once for each pair (act before, act now): a body that runs straight goes
on, one that tumbles stays. So each pair has planes of its own, and zlib finds them full of zeros.

Columns are kept in one of three ways: `frame` (few small values: every frame, packed bits), `life` (what never changes
while a body lives: at its birth), `sampled` (the rest, as energy: at birth and in every tenth frame, held in between).
Numbers that are not whole are kept in 65,536 steps between their lowest and their highest. All populations are kept
alike, the planes of the k-th under names that begin with `k `.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mesocosm.player.encoder.fields import pack_field
from mesocosm.player.encoder.panel import Panel, Population
from mesocosm.player.encoder.places import EXTENT
from mesocosm.player.encoder.planes import seal, to_bits, to_varints
from mesocosm.player.encoder.reading import ESCAPE, FEW, Wrap
from mesocosm.player.encoder.scales import Scale

_STEPS = 65535


def pack(panel: Panel, sampled_every: int = 10, scales: Mapping[str, Scale] | None = None) -> bytes:
    """A panel as bytes.

    Args:
      sampled_every: frames between two samples of a column such as energy.
      scales: of fields; so that several panels share them.

    Raises:
      ValueError: naming the panel and the column, if rows are not ordered by tick then id, or are out of range.
    """
    ticks = panel.frame_ticks
    if np.any(np.diff(ticks) <= 0):
        raise ValueError(f"panel {panel.title!r}: ticks must ascend")
    planes: dict[str, bytes] = {"ticks": to_varints(np.diff(ticks, prepend=0))}
    header: dict[str, Any] = {
        "title": panel.title,
        "space": dict(panel.space),
        "n_frames": int(ticks.size),
        "sampled_every": int(sampled_every),
        "bounds": None if panel.bounds is None else list(map(float, panel.bounds)),
    }
    rows = [_Rows.of(panel, population, ticks) for population in panel.populations]
    header["populations"] = [_pack_population(k, own, sampled_every, planes) for k, own in enumerate(rows)]
    given = {**panel.scales, **(scales or {})}
    header["fields"] = [
        pack_field(name, values, taken, panel.abouts.get(name, {}), given.get(name), planes)
        for name, (values, taken) in panel.fields.items()
    ]
    header["curves"] = [_pack_curve(panel, name, ticks.size, planes) for name in panel.curves]
    header["images"] = [_pack_image(panel, name, ticks.size, planes) for name in panel.images]
    header["graphs"] = [_pack_graph(panel, name, ticks, planes) for name in panel.graphs]
    if panel.says:
        header["says"] = panel.says
    header["series"] = {n: [_short(given), _short(values)] for n, (given, values) in panel.series.items()}
    return seal(header, planes)


@dataclass(frozen=True)
class _Rows:
    """The points of a population, each aligned with itself in the frame before: [rows]."""

    population: Population
    ticks: np.ndarray
    wrap: tuple[Wrap, Wrap]
    frame: np.ndarray
    id: np.ndarray
    x: np.ndarray
    y: np.ndarray
    columns: dict[str, np.ndarray]
    steps: dict[str, tuple[float, float]]
    """Of columns that are not whole: the lowest value, and the length of a step."""

    @classmethod
    def of(cls, panel: Panel, population: Population, ticks: np.ndarray) -> _Rows:
        name = f"panel {panel.title!r}: {population.told['name']}"
        tick, id = (_whole(f"{name}: {n}", getattr(population, n)) for n in ("tick", "id"))
        sizes = {n: np.size(v) for n, v in population.columns.items()}
        sizes |= {n: np.size(getattr(population, n)) for n in ("tick", "id", "x", "y")}
        if len(set(sizes.values())) > 1:
            raise ValueError(f"{name}: columns must be equally long, not {sizes}")
        if np.any(np.diff(tick) < 0) or np.any((np.diff(tick) == 0) & (np.diff(id) <= 0)):
            raise ValueError(f"{name} must be ordered by tick, then id, each once in a tick")
        frame = np.searchsorted(ticks, tick)
        if np.any(frame >= ticks.size) or np.any(ticks[frame] != tick):
            raise ValueError(f"{name}: there are some at ticks that are not among those of the panel")
        if id.size and not (id.min() >= 0 and id.max() < 2**31):
            raise ValueError(f"{name}: id must be within 0 ... {2**31 - 1}")
        x, y = (_steps(f"{name}: {n}", panel, k, getattr(population, n)) for k, n in enumerate("xy"))
        columns, scaled = {}, {}
        for column, values in population.columns.items():
            columns[column], step = _kept(f"{name}: {column}", np.asarray(values))
            if step:
                scaled[column] = step
        return cls(population, ticks, Wrap.of(panel.space), frame, id, x, y, columns, scaled)

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


def _whole(name: str, values: np.ndarray) -> np.ndarray:
    array = np.asarray(values)
    if array.dtype.kind not in "biu" and array.size:
        raise ValueError(f"{name} must hold integers, not {array.dtype}")
    return array.astype(np.int64)


def _kept(name: str, values: np.ndarray) -> tuple[np.ndarray, tuple[float, float] | None]:
    """A column in whole numbers, and what they stand for where it has others."""
    if values.dtype.kind in "biu":
        whole = values.astype(np.int64)
        if whole.size and not (whole.min() >= -(2**31) and whole.max() < 2**31):
            raise ValueError(f"{name} must fit into 32 bits")
        return whole, None
    if values.dtype.kind != "f":
        raise ValueError(f"{name} must hold numbers, not {values.dtype}")
    finite = values[np.isfinite(values)].astype(np.float64)
    low, high = float(finite.min(initial=np.inf)), float(finite.max(initial=-np.inf))
    if not finite.size:
        return np.zeros(values.size, np.int64), (0.0, 1.0)
    step = (high - low) / _STEPS or 1.0
    shown = np.nan_to_num(values.astype(np.float64), nan=low, posinf=high, neginf=low)
    return np.rint((shown - low) / step).astype(np.int64), (low, step)


def _steps(name: str, panel: Panel, axis: int, place: np.ndarray) -> np.ndarray:
    """Places in steps: on a plane within its bounds."""
    extent = int(panel.space["extent"][axis])
    if panel.bounds is not None:
        low, high = panel.bounds[axis], panel.bounds[2 + axis]
        return ((np.asarray(place, np.float64) - low) / (high - low) * (EXTENT - 1)).astype(np.int64)
    whole = _whole(name, place)
    if whole.size and not (whole.min() >= 0 and whole.max() < extent):
        raise ValueError(f"{name} must be within 0 ... {extent - 1}")
    return whole


def _pack_population(k: int, rows: _Rows, every: int, planes: dict[str, bytes]) -> dict[str, Any]:
    own = _pack_lives(rows)
    told = {n: rows.population.told.get(n) for n in ("name", "look", "has_ids")}
    columns = _pack_columns(rows, every, own)
    contexts = _pack_moves(rows, _context(columns, rows), own)
    planes.update({f"{k} {name}": content for name, content in own.items()})
    return {**told, "columns": columns, "contexts": contexts}


def _pack_lives(rows: _Rows) -> dict[str, bytes]:
    """The planes of who appears and goes in each frame, and where it appears."""
    born = rows.born
    return {
        "births": to_varints(np.bincount(rows.frame[born], minlength=rows.n_frames)),
        "deaths": to_varints(np.bincount(rows.frame[rows.last] + 1, minlength=rows.n_frames)[: rows.n_frames]),
        "gone": to_varints(rows.rank[rows.last]),
        "ids": to_varints(np.diff(rows.id[born], prepend=0)),
        "place_x": to_varints(rows.x[born]),
        "place_y": to_varints(rows.y[born]),
    }


def _pack_columns(rows: _Rows, every: int, planes: dict[str, bytes]) -> list[dict[str, Any]]:
    described = []
    told = {column["name"]: column for column in rows.population.told.get("columns", ())}
    for name, values in rows.columns.items():
        column: dict[str, Any] = {"words": [], "unit": "", "kind": "value", **told.get(name, {}), "name": name}
        if name in rows.steps:
            column["low_and_step"] = list(rows.steps[name])
        lived = ~rows.born
        is_small = values.size == 0 or (values.min() >= 0 and values.max() < FEW)
        if is_small and (column["words"] or np.any(values[lived] != values[rows.before[lived]])):
            column |= {"kept": "frame", "bits": int(values.max(initial=0)).bit_length()}
            planes[f"{name}.bits"] = to_bits(values, column["bits"])
        elif np.all(values[lived] == values[rows.before[lived]]):
            column["kept"] = "life"
            planes[f"{name}.born"] = to_varints(values[rows.born])
        else:
            column["kept"] = "sampled"
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


def _context(columns: list[dict[str, Any]], rows: _Rows) -> np.ndarray | None:
    """The column that says what a body does, the first that is kept for every frame; None where there is none."""
    name = next((column["name"] for column in columns if column["kept"] == "frame"), None)
    return None if name is None else rows.columns[name]


def _pack_moves(rows: _Rows, acts: np.ndarray | None, planes: dict[str, bytes]) -> list[list[int]]:
    """Writes the planes of moves; gives for each pair of acts its number and whether bodies go on as they went."""
    lived = ~rows.born
    context = np.zeros(rows.id.size, np.int64) if acts is None else acts[rows.before] * FEW + acts
    moves = {}
    for axis, place, wrap in (("x", rows.x, rows.wrap[0]), ("y", rows.y, rows.wrap[1])):
        move = np.where(lived, wrap(place - place[rows.before]), 0)
        moves[axis] = move, wrap(move - move[rows.before])
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


def _pack_curve(panel: Panel, name: str, n_frames: int, planes: dict[str, bytes]) -> dict[str, Any]:
    values = np.asarray(panel.curves[name], np.float32)
    if values.ndim < 2 or len(values) != n_frames:
        raise ValueError(f"panel {panel.title!r}: curve {name} needs an array for each of its {n_frames} frames")
    planes[f"curve {name}"] = values.astype("<f4").tobytes()
    return {"name": name, "shape": list(values.shape[1:]), **_in_words(panel, name)}


def _pack_image(panel: Panel, name: str, n_frames: int, planes: dict[str, bytes]) -> dict[str, Any]:
    """A picture as differences from the frame before."""
    values = np.asarray(panel.images[name], np.uint8)
    if values.ndim not in (3, 4) or len(values) != n_frames:
        raise ValueError(f"panel {panel.title!r}: picture {name} needs one for each of its {n_frames} frames")
    planes[f"image {name}"] = np.diff(values, axis=0, prepend=np.zeros_like(values[:1])).tobytes()
    channels = 3 if values.ndim == 4 else 1
    about = panel.abouts.get(name, {})
    told = {"name": name, "height": values.shape[1], "width": values.shape[2], "channels": channels}
    return told | {"palette": list(about.get("palette", ())), **_in_words(panel, name)}


def _pack_graph(panel: Panel, name: str, ticks: np.ndarray, planes: dict[str, bytes]) -> dict[str, Any]:
    tick, source, target = np.asarray(panel.graphs[name], np.int64).reshape(-1, 3).T
    planes[f"graph {name}"] = to_varints(np.bincount(np.searchsorted(ticks, tick), minlength=ticks.size))
    planes[f"graph {name}.source"] = to_varints(np.diff(source, prepend=0))
    planes[f"graph {name}.target"] = to_varints(target - source)
    about = panel.abouts.get(name, {})
    return {"name": name, "source": about.get("source", 0), "target": about.get("target", 0), **_in_words(panel, name)}


def _in_words(panel: Panel, name: str) -> dict[str, Any]:
    """Unit, and what is not said by it alone: words and the name for people."""
    about = panel.abouts.get(name, {})
    told = {"words": list(about.get("words", ())), "called": about.get("called", "")}
    return {"unit": about.get("unit", ""), **{key: value for key, value in told.items() if value}}


def _short(values: Sequence[float]) -> list[float]:
    """Numbers of six digits: enough for a chart."""
    return [float(f"{float(value):.6g}") for value in values]
