"""What is measured of emission: how often, where, and what the genes tell of food. No jax; NumPy when called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mesocosm.protocol.measure import Columns, Measure


def measures(configuration: Mapping[str, Any]) -> tuple[Measure, ...]:
    from mesocosm.experiments.signalling.analysis import stimuli_in_food
    from mesocosm.worlds.petri.senses import n_stimuli

    senses = configuration["world"]["senses"]
    everywhere = [True] * n_stimuli(senses)

    def rate(where: list[bool]) -> Callable[[Columns], Any]:
        return lambda columns: _rate(columns, where)

    def tells(strand: str) -> Callable[[Columns], Any]:
        return lambda columns: _chance(columns, strand, food) - _chance(columns, strand, [not f for f in food])

    per, contrast = "emissions per body and tick", "P(emit | food) - P(emit | none)"
    of_all = (
        Measure("emission", rate(everywhere), per, "", 0, 1),
        Measure("found", "near", "share within 8 cells of the food", low=0, per="agent_ticks", in_table=False),
        Measure("population", "population", low=0),
    )
    if not senses:  # the blind: nobody knows where food is
        return of_all
    food = stimuli_in_food(senses).tolist()
    return (
        of_all[0],
        Measure("in-food", rate(food), f"{per}, in food", "", 0, 1),
        Measure("elsewhere", rate([not f for f in food]), f"{per}, elsewhere", "", 0, 1),
        Measure("tells", tells("evolved"), contrast, "", -1, 1, tells("shadow"), "shadow genes"),
        *of_all[1:],
    )


def _rate(columns: Columns, where: list[bool]) -> Any:
    """Emissions per body and tick under these stimuli; NaN where none was met."""
    import numpy as np

    emitted, visits = (
        sum(np.asarray(columns[f"{name}_{s}"], float) for s, counts in enumerate(where) if counts)
        for name in ("emitted", "visits")
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.asarray(visits) > 0, emitted / np.asarray(visits, float), np.nan)


def _chance(columns: Columns, strand: str, where: list[bool]) -> Any:
    """P(emit) by the genomes under these stimuli, weighted by how often they were met; NaN where nobody lives."""
    import numpy as np

    from mesocosm.ecology.analysis import GRAIN

    rows = [s for s, counts in enumerate(where) if counts]
    living = np.asarray(columns["population"], float) * GRAIN
    visits = np.array([columns[f"visits_{s}"] for s in rows], float)
    weights = np.where(visits.sum(axis=0) > 0, visits, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        chance = np.array([np.asarray(columns[f"emit_{strand}_{s}"], float) / living for s in rows])
        return np.where(living > 0, (chance * weights).sum(axis=0) / weights.sum(axis=0), np.nan)
