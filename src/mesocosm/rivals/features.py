"""Rivals that know images: what they see, by training, by hand or by chance, and every judge on all of it.

References: J. Snell, K. Swersky, R. Zemel, "Prototypical networks for few-shot learning", 2017 (trained on episodes);
W.-Y. Chen et al., "A closer look at few-shot classification", 2019 (trained to tell all classes apart). What is trained
was meta-trained on the same tasks as rules with fields, or as rules with eyes (varied).
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

from mesocosm.rivals.judges import judged, nearest_mean
from mesocosm.rivals.learners import JUDGES, OWN, UNSEEN, WAYS
from mesocosm.rules.areas import Area, Beside, Chain, Oriented, Retina, Upright
from mesocosm.rules.brain import Brain, before_keys
from mesocosm.rules.form import Fields
from mesocosm.rules.rule import EvolvedRule
from mesocosm.rules.wiring import FieldWiring

WIDTH = 32
"""Channels of each level of 3 x 3 convolutions; all but the last are followed by the maximum of 2 x 2."""
LEVELS = 3
SHIPPED = "trunks.npz"
"""Weights after each training, as `python -m benchmarks.trunks` made them."""
STATISTICS = "fields.npz"
"""Of random fields over varied tasks, as `python -m benchmarks.eyes` made them."""
SIDE, FIELDS = 14, Fields(channels=32)
"""Through which these fields look."""
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


class Glance(eqx.Module):
    """What an area without a life of its own answers to images [n, pixels] -> [n, features]."""

    area: Area
    genes: Any
    state: Any

    @staticmethod
    def by_hand(area: Area, heard: int) -> Glance:
        """With the genes that are written by hand."""
        genes = area.found(jax.random.key(0), heard)
        return Glance(area, genes, area.begin(genes, heard, jax.random.key(0)))

    def __call__(self, x: Float[Array, "n pixels"]) -> Float[Array, "n features"]:
        return jax.vmap(lambda image: self.area.answer(self.genes, self.state, image))(x)


class RandomFields(eqx.Module):
    """The pooled energy of matches with random strengths, or its root over a matrix."""

    strengths: Array
    wiring: FieldWiring = eqx.field(static=True)
    after: tuple[Array, Array] | None = None  # what is usual, and the matrix

    def __call__(self, x: Float[Array, "n pixels"]) -> Float[Array, "n features"]:
        x = jax.vmap(lambda image: Retina(self.wiring.side).answer({}, (), image))(x)
        seen = jax.vmap(lambda image: self.wiring.forward(image[None], self.strengths[None], True)[0])(x)
        return seen if self.after is None else (jnp.sqrt(seen) - self.after[0][None, :]) @ self.after[1]


class Eyes(eqx.Module):
    """Ways to see an image, each in one or several forms that a rival may choose from."""

    ways: dict[str, Any]
    many: tuple[str, ...] = eqx.field(static=True)
    """Ways with several forms, along the first axis of their leaves."""

    def look(
        self, x: Float[Array, "n pixels"], through: tuple[str, ...] | None = None
    ) -> dict[str, Float[Array, "forms n features"]]:
        """Features by way."""
        out = {}
        for name in through or self.ways:
            way = self.ways[name]
            out[name] = jax.vmap(lambda one: one(x))(way) if name in self.many else way(x)[None]
        return out


def spatial_scores(
    seen: dict[str, Array], y: Array, n_tests: int, classes: int, only: str | None = None
) -> Float[Array, "settings test classes"]:
    """Scores of all spatial rivals in the order of `spatial`, or of `only` one.

    Of what was seen, the first are examples with these labels, the last are the test.
    """
    one_hot = jax.nn.one_hot(y, classes)
    unseen = jnp.where(jnp.sum(one_hot, axis=0) > 0, 0.0, UNSEEN)
    out = []
    if only in (None, "ProtoNet-CNN") and "episodes" in seen:
        out += [nearest_mean(f[: y.shape[0]], one_hot, f[-n_tests:], 0.0)[None] for f in seen["episodes"]]
    ways = {word: seen[word] for word in WAYS if word in seen and (only is None or only.endswith(f" of {word}"))}
    if ways:
        grams = [_grams(f[: y.shape[0]], f[-n_tests:]) for forms in ways.values() for f in forms]
        stacked: Any = jax.tree.map(lambda *leaves: jnp.stack(leaves), *grams)
        judges = [j for j in JUDGES if only is None or only.startswith(f"{j} of ")]
        by_judge = {
            j: jax.vmap(lambda own, cross, test, j=j: judged(j, own, cross, test, one_hot))(*stacked) for j in judges
        }
        begin = 0
        for forms in ways.values():  # in the order of names: ways, judges, forms, settings
            end = begin + forms.shape[0]
            out += [scores[begin:end].reshape(-1, n_tests, classes) for scores in by_judge.values()]
            begin = end
    return jnp.concatenate(out) + unseen[None, None, :]


def _grams(x: Array, test: Array) -> tuple[Array, Array, Array]:
    """Products of examples, of tests with examples, and of tests with themselves, all less the mean example."""
    centre = jnp.mean(x, axis=0, keepdims=True)
    x, test = x - centre, test - centre
    size = jnp.mean(jnp.sum(x**2, axis=1)) + 1e-12
    return x @ x.T / size, test @ x.T / size, jnp.sum(test**2, axis=1) / size


def build_eyes(side: int, fields: Fields | None = None, own: Glance | None = None) -> Eyes:
    """Spatial rivals as they come with the project: meta-trained on Omniglot at 14x14, they look at any size.

    Args:
      fields: those of the rules, for random ones like them.
      own: what rules with eyes see themselves.
    """
    trunks, statistics = _kept(SHIPPED), _kept(STATISTICS)

    def trunk(kind: str) -> Trunk:
        parts = ([trunks[f"{kind} {part} {level}"] for level in range(LEVELS)] for part in ("kernels", "biases"))
        return Trunk(*map(tuple, parts))

    ways: dict[str, Any] = {"episodes": trunk("episodes"), "trained features": trunk("labels")}
    ways["varied features"] = trunk("varied")
    ways["random fields"] = RandomFields(*random_fields(side, fields or FIELDS))
    small = random_fields(SIDE, FIELDS)
    for word in ("decorrelated fields", "metric fields"):
        ways[word] = RandomFields(*small, (statistics[f"{word} usual"], statistics[f"{word} matrix"]))
    for word, area in (("oriented fields", plain_view()), ("upright fields", both_views())):
        ways[word] = Glance.by_hand(Chain((Retina(SIDE), area)), side**2)
    if own is not None:
        ways[OWN] = own
    return Eyes(ways, ("episodes", "trained features", "varied features"))


def sight(rule: EvolvedRule) -> Glance:
    """What a rule with eyes tells its (first) keys, before it has learnt anything."""
    assert isinstance(rule.net, Brain)
    chain, genes = before_keys(rule.net, rule.genome)
    return Glance(chain, genes, chain.begin(genes, rule.net.sizes[0], jax.random.key(0)))


def plain_view() -> Area:
    """Oriented energies of the image as it lies."""
    return Oriented(8, 6)


def both_views() -> Area:
    """Beside them those of the image set upright."""
    return Beside((Chain((Upright(), Oriented(8, 7))), Oriented(8, 5)))


def random_fields(side: int, fields: Fields) -> tuple[Array, FieldWiring]:
    """Strengths [channels, width^2] by chance, the same in every run, and how they look at an image."""
    wiring = FieldWiring(side, fields)
    return jax.random.normal(jax.random.key(_SEED), wiring.shape), wiring


def _kept(name: str) -> dict[str, Array]:
    with resources.files("mesocosm.rivals").joinpath(name).open("rb") as file:
        return {word: jnp.asarray(np.asarray(values, np.float32)) for word, values in np.load(file).items()}


__all__ = ["FIELDS", "SHIPPED", "SIDE", "STATISTICS", "Eyes", "Glance", "RandomFields", "Trunk"]
__all__ += ["both_views", "build_eyes", "plain_view", "random_fields", "sight", "spatial_scores"]
