"""Streams of labelled examples, drawn by jax inside a compiled program: from a data set, or from nothing.

A task is a data set, C of its classes under new names in random order, and a random order of their examples; a learner
meets each example once.
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float32, Int32

from mesocosm.tasks.arrays import DataError, DataSet
from mesocosm.tasks.images import standardised


class Stream(eqx.Module):
    """Examples in the order in which they are met."""

    inputs: Float32[Array, "n pixels"]
    labels: Int32[Array, " n"]


class Pool(eqx.Module):
    """A data set from which tasks are drawn: as many examples of each class, standardised.

    Args:
      inputs: [classes, examples of a class, numbers].
    """

    inputs: Float32[Array, "classes each pixels"]

    @staticmethod
    def of(data: DataSet, each: int | None = None, seed: int = 0) -> Pool:
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
        return Pool(jnp.asarray(standardised(data.inputs)[np.stack(rows)]))

    def draw(self, key: Array, n: int, classes: int, balanced: bool = False) -> Stream:
        """A task of `n` examples of `classes` classes; `balanced`: each class once in every `classes` examples.

        `key` is consumed. Examples do not recur; n is at most what the classes have.
        """
        n_classes, each, _ = self.inputs.shape
        if classes > n_classes or n > classes * each:
            raise DataError(f"a task of {n} examples of {classes} classes: the pool has {n_classes} x {each}")
        which, order = jax.random.split(key)
        chosen = jax.random.permutation(which, n_classes)[:classes]
        places = balanced_order(order, classes, each) if balanced else jax.random.permutation(order, classes * each)
        label, example = places[:n] // each, places[:n] % each
        return Stream(self.inputs[chosen[label], example], label.astype(jnp.int32))


def balanced_order(key: Array, classes: int, each: int) -> Int32[Array, " n"]:
    """Places (class * each + example) such that every block of `classes` holds each class once."""
    k1, k2 = jax.random.split(key)
    example = jax.vmap(lambda k: jax.random.permutation(k, each))(jax.random.split(k1, classes))
    label = jax.vmap(lambda k: jax.random.permutation(k, classes))(jax.random.split(k2, each))
    return (label * each + example[label, jnp.arange(each)[:, None]]).ravel().astype(jnp.int32)


def as_images(x: Float32[Array, "n pixels"]) -> Float32[Array, "n pixels"]:
    """Each example with mean 0 and standard deviation 1."""
    x = x - jnp.mean(x, axis=1, keepdims=True)
    return x / jnp.sqrt(jnp.mean(x**2, axis=1, keepdims=True) + 1e-6)


__all__ = ["Pool", "Stream", "as_images", "balanced_order"]
