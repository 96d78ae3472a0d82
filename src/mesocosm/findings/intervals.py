"""Intervals for a mean over replicates, for a difference of two means, and for a fraction.

Every function takes values `[..., replicate]` and works on the last axis, so that thousands of samples cost one call.
Values are finite; replicates without a value are taken out by `judge` before. `confidence` is one number, or one for
each sample. Which interval is used at which number of
replicates is decided by the coverage that `mesocosm.findings.coverage` measures: see docs/explanation/statistics.md.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, NamedTuple, ParamSpec

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri, stdtrit

from mesocosm.findings.bootstrap import RESAMPLES, quantile, resample
from mesocosm.findings.claim import show_interval


class Interval(NamedTuple):
    """Estimate and bounds, each shaped like the values without their last axis, in the unit of the values."""

    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray


P = ParamSpec("P")


def in_own_unit(
    interval: Callable[Concatenate[ArrayLike, P], Interval],
) -> Callable[Concatenate[ArrayLike, P], Interval]:
    """The same interval for values in a unit of their own, a power of two, which changes no digit.

    Squares of very large or small values leave the range of floats; so an interval of c x is c times that of x.
    """

    @wraps(interval)
    def scaled(values: ArrayLike, *args: P.args, **kwargs: P.kwargs) -> Interval:
        x = np.asarray(values, float)
        unit = unit_of(x) if x.ndim and x.shape[-1] else np.zeros((), int)
        found = interval(in_unit(x, unit), *args, **kwargs)
        with np.errstate(over="ignore", under="ignore"):
            return Interval(*(np.ldexp(v, unit) for v in found))

    return scaled


def unit_of(x: np.ndarray) -> np.ndarray:
    """The power of two just above the largest amount along the last axis: `[...]`."""
    return np.frexp(np.abs(x).max(axis=-1))[1]


def in_unit(x: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Values `[..., n]` divided by 2^unit `[...]`; exact, but where they are 2^1000 times smaller than the largest."""
    with np.errstate(under="ignore"):
        return np.ldexp(x, -unit[..., None]) if x.ndim else x


@in_own_unit
def t_interval(values: ArrayLike, confidence: ArrayLike = 0.95) -> Interval:
    """Student's interval for the mean: m ± t(n - 1) s / sqrt(n). Exact for normal values.

    Args:
      values: `[..., n]`, n >= 2.
      confidence: between 0 and 1.

    Raises:
      ValueError: for fewer than 2 values or a confidence that is none.

    >>> low, high = t_interval([1.0, 2.0, 3.0, 4.0])[1:]
    >>> round(float(low), 3), round(float(high), 3)
    (0.446, 4.554)
    """
    x, tail = _checked(values, confidence)
    mean, error = x.mean(axis=-1), _standard_error(x)
    half = -stdtrit(x.shape[-1] - 1, tail) * error
    return Interval(mean, mean - half, mean + half)


@in_own_unit
def johnson_interval(values: ArrayLike, confidence: ArrayLike = 0.95) -> Interval:
    """Student's interval, moved by m3 / (6 s^2 n) towards the longer tail (N. J. Johnson, JASA 73, 1978).

    Needs n >= 3. Zero variance moves nothing.
    """
    x, _ = _checked(values, confidence, at_least=3)
    n = x.shape[-1]
    mean, low, high = t_interval(x, confidence)
    from_mean = x - mean[..., None]
    third = (from_mean**3).sum(axis=-1) * n / ((n - 1) * (n - 2))
    variance = x.var(axis=-1, ddof=1)
    moved = third / np.where(variance > 0, 6 * variance * n, 1)
    return Interval(mean, low + moved, high + moved)


@in_own_unit
def percentile_interval(
    values: ArrayLike, confidence: ArrayLike = 0.95, seed: int = 0, resamples: int = RESAMPLES
) -> Interval:
    """Bootstrap: quantiles of the resampled means (Efron 1979). Too narrow for small n: see the coverage table."""
    x, tail = _checked(values, confidence)
    means = np.sort(resample(x, resamples, seed).means, axis=-1)
    return Interval(x.mean(axis=-1), quantile(means, tail), quantile(means, 1 - tail))


@in_own_unit
def bca_interval(
    values: ArrayLike, confidence: ArrayLike = 0.95, seed: int = 0, resamples: int = RESAMPLES
) -> Interval:
    """Bootstrap, corrected for bias and acceleration (Efron, JASA 82, 1987)."""
    x, tail = _checked(values, confidence)
    mean = x.mean(axis=-1)
    means = np.sort(resample(x, resamples, seed).means, axis=-1)
    return Interval(mean, *_bca(x, means, tail))


def _bca(x: np.ndarray, means: np.ndarray, tail: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles of the sorted `means` at the two corrected levels."""
    mean = x.mean(axis=-1, keepdims=True)
    tie = 1e-12 * np.abs(x).max(axis=-1, keepdims=True)
    below, upto = (means < mean - tie).mean(axis=-1), (means <= mean + tie).mean(axis=-1)
    # With identical values no resample lies on either side: any finite bias gives the same point.
    bias = ndtri(np.clip((below + upto) / 2, 0.5 / means.shape[-1], 1 - 0.5 / means.shape[-1]))
    square = ((x - mean) ** 2).sum(axis=-1)
    acceleration = ((x - mean) ** 3).sum(axis=-1) / (6 * np.where(square > 0, square, 1) ** 1.5)

    def bound(z: np.ndarray) -> np.ndarray:
        return quantile(means, ndtr(bias + (bias + z) / (1 - acceleration * (bias + z))))

    return bound(ndtri(tail)), bound(ndtri(1 - tail))


@in_own_unit
def bootstrap_t_interval(
    values: ArrayLike, confidence: ArrayLike = 0.95, seed: int = 0, resamples: int = RESAMPLES
) -> Interval:
    """Bootstrap of the studentised mean (Efron 1982; Hall 1988): m - t*(1 - a) s / sqrt(n), m - t*(a) s / sqrt(n).

    A resample of one value alone has an infinite t*: where these are many (nearly all values the same) a bound is
    infinite, for nothing is known of how far rare values reach.
    """
    x, tail = _checked(values, confidence)
    mean, error = x.mean(axis=-1), _standard_error(x)
    t = np.sort(resample(x, resamples, seed).studentised, axis=-1)
    with np.errstate(invalid="ignore"):
        low, high = mean - quantile(t, 1 - tail) * error, mean - quantile(t, tail) * error
    varies = ~is_constant(x)
    return Interval(mean, np.where(varies, low, mean), np.where(varies, high, mean))


def wider_interval(
    values: ArrayLike, confidence: ArrayLike = 0.95, seed: int = 0, resamples: int = RESAMPLES
) -> Interval:
    """Of Student's and the bootstrap-t bounds those that lie farther out.

    The first fails on skewed values and holds on symmetric ones however heavy their tails, the second the reverse.
    """
    a = t_interval(values, confidence)
    b = bootstrap_t_interval(values, confidence, seed, resamples)
    return Interval(a.estimate, np.minimum(a.low, b.low), np.maximum(a.high, b.high))


def welch_interval(values: ArrayLike, control: ArrayLike, confidence: ArrayLike = 0.95) -> Interval:
    """Interval for mean(values) - mean(control) of two independent samples whose variances may differ.

    Degrees of freedom after Satterthwaite (1946) and Welch (Biometrika 34, 1947).

    Args:
      values: `[..., n]`, n >= 2.
      control: `[..., k]`, k >= 2.
    """
    x, tail = _checked(values, confidence)
    y, _ = _checked(control, confidence)
    unit = np.maximum(unit_of(x), unit_of(y))
    x, y = in_unit(x, unit), in_unit(y, unit)
    with np.errstate(over="ignore", under="ignore"):
        difference = x.mean(axis=-1) - y.mean(axis=-1)
        half = -stdtrit(welch_freedom(x, y), tail) * np.hypot(_standard_error(x), _standard_error(y))
        return Interval(*(np.ldexp(v, unit) for v in (difference, difference - half, difference + half)))


def welch_freedom(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Satterthwaite's degrees of freedom, between min(n, k) - 1 and n + k - 2."""
    a, b = _standard_error(x) ** 2, _standard_error(y) ** 2
    total = np.where(a + b > 0, a + b, 1)
    a, b = a / total, b / total
    spread = a**2 / (x.shape[-1] - 1) + b**2 / (y.shape[-1] - 1)
    return np.where(spread > 0, 1, np.inf) / np.where(spread > 0, spread, 1)


def wilson_interval(successes: ArrayLike, n: ArrayLike, confidence: ArrayLike = 0.95) -> Interval:
    """Interval for a fraction (E. B. Wilson, JASA 22, 1927): never outside [0, 1], never empty.

    >>> low, high = wilson_interval(97, 100)[1:]
    >>> round(float(low), 2), round(float(high), 2)
    (0.92, 0.99)
    """
    k, n = np.asarray(successes, float), np.asarray(n, float)
    if np.any(n < 1) or np.any(k < 0) or np.any(k > n):
        raise ValueError(f"successes = {successes} of n = {n}: must be 0 ... n with n >= 1")
    z2 = ndtri(_tail(confidence)) ** 2
    centre = (k + z2 / 2) / (n + z2)
    half = np.sqrt(z2) / (n + z2) * np.sqrt(k * (n - k) / n + z2 / 4)
    # At 0 and n the bound is exactly 0 and 1; rounding must not leave the range.
    return Interval(k / n, np.where(k == 0, 0.0, centre - half), np.where(k == n, 1.0, centre + half))


def _tail(confidence: ArrayLike) -> np.ndarray:
    c = np.asarray(confidence, float)
    if not np.all((c > 0) & (c < 1)):
        raise ValueError(f"confidence = {confidence}: must be above 0 and below 1")
    return (1 - c) / 2


def _checked(values: ArrayLike, confidence: ArrayLike, at_least: int = 2) -> tuple[np.ndarray, np.ndarray]:
    x = np.asarray(values, float)
    if x.ndim == 0 or x.shape[-1] < at_least:
        raise ValueError(f"values: {x.shape[-1] if x.ndim else 'a single number'}; an interval needs {at_least}")
    return x, _tail(confidence)


def _standard_error(x: np.ndarray) -> np.ndarray:
    return x.std(axis=-1, ddof=1) / np.sqrt(x.shape[-1])


INTERVALS: dict[str, Callable[..., Interval]] = {
    "t": t_interval,
    "Johnson": johnson_interval,
    "percentile": percentile_interval,
    "BCa": bca_interval,
    "bootstrap-t": bootstrap_t_interval,
    "wider": wider_interval,
}
"""Intervals for a mean, by the name that tables and findings call them."""


def default_interval(n: int) -> str:
    """Name of the interval that is used for a mean over n replicates.

    Below 20 Student's: it holds what it says on normal values, and on skewed ones nothing that is still of use does
    much better. From 20 on the wider of Student's and the bootstrap-t, whose coverage in its worst law is the nearest
    to what it says. The figures are in docs/results/coverage.md.
    """
    return "t" if n < 20 else "wider"


IS_BOOTSTRAP = frozenset({"percentile", "BCa", "bootstrap-t", "wider"})
"""Those that take a seed and a number of resamples."""


def mean_interval(values: ArrayLike, confidence: ArrayLike = 0.95, seed: int = 0) -> Interval:
    """The default interval for a mean; bounds that could not be found are infinite.

    Args:
      values: `[..., n]`, n >= 2, not all the same.
      confidence: one, or one for each sample.
      seed: of the resamples, where there are any.
    """
    x = np.asarray(values, float)
    name = default_interval(x.shape[-1])
    seeds = {"seed": seed} if name in IS_BOOTSTRAP else {}
    return INTERVALS[name](x, confidence, **seeds)


def finite(values: ArrayLike) -> np.ndarray:
    """The values that are finite; None counts as none."""
    x = np.asarray(values, float)
    return x[np.isfinite(x)]


def show_mean(values: ArrayLike) -> str:
    """The mean of the values that are finite with its 95 % interval in words; the value alone where all are the same.

    >>> show_mean([1.0, 2.0, 3.0]), show_mean([0.25])
    ('2.0 [-0.5, 4.5]', '0.25')
    """
    x = finite(values)
    if x.size < 2 or is_constant(x):
        return f"{x.flat[0]:.4g}" if x.size else "no value"
    found = mean_interval(x)
    low, high = (float(bound) if np.isfinite(bound) else None for bound in (found.low, found.high))
    return show_interval(float(found.estimate), low, high)


def finite_interval(values: ArrayLike) -> tuple[float, float, float] | None:
    """Mean and 95 % bounds of the values that are finite; None where there are fewer than two.

    >>> finite_interval([1.0, float("nan")]) is None
    True
    """
    x = finite(values)
    if x.size < 2:
        return None
    found = mean_interval(x)
    return float(found.estimate), float(found.low), float(found.high)


def is_constant(values: np.ndarray) -> np.ndarray:
    """Whether values `[..., n]` differ by no more than rounding: `[...]`."""
    x = in_unit(values, unit_of(values))
    return x.max(axis=-1) - x.min(axis=-1) <= 2e-12 * np.abs(x).max(axis=-1)
