"""A Q-table: the preferences of one individual for each act under each stimulus, and the policies that read them.

The arithmetic is in integers (docs/worlds/petri.md, 5.5), so that a mind is exact: the same act on every device.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from itertools import accumulate

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Int, Int8, Int32, UInt32

from mesocosm.core.arrays import one_of
from mesocosm.minds.mind import Brain, Draw, Mind
from mesocosm.minds.parameters import TableParameters
from mesocosm.minds.policy import softmax_weight
from mesocosm.minds.writing import genes_of, muted
from mesocosm.record.about import Gene, Genome

_UNROLLED_STIMULI = 16
"""Tables up to this long are read by selects, which vectorise over bodies where a gather does not."""


class Table(Mind):
    """Genome -> behaviour of ONE individual: locus `stimulus * n_acts + act` holds a preference.

    Args:
      reticence: by how much each preference for an act that emits is lowered: silence is then the default of a random
        genome. None: it is not, and nothing is computed.
    """

    n_stimuli: int = eqx.field(static=True)
    n_acts: int = eqx.field(static=True)
    policy: str = eqx.field(static=True)
    sharpness: Int32[Array, ""]
    reticence: Int32[Array, ""] | None

    def __init__(self, parameters: TableParameters, n_stimuli: int, n_acts: int, reticence: int | None = None):
        self.n_stimuli, self.n_acts, self.policy = n_stimuli, n_acts, parameters.policy
        self.sharpness = jnp.int32(parameters.sharpness)
        self.reticence = None if reticence is None else jnp.int32(reticence)

    @property
    def n_loci(self) -> int:
        return self.n_stimuli * self.n_acts

    def act(
        self, draw: Draw, genome: Int8[Array, " loci"], brain: Brain, seen: Int32[Array, ""]
    ) -> tuple[Brain, Int32[Array, ""]]:
        return brain, self.choose(genome, seen, draw.word)

    def choose(self, genome: Int8[Array, " loci"], stimulus: Int[Array, ""], word: UInt32[Array, ""]) -> Int[Array, ""]:
        """The act that this individual chooses; `word` holds 16 random bits (the low ones)."""
        row = self._row(genome, stimulus)
        top = reduce(jnp.maximum, row)
        act = jnp.int32(0)
        if self.policy == "argmax":
            for a in reversed(range(self.n_acts)):
                act = jnp.where(row[a] == top, a, act)
            return act
        ends = list(accumulate(softmax_weight(top - q, self.sharpness).astype(jnp.uint32) for q in row))
        drawn = ((word & 0xFFFF) * ends[-1]) >> 16
        for end in ends[:-1]:
            act = act + (end <= drawn).astype(jnp.int32)
        return act

    def _row(self, genome: Int8[Array, " loci"], stimulus: Int[Array, ""]) -> list[Int32[Array, ""]]:
        """The preferences for each act under a stimulus: separate scalars, which the batch keeps contiguous."""
        if self.n_stimuli > _UNROLLED_STIMULI:
            row = lax.dynamic_slice(genome, (stimulus * self.n_acts,), (self.n_acts,))
            row = [row[a] for a in range(self.n_acts)]
        else:
            n = self.n_stimuli * self.n_acts
            row = [one_of(stimulus, genome[a : n : self.n_acts]) for a in range(self.n_acts)]
        wide = [q.astype(jnp.int32) for q in row]
        return wide if self.reticence is None else [q - self.reticence if a >= 2 else q for a, q in enumerate(wide)]

    def act_weights(self, genome: Int8[Array, " loci"]) -> Int32[Array, "stimuli acts"]:
        """How likely each act is under each stimulus: weights in proportion to probabilities (1 or 0 for argmax)."""
        rows = genome.reshape(self.n_stimuli, self.n_acts).astype(jnp.int32)
        if self.reticence is not None:
            rows = rows - jnp.where(jnp.arange(self.n_acts) >= 2, self.reticence, 0)[None, :]
        if self.policy == "argmax":
            return (jnp.argmax(rows, axis=1)[:, None] == jnp.arange(self.n_acts)[None, :]).astype(jnp.int32)
        return softmax_weight(jnp.max(rows, axis=1, keepdims=True) - rows, self.sharpness)

    def written(self, text: str) -> np.ndarray:
        """The genes of a genotype written by hand, `0.1,0.2,0.5,0.9`: P(tumble) under each stimulus."""
        return genes_of(text, self)

    def muted(self, genomes: np.ndarray) -> np.ndarray:
        """Genomes [replicates, loci, bodies] that tumble as likely as these do and emit as little as genes can."""
        return muted(genomes, self)

    def genome(self, stimuli: Sequence[str], acts: Mapping[str, int], n_loci: int) -> Genome:
        """How likely each kind of act is under each stimulus; loci that no mind reads as they are."""
        n, sharpness = self.n_acts, None if self.policy == "argmax" else int(self.sharpness)
        genes = [
            Gene(f"{word}: {stimulus}", "%", tuple(range(s * n, (s + 1) * n)), _with(bit, n), sharpness)
            for word, bit in acts.items()
            if bit < n
            for s, stimulus in enumerate(stimuli)
        ]
        genes += [Gene(f"locus {k}", loci=(k,)) for k in range(self.n_loci, n_loci)]
        return Genome("bodies", "genome", tuple(genes))


def _with(bit: int, n_acts: int) -> tuple[int, ...]:
    return tuple(act for act in range(n_acts) if act & bit)
