"""A reward map of which the individual learns by trial how to fulfil it, from nothing, in its own life.

Q-learning as in `mesocosm.minds.learner`. Nobody outlives a death, so nobody learns from one: the weight of death is
never read, and drifts like a shadow. It shows what a claim finds where there is nothing to be found.
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Int8, Int32

from mesocosm.core.random import threshold16
from mesocosm.minds import rewards
from mesocosm.minds.learner import QLearner
from mesocosm.minds.mind import Brain, Colony, Draw
from mesocosm.minds.parameters import WEIGHTS, RewardParameters


class Lifetime(rewards.OfRewards, QLearner):
    """Genome -> reward map of ONE individual."""

    n_stimuli: int = eqx.field(static=True)
    n_acts: int = eqx.field(static=True)
    counted: Int32[Array, " weights"]
    exploration_threshold: Int32[Array, ""]
    rate: Int32[Array, ""]
    discount: Int32[Array, ""]
    bite: Int32[Array, ""]
    optimism: Int32[Array, ""]

    def __init__(self, parameters: RewardParameters, n_stimuli: int, n_acts: int):
        p = parameters
        self.n_stimuli, self.n_acts, self.counted = n_stimuli, n_acts, rewards.counted(p.without)
        self.exploration_threshold = jnp.int32(threshold16(p.exploration))
        for name in ("rate", "discount", "bite", "optimism"):
            setattr(self, name, jnp.int32(getattr(p, name)))

    def develop(self, draw: Draw, genome: Int8[Array, " loci"], colony: Colony) -> Brain:
        return jnp.full((self.n_stimuli, self.n_acts), rewards.FULL, jnp.int32) * self.optimism

    def reward(self, genome: Int8[Array, " loci"], doings: Any) -> Int32[Array, ""]:
        """A weighted sum of the events of a tick that it survived, in 1/128."""
        w = genome[: len(WEIGHTS)].astype(jnp.int32) * self.counted
        happened = w[rewards.SIGNALLING] * doings["emitted"] + w[rewards.MATING] * doings["exchanged"]
        food = w[rewards.FOOD] * rewards.food_of(doings["eaten"], self.bite)
        return (happened + w[rewards.SURVIVAL]) * rewards.FULL + food
