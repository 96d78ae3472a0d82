"""The sign-flip test: under the null each replicate's effect is as likely to have the other sign."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

EXACT_UP_TO = 32
"""Up to so many replicates all 2^n signs are counted, by halves: 2 * 2^(n/2) sums, sorted."""

DRAWS = 100_000
"""Drawn signs for more replicates. The smallest p is then 1 / (DRAWS + 1)."""

_TIE = 1e-11  # sums are in units of the sum of absolute values; what rounding parts is a tie, and ties count


def sign_flip(values: ArrayLike, seed: int = 0, draws: int = DRAWS) -> np.ndarray:
    """Two-sided p of the hypothesis that effects are symmetric about 0, statistic: their sum.

    Exact to 32 values. Beyond, p = (b + 1) / (draws + 1) with b of the drawn signs at least as extreme (Phipson and
    Smyth, Stat. Appl. Genet. Mol. Biol. 9, 2010), never 0. The signs of the replicate with the k-th largest effect (k
    from 0) are the bits of raw words k w ... k w + w - 1 of PCG64(seed), w = ceil(draws / 64): the same p whatever the
    order of the values, for the mirror image of the values too, and whatever is tested beside.

    Args:
      values: `[..., replicate]`, NaN where a replicate has no value.
      seed: of the drawn signs.
      draws: how many, where not all are counted.

    Returns:
      `[...]`: p, 1 where there is no value at all.

    >>> float(sign_flip([0.3, 0.1, 0.4, 0.1, 0.5, 0.9]))  # all signs agree: 2 of 64
    0.03125
    """
    x = np.asarray(values, float)
    if not x.size:
        return np.ones(x.shape[:-1])
    rows = _ordered(x.reshape(-1, x.shape[-1]))
    n_used = (rows != 0).sum(axis=-1)  # a zero is zero with either sign
    p = np.ones(len(rows))
    for k in np.flatnonzero((n_used > 0) & (n_used <= EXACT_UP_TO)):
        p[k] = _exact(rows[k, : n_used[k]])
    many = n_used > EXACT_UP_TO
    if many.any():
        p[many] = _drawn(rows[many][:, : n_used.max()], seed, draws)
    return p.reshape(x.shape[:-1])


def _ordered(rows: np.ndarray) -> np.ndarray:
    """Values from the largest to the smallest by amount, in units of their sum of amounts; 0 for what is missing."""
    rows = np.where(np.isfinite(rows), rows, 0.0)
    for norm in (np.max, np.sum):  # by the largest first: a sum of huge values overflows
        amount = norm(np.abs(rows), axis=-1, keepdims=True)
        rows = rows / np.where(amount > 0, amount, 1)
    order = np.lexsort((rows, -np.abs(rows)), axis=-1)
    return np.take_along_axis(rows, order, axis=-1)


def _sums(values: np.ndarray) -> np.ndarray:
    """Sums of the values under all signs, ascending."""
    sums = np.zeros(1)
    for v in values:
        sums = np.concatenate([sums - v, sums + v])
    return np.sort(sums)


def _exact(values: np.ndarray) -> float:
    seen = abs(values.sum())
    if seen <= _TIE:
        return 1.0
    first, second = _sums(values[::2]), _sums(values[1::2])
    n_reaching = first.size - np.searchsorted(first, seen - _TIE - second)
    return 2 * float(n_reaching.sum()) / 2**values.size


def _drawn(rows: np.ndarray, seed: int, draws: int) -> np.ndarray:
    n = rows.shape[-1]
    words = -(-draws // 64)
    bits = np.random.PCG64(seed).random_raw(n * words).reshape(n, words).astype("<u8").view(np.uint8)
    # Drawn signs are put on the amounts: which sign a value has in truth then changes only what is to be reached.
    amounts, seen = np.abs(rows), np.abs(rows.sum(axis=-1, keepdims=True))
    reaching = np.zeros(len(rows), int)
    at_once = max(1, (1 << 20) // (8 * n))  # bytes: signs held at a time fit into the cache
    for k in range(0, bits.shape[1], at_once):
        flips = np.unpackbits(bits[:, k : k + at_once], axis=1)[:, : draws - 8 * k].astype(float)
        sums = amounts.sum(axis=-1, keepdims=True) - 2 * (amounts @ flips)
        reaching += (np.abs(sums) >= seen - _TIE).sum(axis=-1)
    return (reaching + 1) / (draws + 1)
