"""Innate synapses refined by the gradient of what they are for: naming the classes of tasks that are thrown away.

The loss is that of keys at rest, which is kernel ridge regression and so has a closed form, and of class means, through
cosines of what the synapses tell; its gradient is followed over many tasks (meta-gradient, Adam).

J. Snell, K. Swersky, R. Zemel, "Prototypical networks for few-shot learning", 2017; L. Bertinetto et al.,
"Meta-learning with differentiable closed-form solvers", 2019.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int

from mesocosm.rules.keys import DECAY, GAIN, SHARPNESS

_TINY = 1e-6
Draw = Callable[[Array], tuple[Array, Array]]
"""From a key to tasks: what is heard [tasks, examples, n], and labels [tasks, examples]."""


def refined(
    usual: np.ndarray, strengths: np.ndarray, draw: Draw, classes: int, steps: int, rate: float, key: Array
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is usual [n] and the synapses [n, features] after so many steps, and the loss before each [steps]."""
    size = float(np.sqrt(np.mean(np.square(strengths))))
    start = {"usual": jnp.asarray(usual, jnp.float32), "strengths": jnp.asarray(strengths / size, jnp.float32)}
    start["loud"] = jnp.array(math.log(GAIN))  # that of this loss alone: what is refined is who is like whom
    optimiser = optax.adam(optax.cosine_decay_schedule(rate, steps))

    @jax.jit
    def step(carry: tuple[Any, Any], key: Array) -> tuple[tuple[Any, Any], Array]:
        values, memory = carry
        heard, labels = draw(key)
        loss, slope = jax.value_and_grad(_over_tasks)(values, heard, labels, classes)
        with jax.numpy_dtype_promotion("standard"):  # optax relies on it even where it is made an error
            change, memory = optimiser.update(slope, memory)
        return (optax.apply_updates(values, change), memory), loss

    carry: tuple[Any, Any] = start, optimiser.init(start)
    losses = []
    for one in jax.random.split(key, steps):
        carry, loss = step(carry, one)
        losses.append(float(loss))
    return np.asarray(carry[0]["usual"]), np.asarray(carry[0]["strengths"]) * size, np.asarray(losses)


def _over_tasks(values: dict[str, Array], heard: Array, labels: Array, classes: int) -> Array:
    told = (heard - values["usual"][None, None, :]) @ values["strengths"]
    return jnp.mean(jax.vmap(lambda f, y: named(f, y, classes, jnp.exp(values["loud"])))(told, labels))


def named(
    told: Float[Array, "examples features"], labels: Int[Array, " examples"], classes: int, gain: Array | float = GAIN
) -> Float[Array, ""]:
    """The loss of a task: mean cross-entropy of the second half of its examples, where their class is known.

    Known are the first 3/16 of the examples, and then the first half; keys at rest answer, and class means.
    """
    n = labels.shape[0]
    unit = told * jax.lax.rsqrt(jnp.sum(told**2, axis=1, keepdims=True) + _TINY)
    test = jax.nn.one_hot(labels[n // 2 :], classes)
    losses = []
    for known in (3 * n // 16, n // 2):
        one_hot = jax.nn.one_hot(labels[:known], classes)
        is_known = jnp.sum(one_hot, axis=0) > 0
        for answers in (_at_rest, _by_means):
            logits = jnp.where(is_known[None, :], gain * answers(unit[:known], one_hot, unit[n // 2 :]), -1e9)
            wrong = -jnp.sum(jnp.where(test > 0, jax.nn.log_softmax(logits), 0), axis=1)
            counts = test @ is_known.astype(test.dtype)
            losses.append(jnp.sum(wrong * counts) / jnp.maximum(jnp.sum(counts), 1))
    return jnp.mean(jnp.stack(losses))


def _at_rest(unit: Array, one_hot: Array, test: Array) -> Array:
    """What keys answer that have been rehearsed for ever."""
    own = _fires(unit @ unit.T) + DECAY * jnp.eye(unit.shape[0], dtype=unit.dtype)
    values = jnp.linalg.solve(own, one_hot - jnp.mean(one_hot, axis=0, keepdims=True))
    return _fires(test @ unit.T) @ values


def _fires(cosines: Array) -> Array:
    return jnp.expm1(SHARPNESS * cosines) / math.expm1(SHARPNESS)


def _by_means(unit: Array, one_hot: Array, test: Array) -> Array:
    means = one_hot.T @ unit
    return test @ (means * jax.lax.rsqrt(jnp.sum(means**2, axis=1, keepdims=True) + _TINY)).T


__all__ = ["named", "refined"]
