"""Scaling laws and sudden jumps: what is fitted, what it says of a scale not seen, and when it says nothing.

`L(x) = E + A x^-a` by least squares on L, the largest scale held out. Under 1.5 decades of x no extrapolation is made
(A. Clauset, C. R. Shalizi and M. E. J. Newman, SIAM Review 51, 2009, on laws over short ranges).

A jump: the best of all single steps added to a smooth cubic in log x, by its F statistic (sup-F; D. W. K. Andrews,
Econometrica 61, 1993). Its null is the smooth curve alone with normal noise, drawn anew (parametric bootstrap). How
wide the transition is: a logistic in log x in place of the step, with an interval from curves drawn out of that fit. A
threshold makes jumps of its own (R. Schaeffer et al., NeurIPS 2023), so a jump is repeated on a continuous metric.
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
      at: scale in the middle of the two between which it lies, which are `low` and `high`.
      size: of the step, in the metric.
      statistic, p: sup-F, and how often a smooth curve with the same noise gives as much.
      width, width_low, width_high: of the transition, decades of scale from a tenth to nine tenths of it, with its 95 %
        interval; 0 where it is narrower than scales lie apart.
    """

    at: float
    low: float
    high: float
    size: float
    statistic: float
    p: float
    width: float
    width_low: float
    width_high: float


def jump(scales: ArrayLike, metrics: ArrayLike, draws: int = 999, seed: int = 0) -> Jump:
    """The best step in a curve, against a smooth null; and how wide the transition is, were there one.

    Raises:
      ValueError: for fewer than ten scales, or such as are not finite and above 0.
    """
    x, y = _pairs(scales, metrics, least=10)
    t = np.log(x)
    t = (t - t.mean()) / np.ptp(t)
    basis = np.linalg.qr(np.stack([t**k for k in range(4)], axis=1))[0]
    places = np.arange(2, x.size - 1)  # at least two points on either side
    steps, norms = _beyond(basis, (np.arange(x.size)[None, :] >= places[:, None]).astype(float))
    freedom = x.size - 5

    def f_statistics(values: np.ndarray) -> np.ndarray:
        """Of every step, for each row of residuals. [draws, places]"""
        explained = (values @ steps.T) ** 2
        left = np.maximum((values**2).sum(axis=1, keepdims=True) - explained, 1e-300)
        return explained / left * freedom

    rest = y - basis @ (basis.T @ y)
    found = f_statistics(rest[None])[0]
    best = int(np.argmax(found))
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(draws, x.size))
    null = f_statistics(noise - noise @ basis @ basis.T).max(axis=1)  # F does not depend on the noise's size
    p = (1 + int((null >= found[best]).sum())) / (1 + draws)
    low, high = float(x[places[best] - 1]), float(x[places[best]])
    size = float(rest @ steps[best] / norms[best])
    return Jump(float(np.sqrt(low * high)), low, high, size, float(found[best]), p, *_width(x, rest, basis, noise))


WIDTHS = 16
"""Widths that are tried, from none to half of the range of scales."""


def _width(x: np.ndarray, rest: np.ndarray, basis: np.ndarray, noise: np.ndarray) -> tuple[float, float, float]:
    """Decades, and their 95 % interval: of `rest`, what the smooth curve leaves; noise [draws, scales]."""
    decades = np.log10(x)
    gap, span = float(np.diff(decades).min()), float(np.ptp(decades))
    widths = np.concatenate([[0.0], np.geomspace(gap, max(span / 2, 2 * gap), WIDTHS - 1)])
    centres = np.linspace(decades[1], decades[-2], 4 * x.size)
    width, centre = (a.ravel() for a in np.meshgrid(widths, centres, indexing="ij"))
    steepness = 2 * np.log(9) / np.maximum(width, 1e-3 * gap)
    z = np.clip(steepness[:, None] * (decades[None, :] - centre[:, None]), -60, 60)
    shapes, _ = _beyond(basis, 1 / (1 + np.exp(-z)))

    def best(values: np.ndarray) -> np.ndarray:
        return np.argmax((values @ shapes.T) ** 2, axis=1)

    (first,) = best(rest[None])
    fitted = shapes[first] * (shapes[first] @ rest)
    sd = np.sqrt(((rest - fitted) ** 2).sum() / max(1, x.size - 7))
    drawn = fitted + sd * (noise - noise @ basis @ basis.T)
    low, high = np.quantile(width[best(drawn)], [0.025, 0.975])
    return float(width[first]), float(low), float(high)


def _beyond(basis: np.ndarray, shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the smooth curve does not explain of each shape, made of length 1; and the length that it had."""
    left = shapes - shapes @ basis @ basis.T
    norms = np.maximum(np.sqrt((left**2).sum(axis=1)), 1e-12)
    return left / norms[:, None], norms


@dataclass(frozen=True)
class Repeated:
    """A jump in a metric, looked for in a continuous one that measures the same."""

    metric: Jump
    continuous: Jump
    alpha: float = 0.05

    def words(self) -> str:
        """What may be said of it, one sentence."""
        j, c = self.metric, self.continuous
        if j.p > self.alpha:
            return f"No jump: a smooth curve gives as much (p = {j.p:.2g})."
        said = (
            f"A jump at {j.at:.3g} (p = {j.p:.2g}), {j.width:.2g} [{j.width_low:.2g}, {j.width_high:.2g}] decades wide"
        )
        if c.p > self.alpha:
            return f"{said}, in the metric alone: the continuous one is smooth (p = {c.p:.2g}), a threshold makes it."
        if c.high < j.low or c.low > j.high:
            return f"{said}; the continuous metric jumps elsewhere, at {c.at:.3g} (p = {c.p:.2g})."
        return f"{said}, and in the continuous metric too (p = {c.p:.2g})."


def repeated(scales: ArrayLike, metrics: ArrayLike, continuous: ArrayLike, draws: int = 999, seed: int = 0) -> Repeated:
    """The best step in a metric, and the best in a continuous one on the same scales."""
    return Repeated(jump(scales, metrics, draws, seed), jump(scales, continuous, draws, seed))


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
