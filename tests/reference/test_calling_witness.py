"""Whole ticks of `calling` against a witness in NumPy (from docs/worlds/calling.md): equal to the last bit.

Ears that are deaf, hear noise, others only (all less one's own) or themselves only; bodies that are mute, and that pay
unheard; both policies, reticence, the sense of the trend alone and beside the level, swaps, copies and neither; two
replicates each. What bodies met is counted in both.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mesocosm.core import Plan, Setup, run
from mesocosm.experiments.calling.declaration import CallingConfiguration
from mesocosm.experiments.calling.system import build
from mesocosm.record.configuration import from_dict
from mesocosm.worlds.petri.fields import as_grid
from tests.reference import calling_witness as witness
from tests.reference.test_petri_witness import law_of as law_of_petri
from tests.reference.test_petri_witness import worlds_after

pytestmark = pytest.mark.xdist_group("petri")  # Numba compiles the witness once

TICKS, SEED = 600, 2**63 + 977
_WORLD: dict[str, Any] = dict(
    side=16,
    founders=60,
    ceiling=120,
    division_energy=700,
    founding_energy=500,
    drops=4,
    drop_food=90,
    drop_spread=768,
    emission_cost=2,
)
_SHARED: dict[str, Any] = {"hears_trend": True, "exchange": "copy", "reticence": 40, "callers": 0.4}
_ALONE: dict[str, Any] = {"exchange": "none", "hears_trend": True, "callers": 0.4}
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "deaf": {"ears": "deaf", **_SHARED},
    "noise": {"ears": "noise", **_SHARED},  # the same compiled program
    "others": {
        "ears": "others",
        "world": {"senses": ["odour", "touch"]},
        "hears_trend": True,
        "mind": {"policy": "argmax"},
    },
    "own": {"ears": "own", **_ALONE},
    "mute": {"ears": "own", "mute": True, **_ALONE},  # the same compiled program
    "unheard": {"ears": "own", **_ALONE, "world": {"emission_quanta": 0}},  # and again
}


def configuration(name: str) -> CallingConfiguration:
    changes = {"heredity": {"exchange_probability": 0.4, "mutation_probability": 0.02}, **CONFIGURATIONS[name]}
    return from_dict(CallingConfiguration, {**changes, "world": {**_WORLD, **changes.get("world", {})}})


def law_of(c: CallingConfiguration) -> witness.Law:
    mutes = {"emission_quanta": 0, "emission_cost": 0} if c.mute else {}
    alone = {"exchange_threshold": 0} if c.exchange == "none" else {}
    return witness.Law(
        **{**vars(law_of_petri(c)), **mutes, **alone},
        n_callers=int(c.callers * c.world.founders + 0.5),
        ears=c.ears,
        hears_trend=c.hears_trend,
        reticence=c.reticence,
        copies=c.exchange == "copy",
    )


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_calls_equal_their_witness_to_the_last_bit(name, tmp_path):
    c, setup = configuration(name), build(configuration(name))
    folds = {fold: setup.folds[fold] for fold in ("visits", "ledger")}
    record = run(Setup(setup.experiment, folds), Plan("calling", SEED, 2, TICKS, TICKS), tmp_path)
    (states, ended), lived = worlds_after(record), 0
    lanes = {int(r): lane for lane, r in enumerate(record.state["replicate"])}
    for replicate in range(2):
        other = witness.found(law_of(c), SEED, replicate)
        witness.advance(other, TICKS)
        if replicate in ended:
            assert (other.status, other.tick) == (ended[replicate].status, ended[replicate].tick)
            continue
        expected, lane = witness.petri.snapshot(other), lanes[replicate]
        for key, value in states[replicate].items():
            assert np.array_equal(value, expected[key]), (name, replicate, key)
        for k, channel in enumerate(other.channels):
            there = as_grid(record.state[f"state.world.fields.signal of {k}"][lane]).ravel()
            assert np.array_equal(there, channel), (name, replicate, k)
        if c.hears_trend:
            ids, heard = record.state["state.world.bodies.id"][lane], record.state["state.calls"][lane]
            assert dict(zip(ids[ids > 0].tolist(), heard[ids > 0].tolist(), strict=True)) == {
                i: other.heard[i] for i in ids[ids > 0].tolist()
            }
        row = record.metrics["replicate"] == replicate
        met = [int(record.metrics[f"visits_{s}"][row][0]) for s in range(other.met.size)]
        assert met == other.met.tolist() and record.metrics["residual"][row] == 0
        lived += 1
        assert other.births > 20 and (other.exchanges > 5) == (c.exchange != "none")
        assert (other.signalling > 0) != c.mute, "what is paid for emissions"
    assert lived, "a configuration in which worlds die early tests little"
