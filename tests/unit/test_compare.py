"""Many runs, or several studies, against each other: what is paired, adjusted, shown, and refused."""

from pathlib import Path

import numpy as np
import pytest

from mesocosm.cli import main
from mesocosm.findings import holm
from mesocosm.protocol.compare import compare, compare_all
from mesocosm.record import ConfigurationError
from mesocosm.reports.comparison import comparison
from mesocosm.studies import component
from mesocosm.studies.cell import Row
from mesocosm.studies.merge import merge
from mesocosm.studies.scoring import pairs, score
from mesocosm.studies.store import Store
from mesocosm.studies.study import Study, from_dict, read
from tests.answers import as_the_schema_says
from tests.synthetic import game

PARTS = Path(__file__).with_name("study_parts.py")
component.load_file(PARTS)
LEVEL = {"a": 0.0, "b": 0.5, "c": 0.2, "d": -0.5}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    place = tmp_path_factory.mktemp("many")
    values = {name: np.random.default_rng(k).normal(size=(5, 8)) + k for k, name in enumerate(("one", "two"))}
    made = [game(place / name, values=v) for name, v in values.items()]
    return [*made, game(place / "other", seed=1), game(place / "dying", extinct=3)]


def test_every_run_is_held_against_the_control_as_two_are(runs):
    found = compare_all(runs, against=2)
    assert [(pair.a, pair.b) for pair in found] == [(0, 2), (1, 2), (3, 2)]
    for pair in found:
        alone = compare(runs[pair.a], runs[pair.b])
        told = [(f.name, f.estimate, f.low, f.high, f.p, f.n_used) for f in pair.comparison.findings]
        assert told == [(f.name, f.estimate, f.low, f.high, f.p, f.n_used) for f in alone.findings]
        assert pair.comparison.pairing == alone.pairing


def test_all_pairs_are_one_family_after_holm(runs):
    found = compare_all(runs, against=None)
    assert len(found) == 6 and all(pair.a < pair.b for pair in found)
    tests = [f for pair in found for f in pair.comparison.findings if f.p is not None]
    assert [f.p_adjusted for f in tests] == holm([f.p for f in tests]).tolist()
    assert any(f.p_adjusted > f.p for f in tests)


def test_the_page_shows_every_run_and_replicate_and_those_that_died(runs):
    page = comparison(runs, compare_all(runs, against=0))
    assert page.count("<tr") == 3 + 3 + 4 + 4 * 8  # heads; a line a run and measure, a run, a replicate
    assert "3 extinct" in page and page.count("nobody lives") == 3 and "only what failed (3)" in page
    assert "NaN" not in page.split("<script")[0] and "://" not in page.replace("http://www.w3.org/2000/svg", "")


def said(capsys, *words) -> tuple[int, str]:
    capsys.readouterr()
    code = main(list(map(str, words)))
    out, err = capsys.readouterr()
    return code, out + err


def test_the_command_over_many_runs(runs, tmp_path, capsys):
    folders = [run.folder for run in runs]
    code, text = said(capsys, "compare", *folders, "--against", folders[1], "--write", tmp_path / "out")
    assert code == 0 and text.count("B = two") == 3 and "(Holm)" in text
    assert (tmp_path / "out" / "compare.html").read_text().startswith("<!doctype html>")
    assert said(capsys, "compare", *folders)[1].count("B = dying") == 3, "the last is the control unless one is named"
    answer = as_the_schema_says(said(capsys, "compare", *folders, "--pairs", "--json")[1])
    assert [(c["a"], c["b"]) for c in answer["comparisons"]] == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    for words, named in (
        ((folders[0],), "two runs or more"),
        ((*folders, "--against", "nowhere"), "--against nowhere: must be one of the runs"),
        ((folders[0], "study.toml"), "not both"),
        ((*folders, "--write", folders[0] / "run.json"), "choose another with --write"),
        ((folders[0], tmp_path / "nothing"), "nothing"),
    ):
        code, text = said(capsys, "compare", *words)
        assert code == 2 and named in text and "Traceback" not in text


# -- studies ---------------------------------------------------------------------------------------------------------


def study(name: str, arms: str, tasks: range, seeds: int = 4, **more) -> Study:
    values = {
        "name": name,
        "question": f"Is {name}?",
        "tasks": [f"call/{k}" for k in tasks],
        "seeds": seeds,
        "budget": {"calls": 1},
        "minimal_effect": 0.1,
        "fixed": {"subject": "noisy"},
        "vary": {"arm": list(arms)},
    }
    return from_dict(values | more)


def rows(asked: Study):
    """A level an arm, and noise that is that of the cell: what two studies share has the same value in both."""
    out = []
    for cell in asked.cells:
        noise = np.random.default_rng(int(cell.identity[:8], 16)).normal()
        out.append((cell, Row.of(LEVEL[cell.parts["arm"]] + 0.2 * noise)))
    return out


def test_studies_are_compared_where_all_have_been():
    one, two = study("one", "ab", range(10)), study("two", "acd", range(2, 12), seeds=6)
    merged = merge([(one, rows(one)), (two, rows(two))], against="b")
    assert merged.study.treatments[0] == {"entry": "b"} and len(merged.study.treatments) == 4, "a is one entry"
    assert merged.study.tasks == tuple(f"call/{k}" for k in range(2, 10)) and merged.study.seeds == 4
    assert len(merged.rows) == 4 * 8 * 4
    assert merged.notes == ["100 rows of tasks, contexts or seeds that not all studies have are left out."]
    (effect,) = [e for e in score(merged.study, merged.rows).effects if e.treatment == "a"]
    inside = study("inside", "ba", range(2, 10))
    (alone,) = score(inside, rows(inside)).effects
    assert (effect.estimate, effect.finding.low) == (alone.estimate, alone.finding.low)


def test_every_pair_of_treatments_is_told_once_and_adjusted():
    asked = study("all", "abcd", range(8))
    found = pairs(asked, rows(asked))
    assert [pair.a + pair.b for pair in found] == ["ab", "ac", "ad", "bc", "bd", "cd"]
    assert [pair.finding.p_adjusted for pair in found] == holm([pair.finding.p for pair in found]).tolist()
    (effect,) = [e for e in score(asked, rows(asked)).effects if e.treatment == "b"]
    assert found[0].finding.estimate == pytest.approx(-effect.estimate) and found[0].wins == 1 - effect.wins


def test_the_same_words_for_two_things_are_told_apart():
    short, long = study("short", "ab", range(6)), study("long", "ab", range(6), budget={"calls": 2})
    merged = merge([(short, rows(short)), (long, rows(long))])
    assert [t["entry"] for t in merged.study.treatments] == ["long: a", "short: a", "short: b", "long: b"]
    assert merged.notes == ["Budgets of a cell differ: short 1 calls; long 2 calls."]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"metric": "loss"}, "metric is 'the metric' and 'loss'"),
        ({"direction": -1}, "direction is 1 and -1"),
        ({"minimal_effect": 0.2}, "minimal_effect"),
        ({"tasks": ["call/99"]}, "no task in common"),
        ({"contexts": {"level": [1]}}, "contexts are tasks alone and level"),
        ({"seeds": {"seed": 2}}, "share no pairs"),
        ({"name": "one"}, "named alike"),
    ],
)
def test_what_cannot_be_compared_is_named(change, named):
    one, other = study("one", "ab", range(4)), study("two", "ac", range(4))
    two = from_dict({**other.to_dict(), "floor": None} | change)
    with pytest.raises(ConfigurationError, match=named):
        merge([(one, rows(one)), (two, rows(two))])


def test_an_entry_that_is_not_there_is_offered_the_nearest():
    one, two = study("one", "ab", range(4)), study("two", "ac", range(4))
    with pytest.raises(ConfigurationError, match=r"--against x: there is no such entry; there are a; b; c"):
        merge([(one, rows(one)), (two, rows(two))], against="x")


def test_the_command_over_studies(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    store = Store(tmp_path / "runs" / "cells")
    for name, arms in (("one", "ab"), ("two", "acd")):
        listed = ", ".join(f'"call/{k}"' for k in range(6))
        text = f'name = "{name}"\nquestion = "?"\ntasks = [{listed}]\nseeds = 2\nminimal_effect = 0.1\n'
        text += f"components = [{str(PARTS)!r}]\n[budget]\ncalls = 1\n[fixed]\nsubject = 'noisy'\n"
        Path(f"{name}.toml").write_text(f"{text}[vary]\narm = {list(arms)}\n")
        for cell, row in rows(read(Path(f"{name}.toml"))):
            store.put(cell, row)
    code, text = said(capsys, "compare", "one.toml", "two.toml", "--pairs", "--write", "out")
    assert code == 0 and "b less d: exploratory, supported" in text and "out/compare.html" in text
    page = Path("out/compare.html").read_text()
    assert "Standing: entry" in page and "Every pair" in page
    answer = as_the_schema_says(said(capsys, "compare", "one.toml", "two.toml", "--json")[1])
    assert list(answer["tables"]) == ["one-and-two"] and answer["pairs"] == []
    assert "there is no store" in said(capsys, "compare", "one.toml", "two.toml", "--store", "none")[1]
    Store(tmp_path / "empty")
    assert (
        "run `mesocosm study one.toml` first" in said(capsys, "compare", "one.toml", "two.toml", "--store", "empty")[1]
    )
