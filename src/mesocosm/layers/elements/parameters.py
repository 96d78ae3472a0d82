"""The configuration of elements, without jax. Ranges are those of `docs/worlds/symbiont.md`, section 6."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mesocosm.record.configuration import Range

VIRULENCE, GERM, KEY = range(3)
"""Loci of an element: what it takes from its host, how surely a child of the host inherits it, which locks it opens."""

N_LOCI = 3
Cost = Annotated[int, Range(0, 8191, "quanta per tick")]
Share = Annotated[float, Range(0, 1)]


@dataclass(frozen=True)
class ElementParameters:
    """What an element can take and give, and the ways by which it spreads."""

    carriers: Annotated[float, Range(0, 1, "of founders")] = 0.5
    """Share of the founders that carry an element, each one of its own."""
    drain: Cost = 6
    """What the most virulent element costs its host."""
    help: Cost = 2
    """What the most benign element saves its host; it gives back at most what the host has paid for living."""
    reach: Annotated[float, Range(0, 1, "per meeting")] = 0.2
    """Probability that a body passes on the most virulent element when it touches another and is first."""
    rivalry: Share = 1.0
    """How much being inherited gets in the way of being passed at touch: 1 entirely, 0 not at all."""
    superinfection: Share = 0.0
    """Probability that an element that is passed displaces the one that is there already."""
    mutation_probability: Annotated[float, Range(0, 1, "per locus and copy")] = 0.01
    """Probability that a gene of a copied element is replaced by a random one."""
    lock_bits: Annotated[int, Range(0, 7, "bits", "size")] = 0
    """Bits of the host's lock that an element's key must match to enter at touch; 0: no lock, and no gene for one."""

    @property
    def host_loci(self) -> int:
        """Loci that hosts have for elements, after those of their minds."""
        return int(self.lock_bits > 0)
