"""How colonies fare against those of the controls: a world that died out is a colony of none. NumPy, no jax."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mesocosm.ecology.assay.analysis import selection
from mesocosm.record import Record


def living(record: Record) -> np.ndarray:
    """Bodies alive at the end of a run; 0 where a world died out. [replicates]"""
    metrics = record.metrics
    last = metrics["tick"] == record.tick
    out = np.zeros(record.replicates)
    out[metrics["replicate"][last].astype(int)] = metrics["population"][last]
    return out


def size(record: Record, runs: Mapping[str, Record], arm: str) -> np.ndarray:
    """ln((n + 1/2) / (m + 1/2)), n here and m in the arm. [replicates]"""
    return np.log((living(record) + 0.5) / (living(runs[arm]) + 0.5))


def lives(record: Record, runs: Mapping[str, Record], arm: str) -> np.ndarray:
    """1 where a colony lives, less the same in the arm. [replicates]"""
    return (living(record) > 0).astype(float) - (living(runs[arm]) > 0)


def selected(record: Record, runs: Mapping[str, Record], name: str) -> np.ndarray:
    """Selection coefficient of callers per 100 ticks. [replicates], NaN where nobody was left to compete."""
    return 100 * selection(runs[name])
