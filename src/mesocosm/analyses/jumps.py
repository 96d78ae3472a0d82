"""Jumps of a measure: does a curve rise (or fall) all at once, or little by little?

A jump is a change over a few windows beyond those just before and just after it. So of the change over k = 1, 2, 4 ...
windows (an eighth of the curve at most) that counts which exceeds, in its direction, those over the k windows before
and the k after. A parabola, a slow sigmoid or a corner has next to no such excess, however far it rises, and what is
below a fifth of the range of the curve is none. The largest, in units of the median bend of the curve (change less the
mean of the two beside it), is compared with that of random curves whose changes are Gaussian with the same lag-one
autocorrelation (a parametric bootstrap).

So false alarms are at the level asked for where changes are Gaussian and follow each other, or jitter around a smooth
trend. A curve whose changes have heavy tails (a Levy flight), or come in bursts, does jump in this sense; a rise within
the first or last windows of a run has nothing beside it, and is not seen.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from mesocosm.findings.intervals import wilson_interval
from mesocosm.protocol.blocks import sentence_case, ticks
from mesocosm.protocol.catalogue import Analysis, Result
from mesocosm.protocol.measure import measure_named, measures_of
from mesocosm.protocol.registry import declaration_of
from mesocosm.protocol.story import Axis, Trajectories
from mesocosm.record import Record
from mesocosm.record.configuration import Range

LEAST = 12
"""Windows without which nothing can be told apart."""

MATERIAL = 0.2
"""Share of the range of a curve that an excess must have to be a jump of it."""


@dataclass(frozen=True)
class Settings:
    """Which curve, and how often chance may alarm."""

    measure: str = ""
    """Name of the measure; the first one of the experiment where none is named."""
    level: Annotated[float, Range(0.001, 0.2)] = 0.01
    """Share of curves without a jump in which one is seen."""
    draws: Annotated[int, Range(199, 9999, "curves")] = 999
    """Random curves without a jump."""

    def contradictions(self) -> Iterator[str]:
        if self.level * (self.draws + 1) < 1 - 1e-9:
            least = math.ceil(1 / self.level - 1e-9) - 1
            yield (
                f"level = {self.level:g}: {self.draws} draws give no p below {1 / (self.draws + 1):.4g}; at least "
                f"draws = {least} are needed, or a higher level"
            )


def jump(curve: np.ndarray, draws: int, rng: np.random.Generator) -> tuple[float, int, int]:
    """The largest jump of a curve [windows]: its p value, the window that it begins in, and its length in windows.

    Where no excess is material, 1, 0 and 0.
    """
    own, first, length = (x[0] for x in _largest(curve[None]))
    if own == 0:
        return 1.0, 0, 0
    null = _largest(_alike(curve, draws, rng))[0]
    return (1 + int((null >= own).sum())) / (1 + draws), int(first), int(length)


def _largest(curves: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each curve [curves, windows] the largest excess in median bends, where it begins, and its length."""
    n = curves.shape[1]
    lengths = np.array([2**k for k in range(max(1, n // 8).bit_length())])
    least = MATERIAL * np.ptp(curves, axis=1, keepdims=True)
    sizes, places = [], []
    for k in lengths:
        change = curves[:, k:] - curves[:, :-k]
        before, change, after = change[:, : -2 * k], change[:, k:-k], change[:, 2 * k :]
        unit = np.median(np.abs(change - (before + after) / 2), axis=1, keepdims=True)
        along = np.sign(change)
        excess = np.abs(change) - np.maximum(0, np.maximum(along * before, along * after))
        unit = np.maximum(unit, 1e-9 * least)  # curves without noise have none
        size = np.divide(excess, unit, out=np.zeros_like(excess), where=(excess >= least) & (least > 0))
        sizes.append(size.max(axis=1))
        places.append(size.argmax(axis=1) + k)
    best, each = np.argmax(sizes, axis=0), np.arange(len(curves))
    return np.array(sizes)[best, each], np.array(places)[best, each], lengths[best]


def _alike(curve: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Curves [draws, windows] with Gaussian changes of the same lag-one autocorrelation, less its bias in few windows
    (M. G. Kendall, "Note on bias in the estimation of autocorrelation", 1954)."""
    change = np.diff(curve) - np.diff(curve).mean()
    n = change.size
    estimate = float(change[1:] @ change[:-1] / (change @ change))
    phi = float(np.clip(estimate + (1 + 3 * estimate) / n, -0.9, 0.95))
    drawn = rng.normal(size=(draws, n))
    drawn[:, 0] /= np.sqrt(1 - phi**2)
    for k in range(1, n):
        drawn[:, k] += phi * drawn[:, k - 1]
    return np.concatenate([np.zeros((draws, 1)), drawn.cumsum(axis=1)], axis=1)


def compute(record: Record, settings: Settings) -> dict[str, Any]:
    declared = declaration_of(record)
    measure = (
        measure_named(declared, record, settings.measure) if settings.measure else measures_of(declared, record)[0]
    )
    lines, rng = measure.windows(record), np.random.default_rng(int(record.header["seed"]) % 2**32)
    rows = []
    for replicate, line in enumerate(lines):
        there = np.flatnonzero(np.isfinite(line))
        line = line[there]
        if line.size < LEAST or np.ptp(line) == 0:
            rows.append({"replicate": replicate, "p": 1.0, "tick": 0, "change": 0.0})
            continue
        p, first, length = jump(line, settings.draws, rng)
        change = float(line[first + length] - line[first])
        rows.append({"replicate": replicate, "p": p, "tick": int(ticks(record)[there[first]]), "change": change})
    return {"measure": measure.label, "unit": measure.unit, "level": settings.level, "rows": rows}


def show(record: Record, values: Mapping[str, Any]) -> Result:
    rows, level = values["rows"], values["level"]
    found = [row for row in rows if row["p"] <= level]
    up = [row for row in found if row["change"] > 0]
    share = wilson_interval(len(found), len(rows))
    sentence = (
        f"{sentence_case(values['measure'])} jumps in {len(found)} of {len(rows)} replicates [{share.low:.2f}, "
        f"{share.high:.2f}], where chance alone would in {100 * level:g} %: up in {len(up)}, down in "
        f"{len(found) - len(up)}."
    )
    if up:
        sentence += f" The rise begins at tick {np.median([row['tick'] for row in up]):.0f} in the median."
    name = declaration_of(record)
    measure = next(m for m in measures_of(name, record) if m.label == values["measure"])
    figure = Trajectories(
        title=f"Jumps of {values['measure']}",
        alt=sentence,
        x_axis=Axis("tick"),
        y_axis=Axis(values["measure"], values["unit"]),
        x=ticks(record),
        lines=measure.windows(record),
    )
    return Result(sentence, values, figures=(figure,))


def _long_enough(record: Record) -> str:
    n = record.tick // int(record.header["every"])
    if not measures_of(declaration_of(record), record):
        return "it records no measure"
    return "" if n >= LEAST else f"it has {n} windows; at least {LEAST} are needed: more ticks, or a smaller `every`"


ANALYSIS = Analysis(
    "jumps", "whether a measure rises or falls all at once", compute, show, Settings, needs=(_long_enough,)
)
