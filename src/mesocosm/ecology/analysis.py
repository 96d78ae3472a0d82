"""What the record of an ecology says of behaviour, in the words of its senses: NumPy only, no jax."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mesocosm.instruments.analysis import GRAIN, last_rows, windows
from mesocosm.record import Record
from mesocosm.record.configuration import resolved
from mesocosm.worlds.petri.senses import SENSES, Named, Sense, n_stimuli, ordered

LEVELS: dict[str, list[str]] = {name: list(sense.words) for name, sense in SENSES.items()}
"""What the levels of each sense of `petri` are called."""


def senses_of(record: Record) -> list[Sense]:
    """The senses of a run, or of an assay of one, in the order in which they form a stimulus."""
    if own := record.header["configuration"].get("senses"):  # some are no part of the published world
        return [SENSES.get(s["name"]) or Sense(s["name"], tuple(s["words"]), s["unit"]) for s in own]
    return ordered(resolved(record)["world"]["senses"])


def ordered_senses(senses: Sequence[Named]) -> list[str]:
    """The names of senses in the order in which they form a stimulus."""
    return [sense.name for sense in ordered(senses)]


def level_names(senses: Sequence[Named]) -> list[str]:
    """The levels of the first sense."""
    there = ordered(senses)
    return list(there[0].words) if there else ["always"]


def stimulus_names(senses: Sequence[Named]) -> list[str]:
    """What each stimulus is called: the levels of all senses together."""
    names = [""]
    for sense in ordered(senses):
        names = [f"{a} {b}".strip() for a in names for b in sense.words]
    return names if names != [""] else ["always"]


def direction(senses: Sequence[Named]) -> int:
    """+1 where tumbling should rise with the levels of the first sense, -1 where it should fall (a change)."""
    return -1 if any(sense.is_change for sense in ordered(senses)[:1]) else 1


def ends(senses: Sequence[Named]) -> tuple[str, str]:
    """The level of the first sense at which tumbling should be highest, and that at which it should be lowest."""
    names = level_names(senses)
    return (names[-1], names[0]) if direction(senses) > 0 else (names[0], names[-1])


def by_level(record: Record, strand: str, senses: Sequence[Named]) -> dict[int, list[float]]:
    """P(tumble) at each level of the first sense, at the end, for each replicate that has a row.

    Stimuli with the same level of that sense are weighted by how often they were met in the second half of the run
    (equally where none was met).

    Args:
      strand: "evolved" or "shadow".
    """
    metrics = record.metrics
    n_levels = len(level_names(senses))
    stimuli = range(n_stimuli(senses))
    late = metrics["tick"] > record.tick // 2
    out = {}
    for r, row in last_rows(record).items():
        mine = late & (metrics["replicate"] == r)
        visits = np.array([metrics[f"visits_{s}"][mine].sum() for s in stimuli], float)
        chance = np.array([row[f"tumble_{strand}_{s}"] for s in stimuli], float)
        chance /= max(int(row["population"]), 1) * GRAIN
        weights = visits.reshape(n_levels, -1)
        weights = np.where(weights.sum(axis=1, keepdims=True) > 0, weights, 1.0)
        means = (chance.reshape(n_levels, -1) * weights).sum(axis=1) / weights.sum(axis=1)
        out[r] = means.tolist()
    return out


__all__ = [
    "GRAIN",
    "LEVELS",
    "by_level",
    "direction",
    "ends",
    "last_rows",
    "level_names",
    "ordered_senses",
    "senses_of",
    "stimulus_names",
    "windows",
]
