"""What is measured of bacteria that follow their food, by the senses of their world. No jax; NumPy when called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mesocosm.protocol.measure import Columns, Measure

SHADOW = "shadow genes"


def measures(configuration: Mapping[str, Any]) -> tuple[Measure, ...]:
    """The contrast that the claims speak of, P(tumble) at each level of the first sense, and what is eaten."""
    from mesocosm.ecology.analysis import direction, ends, level_names

    senses = configuration["world"]["senses"]
    levels, ahead = level_names(senses), direction(senses)
    words = "P(tumble), " + " less ".join(ends(senses))

    def contrast(strand: str) -> Callable[[Columns], Any]:
        return lambda columns: (
            ahead * (chance(columns, senses, strand, len(levels) - 1) - chance(columns, senses, strand, 0))
        )

    def away(columns: Columns) -> Any:
        return columns["distance"] / 16.0

    def level(strand: str, k: int) -> Callable[[Columns], Any]:
        return lambda columns: chance(columns, senses, strand, k)

    return (
        Measure("effect", contrast("evolved"), words, "", -1, 1, contrast("shadow"), SHADOW),
        *(
            Measure(name, level("evolved", k), "", "", 0, 1, level("shadow", k), SHADOW)
            for k, name in enumerate(levels)
        ),
        Measure("intake", "eaten", "food eaten per body and tick", "quanta", low=0, per="agent_ticks", in_table=False),
        Measure("found", "near", "share within 8 cells of the food", low=0, per="agent_ticks", in_table=False),
        Measure("distance", away, "distance to the source", "cells", per="ticks", in_table=False),
        Measure("population", "population", low=0),
    )


def chance(columns: Columns, senses: list[str], strand: str, level: int) -> Any:
    """P(tumble) at a level of the first sense, over living bodies, stimuli weighted by how often they were met (equally
    where none was); NaN where nobody lives."""
    import numpy as np

    from mesocosm.ecology.analysis import GRAIN, level_names
    from mesocosm.worlds.petri.senses import n_stimuli

    per_level = n_stimuli(senses) // len(level_names(senses))
    stimuli = range(level * per_level, (level + 1) * per_level)
    living = np.asarray(columns["population"], float) * GRAIN
    visits = np.array([columns[f"visits_{s}"] for s in stimuli], float)
    weights = np.where(visits.sum(axis=0) > 0, visits, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        rows = np.array([np.asarray(columns[f"tumble_{strand}_{s}"], float) / living for s in stimuli])
        return np.where(living > 0, (rows * weights).sum(axis=0) / weights.sum(axis=0), np.nan)
