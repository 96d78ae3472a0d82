"""CMA-ES with a full covariance and negative weights.

Reference: N. Hansen, "The CMA evolution strategy: a tutorial", 2016 (arXiv:1604.00772), equations and defaults there.
Instead of eigenvectors the symmetric square root of the covariance and its inverse are kept; they give the same
distribution and the same whitening. They are found by a coupled Newton-Schulz iteration (N. Higham, "Functions of
matrices", 2008, equation 6.35), which is nothing but products of matrices: the eigenvalue routine that XLA calls on a
CPU waits for ever where several virtual devices call it at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from mesocosm.evolution.searcher import Losses, Searcher, worst_last

LARGEST = 1000
"""Dimensions above which the covariance costs more than it can teach in any budget that a person has."""


LEAST_VARIANCE = 1e-5
"""Of the largest variance: what the narrowest direction has after a repair."""

ITERATIONS = 60
"""At most, for a root: enough for condition numbers of 1e14."""


class CMAState(eqx.Module):
    mean: Float[Array, " d"]
    sigma: Float[Array, ""]
    covariance: Float[Array, "d d"]
    root: Float[Array, "d d"]  # of the covariance when it was last taken
    inverse: Float[Array, "d d"]  # of that root
    path: Float[Array, " d"]
    sigma_path: Float[Array, " d"]
    generation: Int[Array, ""]


@dataclass(frozen=True)
class Strategy:
    """The constants of Hansen's tutorial (table 1) for a dimension and a population."""

    weights: np.ndarray  # [population], positive ones first
    mu: int
    mu_eff: float
    c_sigma: float
    d_sigma: float
    c_c: float
    c_1: float
    c_mu: float
    chi: float
    lazy: int

    @staticmethod
    def of(d: int, population: int) -> Strategy:
        raw = math.log((population + 1) / 2) - np.log(np.arange(1, population + 1))
        mu = population // 2
        positive, negative = raw[:mu], raw[mu:]
        mu_eff = positive.sum() ** 2 / (positive**2).sum()
        mu_minus = negative.sum() ** 2 / (negative**2).sum()
        c_1 = 2 / ((d + 1.3) ** 2 + mu_eff)
        c_mu = min(1 - c_1, 2 * (0.25 + mu_eff + 1 / mu_eff - 2) / ((d + 2) ** 2 + mu_eff))
        c_sigma = (mu_eff + 2) / (d + mu_eff + 5)
        limits = 1 + c_1 / c_mu, 1 + 2 * mu_minus / (mu_eff + 2), (1 - c_1 - c_mu) / (d * c_mu)
        weights = np.concatenate([positive / positive.sum(), min(limits) * negative / np.abs(negative.sum())])
        return Strategy(
            weights,
            mu,
            float(mu_eff),
            float(c_sigma),
            float(1 + 2 * max(0.0, math.sqrt((mu_eff - 1) / (d + 1)) - 1) + c_sigma),
            float((4 + mu_eff / d) / (d + 4 + 2 * mu_eff / d)),
            float(c_1),
            float(c_mu),
            math.sqrt(d) * (1 - 1 / (4 * d) + 1 / (21 * d**2)),
            max(1, int(1 / (10 * d * (c_1 + c_mu)))),
        )


class CMAES(Searcher):
    """Full covariance matrix adaptation.

    Args:
      sigma: initial standard deviation in every direction.

    Raises:
      ValueError: above `LARGEST` dimensions, naming what to use instead.
    """

    sigma: Float[Array, ""]

    def __check_init__(self):
        if self.dimension > LARGEST:
            raise ValueError(
                f"cma-es: {self.dimension} dimensions; above {LARGEST} a full covariance cannot be learnt. "
                "Use sep-cma-es or snes, which keep one number a dimension, or openai-es or meta-gradient"
            )
        if self.population < 4:
            raise ValueError(f"population = {self.population}: cma-es needs 4 or more")

    def found(self, mean: Float[Array, " d"]) -> CMAState:
        d = self.dimension
        zero, one = jnp.zeros(d, mean.dtype), jnp.eye(d, dtype=mean.dtype)
        return CMAState(mean, self.sigma.astype(mean.dtype), one, one, one, zero, zero, jnp.int32(0))

    def step(self, key: Array, state: CMAState, losses: Losses) -> tuple[CMAState, Float[Array, " members"]]:
        z = jax.random.normal(key, (self.population, self.dimension), state.mean.dtype)
        y = z @ state.root
        found = losses(state.mean[None, :] + state.sigma * y)
        ranked, can_be_judged = worst_last(found)
        moved = self._moved(state, y[jnp.argsort(ranked)])
        return jax.tree.map(lambda new, old: jnp.where(can_be_judged, new, old), moved, state), found

    def centre(self, state: CMAState) -> Float[Array, " d"]:
        return state.mean

    def _moved(self, state: CMAState, y: Float[Array, "members d"]) -> CMAState:
        """The state after a step, from the steps `y` of all members, the best first."""
        s = Strategy.of(self.dimension, self.population)
        weights = jnp.asarray(s.weights, y.dtype)
        mean_step = weights[: s.mu] @ y[: s.mu]
        generation = state.generation + 1
        sigma_path = (1 - s.c_sigma) * state.sigma_path + math.sqrt(
            s.c_sigma * (2 - s.c_sigma) * s.mu_eff
        ) * self._whitened(state, mean_step[None, :])[0]
        length = jnp.linalg.norm(sigma_path)
        settled = jnp.sqrt(1 - (1 - s.c_sigma) ** (2 * generation.astype(y.dtype)))
        goes_on = length / settled < (1.4 + 2 / (self.dimension + 1)) * s.chi  # the path is not stretched by a jump
        path = (1 - s.c_c) * state.path + jnp.where(goes_on, math.sqrt(s.c_c * (2 - s.c_c) * s.mu_eff), 0) * mean_step
        sigma = state.sigma * jnp.exp(jnp.minimum(1.0, s.c_sigma / s.d_sigma * (length / s.chi - 1)))
        covariance = self._adapted(state, y, weights, path, goes_on, s)
        renew = generation % s.lazy == 0
        covariance, root, inverse = jax.lax.cond(
            renew, _roots, lambda matrix: (matrix, state.root, state.inverse), covariance
        )
        mean = state.mean + state.sigma * mean_step
        return _in_range(CMAState(mean, sigma, covariance, root, inverse, path, sigma_path, generation))

    def _whitened(self, state: CMAState, y: Float[Array, "n d"]) -> Float[Array, "n d"]:
        return y @ state.inverse

    def _adapted(self, state, y, weights, path, goes_on, s) -> Float[Array, "d d"]:
        """Rank one from the path, rank mu from all members; bad ones are scaled so that no variance turns negative."""
        squared = jnp.sum(self._whitened(state, y) ** 2, axis=1)
        scaled = jnp.where(weights >= 0, weights, weights * self.dimension / (squared + 1e-12))
        kept = 1 + jnp.where(goes_on, 0.0, s.c_1 * s.c_c * (2 - s.c_c)) - s.c_1 - s.c_mu * jnp.sum(weights)
        new = kept * state.covariance + s.c_1 * jnp.outer(path, path) + s.c_mu * (y.T * scaled[None, :]) @ y
        return (new + new.T) / 2


def _in_range(state: CMAState) -> CMAState:
    """The same distribution with sigma standing for the size of a covariance that drifts out of the range of floats."""
    size = jnp.trace(state.covariance) / state.mean.size
    is_far = (size < 1e-12) | (size > 1e12)
    by = jnp.where(is_far & (size > 0) & jnp.isfinite(size), jnp.sqrt(size), 1)
    return CMAState(
        state.mean,
        state.sigma * by,
        state.covariance / by**2,
        state.root / by,
        state.inverse * by,
        state.path / by,
        state.sigma_path,
        state.generation,
    )


def _roots(covariance: Float[Array, "d d"]) -> tuple[Array, Array, Array]:
    """The covariance, its symmetric square root and the inverse of that.

    Where selection says nothing (noise, a plateau) the covariance drifts until some direction is lost to rounding, and
    has no root any more: then only its diagonal stays.
    """
    root, inverse = _root_of(covariance)
    variance = jnp.nan_to_num(jnp.diagonal(covariance), posinf=0.0)
    largest = jnp.max(variance)
    variance = jnp.maximum(variance, LEAST_VARIANCE * jnp.where(largest > 0, largest, 1))
    spread = jnp.sqrt(variance)
    is_sound = _is_root(root, inverse, covariance)
    repaired = jnp.diag(variance), jnp.diag(spread), jnp.diag(1 / spread)
    return jax.tree.map(lambda a, b: jnp.where(is_sound, a, b), (covariance, root, inverse), repaired)


def _is_root(root: Array, inverse: Array, covariance: Array) -> Array:
    """Whether they are what they should be, to a tenth: a root that is none is far off, or not finite."""
    error = jnp.abs(root @ inverse - jnp.eye(root.shape[0], dtype=root.dtype)).max()
    return (error < 0.1) & (jnp.abs(root @ root - covariance).max() < 0.1 * jnp.abs(covariance).max())


def _root_of(covariance: Float[Array, "d d"]) -> tuple[Array, Array]:
    """Root and inverse of what has them, to the precision of the numbers."""
    scale = jnp.sqrt(jnp.sum(covariance**2))
    one = jnp.eye(covariance.shape[0], dtype=covariance.dtype)

    def better(carry):
        root, inverse, _, n = carry
        residue = one - inverse @ root
        step = one + residue / 2
        root, inverse = root @ step, step @ inverse
        return root, inverse, jnp.sqrt(jnp.sum(residue**2)), n + 1

    def goes_on(carry):
        return (carry[2] > 1e-4) & (carry[3] < ITERATIONS)

    first = covariance / scale, one, jnp.asarray(jnp.inf, covariance.dtype), jnp.int32(0)
    root, inverse, _, _ = jax.lax.while_loop(goes_on, better, first)
    return root * jnp.sqrt(scale), inverse / jnp.sqrt(scale)


__all__ = ["CMAES", "LARGEST", "CMAState", "Strategy"]
