"""What is measured of reward maps: mean weights, what it is worth to live, what is emitted. No jax."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mesocosm.minds.parameters import WEIGHTS
from mesocosm.protocol.measure import Columns, Measure

SHADOW = "shadow genes"


def measures(configuration: Mapping[str, Any]) -> tuple[Measure, ...]:
    """The mean weight of each event, of the living and of their shadow genes."""
    discount = configuration["mind"]["discount"] / 256

    def weight(name: str, strand: str) -> Callable[[Columns], Any]:
        return lambda columns: mean_weight(columns, name, strand)

    def alive(strand: str) -> Callable[[Columns], Any]:
        return lambda c: mean_weight(c, "survival", strand) - (1 - discount) * mean_weight(c, "death", strand)

    def one(name: str) -> Measure:
        evolved, shadow = weight(name, "evolved"), weight(name, "shadow")
        return Measure(name, evolved, f"reward of {name}", "of 128", -128, 127, shadow, SHADOW)

    words = "survival less (1 - discount) death"
    return (
        *(one(name) for name in ("food", *(name for name in WEIGHTS if name != "food"))),
        Measure("alive", alive("evolved"), words, "of 128", None, None, alive("shadow"), SHADOW),
        Measure("emission", "emitted", "signals per body and tick", "", 0, 1, per="agent_ticks"),
        Measure("intake", "eaten", "food eaten per body and tick", "quanta", low=0, per="agent_ticks", in_table=False),
        Measure("distance", _away, "distance to the source", "cells", per="ticks", in_table=False),
        Measure("population", "population", low=0),
    )


def mean_weight(columns: Columns, name: str, strand: str) -> Any:
    """Mean weight of the living; NaN where nobody lives."""
    import numpy as np

    living = np.asarray(columns["population"], float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(living > 0, np.asarray(columns[f"{name}_{strand}"], float) / living, np.nan)


def _away(columns: Columns) -> Any:
    return columns["distance"] / 16.0
