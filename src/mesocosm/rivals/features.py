"""Rivals that know images: class means of features of a small convolutional net, meta-trained on the same tasks as
rules with fields; and class means of the same random fields, through which no rule has been evolved to look.

References: J. Snell, K. Swersky, R. Zemel, "Prototypical networks for few-shot learning", 2017 (trained on episodes);
W.-Y. Chen et al., "A closer look at few-shot classification", 2019 (trained to tell all classes apart).
"""

from __future__ import annotations

import math
from importlib import resources
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from mesocosm.rivals.baselines import UNSEEN, cosine, vote
from mesocosm.rivals.learners import SPATIAL
from mesocosm.rules.form import Fields
from mesocosm.rules.wiring import FieldWiring

WIDTH = 32
"""Channels of each level of 3 x 3 convolutions; all but the last are followed by the maximum of 2 x 2."""
LEVELS = 3
SHIPPED = "trunks.npz"
"""Weights after each of `TRAININGS`, as `python -m benchmarks.trunks` made them."""
_SEED = 14


class Trunk(eqx.Module):
    """Features of images [n, pixels] -> [n, features]."""

    kernels: tuple[Array, ...]
    biases: tuple[Array, ...]

    @staticmethod
    def found(key: Array) -> Trunk:
        """Random weights (He initialisation)."""
        shapes = [(3, 3, 1 if level == 0 else WIDTH, WIDTH) for level in range(LEVELS)]
        keys = jax.random.split(key, len(shapes))
        drawn = (jax.random.normal(k, s) * math.sqrt(2 / (9 * s[2])) for k, s in zip(keys, shapes, strict=True))
        return Trunk(tuple(drawn), tuple(jnp.zeros(WIDTH) for _ in shapes))

    def __call__(self, x: Float[Array, "n pixels"]) -> Float[Array, "n features"]:
        side = math.isqrt(x.shape[1])
        x = x.reshape(-1, side, side, 1)
        for level, (kernel, bias) in enumerate(zip(self.kernels, self.biases, strict=True)):
            x = jax.nn.relu(_convolved(x, kernel) + bias[None, None, None])
            if level < LEVELS - 1 and x.shape[1] > 1:
                x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        return x.reshape(x.shape[0], -1)


def _convolved(x: Float[Array, "n h w i"], kernel: Float[Array, "3 3 i o"]) -> Float[Array, "n h w o"]:
    """With zeros around it, as one product: several times as fast on a CPU as the compiler's convolution."""
    height, width = x.shape[1:3]
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    near = [padded[:, r : r + height, c : c + width] for r in range(3) for c in range(3)]
    return jnp.concatenate(near, axis=-1) @ kernel.reshape(-1, kernel.shape[3])


class Eyes(eqx.Module):
    """What each spatial rival sees of an image, with each of its settings.

    Args:
      episodes, labels: trunks that were trained on episodes, and to tell all classes apart; leaves [trainings, ...].
      random: strengths [channels, width^2] of fields.
    """

    episodes: Trunk
    labels: Trunk
    random: Array
    wiring: FieldWiring = eqx.field(static=True)

    def look(
        self, x: Float[Array, "n pixels"], through: tuple[str, ...] = ("episodes", "labels", "fields")
    ) -> dict[str, Float[Array, "trainings n features"]]:
        """Features by what was looked through."""
        out = {kind: jax.vmap(lambda trunk: trunk(x))(getattr(self, kind)) for kind in through if kind != "fields"}
        if "fields" in through:
            out["fields"] = jax.vmap(lambda image: self.wiring.forward(image[None], self.random[None], True)[0])(x)[
                None
            ]
        return out


def seen_through(family: str) -> str:
    """What a spatial rival looks through."""
    return _JUDGES[family][0]


def spatial_scores(
    family: str, seen: dict[str, Array], y: Array, n_tests: int, classes: int
) -> Float[Array, "settings test classes"]:
    """Scores of a spatial rival: of what was seen, the first are examples with these labels, the last are the test."""
    through, judge, settings = _JUDGES[family]
    one_hot = jax.nn.one_hot(y, classes)
    counts = jnp.sum(one_hot, axis=0)

    def with_setting(features: Array) -> list[Array]:
        x, test = features[: y.shape[0]], features[-n_tests:]
        return [judge(x, one_hot, test, value) for value in settings]

    scores = jnp.concatenate([jnp.stack(with_setting(features)) for features in seen[through]])
    return scores + jnp.where(counts > 0, 0.0, UNSEEN)[None, None, :]


def nearest_mean(x: Array, one_hot: Array, test: Array, _: float) -> Array:
    """Minus the squared distance to each class mean, over the number of features (ProtoNet)."""
    means = one_hot.T @ x / jnp.maximum(jnp.sum(one_hot, axis=0), 1)[:, None]
    distance = jnp.sum(test**2, axis=1)[:, None] - 2 * test @ means.T + jnp.sum(means**2, axis=1)[None, :]
    return -distance / x.shape[1]


def _centred(judge: Any) -> Any:
    def judged(x: Array, one_hot: Array, test: Array, value: float) -> Array:
        centre = jnp.mean(x, axis=0, keepdims=True)
        return judge(x - centre, one_hot, test - centre, value)

    return judged


def _mean_cosine(x: Array, one_hot: Array, test: Array, _: float) -> Array:
    return cosine(test, one_hot.T @ x)


_JUDGES: dict[str, tuple[str, Any, tuple[float, ...]]] = {
    "ProtoNet-CNN": ("episodes", nearest_mean, (0.0,)),
    "class mean of trained features": ("labels", _centred(_mean_cosine), (0.0,)),
    "kernel vote of trained features": ("labels", _centred(vote), (16.0,)),
    "class mean of random fields": ("fields", _centred(_mean_cosine), (0.0,)),
    "kernel vote of random fields": ("fields", _centred(vote), SPATIAL["kernel vote of random fields"]),
}


def build_eyes(side: int, fields: Fields) -> Eyes:
    """Spatial rivals as they come with the project: meta-trained on Omniglot at 14x14, they look at any size."""
    with resources.files("mesocosm.rivals").joinpath(SHIPPED).open("rb") as file:
        kept = {name: jnp.asarray(values, jnp.float32) for name, values in np.load(file).items()}

    def trunk(kind: str) -> Trunk:
        parts = ([kept[f"{kind} {part} {level}"] for level in range(LEVELS)] for part in ("kernels", "biases"))
        return Trunk(*map(tuple, parts))

    wiring = FieldWiring(side, fields)
    return Eyes(trunk("episodes"), trunk("labels"), jax.random.normal(jax.random.key(_SEED), wiring.shape), wiring)


__all__ = ["SHIPPED", "Eyes", "Trunk", "build_eyes", "nearest_mean", "seen_through", "spatial_scores"]
