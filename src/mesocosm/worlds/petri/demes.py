"""Several tori in one replicate, with migration and recolonisation (docs/worlds/demes.md).

Bodies of all of them stand in one list and have ids of one row, so that parents, lineages, logs and the room for bodies
are what they are in one torus; a body's torus is one more number of its own. Groups that live, send out propagules and
die out are the island model of S. Wright (1931) and the haystacks of J. Maynard Smith (1964).
"""

from __future__ import annotations

import dataclasses

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Int32, UInt32

from mesocosm.core.arrays import lowest
from mesocosm.core.random import Bits, threshold16
from mesocosm.worlds.petri.parameters import PetriParameters
from mesocosm.worlds.petri.state import MIGRATE, RECOLONISE, Bodies


class Migration(eqx.Module):
    """How bodies get from one torus to another."""

    demes: int = eqx.field(static=True)
    threshold: Int32[Array, ""]
    recolonise_every: Int32[Array, ""]
    propagule: Int32[Array, ""]

    def __init__(self, parameters: PetriParameters):
        self.demes = parameters.demes
        self.threshold = jnp.int32(threshold16(parameters.migration))
        self.recolonise_every = jnp.int32(parameters.recolonise_every)
        self.propagule = jnp.int32(parameters.propagule)

    def move(self, bits: Bits, b: Bodies, rank: UInt32[Array, " n"]) -> tuple[Bodies, Int32[Array, ""]]:
        """Migrants move, then empty tori are recolonised. Places and energies stay. Returns how many have moved."""
        assert b.deme is not None
        before = b.deme
        word = bits.of(b.id, MIGRATE)[0]
        goes = b.alive & ((word & 0xFFFF).astype(jnp.int32) < self.threshold)
        further = 1 + (((word >> 16) * jnp.uint32(self.demes - 1)) >> 16).astype(jnp.int32)
        b = dataclasses.replace(b, deme=jnp.where(goes, (before + further) & (self.demes - 1), before))
        due = (self.recolonise_every > 0) & ((bits.tick + 1) % jnp.maximum(self.recolonise_every, 1) == 0)

        def recolonise(b: Bodies) -> Bodies:
            for target in range(self.demes):
                b = self._recolonise(bits, b, rank, target)
            return b

        b = lax.cond(due, recolonise, lambda b: b, b)
        return b, jnp.sum(b.alive & (b.deme != before), dtype=jnp.int32)

    def _recolonise(self, bits: Bits, b: Bodies, rank: UInt32[Array, " n"], target: int) -> Bodies:
        """If nobody lives in this torus, the first of another one, drawn anew, come over: half of it at most."""
        assert b.deme is not None
        word = bits.of(jnp.uint32(target), RECOLONISE)[0]
        source = (target + 1 + ((word >> 16) * jnp.uint32(self.demes - 1) >> 16).astype(jnp.int32)) & (self.demes - 1)
        is_empty = ~jnp.any(b.alive & (b.deme == target))
        there = b.alive & (b.deme == source)
        most = jnp.minimum(self.propagule, jnp.sum(there, dtype=jnp.int32) // 2)
        chosen = lowest(there, rank, most) & is_empty
        return dataclasses.replace(b, deme=jnp.where(chosen, target, b.deme))
