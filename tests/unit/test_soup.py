"""Around the soup: the jump detector's false alarms and power, families of tapes, programs that are tried and sown."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import mesocosm as mc
from mesocosm.analyses.jumps import jump
from mesocosm.experiments.soup.measures import came_alive, epoch_of_life
from mesocosm.experiments.soup.results import expected
from mesocosm.instruments.ancestry import lives
from mesocosm.record import ConfigurationError, FolderError
from mesocosm.worlds.soup.language import replicator
from mesocosm.worlds.soup.trying import met

pytestmark = pytest.mark.xdist_group("soup")

LEVEL, CURVES, WINDOWS = 0.05, 300, 40


def alarms(curves: np.ndarray) -> float:
    rng = np.random.default_rng(0)
    return float(np.mean([jump(curve, 199, rng)[0] <= LEVEL for curve in curves]))


def test_the_jump_detector_alarms_by_chance_as_often_as_it_says():
    """Random walks, with drift, with heavy tails: at the level, within 3 standard errors. Jitter on a trend: less."""
    rng = np.random.default_rng(1)
    walk = rng.normal(0.2, 1, (CURVES, WINDOWS)).cumsum(axis=1)
    heavy = rng.standard_t(2, (CURVES, WINDOWS)).cumsum(axis=1)
    jitter = 0.1 * np.arange(WINDOWS) + rng.normal(0, 1, (CURVES, WINDOWS))
    allowed = LEVEL + 3 * np.sqrt(LEVEL * (1 - LEVEL) / CURVES)
    assert 0.01 < alarms(walk) < allowed and alarms(heavy) < allowed and alarms(jitter) < allowed


def test_the_jump_detector_finds_a_rise_in_the_middle_and_says_where():
    rng = np.random.default_rng(2)
    t = np.arange(WINDOWS)
    curves = 3 / (1 + np.exp(-(t - 20) / 1.5)) + rng.normal(0, 0.2, (60, WINDOWS)).cumsum(axis=1) / 3
    found = [jump(curve, 999, rng) for curve in curves]
    assert np.mean([p <= 0.01 for p, _, _ in found]) > 0.9
    assert np.abs(np.median([first for _, first, _ in found]) - 16) <= 3
    falls = [(curve[::-1], jump(curve[::-1], 999, rng)) for curve in curves]
    assert all(curve[first + length] < curve[first] for curve, (p, first, length) in falls if p <= 0.01)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    world = {"tapes": 64, "seeded": 24, "mutation": 0.0}
    folder = tmp_path_factory.mktemp("soup") / "run"
    return mc.run("soup", out=folder, replicates=4, ticks=60, every=5, world=world, log_births=True)


def test_families_are_those_of_the_log_read_by_hand(run):
    log, ids = run.log("births"), run.record.state["state.ids"]
    result = run.measure("copied")
    for r, row in enumerate(result.values["rows"]):
        root = {0: 0}
        for k in np.flatnonzero(log["replicate"] == r):
            own, parent = int(log["id"][k]), int(log["parent"][k])
            root[own] = root[parent] or own
        living, count = np.unique([root[int(i)] for i in ids[r]], return_counts=True)
        assert (row["families"], row["largest"]) == (living.size, pytest.approx(count.max() / 64))
        who = lives(run.record, r)
        assert sorted(who.id[who.alive_at(60)].tolist()) == sorted(ids[r].tolist())
    sown = sum(row["founder"] <= 24 for row in result.values["rows"])
    assert sown >= 3 and f"sown replicator in {sown} of 4 soups" in result.sentence


def test_a_soup_is_alive_where_order_and_copies_are_in_two_windows_running(run):
    """Read by hand from the columns. Small soups may die: what is left is order without copies, and counts as dead."""
    windows = {name: run.metrics[name].reshape(-1, 4) for name in ("higher", "births")}  # rows by tick, then replicate
    alive = (windows["higher"] > 256) & (windows["births"] >= 0.05 * 64 * 5)
    both = alive[1:] & alive[:-1]
    assert both.any(axis=0).tolist() == came_alive(run.record).tolist() and both.any()
    first = np.where(both.any(axis=0), 5.0 * (both.argmax(axis=0) + 1), np.nan)
    assert np.array_equal(epoch_of_life(run.record), first, equal_nan=True)
    assert "jumps up in" in run.measure("jumps").sentence
    with pytest.raises(FolderError, match="logs births without genomes; diversity needs it"):
        run.measure("diversity")


def test_programs_can_be_tried_and_sown():
    mine = replicator().tobytes()
    assert met(mine, b"x" * 64) == (mine, mine, 8192) and met(mine, b"x" * 64, copying=False)[1] == b"x" * 64
    assert met(b"]")[2] == 1
    with pytest.raises(ConfigurationError, match="first: has 65 bytes"):
        met(b"x" * 65)
    with pytest.raises(ConfigurationError, match="steps = 0"):
        met(b"", steps=0)
    for program, words in (("x" * 65, "65 characters"), ("\u2020", "each a byte")):
        with pytest.raises(ConfigurationError, match=words):
            mc.run("soup", world={"program": program}, out="never")


def test_what_is_to_be_expected_is_the_published_share_at_the_published_size():
    published = {"configuration": {"world": {"tapes": 2**17}}}
    record = SimpleNamespace(header=published, replicates=1, tick=16384)
    assert 1 - np.exp(-expected(record)) == pytest.approx(0.4)
