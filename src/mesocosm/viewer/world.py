"""One recorded world, frame by frame, and its individuals: read from the cameras, logs and measures of a run folder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mesocosm.instruments.ancestry import Entries, Lives, entries, lives
from mesocosm.protocol.reading import configuration_of
from mesocosm.record import FolderError, Record, RunStatus
from mesocosm.viewer.genes import burden, gene_names, genes
from mesocosm.viewer.picture import (
    PLACE,
    TURNED,
    UNITS,
    Planes,
    Shape,
    as_shown,
    column,
    high_of,
    levels,
    numbers,
    side_of,
    steps,
    turned,
)
from mesocosm.viewer.series import thinned

_ASIDE = ("replicate", "tick")
_FIELD, _CURVE = "_field", "_curve"


@dataclass(frozen=True)
class World:
    """One replicate of a run as it was when it was opened. A run without frames is shown by its measures.

    Args:
      replicate: whose frames.
    """

    record: Record
    replicate: int
    title: str

    def read(self) -> World:
        """Itself, with everything read that may fail."""
        _ = self.status  # before the frames: what is written after it is read the next time
        _ = self.ticks, self.sources, self.shape, self.series
        return self

    @cached_property
    def status(self) -> str:
        """Of the run, when it was asked first."""
        return self.record.status

    @cached_property
    def configuration(self) -> dict[str, Any]:
        """Plain values; of an assay, those of the run whose law it follows."""
        own = self.record.header["configuration"]
        return own.get("resolved", own)

    @cached_property
    def _kept(self) -> dict[str, dict[str, np.ndarray]]:
        """What each camera took of this replicate; cameras that took nothing are left out."""
        taken = {name: self.record.frames(name) for name in self.record.header.get("frames", [])}
        mine = {
            name: {k: v[rows["replicate"] == self.replicate] for k, v in rows.items()} for name, rows in taken.items()
        }
        return {name: rows for name, rows in mine.items() if rows["tick"].size}

    @cached_property
    def population(self) -> str | None:
        """The camera of the bodies that are watched: the one that knows most of them."""
        known = {name: len(rows) for name, rows in self._kept.items() if set(PLACE) <= set(rows)}
        return max(known, key=lambda name: known[name]) if known else None

    @cached_property
    def bodies(self) -> dict[str, np.ndarray]:
        """Rows of the population, ordered by tick, then id."""
        if self.population is None:
            return {name: np.zeros(0, np.int32) for name in ("tick", *PLACE)}
        taken = self._kept[self.population]
        order = np.lexsort([taken["id"], taken["tick"]])
        return {name: values[order] for name, values in taken.items() if name != "replicate"}

    @cached_property
    def steps(self) -> Planes:
        """Places as they are sent, one a row."""
        return {axis: steps(self.bodies[axis], self.side) for axis in "xy"}

    @cached_property
    def sources(self) -> dict[str, np.ndarray]:
        """Rows of other things that have places."""
        others = [rows for name, rows in self._kept.items() if name != self.population and {"x", "y"} <= set(rows)]
        return others[0] if others else {name: np.zeros(0, np.int32) for name in ("tick", "x", "y")}

    @cached_property
    def ticks(self) -> np.ndarray:
        """The ticks that were taken; where there are no frames, those of the measures: [frames].

        Raises:
          FolderError: if nothing is there yet.
        """
        taken = [rows["tick"] for rows in self._kept.values()] or [self._measures["tick"]]
        ticks = np.unique(np.concatenate(taken))
        missing = set(self.record.header.get("frames", [])) - set(self._kept)
        if not ticks.size or (missing and self.status == RunStatus.RUNNING and self._takes_frames):
            raise FolderError(f"{self.record.folder}: has no frames of world {self.replicate} yet")
        return ticks

    @property
    def _takes_frames(self) -> bool:
        """Whether frames are to come: cameras may be there and take nothing."""
        return bool(configuration_of(self.record).frames_every)

    @cached_property
    def side(self) -> int | None:
        return side_of(self.configuration)

    @cached_property
    def _measures(self) -> dict[str, np.ndarray]:
        rows = self.record.metrics
        mine = rows["replicate"] == self.replicate
        return {name: values[mine] for name, values in rows.items()}

    @cached_property
    def lives(self) -> Lives | None:
        """Who descends from whom; None where births and deaths were not recorded."""
        kept = self.record.header.get("logs", [])
        found = lives(self.record, self.replicate) if {"births", "deaths"} <= set(kept) else None
        return found if found is not None and found.id.size else None

    @cached_property
    def entries(self) -> Entries | None:
        """Which elements came into whom; None where there are none."""
        return entries(self.record, self.replicate)

    @cached_property
    def _who(self) -> np.ndarray:
        """Row of `lives` for each row of the bodies."""
        assert self.lives is not None
        return np.minimum(np.searchsorted(self.lives.id, self.bodies["id"]), self.lives.id.size - 1)

    @cached_property
    def _genes(self) -> np.ndarray:
        """What each individual that ever lived would do: [individuals, situations]."""
        return genes(self.configuration, self.lives.genome[:, 0]) if self.lives else np.zeros((0, 0), np.int32)

    @cached_property
    def shape(self) -> Shape:
        """What there is to see."""
        if self.population is None:
            return Shape(self.side, None, [], self._fields, self._curves)
        own = [name for name in self.bodies if name not in ("tick", *PLACE, "born") and self.bodies[name].ndim == 1]
        first = (["behaviour"] if self.side else []) + [name for name in ("energy",) if name in own]
        columns = [column(name) for name in first]
        if self.lives:
            columns += [column(name) for name in ("age", "lineage", "parent")]
        known = {c["name"] for c in columns}
        columns += [column(name, self.bodies[name]) for name in own if name not in known]
        if self.lives and self.lives.genome.size:
            names = gene_names(self.configuration, self.lives.genome.shape[-1])
            columns += [{**column(name), "kind": "gene"} for name in names]
        return Shape(self.side, self.population, columns, self._fields, self._curves)

    @cached_property
    def _fields(self) -> list[dict[str, Any]]:
        out = []
        for name, rows in self._named(_FIELD).items():
            values = rows[name]
            size = {"height": values.shape[1], "width": values.shape[2]}
            out.append(
                {"name": name, "unit": UNITS.get(name, ""), "high": high_of(float(values.max(initial=0))), **size}
            )
        return out

    @cached_property
    def _curves(self) -> list[dict[str, Any]]:
        named = {name: rows[name] for name, rows in self._named(_CURVE).items()}
        return [{"name": name, "shape": values.shape[1:]} for name, values in named.items() if values.ndim > 1]

    def _named(self, ending: str) -> dict[str, dict[str, np.ndarray]]:
        return {n.removesuffix(ending): rows for n, rows in self._kept.items() if n.endswith(ending)}

    def column(self, name: str) -> np.ndarray:
        """Values of a column, one a row of the bodies."""
        if name in self._columns:
            return self._columns[name]
        who = self.lives
        if name == "behaviour":
            values = _stays(self.bodies)
        elif who is not None and name in ("age", "lineage", "parent"):
            table = {"age": who.born, "lineage": who.founder, "parent": who.parent}[name][self._who]
            values = self.bodies["tick"] - table if name == "age" else table
        elif name in self.bodies:
            values = self.bodies[name]
        else:
            assert who is not None
            names = gene_names(self.configuration, who.genome.shape[-1])
            values = self._genes[:, names.index(name)][self._who]
        self._columns[name] = _narrow(as_shown(name, values))
        return self._columns[name]

    @cached_property
    def _columns(self) -> Planes:
        return {}

    @cached_property
    def series(self) -> dict[str, list[list[float]]]:
        """Measures over time, and what frames tell of their bodies: by name ticks and values."""
        out = {}
        if self.population is not None:
            at = np.searchsorted(self.ticks, self.bodies["tick"])
            n = np.bincount(at, minlength=self.ticks.size)
            if self.side is None and n.max(initial=0) == 1:  # a moving point is told by its coordinates
                out |= {axis: thinned(self.bodies["tick"], self.bodies[axis].astype(float)) for axis in "xy"}
            else:
                out["living"] = thinned(self.ticks, n.astype(float))
            if "energy" in self.bodies:
                total = np.bincount(at, self.bodies["energy"], self.ticks.size)
                out["mean energy"] = thinned(self.ticks, total / np.maximum(n, 1))
        for name, rows in self._named(_CURVE).items():
            for k, (number, _) in enumerate(numbers(name, rows[name][0])):
                values = rows[name].reshape(rows["tick"].size, -1)[:, k].astype(float)
                out[number] = thinned(rows["tick"], values)
        for name, values in self._measures.items():
            if name not in _ASIDE and name not in out and values.size and values.dtype.kind in "iuf":
                out[name] = thinned(self._measures["tick"], values.astype(float))
        return out

    def meta(self) -> dict[str, Any]:
        """What does not change from frame to frame; the page reads it as a source's `meta()`."""
        what = {"title": self.title, "n_frames": int(self.ticks.size), "status": self.status}
        return {**self.shape.meta(), **what, "ticks": self.ticks.tolist(), "series": self.series}

    def frame(self, t: int, want: list[str] | None = None) -> tuple[dict[str, Any], Planes]:
        """Header and planes of frame t (the last one where there are fewer), with the columns that are wanted (all)."""
        tick = int(self.ticks[min(t, self.ticks.size - 1)])
        rows = slice(*np.searchsorted(self.bodies["tick"], [tick, tick + 1]))
        planes: Planes = {}
        known = [c["name"] for c in self.shape.columns]
        if self.population is not None:
            planes["id"] = self.bodies["id"][rows].astype(np.int32, copy=False)
            planes |= {axis: values[rows] for axis, values in self.steps.items()}
            planes |= {f"column {n}": self.column(n)[rows] for n in known if want is None or n in want}
            if self.side and rows.stop - rows.start <= TURNED:
                planes["heading"] = self._heading(t, rows)
        lit = self.sources["tick"] == tick
        planes |= {f"source {axis}": steps(self.sources[axis][lit], self.side) for axis in "xy"}
        for field in self._fields:
            rows_of = self._kept[field["name"] + _FIELD]
            planes[f"field {field['name']}"] = levels(
                rows_of[field["name"]][_before(rows_of["tick"], tick)], field["high"]
            )
        for curve in self._curves:
            rows_of = self._kept[curve["name"] + _CURVE]
            values = rows_of[curve["name"]][_before(rows_of["tick"], tick)]
            planes[f"curve {curve['name']}"] = values.astype(np.float32).ravel()
        highs = {field["name"]: field["high"] for field in self._fields}
        return {"tick": tick, "n": int(rows.stop - rows.start), "highs": highs}, planes

    def individual(self, id: int, t: int | None = None) -> dict[str, Any]:
        """All that is known of one individual: descent, genome in readable form, energy over its life.

        Raises:
          FolderError: if nobody of this id ever lived here.
        """
        mine = np.flatnonzero(self.bodies["id"] == id)
        out: dict[str, Any] = {"id": id, "ticks": self.bodies["tick"][mine].tolist()}
        if "energy" in self.bodies:
            out["energy"] = self.bodies["energy"][mine].tolist()
        who = self.lives
        at = -1 if who is None else int(np.searchsorted(who.id, id))
        if who is None or at >= who.id.size or who.id[at] != id:
            if not mine.size:
                raise FolderError(f"nobody of the id {id} lived in this world")
            return out
        died = int(who.died[at])
        out |= {"born": int(who.born[at]), "died": died if died < 2**62 else None}
        out |= {"parent": int(who.parent[at]), "founder": int(who.founder[at])}
        out["children"] = who.id[who.parent == id].tolist()
        out["relatives"] = who.id[who.founder == who.founder[at]].tolist()
        out["n_relatives"] = len(out["relatives"])
        if who.genome.size:
            names = gene_names(self.configuration, who.genome.shape[-1])
            out["genome"] = [[name, int(v)] for name, v in zip(names, self._genes[at], strict=True)]
        if self.entries is not None:
            out["carries"] = self._carries(self.entries, id)
        return out

    def _carries(self, known: Entries, id: int) -> list[list[Any]]:
        """What came into a body, as pairs of tick and words."""
        mine = np.flatnonzero(known.id == id)
        return [[int(known.tick[k]), burden(self.configuration, int(known.strain[k]), known.genes[k, 0])] for k in mine]

    def _heading(self, t: int, rows: slice) -> np.ndarray:
        """Where each body of a frame went since the frame before."""
        now = {name: self.bodies[name][rows] for name in PLACE}
        out = np.full(now["id"].size, -1, np.int16)
        if t < 1:
            return out
        tick = int(self.ticks[min(t, self.ticks.size - 1) - 1])
        earlier = slice(*np.searchsorted(self.bodies["tick"], [tick, tick + 1]))
        before = {name: self.bodies[name][earlier] for name in PLACE}
        if not before["id"].size:
            return out
        at = np.minimum(np.searchsorted(before["id"], now["id"]), before["id"].size - 1)
        turn = turned(now, {axis: before[axis][at] for axis in "xy"}, int(self.side or 1))
        return np.where(before["id"][at] == now["id"], turn, out)


def _narrow(values: np.ndarray) -> np.ndarray:
    """Whole numbers in few bytes."""
    if values.dtype.kind not in "iu":
        return values
    is_small = values.min(initial=0) >= 0 and values.max(initial=0) < 256
    return values.astype(np.uint8 if is_small else np.int32, copy=False)


def _before(ticks: np.ndarray, tick: int) -> int:
    """The newest row that was taken by then."""
    return max(0, int(np.searchsorted(ticks, tick, "right")) - 1)


def _stays(bodies: Planes) -> np.ndarray:
    """1 where a body is where it was in the frame before."""
    order = np.lexsort([bodies["tick"], bodies["id"]])
    now, before = order[1:], order[:-1]
    same = bodies["id"][now] == bodies["id"][before]
    for axis in "xy":
        same &= bodies[axis][now] == bodies[axis][before]
    out = np.zeros(order.size, np.int32)
    out[now] = same
    return out
