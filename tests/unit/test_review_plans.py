"""Office hours over what others bring: studies in TOML, declarations in Python, runs; five bad plans and a good one."""

import json
from pathlib import Path

import numpy as np
import pytest

from mesocosm.cli import main
from mesocosm.findings import Claim, judge
from mesocosm.findings.power import power_of
from mesocosm.record import ConfigurationError, MesocosmError
from mesocosm.review import read_design, review
from mesocosm.review.advice import _widest
from mesocosm.review.checks import CHECKS
from mesocosm.review.plans import _spread
from tests.answers import as_the_schema_says
from tests.synthetic import game

STUDIES = sorted((Path(__file__).parents[2] / "studies").glob("*.toml"))
CLEAN = {
    "name": "clean",
    "question": "Is a second layer worth its cost?",
    "prediction": "two layers are better than one by a point of accuracy",
    "metric": "test accuracy",
    "tasks": ["swap/wine", *(f"swap/set{chr(97 + k)}" for k in range(10))],
    "seeds": 5,
    "budget": {"steps": 500},
    "minimal_effect": 0.01,
    "vary": {"learner": [{"component": "net"}, {"component": "net", "layers": "two"}]},
}
PLANTED = {  # check: what is changed in the clean study, and what the objection must name
    "budgets-of-two-kinds": (
        {"vary": {"learner": ["net", {"component": "automl", "cpu_seconds": 2.0}]}},
        "cpu_seconds = 2; the others have 500 steps",
    ),
    "few-seeds-in-each-context": ({"seeds": 2}, "2 seeds in each context"),
    "tasks-of-one-kind": ({"tasks": [*CLEAN["tasks"], *(f"swap/clouds-{k}" for k in range(6))]}, "6 of 17 tasks"),
    "several-predictions": ({"prediction": "two layers are better; three are worse"}, "2 predictions"),
    "prediction-without-a-sign": ({"prediction": "depth matters"}, "“depth matters”"),
    "confounded": (
        {"vary": {"learner": ["net", {"component": "net", "width": 8, "rule": "x"}]}},
        "2 things at once: rule, width",
    ),
    "minimal-effect": ({"minimal_effect": 0}, "0 is no smallest effect"),
    "one-data-set": ({"tasks": ["swap/wine"], "contexts": {"width": list(range(12))}}, "One data set"),
    "multiple-comparisons": (
        {"tasks": ["experiment/chemotaxis"], "vary": {}, "control": "the shadow", "contexts": {"a": list(range(20))}},
        "20 comparisons",
    ),
    "cannot-be-significant": ({"tasks": CLEAN["tasks"][:4]}, "n = 4"),
    "control": ({"vary": {}, "tasks": ["experiment/chemotaxis"], "contexts": {}, "seeds": 32}, "no control"),
}


def written(folder: Path, facts: dict) -> str:
    """A study in TOML: JSON's values are TOML's, but for tables."""

    def told(value) -> str:
        if isinstance(value, dict):
            return "{ " + ", ".join(f"{json.dumps(k)} = {told(v)}" for k, v in value.items()) + " }"
        return "[" + ", ".join(map(told, value)) + "]" if isinstance(value, list) else json.dumps(value)

    path = folder / "study.toml"
    path.write_text("\n".join(f"{k} = {told(v)}" for k, v in facts.items()), "utf-8")
    return str(path)


def test_a_clean_study_meets_no_objection(tmp_path):
    assert review(read_design(written(tmp_path, CLEAN))).objections == []


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_of_a_study_is_caught(name, tmp_path):
    changes, words = PLANTED[name]
    found = {o.check: o for o in review(read_design(written(tmp_path, CLEAN | changes))).objections}
    assert name in found and words in found[name].what
    assert name in {check.name for check in CHECKS}


BAD = {
    # A horse race: no prediction, four sets of one generator, a part that brings its own budget.
    "race": (
        CLEAN
        | {
            "question": "Explore which learner wins",
            "prediction": "",
            "tasks": [f"swap/clouds-{k}" for k in range(4)],
            "vary": {"learner": ["net", "boosting", {"component": "automl", "cpu_seconds": 9.0}]},
        },
        {"question", "prediction", "cannot-be-significant", "too-few-replicates", "budgets-of-two-kinds"}
        | {"tasks-of-one-kind"},
        ("`boosting`", "4 tasks"),
    ),
    # A map that will light up by chance, with hardly a seed in each square.
    "map": (
        CLEAN
        | {
            "prediction": "more where jumps are rare",
            "control": "the shadow genome",
            "tasks": ["experiment/chemotaxis"],
            "vary": {},
            "contexts": {"world.jump_probability": [0.0, 0.001, 0.1], "world.source_speed": [0, 16, 64, 256]},
            "seeds": 1,
            "budget": {"ticks": 2000},
        },
        {"multiple-comparisons"},
        ("world.jump_probability = 0.0 to world.jump_probability = 0.1", "2 cells of 2,000 ticks instead of 12"),
    ),
    # A net that is wider, deeper and trained by another rule: what of it was it?
    "everything-at-once": (
        CLEAN | {"vary": {"learner": ["net", {"component": "net", "width": 512, "depth": 3, "optimiser": "lion"}]}},
        {"confounded"},
        ("net(width=512, depth=3, optimiser=lion)",),
    ),
    # "No difference", to be read off from a test that is not significant.
    "null": (
        CLEAN | {"prediction": "no difference with two layers", "minimal_effect": 0.0},
        {"minimal-effect"},
        ("lie within",),
    ),
    # All the seeds on one data set.
    "one-set": (
        CLEAN | {"tasks": ["swap/wine"], "seeds": 1000},
        {"one-data-set", "cannot-be-significant", "too-few-replicates"},
        ("over 1 context,", "instead of 2,000"),
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_studies_are_told_what_is_wrong_in_their_own_words(name, tmp_path):
    facts, wrong, words = BAD[name]
    answer = review(read_design(written(tmp_path, facts)))
    assert {o.check for o in answer.objections} == wrong
    said = "\n".join([answer.question, answer.experiment, answer.refutation])
    assert all(word in said for word in words), said


def test_no_two_answers_are_alike():
    answers = [review(read_design(str(path))) for path in STUDIES]
    for part in ("question", "experiment", "refutation"):
        assert len({getattr(answer, part) for answer in answers}) == len(answers) > 5


def test_the_prediction_says_where_to_begin(tmp_path):
    swap = review(read_design(str(next(p for p in STUDIES if p.stem == "swap"))))
    assert "`boosting` against `net(optimiser=adam)` alone" in swap.experiment
    worse = {**CLEAN, "prediction": "two layers are worse", "direction": -1}
    assert "ends above -0.01" in review(read_design(written(tmp_path, worse))).refutation


def test_what_is_planned_is_enough_up_to_the_spread_that_is_named():
    spread = _widest(0.1, 16)
    assert power_of(0.2, spread, 16, delta=0.1) == pytest.approx(0.8, abs=1e-3)


DECLARATION = """
from dataclasses import dataclass
from mesocosm.protocol.declaration import Declaration, RunConfiguration
from mesocosm.findings.claim import Claim

@dataclass(frozen=True)
class Ants(RunConfiguration):
    replicates: int = {n}

ANTS = Declaration("ants", "Ants", "Do ants follow trails?", "trails are followed more than by the deaf", {control!r},
    Ants,
    claims=(Claim("follows", "trails followed", "the deaf", "share on a trail, less that of the deaf", 0.1),
            Claim("always", "it does so in at least 90 % of worlds", "the deaf", "whether it is above", 0.9,
                  kind="fraction", replicates={n})))
"""


def test_a_declaration_of_another_package_is_read(tmp_path, capsys):
    file = tmp_path / "ants.py"
    file.write_text(DECLARATION.format(n=60, control="the deaf"))
    answer = review(read_design(str(file)))
    assert answer.objections == [] and "“share on a trail, less that of the deaf”" in answer.question
    assert (
        "`always`: 60 of 60 or more supports it" in answer.refutation or "of 60 or more supports" in answer.refutation
    )
    file = tmp_path / "worse.py"
    file.write_text(DECLARATION.format(n=5, control=""))
    assert main(["review", f"{file}:ANTS", "--json"]) == 0
    said = as_the_schema_says(capsys.readouterr().out)
    assert {o["check"] for o in said["objections"]} >= {"control", "cannot-be-significant", "fraction-out-of-reach"}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("x = 1", "there is none"),
        (DECLARATION.format(n=8, control="") + "OTHER = ANTS", "ants.py:ANTS"),
        ("raise ValueError('not today')", "ValueError: not today"),
        ("import nowhere_at_all", "nowhere_at_all"),
        ("def f(:", "SyntaxError"),
        ("raise SystemExit", "ended the program"),
    ],
)
def test_a_file_that_declares_nothing_is_named(text, named, tmp_path, capsys):
    file = tmp_path / "ants.py"
    file.write_text(text)
    with pytest.raises(MesocosmError, match=named) as told:
        read_design(str(file))
    assert main(["review", str(file)]) == told.value.exit_code
    assert "Traceback" not in capsys.readouterr().err


def test_a_study_with_an_error_is_named_and_not_taken_for_facts(tmp_path):
    with pytest.raises(ConfigurationError, match="seeds = -1"):
        read_design(written(tmp_path, CLEAN | {"seeds": -1}))


def test_the_spread_of_a_run_is_read_from_its_interval():
    values = np.random.default_rng(0).normal(0.3, 0.2, 12)
    for kind in ("mean", "ratio"):
        claim = Claim(
            "effect", "it has one", "the control", "difference", delta=1.1 if kind == "ratio" else 0.1, kind=kind
        )
        found = judge([claim], {"effect": values}, 12)[0]
        assert _spread(found) == pytest.approx(values.std(ddof=1))


def test_a_run_is_reviewed_as_it_was_declared(tmp_path):
    answer = review(read_design(str(game(tmp_path / "run").folder)))
    assert answer.name == "run" and {o.check for o in answer.objections} == {"too-few-replicates"}
    assert "lie within ±0.0005" in answer.question, "that nothing differs is what is predicted"
    with pytest.raises(ConfigurationError, match="neither a file nor an experiment"):
        read_design(str(tmp_path / "nothing"))


@pytest.mark.parametrize(
    "parts",
    [
        ["net", {"component": "net"}],
        ["net", {"component": "net", "width": 64}],  # its default
        [{"component": "net", "width": 64}, {"component": "net", "width": 64.0}],
        ["net"],
    ],
)
def test_a_part_that_is_written_otherwise_is_no_other_part(parts, tmp_path):
    found = {o.check for o in review(read_design(written(tmp_path, CLEAN | {"vary": {"learner": parts}}))).objections}
    assert "control-is-treatment" in found


def test_a_study_with_a_misspelt_word_is_no_file_of_facts(tmp_path):
    values = {k: v for k, v in CLEAN.items() if k != "minimal_effect"} | {"minimal_efect": 0.1}
    with pytest.raises(ConfigurationError, match="Did you mean minimal_effect"):
        read_design(written(tmp_path, values))
