"""Plans in other people's words: planted faults are named whatever the wording, clean plans are left alone.

The plans lie in `office_hours/`: what is planted stands in the first line. Those of part b were written blind, after
the reader had been made with part a in view (20 of their 33 faults were named, 1 false alarm), and then learnt from; so
were those of part c (16 of 19, none). Part d is by another hand that had never seen the reader: 5 of its 12 flawed
plans had their fault named, and all 5 clean ones met false alarms, 13 in all. Part e was written before part d was
learnt from, by who then learnt it: 2 of 4 faults (one for a wrong sentence) and 5 false alarms in 2 of 3 clean plans;
one of `e03` is still missed. Plans of strangers are read in `test_strangers.py`.
"""

import io
from pathlib import Path

import pytest

from mesocosm.cli import main
from mesocosm.protocol.registry import declaration
from mesocosm.record import ConfigurationError
from mesocosm.record.configuration import from_toml
from mesocosm.review import read_design, review
from mesocosm.review.amounts import counted, number_of, smallest
from mesocosm.review.asking import answered, questions
from mesocosm.review.checks import CHECKS
from mesocosm.review.design import of_facts
from mesocosm.review.faults import is_part
from mesocosm.review.sentences import sentences
from mesocosm.review.wording import frames
from mesocosm.studies.study import read

FOLDER = Path(__file__).parent / "office_hours"
PLANS = sorted(p for p in FOLDER.iterdir() if p.is_file() and p.stem != "phrases")


def planted(path: Path) -> list[str]:
    first = path.read_text("utf-8").splitlines()[0].strip("#<>!- ")
    return first.removeprefix("planted:").split() if first.startswith("planted:") else []


def test_planted_faults_are_named_and_clean_plans_left_alone():
    found = {path.name: {o.check for o in review(read_design(str(path))).objections} for path in PLANS}
    missed = [(p.name, check) for p in PLANS for check in planted(p) if check not in found[p.name]]
    n = sum(len(planted(path)) for path in PLANS)
    alarms = {path.name: found[path.name] for path in PLANS if not planted(path) and found[path.name]}
    assert len(PLANS) >= 70 and n >= 70 and sum(not planted(p) for p in PLANS) >= 20
    assert len(missed) <= 0.05 * n, missed
    assert sum(map(len, alarms.values())) <= 2, alarms


@pytest.mark.parametrize("path", [p for p in PLANS if p.name[0] in "de" and "clean" in p.name], ids=lambda p: p.stem)
def test_a_sound_plan_of_another_hand_meets_nothing_fatal_and_is_not_pasted(path):
    answer = review(read_design(str(path)))
    assert "fatal" not in {o.weight for o in answer.objections}
    asked = answer.question.splitlines()[-1]
    assert ". " not in asked and len(asked.split()) <= 40


def test_what_is_read_from_a_sentence_is_fatal_nowhere_and_what_a_line_declares_is(tmp_path):
    path = tmp_path / "plan.md"
    said = "Does it help? Treated fish are compared with untreated fish. We predict more with it, by 3 or more.\n"
    path.write_text(f"{said}\nA t-test over the 400 fish.\n")
    assert {o.weight for o in review(read_design(str(path))).objections} == {"serious"}
    path.write_text(f"{said}\nThere are 6 tanks. A t-test over the 400 fish.\n")
    answer = review(read_design(str(path)))
    assert any(o.what.startswith("Are the 400 fish your replicates, or the 6 tanks?") for o in answer.objections)
    assert answer.question.endswith("above that of its control?")
    path.write_text(f"{said}\nUnit: fish\n\nn: 400\n")
    assert "fatal" in {o.weight for o in review(read_design(str(path))).objections}


@pytest.mark.parametrize(
    ("said", "least"),
    [
        ("Runs are longer at 37 degrees; a difference of 10 % would matter", 0.1),
        ("A difference of 2,000 evaluations would matter", 2000),
        ("Accuracy is higher with dropout by more than 0.01", 0.01),
        ("They keep a higher fitness than clones do, by 0.05 or more", 0.05),
        ("Large worlds hold at least two species more", 2),
        ("Smallest difference of interest: 0.5 points", 0.5),
        ("We run at least 40 worlds", None),
        ("What matters is the age of 12 fish", None),
    ],
)
def test_an_amount_is_read_where_grammar_ties_it_to_a_difference(said, least):
    assert smallest([said]) == least


@pytest.mark.parametrize(
    ("said", "n", "unit"),
    [
        ("They collect more in 10,000 steps than colonies without. 48 colonies per arm.", 48, "colonies"),
        ("Both are tuned with 100 trials of random search. We repeat over 20 data sets.", 20, "data sets"),
        ("30 data sets, each with 5 seeds which are averaged", 30, "data sets"),
        ("A pilot of 10 colonies. 24 independent ant colonies are kept.", 24, "colonies"),
        ("100 replicate populations per arm", 100, "populations"),
        ("Five trials each. The world is the unit. 64 worlds.", 64, "world"),
    ],
)
def test_what_is_counted_is_what_is_independent(said, n, unit):
    assert counted(sentences(said)) == {"n": n, "unit": unit}


def test_sentences_end_where_they_end():
    said = "# A title\nE. coli swims, e.g. in agar. So does strain B. It is slow vs. others."
    assert sentences(said) == ["A title", "E. coli swims, e.g. in agar.", "So does strain B.", "It is slow vs. others."]


def test_every_frame_is_of_a_check():
    assert {frame.check for frame in frames()} <= {check.name for check in CHECKS}


@pytest.mark.parametrize("path", [p for p in PLANS if planted(p) == ["pseudo-replication"]], ids=lambda p: p.stem)
def test_a_plan_that_counts_worlds_is_spared(path, tmp_path):
    """The same words, with what is measured brought together in each world before it is counted."""
    text = path.read_text("utf-8")
    if path.suffix == ".md":
        text += "\n\nUnit: world\n\nParts are averaged first: one value per world, and n is the number of worlds.\n"
    else:
        counts = ("unit", "n =", "replicat", "sample_size", "experimental", "worlds")
        kept = [line for line in text.splitlines() if not line.startswith(counts)]
        text = "\n".join([*kept, 'unit = "world"', "n = 40", 'remarks = "averaged first: one value per world"'])
    path = tmp_path / path.name
    path.write_text(text, "utf-8")
    assert "pseudo-replication" not in {o.check for o in review(read_design(str(path))).objections}


@pytest.mark.parametrize(
    ("unit", "is_one"),
    [
        ("bacterium", True),
        ("a single bacterium of one world", True),
        ("the last 500 ticks", True),
        ("world-and-tick pair", True),
        ("world", False),
        ("independently founded colony of ants", False),
        ("data set (images of one kind)", False),
        ("mean over the bodies of a world", False),
    ],
)
def test_what_a_unit_is_called_tells_whether_it_lives_in_another(unit, is_one):
    assert is_part(unit) is is_one


@pytest.mark.parametrize(
    ("text", "n"), [("32 worlds", 32), ("n = 1,000", 1000), ("Thirty of them", 30), ("some", None), ("", None)]
)
def test_numbers_are_read_in_digits_and_letters(text, n):
    assert number_of(text) == n


def test_what_is_open_is_asked_and_an_answer_is_kept_under_its_fact():
    asked = questions(of_facts(Path("plan"), {"question": "Does it help?"}))
    assert [q.fact for q in asked][:5] == ["prediction", "control", "minimal_effect", "unit", "n"]
    plan = answered({"delta": 3, "unit": "symbiont"}, "minimal_effect", "5 %, if anything")
    assert plan == {"unit": "symbiont", "minimal_effect": 0.05}
    with pytest.raises(ConfigurationError, match="must begin with a whole number"):
        answered({}, "n", "as many as it takes")
    (unit,) = [q for q in questions(of_facts(Path("plan"), {"unit": "mote"})) if q.fact == "unit"]
    assert "mote" in unit.words  # a word that is not known is asked about


TYPED = [
    "Does memory help?",
    "intake is higher with memory",
    "?",
    "bacteria without memory",
    "much",
    "0.1",
    "bacterium",
]
TYPED += [
    "40",
    "they count as zero",
    "until it looks significant",
    "world",
    "40 worlds, fixed",
    "nowhere",
    "chemotaxis",
]


def test_a_conversation_ends_with_a_plan_that_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(TYPED) + "\n"))
    path = tmp_path / "plan.toml"
    assert main(["review", "--write", str(path)]) == 0
    said = capsys.readouterr()
    assert "No objections (of" in said.out
    assert "must be a finite number" in said.err and "must be an experiment" in said.err and "Drift" in said.err
    cls = declaration("chemotaxis").configuration
    assert from_toml(cls, path.read_text(), str(path), cls()).replicates == 40
    assert "# control: bacteria without memory" in path.read_text()
    monkeypatch.setattr("sys.stdin", io.StringIO("\n" * 40))
    (tmp_path / "mine.toml").write_text("mine = 1")
    assert main(["review", "chemotaxis", "--write", str(tmp_path / "mine.toml")]) == 2
    assert (tmp_path / "mine.toml").read_text() == "mine = 1"


def test_a_plan_over_data_sets_becomes_a_study(tmp_path, monkeypatch):
    plan = tmp_path / "facts.toml"
    plan.write_text((Path(__file__).parent / "office_hours" / "a09-itself.toml").read_text().replace("1.0", "2"))
    monkeypatch.setattr("sys.stdin", io.StringIO("\n" * 2 + "swap/wine, swap/iris\n" * 9))
    assert main(["review", str(plan), "--ask", "--write", str(tmp_path / "study.toml")]) == 0
    study = read(tmp_path / "study.toml")
    assert study.tasks == ("swap/wine", "swap/iris") and study.vary == {"memory": (1, 2)}
