"""How much of the variance between cells each slot explains, alone and with another (a balanced analysis of variance).

Sums of squares over the means of cells, each without what the spread over seeds adds to it: SS - df s^2 / n. What is
left after slots and their pairs is of higher order.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Share:
    """A slot, or a pair of slots, with its share of the variance of cell means (seeds taken out); can be below 0."""

    slots: tuple[str, ...]
    share: float


def shares(values: np.ndarray, factors: Mapping[str, int]) -> tuple[list[Share], list[str]]:
    """Shares of slots and pairs of slots, the largest first.

    Args:
      values: `[cells, ..., seeds]`, whose leading axes hold as many cells as the product of the factors' levels, in
        their order; NaN where there is none.
      factors: levels by slot.

    Returns:
      Shares, and sentences that say why there are none.
    """
    named = {slot: n for slot, n in factors.items() if n > 1}
    most = np.nanmax(np.abs(values), initial=0.0)
    if 0 < most < np.inf:  # shares have no unit, and squares of huge values leave the range of floats
        values = np.ldexp(values, -np.frexp(most)[1])
    cells = values.reshape(math.prod(factors.values()), -1)
    counts = np.isfinite(cells).sum(axis=1)
    if not named:
        return [], []
    if not (counts > 0).all():
        return [], [f"{int((counts == 0).sum())} cells of the grid have no value: variance is not split."]
    means = np.nanmean(cells, axis=1).reshape(tuple(named.values()))
    squares, degrees = np.nansum((cells - means.reshape(-1, 1)) ** 2), int((counts - 1).sum())
    noise = squares / degrees * float(np.mean(1 / counts)) if degrees else 0.0
    centred = means - means.mean()
    total = float((centred**2).sum()) - (means.size - 1) * noise
    if total <= 0:
        return [], ["Cells differ by no more than their seeds do: variance is not split."]
    found = []
    for slots, part in _effects(centred, list(named)).items():
        squared = float((part**2).sum()) * means.size / part.size
        freedom = math.prod(named[slot] - 1 for slot in slots)
        found.append(Share(slots, (squared - freedom * noise) / total))
    return sorted(found, key=lambda s: (len(s.slots), -s.share, s.slots)), []


def _effects(centred: np.ndarray, slots: list[str]) -> dict[tuple[str, ...], np.ndarray]:
    """By slot and pair of slots, what each of its levels adds to the mean; other axes have length 1."""

    def mean_over_all_but(*kept: int) -> np.ndarray:
        return centred.mean(axis=tuple(a for a in range(centred.ndim) if a not in kept), keepdims=True)

    single = [mean_over_all_but(k) for k in range(len(slots))]
    found: dict[tuple[str, ...], np.ndarray] = {(slot,): effect for slot, effect in zip(slots, single, strict=True)}
    for k, m in itertools.combinations(range(len(slots)), 2):
        found[slots[k], slots[m]] = mean_over_all_but(k, m) - single[k] - single[m]
    return found
