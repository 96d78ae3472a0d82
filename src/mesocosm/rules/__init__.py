"""Learning rules of ONE net: the same small genome at every synapse and every neuron.

`load` gives a rule that evolution wrote: `rule.learn(x, y)`, `rule.predict(x)`. Nothing here loads jax before it is
asked for. `RuleClassifier` is the same for scikit-learn, `RuleRegressor` of rules that answer numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mesocosm.rules.estimator import RuleClassifier
    from mesocosm.rules.regressor import RuleRegressor
    from mesocosm.rules.rule import Rule, RuleError, load, shipped

__all__ = ["Rule", "RuleClassifier", "RuleError", "RuleRegressor", "load", "shipped"]


def __getattr__(name: str) -> Any:
    if name in _ESTIMATORS:
        return _estimator(name)
    if name in __all__:
        from mesocosm.rules import rule

        return getattr(rule, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_ESTIMATORS = {"RuleClassifier": "estimator", "RuleRegressor": "regressor"}
"""Classes of scikit-learn's, and where they are; they alone need that."""


def _estimator(name: str) -> Any:
    from importlib import import_module
    from importlib.util import find_spec

    if find_spec("sklearn") is None:
        from mesocosm.record import MissingPackage

        raise MissingPackage(name, "scikit-learn", "learn")
    return getattr(import_module(f"mesocosm.rules.{_ESTIMATORS[name]}"), name)
