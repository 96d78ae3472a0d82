"""Chains of teaching whose decay is known exactly. NumPy, no jax.

Least squares: E. Dohmatob, Y. Feng and J. Kempe, "Model collapse demystified", 2024 (replaced data); M. Gerstgrasser et
al., "Is model collapse inevitable?", 2024 (accumulated data).
"""

from __future__ import annotations

import numpy as np


def replaced_error(generations: int, noise: float, d: int, examples: int) -> float:
    """Expected squared error of weights after so many generations that each replace the data: n s^2 d / (T - d - 1)."""
    return generations * noise**2 * d / (examples - d - 1)


def least_squares(
    rng: np.random.Generator, generations: int, noise: float, d: int, examples: int, accumulates: bool = False
) -> np.ndarray:
    """Squared error of the weights of each generation, of least squares taught by the one before. [generations]

    Args:
      accumulates: whether data of all generations before are learnt from, too.
    """
    weights, out = np.zeros(d), []
    gram, moment = np.zeros((d, d)), np.zeros(d)
    for _ in range(generations):
        x = rng.normal(size=(examples, d))
        y = x @ weights + noise * rng.normal(size=examples)
        gram, moment = (gram + x.T @ x, moment + x.T @ y) if accumulates else (x.T @ x, x.T @ y)
        weights = np.linalg.solve(gram, moment)
        out.append(float(weights @ weights))
    return np.array(out)


def told(rng: np.random.Generator, labels: np.ndarray, p: float) -> np.ndarray:
    """Labels of two classes, each wrong with probability p."""
    return labels ^ (rng.random(labels.shape) < p).astype(labels.dtype)


def kept_by_channels(p: float, generations: int) -> float:
    """Share of labels that are right after so many binary symmetric channels: 1/2 + (1 - 2p)^g / 2."""
    return 0.5 + (1 - 2 * p) ** generations / 2


def after_channels(first: float, second: float, generations: int, classes: int) -> float:
    """Share of right answers so many generations after the first, where each is a channel without memory.

    A channel keeps a label or replaces it by another, all others alike; how often is told by the first two generations:
    1/C + (first - 1/C) s^g with s = (second - 1/C) / (first - 1/C).
    """
    chance = 1 / classes
    return chance + (first - chance) * ((second - chance) / (first - chance)) ** generations


def nearest(x: np.ndarray, y: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """What a brain that stores all its lessons says: the label of the nearest."""
    distances = ((asked[:, None] - x[None]) ** 2).sum(axis=2)
    return y[distances.argmin(axis=1)]
