"""The gradient of a loss through the whole life of a learner."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from mesocosm.evolution.searcher import Losses, Searcher


@runtime_checkable
class Optimiser(Protocol):
    """What an `optax.GradientTransformation` offers."""

    init: Any
    update: Any


class GradientState(eqx.Module):
    mean: Float[Array, " d"]
    optimiser: Any


class MetaGradient(Searcher):
    """The gradient of the loss through a whole life of the learner, with any optax optimiser.

    A gradient that is not finite is left out: the step is as if it were zero.
    """

    optimiser: Optimiser = eqx.field(static=True)

    def found(self, mean: Float[Array, " d"]) -> GradientState:
        state = jax.tree.map(lambda x: jax.lax.convert_element_type(x, x.dtype), self.optimiser.init(mean))
        return GradientState(mean, state)

    def step(self, key: Array, state: GradientState, losses: Losses) -> tuple[GradientState, Float[Array, " members"]]:
        found, slope = jax.value_and_grad(lambda mean: losses(mean[None, :])[0])(state.mean)
        is_finite = jnp.all(jnp.isfinite(slope)) & jnp.isfinite(found)
        with jax.numpy_dtype_promotion("standard"):  # optax relies on it even where it is made an error
            updates, optimiser = self.optimiser.update(jnp.where(is_finite, slope, 0), state.optimiser, state.mean)
        return GradientState(state.mean + updates, optimiser), found[None]

    def centre(self, state: GradientState) -> Float[Array, " d"]:
        return state.mean


__all__ = ["GradientState", "MetaGradient"]
