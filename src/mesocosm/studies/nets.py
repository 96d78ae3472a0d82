"""Training one small net on one task, many seeds at once: what stands behind the component `net`. jax.

Feedback alignment is that of T. P. Lillicrap et al., Nature Communications 7 (2016): the error goes backward over fixed
random weights.

Sets of different size share a program: inputs, examples and classes are filled up, and what is filled up takes no part.
Compiling takes longer than training.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from jaxtyping import Array, Float32, Int32

from mesocosm.core.flags import as_it_comes
from mesocosm.core.flops import Uncounted, flops

BATCH = 32
EXAMPLES, LEAST, CLASSES = 1000, 16, 32
"""Examples and classes are filled up to so many, inputs to a power of two, at least 16."""

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
      seconds, compile_seconds: for all seeds together; compiling takes no time where the program was there.
      device_bytes: arguments, results and temporaries of the program, for all seeds together.
    """

    accuracy: np.ndarray
    steps: np.ndarray
    flops: float
    seconds: float
    compile_seconds: float
    device_bytes: float = float("nan")


@dataclass(frozen=True)
class Net:
    """What is trained, and how: two that are equal share their programs.

    Args:
      made_by: tells optimisers apart: the part and its source.
    """

    made_by: str
    optimiser: optax.GradientTransformation = field(compare=False)
    activation: str
    width: int
    depth: int
    rule: str
    steps: int


ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh, "gelu": jax.nn.gelu, "silu": jax.nn.silu, "none": lambda x: x}
RULES = ("backprop", "feedback-alignment")


@as_it_comes
def train(split: Split, net: Net, initial: np.ndarray, order: np.ndarray) -> Trained:
    """Train one net a seed with `net.steps` batches of 32, drawn with replacement.

    Args:
      initial, order: seeds of the weights and of the batches, [seeds].
    """
    seeds = initial.astype(np.int32), order.astype(np.int32)
    filled = _filled(split)
    began = time.perf_counter()
    run = _compiled(net, filled[0].shape)
    compile_seconds = time.perf_counter() - began
    began = time.perf_counter()
    accuracy = np.asarray(run(*filled, *_sizes(split), *seeds))
    seconds = time.perf_counter() - began
    points = (np.arange(POINTS) + 1) * (net.steps // POINTS)
    used = run.memory_analysis()
    held = used.argument_size_in_bytes + used.output_size_in_bytes + used.temp_size_in_bytes
    return Trained(accuracy, points, _flops(net, _shape(split)), seconds, compile_seconds, float(held))


def _shape(split: Split) -> tuple[int, ...]:
    """Examples, inputs, tests, classes."""
    return (*split.x.shape[1:], split.x_test.shape[1], split.n_classes)


@lru_cache(maxsize=512)
def _compiled(net: Net, shape: tuple[int, int, int]) -> Any:
    """The program for so many seeds, examples and inputs."""
    n, examples, _ = shape
    numbers = jax.ShapeDtypeStruct(shape, np.float32)
    labels, seeds = (jax.ShapeDtypeStruct(s, np.int32) for s in ((n, examples), (n,)))
    size = jax.ShapeDtypeStruct((), np.int32)
    run = jax.jit(jax.vmap(_learner(net, CLASSES), in_axes=(0, 0, 0, 0, None, None, None, 0, 0)))
    lowered = run.lower(numbers, labels, numbers, labels, size, size, size, seeds, seeds)
    # LLVM's higher levels take twice as long to compile, and such small nets run no faster by them.
    return lowered.compile(compiler_options={"xla_backend_optimization_level": "1"})


@lru_cache(maxsize=4096)
def _flops(net: Net, shape: tuple[int, ...]) -> float:
    """Of one training on the set as it is, not as it is filled up; NaN where they cannot be counted."""
    examples, inputs, tests, n_classes = shape
    x, x_test = (jax.ShapeDtypeStruct((n, inputs), np.float32) for n in (examples, tests))
    y, y_test = (jax.ShapeDtypeStruct((n,), np.int32) for n in (examples, tests))
    size = jax.ShapeDtypeStruct((), np.int32)
    try:
        return flops(_learner(net, n_classes), x, y, x_test, y_test, size, size, size, size, size)
    except Uncounted:
        return float("nan")


def _forward(net: Net, weights: Any, back: Any, x: Array, n_classes: Array) -> Array:
    """Scores; those of classes that a task does not have are out of reach."""
    act = ACTIVATIONS[net.activation]
    for k, ((w, bias), b) in enumerate(zip(weights, back, strict=True)):
        y = x @ w if net.rule == "backprop" else _aligned(x, w, b)
        x = y + bias[None, :]
        x = act(x) if k < len(weights) - 1 else x
    return jnp.where((jnp.arange(x.shape[1], dtype=jnp.int32) < n_classes)[None, :], x, -1e9)


def _learner(net: Net, outputs: int) -> Callable[..., Float32[Array, " points"]]:
    """The training of one net, as a function of its data, how much of them is real, and two seeds."""
    optimiser, steps = net.optimiser, net.steps

    def one(
        x: Float32[Array, "n inputs"],
        y: Int32[Array, " n"],
        x_test: Float32[Array, "m inputs"],
        y_test: Int32[Array, " m"],
        n: Int32[Array, ""],
        n_inputs: Int32[Array, ""],
        n_classes: Int32[Array, ""],
        initial: Int32[Array, ""],
        order: Int32[Array, ""],
    ) -> Float32[Array, " points"]:
        sizes = [x.shape[1], *[net.width] * net.depth, outputs]
        weights, back = _found(initial, sizes, n_inputs)

        def loss(weights: Any, x: Array, y: Array) -> Array:
            scores = _forward(net, weights, back, x, n_classes)
            return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(scores, y))

        def step(carry: Any, key: Array) -> tuple[Any, None]:
            weights, state = carry
            rows = jax.random.randint(key, (BATCH,), 0, n)
            gradient = jax.grad(loss)(weights, x[rows], y[rows])
            with jax.numpy_dtype_promotion("standard"):  # optimisers mix types, also where we are tested not to
                updates, state = optimiser.update(gradient, state, weights)
            return (optax.apply_updates(weights, updates), state), None

        def stretch(carry: Any, keys: Array) -> tuple[Any, Array]:
            carry, _ = lax.scan(step, carry, keys)
            return carry, _accuracy(_forward(net, carry[0], back, x_test, n_classes), y_test)

        keys = jax.random.split(jax.random.key(order), steps // POINTS * POINTS).reshape(POINTS, -1)
        return lax.scan(stretch, (weights, optimiser.init(weights)), keys)[1]

    return one


def _accuracy(scores: Array, y: Array) -> Array:
    """Share of right answers among real examples, y >= 0; nan where scores diverged."""
    is_real = y >= 0
    right = is_real & (jnp.argmax(scores, axis=-1).astype(jnp.int32) == y)
    share = jnp.sum(right.astype(jnp.float32)) / jnp.sum(is_real.astype(jnp.float32))
    return jnp.where(jnp.all(jnp.isfinite(scores)), share, jnp.nan)


def _found(seed: Array, sizes: list[int], n_inputs: Array) -> tuple[Any, Any]:
    """Weights and biases by layer, and the weights over which errors go back (He's initial spread)."""
    keys = jax.random.split(jax.random.key(seed), 2 * (len(sizes) - 1))
    shapes = list(itertools.pairwise(sizes))
    fans = [n_inputs.astype(jnp.float32), *sizes[1:-1]]
    drawn = [
        jnp.sqrt(2.0 / fan) * jax.random.normal(key, shape)
        for key, shape, fan in zip(keys, shapes * 2, fans * 2, strict=True)
    ]
    weights, back = drawn[: len(shapes)], drawn[len(shapes) :]
    return [(w, jnp.zeros(w.shape[1])) for w in weights], back


def _sizes(split: Split) -> tuple[np.int32, np.int32, np.int32]:
    """How many examples, inputs and classes are real."""
    return np.int32(split.x.shape[1]), np.int32(split.x.shape[2]), np.int32(split.n_classes)


def _filled(split: Split) -> tuple[np.ndarray, ...]:
    """Inputs with zeros, classes with -1, which are nobody's."""
    inputs = max(LEAST, 1 << (split.x.shape[2] - 1).bit_length())

    def fill(values: np.ndarray, shape: tuple[int, ...], value: float) -> np.ndarray:
        return np.pad(values, [(0, b - a) for a, b in zip(values.shape, shape, strict=True)], constant_values=value)

    n = len(split.x)
    shape, labels = (n, EXAMPLES, inputs), (n, EXAMPLES)
    return (
        fill(split.x, shape, 0),
        fill(split.y, labels, -1),
        fill(split.x_test, shape, 0),
        fill(split.y_test, labels, -1),
    )


def _aligned(x: Array, w: Array, back: Array) -> Array:
    """x @ w, whose gradient for x is that of x @ back."""
    through = x @ lax.stop_gradient(back)
    return lax.stop_gradient(x) @ w + through - lax.stop_gradient(through)
