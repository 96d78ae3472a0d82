"""What orders say of who placed them: the exact posterior of belief and rationality, on a fine grid. NumPy, no jax.

Orders are independent given the prices, so the posterior of one trader is the prior times a product of logit choices.
Its sums over orders are four numbers; its normalising sums are shared by all traders of a market.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BELIEFS, KEENNESS = 101, 57
"""Points of the grid, at the middles of cells of one size: the prior is flat on them."""


@dataclass(frozen=True)
class Grid:
    """Beliefs [b] and log2 rationality [k] at which the posterior is worked out."""

    beliefs: np.ndarray
    keenness: np.ndarray

    @staticmethod
    def of(keenest: float, beliefs: int = BELIEFS, keenness: int = KEENNESS) -> Grid:
        return Grid((np.arange(beliefs) + 0.5) / beliefs, keenest * (np.arange(keenness) + 0.5) / keenness)


def log_likelihood(prices: np.ndarray, orders: np.ndarray, fee: float, grid: Grid) -> np.ndarray:
    """Logarithm of the probability of all orders of each trader of one market, at each point of the grid.

    Args:
      prices: at which orders were placed [rounds].
      orders: -1 sells, 0 waits, +1 buys [rounds, traders].

    Returns:
      [traders, b, k].
    """
    rationality, belief = np.exp2(grid.keenness), grid.beliefs
    ahead = belief[:, None] - prices[None]  # [b, rounds]
    shared = np.empty((belief.size, rationality.size))
    for k, r in enumerate(rationality):
        logits = np.stack([-r * (ahead + fee), np.zeros_like(ahead), r * (ahead - fee)])
        top = logits.max(axis=0)
        shared[:, k] = (top + np.log(np.exp(logits - top).sum(axis=0))).sum(axis=1)
    n_buy, n_sell = (orders == 1).sum(axis=0), (orders == -1).sum(axis=0)  # [traders]
    paid, got = prices @ (orders == 1), prices @ (orders == -1)
    gain = belief[None] * (n_buy - n_sell)[:, None] + (got - paid - fee * (n_buy + n_sell))[:, None]  # [traders, b]
    return gain[:, :, None] * rationality[None, None] - shared[None]


@dataclass(frozen=True)
class Recovered:
    """Of each trader: mean and interval of a posterior. [traders] each"""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def posterior(log_likelihood: np.ndarray) -> np.ndarray:
    """Probabilities on the grid under a flat prior. [traders, b, k]"""
    weights = np.exp(log_likelihood - log_likelihood.max(axis=(1, 2), keepdims=True))
    return weights / weights.sum(axis=(1, 2), keepdims=True)


FINER = 8
"""Points to which each point of a margin is refined: a keen trader's belief may be known to less than a cell."""


def of_margin(weights: np.ndarray, points: np.ndarray, level: float) -> Recovered:
    """Mean and central interval of one number. Between points the logarithm of its density is a cubic spline.

    Args:
      weights: of each point [traders, points].
      points: middles of cells of one size.
    """
    from scipy.interpolate import CubicSpline

    size = (points[1] - points[0]) / FINER
    fine = points[0] - (FINER - 1) / 2 * size + size * np.arange(points.size * FINER)
    density = CubicSpline(points, np.log(np.maximum(weights, LEAST)), axis=1)(fine)
    density = np.exp(density - density.max(axis=1, keepdims=True))
    share = density / density.sum(axis=1, keepdims=True)
    below = np.concatenate([np.zeros((len(share), 1)), np.cumsum(share, axis=1)], axis=1)
    edges = np.append(fine - size / 2, fine[-1] + size / 2)
    tails = (1 - level) / 2, (1 + level) / 2
    low, high = ([float(np.interp(tail, row, edges)) for row in below] for tail in tails)
    return Recovered(share @ fine, np.array(low), np.array(high))


LEAST = 1e-200
"""Below it a weight is nothing: its logarithm would make a spline ring."""


def laplace(log_likelihood: np.ndarray, grid: Grid, level: float) -> Recovered:
    """Beliefs by Laplace's approximation: a normal at the mode, as wide as the curvature there says, cut to [0, 1]."""
    from scipy.stats import norm

    size = grid.beliefs[1] - grid.beliefs[0], grid.keenness[1] - grid.keenness[0]
    mean, deviation = np.empty(len(log_likelihood)), np.empty(len(log_likelihood))
    for i, there in enumerate(log_likelihood):
        b, k = np.unravel_index(there.argmax(), there.shape)
        mean[i] = grid.beliefs[b]
        b, k = (int(np.clip(x, 1, n - 2)) for x, n in zip((b, k), there.shape, strict=True))
        box = there[b - 1 : b + 2, k - 1 : k + 2]
        bb = (box[0, 1] - 2 * box[1, 1] + box[2, 1]) / size[0] ** 2
        kk = (box[1, 0] - 2 * box[1, 1] + box[1, 2]) / size[1] ** 2
        bk = (box[2, 2] - box[2, 0] - box[0, 2] + box[0, 0]) / (4 * size[0] * size[1])
        curvature = -(bb - bk * bk / kk) if kk < 0 else -bb
        deviation[i] = 1 / np.sqrt(curvature) if curvature > 0 else np.inf
    reach = norm.ppf((1 + level) / 2) * deviation
    return Recovered(mean, np.clip(mean - reach, 0, 1), np.clip(mean + reach, 0, 1))
