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
from mesocosm.record.about import Gene, Genome

EXPLORE = 0
"""Purpose of the random bits."""


class Learner(Mind):
    """Genome -> tastes of ONE individual, one locus a doing; its brain holds a value for each act and stimulus."""

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

    def develop(self, draw: Draw, genome: Int8[Array, " loci"], colony: Colony) -> Brain:
        return jnp.zeros((self.n_stimuli, self.n_acts), jnp.int32)

    def act(
        self, draw: Draw, genome: Int8[Array, " loci"], brain: Brain, seen: Int32[Array, ""]
    ) -> tuple[Brain, Int32[Array, ""]]:
        a, b = draw.of(EXPLORE)
        blind = (((b >> 16) * jnp.uint32(self.n_acts)) >> 16).astype(jnp.int32)
        greedy = jnp.argmax(self._row(brain, seen)).astype(jnp.int32)
        return brain, jnp.where((a & 0xFFFF).astype(jnp.int32) < self.exploration_threshold, blind, greedy)

    def learn(self, genome: Int8[Array, " loci"], brain: Brain, experience: Experience) -> Brain:
        ahead = jnp.max(self._row(brain, experience.seen_after))
        goal = self.reward(genome, experience.doings) + ((ahead * self.discount) >> 8)
        here = jnp.arange(self.n_stimuli)[:, None] == experience.seen
        here = here & (jnp.arange(self.n_acts)[None, :] == experience.act)
        return jnp.where(here, brain + (((goal - brain) * self.rate + 128) >> 8), brain)

    def reward(self, genome: Int8[Array, " loci"], doings: Any) -> Int32[Array, ""]:
        """What this individual is rewarded by: a weighted sum, in 1/128."""
        eaten = jnp.minimum(doings["eaten"], self.bite) * 128 // self.bite
        counts = [eaten, *(128 * doings[name] for name in self.doings[1:])]
        weights = genome.astype(jnp.int32) if self.weights is None else self.weights
        return jnp.sum(weights[: len(counts)] * jnp.stack(counts), dtype=jnp.int32)

    def _row(self, brain: Brain, seen: Int32[Array, ""]) -> Int32[Array, " acts"]:
        """The values under a stimulus: by selects, which vectorise over bodies where a gather does not."""
        row = brain[0]
        for s in range(1, self.n_stimuli):
            row = jnp.where(seen == s, brain[s], row)
        return row

    def genome(self, stimuli: Sequence[str], acts: Mapping[str, int], n_loci: int) -> Genome:
        likes = [Gene(f"likes: {name}", loci=(k,)) for k, name in enumerate(self.doings)]
        return Genome("bodies", "genome", (*likes, *(Gene(f"locus {k}", loci=(k,)) for k in range(len(likes), n_loci))))
