"""How related neighbours are: by genes that nobody reads, and by pedigree (W. D. Hamilton 1970; A. Grafen 1985)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from mesocosm.findings.claim import show_interval
from mesocosm.findings.intervals import mean_interval
from mesocosm.findings.outcomes import plain_lists
from mesocosm.instruments.relatedness import Relatedness, relatedness
from mesocosm.protocol.catalogue import Analysis, Result, arrays, births
from mesocosm.protocol.story import Table
from mesocosm.record import Record
from mesocosm.record.configuration import Range

HOW = tuple(Relatedness.__dataclass_fields__)


@dataclass(frozen=True)
class Settings:
    """Who is near."""

    radius: Annotated[float, Range(0, 1e6, "cells")] = 0.0
    """Who is at most so far away is near; 0: who shares a cell, and so can meet."""


def compute(record: Record, settings: Settings) -> dict[str, Any]:
    worlds = relatedness(record, settings.radius or None)
    return {
        "radius": settings.radius,
        **{how: plain_lists(np.array([getattr(world, how) for world in worlds])) for how in HOW},
    }


def show(record: Record, values: Mapping[str, Any]) -> Result:
    r = {how: np.array(values[how], float) for how in HOW}
    who = f"within {values['radius']:g} cells" if values["radius"] else "who share a cell"
    row = (who, *(_mean(r[how]) for how in ("genes", "pedigree")), _mean(r["genes"] - r["pedigree"]))
    columns = ("bodies", "by genes", "by pedigree", "genes - pedigree: exchange")
    table = Table("Relatedness of neighbours, means over worlds with 95 % intervals", columns, [row])
    sentence = f"Bodies {who} are related by {row[1]} (genes) and {row[2]} (pedigree): 0 as strangers, 1 as copies."
    return Result(sentence, values, figures=(table,))


def _mean(values: np.ndarray) -> str:
    there = values[np.isfinite(values)]
    if there.size < 2:
        return f"{there[0]:.2f}" if there.size else "no pair"
    found = mean_interval(there)
    return show_interval(float(found.estimate), float(found.low), float(found.high))


ANALYSIS = Analysis(
    "relatedness",
    "how related neighbours are, by genes that nobody reads and by pedigree",
    compute,
    show,
    Settings,
    needs=(births, arrays("state.world.bodies.id", "state.genomes")),
)
