"""Recorded worlds as bytes: what comes back is what was kept, and what is torn is refused by name."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mesocosm.player.fields import FRAMES_AT_MOST, KNEE
from mesocosm.player.frames import pack
from mesocosm.player.panel import Panel
from mesocosm.player.planes import DamagedFrames, from_bits, from_varints, to_bits, to_varints
from mesocosm.player.reading import unpack
from tests.unit.report_sample import walk


def steps(panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    """Places at the resolution that is kept: 4096 steps a side."""
    return tuple(np.asarray(panel.bodies.get(axis, ()), np.int64) * 16 // panel.side for axis in "xy")


def held(panel: Panel, name: str, every: int) -> np.ndarray:
    """A sampled column as it should come back, body by body: worked out without the code under test."""
    frames = {tick: f for f, tick in enumerate(panel.frame_ticks.tolist())}
    known, seen_in, out = {}, {}, []
    columns = (np.asarray(panel.bodies[c]).tolist() for c in ("tick", "id", name))
    for tick, id, value in zip(*columns, strict=True):
        f = frames[tick]
        if seen_in.get(id) != f - 1 or f % every == 0:
            known[id] = value
        seen_in[id] = f
        out.append(known[id])
    return np.array(out, np.int64)


def assert_kept(panel: Panel, every: int = 10) -> None:
    back = unpack(pack(panel, every))
    assert np.array_equal(back.frame_ticks, panel.frame_ticks)
    assert (back.title, back.side) == (panel.title, panel.side)
    for kept, expected in zip(steps(back), steps(panel), strict=True):
        assert np.array_equal(kept, expected)
    for name, values in panel.bodies.items():
        if name in ("x", "y"):  # as steps
            continue
        are_few = values.size == 0 or (values.min() >= 0 and values.max() < 16)  # kept in every frame
        if name in ("tick", "id") or are_few:
            assert np.array_equal(back.bodies[name], values), name
        else:
            assert np.array_equal(back.bodies[name], held(panel, name, every)), name
    assert pack(back, every) == pack(unpack(pack(back, every)), every)


@st.composite
def panels(draw) -> Panel:
    """Worlds in which ids come, go and come back, frames are empty, and bodies leap anywhere."""
    side = draw(st.sampled_from([1, 3, 8, 16, 100, 128, 1024]))
    ticks = np.array(sorted(draw(st.sets(st.integers(0, 10**6), max_size=12))), np.int64)
    place = st.integers(0, 256 * side - 1)
    body = st.tuples(place, place, st.integers(0, 3), st.integers(-(2**31), 2**31 - 1))
    rows = []
    ids = st.integers(0, 5) | st.integers(2**31 - 4, 2**31 - 1)
    for tick in ticks.tolist():
        alive = draw(st.dictionaries(ids, body, max_size=6))
        rows += [(tick, id, *alive[id]) for id in sorted(alive)]
    columns = np.array(rows, np.int64).reshape(-1, 6).T
    names = ("tick", "id", "x", "y", "act", "energy")
    return Panel("any", side, dict(zip(names, columns, strict=True)), ticks=ticks, words={"act": ("a", "b", "c", "d")})


@given(panels(), st.integers(1, 4))
def test_what_is_kept_comes_back(panel, every):
    assert_kept(panel, every)


@given(st.lists(st.integers(-(2**61), 2**61)))
def test_varints(values):
    assert from_varints(to_varints(np.array(values, np.int64))).tolist() == values


@given(st.integers(0, 8), st.data())
def test_bits(bits, data):
    values = np.array(data.draw(st.lists(st.integers(0, max(0, 2**bits - 1)))), np.int64)
    assert np.array_equal(from_bits(to_bits(values, bits), bits, values.size), values)


@pytest.mark.parametrize(
    "bodies, ticks",
    [
        ({}, []),
        ({}, [3, 5]),
        ({"tick": [2], "id": [9], "x": [0], "y": [32767], "act": [1]}, [2]),
        ({"tick": [2, 4], "id": [9, 9], "x": [0, 32767], "y": [0, 0], "act": [0, 0]}, [1, 2, 3, 4, 5]),
    ],
    ids=["no frames", "all dead", "one body", "born, gone, back, gone"],
)
def test_small_worlds(bodies, ticks):
    panel = Panel("small", 128, {name: np.array(values) for name, values in bodies.items()}, ticks=np.array(ticks, int))
    assert_kept(panel)


def test_walks_take_less_than_a_byte_a_body_and_frame():
    panel = walk(n=512, frames=300, seed=1)
    assert panel.bodies["id"].size > 140_000
    assert len(pack(panel)) / panel.bodies["id"].size < 0.9


def test_lineages_are_kept_once_a_life_and_energy_in_every_tenth_frame():
    panel = walk(n=20, frames=40, seed=2)
    back = unpack(pack(panel))
    assert np.array_equal(back.bodies["lineage"], panel.bodies["lineage"])
    at_samples = np.isin(panel.bodies["tick"], panel.frame_ticks[::10])
    assert np.array_equal(back.bodies["energy"][at_samples], panel.bodies["energy"][at_samples])
    assert not np.array_equal(back.bodies["energy"], panel.bodies["energy"])


def test_sources_come_back():
    panel = walk(n=3, frames=9, seed=3)
    back = unpack(pack(panel))
    for name in ("tick", "x", "y"):
        assert np.all(np.abs(back.sources[name] - panel.sources[name]) < 8), name  # 1/32 cell


def test_fields_keep_their_scale():
    """Averages over 2 x 2 cells, every frame that is kept, within half a level of the logarithmic scale."""
    frames, ticks = 150, np.arange(150) * 2
    values = np.random.default_rng(0).gamma(0.3, 200, (frames, 128, 128))
    panel = dataclasses.replace(
        walk(n=3, frames=9, seed=4), fields={"odour": (values, ticks)}, units={"odour": "quanta"}
    )
    back = unpack(pack(panel))
    kept, kept_ticks = back.fields["odour"]
    stride = math.ceil(frames / FRAMES_AT_MOST)
    expected = values[::stride].reshape(-1, 64, 2, 64, 2).mean(axis=(2, 4))
    assert np.array_equal(kept_ticks, ticks[::stride])
    assert back.units["odour"] == "quanta"
    high = expected.max()
    half_level = 0.5 / 255 * math.log1p(1 / KNEE)
    assert np.all(np.abs(np.log1p(kept / high / KNEE) - np.log1p(expected / high / KNEE)) < half_level * 1.001)


def test_fields_of_several_panels_share_a_scale():
    field = np.full((1, 4, 4), 7.0), np.array([0])
    panel = Panel("one", 4, {}, fields={"food": field}, ticks=np.array([0]))
    assert np.allclose(unpack(pack(panel, field_highs={"food": 70.0})).fields["food"][0], 7, rtol=0.02)


def test_fields_that_hold_nothing():
    empty = np.array([[[np.nan, -1.0], [0.0, np.inf]]])
    for values in (np.zeros((1, 2, 2)), np.zeros((0, 2, 2)), empty):
        panel = Panel("bare", 4, {}, fields={"food": (values, np.arange(len(values)))}, ticks=np.array([0]))
        assert np.all(np.isfinite(unpack(pack(panel)).fields["food"][0]))


@pytest.mark.parametrize(
    "change, says",
    [
        ({"tick": [1, 0], "id": [1, 1]}, "ordered by tick"),
        ({"tick": [1, 1], "id": [4, 4]}, "ordered by tick"),
        ({"tick": [1, 2], "id": [1, 2**31]}, "id must fit"),
        ({"tick": [1, 2], "id": [1, -1]}, "id must be within"),
        ({"x": [0, 32768]}, "x must be within 0 ... 32767"),
        ({"y": [0.5, 1.0]}, "y must hold integers"),
        ({"act": [1]}, "equally long"),
    ],
)
def test_bad_panels_are_refused_by_name(change, says):
    bodies = {"tick": [1, 2], "id": [1, 1], "x": [0, 0], "y": [0, 0], "act": [0, 1]} | change
    with pytest.raises(ValueError, match=f"'shaky'.*{says}"):
        pack(Panel("shaky", 128, {name: np.array(values) for name, values in bodies.items()}))


def test_bodies_outside_the_ticks_are_refused():
    bodies = {name: np.array([7]) for name in ("tick", "id", "x", "y")}
    with pytest.raises(ValueError, match="not among its ticks"):
        pack(Panel("late", 128, bodies, ticks=np.array([1, 2])))


CONTENT = pack(walk(n=5, frames=12, seed=5))


@given(st.integers(0, len(CONTENT) - 1))
def test_torn_recordings_are_refused(length):
    with pytest.raises(DamagedFrames):
        unpack(CONTENT[:length])


@given(st.integers(0, len(CONTENT) - 1), st.integers(1, 255))
@example(place=401, change=119)  # a field with no highest value
@example(place=85, change=17)  # sampled every zero frames
def test_changed_recordings_never_raise_anything_else(place, change):
    changed = bytearray(CONTENT)
    changed[place] ^= change
    try:
        unpack(bytes(changed))
    except DamagedFrames as error:
        assert str(error)
