"""Elements against their witness (a dictionary and plain Python, from docs/worlds/symbiont.md): equal to the last bit.

2,000 ticks, five configurations that switch every part of the layer on and off, two replicates each.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mesocosm.core import Plan, Setup, run
from mesocosm.core.random import threshold16
from mesocosm.experiments.chemotaxis.declaration import ChemotaxisConfiguration
from mesocosm.experiments.chemotaxis.system import build as build_without
from mesocosm.experiments.symbiont.declaration import SymbiontConfiguration
from mesocosm.experiments.symbiont.system import build
from mesocosm.record.configuration import from_dict, to_dict
from tests.reference import symbiont_witness as witness
from tests.reference.test_petri_witness import law_of as law_of_petri
from tests.reference.test_petri_witness import worlds_after

pytestmark = pytest.mark.xdist_group("petri")  # Numba compiles the witness once

TICKS = 2_000
SEEDS = (2**63 + 12345,)
_WORLD: dict[str, Any] = dict(
    side=16,
    founders=60,
    ceiling=160,
    division_energy=600,
    founding_energy=500,
    drops=4,
    drop_food=70,
    drop_spread=512,
    jump_probability=0.004,
)
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "plain": {"element": {"reach": 0.3}},
    "all displace": {"element": {"reach": 1.0, "superinfection": 0.5, "mutation_probability": 0.2, "rivalry": 0.3}},
    "locks": {"element": {"reach": 0.8, "lock_bits": 2}, "heredity": {"mutation_probability": 0.05}},
    "great costs": {
        "element": {"drain": 700, "help": 600, "reach": 0.4, "carriers": 1.0},
        "world": {"ceiling": 60, "metabolism": 9},
    },
    "signals": {
        "world": {"signal": True, "senses": ["touch", "signal"], "emission_cost": 3},
        "mind": {"policy": "argmax"},
        "element": {"drain": 0, "help": 7, "rivalry": 0.0, "reach": 0.1},
    },
}


def configuration(name: str) -> SymbiontConfiguration:
    changes = CONFIGURATIONS[name]
    return from_dict(SymbiontConfiguration, {**changes, "world": {**_WORLD, **changes.get("world", {})}})


def law_of(c: SymbiontConfiguration) -> witness.Law:
    e = c.element
    return witness.Law(
        **vars(law_of_petri(c)),
        carriers_threshold=threshold16(e.carriers),
        drain=e.drain,
        help=e.help,
        rivalry=int(256 * e.rivalry + 0.5),
        reach_threshold=threshold16(e.reach),
        superinfection_threshold=threshold16(e.superinfection),
        element_mutation_threshold=threshold16(e.mutation_probability),
        lock_bits=e.lock_bits,
    )


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_elements_equal_their_witness_to_the_last_bit(name, tmp_path):
    c, lived, entered = configuration(name), 0, 0
    for seed in SEEDS:
        setup = build(c)
        record = run(
            Setup(setup.experiment, setup.folds), Plan("symbiont", seed, 2, TICKS, TICKS), tmp_path / str(seed)
        )
        states, ended = worlds_after(record)
        arrays, lanes = record.state, {int(r): lane for lane, r in enumerate(record.state["replicate"])}
        for replicate in range(2):
            other = witness.found(law_of(c), seed, replicate)
            witness.advance(other, TICKS)
            if replicate in ended:
                assert (other.status, other.tick) == (ended[replicate].status, ended[replicate].tick)
                continue
            lived += 1
            entered += other.flows["passed"]
            expected = witness.petri.snapshot(other)
            for key, value in states[replicate].items():
                assert np.array_equal(value, expected[key]), (name, seed, replicate, key)
            lane = lanes[replicate]
            ids, strains = arrays["state.world.bodies.id"][lane], arrays["state.elements.strain"][lane]
            genes = np.moveaxis(arrays["state.elements.genes"][lane], -1, 0)
            carried = {int(ids[k]): (int(strains[k]), genes[k].tolist()) for k in np.flatnonzero(strains)}
            assert carried == other.elements
            row = record.metrics["replicate"] == replicate
            assert {flow: int(record.metrics[flow][row][0]) for flow in other.flows} == other.flows
            assert record.metrics["residual"][row] == 0
    assert lived >= 2 and entered > 10, "a configuration in which worlds die early, or nothing spreads, tests little"


def test_without_carriers_the_world_is_petri(tmp_path):
    """Elements that are not there change no bit of the published world."""
    c = from_dict(SymbiontConfiguration, {"world": _WORLD, "element": {"carriers": 0.0}})
    plain = from_dict(ChemotaxisConfiguration, {name: to_dict(c)[name] for name in ("world", "mind", "heredity")})
    experiments = (build(c).experiment, build_without(plain).experiment)
    plan = Plan("worlds", 3, 2, 400, 400)
    with_layer, without = (worlds_after(run(Setup(e), plan, tmp_path / str(k))) for k, e in enumerate(experiments))
    for replicate, state in without[0].items():
        for key, value in state.items():
            assert np.array_equal(value, with_layer[0][replicate][key]), key
    assert without[0]
