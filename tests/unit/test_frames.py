"""Recorded worlds as bytes: what comes back is what was kept, and what is torn is refused by name."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesocosm.player.encoder.fields import FRAMES_AT_MOST
from mesocosm.player.encoder.frames import pack
from mesocosm.player.encoder.panel import Panel, Population
from mesocosm.player.encoder.places import told_space
from mesocosm.player.encoder.planes import DamagedFrames, from_bits, from_varints, to_bits, to_varints
from mesocosm.player.encoder.reading import unpack
from mesocosm.player.encoder.scales import KNEE
from mesocosm.record.about import About, Space
from tests.unit.report_sample import walk

NAMES = ("tick", "id", "x", "y", "act", "energy")
ACTS = {"act": About(words=("a", "b", "c", "d"))}


def held(panel: Panel, population: Population, name: str, every: int) -> np.ndarray:
    """A sampled column as it should come back, body by body: worked out without the code under test."""
    frames = {tick: f for f, tick in enumerate(panel.frame_ticks.tolist())}
    known, seen_in, out = {}, {}, []
    columns = (v.tolist() for v in (population.tick, population.id, population.columns[name]))
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
    assert (back.title, back.space) == (panel.title, panel.space)
    assert len(back.populations) == len(panel.populations)
    for kept, given_ in zip(back.populations, panel.populations, strict=True):
        assert kept.told["name"] == given_.told["name"] and kept.told["look"] == given_.told["look"]
        for name in ("tick", "id", "x", "y"):
            assert np.array_equal(getattr(kept, name), getattr(given_, name)), name
        for name, values in given_.columns.items():
            are_few = values.size == 0 or (values.min() >= 0 and values.max() < 16)  # kept in every frame
            expected = values if are_few else held(panel, given_, name, every)
            assert np.array_equal(kept.columns[name], expected), name
    assert pack(back, every) == pack(unpack(pack(back, every)), every)


@st.composite
def panels(draw) -> Panel:
    """Worlds of any shape in which ids come, go and come back, frames are empty, and bodies leap anywhere."""
    width, height = draw(st.sampled_from([(1, 1), (3, 100), (100, 3), (4096, 4096), (640, 480)]))
    space = told_space(Space(draw(st.sampled_from(["torus", "box"])), width, height))
    ticks = np.array(sorted(draw(st.sets(st.integers(0, 10**6), max_size=12))), np.int64)
    places = [st.integers(0, extent - 1) for extent in space["extent"]]
    body = st.tuples(*places, st.integers(0, 3), st.integers(-(2**31), 2**31 - 1))
    ids = st.integers(0, 5) | st.integers(2**31 - 4, 2**31 - 1)
    populations = []
    for name, look in (("bodies", "bodies"), ("others", "squares"))[: draw(st.integers(0, 2))]:
        rows = []
        for tick in ticks.tolist():
            alive = draw(st.dictionaries(ids, body, max_size=6))
            rows += [(tick, id, *alive[id]) for id in sorted(alive)]
        columns = dict(zip(NAMES, np.array(rows, np.int64).reshape(-1, 6).T, strict=True))
        populations.append(Population.of(name, columns, look, **ACTS))
    return Panel("any", space, populations, ticks=ticks)


@given(panels(), st.integers(1, 4))
def test_what_is_kept_comes_back(panel, every):
    assert_kept(panel, every)


def test_names_and_words_for_people_are_kept():
    level = np.zeros((2, 3, 3))
    curves, graphs = {"orders": np.zeros((2, 3), np.float32)}, {"knows": np.array([[0, 1, 1], [5, 1, 1]])}
    abouts = {"readers": {"called": "who reads whom", "words": ["nobody"], "is_class": True}}
    abouts |= {"orders": {"called": "how far", "words": ["0", "1", "2"]}, "knows": {"called": "knows this one"}}
    fields = {"readers": (level, np.array([0, 5]))}
    given_ = Panel(
        "any", ticks=np.array([0, 5]), fields=fields, abouts=abouts, curves=curves, graphs=graphs, says="Look."
    )
    back = unpack(pack(given_))
    assert back.says == "Look." and all(told.items() <= back.abouts[name].items() for name, told in abouts.items())


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
        ({"tick": [2], "id": [9], "x": [0], "y": [4095], "act": [1]}, [2]),
        ({"tick": [2, 4], "id": [9, 9], "x": [0, 4095], "y": [0, 0], "act": [0, 0]}, [1, 2, 3, 4, 5]),
    ],
    ids=["no frames", "all dead", "one body", "born, gone, back, gone"],
)
def test_small_worlds(bodies, ticks):
    rows = {name: np.array(values) for name, values in bodies.items()}
    populations = [Population.of("bodies", rows, **ACTS)] if rows else []
    assert_kept(Panel("small", populations=populations, ticks=np.array(ticks, int)))


def test_walks_take_less_than_a_byte_a_body_and_frame():
    panel = walk(n=512, frames=300, seed=1)
    assert panel.bodies.id.size > 140_000
    assert len(pack(panel)) / panel.bodies.id.size < 0.9


def test_lineages_are_kept_once_a_life_and_energy_in_every_tenth_frame():
    panel = walk(n=20, frames=40, seed=2)
    back = unpack(pack(panel))
    (kept, given_), at_samples = (
        (p.bodies.columns for p in (back, panel)),
        np.isin(panel.bodies.tick, panel.frame_ticks[::10]),
    )
    assert np.array_equal(kept["lineage"], given_["lineage"])
    assert np.array_equal(kept["energy"][at_samples], given_["energy"][at_samples])
    assert not np.array_equal(kept["energy"], given_["energy"])


def test_numbers_that_are_not_whole_come_back_within_a_step():
    rows = {name: np.array([1, 2, 3]) for name in ("tick", "x", "y")} | {"id": np.array([7, 7, 7])}
    trust, empty = np.array([0.125, -3.5, 1e-3]), np.full(3, np.nan)
    panel = Panel(
        "f", populations=[Population.of("p", rows | {"trust": trust, "empty": empty, "same": trust * 0 + 0.1})]
    )
    back = unpack(pack(panel, 1)).bodies.columns
    assert np.abs(back["trust"] - trust).max() <= 3.625 / 65535 and np.allclose(back["same"], 0.1)
    assert np.isfinite(back["empty"]).all()


def test_pictures_graphs_and_curves_come_back():
    rng, ticks = np.random.default_rng(0), np.array([2, 3, 9])
    panel = Panel(
        "all",
        ticks=ticks,
        images={"grey": rng.integers(0, 256, (3, 4, 5)), "rgb": rng.integers(0, 256, (3, 2, 3, 3))},
        graphs={"bonds": np.array([[2, 1, 9], [2, 9, 4], [9, 7, 1]])},
        curves={"loss": rng.normal(size=(3, 7))},
        abouts={"bonds": {"source": 0, "target": 1, "unit": "N"}, "grey": {"palette": ["#000000"]}},
    )
    back = unpack(pack(panel))
    for name, values in panel.images.items():
        assert np.array_equal(back.images[name], values)
    assert np.array_equal(back.graphs["bonds"], panel.graphs["bonds"]) and back.abouts["bonds"]["target"] == 1
    assert np.allclose(back.curves["loss"], panel.curves["loss"]) and back.abouts["grey"]["palette"] == ["#000000"]


def test_fields_keep_their_scale():
    """Averages over 2 x 2 cells, every frame that is kept, within half a level of the logarithmic scale."""
    frames, ticks = 150, np.arange(150) * 2
    values = np.random.default_rng(0).gamma(0.3, 200, (frames, 128, 128))
    panel = dataclasses.replace(walk(n=3, frames=9, seed=4), fields={"odour": (values, ticks)})
    back = unpack(pack(panel))
    kept, kept_ticks = back.fields["odour"]
    stride = math.ceil(frames / FRAMES_AT_MOST)
    expected = values[::stride].reshape(-1, 64, 2, 64, 2).mean(axis=(2, 4))
    assert np.array_equal(kept_ticks, ticks[::stride])
    assert back.abouts["odour"]["unit"] == "quanta in a cell"
    high = expected.max()
    half_level = 0.5 / 255 * math.log1p(1 / KNEE)
    assert np.all(np.abs(np.log1p(kept / high / KNEE) - np.log1p(expected / high / KNEE)) < half_level * 1.001)


def test_fields_of_several_panels_share_a_scale():
    field = np.full((1, 4, 4), 7.0), np.array([0])
    panel = Panel("one", fields={"food": field}, ticks=np.array([0]))
    assert np.allclose(unpack(pack(panel, scales={"food": ("log", 0.0, 70.0)})).fields["food"][0], 7, rtol=0.02)


def test_fields_below_zero_and_of_classes_are_kept():
    signed, classes = np.array([[[-2.0, 1.0], [0.0, 2.0]]]), np.array([[[0, 2], [1, 2]]])
    about = {"spin": {"is_class": True, "words": ["up", "down", "none"]}}
    panel = Panel("two", fields={n: (v, np.array([0])) for n, v in (("curl", signed), ("spin", classes))}, abouts=about)
    back = unpack(pack(dataclasses.replace(panel, ticks=np.array([0]))))
    assert np.abs(back.fields["curl"][0] - signed).max() < 4 / 255 and np.array_equal(back.fields["spin"][0], classes)
    assert back.abouts["spin"]["words"] == ["up", "down", "none"]


def test_fields_that_hold_nothing():
    empty = np.array([[[np.nan, -1.0], [0.0, np.inf]]])
    for values in (np.zeros((1, 2, 2)), np.zeros((0, 2, 2)), empty):
        panel = Panel("bare", fields={"food": (values, np.arange(len(values)))}, ticks=np.array([0]))
        assert np.all(np.isfinite(unpack(pack(panel)).fields["food"][0]))


@pytest.mark.parametrize(
    "change, says",
    [
        ({"tick": [1, 0], "id": [1, 1]}, "ordered by tick"),
        ({"tick": [1, 1], "id": [4, 4]}, "ordered by tick"),
        ({"tick": [1, 2], "id": [1, 2**31]}, "id must be within"),
        ({"tick": [1, 2], "id": [1, -1]}, "id must be within"),
        ({"x": [0, 4096]}, "x must be within 0 ... 4095"),
        ({"act": [0, 2**31]}, "act must fit"),
        ({"y": [0.5, 1.0]}, "y must hold integers"),
        ({"act": [1]}, "equally long"),
    ],
)
def test_bad_panels_are_refused_by_name(change, says):
    bodies = {"tick": [1, 2], "id": [1, 1], "x": [0, 0], "y": [0, 0], "act": [0, 1]} | change
    with pytest.raises(ValueError, match=f"'shaky'.*{says}"):
        pack(Panel("shaky", populations=[Population.of("p", {name: np.array(v) for name, v in bodies.items()})]))


def test_bodies_outside_the_ticks_are_refused():
    bodies = {name: np.array([7]) for name in ("tick", "id", "x", "y")}
    with pytest.raises(ValueError, match="not among those"):
        pack(Panel("late", populations=[Population.of("p", bodies)], ticks=np.array([1, 2])))


CONTENT = pack(walk(n=5, frames=12, seed=5))


@given(st.integers(0, len(CONTENT) - 1))
def test_torn_recordings_are_refused(length):
    with pytest.raises(DamagedFrames):
        unpack(CONTENT[:length])


@given(st.integers(0, len(CONTENT) - 1), st.integers(1, 255))
def test_changed_recordings_never_raise_anything_else(place, change):
    changed = bytearray(CONTENT)
    changed[place] ^= change
    try:
        unpack(bytes(changed))
    except DamagedFrames as error:
        assert str(error)
