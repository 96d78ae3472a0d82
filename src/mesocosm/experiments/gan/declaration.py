"""What `gan` is asked: which way of learning lets an artist find all modes of the truth, and keep them? No jax.

After B. Agüera y Arcas, "Social intelligence" (NeurIPS 2019): a generative adversarial net is an ecology of two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mesocosm.findings.claim import Claim
from mesocosm.protocol.declaration import Declaration, RunConfiguration, Trial
from mesocosm.protocol.measure import Measure
from mesocosm.record.configuration import Range

if TYPE_CHECKING:
    import numpy as np

    from mesocosm.record import Record

TARGETS = {"ring": 8, "grid": 16}
"""How many Gaussians each truth is made of."""
LEARNER, CONTROL = "sga", "simultaneous"
CONTROL_STEP = 0.1
"""The best of 0.03, 0.1 and 0.3 for simultaneous descent on the ring (benchmarks/gan.py, 4 pairs of seed 1)."""


@dataclass(frozen=True)
class GanConfiguration(RunConfiguration):
    """An artist and a critic on a mixture of Gaussians in the plane."""

    replicates: Annotated[int, Range(1, 1 << 20, "replicates", "size")] = 14
    ticks: Annotated[int, Range(1, 2**31 - 1, "ticks")] = 2000
    every: Annotated[int, Range(1, 2**31 - 1, "ticks", "switch")] = 50
    target: Literal["ring", "grid"] = "ring"
    """The truth: 8 Gaussians on a circle of radius 2, or 16 on a square of width 4."""
    learner: str = LEARNER
    """How both learn, as in `game`: simultaneous or alternating, optimistic, extragradient, consensus(weight=1) or
    sga(weight=1), rmsprop or adam, joined by +."""
    step: Annotated[float, Range(1e-6, 10)] = 0.3
    """How far both go in a step; 0.001 ... 0.01 for those that rmsprop or adam scale."""
    r1: Annotated[float, Range(0, 1000)] = 0.0
    """Weight of the penalty on the critic's slope at the truth (R1); 0 is none."""
    zero_sum: bool = False
    """Whether the artist loses what the critic gains; else it minimises -log of being taken for true."""
    deviation: Annotated[float, Range(1e-4, 10)] = 0.1
    """Standard deviation of each Gaussian."""
    latent: Annotated[int, Range(1, 1024, "numbers", "size")] = 4
    """Numbers of noise of which a point is made."""
    hidden: Annotated[tuple[int, ...], Range(1, 4096, "neurons", "size")] = (32, 32)
    """Neurons in each hidden level of either net."""
    batch: Annotated[int, Range(1, 1 << 16, "points", "size")] = 64
    """True and made points in a step."""
    looked_at: Annotated[int, Range(16, 1 << 16, "points", "size")] = 512
    """Points by which an artist is judged, always of the same noise."""
    keep_every: Annotated[int, Range(0, 2**31 - 1, "ticks", "switch")] = 250
    """Ticks between the players that are kept, who meet each other later (`rematch`); 0 keeps none."""
    frames_every: Annotated[int, Range(0, 2**20, "ticks")] = 10

    def contradictions(self):
        yield from super().contradictions()
        if not self.hidden:
            yield "hidden = (): name one level at least, as (32, 32)"


def _measures(configuration: Mapping[str, Any]) -> tuple[Measure, ...]:
    n = TARGETS[configuration["target"]]
    return (
        Measure("held", "held", "modes that the artist holds", "", 0, n),
        Measure("near", "near", "share of its points near a mode", "", 0, 1),
        Measure("value", "value", "what the critic earns (0: a coin would do as well)"),
        Measure("idle", lambda c: c["idle"] / c["ticks"], "share of ticks in which one stood while the other moved"),
    )


def _statistic(name: str) -> Any:
    def value(record: Record, runs: Mapping[str, Record]) -> np.ndarray:
        return import_module("mesocosm.experiments.gan.results").statistics(record, runs)[name]

    return value


CLAIMS = (
    Claim(
        "covered",
        "the artist covers more of the truth",
        control="artists of simultaneous descent",
        statistic="sum over modes of the share of its points there, no more than the mode has in truth; mean of the "
        "last quarter, less that of the same seed under the control",
        delta=0.1,
        value=_statistic("covered"),
    ),
    Claim(
        "all",
        "at least 80 % of artists keep all modes",
        control="the number of modes",
        statistic="whether all modes are held in every window of the last quarter",
        delta=0.8,
        kind="fraction",
        replicates=40,
        value=_statistic("all"),
    ),
)


def _claims(configuration: Any) -> tuple[Claim, ...]:
    """Something is claimed of adjustment on the ring alone: there both it and its control have their own best step."""
    return CLAIMS if (configuration.learner, configuration.target) == (LEARNER, "ring") else ()


def _results() -> Any:
    return import_module("mesocosm.experiments.gan.results")


SMALL: dict[str, Any] = {
    **{"hidden": [4], "latent": 2, "batch": 8, "looked_at": 16, "keep_every": 0, "frames_every": 0},
    "learner": CONTROL,
}

DECLARATION = Declaration(
    name="gan",
    title="An artist and a critic",
    question="Does a way of learning keep the modes that simultaneous descent loses?",
    prediction="by symplectic gradient adjustment artists cover more of the truth, and four of five keep all modes",
    control="the same nets and seeds under simultaneous descent, with the step that is its best on the ring",
    configuration=GanConfiguration,
    columns={
        "idle": "ticks of the window in which one stood while the other moved",
        "mode_*": "share of the artist's points that lie near this mode",
        "players.z": "all numbers of both nets",
    },
    measures=_measures,
    claims=CLAIMS,
    under=_claims,
    arms={CONTROL: {"learner": CONTROL, "step": CONTROL_STEP}},
    answers={
        "supported": "It keeps what simultaneous descent loses",
        "refuted": "It keeps less than simultaneous descent",
        "equivalent": "It keeps as much as simultaneous descent",
        "undecided": "Whether it keeps more than simultaneous descent is undecided",
    },
    seen="Rings are the modes of the truth, dots what the artist makes of noise, colours what the critic says: "
    "made, or true. The curve is the share of dots near each mode.",
    about="Two small nets. The artist makes points out of noise, the critic says which are true; they go down no loss "
    "together. Rings are the modes of the truth, dots what the artist makes, colours what the critic says.",
    results=_results,
    analyses=("modes",),
    presets={
        "default": {},
        "quick": {"replicates": 7, "ticks": 1000, "every": 25},
        "paper": {"replicates": 40, "ticks": 4000, "every": 100},
        "grid": {"target": "grid", "ticks": 4000, "every": 100},
    },
    noun="pairs",
    trial=Trial({"": SMALL}, interventions=("30:step=0.01",)),
)
