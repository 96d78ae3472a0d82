"""Reading packed frames: the inverse of `frames.pack`, and the reference for the same in `frames.js`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mesocosm.player.encoder.fields import unpack_field
from mesocosm.player.encoder.panel import Panel, Population
from mesocosm.player.encoder.places import EXTENT
from mesocosm.player.encoder.planes import DamagedFrames, from_bits, from_varints, unseal

FEW = 16
"""Values that a column of the kind `frame` has at most."""
ESCAPE = 128
"""Byte of a move that does not fit into one: it stands in the plane beside."""


@dataclass(frozen=True)
class Wrap:
    """Differences along one axis: on a torus the shortest way round; elsewhere as they are."""

    extent: int

    @staticmethod
    def of(space: Mapping[str, Any]) -> tuple[Wrap, Wrap]:
        """Of both axes."""
        is_torus = space["kind"] == "torus"
        first, second = (int(extent) for extent in space["extent"])
        if not 0 < min(first, second) <= max(first, second) <= EXTENT:
            raise DamagedFrames(f"the recording is damaged (a world of {first} by {second} steps)")
        return Wrap(first if is_torus else 0), Wrap(second if is_torus else 0)

    def __call__(self, difference: np.ndarray) -> np.ndarray:
        if not self.extent:
            return difference
        return (difference + self.extent // 2) % self.extent - self.extent // 2

    def place(self, place: np.ndarray) -> np.ndarray:
        """A place after a move."""
        return place % self.extent if self.extent else place


def unpack(content: bytes) -> Panel:
    """The panel that was packed: places as kept, sampled columns held between samples, fields as kept.

    Raises:
      DamagedFrames: if the bytes are no recording, or torn.
    """
    header, planes = unseal(content)
    try:
        with np.errstate(divide="raise", invalid="raise", over="raise"):
            return _unpack(header, planes)
    except (LookupError, ValueError, TypeError, AttributeError, ArithmeticError, MemoryError) as error:
        raise DamagedFrames(f"the recording is damaged ({type(error).__name__}: {error})") from None


def _unpack(header: dict[str, Any], planes: dict[str, bytes]) -> Panel:
    ticks = np.cumsum(from_varints(planes["ticks"]))
    if ticks.size != header["n_frames"]:
        raise DamagedFrames("the recording is damaged (its counts do not agree)")
    bounds = None if header["bounds"] is None else tuple(header["bounds"])
    named = [*header["fields"], *header["curves"], *header["images"], *header["graphs"]]
    return Panel(
        header["title"],
        header["space"],
        [_population(header, k, told, ticks, planes) for k, told in enumerate(header["populations"])],
        ticks,
        {d["name"]: unpack_field(d, planes) for d in header["fields"]},
        {about["name"]: about for about in named},
        {d["name"]: tuple(d["scale"]) for d in header["fields"]},
        {c["name"]: _curve(c, planes, ticks.size) for c in header["curves"]},
        {i["name"]: _image(i, planes, ticks.size) for i in header["images"]},
        {g["name"]: _graph(g, planes, ticks) for g in header["graphs"]},
        {name: (given, values) for name, (given, values) in header["series"].items()},
        bounds,
        header.get("says", ""),
    )


def _population(
    header: dict[str, Any], k: int, told: dict[str, Any], ticks: np.ndarray, planes: dict[str, bytes]
) -> Population:
    own = {name.removeprefix(f"{k} "): content for name, content in planes.items() if name.startswith(f"{k} ")}
    births, deaths = (from_varints(own[name]) for name in ("births", "deaths"))
    if not ticks.size == births.size == deaths.size:
        raise DamagedFrames("the recording is damaged (its counts do not agree)")
    n = np.cumsum(births - deaths)
    columns = told["columns"]
    kept = {c["name"]: from_bits(own[f"{c['name']}.bits"], c["bits"], int(n.sum())) for c in columns if "bits" in c}
    colony = _Colony(header, told, own, next(iter(kept.values()), np.zeros(int(n.sum()), np.int64)))
    frames = [colony.step(f, int(births[f]), int(deaths[f])) for f in range(ticks.size)]
    rows = {
        name: np.concatenate([np.zeros(0, np.int64), *(frame[name] for frame in frames)])
        for name in ("id", "x", "y", *colony.held)
    } | kept
    values = {c["name"]: _real(rows[c["name"]], c) for c in columns}
    if header["bounds"] is not None:
        left, top, right, bottom = header["bounds"]
        rows["x"] = left + (right - left) * rows["x"] / (EXTENT - 1)
        rows["y"] = top + (bottom - top) * rows["y"] / (EXTENT - 1)
    return Population(told, np.repeat(ticks, n), rows["id"], rows["x"], rows["y"], values)


def _real(values: np.ndarray, column: Mapping[str, Any]) -> np.ndarray:
    if "low_and_step" not in column:
        return values
    low, step = column["low_and_step"]
    return low + step * values


def _curve(described: dict[str, Any], planes: dict[str, bytes], n_frames: int) -> np.ndarray:
    return np.frombuffer(planes[f"curve {described['name']}"], "<f4").reshape(n_frames, *described["shape"])


def _image(described: dict[str, Any], planes: dict[str, bytes], n_frames: int) -> np.ndarray:
    shape = (n_frames, described["height"], described["width"], *([3] if described["channels"] == 3 else []))
    flat = np.frombuffer(planes[f"image {described['name']}"], np.uint8)
    if flat.size != math.prod(shape):
        raise DamagedFrames("the recording is damaged (a picture is cut off)")
    return np.add.accumulate(flat.reshape(shape), axis=0, dtype=np.uint8)


def _graph(described: dict[str, Any], planes: dict[str, bytes], ticks: np.ndarray) -> np.ndarray:
    name = f"graph {described['name']}"
    source = np.cumsum(from_varints(planes[f"{name}.source"]))
    target = source + from_varints(planes[f"{name}.target"])
    return np.column_stack([np.repeat(ticks, from_varints(planes[name])), source, target])


class _Cursor:
    """Reads a plane of numbers from its beginning."""

    def __init__(self, content: bytes) -> None:
        self.values, self.at = from_varints(content), 0

    def take(self, n: int) -> np.ndarray:
        self.at += n
        if n < 0 or self.at > self.values.size:
            raise DamagedFrames("the recording is damaged (a plane ends too early)")
        return self.values[self.at - n : self.at]


class _Bytes(_Cursor):
    """Reads a plane of moves: a byte each, those that do not fit from the plane beside."""

    def __init__(self, content: bytes, far: bytes) -> None:
        raw = np.frombuffer(content, np.int8).astype(np.int64)
        raw[raw == ESCAPE - 256] = _Cursor(far).take(int(np.sum(raw == ESCAPE - 256)))
        self.values, self.at = raw, 0


class _Colony:
    """The living bodies, ordered by id, from frame to frame."""

    def __init__(
        self, header: dict[str, Any], told: dict[str, Any], planes: dict[str, bytes], acts: np.ndarray
    ) -> None:
        self.every, self.wrap = int(header["sampled_every"]), Wrap.of(header["space"])
        self.acts, self.n_seen, self.newest_id = acts, 0, 0
        self.read = {name: _Cursor(planes[name]) for name in ("gone", "ids", "place_x", "place_y")}
        self.held = [c["name"] for c in told["columns"] if "bits" not in c]
        self.born = {name: _Cursor(planes[f"{name}.born"]) for name in self.held}
        self.sampled = {name: _Cursor(planes[f"{name}.sampled"]) for name in self.held if f"{name}.sampled" in planes}
        self.moves = {
            (number, axis): _Bytes(planes[f"{axis}{number}"], planes[f"{axis}{number}.far"])
            for number, _ in told["contexts"]
            for axis in "xy"
        }
        self.goes_on = {int(number): int(goes_on) for number, goes_on in told["contexts"]}
        self.body = {name: np.zeros(0, np.int64) for name in ("id", "x", "y", "move x", "move y", "did", *self.held)}

    def step(self, frame: int, n_born: int, n_gone: int) -> dict[str, np.ndarray]:
        """The bodies of the next frame."""
        gone = self.read["gone"].take(n_gone)
        old = {name: np.delete(values, gone) for name, values in self.body.items()}
        new = self._newborn(n_born)
        order = np.argsort(np.concatenate([old["id"], new["id"]]), kind="stable")
        n = order.size
        acts = np.empty(n, np.int64)
        acts[order] = self.acts[self.n_seen : self.n_seen + n]
        self.n_seen += n
        self._move(old, acts[: old["id"].size])
        if frame % self.every == 0:
            for name, cursor in self.sampled.items():
                old[name] = old[name] + cursor.take(old["id"].size)
        old["did"], new["did"] = np.split(acts, [old["id"].size])
        self.body = {name: np.concatenate([old[name], new[name]])[order] for name in self.body}
        return self.body

    def _newborn(self, n: int) -> dict[str, np.ndarray]:
        ids = self.newest_id + np.cumsum(self.read["ids"].take(n))
        self.newest_id = int(ids[-1]) if n else self.newest_id
        new = {name: np.zeros(n, np.int64) for name in self.body}
        new |= {"id": ids, "x": self.read["place_x"].take(n), "y": self.read["place_y"].take(n)}
        return new | {name: cursor.take(n) for name, cursor in self.born.items()}

    def _move(self, old: dict[str, np.ndarray], acts: np.ndarray) -> None:
        context = old["did"] * FEW + acts
        for number in np.unique(context).tolist():
            here = context == number
            for axis, wrap in zip("xy", self.wrap, strict=True):
                rest = self.moves[number, axis].take(int(here.sum()))
                forecast = old[f"move {axis}"][here] * self.goes_on[number]
                old[f"move {axis}"][here] = wrap(forecast + rest)
                old[axis][here] = wrap.place(old[axis][here] + old[f"move {axis}"][here])
