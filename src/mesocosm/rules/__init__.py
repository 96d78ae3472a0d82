"""Learning rules of ONE net: the same small genome at every synapse and every neuron.

`load` gives a rule that evolution wrote: `rule.learn(x, y)`, `rule.predict(x)`. Nothing here loads jax before it is
asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mesocosm.rules.rule import Rule, RuleError, load, shipped

__all__ = ["Rule", "RuleError", "load", "shipped"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from mesocosm.rules import rule

        return getattr(rule, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
