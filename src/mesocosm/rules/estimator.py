"""Evolved rules as scikit-learn classifiers: `fit`, `partial_fit`, `clone`, pipelines, cross-validation.

L. Buitinck et al., "API design for machine learning software: experiences from the scikit-learn project", 2013. Needs
the extra `learn`.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from mesocosm.rules.columns import Seen
from mesocosm.rules.rule import Rule, load


class RuleClassifier(ClassifierMixin, BaseEstimator):
    """A rule that learns from examples in one pass and stores none of them.

    A rule hears each example standardised by itself, as an image is. So that nothing is lost of features that are no
    image, they are scaled by all that was seen so far, and heard beside their negatives and a constant (`lift`).

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import cross_val_score
    >>> from mesocosm.rules import RuleClassifier
    >>> x, y = load_iris(return_X_y=True)
    >>> bool(cross_val_score(RuleClassifier(), x, y).mean() > 0.8)
    True

    Args:
      rule: name of a rule that comes with the project (`mesocosm.rules.shipped()`), or a file.
      hidden: neurons in each hidden level, where the rule has some.
      winners: hidden neurons that answer and learn at once, as of `mesocosm.rules.load`.
      shuffle: whether `fit` takes the examples in a random order drawn by `seed`; a rule forgets where all of one class
        come first. `partial_fit` takes them as they come.
      lift: whether features are scaled, and lifted; False for images, which are heard as they are.
      seed: of the random initial state of hidden levels.
    """

    def __init__(
        self,
        rule: str = "class-mean",
        hidden: tuple[int, ...] = (),
        lift: bool = True,
        seed: int = 0,
        winners: int = 0,
        shuffle: bool = True,
    ):
        self.rule = rule
        self.hidden = hidden
        self.winners = winners
        self.shuffle = shuffle
        self.lift = lift
        self.seed = seed

    def fit(self, X: Any, y: Any) -> Self:
        """Learn anew from examples [examples, features] and their classes [examples]."""
        self._forget()
        X, y = self._checked(X, y, reset=True)
        order = np.random.default_rng(self.seed).permutation(len(y)) if self.shuffle else np.arange(len(y))
        return self._learn(X[order], y[order], np.unique(y))

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """Go on learning.

        Args:
          classes: all that there will ever be; in the first call, where not all of them are in `y`.

        Raises:
          ValueError: for a class that was not there before, or other `classes` than in the first call.
        """
        is_first = not hasattr(self, "classes_")
        X, y = self._checked(X, y, reset=is_first)
        if is_first:
            return self._learn(X, y, np.unique(y if classes is None else classes))
        if classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(f"classes = {list(classes)}: are not those of the first call, {self.classes_.tolist()}")
        return self._learn(X, y, self.classes_)

    def predict_proba(self, X: Any) -> np.ndarray:
        """How likely each class is by the answers of the net: their softmax [examples, classes]."""
        logits = self.decision(X)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)

    def predict(self, X: Any) -> np.ndarray:
        """The class of each example [examples]."""
        best = self.decision(X).argmax(axis=1)
        return self.classes_[best]

    def decision(self, X: Any) -> np.ndarray:
        """The answers of the net [examples, classes]."""
        check_is_fitted(self, "classes_")
        X = validate_data(self, X, reset=False)
        if self.rule_ is None:
            return np.zeros((X.shape[0], 1))
        return self.rule_.logits(self._heard(X))

    def _checked(self, X: Any, y: Any, reset: bool) -> tuple[np.ndarray, np.ndarray]:
        X, y = validate_data(self, X, y, reset=reset)
        check_classification_targets(y)
        return X, y

    def _forget(self) -> None:
        for name in ("classes_", "rule_", "seen_"):
            self.__dict__.pop(name, None)

    def _learn(self, X: np.ndarray, y: np.ndarray, classes: np.ndarray) -> Self:
        if unknown := sorted(set(np.unique(y).tolist()) - set(classes.tolist())):
            raise ValueError(f"y: {unknown[0]!r} is no class of the first call; give `classes` there")
        if not hasattr(self, "classes_"):
            self.classes_: np.ndarray = classes
            self.seen_ = Seen.none(X.shape[1])
            one = classes.size < 2  # there is nothing to tell apart
            how = {"hidden": tuple(self.hidden), "seed": self.seed, "winners": self.winners}
            self.rule_: Rule | None = None if one else load(self.rule, int(classes.size), output="classes", **how)
        self.seen_ = self.seen_.beside(X)
        if self.rule_ is not None:
            self.rule_.learn(self._heard(X), np.searchsorted(classes, y))
        return self

    def _heard(self, X: np.ndarray) -> np.ndarray:
        """What the rule is told of each example."""
        return self.seen_.lifted(X) if self.lift else X


__all__ = ["RuleClassifier"]
