"""Elements and the bodies that carry them: what the law promises, what assays do with them, what a person is told."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import cast

import jax.numpy as jnp
import numpy as np
import pytest

import mesocosm as mc
from mesocosm.analyses.chase import chase
from mesocosm.core.random import Bits, seed_words
from mesocosm.ecology.assay import analysis
from mesocosm.ecology.assay.population import living
from mesocosm.ecology.assay.snapshots import snapshots
from mesocosm.experiments.symbiont import results
from mesocosm.instruments.ancestry import lives
from mesocosm.layers.elements.element import Element, Elements
from mesocosm.layers.elements.entries import Logged, entries
from mesocosm.layers.elements.parameters import GERM, VIRULENCE, ElementParameters
from mesocosm.record import ConfigurationError, Record
from mesocosm.reports.build import report
from mesocosm.viewer.world import World

WORLD = dict(side=16, founders=60, ceiling=250, division_energy=600, founding_energy=500, drops=4, drop_food=100)
ELEMENT = dict(reach=0.5, superinfection=0.2, lock_bits=1)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("symbiont") / "run"
    return mc.run(
        "symbiont", world=WORLD, element=ELEMENT, replicates=2, ticks=400, every=50, frames_every=10, out=folder
    )


def carrying(level: int, n: int = 20_000) -> Elements:
    """Bodies 1 ... n that carry elements whose acting genes have this level."""
    genes = np.full((2, 3, n), level - 128, np.int8)
    return Elements(jnp.ones(n, jnp.int32), jnp.asarray(genes))


def bits() -> Bits:
    return Bits.at(seed_words(5), jnp.uint32(0), jnp.int32(7))


IDS = jnp.arange(1, 20_001, dtype=jnp.int32)


@pytest.mark.parametrize("level", [0, 100, 255])
def test_the_cost_is_what_the_page_says_on_average(level):
    element = Element(ElementParameters(drain=6, help=2))
    word = bits().of(IDS, 0)[1]
    before = jnp.full(20_000, 1000, jnp.int32)
    after, heat = element.burden(carrying(level), before, before - 4, word)
    expected = 8 * level / 255 - 2
    assert int(jnp.sum(before - 4 - after)) == int(heat)
    assert abs(int(heat) / 20_000 - expected) < 0.02


def test_an_element_takes_no_more_than_there_is_and_saves_no_more_than_was_paid():
    element = Element(ElementParameters(drain=50, help=50))
    word = bits().of(IDS, 0)[1]
    poor, none = jnp.full(20_000, 3, jnp.int32), jnp.zeros(20_000, jnp.int32)
    assert set(np.asarray(element.burden(carrying(255), poor, poor, word)[0])) == {0}
    assert set(np.asarray(element.burden(carrying(0), poor, none, word)[0])) == {3}
    nobody = Elements(none, jnp.zeros((2, 3, 20_000), jnp.int8))
    assert np.array_equal(element.burden(nobody, poor, poor, word)[0], poor)


@pytest.mark.parametrize(
    ("virulence", "germ", "rivalry", "share"), [(255, 0, 1, 1), (255, 255, 1, 0), (255, 255, 0, 1)]
)
def test_the_two_ways_of_spreading_get_in_each_others_way(virulence, germ, rivalry, share):
    element = Element(ElementParameters(reach=0.5, rivalry=rivalry))
    genes = np.zeros((2, 3, 20_000), np.int8)
    genes[0, VIRULENCE], genes[0, GERM] = virulence - 128, germ - 128
    elements = Elements(jnp.ones(20_000, jnp.int32), jnp.asarray(genes))
    passed = float(jnp.mean(element.gives(bits(), elements, IDS)))
    assert abs(passed - 0.5 * share) < 0.015
    inherited = float(jnp.mean(element.divide(bits(), elements, IDS).carried))
    assert abs(inherited - germ / 255) < 0.015


def test_keys_open_the_locks_they_fit():
    element = Element(ElementParameters(lock_bits=2, mutation_probability=0.0))
    given, there = carrying(130), carrying(130).where(jnp.zeros(20_000, bool))
    lock = jnp.asarray(np.arange(20_000) % 8 - 4, jnp.int8)
    after, enters = element.enter(bits(), given, there, lock, IDS, IDS)
    assert np.array_equal(np.asarray(enters), np.asarray(lock) % 4 == 2)  # the key is 130 - 128
    assert np.array_equal(np.asarray(after.carried), np.asarray(enters))


def test_the_record_accounts_for_every_element(run):
    m = run.metrics
    assert not m["residual"].any() and m["passed"].sum() > 20 and m["inherited"].sum() > 20
    births, passes = run.log("births"), run.log("passes")
    assert passes["tick"].size == m["passed"].sum()
    born = births["parent"] > 0
    # Births are logged at the end of the first tick: whoever caught an element in it carries one too.
    caught = np.isin(births["id"] * 10**6 + births["tick"], passes["id"] * 10**6 + passes["tick"])
    assert (births["element"][born & ~caught] > 0).sum() <= m["inherited"].sum()
    strains = np.unique(passes["element"])
    assert strains.min() >= 1 and strains.max() <= WORLD["founders"]


def test_entries_tell_who_carries_what_at_any_tick(run):
    state = run.record.state
    lane = 1
    ids, strain = state["state.world.bodies.id"][lane], state["state.elements.strain"][lane]
    slots = np.flatnonzero(ids)
    known = entries(run.record, int(state["replicate"][lane]))
    assert known is not None
    told, genes = known.at(399, ids[slots])
    np.testing.assert_array_equal(told, strain[slots])
    carried = strain[slots] > 0
    np.testing.assert_array_equal(
        genes[carried], np.moveaxis(state["state.elements.genes"][lane], -1, 0)[slots][carried]
    )
    last = snapshots(run.record, (400,), 0, slots.size, (Logged(),))[0]
    assert sorted(last.carried["elements"]["strain"][1]) == sorted(strain[slots])


def test_cured_bodies_carry_nothing_and_the_others_what_they_carried(run):
    film = run.assays["competition-cured"]
    births = film.log("births")
    founders = births["parent"] == 0
    first = np.arange(60) % 10 < 5
    expected = living(run.record, 0, 60, range(2), (Logged(),)).carried["elements"]["strain"]
    for r in range(2):
        mine = founders & (births["replicate"] == r)
        order = np.argsort(births["id"][mine])
        np.testing.assert_array_equal(births["element"][mine][order], np.where(first, expected[r], 0))
    assert film.metrics["passed"].sum() == 0 and not film.metrics["residual"].any()
    assert "element" in film.record.frames("bodies")


def test_statistics_have_a_value_or_none_and_say_so(run):
    assays = {name: assay.record for name, assay in run.assays.items()}
    values = results.values(run.record, assays)
    assert set(values) >= {claim["name"] for claim in run.record.header["declaration"]["claims"]}
    assert all(v.shape == (2,) for v in values.values())
    assert set(values["self"]) <= {0.0, 1.0}
    json.dumps([f.to_dict() for f in run.findings], allow_nan=False)


def test_the_criterion_needs_all_three(monkeypatch):
    n = np.array([100.0, 100, 100, 100, 100])
    metrics = {
        "replicate": np.arange(5), "tick": np.full(5, 50), "population": n, "carriers": np.array([95, 95, 50, 95, 0]),
        "inherited": np.array([90, 20, 90, 90, 0]), "passed": np.array([10, 80, 10, 10, 0]),
        **{f"{gene}_{strand}": n for gene in ("virulence", "germ") for strand in ("evolved", "shadow")},
    }  # fmt: skip
    header = {"every": 50, "configuration": {"element": {"drain": 6, "help": 2}}}
    statuses = [SimpleNamespace(status="alive", replicate=r) for r in range(5)]
    record = SimpleNamespace(metrics=metrics, header=header, statuses=statuses, replicates=5, tick=50)
    monkeypatch.setattr(analysis, "selection", lambda assay: np.array([0.1, 0.1, 0.1, -0.1, 0.1]))
    found = results.values(cast(Record, record), {"competition-cured": None, "competition-cured-swapped": None})  # type: ignore[dict-item]
    assert found["self"].tolist() == [1, 0, 0, 0, 0]
    assert np.isnan(found["benign"][4]) and np.isnan(found["benefit"][4])  # no element is left to speak of


def test_the_chase_is_what_keys_and_locks_say(run):
    found = chase(run.record, (100, 250, 400))
    taken = snapshots(run.record, (100, 400), 0, 2048, (Logged(),))
    success = []
    for there, hosts in (taken, taken[::-1]):
        elements = there.carried["elements"]
        carried = elements["strain"][0, ::2] > 0
        genes = elements["genes"][0, 0][:, ::2][:, carried].astype(int)
        effort = ((genes[0] + 128) * (256 - (genes[1] + 128))) >> 8  # rivalry is 1
        fits = (genes[2][:, None] ^ hosts.genomes[0, -1, ::2].astype(int)[None, :]) & 1 == 0
        success.append(0.5 * (effort[:, None] * fits).mean() / 256)
    assert found.scores[0, 0, 0, 2] == pytest.approx(success[0] - success[1], rel=1e-12)
    json.dumps(found.to_dict(), allow_nan=False)


def test_a_person_is_told(run):
    assert run.summary.sentence.startswith("2 of 2 worlds live; what an element costs its host")
    page = report(run.record).read_text()
    assert "part of the self" in page and "nan" not in page.lower().replace("nanosecond", "")[:2000]
    world = World(run.record, 0, "a world")
    assert "element" in [column["name"] for column in world.meta()["populations"][0]["columns"]]
    bodies = world.recording.points("bodies")
    carrier = next(int(i) for i, e in zip(bodies["id"], bodies["element"], strict=True) if e)
    told = world.individual(carrier)
    assert told["carries"] and "quanta per tick" in told["carries"][-1][1]
    assert lives(run.record, 0).id.size


def test_what_could_overflow_is_refused():
    with pytest.raises(ConfigurationError, match=r"element\.drain"):
        mc.run("symbiont", element={"drain": 8000}, ticks=6000, every=6000)
