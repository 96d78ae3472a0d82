"""A stretch of one world as plain arrays: what a recording in one file, a report and a cell of a notebook hold."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from mesocosm.player.encoder.encoder import Planes, told_column
from mesocosm.player.encoder.places import EXTENT, around, told_space
from mesocosm.player.encoder.scales import Scale, values_of
from mesocosm.record.about import About, torus
from mesocosm.record.errors import FolderError

MOST_FRAMES = 600
"""Frames of a stretch; of a longer one every second, third... is taken."""


class Frames(Protocol):
    """What a recorded and a running world have in common."""

    def meta(self) -> dict[str, Any]: ...

    def frame(self, t: int, want: list[str] | None = None) -> tuple[dict[str, Any], Planes]: ...


@dataclass(frozen=True)
class Population:
    """One population of a stretch: a row for each point and frame, ordered by tick, then id.

    Args:
      told: `name`, `look`, `has_ids` and `columns`, as an encoder describes them.
      tick, id: of each row.
      x, y: in steps; on a plane the numbers themselves.
      columns: by name, one number a row.
    """

    told: Mapping[str, Any]
    tick: np.ndarray
    id: np.ndarray
    x: np.ndarray
    y: np.ndarray
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)

    @staticmethod
    def of(name: str, rows: Mapping[str, np.ndarray], look: str = "bodies", **about: About) -> Population:
        """From columns by name, with what they say."""
        columns = {n: np.asarray(v) for n, v in rows.items() if n not in ("tick", "id", "x", "y")}
        told = {"name": name, "look": look, "has_ids": True}
        told["columns"] = [told_column(n, about.get(n, About())) for n in columns]
        tick, id, x, y = (np.asarray(rows[n]) for n in ("tick", "id", "x", "y"))
        return Population(told, tick, id, x, y, columns)


@dataclass(frozen=True)
class Panel:
    """A recorded world for the replay.

    Args:
      space: as an encoder describes it.
      populations: the first is the one that is watched; empty where there is no world to draw.
      ticks: of all frames, ascending; None: those that occur among the populations.
      fields: by name the values `[frames, height, width]` and the ticks of these frames.
      abouts: of fields, curves, pictures and graphs, by name: as an encoder describes them.
      scales: of fields.
      curves: by name numbers of each frame: `[frames, ...]`.
      images: by name bytes of each frame: `[frames, height, width]` or `[frames, height, width, 3]`.
      graphs: by name a row for each bond and frame: tick, id of one end, id of the other.
      series: measures over time, for the charts beneath the timeline: by name ticks and values.
      bounds: on a plane `(left, top, right, bottom)` of all that is shown.
      says: what is to be seen, in a sentence.
    """

    title: str
    space: Mapping[str, Any] = field(default_factory=lambda: told_space(torus(EXTENT)))
    populations: Sequence[Population] = ()
    ticks: np.ndarray | None = None
    fields: Mapping[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    abouts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    scales: Mapping[str, Scale] = field(default_factory=dict)
    curves: Mapping[str, np.ndarray] = field(default_factory=dict)
    images: Mapping[str, np.ndarray] = field(default_factory=dict)
    graphs: Mapping[str, np.ndarray] = field(default_factory=dict)
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]] = field(default_factory=dict)
    bounds: tuple[float, float, float, float] | None = None
    says: str = ""

    @property
    def frame_ticks(self) -> np.ndarray:
        """Ticks of the frames, ascending: [frames]."""
        if self.ticks is not None:
            return np.asarray(self.ticks, np.int64)
        seen = [np.asarray(population.tick, np.int64) for population in self.populations]
        return np.unique(np.concatenate(seen)) if seen else np.zeros(0, np.int64)

    @property
    def bodies(self) -> Population:
        """The population that is watched; one of nobody where there is none."""
        nothing = {n: np.zeros(0, np.int64) for n in ("tick", "id", "x", "y")}
        return self.populations[0] if self.populations else Population.of("nobody", nothing)


@dataclass(frozen=True)
class Replay:
    """Worlds that are watched side by side, in step."""

    caption: str
    panels: Sequence[Panel]


def panel_of(world: Frames, first: int = 0, last: int = 2**31, title: str | None = None) -> Panel:
    """The frames `first` to `last` of a world, both included.

    Raises:
      FolderError: if there are none.
    """
    meta = world.meta()
    headers, planes = _stretch(world, meta, first, last)
    ticks = np.array([header["tick"] for header in headers])
    populations = [_population(k, told, ticks, planes) for k, told in enumerate(meta["populations"])]
    named = [*meta["fields"], *meta["curves"], *meta["images"], *meta["graphs"]]
    fields = {f["name"]: (_values(f, headers, planes), ticks) for f in meta["fields"]}
    return Panel(
        title or meta["title"],
        meta["space"],
        populations,
        ticks,
        fields,
        {about["name"]: about for about in named},
        {f["name"]: _widest([h["scales"][f["name"]] for h in headers]) for f in meta["fields"]},
        {c["name"]: _padded([p[f"curve {c['name']}"] for p in planes], c["shape"]) for c in meta["curves"]},
        {i["name"]: np.stack([_picture(p[f"image {i['name']}"], i) for p in planes]) for i in meta["images"]},
        {g["name"]: _bonds([p[f"graph {g['name']}"] for p in planes], ticks) for g in meta["graphs"]},
        {meta.get("names", {}).get(name, name): tuple(points) for name, points in meta["series"].items()},
        around([(p.x, p.y) for p in populations]) if meta["space"]["kind"] == "plane" and populations else None,
        str(meta.get("says", "")),
    )


def _stretch(world: Frames, meta: dict[str, Any], first: int, last: int) -> tuple[list[dict[str, Any]], list[Planes]]:
    """Headers and planes of the frames that are taken, each tick once."""
    first, last = max(first, meta.get("first", 0)), min(last, meta["n_frames"] - 1)
    if last < first:
        raise FolderError("this stretch holds no frame; choose another")
    stride = math.ceil((last - first + 1) / MOST_FRAMES)
    taken = [world.frame(t) for t in range(first, last + 1, stride)]
    taken = [taken[k] for k in range(len(taken)) if k == 0 or taken[k][0]["tick"] > taken[k - 1][0]["tick"]]
    return [header for header, _ in taken], [planes for _, planes in taken]


def _population(k: int, told: Mapping[str, Any], ticks: np.ndarray, planes: Sequence[Planes]) -> Population:
    """The rows of population k, in the order of ids within a frame."""
    orders = [np.argsort(p[f"{k} id"], kind="stable") for p in planes]
    columns = [c for c in told["columns"] if all(f"{k} column {c['name']}" in p for p in planes)]

    def joined(name: str) -> np.ndarray:
        return np.concatenate([p[f"{k} {name}"][order] for p, order in zip(planes, orders, strict=True)])

    tick = np.repeat(ticks, [order.size for order in orders])
    own = {c["name"]: joined(f"column {c['name']}") for c in columns}
    return Population({**told, "columns": columns}, tick, joined("id"), joined("x"), joined("y"), own)


def _values(field: Mapping[str, Any], headers: Sequence[Mapping[str, Any]], planes: Sequence[Planes]) -> np.ndarray:
    """The values of a field in each frame. [frames, height, width]"""
    name, shape = field["name"], (field["height"], field["width"])
    pairs = zip(planes, headers, strict=True)
    return np.stack([values_of(p[f"field {name}"], h["scales"][name]).reshape(shape) for p, h in pairs])


def _widest(seen: Sequence[Sequence[Any]]) -> Scale:
    """A scale that holds all that were used."""
    kinds = {kind for kind, _, _ in seen}
    kind = "class" if "class" in kinds else "linear" if "linear" in kinds else "log"
    return kind, min(float(low) for _, low, _ in seen), max(float(high) for _, _, high in seen)


def _padded(curves: Sequence[np.ndarray], shape: Sequence[int]) -> np.ndarray:
    """A curve of each frame; shorter ones end in NaN."""
    if len({curve.size for curve in curves}) == 1 and curves[0].size == math.prod(shape):
        return np.stack([curve.reshape(shape) for curve in curves])
    longest = max(curve.size for curve in curves)
    return np.stack([np.pad(curve, (0, longest - curve.size), constant_values=np.nan) for curve in curves])


def _picture(flat: np.ndarray, image: Mapping[str, Any]) -> np.ndarray:
    shape = (image["height"], image["width"], 3)
    return flat.reshape(shape if image["channels"] == 3 else shape[:2])


def _bonds(graphs: Sequence[np.ndarray], ticks: np.ndarray) -> np.ndarray:
    """Rows of tick, one end, other end."""
    ends = [graph.reshape(-1, 2) for graph in graphs]
    tick = np.repeat(ticks, [len(pairs) for pairs in ends])
    return np.column_stack([tick, np.concatenate(ends)]).astype(np.int64)
