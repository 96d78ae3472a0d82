"""What is measured of callers: where they call, what they do when they hear one, how many live. NumPy when called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mesocosm.experiments.calling.words import goes_on, in_food, stays, stimuli
from mesocosm.protocol.measure import Columns, Measure

SHADOW = "shadow genes"
Where = list[int]


def measures(configuration: Mapping[str, Any]) -> tuple[Measure, ...]:
    there = stimuli(configuration["world"]["senses"], configuration["hears_trend"])
    food = [s for s, at in enumerate(there) if in_food(at)]
    none = [s for s, at in enumerate(there) if not in_food(at)]
    heard = [s for s in none if stays(there[s])]
    unheard = [s for s in none if goes_on(there[s])]

    def of(act: str, where: Where, less: Where | None = None) -> dict[str, Any]:
        def chances(strand: str) -> Callable[[Columns], Any]:
            def value(columns: Columns) -> Any:
                above = chance(columns, act, strand, where)
                return above if less is None else above - chance(columns, act, strand, less)

            return value

        return {"of": chances("evolved"), "control": chances("shadow"), "control_words": SHADOW}

    return (
        Measure("honest", words="P(emit | food) - P(emit | none)", low=-1, high=1, **of("emit", food, none)),
        Measure("calls", words="P(emit | food)", low=0, high=1, **of("emit", food)),
        Measure("elsewhere", words="P(emit | no food)", low=0, high=1, **of("emit", none)),
        Measure(
            "answer", words="P(tumble | signal) - P(tumble | none)", low=-1, high=1, **of("tumble", heard, unheard)
        ),
        Measure("emission", lambda c: rate(c, [*food, *none]), "emissions per body and tick", low=0, in_table=False),
        Measure("intake", "eaten", "food eaten per body and tick", "quanta", low=0, per="agent_ticks", in_table=False),
        Measure("found", "near", "share within 8 cells of the food", low=0, per="agent_ticks", in_table=False),
        Measure("population", "population", low=0),
    )


def rate(columns: Columns, where: Where) -> Any:
    """Emissions per body and tick under these stimuli; NaN where none was met."""
    import numpy as np

    emitted, visits = (
        np.array([columns[f"{name}_{s}"] for s in where], float).sum(axis=0) for name in ("emitted", "visits")
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(visits > 0, emitted / visits, np.nan)


def chance(columns: Columns, act: str, strand: str, where: Where) -> Any:
    """P(act) by the genomes under these stimuli, weighted by how often they were met (equally where none was); NaN
    where nobody lives."""
    import numpy as np

    from mesocosm.ecology.analysis import GRAIN

    living = np.asarray(columns["population"], float) * GRAIN
    visits = np.array([columns[f"visits_{s}"] for s in where], float)
    weights = np.where(visits.sum(axis=0) > 0, visits, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        rows = np.array([np.asarray(columns[f"{act}_{strand}_{s}"], float) / living for s in where])
        return np.where(living > 0, (rows * weights).sum(axis=0) / weights.sum(axis=0), np.nan)
