"""Rivals that store what they have seen, in closed form or to convergence, on the first n examples of a stream.

Linear systems are solved by conjugate gradients: products only, because the routines that XLA calls for solving wait
for ever on a CPU where several virtual devices call them at once.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from mesocosm.experiments.digits_shown.learners import LOGISTIC, RIDGE, SHRINKAGE

_TINY = 1e-8
_NEVER = -1e9
"""The score of a class that was not yet seen."""

Scores = Float[Array, "test classes"]


def stored(x: Float[Array, "n p"], y: Int[Array, " n"], test: Float[Array, "test p"], classes: int) -> list[Scores]:
    """Scores of each rival that stores its examples, in the order of `learners.rivals`."""
    one_hot = jax.nn.one_hot(y, classes)
    seen = jnp.where(jnp.sum(one_hot, axis=0) > 0, 0.0, _NEVER)
    scores = [cosine(test, one_hot.T @ x), *neighbours(x, one_hot, test)]
    scores += [linear(test, ridge(x, one_hot, v)) for v in RIDGE]
    scores += [lda(x, one_hot, test, v) for v in SHRINKAGE]
    scores += [linear(test, logistic(x, one_hot, v)) for v in LOGISTIC]
    return [s + seen[None, :] for s in scores]


def cosine(a: Float[Array, "n p"], b: Float[Array, "m p"]) -> Float[Array, "n m"]:
    lengths = jnp.sum(a**2, axis=1)[:, None] * jnp.sum(b**2, axis=1)[None, :]
    return (a @ b.T) * jax.lax.rsqrt(lengths + _TINY)


def neighbours(x: Float[Array, "n p"], one_hot: Float[Array, "n c"], test: Float[Array, "test p"]) -> list[Scores]:
    """The nearest example, and the vote of the three nearest (the nearer, the more it counts)."""
    similarity = cosine(test, x)
    top, which = jax.lax.top_k(similarity, min(3, x.shape[0]))
    votes = (1 + 0.1 * top)[:, :, None] * one_hot[which]
    return [votes[:, 0], jnp.sum(votes, axis=1)]


def ridge(x: Float[Array, "n p"], one_hot: Float[Array, "n c"], penalty: float) -> Float[Array, "q c"]:
    """Least squares on labels +-1 with a bias: weights and, last, the bias."""
    x = jnp.concatenate([x, jnp.ones_like(x[:, :1])], axis=1)
    return solve(lambda w: x.T @ (x @ w) + penalty * w, x.T @ (2 * one_hot - 1))


def linear(test: Float[Array, "test p"], weights: Float[Array, "q c"]) -> Scores:
    return test @ weights[:-1] + weights[-1][None, :]


def lda(x: Float[Array, "n p"], one_hot: Float[Array, "n c"], test: Float[Array, "test p"], shrink: float) -> Scores:
    """Linear discriminants with a covariance shrunk towards a multiple of the identity."""
    counts = jnp.maximum(jnp.sum(one_hot, axis=0), 1)
    means = (one_hot.T @ x) / counts[:, None]
    within = x - one_hot @ means
    variance = jnp.mean(within**2) + 1e-3
    n = x.shape[0]
    weights = solve(lambda w: (1 - shrink) * (within.T @ (within @ w)) / n + shrink * variance * w, means.T)
    return test @ weights - 0.5 * jnp.sum(means.T * weights, axis=0)[None, :]


def logistic(x: Float[Array, "n p"], one_hot: Float[Array, "n c"], penalty: float, steps: int = 200) -> Array:
    """Softmax regression to convergence by accelerated gradient steps: weights and, last, the bias."""
    x = jnp.concatenate([x, jnp.ones_like(x[:, :1])], axis=1)
    n = x.shape[0]
    rate = 1 / (0.5 * jnp.mean(jnp.sum(x**2, axis=1)) + penalty)  # the inverse of a bound of the curvature

    def step(carry, t):
        w, before = carry
        ahead = w + t / (t + 3) * (w - before)
        slope = x.T @ (jax.nn.softmax(x @ ahead) - one_hot) / n + penalty * ahead
        return (ahead - rate * slope, w), None

    zero = jnp.zeros((x.shape[1], one_hot.shape[1]))
    return jax.lax.scan(step, (zero, zero), jnp.arange(steps, dtype=jnp.float32))[0][0]


def solve(operator: Callable[[Array], Array], right: Float[Array, "p c"], steps: int = 100) -> Float[Array, "p c"]:
    """`operator(w) = right` by conjugate gradients, every column for itself; the operator is positive."""

    def step(carry, _):
        w, residue, direction, size = carry
        pushed = operator(direction)
        amount = size / (jnp.sum(direction * pushed, axis=0) + 1e-20)
        residue = residue - amount[None, :] * pushed
        new_size = jnp.sum(residue**2, axis=0)
        direction = residue + (new_size / (size + 1e-20))[None, :] * direction
        return (w + amount[None, :] * carry[2], residue, direction, new_size), None

    first = jnp.zeros_like(right), right, right, jnp.sum(right**2, axis=0)
    return jax.lax.scan(step, first, None, length=steps)[0][0]


__all__ = ["cosine", "lda", "linear", "logistic", "neighbours", "ridge", "solve", "stored"]
