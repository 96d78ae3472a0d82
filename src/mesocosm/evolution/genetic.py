"""Plain selection: the better part of a population lives on, its copies vary."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from mesocosm.evolution.searcher import Losses, Searcher, worst_last


class GAState(eqx.Module):
    members: Float[Array, "members d"]
    elite: Float[Array, " d"]  # mean of those that were selected last


class GA(Searcher):
    """Truncation selection with normal mutation; parents are kept and judged anew on every generation's tasks.

    Args:
      sigma: standard deviation of mutation, and of the first population.
      share: of the population that is selected.
    """

    sigma: Float[Array, ""]
    share: float = eqx.field(static=True, default=0.25)

    def __check_init__(self):
        if self.population < 4:
            raise ValueError(f"population = {self.population}: ga needs 4 or more")

    def found(self, mean: Float[Array, " d"]) -> GAState:
        return GAState(jnp.tile(mean[None, :], (self.population, 1)), mean)

    def step(self, key: Array, state: GAState, losses: Losses) -> tuple[GAState, Float[Array, " members"]]:
        n = max(1, int(self.share * self.population))
        varied = jax.random.normal(key, (self.population - n, self.dimension), state.elite.dtype) * self.sigma
        mothers = state.members[jnp.arange(self.population - n) % n]
        members = jnp.concatenate([state.members[:n], mothers + varied])
        found = losses(members)
        ranked, can_be_judged = worst_last(found)
        order = jnp.argsort(ranked)
        new = GAState(members[order], jnp.mean(members[order[:n]], axis=0))
        return jax.tree.map(lambda new, old: jnp.where(can_be_judged, new, old), new, state), found

    def centre(self, state: GAState) -> Float[Array, " d"]:
        return state.elite


__all__ = ["GA", "GAState"]
