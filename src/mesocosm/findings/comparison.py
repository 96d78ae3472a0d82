"""Two sets of replicates against each other: paired where a pair exists, else after Welch."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr

from mesocosm.findings.claim import Claim, Finding, factor, floor_replicates
from mesocosm.findings.intervals import in_unit, is_constant, unit_of, welch_freedom, welch_interval
from mesocosm.findings.multiplicity import holm
from mesocosm.findings.outcomes import plain
from mesocosm.findings.verdicts import Bounds, Sample, finding, judge


def compare(
    claim: Claim, values: ArrayLike, control: ArrayLike, paired: bool, n_declared: int = 1, seed: int = 0
) -> Finding:
    """Hold a claim on a difference against two sets of replicates.

    Args:
      claim: of kind "mean", or "ratio" with logarithms for values.
      values: `[n]`, NaN where a replicate has none.
      control: `[k]`, the same of the control; k = n where paired.
      paired: whether replicate i of both belongs together (one seed, one world). The differences are then judged like
        any effect. Else the interval and the test are Welch's, and `n_right` is None.
      n_declared: comparisons declared together.
      seed: of the resamples and of the drawn signs.

    Raises:
      ValueError: for a fraction, or pairs of which one half is missing.

    >>> claim = Claim("faster", "they are faster", "the others", "speed", delta=0.0)
    >>> compare(claim, [5, 6, 7, 6, 5, 7], [3, 4, 3, 4, 3, 2], paired=False).words()
    'supported: +2.8 [1.8, 3.9] above the others (12 of 12 replicates)'
    """
    x, y = np.asarray(values, float), np.asarray(control, float)
    if claim.kind == "fraction":
        raise ValueError(f"{claim.name}: kind = 'fraction': compare 0 and 1 as kind mean, or judge one fraction")
    if x.ndim != 1 or y.ndim != 1 or (paired and x.shape != y.shape):
        raise ValueError(f"values, control: shapes {x.shape}, {y.shape}; must be lists, of one length if paired")
    if paired:
        with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is counted as missing
            difference = x - y
        found = judge([claim], {claim.name: difference}, x.size, seed=seed, n_declared=n_declared)[0]
        return _renamed(found, found.method.replace("over replicates", "paired"))
    return _welch(claim, x, y, max(1, n_declared))


def _renamed(found: Finding, method: str) -> Finding:
    return Finding.from_dict(found.to_dict() | {"method": method})


def _welch(claim: Claim, x: np.ndarray, y: np.ndarray, n_declared: int) -> Finding:
    both = np.concatenate([x, y])
    family = n_declared if claim.declared else 1
    sample = Sample(claim, both[np.isfinite(both)], both.size, int(np.isinf(both).sum()), family)
    x, y = x[np.isfinite(x)], y[np.isfinite(y)]
    method = f"Welch's t interval, {x.size} against {y.size}; Welch's t test"
    if min(x.size, y.size) < 2 or (is_constant(x) and is_constant(y)):
        return _without_interval(sample, x, y, method)
    found = _bounds(x, y, sample.alpha)
    if found is None:
        return _without_interval(sample, x, y, method)
    bounds, sd, p = found
    adjusted = float(holm([p] + [1.0] * (family - 1))[0])
    found = finding(sample, bounds, sd, sample.used.size, None, method, p, adjusted)
    if n_arrangements(x.size, y.size) < 2 / sample.alpha:
        note = f"{x.size} against {y.size} replicates: too few to be significant in any order."
        return Finding.from_dict(found.to_dict() | {"verdict": "undecided", "note": f"{found.note} {note}".strip()})
    return found


def n_arrangements(n: int, k: int) -> int:
    """In how many ways n + k values can fall into two groups: 2 / this is the smallest p by permutation."""
    return math.comb(n + k, n)


def _bounds(x: np.ndarray, y: np.ndarray, alpha: float) -> tuple[Bounds, float, float] | None:
    """The interval, the standard error times the root of all values' number, and p; None where there is no spread."""
    scale = np.ldexp(1.0, int(max(unit_of(x), unit_of(y))) - 1)
    with np.errstate(under="ignore"):
        x, y = x / scale, y / scale
        estimate, low, high = welch_interval(np.stack([x, x]), np.stack([y, y]), np.array([1 - alpha, 1 - 2 * alpha]))
        error = np.sqrt(x.var(ddof=1) / x.size + y.var(ddof=1) / y.size)
    if not error > 0:  # it varies by 10^-160 of the difference, or less
        return None
    p = 2 * float(stdtr(welch_freedom(x, y), -abs(estimate[0]) / error))
    with np.errstate(over="ignore"):
        ends = (v * scale for v in (estimate[0], low[0], high[0], low[1], high[1]))
        return Bounds(*map(float, ends)), float(error * scale) * math.sqrt(x.size + y.size), p


def _without_interval(sample: Sample, x: np.ndarray, y: np.ndarray, method: str) -> Finding:
    floor = floor_replicates(sample.n_family)
    if min(x.size, y.size) < 2:
        why = f"{x.size} against {y.size} values: an interval needs 2 of each."
    else:
        why = f"All values are {x[0]:.6g}, and {y[0]:.6g} in the control: without spread there is no interval."
    found = finding(sample, None, 0.0, sample.used.size, None, method, None, None)
    estimate = _difference(x, y) if x.size and y.size else None
    if estimate is not None and sample.claim.kind == "ratio":
        estimate = factor(estimate)
    estimate = None if estimate is None else plain(estimate)
    more = max(0, floor - x.size) + max(0, floor - y.size) or None
    return Finding.from_dict(found.to_dict() | {"note": why, "estimate": estimate, "still_needed": more})


def _difference(x: np.ndarray, y: np.ndarray) -> float:
    """Of the means; infinite where it leaves the range of floats."""
    unit = np.maximum(unit_of(x), unit_of(y))
    with np.errstate(over="ignore", under="ignore"):
        return float(np.ldexp(in_unit(x, unit).mean() - in_unit(y, unit).mean(), unit))
