"""What the bilinear game is asked: does the radius of play grow as theory says?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from mesocosm.findings.claim import Claim
from mesocosm.protocol.declaration import Declaration, RunConfiguration, Trial
from mesocosm.protocol.measure import Columns, Measure
from mesocosm.record.configuration import Range

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from mesocosm.record import Record


@dataclass(frozen=True)
class BilinearConfiguration(RunConfiguration):
    """Two players, one number each; one wants the product small, the other large."""

    ticks: Annotated[int, Range(1, 2**31 - 1, "ticks")] = 1000
    every: Annotated[int, Range(1, 2**31 - 1, "ticks", "switch")] = 10
    rate: Annotated[int, Range(1, 128, "1/256")] = 16
    """Step of both players, eta = rate / 256."""
    play: Literal["alternating", "simultaneous"] = "alternating"
    """Whether the second player answers the first's new move or its old one."""


def growth(record: Record, _: Mapping[str, Record]) -> np.ndarray:
    """The factor by which the radius grew a tick, less what theory says. [replicates], NaN where play stands still."""
    import numpy as np

    c = record.header["configuration"]
    expected = 1.0 if c["play"] == "alternating" else np.sqrt(1 + (c["rate"] / 256) ** 2)
    radius = _RADIUS.windows(record)
    out = np.full(record.replicates, np.nan)
    for r, mine in enumerate(radius):
        there = np.flatnonzero(mine > 0)
        if there.size >= 2:
            out[r] = np.exp(np.polyfit((there + 1) * record.header["every"], np.log(mine[there]), 1)[0])
    return out - expected


def _radius(columns: Columns) -> np.ndarray:
    import numpy as np

    return np.hypot(np.asarray(columns["x"], float), np.asarray(columns["y"], float))


_RADIUS = Measure("radius", _radius, "radius of play", low=0)

DECLARATION = Declaration(
    name="bilinear",
    title="A bilinear game of two players",
    question="Does play circle or run away, as theory says?",
    prediction="alternating play circles (growth 1), simultaneous play grows by sqrt(1 + eta^2) a tick",
    control="the exact spectral radius of the game's linear map",
    configuration=BilinearConfiguration,
    columns={
        "x": "where the first player stands, in 1/256",
        "y": "where the second player stands, in 1/256",
    },
    measures=(_RADIUS,),
    claims=(
        Claim(
            "growth",
            "growth of the radius a tick is above theory's",
            control="the spectral radius of the game's linear map",
            statistic="the factor by which the radius grows a tick, on the mean, less the spectral radius",
            delta=5e-4,
            expects="equivalent",
            value=growth,
        ),
    ),
    answers={
        "equivalent": "Play does as theory says",
        "supported": "Play runs away faster than theory says",
        "refuted": "Play grows less than theory says",
    },
    seen="The point is the pair of players, the choice of the first to the right and of the second upward; the "
    "line is its way.",
    presets={"default": {}, "quick": {"ticks": 200}, "paper": {"replicates": 256}},
    noun="games",
    trial=Trial(
        {
            "": {"every": 10, "frames_every": 3},
            "simultaneous": {"every": 10, "play": "simultaneous", "rate": 100},
        },
        interventions=("30:rate=2",),
    ),
)
