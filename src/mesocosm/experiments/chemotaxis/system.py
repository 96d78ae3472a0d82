"""`chemotaxis`: the world `petri`, minds that are Q-tables, genomes of two strands.

Where a bacterium eats: `mesocosm.worlds.petri.law.Petri.eat`.
"""

from __future__ import annotations

from mesocosm.core import Setup
from mesocosm.ecology.ecology import Ecology
from mesocosm.experiments.chemotaxis.declaration import ChemotaxisConfiguration
from mesocosm.heredity.genomes import Heredity
from mesocosm.instruments.ecology import TUMBLE, Census, Ledger, Propensity, Visits, ecology_cameras, ecology_logs
from mesocosm.minds.table import Table
from mesocosm.worlds.petri.law import Petri


def build(configuration: ChemotaxisConfiguration) -> Setup:
    """The experiment and what watches it."""
    c = configuration
    mind = Table(c.mind, c.world.n_stimuli, c.world.n_acts)
    experiment = Ecology(Petri(c.world), mind, Heredity(c.heredity, mind.n_loci))
    folds = {
        "census": Census(),
        "ledger": Ledger(),
        "visits": Visits(c.world.n_stimuli),
        "tumble": Propensity(mind, "tumble", TUMBLE),
    }
    cameras = ecology_cameras(c.frames_every, replicate=c.frames_of)
    return Setup(experiment, folds, (*ecology_logs(c.log_births_and_deaths, c.log_exchanges), *cameras))
