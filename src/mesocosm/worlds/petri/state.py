"""What changes in `petri`. Every array is int32; a slot with id 0 is empty."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int32, UInt32

from mesocosm.core.random import Bits, mix32

# Purposes of random bits (docs/worlds/petri.md, section 2).
BODY, PLACE, HEADING, SOURCE, SOURCE_PLACE, DROP, FIELD, CONTEST = range(8)
MIGRATE, RECOLONISE = 8, 9  # docs/worlds/demes.md


class Bodies(eqx.Module):
    """Bodies in slots; 40 bytes a body, genomes aside."""

    id: Int32[Array, " n"]  # counts up from 1, never reused; 0 is an empty slot
    x: Int32[Array, " n"]  # 1/256 cell
    y: Int32[Array, " n"]
    heading: Int32[Array, " n"]  # 1/64 turn
    energy: Int32[Array, " n"]  # quanta
    last_odour: Int32[Array, " n"]  # what it smelt in the last tick
    touched: Int32[Array, " n"]  # 1 if it shared its cell in the last tick
    born: Int32[Array, " n"]  # tick of birth, -1 for founders
    lineage: Int32[Array, " n"]  # id of its founder by division
    parent: Int32[Array, " n"]  # id of its parent, 0 for founders (for the record; no part of the law)
    deme: Int32[Array, " n"] | None = None  # which of several tori it lives in; None where there is one

    @property
    def alive(self) -> Bool[Array, " n"]:
        return self.id > 0


class Sources(eqx.Module):
    x: Int32[Array, " j"]
    y: Int32[Array, " j"]
    heading: Int32[Array, " j"]


class PetriState(eqx.Module):
    """One replicate of the world."""

    next_id: Int32[Array, ""]
    fields: dict[str, Int32[Array, "*demes 2 2 half half"]]  # food, odour, signal where bodies can emit; one's own
    sources: Sources
    bodies: Bodies

    @property
    def food(self) -> Int32[Array, "*demes 2 2 half half"]:
        return self.fields["food"]

    @property
    def population(self) -> Int32[Array, ""]:
        return jnp.sum(self.bodies.alive, dtype=jnp.int32)


class Births(eqx.Module):
    """A round of divisions: the k-th child of the list is born in `child` from the body in `parent`."""

    parent: Int32[Array, " k"]  # slot; the number of slots where there is no k-th child
    child: Int32[Array, " k"]  # slot, likewise
    child_id: Int32[Array, " k"]


class Meetings(eqx.Module):
    """Slots of the first and the last of each pair that meets, and the id that addresses their random bits."""

    first: Int32[Array, " k"]  # slot; the number of slots where there is no k-th pair
    last: Int32[Array, " k"]
    first_id: Int32[Array, " k"]


class Meal(eqx.Module):
    """What bodies found in their cells in a tick.

    Args:
      taken: quanta that each ate.
      wasted: quanta that the full could not keep, in all.
      crowd: how many share each body's cell, itself included; is_first: whether it is the first of them.
    """

    taken: Int32[Array, " n"]
    wasted: Int32[Array, ""]
    crowd: Int32[Array, " n"]
    is_first: Bool[Array, " n"]


def contest_word(bits: Bits) -> UInt32[Array, ""]:
    """The word that orders all contests of this tick."""
    return bits.of(jnp.uint32(0), CONTEST)[0]


def ranks(ids: Int32[Array, " n"], word: UInt32[Array, ""]) -> UInt32[Array, " n"]:
    """The rank of each body in the contests of a tick: a bijection of ids, so never a tie."""
    return mix32(ids.astype(jnp.uint32) ^ word)
