"""Hearing: who cannot hear, and who cannot speak, as controls of a signal. No part of the law of any world."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp

from mesocosm.core.arrays import sum32
from mesocosm.core.random import Bits, mix32
from mesocosm.layers.book import Book
from mesocosm.layers.layer import Layer, Variant


class Hearing(Layer):
    """The sense by which a signal is heard.

    The deaf read, in place of their own level of it, that of one body drawn anew in every tick. In the long run every
    row of a table is read as often as by those who hear, but what is read says nothing of the place.

    Args:
      sense: the name of the sense.
      is_deaf: whether all are deaf.
    """

    name: ClassVar[str] = "hearing"

    sense_name: str = eqx.field(static=True)
    is_deaf: bool = eqx.field(static=True, default=False)

    def sense(self, bits: Bits, state: Any, book: Book) -> tuple[Any, Book]:
        if not self.is_deaf:
            return state, book
        level, bodies = book["levels"][self.sense_name], state.world.bodies
        rank = jnp.where(bodies.alive, mix32(bodies.id.astype(jnp.uint32) ^ book.word), jnp.uint32(0xFFFFFFFF))
        is_drawn = bodies.alive & (rank == jnp.min(rank))  # the first in the contests of this tick
        read = jnp.zeros_like(level) + sum32(jnp.where(is_drawn, level, 0))
        return state, book.add(levels={**book["levels"], self.sense_name: read})

    def variants(self) -> Mapping[str, Variant]:
        return {
            "mute": Variant(bodies=lambda population, mind: population.with_genomes(mind.muted(population.genomes))),
            "deaf": Variant(law=lambda layer: Hearing(layer.sense_name, True)),
        }
