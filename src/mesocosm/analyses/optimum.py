"""How far a run is from the best genotype that direct search finds, in the common garden or against the evolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mesocosm.ecology.assay.optimum import (
    TUMBLING,
    By,
    Effort,
    Optimum,
    optimum,
)
from mesocosm.protocol.catalogue import Analysis, Result, arrays
from mesocosm.protocol.story import Axis, Curve, Curves
from mesocosm.record import Record


@dataclass(frozen=True)
class Settings(Effort):
    """What is maximised, and how hard one looks."""

    by: By = "garden"
    """garden: intake where all are alike; invasion: the gain on the evolved; colony: how many live where all are."""


def compute(record: Record, settings: Settings) -> dict[str, Any]:
    return optimum(record, **asdict(settings)).to_dict()


def show(record: Record, values: Mapping[str, Any]) -> Result:
    found = Optimum.from_dict(dict(values))
    figure = Curves(
        title="The best by direct search",
        alt=found.sentence(),
        categories=found.stimuli,
        x_axis=Axis("stimulus" if found.of == TUMBLING else "event"),
        y_axis=Axis(found.of, low=0, high=1) if found.of == TUMBLING else Axis("weight", "of 128", -128, 127),
        curves=[Curve("the best", np.array(found.chances))],
    )
    return Result(found.sentence(), values, found.findings, (figure,))


ANALYSIS = Analysis(
    "optimum",
    "how far the evolved are from the best that direct search finds",
    compute,
    show,
    Settings,
    needs=(arrays("state.world.bodies.id", "state.genomes"),),
)
