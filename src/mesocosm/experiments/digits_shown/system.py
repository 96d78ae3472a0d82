"""One tick is one stream: every rule and every rival learns from the same examples in the same order.

In the same tick all of them also learn from a stream of the validation tasks; by these, never by the test, the settings
of a rival are chosen.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int32

from mesocosm.core import Bits, Events, Experiment, Fold, Log, Scene, Setup, Tick
from mesocosm.experiments.digits.school import DIGITS8_TRAIN, hits_after
from mesocosm.experiments.digits_shown.baselines import stored
from mesocosm.experiments.digits_shown.declaration import DigitsShownConfiguration
from mesocosm.experiments.digits_shown.learners import HIDDEN, ONLINE, RATES, rivals
from mesocosm.record.configuration import ConfigurationError
from mesocosm.rules import load as load_rule
from mesocosm.rules.gradient import GradientRule
from mesocosm.rules.rule import EvolvedRule, build_net
from mesocosm.tasks.arrays import DataError, DataSet
from mesocosm.tasks.sets import load, with_rotations
from mesocosm.tasks.streams import Pool, Stream

VALIDATION, TEST, BEGIN = 1, 2, 3  # purposes of random bits


class DigitsShown(Experiment):
    """Every learner on the same streams."""

    exact: ClassVar[bool] = False

    pools: tuple[Pool, Pool]  # validation, test
    rules: tuple[EvolvedRule, ...]
    shown: tuple[int, ...] = eqx.field(static=True)
    images: int = eqx.field(static=True)
    classes: int = eqx.field(static=True)
    balanced: bool = eqx.field(static=True)
    online: bool = eqx.field(static=True)

    def init(self, bits: Bits) -> Int32[Array, ""]:
        return jnp.int32(0)

    def tick(self, bits: Bits, state: Int32[Array, ""]) -> tuple[Int32[Array, ""], Tick]:
        hits = []
        for pool, purpose in zip(self.pools, (VALIDATION, TEST), strict=True):
            n = max(self.shown) + self.images
            stream = pool.draw(bits.key(purpose), n, self.classes, self.balanced)
            hits.append(self.hits(bits.key(BEGIN), stream))
        counted = jnp.stack(hits)  # [validation and test, learners, shown]
        places = -(-counted.size // 32) * 32  # events come in words of 32
        index = jnp.arange(places, dtype=jnp.int32)
        learners, n_shown = counted.shape[1:]
        columns = {
            "row": index,
            "on_test": index // (learners * n_shown),
            "learner": index // n_shown % learners,
            "shown": jnp.asarray(self.shown, jnp.int32)[index % n_shown],
            "hits": jnp.pad(counted.ravel(), (0, places - counted.size)),
        }
        return state + 1, Tick(events={"answers": Events(index < counted.size, columns)})

    def hits(self, key: Array, stream: Stream) -> Int32[Array, "learners shown"]:
        """Right answers of every learner after each number of examples."""
        at_end = max(self.shown)
        test_x, test_y = stream.inputs[at_end:], stream.labels[at_end:]

        def right(scores: Array) -> Array:
            return jnp.sum(jnp.argmax(scores, axis=1) == test_y, dtype=jnp.int32)

        evolved = [hits_after(rule, key, stream, self.shown, self.classes) for rule in self.rules]
        by_n = [
            jnp.stack([right(s) for s in stored(stream.inputs[:n], stream.labels[:n], test_x, self.classes)])
            for n in self.shown
        ]
        found = [jnp.stack(evolved), jnp.stack(by_n, axis=1)]
        return jnp.concatenate(found + ([self._online(key, stream)] if self.online else []))

    def _online(self, key: Array, stream: Stream) -> Int32[Array, "settings shown"]:
        import optax

        makers: dict[str, Any] = dict(sgd=optax.sgd, adam=optax.adam, adagrad=optax.adagrad, rmsprop=optax.rmsprop)
        makers["momentum"] = lambda rate: optax.sgd(rate, momentum=0.9)
        flat, deep = (stream.inputs.shape[1], self.classes), (stream.inputs.shape[1], HIDDEN, self.classes)
        kinds = [(makers[name], sizes, "gradient") for sizes in (flat, deep) for name in ONLINE]
        kinds.append((optax.sgd, deep, "alignment"))

        def family(make: Any, sizes: tuple[int, ...], feedback: Any) -> Array:
            def one(rate: Array) -> Array:
                rule = GradientRule(make(rate), sizes, feedback=feedback)
                return hits_after(rule, key, stream, self.shown, self.classes)

            return jax.vmap(one)(jnp.asarray(RATES, jnp.float32))

        return jnp.concatenate([family(*kind) for kind in kinds])

    def scene(self, state: Int32[Array, ""]) -> Scene:
        return Scene(curves={"streams": state})


class Streams(Fold):
    def read(self, folded: tuple[()], scene: Scene) -> dict[str, Array]:
        return {"streams": scene.curves["streams"]}


@lru_cache(maxsize=4)
def _pools(data: str, side: int) -> tuple[Pool, Pool]:
    """Validation and test: for graded data held-out alphabets and the published test images."""
    if data == "digits8":
        whole = load("digits8", side)
        keep = [DataSet.of(*_part(whole, part), data) for part in (slice(DIGITS8_TRAIN), slice(DIGITS8_TRAIN, None))]
        return Pool.of(keep[0]), Pool.of(keep[1])
    validation = Pool.of(with_rotations(load("omniglot", side, "validate")))
    if data == "omniglot":
        return validation, Pool.of(with_rotations(load("omniglot", side, "test")))
    return validation, Pool.of(load(data, side, "test"))


def _part(data: DataSet, part: slice) -> tuple[Any, Any]:
    """Some images of each class, in a fixed shuffled order."""
    import numpy as np

    rng = np.random.default_rng(0)
    rows = np.concatenate([rng.permutation(np.flatnonzero(data.labels == c))[part] for c in range(data.n_classes)])
    return data.inputs[rows], data.labels[rows]


def build(configuration: DigitsShownConfiguration) -> Setup:
    """The benchmark that a configuration describes.

    Raises:
      ConfigurationError: where the data hold too few examples.
      DataError, RuleError: for data or rules that are not there.
    """
    c = configuration
    if c.online and find_spec("optax") is None:
        raise DataError("digits-shown: its online rivals need optax; pip install 'mesocosm[learn]', or --online False")
    pools = _pools(c.data, c.side)
    need = max(c.shown) + c.images
    for pool in pools:
        if need > (room := c.classes * pool.inputs.shape[1]) or c.classes > pool.inputs.shape[0]:
            raise ConfigurationError(
                f"shown, images: {need} examples of {c.classes} classes are needed, {c.data} and its validation tasks "
                f"give {room} at most; show fewer, or ask for fewer images"
            )
    sizes = (c.side**2, *c.hidden, c.classes)
    loaded = [load_rule(name) for name in c.rules]
    rules = tuple(EvolvedRule(build_net(rule.form, sizes), rule.genome) for rule in loaded)
    experiment = DigitsShown(pools, rules, c.shown, c.images, c.classes, c.stream == "balanced", c.online)
    names = ("row", "on_test", "learner", "shown", "hits")
    return Setup(experiment, {"streams": Streams()}, (Log("answers", "answers", tuple((n, n) for n in names)),))


__all__ = ["DigitsShown", "build", "rivals"]
