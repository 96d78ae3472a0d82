"""What a record of `mirror` says, window by window: functions of its columns. NumPy, no jax."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mesocosm.protocol.measure import Measure
from mesocosm.worlds.mirror.games import ACTS


def measures(configuration: Mapping[str, Any]) -> tuple[Measure, ...]:
    """Also of an ended window: what no body stands behind is NaN, and the table says so."""
    world = configuration["world"]
    second = ACTS[str(world["game"])][1]

    def per(above: str, below: str, unit: float = 1.0) -> Any:
        def value(columns: Mapping[str, Any]) -> np.ndarray:
            under = np.asarray(columns[below], float)
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.where(under > 0, unit * np.asarray(columns[above], float) / under, np.nan)

        return value

    def won(columns: Mapping[str, Any]) -> np.ndarray:
        met = np.asarray(columns["met"], float)
        with np.errstate(divide="ignore", invalid="ignore"):
            net = np.asarray(columns["gained"], float) - np.asarray(columns["lost"], float)
            return np.where(met > 0, net / met, np.nan)

    def deepest(columns: Mapping[str, Any]) -> np.ndarray:
        top = int(world["orders"])
        if top == 0:
            return np.full(np.shape(columns["population"]), np.nan)
        people = np.asarray(columns["population"], float)
        more = np.asarray(columns[f"orders_{top}"], float) - np.asarray(columns[f"orders_{top - 1}"], float)
        return np.where(people > 0, more / np.maximum(people, 1), np.nan)

    return (
        Measure(
            "order",
            per("order", "population"),
            "mean order of minds",
            "acts",
            0,
            5,
            control=per("shadow_order", "population"),
            control_words="shadow genes",
        ),
        Measure("read", per("read", "met"), "share of acts foretold", "", 0, 1),
        Measure("ones", per("ones", "plays"), f"share of {second} between minds", "", 0, 1),
        Measure("won", won, "won in a round", "quanta"),
        Measure("population", "population", "bodies", "", 0),
        Measure(
            "noise",
            per("noise", "population", 1 / 16),
            "chance of acting by a coin",
            "",
            0,
            1,
            control=per("shadow_noise", "population", 1 / 16),
            control_words="shadow genes",
            in_table=False,
        ),
        Measure(
            "foresight",
            per("foresight", "population"),
            "share of minds with foresight",
            "",
            0,
            1,
            control=per("shadow_foresight", "population"),
            control_words="shadow genes",
            in_table=False,
        ),
        Measure("deepest", deepest, "share of the deepest order less that of the one below", "", -1, 1, in_table=False),
        Measure("contact", per("met", "steps"), "share of rounds that were played", "", 0, 1, in_table=False),
        Measure("visit_ones", per("visit_ones", "visits"), f"share of {second} to visitors", "", 0, 1, in_table=False),
    )
