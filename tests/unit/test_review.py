"""Office hours: every check catches the plan that was made for it and passes a clean one; plans are read from TOML."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from mesocosm.cli import main
from mesocosm.protocol.registry import declaration, names
from mesocosm.record import ConfigurationError
from mesocosm.review import design_of, read_design, review
from mesocosm.review.checks import CHECKS
from tests.unit.test_review_plans import PLANTED as OF_STUDIES

CLEAN = {
    "question": "Does Adam learn the tabular sets faster than momentum?",
    "prediction": "accuracy after 1,000 steps is higher under Adam",
    "control": "momentum",
    "statistic": "accuracy after 1,000 steps",
    "minimal_effect": 0.01,
    "effect": 0.03,
    "sd": 0.04,
    "contexts": 48,
    "unit": "data set",
    "comparisons": 3,
    "correction": "holm",
    "tuned_on": ["wine", "iris"],
    "tested_on": ["digits", "letters"],
    "tuning": {"adam": 20, "momentum": 20},
    "baseline": 0.8,
    "ceiling": 1.0,
    "failures": "score the floor",
    "measured": [10, 1000],
    "claimed": [10, 1000],
    "budget": {"adam": 1000, "momentum": 1000},
    "budget_unit": "steps",
    "stopping": "48 contexts, fixed",
    "looks": 0,
    "data_sets": 48,
    "seeds": [0, 1, 2],
    "tuning_seeds": [10, 11],
    "paired": True,
    "metrics": ["accuracy", "loss"],
    "primary": "accuracy",
    "treatments": {"momentum": {"optimiser": "momentum"}, "adam": {"optimiser": "adam"}},
}
PLANTED = {  # what is changed in the clean plan (None: left out), and a number or word that the objection must name
    "question": ({"question": "Explore optimisers"}, "Explore"),
    "prediction": ({"prediction": None}, "predicted"),
    "control": ({"control": None}, "no control"),
    "borrowed-baseline": ({"control": "momentum, as published in 2019"}, "as published"),
    "minimal-effect": ({"minimal_effect": None}, "matter"),
    "cannot-be-significant": ({"contexts": 5}, "at least 6"),
    "too-few-replicates": ({"effect": 0.015}, "are needed"),
    "fraction-out-of-reach": ({"claims": [{"name": "sign", "kind": "fraction", "delta": 0.95}]}, "`sign`"),
    "tuned-on-test": ({"tuned_on": ["wine", "digits"]}, "digits"),
    "unequal-tuning": ({"tuning": {"adam": 200, "momentum": 1}}, "adam has 200 tuning trials, momentum has 1"),
    "regression-to-the-mean": (
        {"remarks": "We take the agents that scored worst in the first test, teach them and test again."},
        "scored worst",
    ),
    "pseudo-replication": ({"unit": "agents at the last tick"}, "agents"),
    "multiple-comparisons": ({"comparisons": 20, "correction": None}, "64 %"),
    "saturated-metric": ({"baseline": 0.995}, "no room"),
    "survivorship": ({"failures": "extinct worlds are excluded"}, "excluded"),
    "extrapolation": ({"claimed": [10, 1000000]}, "2.0 decades"),
    "unequal-budget": ({"budget": {"adam": 5000, "momentum": 1000}}, "5000 steps"),
    "optional-stopping": ({"stopping": "until p < .05"}, "until"),
    "looked-at-during-tuning": ({"looks": 4}, "4 times"),
    "one-data-set": ({"data_sets": 1}, "One data set"),
    "shared-seeds": ({"seeds": [0, 1, 10]}, "10"),
    "not-paired": ({"paired": False}, "different seeds"),
    "no-primary-metric": ({"primary": None}, "accuracy, loss"),
    "control-is-treatment": (
        {"treatments": {"momentum": {"width": 64}, "adam": {"width": 64.0}}},
        "adam sets what its control momentum sets",
    ),
    "confounded": (
        {"treatments": {"momentum": {"optimiser": "momentum", "width": 8}, "adam": {"optimiser": "adam", "width": 64}}},
        "optimiser, width",
    ),
}


def toml(facts: dict) -> str:
    """Plain facts first, then tables; JSON's numbers, texts and lists are TOML's."""
    plain = [f"{k} = {json.dumps(v)}" for k, v in facts.items() if not isinstance(v, dict | list) or is_flat(v)]
    tables = []
    for name, value in facts.items():
        if isinstance(value, dict):
            tables.append(f"[{name}]")
            for k, v in value.items():
                tables.append(
                    f"{k} = {{ {', '.join(f'{a} = {json.dumps(b)}' for a, b in v.items())} }}"
                    if isinstance(v, dict)
                    else f"{k} = {json.dumps(v)}"
                )
        elif not is_flat(value):
            for row in value:
                tables += [f"[[{name}]]", *(f"{k} = {json.dumps(v)}" for k, v in row.items())]
    return "\n".join([*plain, *tables])


def is_flat(value) -> bool:
    return not isinstance(value, dict) and not (isinstance(value, list) and value and isinstance(value[0], dict))


@pytest.fixture
def plan(tmp_path):
    def write(**changes):
        facts = {k: v for k, v in {**CLEAN, **changes}.items() if v is not None}
        path = tmp_path / "study.toml"
        path.write_text(toml(facts))
        return path

    return write


def test_there_is_a_plan_for_every_check():
    names = [c.name for c in CHECKS]
    assert len(set(names)) == len(names) >= 15
    assert set(names) == set(PLANTED) | set(OF_STUDIES)


def test_a_clean_plan_meets_no_objection(plan):
    answer = review(read_design(str(plan())))
    assert answer.objections == []
    assert answer.unsaid == ["floor"]


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_caught_and_nothing_else_is(name, plan):
    changes, word = PLANTED[name]
    found = {o.check: o for o in review(read_design(str(plan(**changes)))).objections}
    assert name in found, found
    o = found.pop(name)
    assert word in o.what
    assert o.why and o.reference and o.change
    if name != "cannot-be-significant":  # so few are too few by any measure
        assert not found


def test_the_number_needed_is_that_of_the_power_calculation(plan):
    from mesocosm.findings.power import power_of

    (objection,) = review(read_design(str(plan(effect=0.015)))).objections
    needed = int(objection.what.split(" are needed")[0].split()[-1])
    assert power_of(0.015, 0.04, needed, delta=0.01) >= 0.8 > power_of(0.015, 0.04, needed - 1, delta=0.01)


def test_copies_of_a_seed_are_seen(plan):
    (objection,) = review(read_design(str(plan(seeds=[3, 3, 4])))).objections
    assert objection.check == "shared-seeds" and "2 are different" in objection.what


def test_facts_are_found_in_tables_and_under_other_words(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text('[study]\nasks = "Is it?"\ndelta = 0.1\n[contexts]\ntask = ["a", "b", "c"]\nwidth = [8, 16]\n')
    design = read_design(str(path))
    assert (design.question, design.minimal_effect, design.n) == ("Is it?", 0.1, 6)


@pytest.mark.parametrize("name", names())
def test_every_experiment_can_be_reviewed(name, capsys):
    assert main(["review", name, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["question"] and answer["experiment"] and answer["refutation"] and answer["n_checks"] == len(CHECKS)
    assert main(["review", name]) == 0
    assert "None" not in capsys.readouterr().out


def test_a_claim_that_its_replicates_cannot_support_is_said():
    declared = declaration("chemotaxis")
    assert review(design_of(declared)).objections == [], "`sign` says for how many replicates it is stated"
    unsaid = replace(declared, claims=tuple(replace(claim, replicates=0) for claim in declared.claims))
    few, many = (review(design_of(unsaid, n)) for n in (32, 160))
    assert [o.check for o in few.objections] == ["fraction-out-of-reach"]
    assert many.objections == []
    short = replace(declared, claims=tuple(replace(claim, replicates=40) for claim in declared.claims))
    assert [o.check for o in review(design_of(short)).objections] == ["fraction-out-of-reach"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("sd = 'wide'", "sd = 'wide'"),
        ("n = -1", "n = -1"),
        ("paired = 'yes'", "paired = 'yes'"),
        ("measured = [1]", "measured = [1]"),
        ("seeds = ['a']", "seeds = ['a']"),
        ("question = ", "cannot be read as TOML"),
    ],
)
def test_what_cannot_be_read_is_named(text, named, tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as error:
        read_design(str(path))
    assert named in str(error.value)


def test_what_is_neither_file_nor_experiment(capsys):
    assert main(["review", "nowhere.toml"]) == 2
    assert "chemotaxis" in capsys.readouterr().err


def test_it_waits_for_no_jax():
    call = "import sys; from mesocosm.cli import main; main(['review', 'chemotaxis']); assert 'jax' not in sys.modules"
    subprocess.run([sys.executable, "-c", call], check=True, capture_output=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"unit": "bacteria of one world", "contexts": 20_000},
        {"unit": "bacterium", "contexts": 20_000},
        {"unit": "the cells"},
        {"unit": "individual"},
        {"unit": "windows of the same run"},
        {"worlds": 1, "contexts": 20_000},
        {"runs": ["a", "b"], "contexts": 20},
    ],
)
def test_what_lives_in_one_world_is_no_replicate(plan, changes):
    found = {o.check: o for o in review(read_design(str(plan(**changes)))).objections}
    assert "pseudo-replication" in found


@pytest.mark.parametrize("unit", ["world", "replicate", "data set", "search", "task", "context", "population"])
def test_what_is_founded_alone_is_one(plan, unit):
    assert review(read_design(str(plan(unit=unit, worlds=48)))).objections == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"minimal_efect": 0.1}, "minimal_efect: there is no such fact. Did you mean minimal_effect"),
        ({"stoping": "never"}, "Did you mean stopping"),
        ({"plan": {"tunned_on": ["a"]}}, "Did you mean tuned_on"),
        ({"seeds": 10**9}, "seeds = 1000000000: must be a number of seeds in 0 ... 100000"),
        ({"tuning_seeds": -1}, "must be a number of seeds"),
        ({"contexts": 10**400}, "must be a whole number in 0"),
        ({"comparisons": 10**12}, "must be a whole number in 0"),
        ({"effect": 10**400}, "must be a finite number"),
        ({"claims": [{"name": "a", "replicates": 10**12}]}, "must be a whole number in 0"),
    ],
)
def test_a_fact_that_cannot_be_meant_is_refused_by_name(plan, changes, words):
    with pytest.raises(ConfigurationError) as told:
        read_design(str(plan(**changes)))
    assert words in str(told.value)


def test_what_is_said_under_unknown_words_is_told(plan):
    answer = review(read_design(str(plan(weather="fair", notes={"author": "me"}))))
    assert answer.unread == ["weather", "author"] and "weather, author" in answer.words()


@pytest.mark.parametrize("changes", [{"looks": 1}, {"looks": 3, "correction": "O'Brien-Fleming, Holm"}])
def test_the_look_that_judges_is_no_tuning(plan, changes):
    assert review(read_design(str(plan(**changes)))).objections == []
