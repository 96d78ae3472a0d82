"""The configuration of minds, without jax."""

from __future__ import annotations

from collections.abc import Iterator
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


@dataclass(frozen=True)
class LearnerParameters:
    """Q-learning during life: of a learner nothing is inherited but its taste, what it is rewarded by."""

    weights: Annotated[tuple[int, ...], Range(-128, 127)] = ()
    """What each doing is worth, in the order eaten, met, exchanged, emitted; none: the genome says it, a gene each."""
    exploration: Annotated[float, Range(0, 1, "per tick")] = 0.05
    """Probability of an act drawn blindly."""
    rate: Annotated[int, Range(0, 255, "1/256")] = 32
    """Share of the error by which a value is corrected."""
    discount: Annotated[int, Range(0, 252, "1/256")] = 230
    """What a reward is worth a tick later."""
    bite: Annotated[int, Range(1, 32767, "quanta")] = 64
    """Food that counts as one full doing; more counts no more."""

    def contradictions(self) -> Iterator[str]:
        if len(self.weights) not in (0, 4):
            yield f"weights = {self.weights}: must be four, of eaten, met, exchanged and emitted, or none (genes)"
