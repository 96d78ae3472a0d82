"""Streams of labelled examples, drawn by jax inside a compiled program: from a data set, or from nothing.

A task is a data set, C of its classes under new names in random order, and a random order of their examples; a learner
meets each example once.
"""

from __future__ import annotations

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float32, Int32

from mesocosm.tasks.arrays import DataError, DataSet
from mesocosm.tasks.images import standardised
from mesocosm.tasks.variety import Variety


class Stream(eqx.Module):
    """Examples in the order in which they are met."""

    inputs: Float32[Array, "n pixels"]
    labels: Int32[Array, " n"] | Float32[Array, " n"]  # classes; or what a number, or an order, is


class Pool(eqx.Module):
    """A data set from which tasks are drawn: as many examples of each class, standardised.

    Args:
      inputs: [classes, examples of a class, numbers].
      variety: where it is given, inputs are ink from 0 to 1, and every drawing of it is another one, of half the side.
    """

    inputs: Float32[Array, "classes each pixels"]
    variety: Variety | None = None

    @staticmethod
    def of(data: DataSet, each: int | None = None, seed: int = 0, variety: Variety | None = None) -> Pool:
        """All classes of a set, `each` examples of each (default: as many as the smallest class has), shuffled.

        Raises:
          DataError: if a class has fewer.
        """
        counts = np.bincount(data.labels)
        least = int(counts.min())
        if each is not None and each > least:
            raise DataError(f"{data.name}: class {int(counts.argmin())} has {least} examples; {each} were asked for")
        rng = np.random.default_rng(seed)
        rows = [rng.permutation(np.flatnonzero(data.labels == c))[: each or least] for c in range(data.n_classes)]
        inputs = data.inputs if variety else standardised(data.inputs)
        return Pool(jnp.asarray(inputs[np.stack(rows)]), variety)

    def draw(self, key: Array, n: int, classes: int, balanced: bool = False, merged: int = 1) -> Stream:
        """A task of `n` examples of `classes` classes. `key` is consumed; examples do not recur.

        Args:
          balanced: each class comes once in every `classes` examples.
          merged: classes of the set that together are one class of the task.

        Raises:
          DataError: for more classes or examples than there are.
        """
        n_classes, each, _ = self.inputs.shape
        drawn = classes * merged
        if drawn > n_classes or n > drawn * each:
            raise DataError(f"a task of {n} examples of {drawn} classes: the pool has {n_classes} x {each}")
        key, of_variety = jax.random.split(key) if self.variety else (key, key)
        ranks = jax.random.uniform(key, (n_classes + drawn * each + each * drawn,))  # one draw compiles fast
        of_classes, of_places, of_rounds = jnp.split(ranks, (n_classes, n_classes + drawn * each))
        chosen = jnp.argsort(of_classes)[:drawn]
        if balanced:
            places = _balanced(of_places.reshape(drawn, each), of_rounds.reshape(each, drawn))
        else:
            places = jnp.argsort(of_places)
        label, example = places[:n] // each, places[:n] % each
        inputs = self.inputs[chosen[label], example]
        if self.variety:
            side = math.isqrt(inputs.shape[1])
            inputs = self.variety(of_variety, inputs.reshape(n, side, side))
        return Stream(inputs, (label // merged).astype(jnp.int32))


def _balanced(of_places: Float32[Array, "classes each"], of_rounds: Float32[Array, "each classes"]) -> Array:
    """Places (class * each + example) such that every round holds each class once, from random ranks."""
    each = of_rounds.shape[0]
    example, label = jnp.argsort(of_places, axis=1), jnp.argsort(of_rounds, axis=1)
    return (label * each + example[label, jnp.arange(each)[:, None]]).ravel()


__all__ = ["Pool", "Stream"]
