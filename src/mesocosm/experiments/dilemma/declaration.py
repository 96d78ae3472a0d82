"""What `dilemma` is asked: three arms of the repeated prisoner's dilemma among minds of `mirror`.

Predicted elsewhere (M. Weis et al., arXiv 2602.16301, of agents that learn by gradients): who infers its partner in
context cooperates if it grew up in a mixed pool, and defects without diversity or when told who the partner is. The
scripts are those of R. Axelrod (1984) and of M. Nowak and K. Sigmund (Nature 355, 1992; 364, 1993).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Annotated, Any

from mesocosm.experiments.mirror.declaration import DECLARATION as MIRROR
from mesocosm.experiments.mirror.declaration import SMALL, MirrorConfiguration, measures_of
from mesocosm.findings.claim import Claim
from mesocosm.protocol.declaration import Trial
from mesocosm.protocol.measure import Measure, Statistic
from mesocosm.record.configuration import Range
from mesocosm.worlds.mirror.parameters import MirrorParameters


def _world() -> MirrorParameters:
    """Mutual defection just feeds its bodies; half of all meetings are with a script."""
    return MirrorParameters(
        game="dilemma", stake=2, foresight=True, memory=32, cost=1, ration=0, metabolism=24, visitors=0.5
    )


@dataclass(frozen=True)
class DilemmaConfiguration(MirrorConfiguration):
    """Bodies that play the dilemma with neighbours and with scripts; their minds infer who they face."""

    replicates: Annotated[int, Range(1, 1 << 20, "replicates", "size")] = 20
    """Independently founded worlds."""
    ticks: Annotated[int, Range(1, 2**31 - 1, "ticks")] = 1500
    """Length of the run, a multiple of `every`."""
    world: MirrorParameters = field(default_factory=_world)


def _measures(configuration: Mapping[str, Any]) -> tuple[Measure, ...]:
    kept = [m for m in measures_of(configuration) if m.name not in ("ones", "deepest")]
    between = Measure(
        "cooperation",
        lambda c: c["plays"] - c["ones"],
        "share of what minds do to minds that is cooperation",
        low=0,
        high=1,
        per="plays",
    )
    foresight = [replace(m, in_table=True) for m in kept if m.name == "foresight"]
    expects = Measure(
        "echo",
        "prior",
        "how far it expects the other to do as oneself; 3 is neutral",
        "of 6",
        0,
        6,
        control="shadow_prior",
        control_words="shadow genes",
        per="population",
    )
    return (between, *foresight, expects, *(m for m in kept if m.name != "foresight"))


ARMS = {
    "uniform": {"world": {"visitors": 0.0}},
    "told": {"world": {"remembers": "kind"}},
    "everyone": {"world": {"remembers": "everyone"}},
    "fed": {"world": {"visitors": 0.0, "ration": 24}},
    "fed_mixed": {"world": {"ration": 24}},
}
"""`told` is held against `everyone`: both keep their tables for life, and only `told` has one for each kind of partner.
`fed_mixed` against `fed`: both have a ration, and only `fed_mixed` has visitors."""


def _claim(name: str, sentence: str, control: str, run: str, against: str | float, words: str) -> Claim:
    return Claim(
        name,
        sentence,
        control=control,
        statistic=f"share of what minds do to minds that is cooperation, second half of the run{words}",
        delta=0.1,
        value=Statistic("cooperation", over="late", run=run, against=against),
    )


CLAIMS = (
    _claim("mixed", "a mixed pool makes minds cooperate", "a pool of minds alone", "", "uniform", ", less `uniform`"),
    _claim(
        "untold",
        "who is not told its partner cooperates more",
        "minds that are told",
        "everyone",
        "told",
        " of the arm `everyone`, less `told`",
    ),
    _claim(
        "alone",
        "minds among themselves come to cooperate",
        "cooperating in half of the rounds",
        "uniform",
        0.5,
        " of the arm `uniform`, less 1/2",
    ),
    _claim(
        "hungry",
        "they do so where they cannot live without it",
        "minds alone whose living is paid",
        "uniform",
        "fed",
        " of the arm `uniform`, less `fed`",
    ),
    _claim(
        "diverse",
        "a mixed pool makes fed minds cooperate",
        "fed minds alone",
        "fed_mixed",
        "fed",
        " of the arm `fed_mixed`, less `fed`",
    ),
    Claim(
        "foresight",
        "the gene that weighs the other's answer spreads among minds alone",
        control="the shadow gene",
        statistic="share of bodies with it, second half of the arm `uniform`, less the same of the shadow",
        delta=0.1,
        value=Statistic("foresight", over="late", run="uniform", against="control"),
    ),
)


def _results() -> Any:
    return import_module("mesocosm.experiments.dilemma.results")


DECLARATION = replace(
    MIRROR,
    name="dilemma",
    title="Minds that infer their partner in a dilemma",
    question="Among whom do minds that infer their partner come to cooperate?",
    prediction="in a mixed pool of minds and scripts, more than among minds alone, and than where they are told who it "
    "is",
    control="the same worlds without scripts, the same fed, fed with scripts; one memory of all partners against one "
    "for each kind that is told; the shadow genes",
    configuration=DilemmaConfiguration,
    measures=_measures,
    claims=CLAIMS,
    asks_first="diverse",  # the fair comparison: visitors bring food, so both sides are fed
    answers={
        "supported": "A mixed pool makes fed minds cooperate",
        "refuted": "A mixed pool makes fed minds defect",
        "equivalent": "A mixed pool makes no difference to fed minds",
        "undecided": "Whether a mixed pool makes fed minds cooperate is undecided",
    },
    arms=ARMS,
    results=_results,
    presets={
        "default": {},
        "quick": {"replicates": 8, "ticks": 1000},
        "paper": {"replicates": 48, "ticks": 4000},
    },
    about="The bodies of mirror play the prisoner's dilemma, sixteen rounds at a touch. In half of all touches a "
    "body meets a visitor instead of its neighbour, who plays tit for tat, a generous one, win-stay lose-shift, grim, "
    "always defect or always cooperate. A gene lets a mind weigh how the other answers; another one holds what it "
    "expects before it has seen anything, from the opposite of what it does itself to the same.",
    trial=Trial({"": {"every": 10, "world": {**SMALL, "metabolism": 6}}}, law_of="mirror"),
)
