"""From plain values to a searcher."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jax.numpy as jnp

from mesocosm.evolution.borrowed import NAMES, Borrowed
from mesocosm.evolution.cma import CMAES
from mesocosm.evolution.genetic import GA
from mesocosm.evolution.gradient import MetaGradient
from mesocosm.evolution.parameters import SearchParameters
from mesocosm.evolution.searcher import Searcher
from mesocosm.record.configuration import ConfigurationError, needs


def build_searcher(parameters: SearchParameters, dimension: int) -> Searcher:
    """A searcher over `dimension` numbers.

    Raises:
      ConfigurationError: for more dimensions than a searcher can work in, or a package that is missing.
    """
    p = parameters
    try:
        if p.searcher == "cma-es":
            return CMAES(dimension, p.population, jnp.float32(p.sigma))
        if p.searcher == "ga":
            return GA(dimension, p.population, jnp.float32(p.sigma))
        if p.searcher in NAMES:
            return Borrowed.of(p.searcher, dimension, p.population, p.sigma, p.rate)
        return _meta_gradient(p, dimension)
    except ValueError as error:
        raise ConfigurationError(f"search.searcher: {error}") from error


def _meta_gradient(p: SearchParameters, dimension: int) -> MetaGradient:
    with needs("search.searcher = meta-gradient", "learn"):
        import optax  # noqa: F401  (asked for, so that its absence can be told)
    return MetaGradient(dimension, 1, _adam(p.rate, p.decay))


@lru_cache(maxsize=64)
def _adam(rate: float, decay: int) -> Any:
    """One object for the same values: programs are kept by it."""
    import optax

    schedule = optax.cosine_decay_schedule(rate, decay, 0.05) if decay else rate
    return optax.chain(optax.clip_by_global_norm(1.0), optax.adam(schedule))


__all__ = ["build_searcher"]
