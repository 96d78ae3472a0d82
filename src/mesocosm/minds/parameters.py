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


Weight = Literal["death", "signalling", "mating", "survival", "food"]
WEIGHTS: tuple[Weight, ...] = ("death", "signalling", "mating", "survival", "food")
"""What a reward map weighs, in the order of its genes."""


@dataclass(frozen=True)
class RewardParameters:
    """Minds whose genes say what is a reward: five weights. How to get it they plan, or learn during life."""

    kind: Literal["planner", "lifetime"] = "planner"
    """planner: acts by the plan that its own reward makes best in the colony's model of the world; lifetime: learns by
    trial, from nothing."""
    without: tuple[Weight, ...] = ()
    """Weights that count as zero, whatever the genes say."""
    policy: Literal["argmax", "softmax"] = "argmax"
    """planner: the best act, or each by how good it is."""
    sharpness: Annotated[int, Range(1, 64, "1/8 halvings per unit of reward")] = 4
    """softmax: the temperature is 8 / (ln 2 * sharpness); 4: 2.9 units."""
    exploration: Annotated[float, Range(0, 1, "per tick")] = 0.05
    """Probability of an act drawn blindly."""
    discount: Annotated[int, Range(0, 240, "1/256")] = 230
    """What a reward is worth a tick later."""
    bite: Annotated[int, Range(1, 32767, "quanta")] = 128
    """Food that counts as one full event; more counts no more."""
    thinks_every: Annotated[int, Range(1, 4096, "ticks")] = 16
    """planner: newborns are planned for together, so often; till then they act blindly."""
    sweeps: Annotated[int, Range(1, 1024, "sweeps", "size")] = 48
    """planner: sweeps of value iteration."""
    half_life: Annotated[int, Range(1, 2**20, "ticks")] = 256
    """planner: after so many ticks what the colony has seen counts half."""
    prior: Annotated[int, Range(1, 1 << 16, "visits")] = 1
    """planner: what nobody has tried is expected to change nothing, as if it had been seen so often."""
    adapts: Annotated[int, Range(0, 2**31 - 1, "ticks")] = 0
    """planner: ticks in which the model of frozen bodies still learns, in a world that is not theirs; then all plan
    anew."""
    rate: Annotated[int, Range(0, 255, "1/256")] = 64
    """lifetime: share of the error by which a value is corrected."""
    optimism: Annotated[int, Range(-4096, 4096, "units of reward")] = 0
    """lifetime: what every act is held to be worth at birth."""

    def contradictions(self) -> Iterator[str]:
        if self.policy == "softmax" and self.discount > 239:
            yield f"discount = {self.discount}: softmax needs 239 at most, or values could overflow"
