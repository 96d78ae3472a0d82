"""What `chemotaxis` is asked, predicts and compares with; all that can be set; and what its record says. No jax.

After B. Agüera y Arcas, "Social intelligence" (NeurIPS 2019): bacteria with one bit of output, run or tumble, whose
table from stimulus to behaviour is their genome.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

from mesocosm.ecology.columns import COLUMNS
from mesocosm.ecology.configuration import ABOUT, SEEN, EcologyConfiguration
from mesocosm.findings.claim import Claim
from mesocosm.protocol.declaration import Declaration, Trial
from mesocosm.protocol.measure import Holds, Measure, Statistic
from mesocosm.record.configuration import Range

if TYPE_CHECKING:
    import numpy as np

    from mesocosm.record import Record


@dataclass(frozen=True)
class ChemotaxisConfiguration(EcologyConfiguration):
    """Bacteria on a torus with a source of food that wanders and jumps."""

    ticks: Annotated[int, Range(1, 2**31 - 1, "ticks")] = 4000
    """Length of the run, a multiple of `every`."""
    blind: bool = False
    """Whether the same worlds follow once more with bodies that sense nothing; the claim `colony` is held against
    them. They have the loci of one stimulus, where those that sense have a row for each."""

    def contradictions(self) -> Iterator[str]:
        yield from super().contradictions()
        if self.blind and self.heredity.seeded_genome:
            yield "blind = true: the blind have other loci than heredity.seeded_genome; leave one of the two out"


def _results() -> Any:
    return import_module("mesocosm.experiments.chemotaxis.results")


def _measures(configuration: Mapping[str, Any]) -> tuple[Measure, ...]:
    return import_module("mesocosm.experiments.chemotaxis.measures").measures(configuration)


def _selection(record: Record, runs: Mapping[str, Record]) -> np.ndarray:
    return import_module("mesocosm.ecology.assay.analysis").selection_under_both_marks(runs, "competition-founders")


GARDEN = "in the common garden (frozen clones, fresh worlds, the same for all)"

CLAIMS = (
    Claim(
        "follows",
        "the evolved tumble more in the odour than away from it",
        control="the shadow genome",
        statistic=f"P(tumble | near) - P(tumble | far), rows weighted by visits {GARDEN}, evolved less shadow",
        delta=0.1,
        value=Statistic("effect", "late", run="garden-evolved", against="garden-shadow"),
    ),
    Claim(
        "sign",
        "tumbling rises with the odour in at least 90 % of worlds",
        control="the shadow genome",
        statistic="whether the statistic of `follows` is positive",
        delta=0.9,
        kind="fraction",
        # What 31 of 32 worlds of a pilot (seed 0) ask for: an 80 % chance at 99.2 %, the share of one in six claims.
        replicates=188,
        value=Holds("follows"),
    ),
    Claim(
        "intake",
        "the evolved eat more",
        control="the founders",
        statistic=f"ln(intake of the evolved / intake of the founders) {GARDEN}",
        delta=1.1,
        kind="ratio",
        value=Statistic("intake", "pooled", run="garden-evolved", against="garden-founders", ratio=True),
    ),
    Claim(
        "found",
        "more of the evolved are within eight cells of the food",
        control="the founders",
        statistic=f"ln(share of the evolved / share of the founders) {GARDEN}",
        delta=1.25,
        kind="ratio",
        value=Statistic("found", "pooled", run="garden-evolved", against="garden-founders", ratio=True),
    ),
    Claim(
        "distance",
        "the evolved are nearer to the food",
        control="the founders",
        statistic=f"mean distance to the nearest source, evolved less founders, {GARDEN}",
        delta=2.0,
        direction=-1,
        unit="cells",
        value=Statistic("distance", "pooled", run="garden-evolved", against="garden-founders"),
    ),
    Claim(
        "selection",
        "in one world the evolved displace the founders",
        control="the founders",
        statistic="change of ln((a + 1/2) / (b + 1/2)) per 100 ticks in one world, mean of both assignments of marks",
        delta=0.02,
        unit="per 100 ticks",
        value=_selection,
    ),
)
"""What is claimed of bacteria that follow their food, by whichever sense."""

COLONY = Claim(
    "colony",
    "more of the living colony is within eight cells of the food",
    control="blind colonies: the same worlds and seeds, bodies that sense nothing, with the loci of one stimulus",
    statistic="ln(share / share of the blind), bodies and ticks of the second half of the run",
    delta=1.25,
    kind="ratio",
    value=Statistic("found", "late", against="blind", ratio=True),
)
"""Asked where the blind run follows: bodies are born where food is, so that blind colonies are near it as well."""


def asked_of(sense: str, claims: tuple[Claim, ...]) -> Callable[[EcologyConfiguration], tuple[Claim, ...]]:
    """Claims that were declared of bodies that go by this sense; of others they are exploratory, and reworded."""

    def under(configuration: EcologyConfiguration) -> tuple[Claim, ...]:
        from mesocosm.ecology.analysis import ends, ordered_senses

        senses = ordered_senses(configuration.world.senses)
        asked = (*claims, COLONY) if getattr(configuration, "blind", False) else claims
        if senses[:1] == [sense]:
            return asked
        others = tuple(replace(claim, declared=False) for claim in asked)
        if not senses:  # one stimulus: there is nothing to go by
            return others[2:]
        high, low = ends(senses)
        follows = replace(
            others[0],
            sentence=f"tumbling by {senses[0]}: {high} less {low}",
            statistic=f"P(tumble | {high}) - P(tumble | {low}), rows weighted by visits {GARDEN}, evolved less shadow",
        )
        sign = replace(others[1], sentence=f"tumbling goes with {senses[0]} {high} in at least 90 % of worlds")
        return follows, sign, *others[2:]

    return under


SMALL_WORLD: dict[str, Any] = {
    **dict(side=16, founders=30, ceiling=220, division_energy=600, founding_energy=500),
    **dict(drops=4, drop_food=90, drop_spread=512),
}
"""A world that the suite of rules can run many times: births, deaths and meetings within sixty ticks."""

PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    "quick": {"replicates": 8, "ticks": 2000},
    "paper": {"replicates": 188, "ticks": 6000},
}

DECLARATION = Declaration(
    name="chemotaxis",
    title="Bacteria that follow their food",
    question="Do bacteria that sense only how strong an odour is evolve to follow a moving source of food?",
    prediction="P(tumble) rises with the odour, more than in the shadow genome",
    control="the shadow genome: inherited, mutated and swapped alike, never expressed",
    configuration=ChemotaxisConfiguration,
    columns=COLUMNS,
    measures=_measures,
    answers={
        "supported": "Bacteria came to follow their food",
        "refuted": "Bacteria came to do the opposite of following their food",
        "equivalent": "Bacteria did not come to follow their food",
        "undecided": "Whether bacteria came to follow their food is undecided",
    },
    seen=f"{SEEN} The ring is the source, orange light is its food and green its odour.",
    about=ABOUT,
    claims=CLAIMS,
    presets=PRESETS,
    results=_results,
    analyses=("diversity", "activity"),
    under=asked_of("odour", CLAIMS),
    noun="worlds",
    trial=Trial(
        {"": {"world": SMALL_WORLD, "heredity": {"exchange_probability": 0.3}, "log_exchanges": True}},
        interventions=("30:world.metabolism=40",),
    ),
)
