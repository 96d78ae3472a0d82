"""The world against its witness: a Numba loop written from docs/worlds/petri.md alone, equal to the last bit.

10,000 ticks (of the crowd a quarter), nine configurations that switch every part of the law on and off, three seeds,
two replicates each.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from mesocosm.core import Plan, Setup, run
from mesocosm.core.random import threshold16
from mesocosm.experiments.chemotaxis.declaration import ChemotaxisConfiguration
from mesocosm.experiments.chemotaxis.system import build
from mesocosm.record import Record
from mesocosm.record.configuration import from_dict
from mesocosm.record.reader import ReplicateStatus
from mesocosm.worlds.petri.fields import as_grid
from tests.compiling import compile_with
from tests.reference import petri_witness as witness

pytestmark = pytest.mark.xdist_group("petri")  # Numba compiles the witness once

TICKS = 10_000
SEEDS = (0, 1, 2**63 + 12345)

_LIVELY = dict(
    side=32,
    founders=100,
    ceiling=400,
    division_energy=1200,
    founding_energy=900,
    drops=5,
    drop_food=90,
    drop_spread=512,
    odour_levels=[4, 32, 128],
    jump_probability=0.004,
)
_SIGNAL = dict(signal=True, signal_levels=[1, 8, 40], emission_cost=2, emission_quanta=20)
CONFIGURATIONS = {
    "odour": {},
    "argmax": {"mind": {"policy": "argmax"}, "heredity": {"mutation_probability": 0.05}},
    "all senses": {"world": {**_SIGNAL, "senses": ["odour", "trend", "touch", "signal", "energy"], "trend_margin": 2}},
    "deaf emitters": {"world": {**_SIGNAL, "senses": ["energy", "touch"], "signal_diffusion": 77}},
    "ceiling binds": {"world": {"ceiling": 100, "drop_food": 300, "founders": 64}},
    "cells spill": {"world": {"cell_capacity": 60, "bite": 7, "senses": ["trend"], "n_sources": 3}},
    "always exchanging": {
        "world": {"side": 8, "senses": ["odour", "energy"], "speed": 300, "source_speed": 1000},
        "heredity": {"exchange_probability": 1.0, "mutation_probability": 0.3},
        "mind": {"sharpness": 300},
    },
    "crowd": {"world": {"founders": 1100, "ceiling": 4000, "drop_food": 900, "n_sources": 2}},
    "senseless": {"world": {"senses": [], "food_decay": 9000, "drop_food": 160, "jump_probability": 0.0}},
}


@pytest.fixture(autouse=True)
def compiled_well(monkeypatch):
    """Other tests run for a moment and are compiled quickly (conftest.py); these run long enough for the opposite."""
    compile_with(monkeypatch, xla_backend_optimization_level=2, xla_llvm_disable_expensive_passes=False)


def configuration(name: str) -> ChemotaxisConfiguration:
    changes = CONFIGURATIONS[name]
    world = {**_LIVELY, **changes.get("world", {})}
    return from_dict(ChemotaxisConfiguration, {**changes, "world": world})


def law_of(c: ChemotaxisConfiguration) -> witness.Law:
    """The configuration in the integers of the page."""
    own = {f.name for f in dataclasses.fields(witness.Law)}
    numbers = {name: value for name, value in vars(c.world).items() if name in own}
    return witness.Law(
        **numbers,
        turn_threshold=threshold16(c.world.turn_probability),
        jump_threshold=threshold16(c.world.jump_probability),
        mutation_threshold=threshold16(c.heredity.mutation_probability),
        exchange_threshold=threshold16(c.heredity.exchange_probability),
        sharpness=c.mind.sharpness,
        policy=c.mind.policy,
    )


def worlds_after(record: Record) -> tuple[dict[int, dict[str, np.ndarray]], dict[int, ReplicateStatus]]:
    """The state of every living replicate as the loop leaves it, in the witness's form; and who has ended."""
    arrays, out = record.state, {}
    for lane, replicate in enumerate(arrays["replicate"]):
        ids = arrays["state.world.bodies.id"][lane]
        order = np.argsort(ids)[np.sum(ids == 0) :]
        names = ("id", "x", "y", "heading", "energy", "last_odour", "touched", "born", "lineage")
        world = {name: arrays[f"state.world.bodies.{name}"][lane][order] for name in names}
        world["genome"] = np.moveaxis(arrays["state.genomes"][lane][:, :, order], 2, 0)
        for field in ("food", "odour", "signal"):
            values = arrays.get(f"state.world.fields.{field}")
            world[field] = as_grid(values[lane]).ravel() if values is not None else np.zeros(0, np.int64)
        for name in ("x", "y", "heading"):
            world[f"source_{name}"] = arrays[f"state.world.sources.{name}"][lane]
        world["next_id"] = arrays["state.world.next_id"][lane]
        out[int(replicate)] = world
    ended = {s.replicate: s for s in record.statuses if s.status != "alive"}
    return out, ended


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_law_equals_witness_to_the_last_bit(name, tmp_path):
    c, ticks = configuration(name), TICKS // (4 if name == "crowd" else 1)
    lived = 0
    for seed in SEEDS:
        record = run(Setup(build(c).experiment), Plan("petri", seed, 2, ticks, ticks), tmp_path / str(seed))
        worlds, ended = worlds_after(record)
        for replicate in range(2):
            other = witness.found(law_of(c), seed, replicate)
            witness.advance(other, ticks)
            if replicate in ended:
                assert (other.status, other.tick) == (ended[replicate].status, ended[replicate].tick)
                continue
            lived += 1
            expected = witness.snapshot(other)
            for key, value in worlds[replicate].items():
                assert np.array_equal(value, expected[key]), (name, seed, replicate, key)
    assert lived >= 3, "a configuration in which worlds die early tests little"
