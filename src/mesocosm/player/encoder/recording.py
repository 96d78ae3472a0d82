"""A recorded world, frame by frame: what the cameras of a run folder took of one replicate."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mesocosm.player.encoder import scales
from mesocosm.player.encoder.encoder import Encoder, Planes, numbers, wanted
from mesocosm.player.encoder.places import around
from mesocosm.player.encoder.series import thinned
from mesocosm.player.encoder.snapshot import Seen, Snapshot
from mesocosm.record import FolderError, Record, RunStatus
from mesocosm.record.about import SceneAbout, in_order
from mesocosm.record.errors import NotYetError

_KINDS = ("field", "curve", "image", "graph")
"""What a camera's name ends with where it took no points."""
_ASIDE = ("replicate", "tick")

Rows = dict[str, np.ndarray]


def filming(record: Record) -> tuple[int, int]:
    """Ticks between frames of a run (0: it keeps none), and whose they are (-1: everybody's)."""
    try:
        said = {**tomllib.loads(record.config), **record.header["configuration"]}
        return int(said.get("frames_every", 0)), int(said.get("frames_of", -1))
    except (tomllib.TOMLDecodeError, OSError, UnicodeDecodeError, TypeError, ValueError) as error:
        raise FolderError(f"{record.folder}: its configuration cannot be read ({error})") from None


@dataclass(frozen=True)
class Known:
    """What is known of individuals besides their frames: columns by id, ids ascending; the last axis is the place."""

    population: str
    id: np.ndarray
    columns: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Recording:
    """One replicate of a run as it was when it was opened. A run without frames is shown by its measures.

    Args:
      about: what its scene shows.
      known: of its individuals; None: frames alone.
    """

    record: Record
    replicate: int
    title: str
    about: SceneAbout
    known: Known | None = None

    def read(self) -> Recording:
        """Itself, with everything read that may fail."""
        _ = self.status  # before the frames: what is written after it is read the next time
        _ = self.ticks, self.encoder, self.series
        return self

    @cached_property
    def status(self) -> str:
        """Of the run, when it was asked first."""
        return self.record.status

    @cached_property
    def _taken(self) -> dict[str, Rows]:
        """What each camera took of this replicate, ordered by tick, then id; those that took nothing are left out."""
        out = {}
        for name in self.record.header.get("frames", []):
            rows = self.record.frames(name)
            mine = rows["replicate"] == self.replicate
            rows = {k: v[mine] for k, v in rows.items() if k != "replicate"}
            if "id" in rows:
                order = np.lexsort([rows["id"], rows["tick"]])
                rows = {k: v[order] for k, v in rows.items()}
            if rows["tick"].size:
                out[name] = rows
        return out

    def _of(self, kind: str) -> dict[str, Rows]:
        """By name what was taken of a kind; `points` of the scene have no ending."""
        if kind == "points":
            return {n: rows for n, rows in self._taken.items() if not n.endswith(tuple(f"_{k}" for k in _KINDS))}
        return {n.removesuffix(f"_{kind}"): rows for n, rows in self._taken.items() if n.endswith(f"_{kind}")}

    @cached_property
    def ticks(self) -> np.ndarray:
        """The ticks that were taken; where there are no frames, those of the measures: [frames].

        Raises:
          NotYetError: if nothing is there yet, and the run goes on.
          FolderError: if nothing is there.
        """
        taken = [rows["tick"] for rows in self._taken.values()] or [self._measures["tick"]]
        ticks = np.unique(np.concatenate(taken))
        missing = set(self.record.header.get("frames", [])) - set(self._taken)
        is_going = self.status == RunStatus.RUNNING
        if not ticks.size or (missing and is_going and self._takes_frames):
            raise (NotYetError if is_going else FolderError)(f"{self.record.folder}: {self._lack(is_going)}")
        return ticks

    def _lack(self, is_going: bool) -> str:
        """What a run has nothing of, and whether it will have it."""
        lack, then = f"has no frames of world {self.replicate}", ""
        if not self._takes_frames:
            lack = "keeps no pictures (frames_every = 0), and has no measures"
            then = "; their charts are shown once it has"
        ends = "it is finished" if self.status == RunStatus.FINISHED else f"it was {self.status}: resume it"
        return f"{lack} yet{then}" if is_going else f"{lack}, and none are to come ({ends})"

    @property
    def _takes_frames(self) -> bool:
        """Whether frames are to come: cameras may be there and take nothing."""
        return bool(filming(self.record)[0])

    @cached_property
    def _measures(self) -> Rows:
        rows = self.record.metrics
        mine = rows["replicate"] == self.replicate
        return {name: values[mine] for name, values in rows.items()}

    def points(self, name: str) -> Rows:
        """All rows of a population, ordered by tick, then id."""
        return self._of("points").get(name, {"tick": np.zeros(0, np.int64), "id": np.zeros(0, np.int32)})

    def snapshot(self, t: int) -> Snapshot:
        """What was taken at frame t, or before it where a camera takes less often."""
        tick = int(self.ticks[t])

        def newest(kind: str) -> dict[str, np.ndarray]:
            named = self._of(kind).items()
            return {name: rows[name][_before(rows["tick"], tick)] for name, rows in named}

        points = {name: self._seen(name, rows, tick) for name, rows in self._of("points").items()}
        fields = {name: self._whole(name, values) for name, values in newest("field").items()}
        graphs = {name: _bonds(rows, tick) for name, rows in self._of("graph").items()}
        return Snapshot(tick, points, fields, newest("curve"), newest("image"), graphs)

    def _seen(self, name: str, rows: Rows, tick: int) -> Seen:
        at = _at(rows["tick"], tick)
        columns = {n: np.moveaxis(v[at], 0, -1) for n, v in rows.items() if n != "tick"}
        if self.known is not None and name == self.known.population and "id" in columns:
            places = np.searchsorted(self.known.id, columns["id"])
            places = np.minimum(places, self.known.id.size - 1)
            columns |= {n: v[..., places] for n, v in self.known.columns.items() if n not in columns}
        return Seen(columns)

    def _whole(self, name: str, values: np.ndarray) -> np.ndarray:
        """A field whose numbers were added up over blocks of cells, as means over them."""
        cells = next(((f.height * f.width) for f in self.about.fields if f.name == name), values.size)
        return values / (cells / values.size) if cells > values.size > 0 else values

    @cached_property
    def encoder(self) -> Encoder:
        """With scales that hold what was taken at any time."""
        steps = np.diff(self.ticks)
        encoder = Encoder(self.about, self.snapshot(0), is_each_tick=bool(steps.size) and bool((steps == 1).all()))
        for name, rows in self._of("field").items():
            values = rows[name]
            about = encoder.fields[name].about if name in encoder.fields else None
            for row in values if about is not None and len(values) < 4000 else values[:: max(1, len(values) // 1000)]:
                whole = self._whole(name, row)
                encoder.saw(name, whole if about is None else scales.coarser(whole, about, 128))
        return encoder

    @cached_property
    def series(self) -> dict[str, list[list[float]]]:
        """What frames tell over time, and measures: by name ticks and values."""
        out: dict[str, list[list[float]]] = {}
        for k, population in enumerate(self.encoder.populations):
            rows = self.points(population.about.name)
            at = np.searchsorted(self.ticks, rows["tick"])
            n = np.bincount(at, minlength=self.ticks.size)
            if k == 0 and self.encoder.space.kind == "plane" and n.max(initial=0) == 1:
                out |= {axis: thinned(rows["tick"], rows[axis].astype(float)) for axis in "xy"}
            elif k == 0 or population.has_ids:
                out["living" if k == 0 else population.about.name] = thinned(self.ticks, n.astype(float))
            for name in population.columns if k == 0 else ():
                said = population.about.about(name)
                if name in rows and said.unit and not said.words and not said.since:
                    total = np.bincount(at, rows[name], self.ticks.size)
                    out[f"mean {name}"] = thinned(self.ticks, total / np.maximum(n, 1))
        for name, rows in in_order(self._of("curve"), self.about.curves).items():
            for k, (number, _) in enumerate(numbers(name, rows[name][0])):
                values = rows[name].reshape(rows["tick"].size, -1)[:, k].astype(float)
                out[number] = thinned(rows["tick"], values)
        for name, values in in_order(self._measures, self.about.curves).items():
            if name not in _ASIDE and name not in out and values.size and values.dtype.kind in "iuf":
                out[name] = thinned(self._measures["tick"], values.astype(float))
        return out

    def meta(self) -> dict[str, Any]:
        """What does not change from frame to frame; the page reads it as a source's `meta()`."""
        what: dict[str, Any] = {"title": self.title, "n_frames": int(self.ticks.size), "status": self.status}
        if self.encoder.space.kind == "plane" and self.encoder.populations:
            what["bounds"] = self._bounds
        return {**self.encoder.meta, **what, "ticks": self.ticks.tolist(), "series": self.series}

    @cached_property
    def _bounds(self) -> list[float]:
        """Of a plane: what holds all that was ever there."""
        rows = [self.points(population.about.name) for population in self.encoder.populations]
        return list(around([(taken["x"], taken["y"]) for taken in rows if "x" in taken]))

    def frame(self, t: int, want: list[str] | None = None) -> tuple[dict[str, Any], Planes]:
        """Header and planes of frame t (the last one where there are fewer), with the columns that are wanted (all)."""
        t = max(0, min(t, self.ticks.size - 1))
        before = self.snapshot(t - 1) if t else None
        header, planes = self.encoder.frame(self.snapshot(t), before, genomes=True, want=want)
        return header, wanted(self.encoder.meta, self.about.genomes, planes, want)


def _before(ticks: np.ndarray, tick: int) -> int:
    """The newest row that was taken by then."""
    return max(0, int(np.searchsorted(ticks, ticks.dtype.type(tick), "right")) - 1)


def _at(ticks: np.ndarray, tick: int) -> slice:
    """The rows of a tick. Of another type of integers the whole column would be converted for each frame."""
    return slice(*np.searchsorted(ticks, np.array([tick, tick + 1], ticks.dtype)))


def _bonds(rows: Rows, tick: int) -> np.ndarray:
    at = _at(rows["tick"], tick)
    return np.stack([rows["source"][at], rows["target"][at]])
