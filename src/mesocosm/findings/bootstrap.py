"""Resampled means of many samples at once, from an exact seed.

A resample of n replicates is a row of counts that sum to n. Counts are drawn once and shared by all samples of a call;
means and variances of all resamples of all samples are then two matrix products.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

RESAMPLES = 10_000
"""Half of them are drawn, half are their mirror images."""

_BLOCK = 1 << 22  # counts held at a time: 32 MiB


class Resamples(NamedTuple):
    """`[..., resample]`: means, in the unit of the values, and t* = (mean* - mean) / standard error*."""

    means: np.ndarray
    studentised: np.ndarray


def counts(n: int, rows: int, seed: int) -> Iterator[np.ndarray]:
    """How often each of n ranks stands in each resample: blocks `[row, n]`, `rows` in all; every row sums to n.

    A row uses ceil(n / 2) raw words of PCG64(seed), which NumPy keeps the same across versions. Two 32-bit draws are
    cut from a word and multiplied into 0 ... n - 1, with a bias below n / 2^32.
    """
    generator, words = np.random.PCG64(seed), -(-n // 2)
    at_once = max(1, _BLOCK // n)
    for k in range(0, rows, at_once):
        size = min(at_once, rows - k)
        raw = generator.random_raw(size * words).reshape(size, words)
        draws = np.concatenate([raw >> np.uint64(32), raw & np.uint64(0xFFFFFFFF)], axis=1)[:, :n]
        chosen = ((draws * np.uint64(n)) >> np.uint64(32)).astype(np.int64)
        chosen += n * np.arange(size)[:, None]
        yield np.bincount(chosen.ravel(), minlength=size * n).reshape(size, n).astype(float)


def resample(values: np.ndarray, resamples: int, seed: int) -> Resamples:
    """Bootstrap means of values `[..., n]`; an odd number of `resamples` is rounded up.

    Values are sorted and every resample has its mirror image (rank k for rank n - 1 - k), so that neither the order of
    the values nor a change of all signs changes an interval otherwise than it should.
    """
    x = np.sort(values, axis=-1)
    n = x.shape[-1]
    mean = x.mean(axis=-1, keepdims=True)
    centred = x - mean  # so that the variance below does not cancel
    shifts, seconds = [], []
    for block in counts(n, -(-resamples // 2), seed):
        for weights in (block.T / n, block[:, ::-1].T / n):
            shifts.append(centred @ weights)
            seconds.append(centred**2 @ weights)
    shift, second = np.concatenate(shifts, axis=-1), np.concatenate(seconds, axis=-1)
    variance = second - shift**2
    # One value n times over: what rounding leaves of its variance is not a variance, and where that value is the mean
    # itself, what rounding leaves of the shift has no sign.
    scale = np.abs(centred).max(axis=-1, keepdims=True)
    varies = (variance > 1e-12 * second) & (variance > 1e-24 * scale**2)
    error = np.sqrt(np.where(varies, variance, 1) / (n - 1))
    one_value = np.where(np.abs(shift) > 1e-12 * scale, np.copysign(np.inf, shift), 0.0)
    return Resamples(mean + shift, np.where(varies, shift / error, one_value))


def quantile(ordered: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Of values sorted along the last axis `[..., k]`, at a level for each row `[...]`.

    Linear between order statistics. Infinite values are allowed.
    """
    last = ordered.shape[-1] - 1
    place = np.broadcast_to(np.asarray(level, float) * last, ordered.shape[:-1])
    at = np.clip(np.floor(place).astype(int), 0, last)
    part = place - at
    low = np.take_along_axis(ordered, at[..., None], axis=-1)[..., 0]
    high = np.take_along_axis(ordered, np.minimum(at + 1, last)[..., None], axis=-1)[..., 0]
    with np.errstate(invalid="ignore"):
        between = low + part * (high - low)
    between = np.where(np.isinf(high), high, np.where(np.isinf(low), low, between))
    return np.where((part == 0) | (low == high), low, between)
