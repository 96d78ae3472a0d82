"""Diversity of genotypes and alleles over time, evolved and shadow; descent at the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from mesocosm.instruments.diversity import SAMPLES, diversity
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
    return diversity(record, settings.samples).to_dict()


def show(record: Record, values: Mapping[str, Any]) -> Result:
    figure = against_shadow(
        record,
        "Heterozygosity",
        "probability that two bodies differ at a locus",
        np.array(values["ticks"]),
        np.array(values["heterozygosity"], float),
    )
    return Result(values["sentence"], values, figures=(figure,))


ANALYSIS = Analysis(
    "diversity", "genotypes, alleles and heterozygosity over time; how far back ancestors lie", compute, show, Settings,
    needs=(births,),
)  # fmt: skip
