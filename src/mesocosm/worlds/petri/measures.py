"""What is measured of a world and is no part of its law."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Int32

from mesocosm.core.arrays import root, sum32
from mesocosm.worlds.petri.law import Petri
from mesocosm.worlds.petri.state import PetriState

NEAR = 8
"""Cells from a source within which a body has found it."""


def closeness(law: Petri, state: PetriState) -> dict[str, Int32[Array, ""]]:
    """How close living bodies are to the nearest source.

    `distance`: its mean, in 1/16 cell (0 where none lives); bodies' distances are rounded to cells before they are
    added, so that no sum leaves int32. `near`: how many are within `NEAR` cells. The mean hardly knows who has found
    the food: the many who have not are as far away as a torus permits, whatever the few do.
    """
    b, s, half = state.bodies, state.sources, law.extent // 2

    def apart(a: Array, b: Array) -> Array:
        return (law.wrap(a[:, None] - b[None, :] + half) - half) >> 4

    dx, dy = apart(b.x, s.x), apart(b.y, s.y)
    square = dx * dx + dy * dy
    if b.deme is not None:
        own = law.deme_of_source(jnp.arange(law.n_sources, dtype=jnp.int32))
        square = jnp.where(b.deme[:, None] == own[None, :], square, jnp.int32(2**30))
    nearest = root(jnp.min(square, axis=1))
    total = sum32(jnp.where(b.alive, (nearest + 8) >> 4, 0))
    living = jnp.maximum(state.population, 1)
    mean = 16 * (total // living) + (16 * (total % living)) // living
    return {"distance": mean, "near": sum32(b.alive & (nearest <= 16 * NEAR))}
