"""From the name of a law and what is set of it to a world."""

from __future__ import annotations

from mesocosm.worlds.reversible.bodies import Discs, Planets
from mesocosm.worlds.reversible.gas import FHP, HPP
from mesocosm.worlds.reversible.parameters import (
    DiscParameters,
    GasParameters,
    Law,
    PlanetParameters,
    RingParameters,
    UrnParameters,
)
from mesocosm.worlds.reversible.ring import Ring, Urn
from mesocosm.worlds.reversible.world import World


def world_of(
    law: Law,
    gas: GasParameters | None = None,
    ring: RingParameters | None = None,
    urn: UrnParameters | None = None,
    discs: DiscParameters | None = None,
    planets: PlanetParameters | None = None,
) -> World:
    """The world of this name; what is not given has its defaults."""
    match law:
        case "hpp":
            return HPP.of(gas or GasParameters())
        case "fhp":
            return FHP.of(gas or GasParameters())
        case "kac":
            return Ring(ring or RingParameters())
        case "urn":
            return Urn(urn or UrnParameters())
        case "discs":
            return Discs(discs or DiscParameters())
        case "planets":
            return Planets(planets or PlanetParameters())
