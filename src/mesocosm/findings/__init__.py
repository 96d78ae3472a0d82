"""Statistics and verdicts: what may be said of a run, and how sure. NumPy and SciPy, no jax.

Names are loaded when first used: declarations state claims before NumPy and SciPy are there.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mesocosm.findings.claim import Claim, Finding, floor_replicates
    from mesocosm.findings.comparison import compare
    from mesocosm.findings.controls import Control, alike, null_rate, planted
    from mesocosm.findings.intervals import (
        Interval,
        bca_interval,
        bootstrap_t_interval,
        default_interval,
        johnson_interval,
        percentile_interval,
        t_interval,
        welch_interval,
        wilson_interval,
    )
    from mesocosm.findings.multiplicity import benjamini_hochberg, holm
    from mesocosm.findings.outcomes import Outcomes, success_then_mean
    from mesocosm.findings.permutation import sign_flip
    from mesocosm.findings.power import power_of, replicates_needed, replicates_needed_for_fraction
    from mesocosm.findings.tournament import Tournament
    from mesocosm.findings.verdicts import judge

_HOMES = {
    "Claim": "claim",
    "Control": "controls",
    "Finding": "claim",
    "Interval": "intervals",
    "Outcomes": "outcomes",
    "Tournament": "tournament",
    "alike": "controls",
    "bca_interval": "intervals",
    "benjamini_hochberg": "multiplicity",
    "bootstrap_t_interval": "intervals",
    "compare": "comparison",
    "default_interval": "intervals",
    "floor_replicates": "claim",
    "holm": "multiplicity",
    "johnson_interval": "intervals",
    "judge": "verdicts",
    "null_rate": "controls",
    "percentile_interval": "intervals",
    "planted": "controls",
    "power_of": "power",
    "replicates_needed": "power",
    "replicates_needed_for_fraction": "power",
    "sign_flip": "permutation",
    "success_then_mean": "outcomes",
    "t_interval": "intervals",
    "welch_interval": "intervals",
    "wilson_interval": "intervals",
}

__all__ = [
    "Claim",
    "Control",
    "Finding",
    "Interval",
    "Outcomes",
    "Tournament",
    "alike",
    "bca_interval",
    "benjamini_hochberg",
    "bootstrap_t_interval",
    "compare",
    "default_interval",
    "floor_replicates",
    "holm",
    "johnson_interval",
    "judge",
    "null_rate",
    "percentile_interval",
    "planted",
    "power_of",
    "replicates_needed",
    "replicates_needed_for_fraction",
    "sign_flip",
    "success_then_mean",
    "t_interval",
    "welch_interval",
    "wilson_interval",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"mesocosm.findings.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
