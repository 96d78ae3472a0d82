"""The worlds that are measured, and the two programs on them: ours (the real loop) and the Numba witness."""

from __future__ import annotations

import dataclasses
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

from mesocosm.core.loop import Loop
from mesocosm.core.plan import Plan, Setup
from mesocosm.core.steering import CHUNK_SECONDS
from mesocosm.ecology.ecology import Ecology
from mesocosm.ecology.state import EcologyState
from mesocosm.experiments.chemotaxis.declaration import ChemotaxisConfiguration
from mesocosm.experiments.symbiont.declaration import SymbiontConfiguration
from mesocosm.record.configuration import from_dict
from tests.reference import petri_witness as witness
from tests.reference.test_petri_witness import law_of

__all__ = ["Ours", "Witness", "configuration", "law_of", "without"]


def configuration(bodies: int) -> ChemotaxisConfiguration:
    """A world in which about `bodies` live for long: food falls everywhere, the slots are nearly full.

    128 x 128 cells up to 1,000 bodies, 256 x 256 beyond.
    """
    side = 128 if bodies <= 1000 else 256
    sources = {128: 1, 256: 16}[side]
    drops = 16 if side == 128 else 64
    food = round(4 * bodies / (sources * drops))
    world = dict(
        side=side,
        founders=bodies,
        ceiling=1 << (bodies - 1).bit_length(),
        n_sources=sources,
        drops=drops,
        drop_food=food,
        drop_spread=64 * side,
        jump_probability=0.0,
        food_decay=10,
        cell_capacity=8000,
        division_energy=4000,
        founding_energy=2000,
    )
    return from_dict(ChemotaxisConfiguration, {"world": world})


def without(experiment: Ecology, methods: dict[str, Any]) -> Ecology:
    """The experiment with methods of it, or of its world, replaced: a type of its own, so a program of its own."""

    def as_type(module: Any, replaced: dict[str, Any]) -> Any:
        cls = type(f"Without{'_'.join(replaced)}", (type(module),), replaced)
        out = object.__new__(cls)
        for field in dataclasses.fields(module):
            object.__setattr__(out, field.name, getattr(module, field.name))
        return out

    of_world = {name: method for name, method in methods.items() if hasattr(type(experiment.world), name)}
    world = as_type(experiment.world, of_world) if of_world else experiment.world
    of_all = {name: method for name, method in methods.items() if name not in of_world}
    return dataclasses.replace(as_type(experiment, of_all) if of_all else experiment, world=world)


class _NoRecord:
    folder = Path()

    def commit(self, *arguments: Any) -> None:
        pass


class Ours:
    """The real loop without a record; with logs, or with all folds and a row every 100 ticks, if asked for."""

    def __init__(
        self, c: ChemotaxisConfiguration, replicates: int, logs=False, devices: int = 1, change=None, folds=False
    ):
        name = "symbiont" if isinstance(c, SymbiontConfiguration) else "chemotaxis"
        built = import_module(f"mesocosm.experiments.{name}.system").build(c)
        experiment = change(built.experiment) if change else built.experiment
        setup = Setup(experiment, built.folds if folds else {}, logs=built.logs if logs else ())
        plan = Plan("benchmark", 0, replicates, 10**9, 100 if folds else 10**6)
        self.loop = Loop(setup, plan, _NoRecord(), jax.devices()[:devices], None, 1e9, None)
        self.loop.found()
        self._fit(c.world.ceiling)

    def _fit(self, slots: int) -> None:
        """As many slots as the ceiling: what stands empty is then little (founders lie at the front)."""
        lanes = self.loop.lanes
        if lanes.state.world.bodies.id.shape[1] > slots:
            s = lanes.state
            own = (s.world.bodies, s.genomes, dict(s.owns), s.brains, s.memory)
            bodies, genomes, owns, brains, memory = jax.tree.map(lambda x: x[..., :slots], own)
            world = eqx.tree_at(lambda w: w.bodies, s.world, bodies)
            state = EcologyState(world, genomes, owns, brains, memory, s.colony)
            self.loop._load(state, lanes.folded)

    def advance(self, ticks: int) -> float:
        """Seconds that these ticks took."""
        began, stop = time.perf_counter(), self.loop.tick + ticks
        while self.loop.tick < stop:
            self.loop.chunk = stop - self.loop.tick, CHUNK_SECONDS  # all of it, if memory permits
            self.loop._advance(stop, CHUNK_SECONDS)
        self.loop.pending_logs = {name: [] for name in self.loop.pending_logs}
        self.loop.pending_rows = []
        return time.perf_counter() - began

    def population(self) -> int:
        return int(np.sum(np.asarray(self.loop.lanes.state.world.bodies.id) > 0))

    def slots(self) -> int:
        return self.loop.lanes.state.world.bodies.id.size


class Witness:
    """The Numba loop, one replicate after another."""

    def __init__(self, c: ChemotaxisConfiguration, replicates: int):
        self.worlds = [witness.found(law_of(c), 0, r) for r in range(replicates)]

    def advance(self, ticks: int) -> float:
        began = time.perf_counter()
        for world in self.worlds:
            witness.advance(world, ticks)
        return time.perf_counter() - began

    def population(self) -> int:
        return sum(int(world.alive) for world in self.worlds)
