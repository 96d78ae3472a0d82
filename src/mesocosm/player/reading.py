"""Reading packed frames: the inverse of `frames.pack`, and the reference for the same in `player.js`."""

from __future__ import annotations

from typing import Any

import numpy as np

from mesocosm.player.fields import unpack_field
from mesocosm.player.panel import Panel
from mesocosm.player.planes import DamagedFrames, from_bits, from_varints, unseal

EXTENT = 4096
"""Steps along the side of the world."""
FEW = 16
"""Values that a column of the kind `frame` has at most."""
ESCAPE = 128
"""Byte of a move that does not fit into one: it stands in the plane beside."""


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


def wrapped(difference: np.ndarray) -> np.ndarray:
    """The shortest way round the torus, -2048 ... 2047 steps."""
    return (difference + EXTENT // 2) % EXTENT - EXTENT // 2


def _placed(step: np.ndarray, side: int) -> np.ndarray:
    """The lowest place (1/256 cell) that is kept as this step."""
    return -(-step * side // (EXTENT // 256))


def _unpack(header: dict[str, Any], planes: dict[str, bytes]) -> Panel:
    side, columns = int(header["side"]), header["columns"]
    ticks = np.cumsum(from_varints(planes["ticks"]))
    births, deaths, n_sources = (from_varints(planes[name]) for name in ("births", "deaths", "sources"))
    if not ticks.size == births.size == deaths.size == n_sources.size == header["n_frames"]:
        raise DamagedFrames("the recording is damaged (its counts do not agree)")
    n = np.cumsum(births - deaths)
    bodies = {"tick": np.repeat(ticks, n)}
    kept = {c["name"]: from_bits(planes[f"{c['name']}.bits"], c["bits"], int(n.sum())) for c in columns if "bits" in c}
    colony = _Colony(header, planes, next(iter(kept.values()), np.zeros(int(n.sum()), np.int64)))
    frames = [colony.step(f, int(births[f]), int(deaths[f])) for f in range(ticks.size)]
    for name in ("id", "x", "y", *colony.held):
        bodies[name] = np.concatenate([np.zeros(0, np.int64), *(frame[name] for frame in frames)])
    bodies |= kept
    bodies["x"], bodies["y"] = _placed(bodies["x"], side), _placed(bodies["y"], side)
    sources = {"tick": np.repeat(ticks, n_sources)}
    for axis in "xy":
        sources[axis] = _placed(_Cursor(planes[f"source_{axis}"]).take(int(n_sources.sum())), side)
    return Panel(
        header["title"],
        side,
        {name: bodies[name] for name in ("tick", "id", "x", "y", *(c["name"] for c in columns))},
        sources,
        {d["name"]: unpack_field(d, planes) for d in header["fields"]},
        ticks,
        {c["name"]: c["words"] for c in columns if c["words"]},
        {d["name"]: d["unit"] for d in [*columns, *header["fields"]] if d["unit"]},
        {c["name"]: _curve(c, planes, ticks.size) for c in header["curves"]},
        {name: (given, values) for name, (given, values) in header["series"].items()},
        None if header["bounds"] is None else tuple(header["bounds"]),
        header["population"],
    )


def _curve(described: dict[str, Any], planes: dict[str, bytes], n_frames: int) -> np.ndarray:
    return np.frombuffer(planes[f"curve {described['name']}"], "<f4").reshape(n_frames, *described["shape"])


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

    def __init__(self, header: dict[str, Any], planes: dict[str, bytes], acts: np.ndarray) -> None:
        self.every = int(header["sampled_every"])
        self.acts, self.n_seen, self.newest_id = acts, 0, 0
        self.read = {name: _Cursor(planes[name]) for name in ("gone", "ids", "place_x", "place_y")}
        self.held = [c["name"] for c in header["columns"] if "bits" not in c]
        self.born = {name: _Cursor(planes[f"{name}.born"]) for name in self.held}
        self.sampled = {name: _Cursor(planes[f"{name}.sampled"]) for name in self.held if f"{name}.sampled" in planes}
        self.moves = {
            (number, axis): _Bytes(planes[f"{axis}{number}"], planes[f"{axis}{number}.far"])
            for number, _ in header["contexts"]
            for axis in "xy"
        }
        self.goes_on = {int(number): int(goes_on) for number, goes_on in header["contexts"]}
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
            for axis in "xy":
                rest = self.moves[number, axis].take(int(here.sum()))
                forecast = old[f"move {axis}"][here] * self.goes_on[number]
                old[f"move {axis}"][here] = wrapped(forecast + rest)
                old[axis][here] = (old[axis][here] + old[f"move {axis}"][here]) % EXTENT
