"""The configuration of heredity, without jax."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from mesocosm.record.configuration import Range


@dataclass(frozen=True)
class HeredityParameters:
    """How genomes change."""

    mutation_probability: Annotated[float, Range(0, 1, "per locus and birth")] = 0.01
    """Probability that a newborn's gene is replaced by a random one."""
    exchange_probability: Annotated[float, Range(0, 1, "per meeting")] = 0.05
    """Probability that two bodies that meet swap genes, each locus with probability 1/2."""
    seeded_share: Annotated[float, Range(0, 1, "of founders", "size")] = 0.0
    """Share of the founders that begin with `seeded_genome`, in both strands: so many, to the body."""
    seeded_genome: Annotated[tuple[int, ...], Range(-128, 127)] = ()
    """The genome, one number a locus; the other founders have random ones."""

    def contradictions(self) -> Iterator[str]:
        if bool(self.seeded_share) != bool(self.seeded_genome):
            yield "seeded_share and seeded_genome: name both, or none"
