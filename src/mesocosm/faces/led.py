"""A tick in two calls, with acts from outside between them: the law stays the law.

Whoever is led has its act from a layer, which is laid over any ecology like another; all else of the tick is the
ecology's own. So a world in which nobody is led is, bit for bit, the world of a run.
"""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int32, UInt32

from mesocosm.core import Founding
from mesocosm.core.random import Bits
from mesocosm.ecology.ecology import Ecology
from mesocosm.ecology.state import EcologyState
from mesocosm.layers.book import Book
from mesocosm.layers.layer import Layer


class Reins(Layer):
    """Acts that come from outside."""

    name: ClassVar[str] = "reins"

    acts: Int32[Array, " n"]
    is_led: Bool[Array, " n"]

    def act(self, bits: Bits, state: Any, book: Book) -> tuple[Any, Book]:
        return state, book.add(act=jnp.where(self.is_led, self.acts, book["act"]))


class Waiting(eqx.Module):
    """A world in the middle of a tick: everybody has sensed, nobody has acted."""

    state: EcologyState
    facts: dict[str, Any]  # of the book of this tick
    doings: dict[str, Int32[Array, " n"]]


class Bodies(eqx.Module):
    """Who is there in which slot, and what it reads; id 0 is nobody."""

    id: Int32[Array, " n"]
    parent: Int32[Array, " n"]
    energy: Int32[Array, " n"]  # quanta
    seen: Int32[Array, " n"]
    next_id: Int32[Array, ""]


class Happened(eqx.Module):
    """What came of the acts of a tick, by the slots of those who acted."""

    doings: dict[str, Int32[Array, " n"]]
    died: Bool[Array, " n"]


@jax.jit
def founded(law: Ecology, founding: Founding | None, seed: UInt32[Array, "2"]) -> EcologyState:
    """What the first replicate of a run with this seed begins with."""
    replicate = jnp.uint32(0)
    bits = Bits.founding(seed, replicate)
    state = law.init(bits)
    return state if founding is None else founding.replace(bits, state, replicate)


@partial(jax.jit, donate_argnames=("state",))
def sensed(
    law: Ecology, seed: UInt32[Array, "2"], tick: Int32[Array, ""], state: EcologyState
) -> tuple[Waiting, Bodies]:
    """The first half of a tick.

    Args:
      state: is consumed (its memory is used again).
    """
    state, book = law.perceive(Bits.at(seed, jnp.uint32(0), tick), state)
    b = state.world.bodies
    there = Bodies(b.id, b.parent, b.energy, book["read"], state.world.next_id)
    return Waiting(state, dict(book.facts), dict(book.doings)), there


@partial(jax.jit, donate_argnames=("waiting",))
def acted(
    law: Ecology,
    seed: UInt32[Array, "2"],
    tick: Int32[Array, ""],
    waiting: Waiting,
    acts: Int32[Array, " n"],
    is_led: Bool[Array, " n"],
) -> tuple[EcologyState, Happened]:
    """The second half of a tick.

    Args:
      waiting: is consumed (its memory is used again).
    """
    led = eqx.tree_at(lambda law: law.layers, law, (Reins(acts, is_led), *law.layers))
    bits = Bits.at(seed, jnp.uint32(0), tick)
    book = led.book(bits).add(None, None, waiting.doings, **waiting.facts)
    before = waiting.state.world.bodies.alive
    state, book = led.respond(bits, waiting.state, book)
    return state, Happened(dict(book.doings), before & ~state.world.bodies.alive)


@jax.jit
def grown(law: Ecology, state: EcologyState) -> EcologyState:
    """The same bodies in twice as many slots."""
    return law.grow(state)
