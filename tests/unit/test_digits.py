"""The experiments that join rules, searchers and tasks, and the statistics of the benchmark."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from mesocosm import artefacts, rules
from mesocosm.cli.main import main
from mesocosm.core import run
from mesocosm.core.checkpoint import named
from mesocosm.experiments.digits import anatomy, audit
from mesocosm.experiments.digits.declaration import DigitsConfiguration, curves
from mesocosm.experiments.digits.export import rule_of
from mesocosm.experiments.digits.results import values
from mesocosm.experiments.digits_shown.declaration import DigitsShownConfiguration
from mesocosm.protocol.derived import summary_of, tell
from mesocosm.protocol.kept import ANALYSIS, analysis_of
from mesocosm.protocol.launch import prepare, start
from mesocosm.protocol.reading import findings_of
from mesocosm.protocol.registry import declaration
from mesocosm.record import ConfigurationError, FolderError, load
from mesocosm.record.configuration import check, from_dict
from mesocosm.reports.build import report
from mesocosm.rivals.costs import costs
from mesocosm.rivals.learners import ONLINE, RATES, SCALES, STORED, budgets, rivals
from mesocosm.rivals.table import Shown, differences, grade, interval, openings, tuned
from mesocosm.rules import handwritten
from mesocosm.rules.form import RuleForm
from mesocosm.rules.rule import EvolvedRule, Rule, build_net
from mesocosm.serving.sessions import Limits, Sessions
from mesocosm.tasks import DataError
from mesocosm.tasks import load as load_data

SCHOOL = dict(source="clouds", side=4, classes=3, examples=10, tasks=4, shown=[2, 10], judged_tasks=4, judged_images=20)


def searched(folder, **changes):
    values = {"replicates": 2, "ticks": 6, "every": 3, "schooling": SCHOOL, **changes}
    setup, plan = prepare("digits", from_dict(DigitsConfiguration, values))
    return setup, run(setup, plan, folder)


# -- the search --------------------------------------------------------------------------------------------------------


def test_a_search_improves_what_it_is_judged_by(tmp_path):
    """From random genes, on clouds, the loss falls within few generations."""
    search = {"searcher": "meta-gradient", "rate": 0.03}
    form = {"cell": "bilinear", "messages": 2, "memory": 1}
    _, record = searched(
        tmp_path / "run", founding="random", search=search, form=form, ticks=60, every=20, replicates=1
    )
    loss = record.metrics["loss"]
    assert loss[-1] < loss[0]
    summary = summary_of(declaration("digits"), record)
    assert summary.columns[3:] == ("after-2", "class after-2", "after-10", "class after-10")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A search for an LSTM by the gradient through its life, and its record."""
    form = {"messages": 1, "hidden": 2, "memory": 1}
    return searched(tmp_path_factory.mktemp("digits") / "run", form=form)


def test_the_rule_of_a_run_is_the_centre_that_was_judged(finished):
    setup, record = finished
    rule = rule_of(record, 1)
    assert rule.made["search"] == 1 and rule.made["accuracy"] == np.round(curves(record)["rule"][1], 4).tolist()
    numbers = np.concatenate([np.asarray(g).ravel() for g in jax.tree.leaves(rule.genome)])
    place = list(record.state["replicate"]).index(1)
    assert np.array_equal(numbers, record.state["state.search.mean"][place])
    assert setup.experiment.founder.size == rule.genome.size
    with pytest.raises(FolderError, match="search 7"):
        rule_of(record, 7)


def test_the_rule_of_a_run_is_what_is_served_and_exported(finished, tmp_path, monkeypatch):
    """By the command line: a session learns and answers as the rule does; so does its program, opened again."""
    pytest.importorskip("starlette", reason="needs the extra serve")
    _, record = finished
    given = {}
    monkeypatch.setattr("mesocosm.serving.server.serve", lambda rule, folder, *rest: given.update(rule=rule))
    assert main(["serve", str(record.folder), "--search", "1", "--classes", "3"]) == 0
    x, y = np.random.default_rng(0).normal(size=(5, 16)), np.array([0, 1, 2, 0])
    here = replace(rule_of(record, 1), classes=3).learn(x[:4], y)
    sessions = Sessions(given["rule"], tmp_path / "sessions", Limits())
    name = sessions.begin()
    assert sessions.learn(name, x[:4], y, 0) == 4
    assert np.allclose(sessions.predict(name, x[4:]), here.logits(x[4:]), atol=1e-5)
    words = ["export", str(record.folder), "--to", "stablehlo", "--search", "1", "--classes", "3", "--inputs", "16"]
    assert main([*words, "--out", str(tmp_path / "there")]) == 0
    predict = artefacts.load(tmp_path / "there" / "predict.mlir")
    state = {f"state.{k}": v for k, v in named(here._state).items()}
    assert np.allclose(predict.run({"x": x[4], **state})["logits"], here.logits(x[4:])[0], atol=1e-5)
    assert predict.manifest["about"]["made"]["search"] == 1


def test_numbers_are_searched_in_units_of_what_they_were_founded_with():
    setup, _ = prepare("digits", from_dict(DigitsConfiguration, {"relative": True, "schooling": SCHOOL}))
    e = setup.experiment
    founded = np.concatenate([np.ravel(g) for g in jax.tree.leaves(handwritten.class_mean(e.net))])
    moved = np.concatenate([np.ravel(g) for g in jax.tree.leaves(e.genome(e.founder + 1))])
    assert np.allclose(moved, founded + np.where(founded == 0, 0.02, np.abs(founded)), rtol=1e-5)
    assert set(np.abs(np.asarray(e.founder)).tolist()) == {0.0, 1.0}


def test_the_control_is_the_same_in_every_search(finished):
    control = curves(finished[1])["control"]
    assert np.all(control == control[0, 0]) and np.all(control > 0.2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"founding": "class-mean", "form": {"normalise": False}}, "founding = class-mean"),
        ({"founding": "centred-class-mean", "form": {"memory": 0}}, "memory of 1"),
        ({"founding": "prototypes"}, "founding = prototypes: needs form.compete"),
        ({"schooling": {"shown": [5, 2]}}, "shown = "),
        ({"schooling": {"source": "digits8", "examples": 4000}}, "more than digits8"),
        ({"search": {"searcher": "cma-es"}, "form": {"messages": 8, "hidden": 16}}, r"sep-cma-es or snes"),
    ],
)
def test_what_cannot_be_searched_is_refused(changes, message):
    with pytest.raises(ConfigurationError, match=message):
        prepare("digits", from_dict(DigitsConfiguration, changes))


# -- the benchmark -----------------------------------------------------------------------------------------------------


def test_every_online_rival_has_eight_rates_scales_and_both_inputs():
    assert len(ONLINE) == 11 and "feedback alignment" in ONLINE and "ridge" not in ONLINE
    assert len(RATES) == 8 and max(RATES) / min(RATES) > 1000
    for family, settings in ONLINE.items():
        rates, scales, centred = (set(column) for column in zip(*settings, strict=True))
        assert rates == set(RATES) and centred == {0, 1}
        assert scales == ({1.0} if family.endswith("linear") else set(SCALES))
    names = rivals()
    assert len(names) == len(set(names)) == sum(budgets().values())
    assert rivals(online=False) == names[: sum(budgets(online=False).values())]


def test_settings_are_chosen_on_validation_for_each_n():
    names = ["ridge/0.1", "ridge/1", "class mean"]
    validation = np.array([[0.5, 0.1], [0.4, 0.2], [0.3, 0.3]])[:, None, :].repeat(3, axis=1)
    test = np.array([[0.2, 0.9], [0.9, 0.4], [0.3, 0.3]])[:, None, :].repeat(3, axis=1)
    found, settings = tuned(names, validation, test)
    assert found["ridge"][0].tolist() == [0.2, 0.4], "not the settings that are best on the test"
    assert settings == {"ridge": ["0.1", "1"], "class mean": ["", ""]}
    validation[:, :, 1] = np.nan
    found, settings = tuned(names, validation, test)
    assert settings["ridge"] == ["0.1", "0.1"], "beyond validation the last setting stays"


def test_intervals_know_that_streams_are_shared_by_rules():
    rng = np.random.default_rng(0)
    streams = rng.normal(size=(1, 50)) + 0.01 * rng.normal(size=(6, 50))
    mean, low, high = interval(streams)
    assert low < mean < high and (high - low) / 2 == pytest.approx(1.96 / np.sqrt(50), rel=0.35)
    rules = rng.normal(size=(6, 1)) + 0.01 * rng.normal(size=(6, 50))
    assert np.ptp(interval(rules)[1:]) > 5 * np.ptp(interval(rules - rules.mean(1, keepdims=True))[1:])


def test_grades_are_those_declared():
    shown, rng = np.array([5, 10, 20, 50, 100]), np.random.default_rng(0)
    noise = 0.01 * rng.normal(size=(40, 5))
    families = {"sgd linear": 0.4 + noise, "1-NN cosine": 0.6 + noise, "RBF machine": 0.61 + noise}

    def graded(level, rules=6, families=families):
        return grade(Shown(shown, np.broadcast_to(level + noise, (rules, 40, 5)), families, {}))

    for level, expected in ((0.64, "strong"), (0.605, "strong"), (0.595, "good"), (0.55, "pass"), (0.39, "none")):
        assert graded(level) == expected, level
    assert graded(0.64, rules=5) == "good", "five rules are too few"
    assert graded(0.605, families=families | {"RBF machine": 0.7 + noise}) == "good", "the ceiling is further"
    mixed = np.full((1, 40, 5), 0.64)
    mixed[:, :, 4] = 0.38
    assert graded(mixed) == "none", "every n counts"
    offline = {name: values for name, values in families.items() if name != "sgd linear"}
    assert graded(0.64, families=offline) == "not asked for"
    against = differences(Shown(shown, np.broadcast_to(0.55 + noise, (6, 40, 5)), families, {}), "baseline")
    assert [d.n for d in against] == [10, 20, 50, 100] and {d.rival for d in against} == {"1-NN cosine"}
    assert all(d.low <= d.mean <= d.high and d.mean == pytest.approx(-0.05) for d in against)


def test_the_meta_test_opens_with_final_only_and_openings_are_counted(tmp_path):
    with pytest.raises(ConfigurationError, match="open it with final = True"):
        check(DigitsShownConfiguration(data="mnist"))
    check(DigitsShownConfiguration(data="mnist", final=True))


def compared(folder, **changes):
    values = dict(replicates=1, ticks=2, every=1, side=8, shown=[10, 20], images=50, online=False, **changes)
    setup, plan = prepare("digits-shown", from_dict(DigitsShownConfiguration, values))
    return run(setup, plan, folder)


def test_the_benchmark_compares_all_on_the_same_streams(tmp_path):
    record = compared(tmp_path / "run")
    summary = declaration("digits-shown").summarise(load(tmp_path / "run"))
    rows = {row[0]: row[1:] for row in summary.rows}
    assert rows["class-mean"] == pytest.approx(rows["class mean"], abs=0.011), "the rule by hand and the rival are one"
    assert set(rows) == {"class-mean", *STORED}
    assert all(0.3 < accuracy < 0.9 for accuracy in rows["1-NN cosine"])
    story = tell(declaration("digits-shown"), record, [])
    figure, table = story.sections[0].figures
    assert {curve.label.removesuffix(" (ceiling)") for curve in figure.curves[1:]} == set(STORED)
    assert table.columns[-3:] == ["state bytes", "FLOPs an example", "tuning or training"]
    assert openings(record) == 1 and report(record).stat().st_size > 10_000
    shuffled = compared(tmp_path / "shuffled", permuted=True)
    again = {row[0]: row[1:] for row in declaration("digits-shown").summarise(shuffled).rows}
    assert again["1-NN cosine"] == rows["1-NN cosine"], "what knows nothing of pixels is not moved"


def test_what_a_learner_costs_is_counted():
    net = build_net(RuleForm("hebbian", messages=1, memory=0), (20, 4))
    rule = EvolvedRule(net, handwritten.class_mean(net))
    found = costs({"by hand": rule}, 20, 4, 50, online=True)
    assert found["by hand"]["bytes"] == 4 * 2 * 80, "a forward and a backward strength a synapse"
    assert found["sgd linear"]["bytes"] == 4 * (21 * 4 + 20 + 1), "weights, and the running mean"
    assert found["adam linear"]["bytes"] > 3 * 4 * 21 * 4, "two moments"
    assert found["1-NN cosine"]["bytes"] == 4 * 50 * 21
    assert 2 * 50 * 20 < found["1-NN cosine"]["flops"] < 20 * 50 * 20, "a product with every example"
    assert found["RBF machine"]["flops"] > 10 * found["1-NN cosine"]["flops"]
    assert set(found) == {"by hand", *STORED, *ONLINE}


# -- audits ------------------------------------------------------------------------------------------------------------


def test_audits_tell_what_is_known_of_the_class_mean():
    data, by_hand = load_data("digits8"), rules.load("class-mean")
    found = audit.prior_audit(by_hand, data, how_many=3)
    assert found["accuracy"] == pytest.approx(found["inverted_all"], abs=1e-6), "the class mean knows no contrast"
    assert found["inverted_test"] < 0.2 < found["worst_class"] < found["label_noise"] < found["accuracy"]
    assert found["first_answer"] == pytest.approx(0.1), "and has no opinion before it is told"
    lost = audit.forgetting(by_hand, data, how_many=3)
    assert lost["after_other"] < lost["first"] - 0.05 and lost["again"] > lost["after_other"]
    assert audit.prior_audit(audit.without(by_hand, "label"), data, how_many=1)["accuracy"] < 0.25
    kept = audit.prior_audit(audit.without(by_hand, "error"), data, how_many=3)
    assert kept["accuracy"] == found["accuracy"]
    with pytest.raises(DataError, match="1797 examples; 3000"):
        audit.prior_audit(by_hand, data, n=2800)


def test_a_rule_without_a_part():
    data, form = load_data("digits8"), RuleForm("lstm", memory=1)
    net = build_net(form, (64, 10))
    rule = Rule(form, handwritten.centred_class_mean(net))
    whole = audit.accuracy_after(rule, data, how_many=2)
    for part, changes in (("memory", True), ("label", True), ("error", False), ("replies", False)):
        found = audit.accuracy_after(audit.without(rule, part), data, how_many=2)
        assert (found != whole) == changes, part
    assert audit.accuracy_after(audit.without(rule, "label"), data, how_many=2) < 0.3


@pytest.mark.parametrize("cell", ["lstm", "bilinear", "hebbian"])
def test_a_rule_without_its_own_way_back_is_symmetric(cell):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 5)), np.arange(12) % 3
    form = RuleForm(cell, messages=1, hidden=2, memory=1, symmetric=True)
    made = {s: build_net(replace(form, symmetric=s), (5, 4, 3)).found(jax.random.key(0)) for s in (True, False)}
    rules = {s: Rule(replace(form, symmetric=s), made[s], hidden=(4,)) for s in made}
    logits = {s: rule.learn(x, y).logits(x) for s, rule in rules.items()}
    without = {s: audit.without(rule, "own way back") for s, rule in rules.items()}
    same = without[True].learn(x, y).logits(x)
    assert np.array_equal(same, logits[True]) and without[False].form.symmetric
    assert np.abs(without[False].learn(x, y).logits(x) - logits[False]).max() > 1e-6


def test_mixed_partials_and_the_formula_of_what_is_known():
    """Online softmax regression follows a gradient, and is found as a formula; a random rule is neither."""
    data, form = load_data("digits8"), RuleForm("hebbian", messages=1, memory=0, normalise=False)
    net = build_net(form, (64, 10))
    softmax = Rule(form, handwritten.softmax_sgd(net, rate=0.05))
    assert anatomy.mixed_partials(softmax, data, streams=2) == pytest.approx(0, abs=1e-3)
    found = anatomy.formula(softmax, data, streams=2, most=1)
    assert found["terms"][0] == ("fe", pytest.approx(0.05, rel=1e-3)) and found["r2"][0] > 0.999
    mean = Rule(form, handwritten.class_mean(build_net(RuleForm("hebbian", messages=1, memory=0), (64, 10))))
    assert anatomy.mixed_partials(mean, data, streams=2) is None, "it adds up inputs: no strength minds another"
    assert anatomy.formula(mean, data, streams=2, most=1)["terms"][0][0] == "fy"
    odd = RuleForm("lstm", messages=2, memory=1)
    random = Rule(odd, build_net(odd, (64, 10)).found(jax.random.key(0)))
    assert anatomy.mixed_partials(random, data, streams=2) > 0.1
    assert anatomy.formula(random, data, streams=2)["r2"][-1] < 0.999


def test_a_finished_search_is_analysed_judged_and_told(tmp_path, monkeypatch):
    for family in list(ONLINE):
        if family not in ("sgd linear", "adagrad linear"):
            monkeypatch.delitem(ONLINE, family)
    monkeypatch.setattr("mesocosm.experiments.digits.analysis._STREAMS", 1)
    configuration = from_dict(
        DigitsConfiguration, {"replicates": 2, "ticks": 4, "every": 2, "schooling": SCHOOL, "form": {"cell": "hebbian"}}
    )
    record = start("digits", configuration, tmp_path / "run")
    found = analysis_of(record)
    assert len(found["rules"]) == 2 and set(found["rivals"]) == {*STORED, "sgd linear", "adagrad linear"}
    assert found["rules"][1] == pytest.approx(curves(record)["rule"][1, -1].tolist(), abs=1e-4)
    assert found["class mean"] == pytest.approx(curves(record)["control"][0, -1].tolist(), abs=1e-4)
    ends = values(record, {})
    assert ends["improves"][0] == pytest.approx(100 * (found["rules"][0][-1] - found["founder"][-1]))
    assert [f["name"] for f in record.findings] == ["improves", "beyond-class-mean"]
    story = tell(declaration("digits"), record, findings_of(record))
    assert {s.heading for s in story.sections} >= {"Against every rival", "What the rule does", "Elsewhere"}
    drawn, table = next(s.figures for s in story.sections if s.heading == "Against every rival")
    assert len(drawn.curves) <= 6 and len(table.rows) == 2 + len(found["rivals"])
    assert report(record).stat().st_size > 10_000
    (tmp_path / "run" / ANALYSIS).write_text("{")
    assert analysis_of(record) is None and np.isnan(values(record, {})["improves"]).all()
    (nothing,) = [
        s.text for s in tell(declaration("digits"), record, []).sections if s.heading == "Against every rival"
    ]
    assert "Nothing was worked out" in nothing
