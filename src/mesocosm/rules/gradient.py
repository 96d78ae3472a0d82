"""The rival in the same harness: a net that learns by the gradient of its loss, with any optax optimiser.

With `feedback="alignment"` errors go back over fixed random weights instead (T. Lillicrap et al., "Random synaptic
feedback weights support error backpropagation for deep learning", 2016).
"""

from __future__ import annotations

from typing import Any, Literal, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


@runtime_checkable
class Optimiser(Protocol):
    """What an `optax.GradientTransformation` offers; optax itself is needed only by whoever makes one."""

    init: Any
    update: Any


class GradientState(eqx.Module):
    weights: tuple[Array, ...]  # each [before + 1, after]: the last row is the bias
    feedback: tuple[Array, ...]  # fixed random weights of each layer but the first, or empty
    optimiser: Any


class GradientRule(eqx.Module):
    """Softmax cross-entropy, one step an example, rectified hidden levels.

    Args:
      sizes: neurons in each level, from inputs to classes.
      optimiser: for example `optax.sgd(0.1)`.
      scale: initial weights are normal with variance scale^2 / fan-in; the last layer begins at zero.
      feedback: "gradient", or "alignment" for fixed random weights on the way back.
    """

    optimiser: Optimiser = eqx.field(static=True)
    sizes: tuple[int, ...] = eqx.field(static=True)
    scale: float | Array = 1.0
    feedback: Literal["gradient", "alignment"] = eqx.field(static=True, default="gradient")

    def begin(self, key: Array) -> GradientState:
        """The state of a net that has seen nothing. `key` is consumed."""
        k1, k2 = jax.random.split(key)
        shapes = list(zip(self.sizes[:-1], self.sizes[1:], strict=True))
        weights = [self._drawn(k, a, b) for k, (a, b) in zip(jax.random.split(k1, len(shapes)), shapes, strict=True)]
        weights[-1] = jnp.zeros_like(weights[-1])
        fixed = ()
        if self.feedback == "alignment":
            keys = jax.random.split(k2, len(shapes))
            fixed = tuple(self._drawn(k, a, b)[:-1] for k, (a, b) in zip(keys[1:], shapes[1:], strict=True))
        return GradientState(tuple(weights), fixed, self.optimiser.init(tuple(weights)))

    def _drawn(self, key: Array, before: int, after: int) -> Array:
        drawn = jax.random.normal(key, (before, after)) * (self.scale / before**0.5)
        return jnp.concatenate([drawn, jnp.zeros((1, after))])

    def predict(self, state: GradientState, x: Float[Array, " inputs"]) -> Float[Array, " classes"]:
        """Logits for one example."""
        return self._levels(state.weights, x)[-1]

    def learn(
        self, state: GradientState, x: Float[Array, " inputs"], label: Float[Array, " classes"]
    ) -> tuple[GradientState, Float[Array, " classes"]]:
        """The state after one example, and the logits that were given before its label (one-hot) was told."""
        levels = self._levels(state.weights, x)
        error = jax.nn.softmax(levels[-1]) - label
        gradients = []
        for layer in range(len(state.weights) - 1, -1, -1):
            gradients.append(jnp.concatenate([levels[layer], jnp.ones_like(x[:1])])[:, None] * error[None, :])
            if layer > 0:
                back = state.feedback[layer - 1] if state.feedback else state.weights[layer][:-1]
                error = jnp.where(levels[layer] > 0, back @ error, 0)
        with jax.numpy_dtype_promotion("standard"):  # optax relies on it even where it is made an error
            updates, optimiser = self.optimiser.update(tuple(gradients[::-1]), state.optimiser, state.weights)
        weights = tuple(w + u for w, u in zip(state.weights, updates, strict=True))
        return GradientState(weights, state.feedback, optimiser), levels[-1]

    def _levels(self, weights: tuple[Array, ...], x: Array) -> list[Array]:
        levels = [x]
        for layer, w in enumerate(weights):
            a = levels[-1] @ w[:-1] + w[-1]
            levels.append(a if layer == len(weights) - 1 else jax.nn.relu(a))
        return levels


__all__ = ["GradientRule", "GradientState"]
