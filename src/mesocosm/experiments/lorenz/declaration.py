"""What the Lorenz system is asked: is the attractor where it should be?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from mesocosm.findings.claim import Claim
from mesocosm.protocol.declaration import Declaration, RunConfiguration, Trial
from mesocosm.protocol.measure import Measure
from mesocosm.record.configuration import Range

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

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


ON_THE_ATTRACTOR = 23.55
"""Long-run mean of z at sigma 10, rho 28, beta 8/3."""


def settled(record: Record, _: Mapping[str, Record]) -> np.ndarray:
    """Mean height after the first fifth of the run, the approach to the attractor, less the classical one's.
    [replicates]"""
    import numpy as np

    z = _HEIGHT.windows(record)[:, record.tick // 5 // record.header["every"] :]
    there = np.isfinite(z)
    mean = np.where(there, z, 0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    return np.where(there.any(axis=1), mean - ON_THE_ATTRACTOR, np.nan)


_HEIGHT = Measure("z", "z", "height z")

CLAIMS = (
    Claim(
        "height",
        "mean height z is above the attractor's",
        control="the classical attractor",
        statistic=f"mean of z after the first fifth of the run, less {ON_THE_ATTRACTOR}",
        delta=0.5,
        expects="equivalent",
        value=settled,
    ),
)
"""At the parameters whose long-run mean is known."""


def _claims(c: LorenzConfiguration) -> tuple[Claim, ...]:
    return CLAIMS if (c.sigma, c.rho, c.beta) == (10.0, 28.0, 8 / 3) else ()


DECLARATION = Declaration(
    name="lorenz",
    title="The Lorenz system",
    question="Does the flow stay on its attractor?",
    prediction="the mean of z is 23.55 at sigma 10, rho 28, beta 8/3",
    control="the published long-run mean",
    configuration=LorenzConfiguration,
    measures=(_HEIGHT, Measure("x", "x", "speed of convection x"), Measure("y", "y", "difference of temperature y")),
    claims=CLAIMS,
    under=_claims,
    answers={
        "equivalent": "The flow stays on its attractor",
        "supported": "The flow stays above its attractor",
        "refuted": "The flow stays below its attractor",
    },
    seen="The point is the state, x to the right and z upward; the line is its way.",
    presets={"default": {}, "quick": {"ticks": 2000}, "paper": {"replicates": 256}},
    noun="trajectories",
    trial=Trial({"": {"every": 10, "frames_every": 1}}, interventions=("30:rho=10.0",)),
)
