"""`symbiont`: bacteria as in `chemotaxis`, and elements that live in them."""

from __future__ import annotations

from mesocosm.core import Setup
from mesocosm.ecology.setup import ecology, watched
from mesocosm.experiments.symbiont.declaration import SymbiontConfiguration
from mesocosm.layers.elements.element import Element


def build(configuration: SymbiontConfiguration) -> Setup:
    """The experiment and what watches it."""
    return watched(configuration, ecology(configuration, (Element(configuration.element),)))
