"""Who beats whom, split into an order and cycles (Hodge), and how large each is without what noise adds.

An antisymmetric A splits into `G_ij = s_i - s_j` with `s_i = mean_j A_ij`, and `C = A - G`; G and C are orthogonal, so
`|A|^2 = |G|^2 + |C|^2` (X. Jiang, L.-H. Lim, Y. Yao and Y. Ye, Math. Program. 127, 2011). G is an order, C goes round.
"""

from __future__ import annotations

import numpy as np


def hodge(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gradient and cyclic part of antisymmetric matrices [..., n, n].

    >>> gradient, cyclic = hodge(np.array([[0, 1, -1], [-1, 0, 1], [1, -1, 0]]))
    >>> float(np.abs(gradient).max()), float((cyclic**2).sum())
    (0.0, 6.0)
    """
    s = a.mean(axis=-1)
    gradient = s[..., :, None] - s[..., None, :]
    return gradient, a - gradient


def square_without_noise(estimates: np.ndarray) -> float:
    """|mean|^2 of independent estimates [k, ...], unbiased: the mean product of two different ones. 0 with one only.

    >>> square_without_noise(np.array([[1.0, 2.0], [3.0, -1.0]]))
    1.0
    """
    k = len(estimates)
    if k < 2:
        return 0.0
    total = float((estimates.sum(axis=0) ** 2).sum())
    return (total - float((estimates**2).sum())) / (k * (k - 1))
