"""The world `mirror` against its witness, in every bit; and its ledger against sums of its own."""

from __future__ import annotations

from dataclasses import asdict

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mesocosm.core.random import Bits, seed_words
from mesocosm.worlds.mirror.games import SCRIPTS
from mesocosm.worlds.mirror.law import Mirror
from mesocosm.worlds.mirror.parameters import MirrorParameters
from tests.reference.mirror_witness import World

pytestmark = pytest.mark.xdist_group("mirror")

SEED, REPLICATE = 2**40 + 77, 3
SMALL = dict(side=4, rounds=5, hazard=0.05, mutation=0.3, stake=8, memory=9, mobility=0.3, cost=16)
SMALL |= dict(founding_energy=120, division_energy=150, ceiling=200)
POOR = dict(ration=0, metabolism=6)

CASES = {
    "pennies": dict(SMALL, noise=3),
    "shuffled": dict(SMALL, shuffled=True, own_acts=False, remembers="everyone"),
    "dilemma": dict(
        SMALL, **POOR, game="dilemma", foresight=True, noise=5, visitors=0.4, remembers="kind", pool=SCRIPTS[:8]
    ),
    "told": dict(SMALL, **POOR, game="dove", foresight=True, visitors=0.6, remembers="kind", pool=SCRIPTS),
    "stag": dict(SMALL, **POOR, game="stag", mindless=True, own_acts=False, visitors=0.2, pool=("nature", "cycle5")),
    "wide": dict(
        SMALL,
        **POOR,
        side=8,
        game="dilemma",
        foresight=True,
        own_acts=False,
        remembers="everyone",
        visitors=0.3,
        pool=("gtft", "nature", "cycle4"),
    ),
}


@jax.jit
def step(law: Mirror, state, t):
    return law.tick(Bits.at(seed_words(SEED), jnp.uint32(REPLICATE), t), state)


@pytest.mark.parametrize("case", CASES)
def test_witness_agrees_in_every_bit(case):
    parameters = MirrorParameters(**CASES[case])
    law, witness = Mirror.of(parameters), World(asdict(parameters), SEED, REPLICATE)
    state = law.init(Bits.founding(seed_words(SEED), jnp.uint32(REPLICATE)))
    same(state, witness)
    births = 0
    for t in range(40 if parameters.side == 4 else 15):
        before = int(state.energy.sum())
        state, tick = step(law, state, jnp.int32(t))
        booked = witness.tick()
        assert {name: int(tick.flows[name]) for name in booked} == booked
        # conservation, summed from the bodies themselves
        accounts = booked["inflow"] - booked["spilled"] - booked["upkeep"] - booked["died"]
        assert int(state.energy.sum()) - before == accounts
        births += booked["births"]
        same(state, witness)
    assert births > 5 and (np.asarray(state.id) > 0).sum() > 2  # else nothing was compared


def same(state, witness: World) -> None:
    at = witness.at
    assert state.id.tolist() == [b.id if b else 0 for b in at]
    assert state.energy.tolist() == [b.energy if b else 0 for b in at]
    assert np.moveaxis(state.genome, 2, 0).tolist() == [b.genome if b else [[0] * 4] * 2 for b in at]
    assert [(int(m), int(r)) for m, r in zip(state.met, state.read, strict=True)] == [
        (b.met, b.read) if b else (0, 0) for b in at
    ]
    tables = np.asarray(state.tables)
    counts = np.stack([tables & 0xFFFF, tables >> 16], axis=-1)
    for p, body in enumerate(at):
        assert (counts[p] == (body.tables if body else 0)).all()
        assert state.history[p].tolist() == (body.history if body else [1] * counts.shape[1])
        assert state.whom[p].tolist() == (body.whom if body else [0] * counts.shape[1])
    assert (int(state.next_id), int(state.way), state.chance.tolist()) == (witness.next_id, witness.way, witness.chance)
