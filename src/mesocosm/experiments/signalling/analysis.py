"""What the record of `signalling` says of emission: how often, where, and above how many of the deaf. NumPy, no jax."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from mesocosm.ecology.analysis import GRAIN, LEVELS, last_rows, ordered_senses
from mesocosm.experiments.signalling.declaration import LEAST
from mesocosm.record import Record
from mesocosm.record.configuration import resolved

FOOD = "odour"
"""The sense that says whether a body is in food: at its lowest level it is not."""
NEAR = 4
"""Cells within which bodies count as neighbours: about as far as a signal reaches."""
QUANTILE = 0.95
"""Of the deaf worlds, `LEAST` at least, this quantile is the threshold."""


def emission(record: Record, in_food: bool | None = None) -> np.ndarray:
    """Emissions per body and tick in the second half of a run. [replicates], NaN where a world has died out.

    Args:
      in_food: of bodies that sense food (True) or do not (False); None: of all.
    """
    emitted, visits = counts(record, "emitted"), counts(record, "visits")
    mine = np.ones(len(visits), bool) if in_food is None else stands_in_food(record) == in_food
    out = np.full(record.replicates, np.nan)
    met = visits[mine].sum(axis=0)
    there = lives_on(record) & (met > 0)
    out[there] = emitted[mine].sum(axis=0)[there] / met[there]
    return out


def tells(record: Record, strand: str) -> np.ndarray:
    """P(emit | food) - P(emit | none) of the genomes that live at the end, rows weighted by how often they were met.

    [replicates], NaN where a world has died out.

    Args:
      strand: "evolved" or "shadow".
    """
    visits, food = counts(record, "visits"), stands_in_food(record)
    chance = np.full(visits.shape, np.nan)
    for r, row in last_rows(record).items():
        genomes = max(int(row["population"]), 1) * GRAIN
        chance[:, r] = [row[f"emit_{strand}_{s}"] / genomes for s in range(len(visits))]

    def mean(rows: np.ndarray) -> np.ndarray:
        weights = np.where(visits[rows].sum(axis=0) > 0, visits[rows], 1.0)
        return (chance[rows] * weights).sum(axis=0) / weights.sum(axis=0)

    return np.where(lives_on(record), mean(food) - mean(~food), np.nan)


def counts(record: Record, name: str) -> np.ndarray:
    """A count by stimulus over the second half of a run. [stimuli, replicates]"""
    metrics = record.metrics
    late = metrics["tick"] > record.tick // 2
    who = metrics["replicate"][late].astype(int)
    stimuli = range(len(levels_of_stimuli(_senses(record))))
    return np.array([np.bincount(who, metrics[f"{name}_{s}"][late], record.replicates) for s in stimuli])


def stands_in_food(record: Record) -> np.ndarray:
    """Which stimuli say that there is food. [stimuli]"""
    return stimuli_in_food(_senses(record))


def stimuli_in_food(senses: Sequence[str]) -> np.ndarray:
    """The same for these senses. [stimuli]"""
    return levels_of_stimuli(senses)[:, ordered_senses(senses).index(FOOD)] > 0


def levels_of_stimuli(senses: Sequence[str]) -> np.ndarray:
    """The level of each sense in each stimulus. [stimuli, senses]"""
    sizes = [len(LEVELS[s]) for s in ordered_senses(senses)]
    return np.stack(np.unravel_index(np.arange(prod(sizes)), sizes), axis=1)


def _senses(record: Record) -> Sequence[str]:
    return world_of(record)["senses"]


def world_of(record: Record) -> dict:
    """The plain values of the world, of a run or of an assay of one."""
    return resolved(record)["world"]


def lives_on(record: Record) -> np.ndarray:
    """Which worlds live at the end. [replicates]"""
    return np.array([s.status == "alive" for s in record.statuses], bool)


def threshold(deaf: np.ndarray) -> float:
    """The emission that 95 % of deaf worlds do not exceed; NaN from fewer than a hundred.

    >>> threshold(np.arange(101.0))
    95.0
    >>> threshold(np.arange(99.0))
    nan
    """
    there = deaf[np.isfinite(deaf)]
    return float(np.quantile(there, QUANTILE)) if there.size >= LEAST else float("nan")


def retained(emission: np.ndarray, deaf: np.ndarray) -> np.ndarray:
    """1 where emission lies above the threshold of the deaf, 0 where not, NaN where either is missing.

    Args:
      emission: of worlds that hear, any shape.
      deaf: of all deaf worlds of the same cost.
    """
    limit = threshold(deaf)
    return np.where(np.isfinite(emission) & np.isfinite(limit), emission > limit, np.nan)
