"""What `chemotaxis` is asked, predicts and compares with; all that can be set; and what its record says. No jax.

After B. Agüera y Arcas, "Social intelligence" (NeurIPS 2019): bacteria with one bit of output, run or tumble, whose
table from stimulus to behaviour is their genome.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from mesocosm.experiments.declaration import Declaration, RunConfiguration, Summary
from mesocosm.heredity.parameters import HeredityParameters
from mesocosm.minds.parameters import TableParameters
from mesocosm.record.configuration import Range
from mesocosm.worlds.petri.parameters import PetriParameters

if TYPE_CHECKING:
    from mesocosm.record import Record


@dataclass(frozen=True)
class ChemotaxisConfiguration(RunConfiguration):
    """Bacteria on a torus with a source of food that wanders and jumps."""

    ticks: Annotated[int, Range(1, 2**31 - 1, "ticks")] = 4000
    """Length of the run, a multiple of `every`."""
    world: PetriParameters = field(default_factory=PetriParameters)
    mind: TableParameters = field(default_factory=TableParameters)
    heredity: HeredityParameters = field(default_factory=HeredityParameters)
    log_births_and_deaths: bool = True
    """Whether every birth (with its genome) and death is recorded."""
    log_exchanges: bool = False
    """Whether every exchange of genes is recorded."""

    def contradictions(self):
        yield from super().contradictions()
        if sentence := self.world.window_overflow(self.every):
            yield sentence
        if self.world.n_stimuli * self.world.n_acts > 2**15:
            yield f"world.senses = {self.world.senses}: too many stimuli"


def _summarise(record: Record) -> Summary:
    from mesocosm.experiments.chemotaxis.summary import summarise

    return summarise(record)


def _contrast(row: dict[str, Any]) -> float:
    from mesocosm.experiments.chemotaxis.summary import contrast

    return contrast(row)


DECLARATION = Declaration(
    name="chemotaxis",
    title="Bacteria that follow their food",
    question="Do bacteria that sense only how strong an odour is evolve to follow a moving source of food?",
    prediction="P(tumble) rises with the odour, more than in the shadow genome",
    control="the shadow genome: inherited, mutated and swapped alike, never expressed",
    configuration=ChemotaxisConfiguration,
    summarise=_summarise,
    measure=("P(tumble) near - far", _contrast),
)
