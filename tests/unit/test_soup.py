"""Around the soup: the jump detector's false alarms and power, families of tapes, programs that are tried and sown."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import mesocosm as mc
from mesocosm.analyses import jumps
from mesocosm.analyses.jumps import jump
from mesocosm.experiments.soup.declaration import ARMS, SoupConfiguration
from mesocosm.experiments.soup.measures import came_alive, epoch_of_life
from mesocosm.experiments.soup.results import expected
from mesocosm.instruments.ancestry import lives
from mesocosm.protocol.catalogue import find as find_analysis
from mesocosm.protocol.measure import Measure
from mesocosm.protocol.preparing import arm, check_plan
from mesocosm.protocol.registry import find
from mesocosm.record import ConfigurationError, FolderError
from mesocosm.worlds.soup.language import replicator
from mesocosm.worlds.soup.trying import met

pytestmark = pytest.mark.xdist_group("soup")

LEVEL, CURVES, WINDOWS = 0.05, 300, 40
TIME = np.arange(WINDOWS) / WINDOWS
SMOOTH = {
    "parabola": TIME**2,
    "exponential": 1 - np.exp(-3 * TIME),
    "corner": np.minimum(4 * TIME, 1),
    "slow sigmoid": 1 / (1 + np.exp(-(TIME - 0.5) * 8)),
}


def alarms(curves: np.ndarray) -> float:
    rng = np.random.default_rng(0)
    return float(np.mean([jump(curve, 199, rng)[0] <= LEVEL for curve in curves]))


def walks(rng: np.random.Generator, phi: float) -> np.ndarray:
    """Sums of changes of which each keeps `phi` of the one before."""
    changes = rng.normal(size=(CURVES, WINDOWS))
    for k in range(1, WINDOWS):
        changes[:, k] += phi * changes[:, k - 1]
    return changes.cumsum(axis=1)


def test_the_jump_detector_alarms_by_chance_as_often_as_it_says():
    """Walks whose changes follow each other or not, with drift, and smooth trends: to 3 standard errors."""
    rng = np.random.default_rng(1)
    allowed = LEVEL + 3 * np.sqrt(LEVEL * (1 - LEVEL) / CURVES)
    for phi in (0.0, 0.6):
        assert 0.01 < alarms(walks(rng, phi) + 0.2 * np.arange(WINDOWS)) < allowed, phi
    for name, curve in SMOOTH.items():
        assert alarms(curve + 0.05 * rng.normal(size=(CURVES, WINDOWS))) < allowed, name
        assert alarms(curve + 0.02 * walks(rng, 0.6)) < allowed, name


def test_smooth_curves_do_not_jump_and_steps_do():
    rng = np.random.default_rng(3)
    for name, curve in SMOOTH.items():
        assert jump(curve, 999, rng)[0] == jump(-curve, 999, rng)[0] == 1, name
    step = (np.arange(WINDOWS) > 20) * 1.0
    assert jump(step, 999, rng) == (0.001, 20, 1)
    assert (
        alarms(step + 0.02 * walks(rng, 0.6)[:60]) > 0.95 and alarms(step + rng.normal(0, 0.05, (60, WINDOWS))) > 0.95
    )
    assert jump(np.ones(WINDOWS), 199, rng) == (1, 0, 0)


def test_the_jump_detector_finds_a_rise_in_the_middle_and_says_where():
    rng = np.random.default_rng(2)
    t = np.arange(WINDOWS)
    curves = 3 / (1 + np.exp(-(t - 20) / 0.8)) + rng.normal(0, 0.1, (60, WINDOWS)).cumsum(axis=1) / 3
    found = [jump(curve, 999, rng) for curve in curves]
    assert np.mean([p <= 0.01 for p, _, _ in found]) > 0.9
    assert np.abs(np.median([first + length / 2 for _, first, length in found]) - 20) <= 1
    falls = [(curve[::-1], jump(curve[::-1], 999, rng)) for curve in curves]
    assert all(curve[first + length] < curve[first] for curve, (p, first, length) in falls if p <= 0.01)


def test_a_level_below_all_p_values_is_refused_and_windows_that_are_missing_are_not_counted(run, monkeypatch):
    with pytest.raises(ConfigurationError, match=r"level = 0.001: 199 draws .* at least draws = 999"):
        run.measure("jumps", level=0.001, draws=199)
    lines = np.full((4, 12), 0.0)
    lines[:, 8:] = 1.0  # the change is from the window that ends at 40 on
    lines[1, 2:4] = np.nan
    monkeypatch.setattr(jumps, "LEAST", 10)
    monkeypatch.setattr(Measure, "windows", lambda self, record: lines)
    rows = jumps.compute(run.record, jumps.Settings())["rows"]
    assert [row["tick"] for row in rows] == [40] * 4 and all(row["p"] <= 0.01 for row in rows)


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
    assert "where chance alone would in 1 %: up in" in run.measure("jumps").sentence
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


def test_an_arm_shorter_than_its_run_has_the_interventions_that_fall_within_it():
    entry, given = find("soup"), ("40:world.mutation=0.2", "79:world.mutation=0.3", "500:world.mutation=0.1")
    own = replace(SoupConfiguration(), interventions=given)
    check_plan(entry, own)
    assert arm(entry, own, ARMS["seeded"]).configuration.interventions == given[:2]
    assert arm(entry, own, {"world": {"seeded": 1}}).configuration.interventions == given
    dealt = arm(entry, own, ARMS["dealt"]).configuration.interventions
    assert dealt == (given[0], "40:world.dealing=true", given[1]), "an arm adds its own, in the order of their ticks"


def test_who_copied_whom_is_asked_only_of_soups(run):
    for configuration in ({}, {"world": 3}, {"world": {"tapes": 64}}):
        header = run.record.header | {"configuration": configuration}
        other: Any = SimpleNamespace(header=header, state=run.record.state, status=run.record.status)
        assert "as that of `soup` has" in find_analysis("copied").analysis.lacks(other)
