"""`rewards`: bacteria whose genes are reward maps, and who plan or learn how to fulfil them."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Int32, UInt32

from mesocosm.core import Bits, Founding, Setup
from mesocosm.core.arrays import sum32
from mesocosm.core.experiment import Events, Scene, Tick
from mesocosm.core.instrument import Fold, Log
from mesocosm.ecology.setup import ecology, watched
from mesocosm.ecology.state import EcologyState
from mesocosm.experiments.rewards.declaration import RewardsConfiguration
from mesocosm.heredity.strands import EXPRESSED
from mesocosm.instruments.ecology import EMIT
from mesocosm.minds.lifetime import Lifetime
from mesocosm.minds.mind import Mind
from mesocosm.minds.parameters import WEIGHTS
from mesocosm.minds.planner import Planner


class Weights(Fold):
    """The genes of the living, summed over bodies, of both strands; and how many signals were emitted."""

    def init(self, scene: Scene) -> Any:
        return jnp.int32(0)

    def update(self, folded: Any, tick: Tick) -> Any:
        acts = tick.events["acts"]
        return folded + sum32(acts.happened & (acts.columns["act"] >= EMIT))

    def read(self, folded: Any, scene: Scene) -> dict[str, Array]:
        bodies = scene.points["bodies"]
        genes = jnp.where(bodies.alive, bodies.columns["genome"].astype(jnp.int32), 0)
        sums = jnp.sum(genes, axis=2, dtype=jnp.int32)
        strands = enumerate(("evolved", "shadow"))
        told = {f"{weight}_{strand}": sums[i, k] for i, strand in strands for k, weight in enumerate(WEIGHTS)}
        return {"emitted": folded, **told}


class Lives(Log):
    """What every `one_in`-th body saw and did, tick by tick."""

    one_in: Int32[Array, ""]
    start: Int32[Array, ""]

    def __init__(self, one_in: int, start: int):
        self.name, self.event = "lives", "acts"
        self.columns = tuple((name, name) for name in ("id", "stimulus", "act"))
        self.one_in, self.start = jnp.int32(one_in), jnp.int32(start)

    def emit(self, tick: Tick, scene: Scene, clock: Array, replicate: Array) -> Events:
        all_of_them = super().emit(tick, scene, clock, replicate)
        is_mine = (all_of_them.columns["id"] % self.one_in == 0) & (clock >= self.start)
        return Events(all_of_them.happened & is_mine, all_of_them.columns)


class OfOneKind(Founding):
    """All founders have the expressed genome of the first; their shadows stay as they are."""

    def replace(self, bits: Bits, state: EcologyState, replicate: UInt32[Array, ""]) -> EcologyState:
        ids = state.world.bodies.id
        first = jnp.sum(jnp.where(ids == 1, state.genomes[EXPRESSED], 0), axis=1, dtype=jnp.int8)
        genomes = state.genomes.at[EXPRESSED].set(jnp.where(ids > 0, first[:, None], 0))
        return dataclasses.replace(state, genomes=genomes)


def build(configuration: RewardsConfiguration) -> Setup:
    """The experiment and what watches it."""
    c = configuration

    def mind(n_stimuli: int, n_acts: int) -> Mind:
        return (Planner if c.mind.kind == "planner" else Lifetime)(c.mind, n_stimuli, n_acts)

    setup = watched(c, ecology(c, mind=mind), {"weights": Weights()})
    logs = (*setup.logs, Lives(c.lives, c.mind.adapts)) if c.lives else setup.logs
    return dataclasses.replace(setup, logs=logs, founding=OfOneKind() if c.monoculture else None)
