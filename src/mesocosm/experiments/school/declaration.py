"""What `school` is asked, predicts and compares with; all that can be set. No jax.

That learning in life can lead evolution, and that evolution takes over what it can: J. M. Baldwin, "A new factor in
evolution" (1896); G. Hinton and S. Nowlan, "How learning can guide evolution" (1987); that a reward can be inherited
too: D. Ackley and M. Littman, "Interactions between learning and evolution" (1991). A rule as a way of behaving, and
genomes that write it: B. Agüera y Arcas, "Social intelligence" (NeurIPS 2019).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Annotated, Any, Literal

from mesocosm.ecology.columns import COLUMNS
from mesocosm.ecology.configuration import EcologyConfiguration
from mesocosm.experiments.school.taste import senses_of
from mesocosm.findings.claim import Claim
from mesocosm.minds.pupil.parameters import RULE, PupilParameters
from mesocosm.minds.pupil.words import Wiring
from mesocosm.protocol.declaration import Declaration, Trial
from mesocosm.protocol.measure import Measure, Statistic
from mesocosm.record.configuration import Range
from mesocosm.worlds.petri.parameters import PetriParameters

ABOUT = (
    "A world is a dish in which food rains in mouthfuls, lies where it fell and rots. A body smells, tastes what lies "
    "under it, and runs on or tumbles and stays. Half of all bodies are born with crossed wires, so that they run when "
    "they would stay: no gene knows. The genome writes a net of 8-8-2 neurons as it is at birth, how its synapses "
    "change in life, and what it likes. Nobody scores it: who gathers energy divides, who runs out of it dies. Each "
    "body also carries shadow genes: copied and mutated like its own, but never used."
)


def _world() -> PetriParameters:
    """Food rains all over the dish, eight bites a drop; two fifths of it rot before somebody finds it."""
    return PetriParameters(
        side=64,
        founders=256,
        ceiling=1024,
        founding_energy=2000,
        division_energy=2400,
        metabolism=8,
        bite=64,
        drops=32,
        drop_food=512,
        drop_odour=64,
        drop_spread=32767,
        food_diffusion=0,
        food_decay=8192,
        odour_decay=4096,
        senses=("odour", "touch"),
    )


Founders = Literal["blank", "random", "rivals", "young", "beside"]
BY_HAND = ("rivals", "young", "beside")
"""Founders that are nets written by hand: they take a neuron for each input."""


@dataclass(frozen=True)
class SchoolConfiguration(EcologyConfiguration):
    """Bacteria with nets that learn by what they feel, born with straight or with crossed wires."""

    replicates: Annotated[int, Range(1, 1 << 20, "replicates", "size")] = 10
    """Independently founded worlds."""
    ticks: Annotated[int, Range(1, 2**31 - 1, "ticks")] = 1200
    """Length of the run, a multiple of `every`."""
    every: Annotated[int, Range(1, 2**31 - 1, "ticks", "switch")] = 200
    """Ticks in a window: each window is a row of the metrics."""
    world: PetriParameters = field(default_factory=_world)
    mind: PupilParameters = field(default_factory=PupilParameters)  # pyright: ignore[reportIncompatibleVariableOverride]
    founders: Founders = "blank"
    """Founders: `blank`, whose acts are coins, with random rules and feelings; `random`, with random instincts too;
    `rivals`, learners written by hand (odd) among an instinct that is right for straight wires (even); `young`
    learners; young learners (odd) `beside` old ones who know already."""
    accidents: Annotated[float, Range(0, 1, "per tick")] = 1 / 256
    """Probability that a body dies by accident, at any age."""

    def contradictions(self) -> Iterator[str]:
        yield from super().contradictions()
        inputs = Wiring.of(senses_of(self.world.senses)).n_inputs
        if self.founders in BY_HAND and self.mind.hidden < inputs:
            yield (
                f"mind.hidden = {self.mind.hidden}: founders = {self.founders!r} are written by hand and take a neuron "
                f"for each of {inputs} inputs; raise it"
            )
        if self.founders in ("rivals", "beside") and self.world.founders < 2:
            n = self.world.founders
            yield f"world.founders = {n}: founders = {self.founders!r} are of two kinds; set 2 or more"


def _results() -> Any:
    return import_module("mesocosm.experiments.school.results")


def _measures(configuration: Mapping[str, Any]) -> tuple[Measure, ...]:
    return import_module("mesocosm.experiments.school.measures").measures(configuration)


SHADOW = "the shadow genes"
GARDEN = "late in a garden (frozen genomes, newborn bodies, nobody pays or dies)"


def _intake(name: str, words: str, garden: str, against: str, statistic: str, control: str, **more: Any) -> Claim:
    value = Statistic("intake", "late", run=f"garden-{garden}", against=f"garden-{against}", ratio=True)
    return Claim(
        name,
        words,
        control=control,
        statistic=f"ln({statistic}), food per body and tick {GARDEN}",
        delta=1.05,
        kind="ratio",
        value=value,
        **more,
    )


CLAIMS = (
    Claim(
        "rule",
        "selection writes a rule that learns",
        control=SHADOW,
        statistic="mean rate of learning of the living at the end, evolved less shadow",
        delta=5,
        unit="of 127",
        value=Statistic("actor", against="control"),
    ),
    Claim(
        "feeling",
        "and, at once, that food is liked",
        control=SHADOW,
        statistic="mean gene of liking food of the living at the end, evolved less shadow",
        delta=10,
        unit="of 127",
        value=Statistic("food", against="control"),
    ),
    _intake(
        "learns",
        "the evolved eat more by what they learn in life",
        "free",
        "born",
        "learning / as born",
        "the same bodies, as born",
    ),
    _intake(
        "keeps",
        "the evolved who stop learning at half time eat more than as born",
        "kept",
        "born",
        "stopped / as born",
        "the same bodies, as born",
    ),
    _intake(
        "goes-on",
        "who stops learning at half time eats as much as who goes on",
        "free",
        "kept",
        "learning / stopped",
        "the same bodies, who stopped",
        expects="equivalent",
    ),
    _intake(
        "instinct",
        "evolved bodies as born eat as little as founders: no instinct is right for both kinds of wires",
        "born",
        "founders",
        "evolved / founders, both as born",
        "the founders, as born",
        expects="equivalent",
    ),
    Claim(
        "carries",
        "colonies that learn are larger than those of instinct alone",
        control="the arm unlearned, in which nobody ever learns and only instinct evolves",
        statistic="ln(population / that of the world with the same seed), second half of the run",
        delta=1.05,
        kind="ratio",
        value=Statistic("population", "late", against="unlearned", ratio=True),
    ),
    Claim(
        "invades",
        "learners gain on an instinct that is right for straight wires",
        control="their share at the founding, one half",
        statistic="share of the descendants of learners at the end of the arm rivals (no mutation), less one half",
        delta=0.05,
        value=Statistic("share", run="rivals", against=0.5),
    ),
    Claim(
        "costs",
        "where wires are straight, learners lose to that instinct",
        control="their share at the founding, one half",
        statistic="the same of the arm rivals-straight",
        delta=0.05,
        direction=-1,
        value=Statistic("share", run="rivals-straight", against=0.5),
    ),
    Claim(
        "assimilated",
        "where wires are straight, instinct takes over what is learnt",
        control="the same seed with crossed wires",
        statistic="P(tumble | a bite) - P(tumble | nothing) as born, late, arm straight less run",
        delta=0.05,
        value=Statistic("instinct", "late", run="straight", against=""),
    ),
    Claim(
        "lost",
        "the rate of learning is higher where wires are crossed than where they are straight",
        control="the arm straight",
        statistic="mean rate of learning at the end, run less arm straight",
        delta=5,
        unit="of 127",
        value=Statistic("actor", against="straight"),
    ),
    Claim(
        "beside",
        "the young eat more beside the old",
        control="the arm young, in which all are young",
        statistic="ln(food eaten by the young in their first 200 ticks / the same among the young)",
        delta=1.05,
        kind="ratio",
        value=Statistic("young", run="beside", against="young", ratio=True),
    ),
)

_STILL = {"mutation_probability": 0.0, "exchange_probability": 0.0}
_RIVALS = {"founders": "rivals", "heredity": _STILL}
_NURSERY = {
    "ticks": 200,
    "every": 200,
    "heredity": _STILL,
    "accidents": 0.0,
    "world": {"metabolism": 0, "division_energy": 1 << 15},
}
"""Nobody is born, pays or dies, and all that is eaten is kept."""

DECLARATION = Declaration(
    name="school",
    title="Instinct or learning",
    question="Where no gene can know how a body is wired, does selection write a rule that learns, and a feeling?",
    prediction="rates of learning and the liking of food rise above the shadow genes; learners eat more than they do "
    "as born, and gain on an instinct that is right for straight wires, but only where wires are crossed; the young "
    "eat more beside the old",
    control="the shadow genes; the same bodies as they were born; a world in which nobody learns; an instinct; "
    "straight wires",
    configuration=SchoolConfiguration,
    columns={
        **COLUMNS,
        "accidents": "energy lost by accidents, in quanta",
        "marked_energy": "energy of the living of odd lineage at the end of the window, in quanta",
        **{f"{gene}_*": f"gene `{gene}`, summed over the living; of rates what is above 0" for gene in RULE},
    },
    measures=_measures,
    answers={
        "supported": "Selection writes a rule that learns",
        "refuted": "Selection writes learning out",
        "equivalent": "Rates of learning drift like the shadow genes",
        "undecided": "Whether selection writes a rule that learns is undecided",
    },
    about=ABOUT,
    claims=CLAIMS,
    presets={
        "default": {},
        "quick": {"replicates": 10, "ticks": 600},
        "instincts": {"founders": "random"},
        "paper": {"replicates": 24, "ticks": 5000, "every": 500, "log_births_and_deaths": False},
    },
    arms={
        "straight": {"mind": {"crossed": 0.0}},
        "unlearned": {"mind": {"learns_until": 0}},
        "rivals": _RIVALS,
        "rivals-straight": {**_RIVALS, "mind": {"crossed": 0.0}},
        "young": {**_NURSERY, "founders": "young"},
        "beside": {**_NURSERY, "founders": "beside"},
    },
    results=_results,
    noun="worlds",
    trial=Trial(
        {
            "": {
                "world": {
                    **dict(side=16, founders=30, ceiling=220, division_energy=600, founding_energy=500, drops=4),
                    "drop_food": 256,
                },
                "accidents": 0.02,
                "heredity": {"exchange_probability": 0.3},
                "mind": {"crossed_senses": 0.5},
                "frames_every": 4,
            }
        },
        interventions=("30:mind.learns_until=5", "30:accidents=0.2"),
    ),
)

__all__ = ["CLAIMS", "DECLARATION", "SchoolConfiguration"]
