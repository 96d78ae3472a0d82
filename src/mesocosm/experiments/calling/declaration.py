"""What `calling` is asked, predicts and compares with; all that can be set. No jax.

After B. Agüera y Arcas, "Social intelligence" (NeurIPS 2019), whose costly signal `signalling` did not find kept. Here
half of the food rots uneaten, food is noticed only where it falls, and a signal lasts: there is something to be told.
What "the signal is kept" mixes is asked apart: is it honest, answered, kept once it is there, invented from random
genomes, and does the colony live by it? An honest signal *lowers* total emission, so that the total is never claimed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mesocosm.ecology.columns import COLUMNS
from mesocosm.ecology.configuration import ABOUT, SEEN, EcologyConfiguration
from mesocosm.experiments.chemotaxis.declaration import SMALL_WORLD
from mesocosm.findings.claim import Claim
from mesocosm.protocol.declaration import Declaration, Trial
from mesocosm.protocol.measure import Measure, Statistic
from mesocosm.record.configuration import Range
from mesocosm.worlds.petri.parameters import PetriParameters

if TYPE_CHECKING:
    import numpy as np

    from mesocosm.record import Record


def _world() -> PetriParameters:
    """Six crumbs a tick fall into a patch that jumps, and half of what they hold rots before it is eaten."""
    return PetriParameters(
        side=64,
        founders=256,
        ceiling=1024,
        founding_energy=2400,
        division_energy=3000,
        metabolism=4,
        bite=64,
        drops=6,
        drop_food=400,
        drop_odour=64,
        drop_spread=1024,
        jump_probability=1 / 300,
        food_diffusion=64,
        food_decay=8192,
        odour_diffusion=0,
        odour_decay=65535,
        odour_levels=(1, 32767, 32767),
        senses=("odour", "signal"),
        signal=True,
        signal_levels=(8, 16, 48),
        signal_decay=4096,
        signal_diffusion=64,
        emission_cost=4,
        emission_quanta=16,
    )


INVENTED_WORLD: dict[str, Any] = {
    **dict(founders=512, founding_energy=1200, division_energy=1600, n_sources=4, drops=4, drop_food=300),
    **dict(emission_cost=8, signal_levels=(16, 48, 160)),
}
"""What differs in the world in which random founders sometimes invent it: four patches, smaller reserves."""


@dataclass(frozen=True)
class CallingConfiguration(EcologyConfiguration):
    """Bacteria on a torus that can pay for a signal, founded as callers or at random."""

    replicates: Annotated[int, Range(1, 1 << 20, "replicates", "size")] = 12
    """Independently founded worlds."""
    ticks: Annotated[int, Range(1, 2**31 - 1, "ticks")] = 1200
    """Length of the run, a multiple of `every`."""
    every: Annotated[int, Range(1, 2**31 - 1, "ticks", "switch")] = 200
    """Ticks in a window: each window is a row of the metrics."""
    world: PetriParameters = field(default_factory=_world)
    callers: Annotated[float, Range(0, 1, "of founders", "size")] = 1.0
    """Share of the founders that call and stay in food, and elsewhere stay where they hear a call; the others have
    random genomes."""
    ears: Literal["all", "deaf", "noise", "own", "others"] = "all"
    """Whose signal is heard: all of it; that of one body drawn anew in every tick (deaf); a level drawn evenly, for
    free (noise); only what one emitted oneself (own), only what others did (others), each up to an eighth."""
    mute: bool = False
    """Whether an emission costs nothing and adds no signal: nobody can call. (A world that pays for what it emits, and
    in which nobody hears it: world.emission_quanta = 0.)"""
    hears_trend: bool = False
    """Whether bodies also sense that the signal fades or grows from tick to tick."""
    reticence: Annotated[int, Range(0, 255, "units of a gene", "switch")] = 0
    """By how much the preference for each act that emits is lowered, so that random genomes are silent."""
    exchange: Literal["swap", "copy", "none"] = "swap"
    """What two bodies that meet do with their genes, at the rate of `heredity.exchange_probability`: swap them; the
    first copies genes of the other and gives none (copy); nothing, whatever the rate (none)."""
    knock_outs: bool = True
    """Whether gardens and contests of the evolved are among the declared assays; without them what they answer is not
    claimed."""

    def contradictions(self) -> Iterator[str]:
        yield from super().contradictions()
        if "odour" not in self.world.senses:
            yield f"world.senses = {self.world.senses}: must have odour (who is in food?)"
        if not self.world.signal:
            yield "world.signal = false: nothing can be called; set it to true, or mute = true for a control"
        if "signal" not in self.world.senses and not self.hears_trend:
            yield f"world.senses = {self.world.senses}: must have signal, unless hears_trend = true"
        if self.callers and (self.heredity.seeded_share or self.heredity.seeded_genome):
            yield f"callers = {self.callers}: founders are callers; set it to 0 to seed a genome of your own"
        if 0 < self.callers * self.world.founders < 0.5:
            yield f"callers = {self.callers}: is no body of {self.world.founders} founders; set 0, or more"


def _results() -> Any:
    return import_module("mesocosm.experiments.calling.results")


def _measures(configuration: Mapping[str, Any]) -> tuple[Measure, ...]:
    return import_module("mesocosm.experiments.calling.measures").measures(configuration)


@dataclass(frozen=True)
class _OfColonies:
    """A statistic of `colonies` against the runs that it `reads`, computed when it is asked for."""

    name: str
    reads: tuple[str, ...]

    def __call__(self, record: Record, runs: Mapping[str, Record]) -> np.ndarray:
        return getattr(import_module("mesocosm.experiments.calling.colonies"), self.name)(record, runs, *self.reads)


LATE = "genomes in the second half of the run, stimuli weighted by visits"
HONEST = f"P(emit | food) - P(emit | none) of {LATE}"
ANSWER = f"P(tumble | signal) - P(tumble | none) away from food (by trend: fades less grows) of {LATE}"
SIZE = "ln((n + 1/2) / (m + 1/2)) of the bodies alive at the end, extinct worlds counted as 0"
SELECTED = "change of ln((a + 1/2) / (b + 1/2)) per 100 ticks in one world, frozen genomes"
SHADOW, DEAF, NOISE = "the shadow genome", "the deaf", "free noise"

KEPT = Claim(
    "kept",
    "the evolved call more in food",
    control=SHADOW,
    statistic=f"P(emit | food) of {LATE}, evolved less shadow; founders call, and so do their shadows",
    delta=0.1,
    value=Statistic("calls", "late", against="control"),
)
INVENTED = replace(
    KEPT,
    name="invented",
    control=DEAF,
    statistic=f"P(emit | food) of {LATE}, less the same of the deaf world with the same seed; founders are random",
    value=Statistic("calls", "late", against="deaf"),
)
_AGAINST = {
    "": (SHADOW, "control", "evolved less shadow"),
    "-deaf": (DEAF, "deaf", "less the same of the deaf world with the same seed"),
    "-noise": (NOISE, "noise", "less the same of the world with the same seed in which levels are drawn evenly"),
}
"""By the end of a claim's name: its control, where that is measured, and how the statistic says it."""


def _behaviour(name: str, measure: str, words: str, statistic: str, ends: tuple[str, ...]) -> Iterator[Claim]:
    """One statement against several controls."""
    for end in ends:
        control, against, less = _AGAINST[end]
        value = Statistic(measure, "late", against=against)
        yield Claim(f"{name}{end}", words, control=control, statistic=f"{statistic}, {less}", delta=0.1, value=value)


def _contest(name: str, words: str, shares: str) -> Claim:
    return Claim(
        name,
        words,
        control="the same bodies, mute",
        statistic=f"{SELECTED}, callers a against mutes b that hear them, {shares}",
        delta=0.01,
        unit="per 100 ticks",
        value=_OfColonies("selected", (name,)),
    )


def _intake(name: str, garden: str, control: str, statistic: str) -> Claim:
    return Claim(
        name,
        "the evolved eat more by their calls",
        control=control,
        statistic=statistic,
        delta=1.05,
        kind="ratio",
        value=Statistic("intake", "pooled", run="garden-intact", against=garden, ratio=True),
    )


SOUGHT = (
    *_behaviour("honest", "honest", "the evolved call more in food than elsewhere", HONEST, ("", "-deaf", "-noise")),
    *_behaviour("answered", "answer", "the evolved stay more where a call is heard", ANSWER, ("", "-deaf")),
    *(
        Claim(
            f"carries-{arm}" if arm != "deaf" else "carries",
            "colonies that hear are larger",
            control=words,
            statistic=f"{SIZE}, against the world with the same seed"
            + {"mute": ", which pays for no call", "unheard": ", which pays alike"}.get(arm, ""),
            delta=1.25,
            kind="ratio",
            value=_OfColonies("size", (arm,)),
        )
        for arm, words in (
            ("deaf", DEAF),
            ("mute", "the mute"),
            ("unheard", "those who pay and are not heard"),
            ("noise", NOISE),
        )
    ),
    Claim(
        "survives",
        "more colonies that hear are alive at the end",
        control=DEAF,
        statistic="1 where it lives, 0 where not, less the same of the deaf world with the same seed",
        delta=0.05,
        value=_OfColonies("lives", ("deaf",)),
    ),
)
OF_ASSAYS = (
    _intake(
        "intake",
        "garden-mute",
        "the same bodies, mute",
        "ln(intake / intake where no emission adds signal) in the common garden (frozen, fresh worlds)",
    ),
    _intake(
        "intake-noise",
        "garden-noise",
        "the same bodies, with free noise",
        "ln(intake / intake where levels are drawn evenly: input that varies may pay by itself), as above",
    ),
    _contest("rare-callers", "one caller in ten gains among mutes", "1:9"),
    _contest("rare-mutes", "nine callers in ten gain on one mute", "9:1"),
)
CLAIMS = (KEPT, *SOUGHT, *OF_ASSAYS)


def _claims(configuration: CallingConfiguration) -> tuple[Claim, ...]:
    """Of worlds founded by callers: is it kept? Of random founders: is it invented? Of mixtures it is exploratory."""
    first = INVENTED if not configuration.callers else replace(KEPT, declared=configuration.callers == 1)
    return (first, *SOUGHT, *(OF_ASSAYS if configuration.knock_outs else ()))


FOUNDED_BY_CALLERS = {"replicates": 96, "ticks": 40000, "every": 1000, "log_births_and_deaths": False}
RANDOM_FOUNDERS = {
    **{"replicates": 48, "ticks": 12000, "every": 1000, "log_births_and_deaths": False, "callers": 0.0},
    **{"world": INVENTED_WORLD, "mind": {"policy": "argmax"}, "heredity": {"mutation_probability": 0.003}},
}

DECLARATION = Declaration(
    name="calling",
    title="Calling in food",
    question="Is a costly call honest, answered and kept, and does the colony live by it?",
    prediction="callers go on calling in food and nowhere else, others stay where they hear it, and colonies that hear "
    "are larger than those that do not",
    control="the shadow genome; the same worlds deaf, or with free noise, which differ in what is heard alone; those "
    "who pay for calls that nobody hears; and the mute, who do not even pay",
    configuration=CallingConfiguration,
    columns={**COLUMNS, "signal_trend": "whether the signal fades or grows"},
    measures=_measures,
    answers={
        "supported": "Colonies of callers are larger where they hear than where they are deaf",
        "refuted": "Colonies of callers are smaller where they hear than where they are deaf",
        "equivalent": "Colonies of callers are as large where they hear as where they are deaf",
        "undecided": "Whether a colony lives by its calls is undecided",
    },
    asks_first="carries",
    seen=f"{SEEN} The ring is where food falls, orange light is food, violet the call that a body can pay for.",
    about=ABOUT,
    claims=CLAIMS,
    presets={
        "default": {},
        "quick": {"replicates": 10, "ticks": 600},
        "paper": FOUNDED_BY_CALLERS,
        "invented": RANDOM_FOUNDERS,
    },
    arms={
        "deaf": {"ears": "deaf", "log_births_and_deaths": False},
        "noise": {"ears": "noise", "log_births_and_deaths": False},
        "mute": {"mute": True, "log_births_and_deaths": False},
        "unheard": {"world": {"emission_quanta": 0}, "log_births_and_deaths": False},
    },
    results=_results,
    under=_claims,
    noun="worlds",
    trial=Trial(
        {
            "": {
                "world": {**SMALL_WORLD, "emission_cost": 2, "senses": ["odour"]},
                "ears": "noise",
                "hears_trend": True,
                "exchange": "copy",
                "reticence": 16,
                "callers": 0.5,
                "heredity": {"exchange_probability": 0.3},
                "frames_every": 4,
            }
        },
        interventions=("30:world.emission_cost=60",),
    ),
)
