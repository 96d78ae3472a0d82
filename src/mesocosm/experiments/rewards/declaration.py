"""What `rewards` is asked, predicts and compares with; all that can be set. No jax.

After B. Agüera y Arcas, "Social intelligence" (NeurIPS 2019): let the genome be a reward, and the individual act on
what follows from its own. Over many restarts death and signalling are said to turn out bad, mating, survival and food
good, while the rewards that win are all over the map.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Annotated, Any

from mesocosm.ecology.columns import COLUMNS
from mesocosm.ecology.configuration import SEEN, EcologyConfiguration
from mesocosm.experiments.chemotaxis.declaration import SMALL_WORLD
from mesocosm.findings.claim import Claim
from mesocosm.heredity.parameters import HeredityParameters
from mesocosm.minds.parameters import WEIGHTS, RewardParameters
from mesocosm.protocol.declaration import Declaration, Trial
from mesocosm.protocol.measure import Measure
from mesocosm.record.configuration import Range
from mesocosm.worlds.petri.parameters import PetriParameters

ABOUT = (
    "A world is a dish of bacteria that smell, feel how hungry they are, run or tumble, and can emit a costly signal. "
    "The genome does not say what to do. It says what is good: a weight each for death, signalling, mating, "
    "survival and food, of either sign. Each body makes the plan that earns it the most by its own weights, or learns "
    "by trial. Nobody scores it: who gathers energy divides, who runs out of it dies. Each body also carries shadow "
    "genes: copied, mutated and swapped like its own, but never used. What sets the two apart is selection."
)


def _world() -> PetriParameters:
    """Lives are short, so that a run holds many generations and hunger can be felt coming."""
    return PetriParameters(
        side=64,
        founders=256,
        ceiling=1024,
        n_sources=2,
        founding_energy=1500,
        division_energy=1600,
        metabolism=12,
        bite=128,
        drops=8,
        drop_food=192,
        drop_odour=64,
        drop_spread=1024,
        jump_probability=1 / 300,
        senses=("odour", "trend", "energy"),
        signal=True,
        emission_cost=6,
    )


@dataclass(frozen=True)
class RewardsConfiguration(EcologyConfiguration):
    """Bacteria whose genes are rewards."""

    replicates: Annotated[int, Range(1, 1 << 20, "replicates", "size")] = 16
    """Independently founded worlds."""
    ticks: Annotated[int, Range(1, 2**31 - 1, "ticks")] = 2000
    """Length of the run, a multiple of `every`."""
    every: Annotated[int, Range(1, 2**31 - 1, "ticks", "switch")] = 200
    """Ticks in a window: each window is a row of the metrics."""
    world: PetriParameters = field(default_factory=_world)
    mind: RewardParameters = field(default_factory=RewardParameters)  # pyright: ignore[reportIncompatibleVariableOverride]
    heredity: HeredityParameters = field(default_factory=lambda: HeredityParameters(exchange_probability=0.1))
    monoculture: bool = False
    """Whether all founders of a world have one random reward map, the same: can one live by it?"""
    lives: Annotated[int, Range(0, 1 << 20, "bodies")] = 0
    """Of every so many-th body each tick is logged, what it saw and did; 0: of none."""

    def contradictions(self) -> Iterator[str]:
        yield from super().contradictions()
        w, m = self.world, self.mind
        if not w.signal:
            yield "world.signal = false: signalling is one of the rewards; set it"
        if w.n_stimuli * w.n_acts > 1024:
            yield f"world.senses = {w.senses}: make {w.n_stimuli} stimuli; must be {1024 // w.n_acts} at most"
        elif 2 * m.half_life * w.ceiling + m.prior >= 2**23:
            yield (
                f"2 * mind.half_life * world.ceiling + mind.prior = {2 * m.half_life * w.ceiling + m.prior}: must be "
                "below 2^23, or tallies would overflow; lower one of them"
            )


def _results() -> Any:
    return import_module("mesocosm.experiments.rewards.results")


def _measures(configuration: Mapping[str, Any]) -> tuple[Measure, ...]:
    return import_module("mesocosm.experiments.rewards.measures").measures(configuration)


SIGNS = {"death": -1, "signalling": -1, "mating": 1, "survival": 1, "food": 1}
"""What the talk reports of rewards that won."""
NEEDED = {f"needs-{name}": f"no-{name}" for name in WEIGHTS}
"""Arms in which a weight counts as zero, by the claim that asks for it."""
SHADOW = "the shadow genes"

CLAIMS = (
    *(
        Claim(
            name,
            f"the reward of {name} becomes {'positive' if sign > 0 else 'negative'}",
            control=SHADOW,
            statistic=f"mean weight of {name} of the living at the end, evolved less shadow",
            delta=10,
            direction=sign,
            unit="of 128",
        )
        for name, sign in SIGNS.items()
    ),
    Claim(
        "alive",
        "it becomes a reward to stay alive, however that is shared between survival and death",
        control=SHADOW,
        statistic="mean of survival - (1 - discount) death of the living at the end, evolved less shadow",
        delta=10,
        unit="of 128",
    ),
    Claim(
        "spread",
        "the rewards of worlds differ as widely as by drift",
        control=SHADOW,
        statistic="squared deviation from the mean of all worlds over the shadows' variance, evolved less shadow, mean "
        "of signalling, mating, alive and food",
        delta=0.5,
        expects="equivalent",
    ),
    Claim(
        "viable",
        "at most half of random reward maps can live alone",
        control="the arm monoculture",
        statistic="whether a world lives at the end whose founders all have one random reward map, without mutation",
        delta=0.5,
        direction=-1,
        kind="fraction",
    ),
    Claim(
        "model",
        "food is rewarded less where bodies cannot feel whether the odour rises",
        control="the arm no-trend",
        statistic="mean weight of food of the living at the end, less the same in the world with the same seed without "
        "that sense",
        delta=10,
        unit="of 128",
    ),
    *(
        Claim(
            claim,
            f"fewer live where {arm.removeprefix('no-')} is no reward",
            control=f"the arm {arm}",
            statistic="mean population in the second half of the run (0 where a world has died out), less the same of "
            "the arm",
            delta=10,
            unit="bodies",
        )
        for claim, arm in NEEDED.items()
    ),
)


def _claims(configuration: RewardsConfiguration) -> tuple[Claim, ...]:
    """Who learns in its own life never learns from death, and is asked for no model of the world."""
    if configuration.mind.kind == "planner":
        return CLAIMS
    never = replace(
        CLAIMS[0],
        sentence="the reward of death drifts, since nobody outlives it",
        expects="equivalent",
    )
    return never, *(claim for claim in CLAIMS[1:] if claim.name not in ("alive", "model"))


_LIFETIME = {"mind": {"kind": "lifetime", "exploration": 0.1}, "world": {"senses": ("odour", "energy")}}
_SMALL = {**SMALL_WORLD, "n_sources": 1, "senses": ["odour", "energy"]}

DECLARATION = Declaration(
    name="rewards",
    title="Evolution writes the reward",
    question="If genes say what is good instead of what to do, which rewards does evolution write?",
    prediction="death and signalling become bad, mating, survival and food good; worlds differ as widely as by drift",
    control="the shadow genes: inherited, mutated and swapped alike, never read",
    configuration=RewardsConfiguration,
    columns={
        **COLUMNS,
        "emitted": "signals emitted in the window",
        **{f"{weight}_*": f"gene for the reward of {weight}, summed over the living" for weight in WEIGHTS},
    },
    measures=_measures,
    asks_first="food",
    answers={
        "supported": "Evolution came to reward food",
        "refuted": "Evolution came to punish food",
        "equivalent": "Evolution came to no reward for food",
        "undecided": "Whether evolution comes to reward food is undecided",
    },
    seen=f"{SEEN} The ring is the source, orange light is its food, green its odour.",
    about=ABOUT,
    claims=CLAIMS,
    presets={
        "default": {},
        "quick": {"replicates": 8, "ticks": 600},
        "lifetime": _LIFETIME,
        "softmax": {"mind": {"policy": "softmax"}},
        "paper": {"replicates": 200, "log_births_and_deaths": False},
        "paper-lifetime": {"replicates": 200, "log_births_and_deaths": False, **_LIFETIME},
    },
    arms={
        **{arm: {"mind": {"without": (arm.removeprefix("no-"),)}} for arm in NEEDED.values()},
        "monoculture": {"monoculture": True, "heredity": {"mutation_probability": 0.0}},
        "no-trend": {"world": {"senses": ("odour", "energy")}},
    },
    results=_results,
    under=_claims,
    noun="worlds",
    trial=Trial(
        {
            "": {"world": _SMALL, "mind": {"thinks_every": 8}, "frames_every": 4},
        },
        interventions=("30:world.metabolism=40",),
    ),
)

__all__ = ["CLAIMS", "DECLARATION", "SIGNS", "WEIGHTS", "RewardsConfiguration"]
