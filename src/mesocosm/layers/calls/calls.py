"""Calls: what bodies hear of a signal, and of whose (docs/worlds/calling.md, the normative page).

Everybody may hear all of it, or a level that says nothing of the place (the deaf, free noise), or only what it emitted
itself, or only what others did. What differs between these worlds is what is said to a mind and nothing else: where
nobody emits, and minds do not read noise, they are the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Int32

from mesocosm.core.arrays import deposit, gather_cells, sum32
from mesocosm.core.random import Bits, mix32
from mesocosm.layers.book import Book
from mesocosm.layers.layer import Layer, Variant

Ears = Literal["all", "deaf", "noise", "own", "others"]

ALL, DEAF, NOISE = range(3)
NOISE_BITS = 0x40000
"""Purpose of the random bits of noise."""


class Calls(Layer):
    """Whose signal is heard.

    Args:
      ears: `all`; `deaf` (all read the levels of one body, drawn anew in every tick); `noise` (each reads levels drawn
        evenly, anew in every tick); `own` and `others` (by the channel of the body's id: with K channels `own` comes
        with one part in K of what others emit, `others` without it).
      senses: those of signal that the world has, by name and number of levels.
      trend: which of them says whether signal fades, is steady or grows.
      channels: fields of the world among which signals are parted where it counts whose they are, each with its
        diffusion and decay; a body's is its id modulo their number.
    """

    name: ClassVar[str] = "calls"

    whose: str = eqx.field(static=True)  # all, own or others: fields are a matter of the program
    senses: tuple[tuple[str, int], ...] = eqx.field(static=True)
    trend: str = eqx.field(static=True)
    channels: tuple[tuple[Any, tuple[int, int]], ...] = eqx.field(static=True)
    mode: Int32[Array, ""]  # ALL, DEAF or NOISE: one program

    def __init__(self, ears: Ears, senses: Mapping[str, int], trend: str, channels: Mapping[Any, tuple[int, int]]):
        self.whose = ears if ears in ("own", "others") else "all"
        self.mode = jnp.int32({"deaf": DEAF, "noise": NOISE}.get(ears, ALL))
        self.senses, self.trend = tuple(senses.items()), trend
        self.channels = () if self.whose == "all" else tuple(channels.items())

    # -- the law ---------------------------------------------------------------------------------------------------

    def fields(self) -> Mapping[Any, tuple[int, int]]:
        return dict(self.channels)

    def found(self, bits: Bits, ids: Int32[Array, " n"]) -> Any:
        """What was heard in the last tick: nothing yet. Kept only where its trend is sensed."""
        return jnp.zeros_like(ids) if self._has(self.trend) else None

    def sense(self, bits: Bits, state: Any, book: Book) -> tuple[Any, Book]:
        law, bodies = book.law, state.world.bodies
        there = self._amount(law, state)
        levels = dict(book["levels"])
        if self._has("signal"):
            levels["signal"] = law.level(there, law.signal_levels)
        if self._has(self.trend):
            before = state.own(self.name)
            levels[self.trend] = 1 + (there > before).astype(jnp.int32) - (there < before).astype(jnp.int32)
            state = state.with_own(self.name, jnp.where(bodies.alive, there, 0))
        heard = {name: self._heard(bits, bodies, levels[name], k, book) for k, name in enumerate(self._names())}
        # What is recorded as met is what there is to hear; what minds read is what their ears let through.
        stimulus = law.stimulus(state.world, levels)
        return state, book.add(levels={**levels, **heard}, stimulus=stimulus)

    def pay(self, bits: Bits, state: Any, book: Book) -> tuple[Any, Book]:
        """An emission goes into the channel of who emits, too."""
        if self.whose == "all":
            return state, book
        law, bodies = book.law, state.world.bodies
        emits = bodies.alive & (book["act"] >= 2)
        cells = law.cells_of(bodies)
        for k, (field, _) in enumerate(self.channels):
            amounts = jnp.where(emits & (bodies.id % len(self.channels) == k), law.emission_quanta, 0)
            filled = deposit(state.world.fields[field.name].ravel(), cells, amounts)
            state = state.with_field(field.name, jnp.minimum(filled, law.cell_capacity))
        return state, book

    def _names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.senses)

    def _has(self, sense: str) -> bool:
        return sense in self._names()

    def _amount(self, law: Any, state: Any) -> Int32[Array, " n"]:
        """How much signal there is for each body to hear."""
        if self.whose == "all":
            return law.at_bodies(state.world, "signal")
        cells, ids = law.cells_of(state.world.bodies), state.world.bodies.id
        parts = [gather_cells(state.world.fields[field.name].ravel(), cells) for field, _ in self.channels]
        is_own = [ids % len(parts) == k for k in range(len(parts))]
        own = sum((jnp.where(mine, part, 0) for mine, part in zip(is_own, parts, strict=True)), jnp.zeros_like(ids))
        return own if self.whose == "own" else sum(parts, jnp.zeros_like(ids)) - own

    def _heard(self, bits: Bits, bodies: Any, level: Array, k: int, book: Book) -> Int32[Array, " n"]:
        """The level that minds read of the k-th sense of signal."""
        rank = jnp.where(bodies.alive, mix32(bodies.id.astype(jnp.uint32) ^ book.word), jnp.uint32(0xFFFFFFFF))
        is_drawn = bodies.alive & (rank == jnp.min(rank))  # the first in the contests of this tick
        of_one = jnp.zeros_like(level) + sum32(jnp.where(is_drawn, level, 0))
        n_levels = jnp.uint32(self.senses[k][1])
        word = bits.of(bodies.id, NOISE_BITS + k)[0] >> 16
        noise = ((word * n_levels) >> 16).astype(jnp.int32)
        return jnp.where(self.mode == DEAF, of_one, jnp.where(self.mode == NOISE, noise, level))

    # -- what assays ask -------------------------------------------------------------------------------------------

    def variants(self) -> Mapping[str, Variant]:
        return {
            "mute": Variant(bodies=lambda population, mind: population.with_genomes(mind.muted(population.genomes)))
        }
