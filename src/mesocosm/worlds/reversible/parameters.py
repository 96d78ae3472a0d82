"""What can be set of the reversible worlds. No jax."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from mesocosm.record.configuration import Range

Law = Literal["hpp", "fhp", "kac", "discs", "planets", "urn"]
LAWS: tuple[Law, ...] = ("hpp", "fhp", "kac", "discs", "planets", "urn")

CELLS = 8
"""Coarse cells along a side of a gas, and around a ring."""


@dataclass(frozen=True)
class GasParameters:
    """The lattice gases `hpp` and `fhp`."""

    side: Annotated[int, Range(64, 2048, "sites", "size")] = 64
    """Of the torus; a multiple of 64: 32 sites lie in a word, and a coarse cell is a whole number of bytes."""
    density: Annotated[float, Range(0, 1)] = 0.5
    """Probability that a channel in the drop is filled."""
    radius: Annotated[float, Range(0.01, 0.5, "sides")] = 0.25
    """Of the drop in the middle of an otherwise empty torus."""

    def contradictions(self) -> Iterator[str]:
        if self.side % 64:
            nearest = max(64, round(self.side / 64) * 64)
            yield f"side = {self.side}: must be a multiple of 64 (sites are packed into words), for example {nearest}"


@dataclass(frozen=True)
class RingParameters:
    """The ring of M. Kac."""

    balls: Annotated[int, Range(256, 2**20, "balls", "size")] = 1024
    """On the ring; a multiple of 256."""
    marked: Annotated[float, Range(0, 1)] = 0.02
    """Probability that the border between two places is marked: whoever crosses it changes colour."""

    def contradictions(self) -> Iterator[str]:
        yield from _whole_words(self.balls)


@dataclass(frozen=True)
class UrnParameters:
    """The two urns of P. and T. Ehrenfest."""

    balls: Annotated[int, Range(256, 2**20, "balls", "size")] = 256
    """In both urns together; a multiple of 256."""

    def contradictions(self) -> Iterator[str]:
        yield from _whole_words(self.balls)


@dataclass(frozen=True)
class DiscParameters:
    """Soft discs on a torus."""

    bodies: Annotated[int, Range(4, 64, "discs", "size")] = 48
    """The drop has room for 64."""
    speed: Annotated[int, Range(0, 2**25, "2^-32 sides per tick")] = 2**24
    """Bound of each component of a velocity at the start; faster ones would pass through each other."""


@dataclass(frozen=True)
class PlanetParameters:
    """A star, two planets, and dust that feels them."""

    dust: Annotated[int, Range(4, 1024, "grains", "size")] = 64
    """Grains without mass."""


def _whole_words(balls: int) -> Iterator[str]:
    if balls % 256:
        nearest = max(256, round(balls / 256) * 256)
        yield f"balls = {balls}: must be a multiple of 256, eight arcs of whole words; for example {nearest}"
