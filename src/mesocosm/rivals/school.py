"""Where tasks come from, and how well a learner does in one: the only place where rules meet tasks."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float32, Int32

from mesocosm.record.configuration import ConfigurationError
from mesocosm.rivals.parameters import Schooling
from mesocosm.tasks.arrays import DataError, DataSet
from mesocosm.tasks.images import blurred
from mesocosm.tasks.own import own
from mesocosm.tasks.procedural import draw_clouds
from mesocosm.tasks.sets import load, with_rotations
from mesocosm.tasks.streams import Pool, Stream

DIGITS8_TRAIN = 100
"""Images of each 8x8 digit that rules are evolved on; the others judge them."""


@runtime_checkable
class Learner(Protocol):
    """What can be taught: a rule at work in a net, evolved or by gradient."""

    def begin(self, key: Array) -> Any: ...
    def predict(self, state: Any, x: Array) -> Array: ...
    def learn(self, state: Any, x: Array, label: Array) -> tuple[Any, Array]: ...


class Source(eqx.Module):
    """Pools of images, by name and number of classes merged, and random clouds."""

    pools: tuple[Pool, ...]
    merged: tuple[int, ...] = eqx.field(static=True)
    clouds: bool = eqx.field(static=True)
    classes: int = eqx.field(static=True)
    pixels: int = eqx.field(static=True)

    def draw(self, key: Array, tasks: int, examples: int) -> Stream:
        """`tasks` streams, shared out evenly over what there is. `key` is consumed."""
        kinds = len(self.pools) + self.clouds
        keys = jax.random.split(key, tasks)
        parts = []
        for kind in range(min(kinds, tasks)):
            mine = keys[kind::kinds]
            if kind < len(self.pools):
                pool, merged = self.pools[kind], self.merged[kind]
                parts.append(jax.vmap(lambda k, p=pool, m=merged: p.draw(k, examples, self.classes, merged=m))(mine))
            else:
                parts.append(jax.vmap(lambda k: draw_clouds(k, examples, self.classes, self.pixels))(mine))
        return jax.tree.map(lambda *xs: jnp.concatenate(xs), *parts)


def build_sources(school: Schooling) -> tuple[Source, Source]:
    """The source of tasks to evolve on, and the held-out source to judge by.

    Raises:
      DataError: where data are missing or too few.
      ConfigurationError: where a task asks for more examples or classes than the source has.
    """
    train, judge = [], []
    merged_train, merged_judge = [], []
    named = school.file or school.source
    if school.file:
        a, b = halves(own(school.file, school.side))
        train, judge, merged_train, merged_judge = [a], [b], [1], [1]
    elif school.source == "digits8":
        a, b = halves(load("digits8", school.side), DIGITS8_TRAIN)
        train, judge, merged_train, merged_judge = [a], [b], [1], [1]
    elif school.source.startswith("omniglot"):
        drawings = load("omniglot", school.side, "train")
        train = [Pool.of(with_rotations(drawings)), Pool.of(with_rotations(_soft(drawings)))]
        judge, merged_train, merged_judge = (
            [Pool.of(with_rotations(load("omniglot", school.side, "validate")))],
            [1, 3],
            [1],
        )
    clouds = named.endswith("clouds")
    shape = school.classes, school.side**2
    built = (
        Source(tuple(train), tuple(merged_train), clouds, *shape),
        Source(tuple(judge), tuple(merged_judge), clouds and not judge, *shape),
    )
    needs = (school.examples, max(school.shown) + school.judged_images)
    for source, need in zip(built, needs, strict=True):
        for pool, merged in zip(source.pools, source.merged, strict=True):
            n_classes, each, _ = pool.inputs.shape
            if school.classes * merged > n_classes or need > school.classes * merged * each:
                raise ConfigurationError(
                    f"schooling: a task of {need} examples of {school.classes} classes is more than {named} "
                    f"holds ({n_classes} classes of {each}); ask for fewer classes, examples or judged_images"
                )
    return built


def halves(data: DataSet, first: int = 0) -> tuple[Pool, Pool]:
    """The first images of each class (by default half of the smallest), and as many others as every class has.

    Raises:
      DataError: for a class of one example.
    """
    rng = np.random.default_rng(0)
    order = [rng.permutation(np.flatnonzero(data.labels == c)) for c in range(data.n_classes)]
    least = min(map(len, order))
    if least < 2:
        k = min(range(len(order)), key=lambda c: len(order[c]))
        raise DataError(f"{data.name}: class {k} has one example; two at least: one to learn from, one to be judged by")
    first = first or least // 2
    parts = [np.concatenate([rows[part] for rows in order]) for part in (slice(first), slice(first, None))]
    a, b = (DataSet(data.name, data.inputs[rows], data.labels[rows], data.side) for rows in parts)
    return Pool.of(a), Pool.of(b)


def _soft(data: DataSet) -> DataSet:
    """The same drawings, out of focus."""
    assert data.side is not None
    images = blurred(data.inputs.reshape(-1, data.side, data.side), 1.0)
    return DataSet(data.name, images.reshape(data.inputs.shape), data.labels, data.side, data.groups)


def prequential_loss(learner: Learner, key: Array, stream: Stream, classes: int) -> Float32[Array, ""]:
    """Mean cross-entropy of the answers given before each label is told. States are recomputed for the gradient."""
    labels = jax.nn.one_hot(stream.labels, classes)

    @jax.checkpoint
    def one(state: Any, pair: tuple[Array, Array]) -> tuple[Any, Array]:
        state, logits = learner.learn(state, *pair)
        return state, -jnp.sum(pair[1] * jax.nn.log_softmax(logits))

    return jnp.mean(jax.lax.scan(one, learner.begin(key), (stream.inputs, labels))[1])


def hits_after(
    learner: Learner, key: Array, stream: Stream, shown: tuple[int, ...], classes: int
) -> Int32[Array, " n"]:
    """How many images after the first `max(shown)` are named rightly once n of these were learnt, for each n."""
    labels = jax.nn.one_hot(stream.labels, classes)
    test_x, test_y = stream.inputs[max(shown) :], stream.labels[max(shown) :]

    def lesson(state: Any, ends: tuple[Array, Array]) -> tuple[Any, Array]:
        state = jax.lax.fori_loop(*ends, lambda i, s: learner.learn(s, stream.inputs[i], labels[i])[0], state)
        answers = jnp.argmax(jax.vmap(lambda x: learner.predict(state, x))(test_x), axis=1)
        return state, jnp.sum(answers == test_y, dtype=jnp.int32)

    ends = jnp.array([(0, *shown[:-1]), shown])
    return jax.lax.scan(lesson, learner.begin(key), (ends[0], ends[1]))[1]  # one program, however many numbers


__all__ = ["Learner", "Source", "build_sources", "halves", "hits_after", "prequential_loss"]
