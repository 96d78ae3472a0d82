"""A Q-table: the preferences of one individual for each act under each stimulus, and the policies that read them.

The arithmetic is in integers (docs/worlds/petri.md, 5.5), so that a mind is exact: the same act on every device.
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Int, Int8, Int32, UInt32

from mesocosm.core.arrays import pick_row, split_cumulative
from mesocosm.minds.parameters import TableParameters
from mesocosm.minds.policy import softmax_weights


class Table(eqx.Module):
    """Genome -> behaviour of ONE individual: locus `stimulus * n_acts + act` holds a preference."""

    n_stimuli: int = eqx.field(static=True)
    n_acts: int = eqx.field(static=True)
    policy: str = eqx.field(static=True)
    sharpness: Int32[Array, ""]

    def __init__(self, parameters: TableParameters, n_stimuli: int, n_acts: int):
        self.n_stimuli, self.n_acts, self.policy = n_stimuli, n_acts, parameters.policy
        self.sharpness = jnp.int32(parameters.sharpness)

    @property
    def n_loci(self) -> int:
        return self.n_stimuli * self.n_acts

    def act(self, genome: Int8[Array, " loci"], stimulus: Int[Array, ""], word: UInt32[Array, ""]) -> Int[Array, ""]:
        """The act that this individual chooses; `word` holds 16 random bits (the low ones)."""
        row = pick_row(genome.reshape(self.n_stimuli, self.n_acts), stimulus).astype(jnp.int32)
        if self.policy == "argmax":
            return jnp.argmax(row).astype(jnp.int32)
        ends = split_cumulative(softmax_weights(row, self.sharpness).astype(jnp.uint32))
        drawn = ((word & 0xFFFF) * ends[-1]) >> 16
        return jnp.sum(ends[:-1] <= drawn, dtype=jnp.int32)

    def act_weights(self, genome: Int8[Array, " loci"]) -> Int32[Array, "stimuli acts"]:
        """How likely each act is under each stimulus: weights in proportion to probabilities (1 or 0 for argmax)."""
        rows = genome.reshape(self.n_stimuli, self.n_acts).astype(jnp.int32)
        if self.policy == "argmax":
            return (jnp.argmax(rows, axis=1)[:, None] == jnp.arange(self.n_acts)[None, :]).astype(jnp.int32)
        return softmax_weights(rows.T, self.sharpness).T
