"""Who meets whom: the first and the last of each cell, in the order of the contests of a tick (petri.md, 5.8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import jax.numpy as jnp
from jaxtyping import Array, Bool, Int32, UInt32

from mesocosm.core.arrays import first_true, highest_in
from mesocosm.worlds.petri.state import Meetings, PetriState

if TYPE_CHECKING:
    from mesocosm.worlds.petri.law import Petri

_SEARCHED = 2**16
"""Comparisons up to which searching bodies is cheaper than a table of cells."""


def round_length(n: int) -> int:
    """Places in a round of births or meetings: speed, never physics."""
    return max(8, n // 64)


def last_finder(
    law: Petri, state: PetriState, rank: UInt32[Array, " n"]
) -> Callable[[Int32[Array, " k"]], Int32[Array, " k"]]:
    """A function from cells to the slot of the last body (highest rank) in each.

    A table of all cells costs as much as a phase; where few bodies are asked for among few, each is searched.
    """
    b, n = state.bodies, rank.shape[0]
    cells = law.cells_of(b)
    slot = jnp.arange(n, dtype=jnp.int32)
    if n * round_length(n) <= _SEARCHED:

        def search(asked: Array) -> Array:
            there = (cells[None, :] == asked[:, None]) & b.alive[None, :]
            ranks = jnp.where(there, rank[None, :], jnp.uint32(0))
            is_last = there & (ranks == jnp.max(ranks, axis=1, keepdims=True))
            return jnp.sum(jnp.where(is_last, slot[None, :], 0), axis=1, dtype=jnp.int32)

        return search
    is_last = b.alive & (law.last_ranks(state, rank) == rank)
    table = highest_in(jnp.zeros(law.n_cells, jnp.int32), cells, jnp.where(is_last, slot, 0))
    return lambda asked: table.at[asked].get(mode="promise_in_bounds")


def meet(
    law: Petri, state: PetriState, waiting: Bool[Array, " n"], last_slot: Callable[[Array], Array]
) -> tuple[Meetings, Bool[Array, " n"]]:
    """A round of meetings: pairs whose first waits, with the last of its cell. Returns who still waits."""
    b, n = state.bodies, waiting.shape[0]
    first = first_true(waiting, round_length(n))
    last = last_slot(law.cells_of(b).at[first].get(mode="clip"))
    first_id = b.id.at[first].get(mode="fill", fill_value=0)
    still = waiting & ~jnp.zeros_like(waiting).at[first].set(True, mode="drop")
    return Meetings(first, jnp.where(first < n, last, n), first_id), still
