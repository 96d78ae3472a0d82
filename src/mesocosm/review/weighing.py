"""What a plan says of each fault, from what its sentences say: the scores that are weighed, and how.

The most telling sentence decides most. Besides it counts what stands next to it, what averts the fault, what else the
plan may be at fault in (few have more than one), and the words of the plan as a whole, which tell what is absent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEATURES = (
    *("told", "told again", "beside", "averted", "sentence averts", "sentence averts it", "rival in the sentence"),
    *("rival in the plan", "told elsewhere", "rank", "plan", "lead of the plan"),
)
"""What is weighed of a fault, by its place in `features`."""
LAST = 6
"""Rank from which all are alike."""


@dataclass(frozen=True)
class Weighing:
    """How much each feature counts ([feature]), and how common each fault is ([fault]); both learnt from plans."""

    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    def __call__(self, found: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log odds that each fault stands, from `features` ([..., fault, feature])."""
        return found @ self.weights + self.bias


def features(
    scores: NDArray[np.float64], whole: NDArray[np.float64], text_of: Sequence[int] | None = None
) -> NDArray[np.float64]:
    """Of each fault what is weighed. [fault, feature]

    Args:
      scores: [sentence, fault then aversion], at least one sentence.
      whole: what the words of the plan as a whole say of each fault. [fault]
      text_of: of each sentence in which text it stands; those of other texts are not beside it. None: all in one.
    """
    n, each = len(whole), np.arange(len(whole))
    faults, averted = scores[:, :n], np.maximum(scores[:, n:], 0)
    at, told, positive = faults.argmax(0), faults.max(0), np.maximum(faults, 0)
    again = np.sort(faults, 0)[-2] if len(faults) > 1 else np.zeros(n)
    rank = np.empty(n)
    rank[np.argsort(-told, kind="stable")] = each
    columns = (
        *(told, again, _beside(faults, at, text_of), averted.max(0), averted[at].max(1), averted[at, each]),
        *(_rivals(faults[at]), _rivals(np.tile(told, (n, 1))), positive.sum(0) - positive.max(0)),
        *(np.minimum(rank, LAST) / LAST, whole, whole - np.sort(whole)[-2]),
    )
    return np.stack(columns, 1)


def _beside(faults: NDArray[np.float64], at: NDArray[np.intp], text_of: Sequence[int] | None) -> NDArray[np.float64]:
    """The larger score of the sentences before and after that which tells most."""
    own = np.zeros(len(faults), int) if text_of is None else np.asarray(text_of)
    is_next = (own[1:] == own[:-1])[:, None]
    before, after = np.zeros_like(faults), np.zeros_like(faults)
    before[1:], after[:-1] = faults[:-1] * is_next, faults[1:] * is_next
    return np.maximum(np.maximum(before, after)[at, np.arange(faults.shape[1])], 0)


def _rivals(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each row k the largest score but that of fault k. [fault]"""
    others = scores.copy()
    np.fill_diagonal(others, -np.inf)
    return others.max(1)
