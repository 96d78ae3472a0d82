"""Evolutionary activity of alleles against that of their shadows (M. A. Bedau and N. H. Packard 1992)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from mesocosm.findings.claim import Finding
from mesocosm.instruments.activity import SAMPLES, activity
from mesocosm.protocol.blocks import against_shadow
from mesocosm.protocol.catalogue import Analysis, Result, births
from mesocosm.record import Record
from mesocosm.record.configuration import Range


@dataclass(frozen=True)
class Settings:
    """When the living are looked at."""

    samples: Annotated[int, Range(1, 1000, "times")] = SAMPLES
    """How often, evenly spaced up to the end."""


def compute(record: Record, settings: Settings) -> dict[str, Any]:
    found = activity(record, settings.samples)
    return {**found.to_dict(), "finding": found.finding().to_dict()}


def show(record: Record, values: Mapping[str, Any]) -> Result:
    figure = against_shadow(
        record,
        "Cumulative activity of an allele",
        "activity, ticks of everybody",
        np.array(values["ticks"]),
        np.array(values["mean"], float),
    )
    return Result(values["sentence"], values, (Finding.from_dict(values["finding"]),), (figure,))


ANALYSIS = Analysis(
    "activity", "whether new alleles persist longer than by chance", compute, show, Settings, needs=(births,)
)
