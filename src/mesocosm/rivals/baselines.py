"""Rivals that store what they have seen, in closed form or to convergence, on the first n examples of a stream.

Linear systems are solved by conjugate gradients: products only, because the routines that XLA calls for solving wait
for ever on a CPU where several virtual devices call them at once.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from mesocosm.rivals.learners import STORED, UNSEEN

_TINY = 1e-8

Examples = Float[Array, "_ p"]
Scores = Float[Array, "test classes"]
Number = float | Float[Array, ""]


def stored(
    family: str,
    x: Examples,
    y: Int[Array, " n"],
    test: Examples,
    classes: int,
    settings: tuple[float, ...] | None = None,
) -> Float[Array, "settings test classes"]:
    """Scores of a rival that stores its examples, with each setting (default: all it may choose from).

    Classes that were not seen have none.
    """
    settings = STORED[family] if settings is None else settings
    one_hot = jax.nn.one_hot(y, classes)
    seen = jnp.where(jnp.sum(one_hot, axis=0) > 0, 0.0, UNSEEN)
    if settings:
        rival = _TUNED[family]
        scores = jax.vmap(lambda v: rival(x, one_hot, test, v))(jnp.asarray(settings))
    elif family == "class mean":
        scores = cosine(test, one_hot.T @ x)[None]
    else:
        scores = neighbours(x, one_hot, test, int(family[0]))[None]
    return scores + seen[None, None, :]


def cosine(a: Float[Array, "n p"], b: Float[Array, "m p"]) -> Float[Array, "n m"]:
    lengths = jnp.sum(a**2, axis=1)[:, None] * jnp.sum(b**2, axis=1)[None, :]
    return (a @ b.T) * jax.lax.rsqrt(lengths + _TINY)


def neighbours(x: Examples, one_hot: Float[Array, "n c"], test: Examples, k: int) -> Scores:
    """The vote of the k nearest (the nearer, the more it counts)."""
    top, which = jax.lax.top_k(cosine(test, x), min(k, x.shape[0]))
    return jnp.sum((1 + 0.1 * top)[:, :, None] * one_hot[which], axis=1)


def vote(x: Examples, one_hot: Float[Array, "n c"], test: Examples, sharpness: Number) -> Scores:
    """Every example votes for its class by exp(sharpness cosine) of centred inputs; a class counts by sqrt(its size).

    E. Nadaraya, "On estimating regression", 1964.
    """
    centre = jnp.mean(x, axis=0, keepdims=True)
    weights = jnp.exp(sharpness * (cosine(test - centre, x - centre) - 1))
    return jnp.log(weights @ one_hot + 1e-30) - 0.5 * jnp.log(jnp.sum(one_hot, axis=0) + _TINY)[None, :]


def radial(x: Examples, one_hot: Float[Array, "n c"], test: Examples, width: Number, penalty: float = 0.1) -> Scores:
    """A least-squares support vector machine with kernel exp(-width |a - b|^2 / p), on labels +-1.

    J. Suykens, J. Vandewalle, "Least squares support vector machine classifiers", 1999 (without its bias).
    """

    def kernel(a: Array, b: Array) -> Array:
        squared = jnp.sum(a**2, axis=1)[:, None] + jnp.sum(b**2, axis=1)[None, :] - 2 * a @ b.T
        return jnp.exp(-width * jnp.maximum(squared, 0) / x.shape[1])

    own = kernel(x, x)
    return kernel(test, x) @ solve(lambda w: own @ w + penalty * w, 2 * one_hot - 1)


def ridge(x: Examples, one_hot: Float[Array, "n c"], penalty: Number) -> Float[Array, "q c"]:
    """Least squares on labels +-1 with a bias: weights and, last, the bias."""
    x = jnp.concatenate([x, jnp.ones_like(x[:, :1])], axis=1)
    return solve(lambda w: x.T @ (x @ w) + penalty * w, x.T @ (2 * one_hot - 1))


def linear(test: Examples, weights: Float[Array, "q c"]) -> Scores:
    return test @ weights[:-1] + weights[-1][None, :]


def lda(x: Examples, one_hot: Float[Array, "n c"], test: Examples, shrink: Number) -> Scores:
    """Linear discriminants with a covariance shrunk towards a multiple of the identity."""
    counts = jnp.maximum(jnp.sum(one_hot, axis=0), 1)
    means = (one_hot.T @ x) / counts[:, None]
    within = x - one_hot @ means
    variance = jnp.mean(within**2) + 1e-3
    n = x.shape[0]
    weights = solve(lambda w: (1 - shrink) * (within.T @ (within @ w)) / n + shrink * variance * w, means.T)
    return test @ weights - 0.5 * jnp.sum(means.T * weights, axis=0)[None, :]


def logistic(x: Examples, one_hot: Float[Array, "n c"], penalty: Number, steps: int = 200) -> Array:
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


_TUNED: dict[str, Callable[[Array, Array, Array, Array], Scores]] = {
    "ridge": lambda x, one_hot, test, v: linear(test, ridge(x, one_hot, v)),
    "shrinkage LDA": lda,
    "logistic regression": lambda x, one_hot, test, v: linear(test, logistic(x, one_hot, v)),
    "RBF machine": radial,
    "kernel vote": vote,
}

__all__ = ["cosine", "lda", "linear", "logistic", "neighbours", "radial", "ridge", "solve", "stored", "vote"]
