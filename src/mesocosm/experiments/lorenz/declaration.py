"""What the Lorenz system is asked: is the attractor where it should be?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from mesocosm.protocol.declaration import Declaration, RunConfiguration, Summary, Trial
from mesocosm.record.configuration import Range

if TYPE_CHECKING:
    from mesocosm.record import Record


@dataclass(frozen=True)
class LorenzConfiguration(RunConfiguration):
    """Three coupled equations of convection."""

    ticks: Annotated[int, Range(1, 2**31 - 1, "ticks")] = 10000
    every: Annotated[int, Range(1, 2**31 - 1, "ticks", "switch")] = 50
    sigma: Annotated[float, Range(0, 100)] = 10.0
    """Prandtl number."""
    rho: Annotated[float, Range(0, 200)] = 28.0
    """Rayleigh number, relative."""
    beta: Annotated[float, Range(0, 100)] = 8 / 3
    """Geometry of the convection cells."""
    step: Annotated[float, Range(1e-6, 1)] = 0.01
    """Time in a tick."""


def _summarise(record: Record) -> Summary:
    import numpy as np

    metrics = record.metrics
    settled = metrics["tick"] > record.tick // 5  # leaves the approach to the attractor out
    rows = []
    for s in record.statuses:
        z = metrics["z"][settled & (metrics["replicate"] == s.replicate)]
        rows.append((s.replicate, s.status, s.tick, float(z.mean()) if z.size else None))
    means = np.array([row[3] for row in rows if row[3] is not None])
    mean = float(means.mean()) if means.size else None
    seen = f"{mean:.2f}" if mean is not None else "not measurable"
    stays = sum(s.status == "alive" for s in record.statuses)
    sentence = (
        f"{stays} of {record.replicates} trajectories stay bounded; their mean height z is {seen} (23.55 on the "
        "classical attractor)."
    )
    return Summary(sentence, ("replicate", "status", "ticks", "mean z"), rows, [("mean", "", "", mean)])


def _height(row: dict[str, Any]) -> float:
    import numpy as np

    return float(np.median(row["z"]))


DECLARATION = Declaration(
    name="lorenz",
    title="The Lorenz system",
    question="Does the flow stay on its attractor?",
    prediction="the mean of z is 23.55 at sigma 10, rho 28, beta 8/3",
    control="the published long-run mean",
    configuration=LorenzConfiguration,
    summarise=_summarise,
    measure=("median z", _height),
    presets={"default": {}, "quick": {"ticks": 2000}},
    noun="trajectories",
    trial=Trial({"": {"every": 10, "frames_every": 1}}, interventions=("30:rho=10.0",)),
)
