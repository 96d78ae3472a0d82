"""What every experiment is: a law of motion for one replicate, and what can be seen of it.

An experiment knows nothing of replicates, chunks, records or viewers; the loop knows nothing of bodies, nets or games.
"""

from __future__ import annotations

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from mesocosm.core.random import Bits

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


class Points(eqx.Module):
    """Named points: who is there. The last axis of every column is the place; `alive` says which places count."""

    alive: Bool[Array, " n"]
    columns: dict[str, Array]


class Field(eqx.Module):
    """A quantity on a grid (or any array drawn as one), with its unit."""

    values: Array
    unit: str = eqx.field(static=True)


class Scene(eqx.Module):
    """What there is after a step: what a person looks at, and what an instrument may read.

    Args:
      points: populations by name (columns such as id, x, y, energy, genome).
      fields: quantities on a grid by name.
      curves: numbers, vectors and matrices by name.
    """

    points: dict[str, Points] = eqx.field(default_factory=dict)
    fields: dict[str, Field] = eqx.field(default_factory=dict)
    curves: dict[str, Array] = eqx.field(default_factory=dict)


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
