"""What an imitator sees of a rule, and what the exact filters are given: a rule as arrays of jax."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float32, Int32

from mesocosm.experiments.latent_rule.worlds import Rule


class Task(eqx.Module):
    """A rule, and how it is seen.

    What is seen at a junction is a row of numbers: for each proposition of the rule, and for each that the rule does
    not use, `cues` signs (+1: it is true); where there is a light, one number for each act (1: the light shows it);
    where drivers are told, +1 or -1 for right or wrong (0: there was no act yet).

    Args:
      reliability: probability that a cue shows what is so.
      slip: probability that the expert does something else than the rule demands.
      mistold: probability that a driver is told the opposite.
      unused: propositions, shown by cues, that the rule does not use.
    """

    prior: Float32[Array, " states"]
    moves: Float32[Array, "states states"]
    shows: Int32[Array, "states props"]
    demands: Int32[Array, " states"]
    reliability: Float32[Array, ""]
    slip: Float32[Array, ""]
    mistold: Float32[Array, ""]
    cues: int = eqx.field(static=True)
    unused: int = eqx.field(static=True)
    n_acts: int = eqx.field(static=True)
    is_lit: bool = eqx.field(static=True)
    is_told: bool = eqx.field(static=True)
    is_settled: bool = eqx.field(static=True)

    @staticmethod
    def of(rule: Rule, reliability: float, slip: float, mistold: float, cues: int, unused: int, is_lit: bool) -> Task:
        return Task(
            prior=jnp.asarray(rule.prior, jnp.float32),
            moves=jnp.asarray(rule.moves, jnp.float32),
            shows=jnp.asarray(rule.shows, jnp.int32),
            demands=jnp.asarray(rule.demands, jnp.int32),
            reliability=jnp.float32(reliability),
            slip=jnp.float32(slip),
            mistold=jnp.float32(mistold),
            cues=cues,
            unused=unused,
            n_acts=rule.n_acts,
            is_lit=is_lit,
            is_told=rule.is_told,
            is_settled=rule.is_settled,
        )

    @property
    def n_propositions(self) -> int:
        return self.shows.shape[1]

    @property
    def n_seen(self) -> int:
        shown = (self.n_propositions + self.unused) * self.cues
        return shown + self.n_acts * self.is_lit + self.is_told

    def cues_of(self, seen: Float32[Array, " n"]) -> Float32[Array, "props cues"]:
        """The cues of the rule's own propositions."""
        return seen[: self.n_propositions * self.cues].reshape(self.n_propositions, self.cues)

    def told(self, seen: Float32[Array, " n"]) -> Float32[Array, ""]:
        return seen[-1]

    def expert_acts(self) -> Float32[Array, "states acts"]:
        """Probability of each act of the expert in each state."""
        demanded = self.demands[:, None] == jnp.arange(self.n_acts)[None]
        return jnp.where(demanded, 1 - self.slip, self.slip / (self.n_acts - 1))

    def told_given(self, act: Int32[Array, ""], told: Float32[Array, ""]) -> Float32[Array, " states"]:
        """Probability of being told this after the act, in each state."""
        return jnp.where((self.demands == act) == (told > 0), 1 - self.mistold, self.mistold)
