"""`signalling`: the world `petri` with its signal, and minds that are Q-tables; the deaf do not hear where they are."""

from __future__ import annotations

from mesocosm.core import Setup
from mesocosm.ecology.setup import behaviour, ecology, watched
from mesocosm.experiments.signalling.declaration import SignallingConfiguration
from mesocosm.layers.hearing.hearing import Hearing


def build(configuration: SignallingConfiguration) -> Setup:
    """The experiment and what watches it."""
    law = ecology(configuration, (Hearing("signal", configuration.deaf),))
    return watched(configuration, law, behaviour(law, emissions=True))
