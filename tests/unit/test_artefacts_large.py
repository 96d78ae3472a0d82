"""Worlds with so many places that their translation to ONNX is another: tables, shorter arrays, sums as floats."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mesocosm import artefacts
from mesocosm.artefacts import ArtefactError, subjects
from mesocosm.artefacts.program import digest_of, played
from mesocosm.artefacts.written import as_onnx, as_stablehlo
from mesocosm.core.checkpoint import named
from mesocosm.core.random import Bits, seed_words
from mesocosm.protocol.launch import prepare
from mesocosm.protocol.registry import declaration
from mesocosm.record.configuration import from_dict

pytest.importorskip("onnx", reason="needs the extra export")
pytest.importorskip("onnxruntime", reason="needs the extra export")


@cache
def tick_of(**world):
    """A world that grows to its ceiling, and beyond what feeds it."""
    values = {"side": 32, "founders": 64, "ceiling": 1024, "drops": 100, **world}
    law = prepare("chemotaxis", from_dict(declaration("chemotaxis").configuration, {"world": values}))[0].experiment
    state = jax.jit(lambda: law.init(Bits.founding(seed_words(4), jnp.uint32(0))))()
    about = {"experiment": "chemotaxis", "seed": 4, "replicate": 0, "tick": 0}
    return law, subjects.tick_of(law, subjects.roomy(law, state), about)


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    path = tmp_path_factory.mktemp("large") / "tick.onnx"
    path.write_bytes(as_onnx(tick_of()[1])["tick.onnx"])
    return artefacts.load(path)


def test_a_thousand_ticks_of_a_large_world_are_bit_for_bit_those_of_the_law(opened):
    """From empty places to full ones and back; and so is the end, when nobody comes back to Python in between."""
    _, tick = tick_of()
    population = []
    for k, (ours, theirs) in enumerate(zip(played(tick.step, tick.begins, 1000), opened.play(1000), strict=True)):
        assert digest_of(ours) == digest_of(theirs), f"tick {k}"
        population.append(int(np.sum(ours["next.state.world.bodies.id"] > 0)))
        last = theirs
    assert min(population) < 100 and max(population) > 1000, (min(population), max(population))
    later = opened.later(1000)
    assert all(np.array_equal(later[name.removeprefix("next.")], last[name]) for name in last if "state" in name)
    assert int(later["tick"]) == 1000 and int(later["status"]) == 0


def test_later_is_where_the_world_has_ended(tmp_path):
    """Nobody is fed: by ONNX Runtime as by jax; no ticks are none."""
    _, tick = tick_of(drops=1, drop_food=0, founding_energy=40, ceiling=128)
    found = []
    for files in (as_onnx(tick), as_stablehlo(tick)):
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        world = artefacts.load(tmp_path / next(iter(files)))
        found.append(world.later(200))
        assert all(np.array_equal(a, world.begins.get(name, 0)) for name, a in world.later(0).items())
    assert int(found[0]["status"]) == 1 and 0 < int(found[0]["tick"]) < 200
    assert found[0].keys() == found[1].keys() and all(np.array_equal(a, found[1][k]) for k, a in found[0].items())
    assert world.later(np.int64(1))["tick"] == 1
    for odd in (-1, 2.7, "3", None, 2**31, 2**70):
        with pytest.raises(ArtefactError, match=rf"ticks = {odd!r}: must be a whole number, 0 \.\.\. 2147483647"):
            world.later(odd)


def test_numbers_of_a_state_keep_to_their_ranges():
    """At founding and after every tick; what another hands in is looked at."""
    for world in ({}, {"demes": 2, "migration": 0.05, "recolonise_every": 3, "signal": True}):
        law, tick = tick_of(**world)
        ranges = law.ranges()
        template = jax.eval_shape(lambda law=law: law.init(Bits.founding(seed_words(0), jnp.uint32(0))))
        assert {f"state.{name}" for name in ranges} <= set(named({"state": template}))
        states = [
            tick.begins,
            *({k.removeprefix("next."): a for k, a in out.items()} for out in played(tick.step, tick.begins, 60)),
        ]
        for name, (low, high) in ranges.items():
            assert all(low <= a[f"state.{name}"].min() and a[f"state.{name}"].max() <= high for a in states), name


def test_what_leaves_its_range_is_refused(opened):
    x = opened.begins["state.world.bodies.x"].copy()
    x[3] = 32 * 256
    with pytest.raises(ArtefactError, match=r"state\.world\.bodies\.x = 8192: must be 0 \.\.\. 8191"):
        opened.run({"state.world.bodies.x": x})
