"""The present of small worlds plays its past: who meets whom, what counts, and what goes wrong."""

from __future__ import annotations

import json
import xml.etree.ElementTree as tree
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

import mesocosm as mc
from mesocosm.cli.main import main
from mesocosm.ecology.assay.progress import outcomes, progress
from mesocosm.ecology.assay.snapshots import meetings, pairs_of, snapshots
from mesocosm.findings.tournament import Tournament
from mesocosm.record import ConfigurationError, FolderError, Record
from mesocosm.reports.matrix import draw
from tests.answers import as_the_schema_says
from tests.bacteria import WORLD as LARGER

WORLD = {**LARGER, "founders": 64, "ceiling": 128}
HARSH = {**WORLD, "metabolism": 60, "founding_energy": 100, "drop_food": 0}
TICKS = (0, 50, 200)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("progress") / "run"
    kept = dict(heredity={"exchange_probability": 0.0}, assays=False)  # without exchange genomes are those of birth
    return mc.run("chemotaxis", world=WORLD, replicates=2, ticks=200, every=50, **kept, out=folder)


@pytest.fixture(scope="module")
def played(run):
    return run.progress(TICKS, horizon=100)


def test_snapshots_are_those_who_lived(run):
    begun, ended = snapshots(run.record, (0, 200), 0, 64)
    assert begun.is_there.all() and ended.is_there.all() and begun.genomes.shape == (2, 8, 64)
    assert not begun.carried
    births = run.log("births")
    mine = (births["replicate"] == 1) & (births["parent"] == 0)
    founders = births["genome"][mine][np.argsort(births["id"][mine])]
    np.testing.assert_array_equal(begun.genomes[1].T, founders[:, 0])
    np.testing.assert_array_equal(snapshots(run.record, (0,), 1, 64)[0].genomes[1].T, founders[:, 1])
    ids = run.record.state["state.world.bodies.id"][1]
    slots = np.argsort(ids, kind="stable")[np.sum(ids == 0) :]
    everybody = snapshots(run.record, (200,), 0, slots.size)[0].genomes
    np.testing.assert_array_equal(everybody[1], run.record.state["state.genomes"][1, 0][:, slots])


def test_pairs_meet_within_their_own_world(run):
    taken = snapshots(run.record, TICKS, 0, 64)
    first, second = (side.genomes for side in meetings(run.record, TICKS, 0, 64, 1, 4, ()))
    for m, (pair, r) in enumerate([(1, 0), (1, 1), (2, 0), (2, 1)]):
        i, j = pairs_of(3)[pair]
        np.testing.assert_array_equal(first[m], taken[i].genomes[r])
        np.testing.assert_array_equal(second[m], taken[j].genomes[r])


def test_scores_are_those_of_the_matches(run, played):
    assert played.times.tolist() == [0, 0.05, 0.2] and sum(played.statuses.values()) == 2 * 2 * 3 * 2
    folder = next((run.folder / "assays").glob("tournament-evolved-*"))
    won = [100 * outcomes(mc.load(folder / name).record)[0] for name in ("0-0000", "0-swapped-0000")]
    expected = np.mean(won, axis=0).reshape(3, 2)
    np.testing.assert_allclose(played.scores[0][:, [0, 0, 1], [1, 2, 2]].T, expected)
    row = mc.load(folder / "0-0000").record
    last = row.metrics["tick"] == 100
    a, b = row.metrics["marked"][last], (row.metrics["population"] - row.metrics["marked"])[last]
    # In a pattern of ten, 34 of 64 bodies are of the first population; the mirror image has 30.
    np.testing.assert_allclose(won[0], np.log((a + 0.5) / (b + 0.5)) - np.log(34.5 / 30.5))


def test_identical_snapshots_are_ties_in_the_mirror(run):
    # Nobody has been born by tick 1: both snapshots are the founders, and the mirror image takes back what chance gave.
    found = progress(run.record, (0, 1), horizon=50)
    np.testing.assert_allclose(found.scores, 0, atol=1e-12)
    assert found.sentence().startswith("All matches are ties") or abs(found.slopes()).max() < 1e-9


def test_a_tournament_that_is_there_is_not_played_again(run, played):
    folder = next((run.folder / "assays").glob("tournament-evolved-*"))
    began = mc.load(folder / "0-0000").record.header["begun"]
    np.testing.assert_array_equal(run.progress(TICKS, horizon=100).scores, played.scores)
    assert mc.load(folder / "0-0000").record.header["begun"] == began
    assert not [name for name in run.assays if "tournament" in name]  # a report does not open thousands of matches


def test_matches_do_not_depend_on_what_is_played_beside_them(run, played, monkeypatch):
    monkeypatch.setattr("mesocosm.ecology.assay.progress.WORLDS", 2)
    apart = progress(run.record, (0, 50), horizon=100)
    np.testing.assert_array_equal(apart.scores[:, :, 0, 1], played.scores[:, :, 0, 1])


def test_who_starves_ends_with_a_word(tmp_path):
    dead = mc.run("chemotaxis", world=HARSH, replicates=2, ticks=100, every=50, assays=False, out=tmp_path / "run")
    found = dead.progress((0, 1, 100), horizon=100)
    assert found.statuses == {"absent": 16, "both died": 8}
    json.dumps(found.to_dict(), allow_nan=False)
    picture = draw(found, "starved")
    tree.fromstring(picture)
    assert "nan" not in picture.lower() and "inf" not in picture.lower()


def four_matches(swapped: bool) -> SimpleNamespace:
    """What `outcomes` reads of four matches of ten bodies, in windows of 10 ticks."""
    own = {"tenths": 5, "marks_swapped": swapped, "resolved": {"world": {"founders": 10}}}
    metrics = {
        "replicate": np.array([0, 1, 2, 3, 0, 1, 2]),
        "tick": np.array([10, 10, 10, 10, 20, 20, 20]),
        "population": np.array([10, 6, 4, 9, 14, 7, 0]),
        "marked": np.array([5, 6, 3, 5, 7, 7, 0]),
    }
    header = {"every": 10, "ticks": 20, "configuration": own}
    return SimpleNamespace(replicates=4, statuses=(), header=header, metrics=metrics)


@pytest.mark.parametrize("swapped", [False, True])
def test_fixation_ties_and_the_end_of_both_have_a_status(swapped):
    scores, statuses = outcomes(cast(Record, four_matches(swapped)))
    assert statuses.tolist() == ["tie", "fixed", "both died", "both died"]
    sign = -1 if swapped else 1
    expected = [0, np.log(6.5 / 0.5) / 10, np.log(3.5 / 1.5) / 10, np.log(5.5 / 4.5) / 10]
    np.testing.assert_allclose(scores, sign * np.array(expected))


def test_what_cannot_be_played_is_refused_by_name(run, tmp_path):
    for ticks, word in (((0,), "two ticks"), ((50, 0), "in order"), ((0, 400), "after the end"), (1, "snapshots = 1")):
        with pytest.raises(ConfigurationError, match=word):
            run.progress(ticks)
    with pytest.raises(ConfigurationError, match="horizon = -1"):
        run.progress(TICKS, horizon=-1)
    with pytest.raises(ConfigurationError, match="snapshots: they play each other"):
        run.assay(population="snapshots", snapshots=(0, 50))
    silent = mc.run(
        "chemotaxis", world=WORLD, replicates=1, ticks=50, every=50, assays=False, log_births_and_deaths=False,
        out=tmp_path / "silent",
    )  # fmt: skip
    with pytest.raises(FolderError, match="keeps no births"):
        silent.progress((0, 50))


def test_the_picture_shows_every_match(played):
    root = tree.fromstring(draw(played, "a <run>"))
    rows = [e for e in root.iter() if e.tag.endswith("rect")]
    assert len(rows) == 1 + 9 and root[0].text == "a <run>"
    said = [e.text for e in root.iter() if e.tag.endswith("text")]
    assert "order" in said and "cycles" in said
    with pytest.raises(ValueError, match="40 at most"):
        draw(Tournament(np.arange(41.0), np.zeros((2, 1, 41, 41))), "many")


def test_the_command_prints_the_answer_and_draws(run, capsys):
    assert main(["progress", str(run.folder), "--snapshots", "2", "--horizon", "50", "--shadow", "--quiet"]) == 0
    said = capsys.readouterr().out
    assert "order" in said and "matches: " in said
    tree.fromstring((run.folder / "progress-shadow.svg").read_text())
    assert main(["progress", str(run.folder), "--snapshots", "2", "--horizon", "50", "--shadow", "--json"]) == 0
    assert as_the_schema_says(capsys.readouterr().out)["replicates"] == 2
    assert main(["progress", str(run.folder), "--snapshots", "99", "--quiet"]) == 2
