"""Is it chaotic? The spectrum of Lyapunov exponents of a run, from its end on: any law of floating numbers.

A law that has a time of its own says by `time_in_a_tick` how much of it passes in a tick; else exponents are per tick.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from mesocosm.findings.intervals import show_mean
from mesocosm.findings.outcomes import plain_lists
from mesocosm.protocol.catalogue import Analysis, Result
from mesocosm.protocol.story import Axis, Strips
from mesocosm.record import Record
from mesocosm.record.configuration import Range


def floating(record: Record) -> str:
    """That its law moves floating numbers, and somebody lives who has some."""
    state = record.state
    if not any(values.dtype.kind == "f" for name, values in state.items() if name.startswith("state")):
        return "has a state of whole numbers, in which there are no small differences"
    return "" if state["replicate"].size else "has nobody at its end who could go on"


@dataclass(frozen=True)
class Settings:
    """How far one goes on, with how many differences."""

    ticks: Annotated[int, Range(100, 10**8, "ticks")] = 40000
    """Length of the course; exponents are those of its second half."""
    exponents: Annotated[int, Range(1, 64, "exponents")] = 6
    """The largest so many (or as many as there are numbers)."""
    replicates: Annotated[int, Range(1, 1 << 20, "replicates")] = 8
    """The first so many that live."""
    windows: Annotated[int, Range(4, 10**5, "windows")] = 200
    """Into which the course is cut, to see whether it stays where it is."""


def compute(record: Record, settings: Settings) -> dict[str, Any]:
    from mesocosm.core.flags import pinned
    from mesocosm.instruments.lyapunov import courses, is_chaotic, spectrum
    from mesocosm.instruments.revived import numbers_of, revived

    with pinned():
        run = revived(record)
        step, starts, beside = numbers_of(run)
        k = min(settings.exponents, starts.shape[1])
        windows = min(settings.windows, settings.ticks)
        each = settings.ticks // windows
        unit = getattr(run.experiment, "time_in_a_tick", None)
        time = windows * each * (1.0 if unit is None else float(unit))
        exponents, chaotic = [], []
        for r in range(min(settings.replicates, len(starts))):
            places, grown = (np.asarray(x, float) for x in courses(step, starts[r], beside(r), windows, each, k))
            is_lost = not (np.isfinite(places).all() and np.isfinite(grown).all())
            exponents.append(np.full(k, np.nan) if is_lost else spectrum(grown, time))
            chaotic.append(is_chaotic(places, grown[:, int(np.argmax(grown.sum(axis=0)))]))
    return {
        "replicates": run.replicates[: len(chaotic)].tolist(),
        "exponents": plain_lists(np.array(exponents)),
        "chaotic": chaotic,
        "numbers": int(starts.shape[1]),
        "ticks": windows * each,
        "per": "tick" if unit is None else "unit of time",
    }


def show(record: Record, values: Mapping[str, Any]) -> Result:
    lines = np.array(values["exponents"], float).reshape(len(values["chaotic"]), -1)
    n, n_chaotic = len(values["chaotic"]), sum(values["chaotic"])
    largest = lines[:, 0][np.isfinite(lines[:, 0])]
    if not largest.size:
        return Result("No course stays finite: there are no exponents.", values)
    said = show_mean(largest)
    every = values["numbers"] == lines.shape[1]
    total = f" All of them add up to {np.nanmean(lines.sum(axis=1)):.4f}." if every else ""
    sentence = (
        f"{n_chaotic} of {n} courses are chaotic; the largest exponent is {said} per {values['per']} over "
        f"{values['ticks']:,} ticks.{total}"
    )
    figure = Strips(
        title="Lyapunov exponents",
        alt=sentence,
        conditions=[str(k + 1) for k in range(lines.shape[1])],
        y_axis=Axis("exponent", f"per {values['per']}"),
        values=lines.T,
    )
    return Result(sentence, values, figures=(figure,))


ANALYSIS = Analysis(
    "lyapunov", "whether neighbouring courses part exponentially: the spectrum of Lyapunov exponents", compute, show,
    Settings, needs=(floating,),
)  # fmt: skip
