"""Direct search: it climbs, is judged in worlds it never saw, goes on where it was cut off, and says what is wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import mesocosm as mc
from mesocosm.cli.main import main
from mesocosm.ecology.assay.optimum import Optimum, _searched, found_before, optimum
from mesocosm.ecology.assay.space import space
from mesocosm.ecology.assay.system import _rows
from mesocosm.protocol.reading import configuration_of
from mesocosm.record import ConfigurationError, FolderError, load
from tests.answers import as_the_schema_says
from tests.bacteria import RUN, WORLD

pytestmark = pytest.mark.xdist_group("bacteria")
SMALL = dict(searches=2, generations=2, candidates=4, worlds=2, horizon=50)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("optimum") / "run"
    return mc.run("chemotaxis", **RUN, out=folder)


@pytest.fixture(scope="module")
def best(run):
    return run.optimum("invasion", **SMALL)


def test_the_search_climbs_to_the_top_and_stands_for_its_mean():
    top = np.array([0.0, 0.9, 0.4])
    rng = np.random.default_rng(0)

    def scores(generation, chances):
        return -np.sum((chances - top) ** 2, axis=1) + rng.normal(0, 0.01, len(chances))

    chances, trace = _searched(scores, 3, 12, 12, seed=1)
    np.testing.assert_allclose(chances, top, atol=0.1)
    assert trace[-1] > trace[0]


def test_a_search_in_which_nobody_can_be_judged_stays_where_it_began():
    chances, trace = _searched(lambda generation, p: np.full(len(p), np.nan), 2, 3, 6, seed=1)
    assert chances.tolist() == [0.5, 0.5] and trace == [None] * 3


def test_it_is_judged_in_the_worlds_of_the_declared_assays_and_in_no_other(run, best):
    judged = [load(path.parent) for path in run.folder.glob("assays/optimum-*/*/run.json")]
    by_name = {record.folder.name: record for record in judged}
    declared = run.assays["garden-evolved"].record
    final = by_name.pop("garden")
    assert (final.metrics["inflow"] == declared.metrics["inflow"]).all()
    np.testing.assert_array_equal(final.metrics["tick"], declared.metrics["tick"])
    assert {by_name.pop(f"competition{end}").header["seed"] for end in ("", "-swapped")} == {declared.header["seed"]}
    seeds = [record.header["seed"] for record in by_name.values()]
    assert len(seeds) == len(set(seeds)) == 2 * SMALL["generations"] + 1, "every generation has worlds of its own"
    assert declared.header["seed"] not in seeds


def test_all_of_a_generation_meet_the_same_opponents(run, best):
    """A candidate is tried in replicates that stand together; whom they meet comes round with their number."""
    folder = next(run.folder.glob("assays/optimum-invasion-*"))
    first, second = (load(folder / f"0-00{g}").header["configuration"] for g in (0, 1))
    assert first["sources"] == [0, 1] and second["sources"] == [2, 3] and len(first["genotypes"]) == 8
    record, c = load(run.folder), configuration_of(load(folder / "0-000"))
    rows = _rows(c, record).reshape(SMALL["candidates"], SMALL["worlds"])
    assert (rows == rows[0]).all() and rows[0].tolist() == [0, 1]
    with pytest.raises(ConfigurationError, match="sources"):
        _rows(replace(c, sources=(8,)), record)


def test_what_is_said_of_the_best(run, best):
    assert best.by == "invasion" and best.stimuli == ("far", "faint", "mid", "near")
    assert [f.name for f in best.findings] == ["intake", "selection"]
    assert not any(f.declared for f in best.findings) and best.findings[0].n_started == 8
    scores = [score for _, score in best.others]
    assert scores == sorted(scores, reverse=True) and best.chances == best.others[0][0]
    assert best.sentence().startswith("P(tumble) that gains the most on the evolved: far 0.")
    assert Optimum.from_dict(json.loads(json.dumps(best.to_dict(), allow_nan=False))) == best
    assert found_before(run.record) == [best]


def test_what_is_there_is_not_searched_again(run, best, monkeypatch):
    monkeypatch.setattr("mesocosm.core.run", lambda *a, **k: pytest.fail("was run again"))
    assert run.optimum("invasion", **SMALL) == best


def test_on_the_command_line_and_in_the_report(run, best, capsys):
    numbers = [word for name, n in SMALL.items() for word in (f"--{name}", str(n))]
    assert main(["optimum", str(run.folder), "--by", "invasion", "--quiet", "--json", *numbers]) == 0
    told = as_the_schema_says(capsys.readouterr().out)
    assert told["optima"] == [json.loads(json.dumps(best.to_dict()))]
    page = run.report().read_text("utf-8")
    assert "How far from the best" in page and best.sentence() in page


def test_what_cannot_be_sought_is_named(run):
    for wrong in ({"by": "luck"}, {"candidates": 3}, {"generations": 0}):
        with pytest.raises(ConfigurationError) as error:
            optimum(run.record, **wrong)
        assert next(iter(wrong)) in str(error.value)


def test_what_it_left_may_be_torn(run, best):
    path = run.folder / "optimum-garden.json"
    path.write_text("{")
    with pytest.raises(FolderError, match="run it again"):
        found_before(run.record)
    path.unlink()


def test_where_nobody_lives_there_is_nothing_to_compare_with(tmp_path):
    harsh = {**WORLD, "metabolism": 60, "founding_energy": 100, "drop_food": 0}
    dead = mc.run("chemotaxis", world=harsh, replicates=8, ticks=100, every=50, assays=False, out=tmp_path / "dead")
    with pytest.raises(FolderError, match="no world lives"):
        dead.optimum()


def test_a_game_has_no_bodies(tmp_path):
    game = mc.run("bilinear", replicates=2, ticks=100, out=tmp_path / "game")
    with pytest.raises(FolderError, match="no bodies"):
        game.optimum()


def test_minds_whose_genomes_say_something_else_are_refused_before_anything_is_tried():
    header = {"experiment": "school", "configuration": {"world": {"senses": ["odour"]}, "mind": {"hidden": 8}}}
    with pytest.raises(FolderError, match="there: minds of school are neither tables nor reward maps"):
        space(SimpleNamespace(folder="there", header=header))  # type: ignore[arg-type]  # all that is asked of a record
