"""Searchers of evosax behind the adapter: Sep-CMA-ES, SNES, OpenAI-ES. evosax is loaded when one is made.

Reference: R. Lange, "evosax: JAX-based evolution strategies", 2022.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from mesocosm.evolution.searcher import Losses, Searcher, worst_last
from mesocosm.record.configuration import needs

NAMES = {"sep-cma-es": "Sep_CMA_ES", "snes": "SNES", "openai-es": "Open_ES"}


@lru_cache(maxsize=64)
def _strategy(name: str, dimension: int, population: int, sigma: float, rate: float) -> Any:
    """One object for the same values: programs are kept by it."""
    import evosax.algorithms as algorithms
    import optax

    options = {}
    if name == "openai-es":
        options = {"optimizer": optax.adam(rate), "std_schedule": optax.constant_schedule(sigma)}
    return getattr(algorithms, NAMES[name])(population, jnp.zeros(dimension), **options)


class Borrowed(Searcher):
    """One strategy of evosax.

    Args:
      sigma: initial standard deviation in every direction.
    """

    strategy: Any = eqx.field(static=True)
    sigma: Float[Array, ""]

    @staticmethod
    def of(name: str, dimension: int, population: int, sigma: float, rate: float) -> Borrowed:
        """By its name here; `rate` is the learning rate of openai-es (Adam).

        Raises:
          MissingPackage: where evosax is missing.
        """
        with needs(f"search.searcher = {name}", "learn"):
            strategy = _strategy(name, dimension, population, sigma, rate)
        return Borrowed(dimension, population, strategy, jnp.float32(sigma))

    def _parameters(self) -> Any:
        parameters = self.strategy.default_params
        if hasattr(parameters, "std_init"):
            parameters = parameters.replace(std_init=self.sigma)
        return parameters

    def _loosely(self, call: Any, *arguments: Any) -> Any:
        """A call into evosax, which relies on the promotion of types and ranks even where that is made an error."""
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            return call(*arguments, self._parameters())

    def found(self, mean: Float[Array, " d"]) -> Any:
        return _strong(self._loosely(self.strategy.init, jax.random.key(0), mean))  # the key is not used

    def step(self, key: Array, state: Any, losses: Losses) -> tuple[Any, Float[Array, " members"]]:
        asked, told = jax.random.split(key)
        members, after = self._loosely(self.strategy.ask, asked, state)
        found = losses(members)
        ranked, can_be_judged = worst_last(found)
        after, _ = self._loosely(self.strategy.tell, told, members, ranked, after)
        after = _sound(_strong(after), state, self.found(state.mean))
        return jax.tree.map(lambda new, old: jnp.where(can_be_judged, new, old), after, state), found

    def centre(self, state: Any) -> Float[Array, " d"]:
        return state.mean


def _sound(after: Any, before: Any, anew: Any) -> Any:
    """The state after a step; the beginning of another search at the same centre where a number was lost.

    On a plateau the steps of these strategies shrink or grow until they leave the range of floats.
    """
    lost = jax.tree.map(lambda new, old: jnp.any(jnp.isfinite(old) & ~jnp.isfinite(new)), after, before)
    is_lost = jnp.any(jnp.stack(jax.tree.leaves(lost)))
    return jax.tree.map(lambda new, first: jnp.where(is_lost, first, new), after, anew)


def _strong(tree: Any) -> Any:
    """The same values in fixed types: Python numbers in a state would make every step compile twice."""

    def strong(x: Any) -> Array:
        x = jnp.asarray(x)
        return jax.lax.convert_element_type(x, x.dtype)

    return jax.tree.map(strong, tree)


__all__ = ["NAMES", "Borrowed"]
