"""How much one thing tells of another, in bits, from counts: corrected for bias, against permutations. NumPy only.

The plain (plug-in) estimate of an entropy is too low, so that of a mutual information too high: what is not related
seems so. Miller's correction (G. Miller, "Note on the bias of information estimates", 1955) adds (kinds seen - 1) / 2N
nats to each entropy. It is good where each kind was seen several times; where kinds are as many as samples none helps,
and the permutations show it: they break the relation and keep everything else, so that what they give is bias alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

DRAWS = 200


@dataclass(frozen=True)
class Information:
    """Of two variables, perhaps given a third.

    Args:
      bits: with Miller's correction; it may be below 0 by chance.
      plain: the plug-in estimate.
      null: the mean of `bits` where the relation is broken: what is left of the bias.
      p: the share of permutations that are no smaller, counted with what was seen.
      n: samples.
      kinds: different combinations that were seen.
    """

    bits: float
    plain: float
    null: float
    p: float
    n: int
    kinds: int


def codes(*labels: np.ndarray) -> np.ndarray:
    """One number for each combination of labels, 0 ... kinds - 1. [n]"""
    out = np.zeros(np.shape(labels[0])[0], np.int64)
    for label in labels:
        _, place = np.unique(label, return_inverse=True)
        _, out = np.unique(out * (int(place.max(initial=0)) + 1) + place, return_inverse=True)
    return out


def entropy(counts: np.ndarray, corrected: bool = True) -> float:
    """Of counts of kinds, in bits; with Miller's correction.

    >>> entropy(np.array([2, 2]), corrected=False)
    1.0
    """
    seen = np.asarray(counts)[np.asarray(counts) > 0]
    n = seen.sum()
    if not n:
        return float("nan")
    bits = float(np.log2(n) - (seen * np.log2(seen)).sum() / n)
    return bits + (seen.size - 1) / (2 * n * np.log(2)) if corrected else bits


def mutual(
    x: np.ndarray, y: np.ndarray, given: np.ndarray | None = None, draws: int = DRAWS, seed: int = 0
) -> Information:
    """I(X; Y) or I(X; Y | Z), from samples of labels.

    Args:
      x, y, given: labels of any kind. [n]
      draws: permutations of x, among samples with the same `given`; 0: no null, and no p.

    Returns:
      NaN in every number where there is no sample.

    >>> x = np.repeat([0, 1], 50)
    >>> found = mutual(x, x, draws=0)
    >>> found.plain
    1.0
    """
    n = int(np.shape(x)[0])
    if not n:
        return Information(*(float("nan"),) * 4, n=0, kinds=0)
    z = np.zeros(n, np.int64) if given is None else codes(given)
    xs, yz = codes(x), codes(z, y)
    fixed = [_counts(z), _counts(yz)]

    def of(x: np.ndarray) -> tuple[float, float, int]:
        xz, xyz = _joined(x, z), _joined(x, yz)
        kept = (fixed[0], fixed[1], xz, xyz)
        plain, bits = (
            sum(sign * entropy(c, is_corrected) for sign, c in zip((-1, 1, 1, -1), kept, strict=True))
            for is_corrected in (False, True)
        )
        return float(bits), float(plain), int((xyz > 0).sum())

    bits, plain, kinds = of(xs)
    if not draws:
        return Information(bits, plain, float("nan"), float("nan"), n, kinds)
    nulls = np.array([of(shuffled)[:2] for shuffled in _within(xs, z, draws, seed)])
    p = (1 + int((nulls[:, 1] >= plain - 1e-12).sum())) / (draws + 1)
    return Information(bits, plain, float(nulls[:, 0].mean()), p, n, kinds)


def _within(x: np.ndarray, strata: np.ndarray, draws: int, seed: int) -> Iterator[np.ndarray]:
    """Permutations of x among those of one stratum."""
    rng = np.random.default_rng(seed)
    order = np.argsort(strata, kind="stable")
    for _ in range(draws):
        shuffled = np.empty_like(x)
        shuffled[order] = x[np.lexsort((rng.random(x.size), strata))]
        yield shuffled


def _counts(labels: np.ndarray) -> np.ndarray:
    return np.bincount(labels)


def _joined(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Counts of each pair, without those that do not occur."""
    joined = x * (int(y.max()) + 1) + y
    if (int(x.max()) + 1) * (int(y.max()) + 1) <= 4 * joined.size + 1024:
        return np.bincount(joined)
    return np.unique(joined, return_counts=True)[1]
