"""`calling`: the world `petri` with its signal, tables for minds, founders that call, and ears that may be changed."""

from __future__ import annotations

import dataclasses

from mesocosm.core import Setup
from mesocosm.ecology.setup import behaviour, ecology, watched
from mesocosm.experiments.calling.declaration import CallingConfiguration
from mesocosm.experiments.calling.words import TREND, caller, senses_of
from mesocosm.heredity.genomes import Heredity
from mesocosm.layers.calls.calls import Calls
from mesocosm.minds.table import Table
from mesocosm.worlds.petri.fields import FieldLaw
from mesocosm.worlds.petri.senses import ordered

CHANNELS = tuple(FieldLaw(f"signal of {k}", 32 + k) for k in range(8))
"""Fields among which signals are parted where it counts whose they are."""


def build(configuration: CallingConfiguration) -> Setup:
    """The experiment and what watches it."""
    c = configuration
    heard = {s.name: s.n_levels for s in ordered(senses_of(c.world.senses, c.hears_trend)) if "signal" in s.name}
    carries = (c.world.signal_diffusion, c.world.signal_decay)
    calls = Calls(c.ears, heard, TREND.name, dict.fromkeys(CHANNELS, carries))
    world = dataclasses.replace(c.world, emission_quanta=0, emission_cost=0) if c.mute else c.world
    heredity = dataclasses.replace(c.heredity, exchange_probability=0.0) if c.exchange == "none" else c.heredity
    if c.callers:
        genome = caller(c.world.senses, c.hears_trend)
        heredity = dataclasses.replace(heredity, seeded_share=c.callers, seeded_genome=genome)

    def mind(n_stimuli: int, n_acts: int) -> Table:
        return Table(c.mind, n_stimuli, n_acts, c.reticence or None)

    plain = dataclasses.replace(c, world=world, heredity=heredity)
    law = ecology(plain, (calls,), (TREND,) if c.hears_trend else (), mind)
    if c.exchange == "copy":
        copied = Heredity(heredity, law.heredity.n_loci, world.founders, copies=True)
        law = dataclasses.replace(law, heredity=copied)
    return watched(c, law, behaviour(law, emissions=True))
