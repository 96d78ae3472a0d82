"""Analyses over the record of an ecology, outside the loop: NumPy only, no jax."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from mesocosm.record import Record

GRAIN = 1024
"""In what parts of 1 the folds sum probabilities over bodies."""

LEVELS: dict[str, list[str]] = {
    "odour": ["far", "faint", "mid", "near"],
    "trend": ["falls", "steady", "rises"],
    "touch": ["alone", "touched"],
    "signal": ["none", "faint", "mid", "strong"],
    "energy": ["starving", "low", "mid", "full"],
}
"""What the levels of each sense are called in tables, in the order of the senses."""


def ordered_senses(senses: Sequence[str]) -> list[str]:
    """The senses in the order in which they form a stimulus."""
    return [s for s in LEVELS if s in senses]


def level_names(senses: Sequence[str]) -> list[str]:
    """The levels of the first sense."""
    ordered = ordered_senses(senses)
    return LEVELS[ordered[0]] if ordered else ["always"]


def stimulus_names(senses: Sequence[str]) -> list[str]:
    """What each stimulus is called: the levels of all senses together."""
    names = [""]
    for sense in ordered_senses(senses):
        names = [f"{a} {b}".strip() for a in names for b in LEVELS[sense]]
    return names if names != [""] else ["always"]


def direction(senses: Sequence[str]) -> int:
    """+1 where tumbling should rise with the levels of the first sense, -1 where it should fall (the trend)."""
    return -1 if ordered_senses(senses)[:1] == ["trend"] else 1


def ends(senses: Sequence[str]) -> tuple[str, str]:
    """The level of the first sense at which tumbling should be highest, and that at which it should be lowest."""
    names = level_names(senses)
    return (names[-1], names[0]) if direction(senses) > 0 else (names[0], names[-1])


def last_rows(record: Record) -> dict[int, dict[str, Any]]:
    """The newest row of each replicate."""
    metrics = record.metrics
    out: dict[int, dict[str, Any]] = {}
    for i, r in enumerate(metrics["replicate"]):
        out[int(r)] = {name: column[i] for name, column in metrics.items()}
    return out


def by_level(record: Record, strand: str, senses: Sequence[str]) -> dict[int, list[float]]:
    """P(tumble) at each level of the first sense, at the end, for each replicate that has a row.

    Stimuli with the same level of that sense are weighted by how often they were met in the second half of the run
    (equally where none was met).

    Args:
      strand: "evolved" or "shadow".
    """
    metrics = record.metrics
    n_levels = len(level_names(senses))
    n_stimuli = prod(len(LEVELS[s]) for s in ordered_senses(senses))
    late = metrics["tick"] > record.tick // 2
    out = {}
    for r, row in last_rows(record).items():
        mine = late & (metrics["replicate"] == r)
        visits = np.array([metrics[f"visits_{s}"][mine].sum() for s in range(n_stimuli)], float)
        chance = np.array([row[f"tumble_{strand}_{s}"] for s in range(n_stimuli)], float)
        chance /= max(int(row["population"]), 1) * GRAIN
        weights = visits.reshape(n_levels, -1)
        weights = np.where(weights.sum(axis=1, keepdims=True) > 0, weights, 1.0)
        means = (chance.reshape(n_levels, -1) * weights).sum(axis=1) / weights.sum(axis=1)
        out[r] = means.tolist()
    return out


def windows(record: Record, values: np.ndarray) -> np.ndarray:
    """A column of the metrics as [replicates, windows]; NaN where a replicate has ended."""
    every = int(record.header["every"])
    out = np.full((record.replicates, max(1, record.tick // every)), np.nan)
    metrics = record.metrics
    out[metrics["replicate"].astype(int), metrics["tick"].astype(int) // every - 1] = values
    return out
