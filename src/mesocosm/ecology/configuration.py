"""What can be set in every ecology: the world, the minds in it, how genomes change, what is recorded. No jax."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from mesocosm.heredity.parameters import HeredityParameters
from mesocosm.minds.parameters import TableParameters
from mesocosm.protocol.declaration import RunConfiguration
from mesocosm.worlds.petri.parameters import PetriParameters

ABOUT = (
    "A world is a dish of bacteria too small to sense a direction: in each tick a body runs straight, or tumbles to a "
    "new heading and stays where it is. No score is kept: who gathers energy divides, who runs out of it dies, and "
    "copies mutate. Each body also carries shadow genes: founded, copied, mutated and swapped like its own, but never "
    "used. Chance and descent act on both alike, so what sets them apart is selection."
)
"""What such a world is, for somebody who never heard of it."""
SEEN = "Rods are bacteria that run straight, dots those that tumble."
"""What is to be seen of them."""


@dataclass(frozen=True)
class EcologyConfiguration(RunConfiguration):
    """Bodies with Q-tables for genomes in a world `petri`."""

    world: PetriParameters = field(default_factory=PetriParameters)
    mind: TableParameters = field(default_factory=TableParameters)
    heredity: HeredityParameters = field(default_factory=HeredityParameters)
    assays: bool = True
    """Whether the declared controls and assays follow the run; the claims need them."""
    log_births_and_deaths: bool = True
    """Whether every birth (with its genome) and death is recorded."""
    log_exchanges: bool = False
    """Whether every exchange of genes is recorded."""

    def contradictions(self) -> Iterator[str]:
        yield from super().contradictions()
        if sentence := self.world.window_overflow(self.every):
            yield sentence
        if self.world.n_stimuli * self.world.n_acts > 2**15:
            yield f"world.senses = {self.world.senses}: too many stimuli"
