"""`symbiont`: bacteria as in `chemotaxis`, and elements that live in them."""

from __future__ import annotations

from mesocosm.core import Setup
from mesocosm.ecology.ecology import Ecology
from mesocosm.experiments.symbiont.declaration import SymbiontConfiguration
from mesocosm.heredity.genomes import Heredity
from mesocosm.instruments.ecology import Carriers, Census, Ledger, ecology_cameras, ecology_logs
from mesocosm.layers.elements.element import Element
from mesocosm.layers.elements.parameters import GERM, VIRULENCE
from mesocosm.minds.table import Table
from mesocosm.worlds.petri.law import Petri


def build(configuration: SymbiontConfiguration) -> Setup:
    """The experiment and what watches it."""
    c = configuration
    mind = Table(c.mind, c.world.n_stimuli, c.world.n_acts)
    heredity = Heredity(c.heredity, mind.n_loci + c.element.host_loci)
    experiment = Ecology(Petri(c.world), mind, heredity, Element(c.element))
    folds = {
        "census": Census(),
        "ledger": Ledger(losses=("elements",)),
        "carriers": Carriers((("virulence", VIRULENCE), ("germ", GERM))),
    }
    cameras = ecology_cameras(c.frames_every, replicate=c.frames_of, columns=("element",))
    return Setup(experiment, folds, (*ecology_logs(c.log_births_and_deaths, c.log_exchanges, elements=True), *cameras))
