"""Learning rules of ONE net: the same small genome at every synapse and every neuron.

`load` gives a rule that evolution wrote: `rule.learn(x, y)`, `rule.predict(x)`. Nothing here loads jax before it is
asked for. `RuleClassifier` is the same for scikit-learn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mesocosm.rules.estimator import RuleClassifier
    from mesocosm.rules.rule import Rule, RuleError, load, shipped

__all__ = ["Rule", "RuleClassifier", "RuleError", "load", "shipped"]


def __getattr__(name: str) -> Any:
    if name == "RuleClassifier":
        return _estimator()
    if name in __all__:
        from mesocosm.rules import rule

        return getattr(rule, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _estimator() -> Any:
    """The estimator, which is a class of scikit-learn's; it alone needs that."""
    from importlib.util import find_spec

    if find_spec("sklearn") is None:
        from mesocosm.record import MissingPackage

        raise MissingPackage("RuleClassifier", "scikit-learn", "learn")
    from mesocosm.rules.estimator import RuleClassifier

    return RuleClassifier
