"""Bodies that die by accident at any age: their places are taken by the young, so that what counts is to learn soon."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import jax.numpy as jnp
from jaxtyping import Array, Int32

from mesocosm.core.arrays import sum32
from mesocosm.core.random import Bits, threshold16
from mesocosm.layers.book import Book
from mesocosm.layers.layer import Layer

ACCIDENT = 0x50000
"""Purpose of the random bits."""


class Accidents(Layer):
    """In each tick a body loses all its energy with this probability, and dies of it; the energy becomes heat."""

    name: ClassVar[str] = "accidents"
    losses: ClassVar[tuple[str, ...]] = ("accidents",)
    words: ClassVar[Mapping[str, str]] = {"accidents": "lost by accidents"}

    threshold: Int32[Array, ""]

    def __init__(self, chance: float):
        self.threshold = jnp.int32(threshold16(chance))

    def die(self, bits: Bits, state: Any, book: Book) -> tuple[Any, Book]:
        bodies = state.world.bodies
        word = bits.of(bodies.id, ACCIDENT)[0] & 0xFFFF
        lost = jnp.where(bodies.alive & (word.astype(jnp.int32) < self.threshold), bodies.energy, 0)
        return state.with_energy(bodies.energy - lost), book.add({"accidents": sum32(lost)})

    def frozen(self, kind: str) -> Self:
        """None in a garden, where nobody dies."""
        return type(self)(0.0) if kind == "garden" else self
