"""How likely an effect is to be found, and how many replicates that takes."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import gammaincinv, nctdtr, ndtr, ndtri, stdtrit

from mesocosm.findings.claim import floor_replicates

MOST = 1_000_000
"""More replicates than this are not proposed."""


def power_of(effect: float, sd: float, n: int, confidence: float = 0.95, delta: float = 0.0) -> float:
    """Probability that the lower bound of Student's interval over n replicates lies above `delta`.

    Exact for normal values: P(T > t(n - 1)), T noncentral t with n - 1 degrees of freedom and noncentrality
    sqrt(n) (effect - delta) / sd.

    Args:
      effect: true mean, positive in the declared direction, in the unit of `sd` and `delta`.
      sd: true standard deviation between replicates, > 0.
      n: replicates with a value, >= 2.

    >>> round(power_of(0.5, 1.0, 34), 2)
    0.81
    """
    if not sd > 0 or n < 2:
        raise ValueError(f"sd = {sd}, n = {n}: must be above 0, and 2 or more")
    critical = -float(stdtrit(n - 1, (1 - confidence) / 2))
    noncentrality = math.sqrt(n) * ((effect - delta) / sd)
    power = float(1 - nctdtr(n - 1, noncentrality, critical))
    return power if math.isfinite(power) else _power_by_quadrature(n - 1, noncentrality, critical)


def _power_by_quadrature(freedom: int, noncentrality: float, critical: float) -> float:
    """P(Z + noncentrality > critical * S), S^2 a chi-squared over its freedom: the mean over 1,000 quantiles of S.

    For the few large noncentralities at which SciPy's distribution function is not a number.
    """
    levels = (np.arange(1000) + 0.5) / 1000
    s = np.sqrt(2 * gammaincinv(freedom / 2, levels) / freedom)
    return float(ndtr(noncentrality - critical * s).mean())


def replicates_needed(
    effect: float, sd: float, confidence: float = 0.95, delta: float = 0.0, power: float = 0.8, at_least: int = 0
) -> int | None:
    """Replicates with a value for which the interval would clear `delta` with probability `power`.

    Args:
      effect: positive in the declared direction.
      at_least: the floor; the default is that of one declared claim.

    Returns:
      None where the effect points the other way or lies within delta, or where a million would not do.

    >>> replicates_needed(0.5, 1.0)
    34
    >>> replicates_needed(-0.5, 1.0) is None
    True
    """
    least = max(2, at_least or floor_replicates())
    if not (effect > delta and math.isfinite(effect) and math.isfinite(sd)):
        return None
    if sd <= 0:
        return least
    # The normal distribution bounds n from below and is right to a few replicates; go on from there by ones.
    z = float(ndtri(power) - ndtri((1 - confidence) / 2))
    root = max(0.0, z) * (sd / (effect - delta))
    if root > math.sqrt(MOST):  # before it is squared, which may leave the range of floats
        return None
    n = max(least, math.floor(root**2))
    while power_of(effect, sd, n, confidence, delta) < power:
        n += 1
    return n


def replicates_needed_for_fraction(
    fraction: float, stated: float, confidence: float = 0.95, direction: int = 1, power: float = 0.8, at_least: int = 0
) -> int | None:
    """Replicates for which Wilson's interval would clear the stated fraction with probability `power` (normal
    approximation): ((z sqrt(s (1 - s)) + z' sqrt(f (1 - f))) / (f - s))^2.

    >>> replicates_needed_for_fraction(1.0, 0.9)  # all of 35 give [0.901, 1]
    35
    """
    gap = direction * (fraction - stated)
    if not gap > 0:
        return None
    z, z_power = -float(ndtri((1 - confidence) / 2)), float(ndtri(power))
    root = (z * math.sqrt(stated * (1 - stated)) + z_power * math.sqrt(fraction * (1 - fraction))) / gap
    return None if root > math.sqrt(MOST) else max(at_least or floor_replicates(), math.floor(root**2) + 1)
