"""`signalling`: the world `petri` with its signal, and minds that are Q-tables; the deaf do not hear where they are."""

from __future__ import annotations

from mesocosm.core import Setup
from mesocosm.ecology.ecology import Ecology
from mesocosm.experiments.signalling.declaration import SignallingConfiguration
from mesocosm.heredity.genomes import Heredity
from mesocosm.instruments.ecology import (
    EMIT,
    TUMBLE,
    Census,
    Emissions,
    Ledger,
    Propensity,
    Visits,
    ecology_cameras,
    ecology_logs,
)
from mesocosm.minds.table import Table
from mesocosm.worlds.petri.law import Petri


def build(configuration: SignallingConfiguration) -> Setup:
    """The experiment and what watches it."""
    c = configuration
    mind = Table(c.mind, c.world.n_stimuli, c.world.n_acts)
    misheard = c.world.digit("signal") if c.deaf else None
    experiment = Ecology(Petri(c.world), mind, Heredity(c.heredity, mind.n_loci), misheard=misheard)
    folds = {
        "census": Census(),
        "ledger": Ledger(),
        "visits": Visits(c.world.n_stimuli),
        "emissions": Emissions(c.world.n_stimuli),
        "tumble": Propensity(mind, "tumble", TUMBLE),
        "emit": Propensity(mind, "emit", EMIT),
    }
    cameras = ecology_cameras(c.frames_every, replicate=c.frames_of)
    return Setup(experiment, folds, (*ecology_logs(c.log_births_and_deaths, c.log_exchanges), *cameras))
