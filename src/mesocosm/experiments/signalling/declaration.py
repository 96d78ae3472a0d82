"""What `signalling` is asked, predicts and compares with; all that can be set. No jax.

After B. Agüera y Arcas, "Social intelligence" (NeurIPS 2019): bacteria that can emit a chemical and sense it. To emit
burns energy, so one would expect it to vanish, yet almost every restart is said to keep it. Once genes are shared the
colony is a super-organism.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

from mesocosm.ecology.columns import COLUMNS
from mesocosm.ecology.configuration import ABOUT, SEEN, EcologyConfiguration
from mesocosm.experiments.chemotaxis.declaration import CLAIMS as OF_FOOD
from mesocosm.experiments.chemotaxis.declaration import COLONY, SMALL_WORLD
from mesocosm.findings.claim import Claim
from mesocosm.protocol.declaration import Declaration, Trial
from mesocosm.protocol.measure import Measure, Statistic
from mesocosm.record.configuration import Range
from mesocosm.worlds.petri.parameters import PetriParameters

if TYPE_CHECKING:
    pass


def _world() -> PetriParameters:
    """Large crumbs fall into a patch, two a tick, and melt into food that nobody can sense. A body notices a crumb that
    falls into its own cell, for a moment, and nothing else: over time and distance only a signal can tell of the patch.
    """
    return PetriParameters(
        side=32,
        founders=128,
        ceiling=1024,
        founding_energy=2000,
        division_energy=2400,
        metabolism=16,
        bite=128,
        drops=2,
        drop_food=1280,
        drop_odour=64,
        drop_spread=1024,
        jump_probability=1 / 600,
        food_diffusion=64,
        food_decay=1024,
        odour_diffusion=0,
        odour_decay=65535,
        odour_levels=(1, 32767, 32767),
        senses=("odour", "signal"),
        signal=True,
        signal_levels=(4, 32, 128),
        signal_decay=32768,
        emission_cost=8,
        emission_quanta=256,
    )


@dataclass(frozen=True)
class SignallingConfiguration(EcologyConfiguration):
    """Bacteria on a torus that can pay for a signal."""

    replicates: Annotated[int, Range(1, 1 << 20, "replicates", "size")] = 128
    """Independently founded worlds; the threshold of the deaf needs a hundred."""
    ticks: Annotated[int, Range(1, 2**31 - 1, "ticks")] = 4000
    """Length of the run, a multiple of `every`."""
    every: Annotated[int, Range(1, 2**31 - 1, "ticks", "switch")] = 500
    """Ticks in a window: each window is a row of the metrics."""
    deaf: bool = False
    """Whether bodies read, in place of their own signal, that of one body drawn anew in every tick: the control."""
    world: PetriParameters = field(default_factory=_world)
    knock_outs: bool = True
    """Whether the declared assays are among them; without them only emission is spoken of, in the claims too."""

    blind: bool = False
    """Whether the same worlds follow once more with bodies that sense nothing, and the founders in the garden: `found`
    and `colony` are claimed then. The blind have the loci of one stimulus, where those that sense have 16 or more."""

    def contradictions(self):
        yield from super().contradictions()
        if self.world.senses and not {"odour", "signal"} <= set(self.world.senses):
            yield f"world.senses = {self.world.senses}: must have odour (who is in food?) and signal"
        if not self.world.senses and self.knock_outs:
            yield "world.senses = []: who senses nothing tells nothing; give senses back, or set knock_outs = false"
        if self.blind and not self.knock_outs:
            yield "blind = true: is asked in the gardens of the evolved too; set knock_outs = true"
        if self.blind and self.heredity.seeded_genome:
            yield "blind = true: the blind have other loci than heredity.seeded_genome; leave one of the two out"


def _results() -> Any:
    return import_module("mesocosm.experiments.signalling.results")


def _measures(configuration: Mapping[str, Any]) -> tuple[Measure, ...]:
    return import_module("mesocosm.experiments.signalling.measures").measures(configuration)


DEAF = "the deaf"
RATE = "emissions per body and tick in the second half of the run"
GARDEN = "in the common garden (frozen clones, fresh worlds, the same for both)"

CLAIMS = (
    Claim(
        "kept",
        "bodies that hear emit more",
        control=DEAF,
        statistic=f"{RATE}, less the same of the deaf world with the same seed",
        delta=0.05,
    ),
    Claim(
        "retained",
        "emission lies above nearly all deaf worlds in at least 90 % of worlds",
        control=DEAF,
        statistic=f"whether {RATE} lie above the 95th percentile of at least 100 deaf worlds of the same cost",
        delta=0.9,
        kind="fraction",
    ),
    Claim(
        "calls",
        "in food, bodies that hear emit more",
        control=DEAF,
        statistic=f"{RATE}, of bodies that sense food, less the same of the deaf world with the same seed",
        delta=0.05,
    ),
    Claim(
        "tells",
        "the evolved emit more in food than elsewhere",
        control="the shadow genome",
        statistic="P(emit | food) - P(emit | none), rows weighted by visits, evolved less shadow",
        delta=0.1,
    ),
    Claim(
        "intake",
        "the evolved eat more by their signals",
        control="the same bodies, mute",
        statistic=f"ln(intake / intake where no emission adds signal) {GARDEN}",
        delta=1.05,
        kind="ratio",
    ),
    Claim(
        "distance",
        "the evolved are nearer to the food by their signals",
        control="the same bodies, mute",
        statistic=f"mean distance to the nearest source, less the same where no emission adds signal, {GARDEN}",
        delta=0.5,
        direction=-1,
        unit="cells",
    ),
    Claim(
        "survival",
        "more of the evolved survive jumps of the source by their signals",
        control="the same bodies, mute",
        statistic="share alive at the end of the survival assay (the source jumps every 100 ticks in the mean), less "
        "the same where emission is free and adds no signal",
        delta=0.02,
    ),
    Claim(
        "private",
        "among mutes, who hear them, emitters lose",
        control="the same bodies, mute",
        statistic="change of ln((a + 1/2) / (b + 1/2)) per 100 ticks, emitters a against mutes b that hear them, in "
        "one world, mean of both assignments of marks",
        delta=0.01,
        direction=-1,
        unit="per 100 ticks",
    ),
)

FOUND = Statistic("found", "pooled", run="garden-intact", against="garden-founders", ratio=True)
FOLLOWS = (*(replace(c, value=FOUND) for c in OF_FOOD if c.name == "found"), COLONY)
"""Asked where the blind follow: as of `chemotaxis`."""
LEAST = 100
"""Deaf worlds from which the threshold of `retained` is taken at least."""
OF_ASSAYS = ("intake", "distance", "survival", "private")
"""Claims that only the knock-outs can answer."""


def _claims(configuration: SignallingConfiguration) -> tuple[Claim, ...]:
    """What is claimed of a run: without knock-outs nothing that only they answer; too few worlds for a threshold say
    so beforehand."""
    asked = CLAIMS if configuration.knock_outs else tuple(claim for claim in CLAIMS if claim.name not in OF_ASSAYS)
    why = f" (no value: its threshold takes {LEAST} deaf worlds, and {configuration.replicates} are started)"
    if configuration.replicates >= LEAST:
        why = f" (no value where fewer than {LEAST} deaf worlds live to the end)"
    own = tuple(replace(c, sentence=c.sentence + why) if c.name == "retained" else c for c in asked)
    return (*own, *FOLLOWS) if configuration.blind else own


DECLARATION = Declaration(
    name="signalling",
    title="A costly signal",
    question="Do bacteria keep a signal that costs energy, and what is it for?",
    prediction="more is emitted than by the deaf, above all in food; without it less is eaten; who emits pays for "
    "others",
    control="the deaf: the same worlds, in which bodies emit and pay but all read the signal of one body drawn anew in "
    "every tick; the shadow genome; the same bodies made mute",
    configuration=SignallingConfiguration,
    columns=COLUMNS,
    measures=_measures,
    answers={
        "supported": "The signal is kept",
        "refuted": "The signal is given up: the deaf emit more",
        "equivalent": "The signal is not kept: those who hear emit as the deaf do",
        "undecided": "Whether the signal is kept is undecided",
    },
    seen=f"{SEEN} The ring is the source; orange light is food, green odour, violet the signal "
    "that a body can pay for.",
    about=ABOUT,
    claims=CLAIMS,
    presets={
        "default": {},
        "quick": {"replicates": 16},
        "paper": {"replicates": 200, "ticks": 16000},
    },
    arms={"deaf": {"deaf": True, "log_births_and_deaths": False}},
    results=_results,
    under=_claims,
    noun="worlds",
    trial=Trial(
        {"": {"world": SMALL_WORLD, "mind": {"policy": "argmax"}, "log_exchanges": True, "frames_every": 4}},
        interventions=("30:world.emission_cost=60",),
    ),
)
