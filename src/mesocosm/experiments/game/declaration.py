"""What `game` is asked: does learning rest, circle, settle on a cycle, run away, or is it chaotic? No jax.

After B. Agüera y Arcas, "Social intelligence" (NeurIPS 2019): where several learners each go down a loss of their own,
the field that they follow together has vorticity, limit cycles and chaos, and no loss that anybody minimises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any

from mesocosm.findings.claim import Claim
from mesocosm.protocol.declaration import Declaration, RunConfiguration, Trial
from mesocosm.protocol.measure import Columns, Measure, Statistic
from mesocosm.record.configuration import Range

CHAOTIC = "rps(tie=0.5)"
LEAST_TIME = 200.0
"""Units of time that a run must have for anything to be claimed of it."""


@dataclass(frozen=True)
class GameConfiguration(RunConfiguration):
    """A game, and how its players learn."""

    ticks: Annotated[int, Range(1, 2**31 - 1, "ticks")] = 10000
    every: Annotated[int, Range(1, 2**31 - 1, "ticks", "switch")] = 10
    game: str = CHAOTIC
    """bilinear, coordination(better=2), dirac-gan(r1=0), hopf, lotka-volterra(growth=1.1, caught=0.4, gained=0.1,
    hunger=0.4), pennies(stake=1), potential(pull=0.5) or rps(tie=0, gift=0); parameters in brackets."""
    learner: str = "replicator"
    """How the players learn: simultaneous or alternating, optimistic, extragradient, consensus(weight=1),
    sga(weight=1) or hedge, rmsprop or adam, joined by + (sga+rmsprop); or without steps: flow, replicator,
    boltzmann(temperature=1)."""
    step: Annotated[float, Range(1e-6, 10)] = 0.05
    """Time in a tick: how far the players go in a step."""
    spread: Annotated[float, Range(0, 100)] = 2.0
    """Standard deviation of the founding numbers around rest; 0 begins at rest."""
    keep_every: Annotated[int, Range(0, 2**31 - 1, "ticks", "switch")] = 500
    """Ticks between the players that are kept, who meet each other later (`rematch`); 0 keeps none."""
    frames_every: Annotated[int, Range(0, 2**20, "ticks")] = 4


def _in_window(columns: Columns) -> Any:
    return columns["stretch"] / columns["time"]


def _so_far(columns: Columns) -> Any:
    return columns["stretched"] / columns["elapsed"]


MEASURES = (
    Measure("exponent", _so_far, "largest Lyapunov exponent so far", "per unit of time"),
    Measure("parting", _in_window, "how fast neighbouring plays part", "per unit of time", in_table=False),
    Measure("radius", "radius", "distance from rest", low=0),
    Measure("vorticity", "vorticity", "share of the curl in the field", low=0, high=1),
    Measure("idle", lambda c: c["idle"] / c["ticks"], "share of ticks in which one stood while others moved", "", 0, 1),
)

_STATISTIC = "growth of a small difference, carried along by the linearised step, per unit of time, second half"
_PER = "per unit of time"

CLAIMS = (
    Claim(
        "chaos",
        "neighbouring plays part exponentially where ties pay",
        control="play with two acts each",
        statistic=_STATISTIC,
        delta=0.01,
        unit=_PER,
        value=Statistic("parting", "late", against="two-acts"),
    ),
    Claim(
        "ties",
        "neighbouring plays part faster where ties pay",
        control="the same players where ties pay nothing",
        statistic=_STATISTIC,
        delta=0.01,
        unit=_PER,
        value=Statistic("parting", "late", against="untied"),
    ),
    Claim(
        "two-acts",
        "neighbouring plays part exponentially where each has two acts",
        control="an exponent of 0",
        statistic=_STATISTIC,
        delta=0.01,
        unit=_PER,
        expects="equivalent",
        value=Statistic("parting", "late", run="two-acts", against=0.0),
    ),
)
"""The last is a negative control, predicted to be `equivalent` to 0: a flow of two free numbers is never chaotic (I.
Bendixson 1901)."""


def _claims(configuration: Any) -> tuple[Claim, ...]:
    """In shorter runs shear alone (ln 2 in the second half) comes near the smallest effect."""
    is_asked = (configuration.game, configuration.learner) == (CHAOTIC, "replicator")
    return CLAIMS if is_asked and configuration.ticks * configuration.step >= LEAST_TIME else ()


def _results() -> Any:
    return import_module("mesocosm.experiments.game.results")


COLUMNS = {
    "stretch": "how far a small difference was stretched in the window, in natural logarithms",
    "stretched": "the same since the start",
    "time": "time that passed in the window, as the law counts it",
    "elapsed": "the same since the start",
    "idle": "ticks of the window in which one stood while others moved",
    "first_*": "what the first player does: the share of this act, or this number of its own",
    "second_*": "the same of the second player",
    "third_*": "the same of the third player",
    "players.z": "all numbers of all players",
}
"""What the columns of the record say."""


def declared(name: str, **changes: Any) -> Declaration:
    """A declaration of this experiment under a name of its own, some of it changed; nothing is claimed of it."""
    common: dict[str, Any] = {
        "title": "A game of learners",
        "question": "Does learning rest, circle, settle on a cycle, run away, or is it chaotic?",
        "prediction": "none is made",
        "control": "none; `potential` cannot circle, and two players with two acts cannot be chaotic",
        "configuration": GameConfiguration,
        "measures": MEASURES,
        "results": _results,
        "presets": {"default": {}, "quick": {"replicates": 8, "ticks": 2000}},
        "noun": "games",
        "columns": COLUMNS,
        "about": "Two players learn at once, each by what it would gain alone; nobody minimises anything "
        "together. The point is what both do now (the first across, the second up), its way the phase portrait.",
        "trial": Trial(replicates_differ=True, interventions=("30:step=0.1",)),
    }
    return Declaration(**{"name": name, **common, **changes})


PRESETS: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    "quick": {"replicates": 12, "ticks": 4000},
    "paper": {"replicates": 96, "ticks": 40000, "every": 40},
    "circles": {"game": "bilinear", "learner": "alternating", "ticks": 2000, "replicates": 12},
    "runs-away": {"game": "bilinear", "learner": "simultaneous", "ticks": 2000, "replicates": 12},
    "limit-cycle": {"game": "hopf", "learner": "flow", "ticks": 2000, "replicates": 12},
    "cannot-circle": {"game": "potential", "learner": "flow", "ticks": 2000, "replicates": 12},
}

DECLARATION = declared(
    "game",
    title="Games of two learners",
    question="Two players learn rock, paper, scissors: is the course of their learning chaotic?",
    prediction="chaotic where ties pay, more than where they do not, and never where each has two acts",
    control="the same learners and seeds in a game of two acts, and where ties pay nothing",
    claims=CLAIMS,
    under=_claims,
    arms={"untied": {"game": "rps"}, "two-acts": {"game": "pennies"}},
    answers={
        "supported": "Learning is chaotic where ties pay",
        "refuted": "Learning is less chaotic where ties pay",
        "equivalent": "Learning is not chaotic",
        "undecided": "Whether learning is chaotic is undecided",
    },
    seen="The point is the pair of players, the line its way, the ring where neither gains by changing. The "
    "curves are the shares of the acts of the first and of the second; faint: as at first.",
    presets=PRESETS,
    analyses=("vorticity", "cycles"),
    trial=Trial(
        {"": {"game": "bilinear", "learner": "simultaneous", "keep_every": 7, "frames_every": 0}},
        interventions=("30:step=0.1",),
    ),
)
