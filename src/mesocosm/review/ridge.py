"""Ridge regression on terms, in closed form, with what it says of groups of rows when they are left out; logistic
regression of a few features. What `learning` is made of; nothing is random.

Left out: with G the inverse of the penalised Gram matrix, residuals of a block B are (G_BB)^-1 (G y)_B (R. D. Cook and
S. Weisberg, Residuals and Influence in Regression, 1982), so each group is foretold by all others at the cost of one
inverse.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVELS = 9
"""Sizes of a weight that are told apart."""
BLOCK = 1000
"""Rows of the Gram matrix that are worked out at once."""


@dataclass(frozen=True)
class Ridge:
    """Rows as rare terms weigh in them, and what is to be told of each.

    Args:
      x: [row, term], sparse, each row of about unit length.
      labels: [row, told], nan where it is not known.
      scale: root of the weight of each row. [row, 1]
    """

    words: list[str]
    rarity: NDArray[np.float64]
    x: Any
    labels: NDArray[np.float64]
    scale: NDArray[np.float32]
    penalty: float

    @staticmethod
    def of(
        found: Sequence[Set[str]],
        labels: NDArray[np.float64],
        *,
        weights: Sequence[float] | None = None,
        penalty: float,
        rarest: int,
        floor: float,
    ) -> Ridge:
        """Rows by their terms.

        Args:
          rarest: occurrences below which a term is not learnt.
          floor: least length of a row.
        """
        counts = Counter(term for each in found for term in each)
        words = sorted(term for term, n in counts.items() if n >= rarest)
        rarity = np.log((len(found) + 1) / (np.array([counts[word] for word in words]) + 1.0))
        scale = np.sqrt(np.ones(len(found)) if weights is None else weights).astype(np.float32)[:, None]
        return Ridge(words, rarity, _matrix(found, words, rarity, floor), labels, scale, penalty)

    def inverse(self) -> NDArray[np.float32]:
        """Of the Gram matrix with its penalty. [row, row]"""
        from scipy.linalg import get_lapack_funcs

        n = self.x.shape[0]
        gram = np.empty((n, n), np.float32, order="F")
        for at in range(0, n, BLOCK):
            gram[:, at : at + BLOCK] = (self.x @ self.x[at : at + BLOCK].T).toarray()
        gram *= self.scale * self.scale.T
        gram[np.diag_indices(n)] += self.penalty
        potrf, potri = get_lapack_funcs(("potrf", "potri"), (gram,))
        factor, failed = potrf(gram, lower=1, overwrite_a=1)
        inverse, failed_too = potri(factor, lower=1, overwrite_c=1)
        assert not failed and not failed_too
        lower = np.tril_indices(n, -1)
        inverse.T[lower] = inverse[lower]
        return inverse

    @property
    def y(self) -> NDArray[np.float32]:
        """Labels less their mean, scaled; 0 where they are not known. [row, told]"""
        is_known = ~np.isnan(self.labels)
        mean = np.where(is_known, self.labels, 0).sum(0) / np.maximum(is_known.sum(0), 1)
        return (np.where(is_known, self.labels - mean, 0.0) * self.scale).astype(np.float32)

    def weights(self, inverse: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        """Of each term for what is to be told, in whole numbers of a step."""
        weights = (self.x.T @ ((inverse @ self.y) * self.scale)) * self.rarity[:, None]
        step = np.abs(weights).max(0) / LEVELS + 1e-12
        return {
            "words": np.frombuffer("\n".join(self.words).encode(), np.uint8),
            "rarity": self.rarity.astype(np.float16),
            "weights": np.round(weights / step).astype(np.int8).T.copy(),
            "step": step.astype(np.float32),
        }

    def left_out(
        self, inverse: NDArray[np.float32], groups: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]]
    ) -> NDArray[np.float64]:
        """What is told of groups of rows by the rows that are left; nan in rows of no group. [row, told]

        Args:
          groups: of each the rows that are told of, and the rows that are left out besides.
        """
        y = self.y
        solved = inverse @ y
        out = np.full(self.labels.shape, np.nan)
        for own, besides in groups:
            at = np.concatenate([own, besides])
            residual = np.linalg.solve(inverse[np.ix_(at, at)].astype(float), solved[at].astype(float))[: len(own)]
            out[own] = (y[own] - residual) / self.scale[own]
        return out


def _matrix(found: Sequence[Set[str]], words: Sequence[str], rarity: NDArray[np.float64], floor: float) -> Any:
    """Rows by terms, each scaled to about unit length by the rarity of its terms."""
    from scipy.sparse import csr_array

    place = {word: k for k, word in enumerate(words)}
    at = [[place[term] for term in sorted(each) if term in place] for each in found]
    lengths = [np.sqrt(np.sum(rarity[k] ** 2) + floor**2) for k in at]
    values = np.concatenate([rarity[k] / length for k, length in zip(at, lengths, strict=True)])
    ends = np.cumsum([0, *map(len, at)])
    return csr_array((values.astype(np.float32), np.concatenate(at).astype(int), ends), shape=(len(found), len(words)))


def logistic(x: NDArray[np.float64], y: NDArray[np.bool_], penalty: float, steps: int = 30) -> NDArray[np.float64]:
    """Weights of the columns of x [row, column] in the log odds of y, by Newton's method; half the penalty times their
    squares is added to the loss, but for the last column.
    """
    weights = np.zeros(x.shape[1])
    ridge = penalty * (np.arange(x.shape[1]) < x.shape[1] - 1)
    for _ in range(steps):
        p = 1 / (1 + np.exp(-x @ weights))
        hessian = (x * (p * (1 - p))[:, None]).T @ x + np.diag(ridge + 1e-9)
        weights = weights - np.linalg.solve(hessian, x.T @ (p - y) + ridge * weights)
    return weights
