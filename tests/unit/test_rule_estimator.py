"""Rules as scikit-learn classifiers: its own suite, and what it does not ask."""

import importlib.util

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from mesocosm import rules
from mesocosm.record import MissingPackage
from mesocosm.rules import RuleClassifier, RuleRegressor

pytestmark = pytest.mark.xdist_group("estimator")


@parametrize_with_checks([RuleClassifier(), RuleRegressor()])
def test_the_suite_of_scikit_learn(estimator, check):
    """None is left out; one is skipped by itself, of arrays of other packages, which needs a variable of SciPy's."""
    check(estimator)


def test_it_is_the_rule_and_goes_on_where_it_was():
    """Images are heard as they are; batches one after the other are one pass; a clone has seen nothing."""
    x, y = load_digits(return_X_y=True)
    names = np.array(list("abcdefghij"))
    whole = RuleClassifier(lift=False, shuffle=False).fit(x[:64], names[y[:64]])
    parts = RuleClassifier(lift=False).partial_fit(x[:32], names[y[:32]], classes=names)
    parts.partial_fit(x[32:64], names[y[32:64]])
    plain = rules.load("class-mean", classes=10).learn(x[:64], y[:64])
    assert (whole.predict(x[64:128]) == names[plain.predict(x[64:128])]).all()
    assert (parts.predict(x[64:128]) == whole.predict(x[64:128])).all()
    assert np.mean(whole.predict(x[64:1064]) == names[y[64:1064]]) > 0.7
    assert not hasattr(clone(whole), "classes_")
    with pytest.raises(ValueError, match="'k' is no class of the first call"):
        parts.partial_fit(x[:1], ["k"])
    with pytest.raises(ValueError, match="are not those of the first call"):
        parts.partial_fit(x[:1], ["a"], classes=["a", "b"])


def test_columns_are_scaled_by_all_that_was_seen_so_far():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 5)) * [1e-6, 1, 1000, 1, 0] + [0, 50, -1e6, 0, 0.1]  # grams, years, dollars; one constant
    y = np.arange(90) % 3
    x[:, [1, 3]] += 6 * np.eye(3)[y][:, :2]
    one_by_one = RuleClassifier()
    for k in range(60):
        one_by_one.partial_fit(x[k : k + 1], y[k : k + 1], classes=[0, 1, 2])
    at_once = RuleClassifier().fit(x[:60], y[:60])
    for rule in (one_by_one, at_once):
        told = rule.seen_.scaled(x[:60])
        assert np.allclose(told[:, :4].std(axis=0), 1) and np.allclose(told.mean(axis=0), 0)
        assert not told[:, 4].any(), "what never differs says nothing"
        assert rule.score(x[60:], y[60:]) > 0.9


@pytest.mark.parametrize("far", [1.7e12, 1.0])
def test_a_column_far_from_zero_neither_drowns_the_others_nor_is_dropped(far):
    """Milliseconds since 1970; and the last digits of what is nearly 1."""
    rng = np.random.default_rng(1)
    y = np.arange(90) % 3
    x = rng.normal(size=(90, 4)) + 4 * np.eye(3)[y][:, [0, 1, 2, 0]]
    x[:, 3] = far + x[:, 3] * (1e3 if far > 1 else 1e-10)
    rule = RuleClassifier().fit(x[:60], y[:60])
    assert np.allclose(rule.seen_.scaled(x[:60]).std(axis=0), 1, atol=1e-4) and rule.score(x[60:], y[60:]) > 0.9


def test_halves_and_singles_are_scaled_in_doubles():
    x = np.full((40, 3), 0.1, np.float32)
    x[:, 1] = np.random.default_rng(2).normal(size=40)
    seen = RuleClassifier().fit(x, np.arange(40) % 2).seen_
    assert not seen.scaled(x)[:, [0, 2]].any() and np.isclose(seen.scaled(x)[:, 1].std(), 1)


def test_rows_that_are_sorted_by_class_are_learnt_in_another_order():
    x, y = load_digits(return_X_y=True)
    order = np.argsort(y[:300], kind="stable")
    scores = [
        RuleClassifier("prototypes-0", (32,), lift=False, shuffle=is_shuffled)
        .fit(x[:300][order], y[:300][order])
        .score(x[300:600], y[300:600])
        for is_shuffled in (True, False)
    ]
    assert scores[0] > 0.7 and scores[0] > scores[1] + 0.1


def test_pipelines_and_cross_validation():
    x, y = load_digits(return_X_y=True)
    scores = cross_val_score(make_pipeline(MinMaxScaler(), RuleClassifier(lift=False)), x[:300], y[:300], cv=3)
    assert scores.min() > 0.75


def test_numbers_are_learnt_in_their_own_unit_and_parts_are_one_pass():
    """Least mean squares over scaled columns and a constant of one length, whatever the unit of the answer."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(150, 4)) * [1e-3, 1, 100, 5] + [0, 10, 0, 0]
    y = 2e6 + 1e4 * (x / [1e-3, 1, 100, 5] @ [1, -1, 0.5, 0])
    whole = RuleRegressor(shuffle=False).fit(x[:100], y[:100])
    assert whole.score(x[100:], y[100:]) > 0.9
    scaled, wanted = whole.seen_.scaled(x[:100]), whole.numbers_.scaled(y[:100, None])[:, 0]
    heard, w = np.column_stack([scaled, np.full(100, 2.0)]), np.zeros(5)
    heard /= np.linalg.norm(heard, axis=1, keepdims=True)  # each example is standardised by itself
    for one, number in zip(heard, wanted, strict=True):
        w += 0.3 * one * (number - one @ w)
    answers = whole.numbers_.mean + whole.numbers_.deviation * (heard @ w)
    assert np.allclose(whole.predict(x[:100]), answers, atol=1)
    parts = RuleRegressor()
    for k in range(0, 100, 25):
        parts.partial_fit(x[k : k + 25], y[k : k + 25])
    assert parts.score(x[100:], y[100:]) > 0.9


def test_without_scikit_learn_it_says_so(monkeypatch):
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "sklearn" else there(name))
    with pytest.raises(MissingPackage, match=r"mesocosm\[learn\]"):
        rules.RuleClassifier  # noqa: B018
