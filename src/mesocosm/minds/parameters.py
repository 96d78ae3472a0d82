"""The configuration of minds, without jax."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from mesocosm.record.configuration import Range


@dataclass(frozen=True)
class TableParameters:
    """A Q-table: a row of preferences for each stimulus."""

    policy: Literal["softmax", "argmax"] = "softmax"
    """How a row of the table becomes an act."""
    sharpness: Annotated[int, Range(0, 4096, "1/256 halvings per unit of a gene")] = 8
    """How strongly softmax prefers the larger gene; 8 halves the odds for every 32 units. 0 is blind chance."""
