"""Does a course circle, how long does a turn take, and is the cycle a limit that all courses come to? NumPy, no jax.

A turn is the time from one upward crossing of the mean to the next. Courses that keep their turn and their width are
cycles; if all have the same width, wherever they began, it is a limit cycle, else each has its own (a centre).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np

from mesocosm.findings.outcomes import plain_lists
from mesocosm.protocol.catalogue import Analysis, Result
from mesocosm.protocol.measure import in_windows
from mesocosm.protocol.story import Table
from mesocosm.record import FolderError, Record
from mesocosm.record.configuration import Range

KINDS = ("rests", "circles", "grows", "shrinks", "irregular", "ended")
STILL = 1e-4
"""Width below which a course rests, in shares of the largest it had."""


@dataclass(frozen=True)
class Settings:
    """What is looked at, how closely."""

    column: str = ""
    """A column of the metrics; empty: the first number of a player, or x."""
    tolerance: Annotated[float, Range(0, 1)] = 0.02
    """By what share turns, and widths, of a cycle may differ."""


class Turns(NamedTuple):
    """What one course does in its second half."""

    kind: str
    period: float
    spread: float  # standard deviation of a turn, in shares of the period
    width: float  # half the distance between its ends


def compute(record: Record, settings: Settings) -> dict[str, Any]:
    name = settings.column or column_of(record)
    if name not in record.metrics:
        there = ", ".join(c for c in record.metrics if c not in ("replicate", "tick"))
        raise FolderError(f"{record.folder}: records no column {name}; it has {there}")
    lines, time = in_windows(record, record.metrics[name].astype(float)), times(record)
    found = [turns(time, line, settings.tolerance) for line in lines]
    widths = np.array([t.width for t in found if t.kind == "circles"])
    is_limit = widths.size >= 2 and widths.std() <= settings.tolerance * widths.mean()
    return {
        "column": name,
        "kind": [t.kind for t in found],
        **{k: plain_lists(np.array([getattr(t, k) for t in found], float)) for k in ("period", "spread", "width")},
        "limit_cycle": bool(is_limit and widths.size == len(found)),
        "time": "units of time" if "time" in record.metrics else "ticks",
    }


def course(record: Record) -> str:
    """That it records where something is."""
    is_there = any(name in ("x", "y") or name.endswith("_0") for name in record.metrics)
    return "" if is_there else "records no course (a column x, or first_0)"


def column_of(record: Record) -> str:
    """The first number of a player; else x, or y."""
    named = [name for name in record.metrics if name.endswith("_0")]
    return named[0] if named else "x" if "x" in record.metrics else "y"


def times(record: Record) -> np.ndarray:
    """The end of each window: in the law's own time, where it is recorded, else in ticks. [windows]"""
    every = int(record.header["every"])
    ticks = np.arange(1, max(1, record.tick // every) + 1) * float(every)
    if "time" not in record.metrics:
        return ticks
    spans = in_windows(record, record.metrics["time"].astype(float))
    longest = int(np.isfinite(spans).sum(axis=1).argmax())
    return np.cumsum(np.where(np.isfinite(spans[longest]), spans[longest], 0.0))


def turns(time: np.ndarray, line: np.ndarray, tolerance: float = 0.02) -> Turns:
    """What a course does in its second half. `line`: [windows], NaN after its end: then it is not told.

    >>> t = np.arange(0, 100, 0.1)
    >>> found = turns(t, 3 * np.sin(t / 2) + 1)
    >>> found.kind, round(found.period, 3), round(found.width, 2)
    ('circles', 12.566, 3.0)
    """
    if not np.isfinite(line).all():
        return Turns("ended", np.nan, np.nan, np.nan)
    late = slice(len(line) // 2, None)
    if len(line) < 8:
        return Turns("irregular", np.nan, np.nan, np.nan)
    width = float(np.ptp(line[late]) / 2)
    if width <= STILL * max(np.ptp(line) / 2, np.finfo(float).tiny) or width == 0:
        return Turns("rests", np.nan, np.nan, width)
    at = crossings(time[late], line[late] - line[late].mean())
    long = np.diff(at)
    if long.size < 3:
        return Turns("irregular", float(long.mean()) if long.size else np.nan, np.nan, width)
    period, spread = float((at[-1] - at[0]) / long.size), float(long.std() / long.mean())
    quarter = len(line) // 4
    ratio = np.ptp(line[-quarter:]) / max(np.ptp(line[-2 * quarter : -quarter]), np.finfo(float).tiny)
    if abs(ratio - 1) > tolerance and spread <= 10 * tolerance:
        return Turns("grows" if ratio > 1 else "shrinks", period, spread, width)
    return Turns("circles" if spread <= tolerance else "irregular", period, spread, width)


def crossings(time: np.ndarray, line: np.ndarray) -> np.ndarray:
    """When it goes up through 0, between two windows by the straight line."""
    up = np.flatnonzero((line[:-1] < 0) & (line[1:] >= 0))
    return time[up] + (time[up + 1] - time[up]) * line[up] / (line[up] - line[up + 1])


def show(record: Record, values: Mapping[str, Any]) -> Result:
    kinds, n = list(values["kind"]), len(values["kind"])
    counts = ", ".join(f"{kinds.count(kind)} {_words(kind, kinds.count(kind))}" for kind in KINDS if kind in kinds)
    period = np.array(values["period"], float)[[kind == "circles" for kind in kinds]]
    said = f" A turn takes {period.mean():.4f} {values['time']} in the mean." if period.size else ""
    if period.size == n > 1:
        width = (
            "All come to the same width: a limit cycle" if values["limit_cycle"] else "Each keeps a width of its own"
        )
        said += f" {width}."
    rows = list(zip(range(n), kinds, values["period"], values["spread"], values["width"], strict=True))
    table = Table(
        f"How {values['column']} moves in the second half",
        ("replicate", "what it does", "turn", "sd of a turn, in turns", "half its width"),
        rows,
    )
    return Result(f"Of {n} courses: {counts}.{said}", values, figures=(table,))


def _words(kind: str, n: int) -> str:
    plural = {"rests": "rest", "circles": "circle", "grows": "spiral outwards", "shrinks": "spiral inwards"}
    singular = {"grows": "spirals outwards", "shrinks": "spirals inwards", "irregular": "is irregular"}
    plural |= {"irregular": "are irregular", "ended": "ended early"}
    return plural[kind] if n > 1 else {**singular, "ended": "ended early"}.get(kind, kind)


ANALYSIS = Analysis("cycles", "whether courses circle, how long a turn takes, whether all come to one cycle", compute,
                    show, Settings, needs=(course,))  # fmt: skip
