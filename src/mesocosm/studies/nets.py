"""Training one small net on one task, many seeds at once: what stands behind the component `net`. jax.

Feedback alignment is that of T. P. Lillicrap et al., Nature Communications 7 (2016): the error goes backward over fixed
random weights.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from jaxtyping import Array, Float32, Int32

from mesocosm.studies.cost import Uncounted, flops

BATCH = 32
POINTS = 5
"""Points of the curve."""


@dataclass(frozen=True)
class Split:
    """What a learner is given, for each seed: inputs and classes to learn from, and others to be tested on.

    Shapes: `[seeds, examples, numbers]` and `[seeds, examples]`.
    """

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    n_classes: int


@dataclass(frozen=True)
class Trained:
    """What came of it.

    Args:
      accuracy: on the test, [seeds, points]; NaN where the net is not finite any more.
      steps: at each point.
      flops: of the whole training of one seed; NaN where they cannot be counted.
      seconds, compile_seconds: for all seeds together.
    """

    accuracy: np.ndarray
    steps: np.ndarray
    flops: float
    seconds: float
    compile_seconds: float


ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh, "gelu": jax.nn.gelu, "silu": jax.nn.silu, "none": lambda x: x}
RULES = ("backprop", "feedback-alignment")


def train(
    split: Split,
    optimiser: optax.GradientTransformation,
    activation: str,
    width: int,
    depth: int,
    rule: str,
    steps: int,
    initial: np.ndarray,
    order: np.ndarray,
) -> Trained:
    """Train one net a seed with `steps` batches of 32, drawn with replacement.

    Args:
      initial, order: seeds of the weights and of the batches, [seeds].
    """
    act, sizes = ACTIVATIONS[activation], [split.x.shape[-1], *[width] * depth, split.n_classes]

    def found(seed: Int32[Array, ""]) -> list[tuple[Array, Array, Array]]:
        keys = jax.random.split(jax.random.key(seed), 2 * (len(sizes) - 1))
        shapes = list(zip(sizes, sizes[1:], strict=False))
        weights = [_he(k, shape) for k, shape in zip(keys[: len(shapes)], shapes, strict=True)]
        back = [_he(k, shape) for k, shape in zip(keys[len(shapes) :], shapes, strict=True)]
        return [(w, jnp.zeros(w.shape[1]), b) for w, b in zip(weights, back, strict=True)]

    def forward(weights: Any, back: Any, x: Array) -> Array:
        for k, ((w, bias), b) in enumerate(zip(weights, back, strict=True)):
            y = x @ w if rule == "backprop" else _aligned(x, w, b)
            x = y + bias[None, :]
            x = act(x) if k < len(weights) - 1 else x
        return x

    def one(
        x: Array, y: Array, x_test: Array, y_test: Array, initial: Array, order: Array
    ) -> Float32[Array, " points"]:
        layers = found(initial)
        weights, back = [(w, bias) for w, bias, _ in layers], [b for _, _, b in layers]

        def loss(weights: Any, x: Array, y: Array) -> Array:
            return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(forward(weights, back, x), y))

        def step(carry: Any, key: Array) -> tuple[Any, None]:
            weights, state = carry
            rows = jax.random.randint(key, (BATCH,), 0, x.shape[0])
            updates, state = optimiser.update(jax.grad(loss)(weights, x[rows], y[rows]), state, weights)
            return (optax.apply_updates(weights, updates), state), None

        def stretch(carry: Any, keys: Array) -> tuple[Any, Array]:
            carry, _ = lax.scan(step, carry, keys)
            scores = forward(carry[0], back, x_test)
            right = jnp.mean((jnp.argmax(scores, axis=-1) == y_test).astype(jnp.float32))
            return carry, jnp.where(jnp.all(jnp.isfinite(scores)), right, jnp.nan)

        keys = jax.random.split(jax.random.key(order), steps // POINTS * POINTS).reshape(POINTS, -1)
        return lax.scan(stretch, (weights, optimiser.init(weights)), keys)[1]

    arguments = (split.x, split.y, split.x_test, split.y_test, initial.astype(np.int32), order.astype(np.int32))
    began = time.perf_counter()
    compiled = jax.jit(jax.vmap(one)).lower(*arguments).compile()
    compile_seconds = time.perf_counter() - began
    began = time.perf_counter()
    accuracy = np.asarray(compiled(*arguments))
    seconds = time.perf_counter() - began
    try:
        counted = flops(one, *(a[0] for a in arguments))
    except Uncounted:
        counted = float("nan")
    points = (np.arange(POINTS) + 1) * (steps // POINTS)
    return Trained(accuracy, points, counted, seconds, compile_seconds)


def _he(key: Array, shape: tuple[int, int]) -> Array:
    return jnp.sqrt(2.0 / shape[0]) * jax.random.normal(key, shape)


def _aligned(x: Array, w: Array, back: Array) -> Array:
    """x @ w, whose gradient for x is that of x @ back."""
    through = x @ lax.stop_gradient(back)
    return lax.stop_gradient(x) @ w + through - lax.stop_gradient(through)
