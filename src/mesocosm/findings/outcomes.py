"""Outcomes of two kinds (extinct or alive, learnt or not): first how often it succeeds, then how well."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mesocosm.findings.claim import show_interval
from mesocosm.findings.intervals import Interval, is_constant, mean_interval, wilson_interval


@dataclass(frozen=True)
class Outcomes:
    """The success rate over all that were started (Wilson), and the mean over those that succeeded.

    `mean` is None without a success; its bounds are None for a single success, for equal values, and where a bound
    could not be found.
    """

    n_started: int
    n_succeeded: int
    rate: float | None
    rate_low: float | None
    rate_high: float | None
    mean: float | None
    mean_low: float | None
    mean_high: float | None
    confidence: float

    def to_dict(self) -> dict[str, Any]:
        """All fields as plain values; valid JSON."""
        return dataclasses.asdict(self)

    def words(self, noun: str = "replicates") -> str:
        """One plain sentence."""
        if not self.n_started:
            return f"No {noun} were started."
        rate = show_interval(self.rate, self.rate_low, self.rate_high)
        first = f"{self.n_succeeded} of {self.n_started} {noun} succeed, {rate}"
        if self.mean is None:
            return f"{first}."
        if self.mean_low is None and self.mean_high is None:
            return f"{first}; their mean is {self.mean:.4g}, without an interval."
        return f"{first}; their mean is {show_interval(self.mean, self.mean_low, self.mean_high)}."


def success_then_mean(values: ArrayLike, confidence: float = 0.95, seed: int = 0) -> Outcomes:
    """Success rate, then conditional mean.

    The mean is conditional on success: where two treatments differ in their rates, their conditional means are means
    over different worlds.

    Args:
      values: `[replicate]`, NaN (or infinite) where a replicate did not succeed.
      seed: of the bootstrap, where one is used.

    >>> success_then_mean([0.5, float("nan"), 0.7, 0.6]).words()
    '3 of 4 replicates succeed, 0.75 [0.30, 0.95]; their mean is 0.60 [0.35, 0.85].'
    """
    x = np.asarray(values, float)
    if x.ndim != 1:
        raise ValueError(f"values: {x.ndim} axes; must be one value for each replicate")
    good = x[np.isfinite(x)]
    rate = mean = (None, None, None)
    if x.size:
        rate = _three(wilson_interval(good.size, x.size, confidence))
    if good.size >= 2 and not is_constant(good):
        mean = _three(mean_interval(good, confidence, seed))
    elif good.size:
        mean = (plain(good[0]), None, None)
    return Outcomes(x.size, good.size, *rate, *mean, confidence)


def _three(interval: Interval) -> tuple[float | None, float | None, float | None]:
    return plain(interval.estimate), plain(interval.low), plain(interval.high)


def plain(x: Any) -> float | None:
    """A number for JSON; None for what is not finite."""
    value = float(x)
    return value if np.isfinite(value) else None


def plain_lists(values: np.ndarray) -> Any:
    """An array as nested lists of plain numbers; None for what is not finite.

    >>> plain_lists(np.array([[1.0, np.nan], [np.inf, 2.0]]))
    [[1.0, None], [None, 2.0]]
    """
    return [plain_lists(v) for v in values] if values.ndim else plain(float(values))
