"""Looks at scenes while a world runs: from arrays by slot to the planes of a frame."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from mesocosm.core.instrument import block_of
from mesocosm.viewer.picture import (
    PLACE,
    TURNED,
    UNITS,
    Planes,
    Shape,
    as_shown,
    columns_of,
    high_of,
    levels,
    numbers,
    side_of,
    steps,
    turned,
)

_GENOMES_ALWAYS = 20_000
"""Bodies of a frame up to which genomes go with it, wished for or not."""
_FIELD_SIDE = 128
"""Longest side of a field that is sent; a larger one is averaged over blocks."""


class Lens:
    """Keeps what the frame before showed, to tell who stays and where bodies are heading."""

    def __init__(self, configuration: Mapping[str, Any]) -> None:
        self.configuration, self.side = configuration, side_of(configuration)
        self.before: dict[str, np.ndarray] = {}
        self.highs: dict[str, float] = {}

    def shape(self, scene: Any) -> Shape:
        """What this scene names. Numbers among the curves are told as series, not here."""
        population = self._population(scene)
        columns = columns_of(scene.points[population].columns, self.configuration) if population else []
        fields = []
        for name, seen in scene.fields.items():
            height, width = _small(seen.values).shape
            fields.append({"name": name, "unit": seen.unit or UNITS.get(name, ""), "height": height, "width": width})
        curves = [{"name": n, "shape": v.shape} for n, v in scene.curves.items() if v.ndim > 0]
        return Shape(self.side, population, columns, fields, curves)

    def frame(self, scene: Any, tick: int, with_genomes: bool) -> tuple[dict[str, Any], Planes]:
        """Header and planes of a frame.

        Args:
          with_genomes: whether somebody looks at genes; the plane `genome` is [n, loci], expressed; likewise `strain`
            [n] and `element` [n, loci] of what bodies carry.
        """
        planes: Planes = {}
        series = {name: float(v) for curve, values in scene.curves.items() for name, v in numbers(curve, values)}
        population = self._population(scene)
        n = 0
        if population:
            bodies = scene.points[population]
            n = self._bodies(bodies.alive, bodies.columns, tick, with_genomes, planes)
            if self.side is None and n == 1:  # a moving point is told by its coordinates
                series |= {axis: float(planes[axis][0]) for axis in "xy"}
            else:
                series["living"] = n
            if "column energy" in planes:
                series["mean energy"] = float(planes["column energy"].mean()) if n else 0.0
        for name, others in scene.points.items():
            if name != population and {"x", "y"} <= set(others.columns):
                for axis in "xy":
                    planes[f"source {axis}"] = steps(others.columns[axis][others.alive], self.side)
        for name, seen in scene.fields.items():
            values = _small(seen.values)
            self.highs[name] = max(self.highs.get(name, 1.0), high_of(float(values.max(initial=0))))
            planes[f"field {name}"] = levels(values, self.highs[name])
        for name, values in scene.curves.items():
            if values.ndim:
                planes[f"curve {name}"] = values.astype(np.float32).ravel()
        finite = {name: value for name, value in series.items() if np.isfinite(value)}
        return {"tick": tick, "n": n, "at": time.time(), "highs": dict(self.highs), "series": finite}, planes

    def _bodies(
        self, alive: np.ndarray, seen: Mapping[str, np.ndarray], tick: int, genomes: bool, planes: Planes
    ) -> int:
        here = np.flatnonzero(alive)
        planes["id"] = seen["id"][here].astype(np.int32, copy=False)
        for axis in "xy":
            planes[axis] = steps(seen[axis][here], self.side)
        if self.side is not None:
            planes["column behaviour"], planes["heading"] = self._moved(seen, here)
        if "born" in seen:  # founders are born in tick -1
            planes["column age"] = (tick - np.maximum(seen["born"][here], 0)).astype(np.int32)
        for name, values in seen.items():
            if name not in ("id", "x", "y", "born") and values.ndim == 1:
                planes[f"column {name}"] = as_shown(name, values[here])
        if "genome" in seen and (genomes or here.size <= _GENOMES_ALWAYS):
            genome = seen["genome"]
            planes["genome"] = np.ascontiguousarray((genome[0] if genome.ndim == 3 else genome)[:, here].T)
            if "element_genes" in seen:  # what a body carries; the first strand acts
                planes["strain"] = seen["element"][here].astype(np.int32)
                planes["element"] = np.ascontiguousarray(seen["element_genes"][0][:, here].T)
        return int(here.size)

    def _moved(self, seen: Mapping[str, np.ndarray], here: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Who is where it was in the frame before, by slot; and where each goes, where few are watched."""
        before, now = self.before, {name: seen[name] for name in PLACE}
        self.before = now
        turn = np.full(here.size if here.size <= TURNED else 0, -1, np.int16)
        if not before or before["id"].shape != now["id"].shape:
            return np.zeros(here.size, np.uint8), turn
        same = before["id"] == now["id"]
        stays = (same & (before["x"] == now["x"]) & (before["y"] == now["y"]))[here].astype(np.uint8)
        if turn.size:
            moved = turned({a: now[a][here] for a in "xy"}, {a: before[a][here] for a in "xy"}, int(self.side or 1))
            turn = np.where(same[here], moved, turn)
        return stays, turn

    def _population(self, scene: Any) -> str | None:
        """Whom to watch: of the populations with ids and places the one of which most is known."""
        known = {name: len(p.columns) for name, p in scene.points.items() if {"id", "x", "y"} <= set(p.columns)}
        return max(known, key=lambda name: known[name]) if known else None


def _small(values: np.ndarray) -> np.ndarray:
    """A field, averaged over blocks where it is large."""
    down, right = (block_of(side, _FIELD_SIDE) for side in values.shape)
    if down == right == 1:
        return values
    rows = values.reshape(values.shape[0] // down, down, -1).sum(axis=1, dtype=values.dtype)
    return rows.reshape(rows.shape[0], -1, right).sum(axis=2) / (down * right)
