"""What a record of `mirror` says, window by window: functions of its columns. NumPy, no jax."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mesocosm.protocol.measure import Columns, Measure
from mesocosm.worlds.mirror.games import ACTS


def measures(configuration: Mapping[str, Any]) -> tuple[Measure, ...]:
    """Also of an ended window: what no body stands behind is NaN, and the table says so."""
    world = configuration["world"]
    second = ACTS[str(world["game"])][1]
    return (
        _gene("order", "mean order of minds", "acts", 5),
        Measure("read", per("read", "met"), "share of acts foretold", "", 0, 1),
        Measure("ones", per("ones", "plays"), f"share of {second} between minds", "", 0, 1),
        Measure("won", won, "won in a round", "quanta"),
        Measure("population", "population", "bodies", "", 0),
        _gene("noise", "chance of acting by a coin", "", 1, 1 / 16, in_table=False),
        _gene("foresight", "share of minds with foresight", "", 1, in_table=False),
        Measure(
            "deepest",
            deepest(int(world["orders"])),
            "share of the deepest order less that of the one below",
            "",
            -1,
            1,
            in_table=False,
        ),
        Measure("contact", per("met", "steps"), "share of rounds that were played", "", 0, 1, in_table=False),
        Measure("visit_ones", per("visit_ones", "visits"), f"share of {second} to visitors", "", 0, 1, in_table=False),
    )


def _gene(name: str, words: str, unit: str, high: float, scale: float = 1.0, in_table: bool = True) -> Measure:
    """The mean of a gene of the living, beside that of their shadows."""
    own, shadow = (per(column, "population", scale) for column in (name, f"shadow_{name}"))
    return Measure(name, own, words, unit, 0, high, shadow, "shadow genes", in_table=in_table)


def per(above: str, below: str, scale: float = 1.0) -> Callable[[Columns], np.ndarray]:
    """One column over another, NaN where that is 0."""

    def value(columns: Columns) -> np.ndarray:
        under = np.asarray(columns[below], float)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(under > 0, scale * np.asarray(columns[above], float) / under, np.nan)

    return value


def won(columns: Columns) -> np.ndarray:
    """What bodies gain less what they lose in a round that is played."""
    return per("gained", "met")(columns) - per("lost", "met")(columns)


def deepest(top: int) -> Callable[[Columns], np.ndarray]:
    """By how much minds of the deepest order are commoner than those of the one below; NaN where there is no other."""

    def value(columns: Columns) -> np.ndarray:
        if top == 0:
            return np.full(np.shape(columns["population"]), np.nan)
        return per(f"orders_{top}", "population")(columns) - per(f"orders_{top - 1}", "population")(columns)

    return value
