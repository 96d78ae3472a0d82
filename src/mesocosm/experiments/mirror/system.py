"""`mirror`: the law of the world, the ledger, cameras, and all genomes where they are to be kept."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from mesocosm.core import Camera, Log, Setup, Tick
from mesocosm.core.instrument import Fold, Numbers, Shutter
from mesocosm.experiments.mirror.declaration import MirrorConfiguration
from mesocosm.worlds.mirror.law import Mirror
from mesocosm.worlds.mirror.play import COUNTS

FLOWS = (*COUNTS, "touches", "upkeep", "died", "deaths", "starved", "steps", "births")
"""What ticks add up to in a window."""


class Residual(Fold):
    """Energy that no account explains, from what bodies hold; and how many hold less than nothing: must be 0."""

    def init(self, scene: Any) -> Any:
        return scene.curves["body_energy"], jnp.int32(0)

    def update(self, folded: Any, tick: Tick) -> Any:
        before, booked = folded
        flows = tick.flows
        return before, booked + flows["inflow"] - flows["spilled"] - flows["upkeep"] - flows["died"]

    def read(self, folded: Any, scene: Any) -> dict[str, Array]:
        before, booked = folded
        bodies = scene.points["bodies"]
        overdrawn = jnp.sum(bodies.columns["energy"] < 0, dtype=jnp.int32)
        residual = booked - (jnp.sum(jnp.where(bodies.alive, bodies.columns["energy"], 0), dtype=jnp.int32) - before)
        return {"residual": jnp.where(overdrawn > 0, jnp.maximum(jnp.abs(residual), overdrawn), residual)}


def build(c: MirrorConfiguration) -> Setup:
    """The law and what watches it."""
    law = Mirror.of(c.world, c.keep_every)
    folds = {"numbers": Numbers(tuple((name, "int32") for name in FLOWS)), "residual": Residual()}
    logs: tuple[Log | Camera, ...] = ()
    if c.keep_every:
        logs += (Log("minds", "minds", (("id", "id"), ("genome", "genome"))),)
    if c.frames_every:
        shutter = Shutter(c.frames_every, replicate=c.frames_of)
        seen = ("id", "x", "y", "order", "energy", "read", "genome")
        logs += (Camera("bodies", "bodies", tuple((name, name) for name in seen), shutter),)
        logs += (Camera("readers_field", "readers", (("readers", "readers"),), shutter, most=c.world.side),)
        ends = tuple((name, name) for name in ("bond", "source", "target"))
        logs += (Camera("foretells_graph", "foretells", ends, shutter),)
    return Setup(law, folds, logs)
