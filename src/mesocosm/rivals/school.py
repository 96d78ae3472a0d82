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
from mesocosm.rules.outputs import Output, loss, target
from mesocosm.tasks.arrays import DataError, DataSet
from mesocosm.tasks.drawn import draw_blobs, draw_strokes
from mesocosm.tasks.images import blurred
from mesocosm.tasks.own import own
from mesocosm.tasks.procedural import draw_clouds
from mesocosm.tasks.sets import load, with_rotations
from mesocosm.tasks.streams import Pool, Stream
from mesocosm.tasks.variety import Variety

DIGITS8_TRAIN = 100
"""Images of each 8x8 digit that rules are evolved on; the others judge them."""


@runtime_checkable
class Learner(Protocol):
    """What can be taught: a rule at work in a net, evolved or by gradient."""

    def begin(self, key: Array) -> Any: ...
    def predict(self, state: Any, x: Array) -> Array: ...
    def learn(self, state: Any, x: Array, label: Array) -> tuple[Any, Array]: ...


@runtime_checkable
class Kind(Protocol):
    """One kind of tasks."""

    def __call__(self, key: Array, n: int, classes: int) -> Stream: ...


class OfPool(eqx.Module):
    """Tasks from a pool, of so many of its classes merged into one."""

    pool: Pool
    merged: int = eqx.field(static=True, default=1)

    def __call__(self, key: Array, n: int, classes: int) -> Stream:
        return self.pool.draw(key, n, classes, merged=self.merged)


class Made(eqx.Module):
    """Tasks made from nothing, by a law (key, n, classes, size) -> stream."""

    law: Any = eqx.field(static=True)
    size: int = eqx.field(static=True)

    def __call__(self, key: Array, n: int, classes: int) -> Stream:
        return self.law(key, n, classes, self.size)


class Source(eqx.Module):
    """Kinds of tasks."""

    kinds: tuple[Kind, ...]
    classes: int = eqx.field(static=True)
    pixels: int = eqx.field(static=True)

    @property
    def pools(self) -> tuple[Pool, ...]:
        """The pools among them."""
        return tuple(kind.pool for kind in self.kinds if isinstance(kind, OfPool))

    def draw(self, key: Array, tasks: int, examples: int) -> Stream:
        """`tasks` streams, shared out evenly over the kinds. `key` is consumed."""
        keys = jax.random.split(key, tasks)
        parts = [
            jax.vmap(lambda k, kind=kind: kind(k, examples, self.classes))(keys[i :: len(self.kinds)])
            for i, kind in enumerate(self.kinds[:tasks])
        ]
        return jax.tree.map(lambda *xs: jnp.concatenate(xs), *parts)


def build_sources(school: Schooling) -> tuple[Source, Source]:
    """The source of tasks to evolve on, and the held-out source to judge by.

    Raises:
      DataError: where data are missing or too few.
      ConfigurationError: where a task asks for more examples or classes than the source has.
    """
    named = school.file or school.source
    shape = school.classes, school.side**2
    train, judge = (Source(kinds, *shape) for kinds in _kinds(school))
    for source, need in ((train, school.examples), (judge, max(school.shown) + school.judged_images)):
        for kind in source.kinds:
            if not isinstance(kind, OfPool):
                continue
            n_classes, each, _ = kind.pool.inputs.shape
            if school.classes * kind.merged > n_classes or need > school.classes * kind.merged * each:
                raise ConfigurationError(
                    f"schooling: a task of {need} examples of {school.classes} classes is more than {named} "
                    f"holds ({n_classes} classes of {each}); ask for fewer classes, examples or judged_images"
                )
    return train, judge


def _kinds(school: Schooling) -> tuple[tuple[Kind, ...], tuple[Kind, ...]]:
    """To evolve on, and to judge by."""
    side, clouds = school.side, Made(draw_clouds, school.side**2)
    if school.file or school.source == "digits8":
        parts = halves(own(school.file, side)) if school.file else halves(load("digits8", side), DIGITS8_TRAIN)
        return (OfPool(parts[0]),), (OfPool(parts[1]),)
    if school.source == "varied":
        parts = (load("omniglot", 2 * side, part) for part in ("train", "validate"))
        pool, held_out = (Pool.of(with_rotations(part), variety=Variety()) for part in parts)
        return (OfPool(pool), Made(draw_strokes, side), Made(draw_blobs, side)), (OfPool(held_out),)
    if school.source == "clouds":
        return (clouds,), (clouds,)
    drawings = load("omniglot", side, "train")
    train: tuple[Kind, ...] = (
        OfPool(Pool.of(with_rotations(drawings))),
        OfPool(Pool.of(with_rotations(_soft(drawings))), 3),
    )
    judge = (OfPool(Pool.of(with_rotations(load("omniglot", side, "validate")))),)
    return (*train, clouds) if school.source.endswith("clouds") else train, judge


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


def prequential_loss(
    learner: Learner, key: Array, stream: Stream, n: int, output: Output = "classes"
) -> Float32[Array, ""]:
    """Mean loss of the `n` answers given before each label is told. States are recomputed for the gradient."""

    @jax.checkpoint
    def one(state: Any, pair: tuple[Array, Array]) -> tuple[Any, Array]:
        label = target(output, pair[1], n, pair[0].dtype)
        state, answer = learner.learn(state, pair[0], label)
        return state, loss(output, answer, label)

    return jnp.mean(jax.lax.scan(one, learner.begin(key), (stream.inputs, stream.labels))[1])


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


__all__ = ["Kind", "Learner", "Made", "OfPool", "Source", "build_sources", "halves", "hits_after", "prequential_loss"]
