"""Arrays as people hand them over: any type, shape and unit; what is taken is finite and of one length."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from mesocosm.record import given
from mesocosm.tasks.arrays import DataError, DataSet
from mesocosm.tasks.own import own

IN_SUITE = 400

SCALES = (5e-324, 1e-300, 1e-40, 1e-12, 1.0, 1e12, 1e30, 1e40, 1e300)
HOLES = (None, np.nan, np.inf, -np.inf, "", "x", 10**400, True, [], {}, 1j, np.datetime64("NaT"))
KINDS = (np.float64, np.float32, np.float16, np.int64, np.uint8, bool, object, str, np.complex64, "datetime64[D]")


@dataclass(frozen=True)
class Ready:
    folder: Path


def prepare(folder: Path) -> Ready:
    return Ready(folder)


def once(ready: Ready, random: Random) -> None:
    """A data set of odd arrays is whole, or refused in one line; with scaled inputs it is the same."""
    rng = np.random.default_rng(random.randrange(2**32))
    n = random.choice([1, 2, 3, 12, 30])
    x, y = _inputs(rng, random, n), _labels(rng, random, n)
    if random.random() < 0.2:
        return _from_file(ready, x, y)
    data = DataSet.of(x, y)
    assert data.inputs.dtype == np.float32 and np.isfinite(data.inputs).all() and data.inputs.ndim == 2
    assert len(data.labels) == len(data.inputs) and set(data.labels) == set(range(data.n_classes))
    mine = given.standardised(given.numbers(x, "x").reshape(len(data.inputs), -1))
    assert np.isfinite(mine).all() and np.abs(mine.mean(axis=1)).max() < 1e-3


def _from_file(ready: Ready, x: Any, y: Any) -> None:
    path = ready.folder / "mine.npz"
    try:
        np.savez(path, x=np.asarray(x), y=np.asarray(y))
    except (ValueError, TypeError, OverflowError):
        raise DataError("NumPy itself has no array of this") from None
    assert own(str(path), 4).inputs.shape[1] == 16


def _inputs(rng: np.random.Generator, random: Random, n: int) -> Any:
    shape = random.choice([(n, 4), (n, 3, 3), (n, 1), (n,), (0, 4), (n, 0), (n, 2, 3, 2), ()])
    with np.errstate(all="ignore"):
        x = rng.normal(size=shape) * random.choice(SCALES) + random.choice([0.0, 0.0, 1e8, 1e300])
        return _as_handed_over(x, random)


def _labels(rng: np.random.Generator, random: Random, n: int) -> Any:
    y = np.arange(random.choice([n, n, n, n + 1])) % random.choice([1, 2, 3, 40])
    if random.random() < 0.2:
        y = y + random.choice([2**33, -5, 2**62])
    if random.random() < 0.3:
        return _as_handed_over(np.array(list("abcdefghij"))[y % 10], random)
    return _as_handed_over(y if random.random() < 0.8 else rng.normal(size=y.size), random)


def _as_handed_over(values: np.ndarray, random: Random) -> Any:
    kind = random.choice(["plain", "plain", "list", "masked", "hole", "kind", "ragged"])
    if kind == "list":
        return values.tolist()
    if kind == "masked":
        return np.ma.masked_array(values, random.random() < 0.5)
    if kind == "kind":
        with np.errstate(all="ignore"):
            try:
                return values.astype(random.choice(KINDS))
            except (ValueError, TypeError, OverflowError):
                return values
    if kind == "hole" and values.size:
        odd = np.array(values, object)
        odd.flat[random.randrange(values.size)] = random.choice([h for h in HOLES if not isinstance(h, list | dict)])
        return odd if random.random() < 0.5 else odd.tolist()
    if kind == "ragged" and values.ndim > 1 and values.shape[0] > 1:
        rows = values.tolist()
        rows[random.randrange(len(rows))] = random.choice([[], [1.0], None, "x"])
        return rows
    return values
