"""`chemotaxis`: the world `petri`, minds that are Q-tables, genomes of two strands.

Where a bacterium eats: `mesocosm.worlds.petri.law.Petri.eat`.
"""

from __future__ import annotations

from mesocosm.core import Setup
from mesocosm.ecology.setup import behaviour, ecology, watched
from mesocosm.experiments.chemotaxis.declaration import ChemotaxisConfiguration
from mesocosm.layers.hearing.hearing import Hearing


def build(configuration: ChemotaxisConfiguration) -> Setup:
    """The experiment and what watches it."""
    law = ecology(configuration, (Hearing("signal"),) if configuration.world.signal else ())
    return watched(configuration, law, behaviour(law))
