"""Plans by people who never saw the program: what is read of them, and that what was learnt is what is committed.

The sets lie in `office_hours/strangers/`, each by one hand; how each was read while it was new stands in
`docs/how-to/review.md`. Those are learnt from, so what is asked here is that nothing gets lost again. The sets in
`office_hours/held_out/` are not. Eleven and twelve were fresh when they were scored; ten was scored twice, and the
reader was redesigned in between.
"""

import ast
import time
from pathlib import Path

import numpy as np
import pytest

from mesocosm.review import learning, read_design, review
from mesocosm.review.asking import answered, pointed, questions
from mesocosm.review.checks import objections
from mesocosm.review.design import WORDS, of_facts
from mesocosm.review.learning import MAKERS, Plan, examples, fingerprint, is_quoted, learnt, phrases, plans
from mesocosm.review.pointed import SAID
from mesocosm.review.prose import facts_of
from mesocosm.review.reader import FAULTS, MOST, WEIGHTS, readings, telling
from mesocosm.review.ridge import Ridge, logistic
from mesocosm.review.terms import plain, terms
from mesocosm.review.weighing import FEATURES, features

FOLDER = Path(__file__).parent / "office_hours"
SETS = plans(FOLDER / "strangers")


def told(plan: Plan) -> tuple[set[str], set[str]]:
    """Faults that are objected to, and those that are asked about."""
    found = readings(plan.text)
    return {r.fault for r in found if r.is_sure}, {r.fault for r in found if not r.is_sure}


def counts(read: list[tuple[Plan, set[str], set[str]]]) -> dict[str, float]:
    sound = [(sure, asked) for plan, sure, asked in read if not plan.faults]
    return {
        "planted": sum(len(plan.faults) for plan, _, _ in read),
        "named": sum(len(set(plan.faults) & (sure | asked)) for plan, sure, asked in read),
        "objected": sum(len(set(plan.faults) & sure) for plan, sure, _ in read),
        "false": sum(len(sure) for sure, _ in sound),
        "asked": sum(len(asked) for _, asked in sound) / len(sound),
    }


@pytest.mark.parametrize("name", SETS)
def test_planted_faults_are_named_and_sound_plans_are_left_alone(name):
    readings("once, so that the weights are there")
    began = time.process_time()
    found = counts([(plan, *told(plan)) for plan in SETS[name]])
    assert time.process_time() - began < 2 and len(SETS[name]) >= 60
    assert found["named"] >= 0.95 * found["planted"] and found["objected"] >= 0.8 * found["planted"], found
    assert found["false"] <= 1 and found["asked"] <= 2, found


@pytest.mark.parametrize(
    ("name", "named", "objected", "false", "asked"),
    [("ten", 42, 25, 0, 1.85), ("eleven", 43, 27, 4, 1.5), ("twelve", 43, 33, 1, 1.7)],
)
def test_of_sets_that_are_kept_from_learning_no_fault_is_lost_again(name, named, objected, false, asked):
    """The numbers of the page. Of eleven and twelve they were measured once; those of ten are of its second score."""
    got = counts([(plan, *told(plan)) for plan in plans(FOLDER / "held_out")[name]])
    assert got["planted"] == 44 and got["named"] >= named and got["objected"] >= objected, got
    assert got["false"] <= false and got["asked"] <= asked, got


def test_how_many_questions_to_plans_with_a_fault_meet_it_is_as_the_page_says():
    """Of the two sets that were fresh; objections likewise."""
    held_out = plans(FOLDER / "held_out")
    read = [(plan, *told(plan)) for name in ("eleven", "twelve") for plan in held_out[name] if plan.faults]
    met = [sum(len(set(plan.faults) & said[k]) for plan, *said in read) for k in (0, 1)]
    said = [sum(len(found[k]) for _, *found in read) for k in (0, 1)]
    assert met == [60, 26] and said == [61, 118]


def test_the_weights_are_those_of_what_is_committed():
    with np.load(WEIGHTS) as data:
        assert str(data["of"]) == fingerprint(FOLDER), "python -m mesocosm.review.learning tests/unit/office_hours"
    assert WEIGHTS.stat().st_size < 400_000


@pytest.mark.parametrize("name", MAKERS)
def test_whatever_makes_the_weights_is_in_their_fingerprint(name, monkeypatch):
    before, read = fingerprint(FOLDER), Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read(path) + b"#" * (path.name == name))
    assert fingerprint(FOLDER) != before


def test_what_makes_the_weights_takes_from_files_that_do_not_only_what_is_told_to_the_fingerprint():
    """Code of the reader that the learner calls would otherwise change, and leave the weights as they are."""
    taken = set()
    for name in (maker for maker in MAKERS if maker.endswith(".py")):
        tree = ast.parse((Path(learning.__file__).parent / name).read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mesocosm"):
                assert (node.module or "").startswith("mesocosm.review."), node.module
                taken |= {((node.module or "").rpartition(".")[2] + ".py", alias.name) for alias in node.names}
    assert {name for file, name in taken if file not in MAKERS} == {"FAULTS", "FLOOR", "WEIGHTS"}


def test_what_the_reader_shares_with_the_learner_is_in_their_fingerprint(monkeypatch):
    before = fingerprint(FOLDER)
    monkeypatch.setattr("mesocosm.review.learning.FLOOR", 31.0)
    assert fingerprint(FOLDER) != before


@pytest.mark.slow
def test_the_weights_are_learnt_again():
    """To within a step or two of a weight, as sums are in another order on another machine."""
    again = learnt(examples(FOLDER))
    with np.load(WEIGHTS) as data:
        for of in ("sentence", "plan"):
            assert again[f"{of}_words"].tobytes() == data[f"{of}_words"].tobytes()
            np.testing.assert_allclose(again[f"{of}_step"], data[f"{of}_step"], rtol=1e-3)
            np.testing.assert_allclose(again[f"{of}_weights"], data[f"{of}_weights"].astype(int), atol=1)
        for name in ("weighing", "bias"):
            np.testing.assert_allclose(again[name], data[name], rtol=0.02, atol=0.02)


def test_a_doubtful_sentence_is_asked_about_and_its_answer_settles_it(tmp_path):
    doubtful = next(plan for each in SETS.values() for plan in each if told(plan)[1])
    path = tmp_path / "plan.md"
    path.write_text(doubtful.text, "utf-8")
    design = read_design(str(path))
    answer = review(design)
    assert 1 <= len(answer.asks) <= MOST
    values = facts_of(doubtful.text, WORDS)
    first = questions(of_facts(path, values))[0]
    assert first == answer.asks[0] and "?" in first.words
    after = of_facts(path, answered(values, first.fact, "yes, each its own, fixed before"))
    assert first not in questions(after) and len(pointed(after)) == len(answer.asks) - 1


def test_words_of_a_file_are_read_as_prose_but_for_its_question(tmp_path):
    words = "The new planner gets 8,000 rollouts a move, an hour in all, whereas the old one gets 1,000 and a minute."
    path = tmp_path / "plan.toml"
    path.write_text(f'question = "Is it better?"\ncontrol = "the old one"\nremarks = "{words}"\n', "utf-8")
    (said,) = [o for o in review(read_design(str(path))).objections if o.check == "unequal-budget"]
    assert words in said.what and all(r.is_sure for r in read_design(str(path)).readings)
    path.write_text(f'question = "{words}"\ncontrol = "the old one"\n', "utf-8")
    assert not read_design(str(path)).readings


def test_the_words_that_tell_most_are_named():
    reading = readings("We add seeds until the difference is significant and the verdict is in.")[0]
    assert reading.fault == "optional-stopping" and {"until", "significant"} & set(telling(reading))


def test_every_fault_that_is_read_can_be_objected_to_and_asked_about():
    assert list(SAID) == list(FAULTS)
    for said in SAID.values():
        assert "?" in said.question and said.question.endswith(".") and not said.objection.endswith(".")


def test_words_of_any_field_have_terms_in_common():
    ants = terms("All 400 ants of the two colonies are tested")
    traders = terms("All 900 traders of the two markets are tested")
    assert {"@part>@whole", "#hundreds", "@whole+@test"} <= ants & traders
    assert "!@drop" in terms("nothing is dropped") and "!@drop" not in terms("two are dropped")
    assert "#percent" in terms("by 5 %") and "#few" in terms("three worlds")


def test_numbers_that_are_held_against_each_other_need_no_word_of_more():
    unequal = terms("Adaptive bodies are tried for 30 seconds where the frozen ones get 10.")
    equal = terms("Adaptive bodies are tried for 30 seconds where the frozen ones get 30 seconds.")
    assert "≠&@budget" in unequal and "=&@budget" in equal and not {"≠&@budget", "≠@budget"} & equal
    assert "≠@budget" in terms("trained for 40 epochs, with 10 epochs of rest")
    assert "#top" in terms("It is 99.8 % in both") & terms("a recall of 0.998") and "#top" not in terms("60 % of both")


def weighed(scores, text_of=None):
    """Features of the first fault, by name."""
    whole = np.linspace(0, 1, len(FAULTS))
    return dict(zip(FEATURES, features(scores, whole, text_of)[0].tolist(), strict=True))


def test_the_most_telling_sentence_is_weighed_with_what_stands_beside_it_and_what_averts_it():
    scores = np.zeros((4, 2 * len(FAULTS)))
    scores[0, 0], scores[1, 0], scores[3, 1] = 0.5, 0.1, 0.4
    scores[2, len(FAULTS)], scores[0, len(FAULTS) + 2] = 0.2, 0.3
    found = weighed(scores)
    assert (found["told"], found["told again"], found["beside"]) == (0.5, 0.1, 0.1)
    assert (found["averted"], found["sentence averts"], found["sentence averts it"]) == (0.2, 0.3, 0)
    assert (found["rival in the sentence"], found["rival in the plan"]) == (0, 0.4)
    assert found["told elsewhere"] == pytest.approx(0.1) and found["rank"] == 0
    assert (found["plan"], found["lead of the plan"]) == (0, pytest.approx(-0.95))


def test_what_stands_under_another_heading_is_not_beside():
    scores = np.zeros((4, 2 * len(FAULTS)))
    scores[1, 0], scores[2, 0], scores[3, len(FAULTS)] = 0.1, 0.5, 0.2
    apart = weighed(scores, [0, 0, 1, 1])
    assert apart["beside"] == 0 and apart["averted"] == 0.2, "what averts does so wherever it stands"
    assert weighed(scores)["beside"] == weighed(scores, [0, 1, 1, 1])["beside"] == 0.1


def test_a_plan_of_one_sentence_has_features_too():
    assert np.isfinite(features(np.ones((1, 2 * len(FAULTS))), np.zeros(len(FAULTS)))).all()


def test_of_a_plan_as_a_whole_pairs_of_words_are_not_read():
    assert plain([terms("two worlds"), terms("without control")]) >= {"#2", "@whole", "@control"}
    assert not any(sign in term for term in plain([terms("All 400 ants are tested")]) for sign in " +>")


def test_a_group_that_is_left_out_is_told_as_if_it_had_never_been_there():
    rng = np.random.default_rng(0)
    found = [{f"w{k}" for k in rng.integers(0, 12, 5)} for _ in range(40)]
    labels, ends = rng.random((40, 3)), np.arange(30, 40)
    labels[:5, 0] = np.nan
    every = Ridge.of(found, labels, weights=[1, 2] * 20, penalty=0.5, rarest=1, floor=2.0)
    told = every.left_out(every.inverse(), [(ends[:6], ends[6:])])
    without = np.where(np.isnan(labels), np.nanmean(labels, 0), labels)[:30] - np.nanmean(labels, 0)
    scale = np.sqrt([1, 2] * 15)[:, None]
    x, of_them = every.x.toarray(), every.x.toarray()[:30] * scale
    slopes = np.linalg.solve(of_them.T @ of_them + 0.5 * np.eye(x.shape[1]), of_them.T @ (without * scale))
    np.testing.assert_allclose(told[30:36], x[30:36] @ slopes, atol=1e-4)
    assert np.isnan(told[:30]).all() and np.isnan(told[36:]).all()


def test_log_odds_are_where_their_penalised_likelihood_is_greatest():
    rng = np.random.default_rng(0)
    x = np.hstack([rng.normal(size=(200, 2)), np.ones((200, 1))])
    y = rng.random(200) < 1 / (1 + np.exp(-x @ [1.0, -2.0, 0.5]))
    found = logistic(x, y, 0.3)
    slope = x.T @ (1 / (1 + np.exp(-x @ found)) - y) + 0.3 * found * [1, 1, 0]
    np.testing.assert_allclose(slope, 0, atol=1e-8)


def test_sentences_that_were_written_with_a_set_in_view_are_left_out_with_it():
    told = {seen for row in phrases(FOLDER) for seen in row.seen}
    assert told and told <= SETS.keys()


def test_long_sentences_are_read_to_their_end_and_what_is_beyond_is_told(tmp_path):
    path, stops = tmp_path / "plan.md", "we add seeds until the difference is significant."
    path.write_text(f"We look at {'the lake and ' * 60} {stops}\n", "utf-8")
    assert "optional-stopping" in {r.fault for r in read_design(str(path)).readings}
    assert not review(read_design(str(path))).unread
    path.write_text("The lake is deep. " * 1200 + stops, "utf-8")
    answer = review(read_design(str(path)))
    assert answer.unread == ["text beyond its first 20,000 characters"] and answer.unread[0] in answer.words()


@pytest.mark.parametrize(
    "text", ["", "Does it help?\n\nControl: -\n", "群れは速いか。", "We let bacteria swim and see.\n\nControl: none\n"]
)
def test_who_says_next_to_nothing_is_objected_to(tmp_path, text):
    path = tmp_path / "plan.md"
    path.write_text(text, "utf-8")
    found = {objection.check: objection for objection in objections(read_design(str(path)))}
    assert {"control", "minimal-effect", "prediction"} <= found.keys()
    assert found["control"].what.startswith("There is no control")


@pytest.mark.parametrize("text", ["", "。", "群れは速いか。", "٣ ≠ 4", "1,,0 1e999 1e-400", "- \n\n# \n\n%"])
def test_a_text_of_other_letters_is_read_as_nothing_or_little(text):
    assert terms(text) is not None and not any(r.is_sure for r in readings(text))


@pytest.mark.parametrize(
    ("sentence", "quote", "is_one"),
    [
        ("We stop when it is clear.", "We stop when it is clear. [...] No more.", True),
        ("We stop when it is clear, and say so.", "stop when it is clear", True),
        ("There are forty worlds.", "We stop when it is clear.", False),
    ],
)
def test_what_is_quoted_is_found_in_its_sentence(sentence, quote, is_one):
    assert is_quoted(sentence, quote) is is_one
