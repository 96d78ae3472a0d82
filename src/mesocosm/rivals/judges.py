"""Judges of what was seen, written in products of examples alone, so that one program serves every way to see.

Each gets `own` [n, n], products of the examples less their mean; `with_test` [test, n]; `of_test` [test], squared
lengths of the tests; all over the mean squared length of an example. Systems are solved as in `baselines`.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from mesocosm.rivals.baselines import solve
from mesocosm.rivals.learners import JUDGES

_TINY = 1e-8
_STEPS = 60
Gram = Float[Array, "n n"]
Cross = Float[Array, "test n"]
Scores = Float[Array, "test classes"]


def judged(
    judge: str, own: Gram, with_test: Cross, of_test: Float[Array, " test"], one_hot: Float[Array, "n classes"]
) -> Float[Array, "settings test classes"]:
    """Scores by a judge with each of its settings."""
    law = _LAWS[judge]
    return jax.vmap(lambda value: law(own, with_test, of_test, one_hot, value))(jnp.asarray(JUDGES[judge]))


def nearest_mean(x: Array, one_hot: Array, test: Array, _: float) -> Scores:
    """Minus the squared distance to each class mean, over the number of features (ProtoNet)."""
    means = one_hot.T @ x / jnp.maximum(jnp.sum(one_hot, axis=0), 1)[:, None]
    distance = jnp.sum(test**2, axis=1)[:, None] - 2 * test @ means.T + jnp.sum(means**2, axis=1)[None, :]
    return -distance / x.shape[1]


def _class_mean(own: Gram, with_test: Cross, of_test: Array, one_hot: Array, _: Array) -> Scores:
    """The cosine with each class mean, times the length of the test."""
    lengths = jnp.einsum("nc,nm,mc->c", one_hot, own, one_hot)
    return with_test @ one_hot * jax.lax.rsqrt(lengths + _TINY)[None, :]


def _vote(own: Gram, with_test: Cross, of_test: Array, one_hot: Array, sharpness: Array) -> Scores:
    weights = jnp.exp(sharpness * (_cosines(own, with_test, of_test)[1] - 1))
    return jnp.log(weights @ one_hot + 1e-30) - 0.5 * jnp.log(jnp.sum(one_hot, axis=0) + _TINY)[None, :]


def _ridge(own: Gram, with_test: Cross, of_test: Array, one_hot: Array, penalty: Array) -> Scores:
    """Of unit vectors and a constant, on labels +-1."""
    own, with_test = _cosines(own, with_test, of_test)
    return _regressed(1 + own, 1 + with_test, one_hot, penalty)


def _radial(own: Gram, with_test: Cross, of_test: Array, one_hot: Array, sharpness: Array) -> Scores:
    """A least-squares support vector machine with kernel exp(sharpness (cos - 1)), on labels +-1."""
    own, with_test = _cosines(own, with_test, of_test)
    return _regressed(jnp.exp(sharpness * (own - 1)), jnp.exp(sharpness * (with_test - 1)), one_hot, 0.1)


def _regressed(own: Gram, with_test: Cross, one_hot: Array, penalty: Array | float) -> Scores:
    return with_test @ solve(lambda w: own @ w + penalty * w, 2 * one_hot - 1, _STEPS)


def _cosines(own: Gram, with_test: Cross, of_test: Array) -> tuple[Gram, Cross]:
    length = jax.lax.rsqrt(jnp.diagonal(own) + _TINY)
    return own * length[:, None] * length[None, :], with_test * jax.lax.rsqrt(of_test + _TINY)[:, None] * length[
        None, :
    ]


def _lda(own: Gram, with_test: Cross, of_test: Array, one_hot: Array, shrink: Array) -> Scores:
    """Linear discriminants with a covariance shrunk towards a multiple of the identity, by Woodbury's identity.

    The multiple is the mean squared length of a difference within a class, over the number of examples.
    """
    n = own.shape[0]
    mean_of = one_hot / jnp.maximum(jnp.sum(one_hot, axis=0), 1)[None, :]
    rest = jnp.eye(n, dtype=own.dtype) - one_hot @ mean_of.T
    between = rest.T @ own @ rest  # products of what differs within classes
    size = shrink * (jnp.trace(between) / n**2 + 1e-3)
    share = (1 - shrink) / n
    inner = solve(lambda a: size * a + share * between @ a, rest.T @ own @ mean_of, _STEPS)
    weights = (mean_of - share * rest @ inner) / size
    of_means = jnp.sum(mean_of * (own @ weights), axis=0)
    return with_test @ weights - 0.5 * of_means[None, :]


_LAWS: dict[str, Callable[[Array, Array, Array, Array, Array], Scores]] = {
    "class mean": _class_mean,
    "kernel vote": _vote,
    "ridge": _ridge,
    "LDA": _lda,
    "RBF machine": _radial,
}

__all__ = ["judged", "nearest_mean"]
