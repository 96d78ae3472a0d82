"""The witness against a slow, literal reading of `docs/worlds/petri.md` in plain Python integers and dictionaries."""

import numpy as np
import pytest

from tests.reference import petri_witness as witness
from tests.reference.literal_petri import Slow, cosine, mix, threefry

pytestmark = pytest.mark.xdist_group("petri")  # Numba compiles the witness once

M32 = 0xFFFFFFFF

LIVELY = {
    "side": 8, "founders": 40, "ceiling": 70, "founding_energy": 60, "division_energy": 100, "n_sources": 1,
    "drops": 8, "drop_food": 20, "drop_odour": 9, "drop_spread": 900, "source_speed": 60, "turn_threshold": 9000,
    "jump_threshold": 2000, "food_diffusion": 64, "food_decay": 900, "odour_diffusion": 128, "odour_decay": 3000,
    "cell_capacity": 60, "speed": 128, "metabolism": 3, "bite": 7, "odour_levels": (1, 8, 32),
    "mutation_threshold": 9000, "exchange_threshold": 30000, "sharpness": 8, "policy": "softmax",
}  # fmt: skip
SIGNAL = {
    "signal": True, "signal_diffusion": 40, "signal_decay": 9000, "emission_cost": 1, "emission_quanta": 5,
    "signal_levels": (2, 6, 20), "trend_margin": 2, "senses": ("energy", "trend", "signal"),
}  # fmt: skip


# --- the tests ----------------------------------------------------------------------------------------------------


def law_of(**changes):
    return witness.Law(**(LIVELY | changes))


def compare(fast, slow):
    one, two = witness.snapshot(fast), slow.snapshot()
    assert set(one) == set(two)
    for name in one:
        assert np.array_equal(one[name], np.asarray(two[name])), f"{name} differs after tick {slow.tick - 1}"
        assert one[name].dtype == (np.int8 if name == "genome" else np.int64), name
    for name in ("tick", "status", "ended", "births", "deaths", "exchanges"):
        assert getattr(fast, name) == getattr(slow, name), name


def run_both(law, seed, replicate, ticks):
    """Both, tick by tick, with the ledger of section 6 from sums over the state."""
    fast, slow = witness.found(law, seed, replicate), Slow(law, seed, replicate)
    compare(fast, slow)
    for _ in range(ticks):
        before = witness.snapshot(fast)
        witness.advance(fast, 1)
        slow.do_tick()
        compare(fast, slow)
        after = witness.snapshot(fast)
        change = {name: int(after[name]) - int(before[name]) for name in witness.FLOWS}
        food, bodies = (int(after[name].sum() - before[name].sum()) for name in ("food", "energy"))
        heat = sum(change[name] for name in ("spilled", "decayed", "metabolism", "signalling", "wasted"))
        assert food + bodies == change["inflow"] - heat
        assert food == change["inflow"] - change["spilled"] - change["decayed"] - change["eaten"]
        for name in ("food", "odour", "signal"):
            assert (after[name] >= 0).all() and (after[name] <= law.cell_capacity).all()
    whole = witness.found(law, seed, replicate)
    witness.advance(whole, ticks)
    one, two = witness.snapshot(fast), witness.snapshot(whole)
    assert all(np.array_equal(one[name], two[name]) for name in one)
    return fast


@pytest.mark.parametrize(
    ("key", "counter", "result"),
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((M32, M32), (M32, M32), (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_threefry_gives_the_known_answers(key, counter, result):
    assert witness.threefry(*map(np.uint32, key + counter)) == result
    assert threefry(*key, *counter) == result


def test_small_functions_agree():
    assert [cosine(h) for h in range(64)] == witness.COSINE.tolist()
    for z in (0, 1, 12345, 0x80000000, M32):
        assert int(witness.mix(np.uint32(z))) == mix(z)


@pytest.mark.parametrize("policy", ["argmax", "softmax"])
@pytest.mark.parametrize("signal", [False, True])
@pytest.mark.parametrize(("seed", "replicate"), [(1, 0), (2**64 - 3, 7), (123456789012345, M32)])
def test_every_tick_agrees(policy, signal, seed, replicate):
    law = law_of(policy=policy, **(SIGNAL if signal else {}))
    world = run_both(law, seed, replicate, 50)
    assert (
        world.births
        and world.deaths
        and world.exchanges
        and world.eaten
        and world.decayed
        and world.wasted
        and world.spilled
    )
    assert world.signalling > 0 or not signal


@pytest.mark.parametrize(
    "changes",
    [
        {"side": 16, "senses": ()},
        {"side": 16, "senses": ("trend", "touch"), "sharpness": 4096, "speed": 1024, "source_speed": 1023},
        {"senses": ("odour", "energy"), "sharpness": 0, "food_diffusion": 128, "odour_decay": 65535},
        {"n_sources": 16, "drops": 9, "drop_food": 32767, "drop_spread": 32767, "cell_capacity": 32767, "bite": 900},
        {"turn_threshold": 65536, "jump_threshold": 0, "mutation_threshold": 65536, "exchange_threshold": 65536},
        {"turn_threshold": 0, "jump_threshold": 65536, "mutation_threshold": 0, "exchange_threshold": 0},
        {"founding_energy": 2, "division_energy": 2, "metabolism": 1, "bite": 1, "ceiling": 300, "founders": 150},
        {"side": 16, "bite": 0, "metabolism": 0, "drop_odour": 0, "drop_food": 0, "speed": 0},
        SIGNAL | {"founders": 5, "ceiling": 8, "senses": ("energy", "signal", "touch", "trend", "odour")},
        SIGNAL | {"emission_cost": 200, "emission_quanta": 40, "senses": ("touch", "signal"), "policy": "argmax"},
    ],
)
def test_corners_of_the_law_agree(changes):
    run_both(law_of(**changes), 5, 1, 24)


def test_the_ceiling_binds():
    law = law_of(ceiling=44)
    world = run_both(law, 3, 0, 80)
    assert world.alive == 44 and world.births > 10 and world.deaths > 0
    energy = witness.snapshot(world)["energy"]
    assert (energy == law.division_energy).sum() > 1, "some wait to divide"


def test_extinction_ends_the_law():
    world = run_both(law_of(drop_food=0), 4, 2, 30)
    assert world.status == "extinct" and world.ended == 19 and world.tick == 20 and world.alive == 0


def test_overflow_ends_the_law():
    law = law_of()
    fast, slow = witness.found(law, 6, 0), Slow(law, 6, 0)
    fast.count[witness.NEXT_ID] = slow.next_id = witness.OVERFLOW_ID - 5
    for _ in range(80):
        witness.advance(fast, 1)
        slow.do_tick()
        compare(fast, slow)
    assert fast.status == "overflow" and 0 < fast.tick < 80 and fast.ended == fast.tick - 1


def test_a_longer_run_agrees_at_its_end():
    law = law_of(side=16, **SIGNAL)
    fast, slow = witness.found(law, 11, 0), Slow(law, 11, 0)
    witness.advance(fast, 250)
    for _ in range(250):
        slow.do_tick()
    compare(fast, slow)
    assert fast.alive > 0
