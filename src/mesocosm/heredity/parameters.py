"""The configuration of heredity, without jax."""

from __future__ import annotations

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
