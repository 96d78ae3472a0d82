"""What the bilinear game is asked: does the radius of play grow as theory says?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mesocosm.protocol.declaration import Declaration, RunConfiguration, Summary, Trial
from mesocosm.record.configuration import Range

if TYPE_CHECKING:
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


def growth(record: Record) -> dict[int, float]:
    """The factor by which each replicate's radius grew per tick, on the mean over its windows."""
    import numpy as np

    metrics = record.metrics
    out = {}
    for r in range(record.replicates):
        mine = metrics["replicate"] == r
        radius = np.hypot(metrics["x"][mine].astype(float), metrics["y"][mine].astype(float))
        if radius.size >= 2 and radius.min() > 0:
            slope = np.polyfit(metrics["tick"][mine], np.log(radius), 1)[0]
            out[r] = float(np.exp(slope))
    return out


def _summarise(record: Record) -> Summary:
    import numpy as np

    c = record.header["configuration"]
    expected = 1.0 if c["play"] == "alternating" else float(np.sqrt(1 + (c["rate"] / 256) ** 2))
    factors = growth(record)
    statuses = record.statuses
    rows = [(s.replicate, s.status, s.tick, factors.get(s.replicate)) for s in statuses]
    values = np.array(list(factors.values()))
    mean = float(values.mean()) if values.size else None
    theory = f"theory says {expected:.5f} ({c['play']} play)."
    if mean is None:
        sentence = f"What becomes of play is not measurable; {theory}"
    else:
        course = "circles" if abs(mean - 1) < 1e-4 else "runs away" if mean > 1 else "converges"
        sentence = f"Play {course}: its radius grows by a factor of {mean:.5f} a tick; {theory}"
    return Summary(
        sentence,
        ("replicate", "status", "ticks", "growth per tick"),
        rows,
        [("mean", "", "", mean)],
    )


def _radius(row: dict[str, Any]) -> float:
    import numpy as np

    return float(np.median(np.hypot(row["x"].astype(float), row["y"].astype(float))))


DECLARATION = Declaration(
    name="bilinear",
    title="A bilinear game of two players",
    question="Does play converge, circle or run away?",
    prediction="alternating play circles (growth 1), simultaneous play grows by sqrt(1 + eta^2) a tick",
    control="the exact spectral radius of the game's linear map",
    configuration=BilinearConfiguration,
    summarise=_summarise,
    measure=("radius", _radius),
    presets={"default": {}, "quick": {"ticks": 200}},
    noun="games",
    trial=Trial(
        {
            "": {"every": 10, "frames_every": 3},
            "simultaneous": {"every": 10, "play": "simultaneous", "rate": 100},
        },
        interventions=("30:rate=2",),
    ),
)
