"""A Q-learner: values from zero at birth, learnt during life, in fixed point, with the rewards that its genes name.

C. J. C. H. Watkins, "Learning from delayed rewards" (1989): Q(s, a) += rate (r + discount max Q(s', .) - Q(s, a)). Acts
are greedy but for a share that is drawn blindly. The reward is a weighted sum of doings; where the weights are genes,
what evolves is not what to do but what to like (D. Ackley and M. Littman, "Interactions between learning and
evolution", 1991).

A doing counts 0 ... 128. Four weights of 128 at most, and a discount of 252/256, bound a reward by 2^16 and a value by
2^22; an error is below 2^23, and its product with a rate below 256 fits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int8, Int32

from mesocosm.core.random import threshold16
from mesocosm.minds.mind import Brain, Colony, Draw, Experience, Mind
from mesocosm.minds.parameters import LearnerParameters
from mesocosm.minds.rewards import FULL, blindly, food_of, row_of
from mesocosm.record.about import Gene, Genome


class QLearner(Mind):
    """Learning by trial, whatever the reward: the brain holds a value for each act and stimulus."""

    n_stimuli: eqx.AbstractVar[int]
    n_acts: eqx.AbstractVar[int]
    exploration_threshold: eqx.AbstractVar[Int32[Array, ""]]
    rate: eqx.AbstractVar[Int32[Array, ""]]
    discount: eqx.AbstractVar[Int32[Array, ""]]
    bite: eqx.AbstractVar[Int32[Array, ""]]

    def reward(self, genome: Int8[Array, " loci"], doings: Any) -> Int32[Array, ""]:
        """What this individual is rewarded by in a tick that it survives, in 1/128: below 2^16 in size."""
        raise NotImplementedError

    def develop(self, draw: Draw, genome: Int8[Array, " loci"], colony: Colony) -> Brain:
        return jnp.zeros((self.n_stimuli, self.n_acts), jnp.int32)

    def act(
        self, draw: Draw, genome: Int8[Array, " loci"], brain: Brain, seen: Int32[Array, ""]
    ) -> tuple[Brain, Int32[Array, ""]]:
        greedy = jnp.argmax(row_of(brain, seen)).astype(jnp.int32)
        return brain, blindly(draw, self.n_acts, self.exploration_threshold, greedy)

    def learn(self, genome: Int8[Array, " loci"], brain: Brain, experience: Experience) -> Brain:
        ahead = jnp.max(row_of(brain, experience.seen_after))
        goal = self.reward(genome, experience.doings) + ((ahead * self.discount) >> 8)
        here = jnp.arange(self.n_stimuli)[:, None] == experience.seen
        here = here & (jnp.arange(self.n_acts)[None, :] == experience.act)
        return jnp.where(here, brain + (((goal - brain) * self.rate + 128) >> 8), brain)


class Learner(QLearner):
    """Genome -> tastes of ONE individual, one locus a doing."""

    doings: ClassVar[tuple[str, ...]] = ("eaten", "met", "exchanged", "emitted")

    n_stimuli: int = eqx.field(static=True)
    n_acts: int = eqx.field(static=True)
    weights: Int32[Array, " doings"] | None  # None: they are genes
    exploration_threshold: Int32[Array, ""]
    rate: Int32[Array, ""]
    discount: Int32[Array, ""]
    bite: Int32[Array, ""]

    def __init__(self, parameters: LearnerParameters, n_stimuli: int, n_acts: int):
        p = parameters
        self.n_stimuli, self.n_acts = n_stimuli, n_acts
        self.weights = jnp.asarray(np.array(p.weights, np.int32)) if p.weights else None
        self.exploration_threshold = jnp.int32(threshold16(p.exploration))
        self.rate, self.discount, self.bite = jnp.int32(p.rate), jnp.int32(p.discount), jnp.int32(p.bite)

    @property
    def n_loci(self) -> int:
        return len(self.doings)  # unread where weights are configured: a genome has a gene at least

    def reward(self, genome: Int8[Array, " loci"], doings: Any) -> Int32[Array, ""]:
        """A weighted sum, in 1/128."""
        counts = [food_of(doings["eaten"], self.bite), *(FULL * doings[name] for name in self.doings[1:])]
        weights = genome.astype(jnp.int32) if self.weights is None else self.weights
        return jnp.sum(weights[: len(counts)] * jnp.stack(counts), dtype=jnp.int32)

    def genome(self, stimuli: Sequence[str], acts: Mapping[str, int], n_loci: int) -> Genome:
        likes = [Gene(f"likes: {name}", loci=(k,)) for k, name in enumerate(self.doings)]
        return Genome("bodies", "genome", (*likes, *(Gene(f"locus {k}", loci=(k,)) for k in range(len(likes), n_loci))))
