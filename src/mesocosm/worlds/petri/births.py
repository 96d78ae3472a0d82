"""Who comes into the world: founders (docs/worlds/petri.md, section 4) and children (5.1), genomes aside."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import jax.numpy as jnp
from jaxtyping import Array, Bool, Int32, UInt32

from mesocosm.core.arrays import first_true, lowest, next_power_of_two, order_of, promised, sum32
from mesocosm.core.random import Bits
from mesocosm.worlds.petri import meetings
from mesocosm.worlds.petri.state import HEADING, PLACE, SOURCE, SOURCE_PLACE, Births, Bodies, PetriState, Sources, ranks

if TYPE_CHECKING:
    from mesocosm.worlds.petri.law import Petri

_LAST = 2**31 - 1
"""Of ids: a world ends before it would have more."""


def found(law: Petri, bits: Bits) -> PetriState:
    """Section 4, genomes aside."""
    n = next_power_of_two(2 * law.founders)  # a common trough-to-peak ratio, so that few runs grow
    ids = jnp.arange(1, n + 1, dtype=jnp.int32)
    ids = jnp.where(ids <= law.founders, ids, 0)
    is_body = ids > 0
    x, y = (law.wrap(word.astype(jnp.int32)) for word in bits.of(ids, PLACE))
    heading = (bits.of(ids, HEADING)[0] & 63).astype(jnp.int32)
    zero = jnp.zeros(n, jnp.int32)
    bodies = Bodies(
        id=ids,
        x=jnp.where(is_body, x, 0),
        y=jnp.where(is_body, y, 0),
        heading=jnp.where(is_body, heading, 0),
        energy=jnp.where(is_body, law.founding_energy, 0),
        last_odour=zero,
        touched=zero,
        born=zero - 1,
        lineage=ids,
        parent=zero,
        deme=jnp.where(is_body, (ids - 1) % law.demes, 0) if law.migration else None,
    )
    j = jnp.arange(law.n_sources, dtype=jnp.int32)
    x, y = (law.wrap(word.astype(jnp.int32)) for word in bits.of(j, SOURCE))
    sources = Sources(x, y, (bits.of(j, SOURCE_PLACE)[0] & 63).astype(jnp.int32))
    several = (law.demes,) if law.migration else ()
    field = jnp.zeros((*several, 2, 2, law.side // 2, law.side // 2), jnp.int32)
    return PetriState(jnp.int32(law.founders + 1), {f.name: field for f in law.fields}, sources, bodies)


def divide(
    bits: Bits, next_id: Int32[Array, ""], b: Bodies, waiting: Bool[Array, " n"], word: UInt32[Array, ""]
) -> tuple[Int32[Array, ""], Bodies, Births, Bool[Array, " n"]]:
    """A round of divisions: the first of those who wait. Returns who still waits. Harmless where nobody does."""
    n = waiting.shape[0]
    size = min(1024, meetings.round_length(n))
    rank = ranks(b.id, word)
    now = lowest(waiting, rank, jnp.int32(size))
    parent = first_true(now, size)
    child = first_true(~b.alive, size)
    is_birth = parent < n
    child = jnp.where(is_birth, child, n)

    def of_parent(column: Array) -> Array:
        return column.at[parent].get(mode="fill", fill_value=0)

    child_id = promised(next_id + order_of(of_parent(rank), is_birth), jnp.int32(1), jnp.int32(_LAST))
    energy = of_parent(b.energy)
    newborn = dict(
        id=child_id,
        x=of_parent(b.x),
        y=of_parent(b.y),
        heading=(bits.of(child_id, HEADING)[0] & 63).astype(jnp.int32),
        energy=energy >> 1,
        last_odour=of_parent(b.last_odour),
        touched=of_parent(b.touched),
        born=jnp.full(size, 0, jnp.int32) + bits.tick,
        lineage=of_parent(b.lineage),
        parent=of_parent(b.id),
    )
    if b.deme is not None:
        newborn["deme"] = of_parent(b.deme)
    b = dataclasses.replace(b, energy=b.energy.at[parent].set(energy - (energy >> 1), mode="drop"))
    b = dataclasses.replace(
        b, **{name: getattr(b, name).at[child].set(value, mode="drop") for name, value in newborn.items()}
    )
    return next_id + sum32(is_birth), b, Births(parent, child, child_id), waiting & ~now
