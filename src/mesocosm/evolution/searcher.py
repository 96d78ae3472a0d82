"""What every searcher is: it proposes points, is told their losses, and moves. Everything it knows is in its state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

Losses = Callable[[Float[Array, "members d"]], Float[Array, " members"]]
"""The losses of several points on common tasks; NaN where a point cannot be judged."""


class Searcher(eqx.Module):
    """A search for a point of low loss in `dimension` numbers. Subclasses are final.

    Args:
      population: points judged in a step.
    """

    dimension: int = eqx.field(static=True)
    population: int = eqx.field(static=True)

    def found(self, mean: Float[Array, " d"]) -> Any:
        """The state before the first step: a pytree of arrays, and all that a resumed search needs."""
        raise NotImplementedError

    def step(self, key: Array, state: Any, losses: Losses) -> tuple[Any, Float[Array, " members"]]:
        """Propose, judge, move. Returns the state and the losses found. `key` is consumed.

        A member whose loss is NaN counts as the worst; where all are, the state stays as it was.
        """
        raise NotImplementedError

    def centre(self, state: Any) -> Float[Array, " d"]:
        """The point that the search stands for: its mean, not the luckiest draw."""
        raise NotImplementedError


def worst_last(losses: Float[Array, " n"]) -> tuple[Float[Array, " n"], Bool[Array, ""]]:
    """Losses with NaN and infinity replaced by the worst finite one, and a little more; whether any is finite."""
    finite = jnp.isfinite(losses)
    worst = jnp.max(jnp.where(finite, losses, -jnp.inf))
    best = jnp.min(jnp.where(finite, losses, jnp.inf))
    more = 1e-6 * jnp.abs(worst) + jnp.finfo(losses.dtype).tiny
    beyond = jnp.where(jnp.any(finite), worst + (worst - best) + more, 0.0)
    return jnp.where(finite, losses, beyond), jnp.any(finite)


__all__ = ["Losses", "Searcher", "worst_last"]
