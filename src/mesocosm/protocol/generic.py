"""The story of a run that claims nothing: its measures over time. NumPy, no jax."""

from __future__ import annotations

import numpy as np

from mesocosm.protocol.declaration import Declaration
from mesocosm.protocol.story import Axis, Section, Story, Table, Trajectories
from mesocosm.record import Record

_MOST = 12
"""Measures that are drawn."""


def tell(record: Record, declared: Declaration) -> Story:
    """Its summary, and every measure over time in every replicate."""
    summary = declared.summarise(record)
    table = Table("At the end", summary.columns, summary.rows, summary.total)
    alive = sum(s.status == "alive" for s in record.statuses)
    chips = [
        (declared.noun, str(record.replicates)),
        ("alive", str(alive)),
        ("ticks", f"{record.tick:,}"),
        ("time to run", f"{record.seconds:,.1f} s"),
    ]
    sections = [
        Section(
            "Measures over time",
            f"Each thin line is one of the {declared.noun}; the bold line is the median.",
            _lines(record, declared.noun),
        )
    ]
    sections.append(Section(f"All {declared.noun}", "", [table]))
    return Story(f"{summary.sentence} (Exploratory: nothing was claimed before.)", chips, None, sections, summary.notes)


def _lines(record: Record, noun: str) -> list[Trajectories]:
    metrics, every = record.metrics, int(record.header["every"])
    windows = max(1, record.tick // every)
    figures = []
    for name in [m for m in metrics if m not in ("replicate", "tick")][:_MOST]:
        lines = np.full((record.replicates, windows), np.nan)
        lines[metrics["replicate"].astype(int), metrics["tick"].astype(int) // every - 1] = metrics[name]
        last = lines[:, -1][np.isfinite(lines[:, -1])]
        said = f"median at the end {np.median(last):.4g}" if last.size else "no value at the end"
        x = np.arange(1, windows + 1) * every
        figures.append(Trajectories(name, f"{name} over time; {said}.", Axis("tick"), Axis(name), x, lines, label=noun))
    return figures
