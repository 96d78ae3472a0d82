"""What `symbiont` is asked, predicts and compares with; all that can be set; and what its record says. No jax.

After B. Agüera y Arcas, "Social intelligence" (NeurIPS 2019): a virus begins virulent and ends in the germ line, and no
line can be drawn between parasitism and symbiosis.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

from mesocosm.ecology.columns import COLUMNS
from mesocosm.ecology.configuration import ABOUT, EcologyConfiguration
from mesocosm.experiments.chemotaxis.declaration import SMALL_WORLD
from mesocosm.findings.claim import Claim
from mesocosm.layers.elements.parameters import ElementParameters
from mesocosm.protocol.declaration import Declaration, Trial
from mesocosm.protocol.measure import Measure
from mesocosm.record.configuration import Range
from mesocosm.worlds.petri.parameters import PetriParameters

if TYPE_CHECKING:
    pass


def _world() -> PetriParameters:
    """Smaller than that of `chemotaxis`, with less food and smaller reserves: generations are shorter."""
    return PetriParameters(side=64, founders=128, ceiling=4096, division_energy=1500, founding_energy=1200, drops=8)


@dataclass(frozen=True)
class SymbiontConfiguration(EcologyConfiguration):
    """Bacteria, and elements that live in them and pass from one to another."""

    ticks: Annotated[int, Range(1, 2**31 - 1, "ticks")] = 6000
    """Length of the run, a multiple of `every`."""
    world: PetriParameters = field(default_factory=_world)
    element: ElementParameters = field(default_factory=ElementParameters)

    def contradictions(self) -> Iterator[str]:
        yield from super().contradictions()
        most = self.every * self.world.ceiling * max(self.element.drain, self.element.help)
        if most >= 2**31:
            yield (
                f"every = {self.every}: what elements take in a window could reach {most}, more than int32 holds; "
                "lower every, world.ceiling, element.drain or element.help"
            )


def _results() -> Any:
    return import_module("mesocosm.experiments.symbiont.results")


def _measures(configuration: Mapping[str, Any]) -> tuple[Measure, ...]:
    return import_module("mesocosm.experiments.symbiont.measures").measures(configuration)


PART_OF_THE_SELF = (
    "inherited in 3 of 4 entries or more, carried by 9 of 10 bodies or more, and worth more than its cure"
)
"""When an element has become part of its host; stated before any of the runs whose results are published."""

CLAIMS = (
    Claim(
        "benign",
        "elements come to cost their hosts less",
        control="the shadow genes",
        statistic="mean cost of the carried elements at the end, by their acting genes less by their shadow genes",
        delta=0.5,
        direction=-1,
        unit="quanta per tick",
    ),
    Claim(
        "germ",
        "elements come to be inherited",
        control="the shadow genes",
        statistic="mean probability that a child inherits, by the acting genes less by the shadow genes",
        delta=0.1,
    ),
    Claim(
        "benefit",
        "hosts are better off with their elements",
        control="the same hosts, cured",
        statistic="change of ln((a + 1/2) / (b + 1/2)) per 100 ticks in one world in which no element is passed at "
        "touch, mean of both assignments of marks",
        delta=0.02,
        unit="per 100 ticks",
    ),
    Claim(
        "vertical",
        "more and more elements enter by birth",
        control="the first eighth of the run",
        statistic="share of entries into a body that were inherited, last quarter less first eighth of the run",
        delta=0.1,
    ),
    Claim(
        "self",
        "in more than half of the worlds the element has become part of the self",
        control="the criterion",
        statistic=f"whether the element is {PART_OF_THE_SELF}",
        delta=0.5,
        kind="fraction",
    ),
)

DECLARATION = Declaration(
    name="symbiont",
    title="From parasite to part of the self",
    question="When does an element that spreads among bacteria and lives at their cost become a part of them?",
    prediction="it becomes benign and is inherited, unless it is passed at touch so often that it can live on that",
    control="the shadow genes of each element: founded, copied and mutated alike, never read; and cured hosts",
    configuration=SymbiontConfiguration,
    columns={
        **COLUMNS,
        "elements": "energy held by elements outside bodies, in quanta",
        "carriers": "bodies that carry an element at the end of the window",
        "carrier_ticks": "carriers, summed over the ticks of the window",
        "inherited": "elements that came into a body at its birth",
        "passed": "elements that came into a body by touch",
        "germ_*": "level 0 ... 255 of the gene for being inherited, summed over carriers, of this strand",
        "virulence_*": "level 0 ... 255 of the gene for virulence, summed over carriers, of this strand",
        "births.element": "strain that the newborn carries; 0 is none",
        "births.element_genes": "genes of that element [strand, locus]",
        "passes.id": "of who received an element",
        "passes.giver": "id of who gave it",
        "passes.element": "its strain",
        "passes.element_genes": "its genes [strand, locus]",
    },
    measures=_measures,
    asks_first="self",
    answers={
        "supported": "The parasite became part of the self",
        "refuted": "The parasite did not become part of the self",
        "equivalent": "The parasite became part of the self in some worlds",
        "undecided": "Whether the parasite becomes part of the self is undecided",
    },
    seen="Rods are bacteria without the element, dots carry it. The ring is the source, orange light is its food and "
    "green its odour.",
    about=f"{ABOUT} Elements live in bodies and carry shadow genes as well: copied and mutated alike, never read.",
    claims=CLAIMS,
    presets={"default": {}, "quick": {"replicates": 8, "ticks": 3000}, "paper": {"replicates": 104}},
    results=_results,
    analyses=("diversity", "activity"),
    noun="worlds",
    trial=Trial(
        {
            "": {
                "world": SMALL_WORLD,
                "element": {"reach": 0.5, "superinfection": 0.2, "lock_bits": 1},
                "frames_every": 4,
            }
        }
    ),
)
