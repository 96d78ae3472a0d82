"""Plain rivals of the campaigns of `benchmarks.forms`. NumPy and scikit-learn.

Penalties, widths and rates are what is best on other streams of the same kind (`python -m benchmarks.forms_rivals`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mesocosm.tasks.streams import Stream

RATE, PENALTY, KERNEL_PENALTY = (
    {10: 0.5, 20: 0.5, 50: 0.3},
    {10: 10.0, 20: 3.0, 50: 3.0},
    {10: 0.03, 20: 0.03, 50: 0.01},
)
WIDTH = {10: 0.01, 20: 0.003, 50: 0.003}
ORDER_RATE, ORDER_C = {10: 0.5, 20: 1.0, 50: 0.5}, {10: 0.3, 20: 0.3, 50: 0.3}
"""Each rival's best setting after so many examples."""


def cut(stream: Stream, n: int) -> tuple[Stream, Stream]:
    """The first n examples, and the others."""
    return Stream(stream.inputs[:n], stream.labels[:n]), Stream(stream.inputs[n:], stream.labels[n:])


def class_mean(x: np.ndarray, y: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Cosines with the mean of each class [tests, classes]."""
    sums = np.stack([x[y == c].sum(axis=0) for c in range(4)])
    lengths = np.linalg.norm(sums, axis=1)[None, :] * np.linalg.norm(test, axis=1)[:, None]
    return test @ sums.T / (lengths + 1e-9)


def nearest(x: np.ndarray, y: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Of each class the cosine of the most alike example."""
    alike = test @ x.T / (np.linalg.norm(test, axis=1)[:, None] * np.linalg.norm(x, axis=1)[None, :] + 1e-9)
    return np.stack([alike[:, y == c].max(axis=1, initial=-1) for c in range(4)], axis=1)


def last_of(steps: int) -> Callable[..., np.ndarray]:
    """`class_mean` of the last step alone."""

    def heard(x: np.ndarray) -> np.ndarray:
        return x.reshape(len(x), steps, -1)[:, -1]

    return lambda x, y, test: class_mean(heard(x), y, heard(test))


def delta(x: np.ndarray, y: np.ndarray, test: np.ndarray, rate: float | None = None) -> np.ndarray:
    """Normalised least mean squares, one pass."""
    w, rate = np.zeros(x.shape[1]), rate or RATE[len(x)]
    for one, wanted in zip(x, y, strict=True):
        w += rate * one * (wanted - one @ w) / (one @ one + 1e-9)
    return (test @ w)[:, None]


def ridge(x: np.ndarray, y: np.ndarray, test: np.ndarray, penalty: float | None = None) -> np.ndarray:
    """What recursive least squares comes to after the same examples."""
    penalty = penalty or PENALTY[len(x)]
    return (test @ np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ y))[:, None]


def kernel_ridge(
    x: np.ndarray, y: np.ndarray, test: np.ndarray, penalty: float | None = None, width: float | None = None
) -> np.ndarray:
    """With a Gaussian kernel; keeps every example."""
    penalty, width = penalty or KERNEL_PENALTY[len(x)], width or WIDTH[len(x)]

    def alike(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.exp(-width * ((a[:, None] - b[None]) ** 2).sum(axis=2))

    return (alike(test, x) @ np.linalg.solve(alike(x, x) + penalty * np.eye(len(x)), y))[:, None]


def online_order(x: np.ndarray, y: np.ndarray, test: np.ndarray, rate: float | None = None) -> np.ndarray:
    """Logistic regression on differences, one pass: a linear ranker."""
    width = x.shape[1] // 2
    w, rate = np.zeros(width), rate or ORDER_RATE[len(x)]
    for one, above in zip(x[:, :width] - x[:, width:], y, strict=True):
        w += rate * one * (above - 1 / (1 + np.exp(-one @ w))) / width
    return (test @ w)[:, None]


def batch_order(x: np.ndarray, y: np.ndarray, test: np.ndarray, c: float | None = None) -> np.ndarray:
    """The same, fitted to all pairs at once, with a penalty; keeps every pair."""
    from sklearn.linear_model import LogisticRegression

    width = x.shape[1] // 2
    apart = x[:, :width] - x[:, width:]
    both, labels = np.concatenate([apart, -apart]), np.concatenate([y > 0.5, y <= 0.5])
    return (test @ LogisticRegression(C=c or ORDER_C[len(x)], fit_intercept=False).fit(both, labels).coef_[0])[:, None]


def tuned(campaign: Any, baseline: Callable[..., np.ndarray], settings: list[dict[str, float]]) -> None:
    """Print the mean quality of each setting, over the numbers of examples."""
    from benchmarks import forms

    for setting in settings:
        told = forms.of_baseline(campaign, lambda x, y, t, s=setting: baseline(x, y, t, **s))
        print(baseline.__name__, setting, told.mean(axis=(0, 1)).round(1).tolist())


def main() -> None:
    """Look for settings on streams that no rule is judged on."""
    from benchmarks import forms

    forms.SEED = 100
    numbers, order = forms.CAMPAIGNS["regression"], forms.CAMPAIGNS["ranking"]
    tuned(numbers, delta, [{"rate": r} for r in (0.1, 0.2, 0.3, 0.5, 0.7)])
    tuned(numbers, ridge, [{"penalty": p} for p in (0.3, 1, 3, 10, 30)])
    tuned(
        numbers,
        kernel_ridge,
        [{"penalty": p, "width": w} for w in (0.001, 0.003, 0.01, 0.03) for p in (0.003, 0.01, 0.03, 0.1)],
    )
    tuned(order, online_order, [{"rate": r} for r in (0.25, 0.5, 1, 2, 4)])
    tuned(order, batch_order, [{"c": c} for c in (0.03, 0.1, 0.3, 1, 3)])


if __name__ == "__main__":
    main()
