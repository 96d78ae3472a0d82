"""What every experiment is: a law of motion for one replicate, and what can be seen of it.

An experiment knows nothing of replicates, chunks, records or viewers; the loop knows nothing of bodies, nets or games.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from mesocosm.core.random import Bits
from mesocosm.record.about import About, Genome, Space

State = Any
"""The arrays that change: any pytree. Its shapes are the size classes; no size changes what happens."""


class Events(eqx.Module):
    """Things that happened in a tick, at most one for each place (slot).

    Args:
      happened: where it happened.
      columns: what is recorded of it; the last axis of each is the place.
    """

    happened: Bool[Array, " n"]
    columns: dict[str, Array]


class Tick(eqx.Module):
    """What happened in one step. Facets that nobody watches are not computed.

    Args:
      flows: integer totals of the tick, booked by cause (unit: quanta, or a count).
      events: typed events by name.
    """

    flows: dict[str, Int[Array, ""]] = eqx.field(default_factory=dict)
    events: dict[str, Events] = eqx.field(default_factory=dict)


def _pairs(about: Mapping[str, About] | tuple[tuple[str, About], ...]) -> tuple[tuple[str, About], ...]:
    """A mapping as a static field has it, so that it can be hashed."""
    return tuple(about.items()) if isinstance(about, Mapping) else about


class Points(eqx.Module):
    """Named points: who is there. The last axis of every column is the place; `alive` says which places count.

    Args:
      columns: `x` and `y` are where they are drawn; whoever is followed from frame to frame has an `id` above 0.
      about: what the columns say, by name.
      look: how they are drawn, one of `LOOKS`.
      motion: what is said of one that moved since the frame before, and of one that stayed: `("runs", "tumbles")`.
    """

    alive: Bool[Array, " n"]
    columns: dict[str, Array]
    about: Any = eqx.field(static=True, default=(), converter=_pairs)
    look: str = eqx.field(static=True, default="bodies")
    motion: tuple[str, ...] = eqx.field(static=True, default=())


class Field(eqx.Module):
    """A quantity on a grid that covers the space (or any array drawn as one), with its unit.

    With words or a palette (`about`) it is a lattice of classes.
    """

    values: Array
    unit: str = eqx.field(static=True, default="")
    about: About = eqx.field(static=True, default=About())


class Image(eqx.Module):
    """A picture: `[height, width]`, grey or in the colours of its palette, or `[height, width, 3]` in red, green, blue.

    Integers are 0 ... 255 (with a palette: its places), floats 0 ... 1.
    """

    values: Array
    about: About = eqx.field(static=True, default=About())


class Graph(eqx.Module):
    """Bonds between points, by their ids (places, counted from 1, where a population has no ids).

    Args:
      ends: the two ends of each bond.
      alive: which bonds count.
      source, target: names of the populations of the first and of the second end; no target: the same.
      called: what a bond says, in words.
    """

    ends: Int[Array, "2 m"]
    alive: Bool[Array, " m"]
    source: str = eqx.field(static=True)
    target: str = eqx.field(static=True, default="")
    unit: str = eqx.field(static=True, default="")
    called: str = eqx.field(static=True, default="")


class Scene(eqx.Module):
    """What there is after a step: what a person looks at, and what an instrument may read.

    Args:
      points: populations by name (columns such as id, x, y, energy, genome).
      fields: quantities on a grid by name.
      curves: numbers, vectors and matrices by name.
      graphs: bonds between points by name.
      images: pictures by name.
      space: where points lie; None: a plane without bounds.
      about: what the curves say, by name.
    """

    points: dict[str, Points] = eqx.field(default_factory=dict)
    fields: dict[str, Field] = eqx.field(default_factory=dict)
    curves: dict[str, Array] = eqx.field(default_factory=dict)
    graphs: dict[str, Graph] = eqx.field(default_factory=dict)
    images: dict[str, Image] = eqx.field(default_factory=dict)
    space: Space | None = eqx.field(static=True, default=None)
    about: Any = eqx.field(static=True, default=(), converter=_pairs)


class Experiment(eqx.Module):
    """A law of motion. Subclasses are final; parameters are array leaves, switches are static fields.

    The law is written for ONE replicate; the loop batches it. `exact` laws use integers throughout and give the same
    bits on every device, in every batch and at every allocation; the others promise the same bits on one device,
    version and batch shape.
    """

    exact: eqx.AbstractClassVar[bool]

    endings: ClassVar[dict[int, str]] = {}
    """Why a replicate may end, by status code: the cause that the record gives."""

    def init(self, bits: Bits) -> State:
        """Found one replicate from its founding bits."""
        raise NotImplementedError

    def tick(self, bits: Bits, state: State) -> tuple[State, Tick]:
        """One step of the experiment's own clock."""
        raise NotImplementedError

    def scene(self, state: State) -> Scene:
        """What can be seen after a step. Pure, and free where nobody looks."""
        raise NotImplementedError

    def genomes(self) -> tuple[Genome, ...]:
        """How the genomes of the scene are read by people: data, made outside the loop. None where there is nothing."""
        return ()

    def ranges(self) -> dict[str, tuple[int, int]]:
        """What whole numbers of the state keep to, by the path of their leaf: the least and the most, at every
        founding and after every step, whatever was swept or intervened. A program that is exported is written by them.
        """
        return {}

    def status(self, state: State) -> Int[Array, ""]:
        """The status code (`mesocosm.record.Status`) after a step: 0 while the law goes on."""
        return jnp.int32(0)

    def has_room(self, state: State) -> Bool[Array, ""]:
        """Whether the arrays can hold whatever the next tick does. Where not, the loop calls `grow` first."""
        return jnp.bool_(True)

    def grow(self, state: State) -> State:
        """The same state in arrays of the next size class (a power of two). Changes no bit of what follows."""
        return state

    def canonical(self, state: State) -> State:
        """The state without accidents of allocation, for comparisons: equal exactly when two worlds are equal.

        Called with NumPy arrays outside the loop; shapes may depend on values.
        """
        return state
