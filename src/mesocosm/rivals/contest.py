"""The rivals on one stream, each with all its settings side by side."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int32

from mesocosm.rivals.baselines import stored
from mesocosm.rivals.features import Eyes, spatial_scores
from mesocosm.rivals.learners import HIDDEN, ONLINE, ONLINE_OWN, OWN, STORED
from mesocosm.rivals.school import Learner, hits_after
from mesocosm.rules.gradient import GradientRule
from mesocosm.tasks.streams import Stream


class Centred(eqx.Module):
    """A learner that is shown each input less its running mean, by a share of 0 or 1."""

    learner: Learner
    share: Array
    pixels: int = eqx.field(static=True)

    def begin(self, key: Array) -> Any:
        return self.learner.begin(key), jnp.zeros(self.pixels), jnp.float32(0)

    def predict(self, state: Any, x: Array) -> Array:
        inner, total, n = state
        return self.learner.predict(inner, x - self.share * total / jnp.maximum(n, 1))

    def learn(self, state: Any, x: Array, label: Array) -> tuple[Any, Array]:
        inner, total, n = state
        total, n = total + x, n + 1
        inner, logits = self.learner.learn(inner, x - self.share * total / n, label)
        return (inner, total, n), logits


def learner_of(family: str, pixels: int, classes: int, rate: Any, scale: Any, centred: Any) -> Learner:
    """A rival with one setting, whose values may be traced."""
    import optax

    word, _, net = family.partition(" of ")[0].partition(" ")
    sizes = (pixels, classes) if net == "linear" else (pixels, HIDDEN, classes)
    make: dict[str, Any] = dict(adam=optax.adam, adagrad=optax.adagrad, rmsprop=optax.rmsprop)
    make["momentum"] = lambda rate: optax.sgd(rate, momentum=0.9)
    feedback = "alignment" if word == "feedback" else "gradient"
    rule = GradientRule(make.get(word, optax.sgd)(rate), sizes, scale, feedback)
    return Centred(rule, jnp.asarray(centred, jnp.float32), pixels)


def rival_hits(
    key: Array, stream: Stream, shown: tuple[int, ...], classes: int, online: bool = True, eyes: Eyes | None = None
) -> Int32[Array, "settings n"]:
    """Right answers of every rival with every setting after each number of examples, in the order of `rivals`.

    The images behind the last example are the test. Spatial rivals take part where there are `eyes`.
    """
    seen = eyes.look(stream.inputs) if eyes else {}
    test_x, test_y = stream.inputs[max(shown) :], stream.labels[max(shown) :]

    def right(n: int) -> Array:
        x, y = stream.inputs[:n], stream.labels[:n]
        scores = [stored(family, x, y, test_x, classes) for family in STORED]
        if seen:
            scores.append(spatial_scores(seen, y, test_y.shape[0], classes))
        return jnp.sum(jnp.argmax(jnp.concatenate(scores), axis=2) == test_y[None, :], axis=1, dtype=jnp.int32)

    def by_gradient(family: str, settings: tuple[tuple[float, float, int], ...], stream: Stream) -> Array:
        def one(rate: Array, scale: Array, centred: Array) -> Array:
            learner = learner_of(family, stream.inputs.shape[1], classes, rate, scale, centred)
            return hits_after(learner, key, stream, shown, classes)

        return jax.vmap(one)(*(jnp.asarray(column, jnp.float32) for column in zip(*settings, strict=True)))

    found = [jnp.stack([right(n) for n in shown], axis=1)]
    if online:
        found += [by_gradient(*family, stream) for family in ONLINE.items()]
    if online and OWN in seen:
        through = Stream(as_long_as_images(seen[OWN][0]), stream.labels)
        found += [by_gradient(*family, through) for family in ONLINE_OWN.items()]
    return jnp.concatenate(found)


def as_long_as_images(features: Float[Array, "n features"]) -> Float[Array, "n features"]:
    """Each of them of mean square 1, as pixels are, so that the same rates are tried; directions stay, which keys hear.

    All zeros stay zeros.
    """
    return features * jax.lax.rsqrt(jnp.mean(features**2, axis=1, keepdims=True) + 1e-12)


__all__ = ["Centred", "as_long_as_images", "learner_of", "rival_hits"]
