"""Scaling laws and sudden jumps: what is fitted, what it says of a scale not seen, and when it says nothing.

`L(x) = E + A x^-a` by least squares on L, the largest scale held out. Under 1.5 decades of x no extrapolation is made
(A. Clauset, C. R. Shalizi and M. E. J. Newman, SIAM Review 51, 2009, on laws over short ranges).

A jump: the best of all single steps added to a smooth cubic in log x, by its F statistic (sup-F; D. W. K. Andrews,
Econometrica 61, 1993). Its null is the smooth curve alone with normal noise, drawn anew (parametric bootstrap). To
repeat it on a continuous metric is for who uses it: a threshold makes jumps (R. Schaeffer et al., NeurIPS 2023).
NumPy and SciPy, no jax.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar

DECADES = 1.5
"""Of scale that must be measured before anything is said beyond it."""


@dataclass(frozen=True)
class Law:
    """A fitted law.

    Args:
      floor, factor, exponent: E, A and a.
      decades: log10 of the largest over the smallest scale fitted.
      held_out, predicted, measured: the largest scale, which the fit has not seen, and L there.
    """

    floor: float
    factor: float
    exponent: float
    decades: float
    held_out: float
    predicted: float
    measured: float

    @property
    def error(self) -> float:
        """Of the prediction at the scale held out, as a part of what was measured."""
        return abs(self.predicted - self.measured) / abs(self.measured) if self.measured else abs(self.predicted)

    def at(self, scale: float) -> float:
        """L at a scale.

        Raises:
          ValueError: beyond the scales measured, where fewer than 1.5 decades were.
        """
        if scale > self.held_out and self.decades < DECADES:
            raise ValueError(
                f"scale = {scale:g}: {self.decades:.2f} decades were fitted, at least {DECADES} are needed to speak "
                f"beyond {self.held_out:g}"
            )
        return self.floor + self.factor * scale**-self.exponent


def law(scales: ArrayLike, losses: ArrayLike) -> Law:
    """Fit the law to all scales but the largest.

    Raises:
      ValueError: for fewer than five scales, or such as are not finite and above 0.
    """
    x, y = _pairs(scales, losses, least=5)

    def solved(exponent: float) -> tuple[float, np.ndarray]:
        columns = np.stack([np.ones(x.size - 1), (x[:-1] / x[0]) ** -exponent], axis=1)
        found = np.linalg.lstsq(columns, y[:-1], rcond=None)[0]
        return float(((columns @ found - y[:-1]) ** 2).sum()), found

    grid = np.geomspace(0.01, 5, 120)
    best = int(np.argmin([solved(a)[0] for a in grid]))
    bounds = np.log(grid[max(best - 1, 0)]), np.log(grid[min(best + 1, grid.size - 1)])
    found: Any = minimize_scalar(lambda t: solved(np.exp(t))[0], bounds=bounds, method="bounded")
    exponent = float(np.exp(found.x))
    floor, factor = solved(exponent)[1]
    factor = float(factor * x[0] ** exponent)
    decades = float(np.log10(x[-2] / x[0]))
    return Law(
        float(floor), factor, exponent, decades, float(x[-1]), float(floor + factor * x[-1] ** -exponent), float(y[-1])
    )


@dataclass(frozen=True)
class Jump:
    """The best single step.

    Args:
      at: scale in the middle of the two between which it lies, which are `low` and `high`: its width.
      size: of the step, in the metric.
      statistic, p: sup-F, and how often a smooth curve with the same noise gives as much.
    """

    at: float
    low: float
    high: float
    size: float
    statistic: float
    p: float


def jump(scales: ArrayLike, metrics: ArrayLike, draws: int = 999, seed: int = 0) -> Jump:
    """The best step in a curve, against a smooth null.

    Raises:
      ValueError: for fewer than ten scales, or such as are not finite and above 0.
    """
    x, y = _pairs(scales, metrics, least=10)
    t = np.log(x)
    t = (t - t.mean()) / np.ptp(t)
    smooth = np.stack([t**k for k in range(4)], axis=1)
    basis = np.linalg.qr(smooth)[0]
    places = np.arange(2, x.size - 1)  # at least two points on either side
    steps = (np.arange(x.size)[None, :] >= places[:, None]).astype(float)
    steps = steps - steps @ basis @ basis.T  # what the smooth curve does not explain of each
    norms = (steps**2).sum(axis=1)
    freedom = x.size - 5

    def f_statistics(values: np.ndarray) -> np.ndarray:
        """Of every step, for each row of residuals. [draws, places]"""
        explained = (values @ steps.T) ** 2 / norms
        left = np.maximum((values**2).sum(axis=1, keepdims=True) - explained, 1e-300)
        return explained / left * freedom

    rest = y - basis @ (basis.T @ y)
    found = f_statistics(rest[None])[0]
    best = int(np.argmax(found))
    noise = np.random.default_rng(seed).normal(size=(draws, x.size))
    null = f_statistics(noise - noise @ basis @ basis.T).max(axis=1)  # F does not depend on the noise's size
    p = (1 + int((null >= found[best]).sum())) / (1 + draws)
    low, high = float(x[places[best] - 1]), float(x[places[best]])
    size = float(rest @ steps[best] / norms[best])
    return Jump(float(np.sqrt(low * high)), low, high, size, float(found[best]), p)


def _pairs(scales: ArrayLike, values: ArrayLike, least: int) -> tuple[np.ndarray, np.ndarray]:
    """Means of the values at each scale, scales ascending."""
    x, y = np.asarray(scales, float), np.asarray(values, float)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"scales, values: shapes {x.shape}, {y.shape}; must be two lists of equal length")
    if not (np.isfinite(x).all() and np.isfinite(y).all() and (x > 0).all()):
        raise ValueError("scales, values: must be finite, and scales above 0")
    different = np.unique(x)
    if different.size < least:
        raise ValueError(f"scales: {different.size} different; at least {least} are needed")
    return different, np.array([y[x == v].mean() for v in different])
