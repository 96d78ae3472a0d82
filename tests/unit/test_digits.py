"""The experiments that join rules, searchers and tasks, and the statistics of the benchmark."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier

from mesocosm import rules
from mesocosm.core import run
from mesocosm.experiments.digits import audit
from mesocosm.experiments.digits.declaration import DigitsConfiguration, curves
from mesocosm.experiments.digits.export import rule_of
from mesocosm.experiments.digits_shown import baselines
from mesocosm.experiments.digits_shown.declaration import DigitsShownConfiguration, grade, interval, tuned
from mesocosm.experiments.digits_shown.learners import is_online, rivals
from mesocosm.experiments.launch import prepare
from mesocosm.experiments.registry import declaration
from mesocosm.record import ConfigurationError, FolderError, load
from mesocosm.record.configuration import check, from_dict
from mesocosm.rules.gradient import GradientRule
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
    summary = declaration("digits").summarise(record)
    assert "After 10 examples" in summary.sentence and summary.total[1][0] == "class mean"


def test_the_rule_of_a_run_is_the_centre_that_was_judged(tmp_path):
    setup, record = searched(tmp_path / "run")
    rule = rule_of(record, 1)
    assert rule.made["search"] == 1 and rule.made["accuracy"] == np.round(curves(record)["rule"][1], 4).tolist()
    numbers = np.concatenate([np.asarray(g).ravel() for g in jax.tree.leaves(rule.genome)])
    place = list(record.state["replicate"]).index(1)
    assert np.array_equal(numbers, record.state["state.search.mean"][place])
    assert setup.experiment.founder.size == rule.genome.size
    with pytest.raises(FolderError, match="search 7"):
        rule_of(record, 7)


def test_the_control_is_the_same_in_every_search(tmp_path):
    _, record = searched(tmp_path / "run")
    control = curves(record)["control"]
    assert np.all(control == control[0, 0]) and np.all(control > 0.2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"founding": "class-mean", "form": {"normalise": False}}, "founding = class-mean"),
        ({"founding": "centred-class-mean", "form": {"memory": 0}}, "memory of 1"),
        ({"schooling": {"shown": [5, 2]}}, "shown = "),
        ({"schooling": {"source": "digits8", "examples": 4000}}, "more than digits8"),
        ({"search": {"searcher": "cma-es"}, "form": {"messages": 8, "hidden": 16}}, r"sep-cma-es or snes"),
    ],
)
def test_what_cannot_be_searched_is_refused(changes, message):
    with pytest.raises(ConfigurationError, match=message):
        prepare("digits", from_dict(DigitsConfiguration, changes))


# -- rivals against independent implementations ------------------------------------------------------------------------

RNG = np.random.default_rng(3)
MEANS = RNG.normal(size=(4, 20))
Y = np.arange(60) % 4
X = (MEANS[Y] + RNG.normal(size=(60, 20))).astype(np.float32)
T = (MEANS[np.arange(40) % 4] + RNG.normal(size=(40, 20))).astype(np.float32)
ONE_HOT = jax.nn.one_hot(Y, 4)


def test_neighbours_are_those_of_scikit_learn():
    one, three = (np.argmax(s, axis=1) for s in baselines.neighbours(jnp.asarray(X), ONE_HOT, jnp.asarray(T)))
    reference = KNeighborsClassifier(1, metric="cosine").fit(X, Y).predict(T)
    assert np.array_equal(one, reference)
    votes = KNeighborsClassifier(3, metric="cosine").fit(X, Y).predict_proba(T)
    clear = votes.max(axis=1) > 0.5
    assert clear.sum() > 20 and np.array_equal(three[clear], votes.argmax(axis=1)[clear])


def test_ridge_and_logistic_regression_are_those_of_scikit_learn():
    ours = baselines.linear(jnp.asarray(T), baselines.ridge(jnp.asarray(X), ONE_HOT, 1.0))
    wide = np.hstack([X, np.ones((60, 1))])  # the bias is penalised like a weight
    theirs = Ridge(1.0, fit_intercept=False).fit(wide, 2 * np.eye(4)[Y] - 1).predict(np.hstack([T, np.ones((40, 1))]))
    assert np.allclose(ours, theirs, atol=1e-3)
    ours = baselines.linear(jnp.asarray(T), baselines.logistic(jnp.asarray(X), ONE_HOT, 0.1))
    model = LogisticRegression(C=1 / (0.1 * 60), fit_intercept=False, max_iter=2000).fit(wide, Y)
    assert np.allclose(jax.nn.softmax(ours), model.predict_proba(np.hstack([T, np.ones((40, 1))])), atol=0.01)


def test_lda_is_near_that_of_scikit_learn():
    ours = np.argmax(baselines.lda(jnp.asarray(X), ONE_HOT, jnp.asarray(T), 0.3), axis=1)
    theirs = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.3).fit(X, Y).predict(T)
    assert np.mean(ours == theirs) > 0.9


def test_classes_that_were_never_seen_are_not_named():
    for scores in baselines.stored(jnp.asarray(X[:3]), jnp.asarray(Y[:3]), jnp.asarray(T), 4):
        assert set(np.argmax(scores, axis=1).tolist()) <= {0, 1, 2}


def test_gradient_rule_follows_the_gradient_of_its_loss():
    rule = GradientRule(optax.sgd(0.1), (20, 6, 4))
    state = rule.begin(jax.random.key(0))
    for t in range(3):
        state, _ = rule.learn(state, jnp.asarray(X[t]), ONE_HOT[t])

    def loss(weights):
        hidden = jax.nn.relu(jnp.asarray(X[5]) @ weights[0][:-1] + weights[0][-1])
        return -jnp.sum(ONE_HOT[5] * jax.nn.log_softmax(hidden @ weights[1][:-1] + weights[1][-1]))

    after, _ = rule.learn(state, jnp.asarray(X[5]), ONE_HOT[5])
    for w, slope, new in zip(state.weights, jax.grad(loss)(state.weights), after.weights, strict=True):
        assert np.allclose(new, w - 0.1 * slope, atol=1e-6)
    apart = GradientRule(optax.sgd(0.1), (20, 6, 4), feedback="alignment")
    begun = apart.begin(jax.random.key(0))
    assert begun.feedback[0].shape == (6, 4)


# -- the benchmark -----------------------------------------------------------------------------------------------------


def test_settings_are_chosen_on_validation_for_each_n():
    names = ["mine", "ridge/0.1", "ridge/1", "class mean"]
    validation = np.array([[0.9, 0.9], [0.5, 0.1], [0.4, 0.2], [0.3, 0.3]])[:, None, :].repeat(3, axis=1)
    test = np.array([[0.1, 0.1], [0.2, 0.9], [0.9, 0.4], [0.3, 0.3]])[:, None, :].repeat(3, axis=1)
    found = tuned(names, validation, test)
    assert found["ridge"][0].tolist() == [0.2, 0.4], "not the settings that are best on the test"
    assert set(found) == {"mine", "ridge", "class mean"}


def test_intervals_know_that_streams_are_shared_by_rules():
    rng = np.random.default_rng(0)
    streams = rng.normal(size=(1, 50)) + 0.01 * rng.normal(size=(6, 50))
    mean, low, high = interval(streams)
    assert low < mean < high and (high - low) / 2 == pytest.approx(1.96 / np.sqrt(50), rel=0.35)
    rules = rng.normal(size=(6, 1)) + 0.01 * rng.normal(size=(6, 50))
    assert np.ptp(interval(rules)[1:]) > 5 * np.ptp(interval(rules - rules.mean(1, keepdims=True))[1:])


def test_grades_are_those_declared():
    shown, rng = np.array([10, 20, 50, 100]), np.random.default_rng(0)
    noise = 0.01 * rng.normal(size=(40, 4))
    families = {"sgd linear": 0.4 + noise, "1-NN cosine": 0.6 + noise}
    for level, expected in ((0.64, "strong"), (0.6, "good"), (0.55, "pass"), (0.39, "none")):
        assert grade((level + noise)[None], families, shown)[0] == expected
    mixed = np.full((1, 40, 4), 0.64)
    mixed[:, :, 3] = 0.38
    assert grade(mixed, families, shown)[0] == "none", "every n counts"


def test_the_meta_test_opens_with_final_only_and_openings_are_counted(tmp_path):
    with pytest.raises(ConfigurationError, match="open it with final = True"):
        check(DigitsShownConfiguration(data="mnist"))
    check(DigitsShownConfiguration(data="mnist", final=True))


def test_the_benchmark_compares_all_on_the_same_streams(tmp_path):
    values = dict(replicates=1, ticks=2, every=1, side=8, shown=[10, 20], images=50, online=False)
    setup, plan = prepare("digits-shown", from_dict(DigitsShownConfiguration, values))
    run(setup, plan, tmp_path / "run")
    summary = declaration("digits-shown").summarise(load(tmp_path / "run"))
    rows = {row[0]: row[1:] for row in summary.rows}
    assert rows["class-mean"] == pytest.approx(rows["class mean"], abs=0.011), "the rule by hand and the rival are one"
    assert set(rows) == {"class-mean", *(name.split("/")[0] for name in rivals(online=False))}
    assert all(0.3 < accuracy < 0.9 for accuracy in rows["1-NN cosine"])


def test_online_rivals_are_known_as_such():
    online = {name.split("/")[0] for name in rivals() if is_online(name.split("/")[0])}
    assert len(online) == 11 and "feedback alignment" in online and "ridge" not in online


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
