"""Rules that answer numbers as scikit-learn regressors: `fit`, `partial_fit`. Needs the extra `learn`."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from mesocosm.rules.columns import Seen
from mesocosm.rules.rule import Rule, load


class RuleRegressor(RegressorMixin, BaseEstimator):
    """A rule that learns numbers from examples in one pass and stores none of them.

    Features are scaled and lifted as by `RuleClassifier`; what is to be answered is scaled by all that was seen so far.

    >>> from sklearn.datasets import make_regression
    >>> from mesocosm.rules import RuleRegressor
    >>> x, y = make_regression(200, 10, noise=5.0, random_state=0)
    >>> RuleRegressor().fit(x[:150], y[:150]).score(x[150:], y[150:]) > 0.8
    True

    Args:
      rule: name of a rule that answers numbers (`delta`), or a file of one.
      hidden: neurons in each hidden level.
      lift: whether features are scaled, and lifted; False: they are heard as they are.
      seed: of the order of `fit`, and of the random initial state of hidden levels.
      shuffle: whether `fit` takes the examples in a random order.
    """

    def __init__(
        self,
        rule: str = "delta",
        hidden: tuple[int, ...] = (),
        lift: bool = True,
        seed: int = 0,
        shuffle: bool = True,
    ):
        self.rule = rule
        self.hidden = hidden
        self.lift = lift
        self.seed = seed
        self.shuffle = shuffle

    def fit(self, X: Any, y: Any) -> Self:
        """Learn anew from examples [examples, features] and numbers [examples]."""
        for name in ("rule_", "seen_", "numbers_"):
            self.__dict__.pop(name, None)
        X, y = validate_data(self, X, y, reset=True, y_numeric=True)
        order = np.random.default_rng(self.seed).permutation(len(y)) if self.shuffle else np.arange(len(y))
        return self._learn(X[order], np.asarray(y, float)[order])

    def partial_fit(self, X: Any, y: Any) -> Self:
        """Go on learning, from examples in the order in which they come."""
        X, y = validate_data(self, X, y, reset=not hasattr(self, "rule_"), y_numeric=True)
        return self._learn(X, np.asarray(y, float))

    def predict(self, X: Any) -> np.ndarray:
        """The number of each example [examples]."""
        check_is_fitted(self, "rule_")
        X = validate_data(self, X, reset=False)
        answers = self.rule_.logits(self._heard(X))[:, 0].astype(float)
        return self.numbers_.mean[0] + self.numbers_.deviation[0] * answers

    def _learn(self, X: np.ndarray, y: np.ndarray) -> Self:
        if not hasattr(self, "rule_"):
            self.seen_, self.numbers_ = Seen.none(X.shape[1]), Seen.none(1)
            self.rule_: Rule = load(self.rule, hidden=tuple(self.hidden), seed=self.seed, output="numbers")
        self.seen_, self.numbers_ = self.seen_.beside(X), self.numbers_.beside(y[:, None])
        self.rule_.learn(self._heard(X), self.numbers_.scaled(y[:, None]))
        return self

    def _heard(self, X: np.ndarray) -> np.ndarray:
        return self.seen_.lifted(X) if self.lift else X


__all__ = ["RuleRegressor"]
