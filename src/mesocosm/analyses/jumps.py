"""Jumps of a measure: does a curve rise (or fall) all at once, or little by little?

The change from window to window is summed over 1, 2, 4 ... windows that follow each other, in units of its standard
error; the largest of these sums, up or down, is compared with that of the same changes in random order. Where changes
come independently of each other, whatever their mean and spread, every order is equally likely: the false alarms are
then exact, at the level asked for. A curve that jitters around a trend alarms less often. (E. S. Page, "Continuous
inspection schemes", 1954, with a permutation null.)
"""

from __future__ import annotations

from collections.abc import Mapping
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

LEAST = 8
"""Windows without which nothing can be told apart."""


@dataclass(frozen=True)
class Settings:
    """Which curve, and how often chance may alarm."""

    measure: str = ""
    """Name of the measure; the first one of the experiment where none is named."""
    level: Annotated[float, Range(0.001, 0.2)] = 0.01
    """Share of curves without a jump in which one is seen."""
    draws: Annotated[int, Range(199, 9999, "orders")] = 999
    """Random orders of the changes."""


def jump(curve: np.ndarray, draws: int, rng: np.random.Generator) -> tuple[float, int, int]:
    """The steepest rise or fall of a curve [windows]: its p value, the window that it begins in, and its length."""
    change = np.diff(curve)
    change = change - change.mean()
    n, lengths = change.size, [2**k for k in range(max(1, change.size // 2).bit_length())]

    def sums(orders: np.ndarray) -> list[np.ndarray]:
        added = np.concatenate([np.zeros((len(orders), 1)), np.cumsum(orders, axis=1)], axis=1)
        return [np.abs(added[:, k:] - added[:, :-k]) / np.sqrt(k * (1 - k / (n + 1))) for k in lengths]

    own = sums(change[None])
    best = max(range(len(lengths)), key=lambda k: own[k].max())
    null = np.max([s.max(axis=1) for s in sums(rng.permuted(np.tile(change, (draws, 1)), axis=1))], axis=0)
    p = (1 + int((null >= own[best].max() - 1e-12).sum())) / (1 + draws)
    return p, int(own[best].argmax()), lengths[best]


def compute(record: Record, settings: Settings) -> dict[str, Any]:
    declared = declaration_of(record)
    measure = (
        measure_named(declared, record, settings.measure) if settings.measure else measures_of(declared, record)[0]
    )
    lines, rng = measure.windows(record), np.random.default_rng(int(record.header["seed"]) % 2**32)
    rows = []
    for replicate, line in enumerate(lines):
        line = line[np.isfinite(line)]
        if line.size < LEAST or np.ptp(line) == 0:
            rows.append({"replicate": replicate, "p": 1.0, "tick": 0, "change": 0.0})
            continue
        p, first, length = jump(line, settings.draws, rng)
        change = float(line[first + length] - line[first])
        rows.append({"replicate": replicate, "p": p, "tick": int(ticks(record)[first]), "change": change})
    return {"measure": measure.label, "unit": measure.unit, "level": settings.level, "rows": rows}


def show(record: Record, values: Mapping[str, Any]) -> Result:
    rows, level = values["rows"], values["level"]
    found = [row for row in rows if row["p"] <= level]
    up = [row for row in found if row["change"] > 0]
    share = wilson_interval(len(up), len(rows))
    sentence = (
        f"{sentence_case(values['measure'])} jumps up in {len(up)} of {len(rows)} replicates [{share.low:.2f}, "
        f"{share.high:.2f}], and down in {len(found) - len(up)}; by chance it would jump in {100 * level:g} %."
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
