"""Several claims at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def holm(p: ArrayLike) -> np.ndarray:
    """Adjusted p: below alpha with at most probability alpha if all hypotheses hold (S. Holm, Scand. J. Stat. 6, 1979).

    The k-th smallest is multiplied by m + 1 - k, made monotone, and cut at 1.

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    p, order = _sorted(p)
    adjusted = np.maximum.accumulate((p.size - np.arange(p.size)) * p[order])
    return _unsorted(adjusted, order)


def benjamini_hochberg(p: ArrayLike) -> np.ndarray:
    """Adjusted p: those below q hold a share of at most q that is false, on average (J. R. Stat. Soc. B 57, 1995).

    The k-th smallest is multiplied by m / k, made monotone from the largest down, and cut at 1.

    >>> benjamini_hochberg([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.04, 0.04]
    """
    p, order = _sorted(p)
    scaled = p[order] * p.size / np.arange(1, p.size + 1)
    return _unsorted(np.minimum.accumulate(scaled[::-1])[::-1], order)


def _sorted(p: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    p = np.asarray(p, float)
    if p.ndim != 1 or not np.all((p >= 0) & (p <= 1)):
        raise ValueError(f"p = {p.tolist()}: must be a list of numbers in 0 ... 1")
    return p, np.argsort(p, kind="stable")


def _unsorted(adjusted: np.ndarray, order: np.ndarray) -> np.ndarray:
    out = np.empty_like(adjusted)
    out[order] = np.minimum(adjusted, 1)
    return out
