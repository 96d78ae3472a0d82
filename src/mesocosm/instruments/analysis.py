"""What instruments and readers of their records share, outside the loop: NumPy only, no jax."""

from __future__ import annotations

from typing import Any

import numpy as np

from mesocosm.record import Record

GRAIN = 1024
"""In what parts of 1 the folds sum probabilities over bodies."""


def last_rows(record: Record) -> dict[int, dict[str, Any]]:
    """The newest row of each replicate."""
    metrics = record.metrics
    out: dict[int, dict[str, Any]] = {}
    for i, r in enumerate(metrics["replicate"]):
        out[int(r)] = {name: column[i] for name, column in metrics.items()}
    return out


def windows(record: Record, values: np.ndarray) -> np.ndarray:
    """A column of the metrics as [replicates, windows]; NaN where a replicate has ended."""
    every = int(record.header["every"])
    out = np.full((record.replicates, max(1, record.tick // every)), np.nan)
    metrics = record.metrics
    out[metrics["replicate"].astype(int), metrics["tick"].astype(int) // every - 1] = values
    return out
