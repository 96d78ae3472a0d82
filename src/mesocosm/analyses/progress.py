"""Progress without a score: the present of a run plays its past. How much of it is order, how much a chase?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from mesocosm.ecology.assay.progress import SNAPSHOTS, progress
from mesocosm.findings.claim import Finding
from mesocosm.protocol.blocks import who_beats_whom
from mesocosm.protocol.catalogue import Analysis, Result, arrays, births
from mesocosm.record import Record
from mesocosm.record.configuration import Range


@dataclass(frozen=True)
class Settings:
    """Who plays whom, for how long."""

    snapshots: Annotated[int, Range(2, 64, "snapshots")] = SNAPSHOTS
    """How many, evenly spaced from the founders to the end; all pairs meet."""
    horizon: Annotated[int, Range(0, 2**20, "ticks")] = 0
    """Length of a match; 0: twice what reserves last in the world of the run, so that it contains death."""
    strand: Literal["evolved", "shadow"] = "evolved"
    """Which genome is expressed; the shadow's is what chance alone would do."""


def compute(record: Record, settings: Settings) -> dict[str, Any]:
    return progress(record, settings.snapshots, settings.strand, settings.horizon).to_dict()


def show(record: Record, values: Mapping[str, Any]) -> Result:
    alt = f"Scores of each snapshot (row) against each other one (column), means over worlds. {values['sentence']}"
    figure = who_beats_whom(values, alt, row="snapshot", column="opponent")
    findings = tuple(map(Finding.from_dict, values["findings"]))
    return Result(values["sentence"], values, findings, (figure,))


ANALYSIS = Analysis(
    "progress",
    "whether the present beats the past, or they only chase each other",
    compute,
    show,
    Settings,
    needs=(births, arrays("state.world.bodies.id", "state.genomes")),
)
