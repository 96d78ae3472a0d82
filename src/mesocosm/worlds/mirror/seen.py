"""What a person sees of `mirror`: who stands where, how deep it looks, and who foretells whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax.numpy as jnp
from jaxtyping import Array, Int32

from mesocosm.core.arrays import sum32
from mesocosm.core.experiment import Field, Graph, Points, Scene
from mesocosm.record.about import About, Gene, Genome, torus
from mesocosm.worlds.mirror.minds import LOCI, PRIORS

if TYPE_CHECKING:
    from mesocosm.worlds.mirror.law import Colony

UNIT = 256
"""Numbers of a coordinate to a place."""
GENES = (
    Gene("order", "acts", (0,)),
    Gene("foresight", "", (1,)),
    Gene("expects the newest act again", "acts", (2,), offset=-(PRIORS // 2)),
    Gene("noise", "/16", (3,)),
)
GENOME = Genome("bodies", "genome", GENES)

READERS = ("nobody", "no touch", "does not foretell its partner", "foretells its partner", "each foretells the other")
PALETTE = ("#ffffff", "#f3f2ee", "#e4e2da", "#ffb000", "#e2563b")
FORETELLING = About(words=READERS, palette=PALETTE, is_class=True, called="who foretells whom")
ORDERS = tuple(f"{k} {'act' if k == 1 else 'acts'}" for k in range(6))
SAID = {
    "population": About("bodies", low=0, called="bodies"),
    "orders": About("bodies", words=ORDERS, low=0, called="how far back they look"),
    **{
        f"{prefix}{name}": About("added up over bodies", called=f"{words}{name}")
        for name in LOCI
        for prefix, words in (("", "gene "), ("shadow_", "shadow of the gene "))
    },
    "body_energy": About("quanta", low=0, called="energy of all bodies"),
}
"""What the numbers of all who live are called, in the order in which they are shown."""


def reads(state: Colony) -> Array:
    """Whether a body expected its partner's act in seven of eight rounds or more of the tick.

    A coin is foretold so well in 0.2 % of touches of sixteen rounds (137 of 65,536).
    """
    return (state.met > 0) & (8 * state.read >= 7 * state.met)


def faced(state: Colony, other: Int32[Array, " n"], visitors: Array, shuffled: Array) -> Array:
    """Whether a body played this tick with whoever stands at the place that it touched, and who still lives there.

    The state holds whom a slot is about where partners are recognised: 0 for a visitor, another id than a newborn's.
    Else it is known only where there are no visitors. Nobody is the partner of all rounds where they are shuffled.
    """
    if state.whom.shape[1] == 4:  # a slot for each way of touching
        known = (state.id[other] > 0) & (state.whom[:, state.way] == state.id[other])
    else:
        known = (visitors == 0) & (state.met[other] > 0)
    return known & (state.id > 0) & (state.met > 0) & ~shuffled


def readers(state: Colony, other: Int32[Array, " n"], is_faced: Array) -> Array:
    """Who foretells whom: the class of `READERS` of each place."""
    mine = reads(state)
    says = jnp.where(mine & mine[other] & is_faced, 4, jnp.where(mine, 3, 2))
    return jnp.where(state.id == 0, 0, jnp.where(state.met == 0, 1, says))


def scene_of(state: Colony, other: Int32[Array, " n"], side: int, is_faced: Array) -> Scene:
    """Points, a picture, and numbers of all who live; who foretells whom only among those who `faced` each other."""
    place = jnp.arange(side * side, dtype=jnp.int32)
    is_alive = state.id > 0
    genome = state.genome
    columns = {
        "id": state.id,
        "x": (place % side) * UNIT + UNIT // 2,
        "y": (place // side) * UNIT + UNIT // 2,
        "order": genome[0, 0],
        "energy": state.energy,
        "read": (state.read * 100) // jnp.maximum(state.met, 1),
        "genome": genome,
    }
    about = {
        "order": About("acts", low=0, high=5),
        "energy": About("quanta", low=0),
        "read": About("% of its rounds", low=0, high=100, called="acts foretold"),
    }
    curves = {"population": sum32(is_alive), "body_energy": sum32(state.energy)}
    for locus, name in enumerate(LOCI):
        for strand, prefix in enumerate(("", "shadow_")):
            curves[f"{prefix}{name}"] = sum32(jnp.where(is_alive, genome[strand, locus], 0))
    curves["orders"] = jnp.stack([sum32(is_alive & (genome[0, 0] == k)) for k in range(6)])
    space = torus(side * UNIT, per_unit=UNIT, unit="places")
    points = {"bodies": Points(is_alive, columns, about, look="squares")}
    fields = {"readers": Field(readers(state, other, is_faced).reshape(side, side), about=FORETELLING)}
    is_bond = reads(state) & is_faced
    graphs = {
        "foretells": Graph(jnp.stack([state.id, state.id[other]]), is_bond, "bodies", called="foretells this neighbour")
    }
    return Scene(points, fields, curves=curves, graphs=graphs, space=space, about=SAID)
