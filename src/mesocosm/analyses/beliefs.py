"""Beliefs and rationality behind the orders of a market, recovered from prices and orders alone, and how calibrated.

The exact posterior on a fine grid (`instruments/orders.py`), held against what was hidden; beside it two
that are not exact: rationality held to be the same for all, and Laplace's approximation. NumPy, no jax.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from mesocosm.findings.claim import show_interval
from mesocosm.findings.intervals import finite_interval
from mesocosm.instruments.orders import Grid, Recovered, laplace, log_likelihood, of_margin, posterior
from mesocosm.protocol.catalogue import Analysis, Result, arrays, log
from mesocosm.protocol.story import Axis, Curve, Curves, Strips
from mesocosm.record import Record
from mesocosm.record.configuration import Range

LEVELS = (0.5, 0.8, 0.9, 0.95)
BY_MARKET = (
    "belief_error",
    "belief_error_fixed",
    "keenness_error",
    "belief_covered",
    "belief_covered_fixed",
    "belief_covered_laplace",
    "keenness_covered",
)


@dataclass(frozen=True)
class Settings:
    """How finely, and at which level."""

    level: Annotated[float, Range(0.01, 0.999)] = 0.9
    """Of the intervals."""


def compute(record: Record, settings: Settings) -> dict[str, Any]:
    """Errors and coverages in each market; None where a market did not live to the end."""
    c = record.header["configuration"]
    rows, living = record.log("orders"), np.asarray(record.state["replicate"]).tolist()
    grid = Grid.of(max(float(c["keenest"]), 1e-6))
    out: dict[str, list[float | None]] = {name: [None] * record.replicates for name in BY_MARKET}
    levels: dict[str, list[list[float]]] = {"belief": [], "keenness": []}
    for lane, replicate in enumerate(living):
        mine = rows["replicate"] == replicate
        likely = log_likelihood(
            np.asarray(rows["price"][mine], float).ravel(),
            rows["orders"][mine].reshape(int(mine.sum()), -1).astype(int),
            float(c["fee"]),
            grid,
        )
        true = {name: np.asarray(record.state[f"state.{name}"][lane], float) for name in ("belief", "keenness")}
        found = of_market(likely, grid, true, settings.level)
        for name in BY_MARKET:
            out[name][int(replicate)] = found[name]
        for name, shares in covered_at(likely, grid, true).items():
            levels[name].append(shares)
    return {"by_market": list(BY_MARKET), **out, "levels": list(LEVELS), "covered": levels, "level": settings.level}


def of_market(likely: np.ndarray, grid: Grid, true: Mapping[str, np.ndarray], level: float) -> dict[str, float]:
    """Errors and coverages among the traders of one market.

    Args:
      likely: log likelihood [traders, b, k].
      true: `belief` and `keenness` [traders].
    """
    exact = posterior(likely)
    belief = of_margin(exact.sum(axis=2), grid.beliefs, level)
    keenness = of_margin(exact.sum(axis=1), grid.keenness, level)
    middle = likely[:, :, [grid.keenness.size // 2]]
    fixed = of_margin(posterior(middle)[:, :, 0], grid.beliefs, level)
    return {
        "belief_error": _error(belief, true["belief"]),
        "belief_error_fixed": _error(fixed, true["belief"]),
        "keenness_error": _error(keenness, true["keenness"]),
        "belief_covered": _covered(belief, true["belief"]),
        "belief_covered_fixed": _covered(fixed, true["belief"]),
        "belief_covered_laplace": _covered(laplace(likely, grid, level), true["belief"]),
        "keenness_covered": _covered(keenness, true["keenness"]),
    }


def covered_at(likely: np.ndarray, grid: Grid, true: Mapping[str, np.ndarray]) -> dict[str, list[float]]:
    """Share of traders whose true value lies within the exact interval of each of `LEVELS`."""
    exact = posterior(likely)
    margins = {"belief": (exact.sum(axis=2), grid.beliefs), "keenness": (exact.sum(axis=1), grid.keenness)}
    return {
        name: [_covered(of_margin(weights, points, level), true[name]) for level in LEVELS]
        for name, (weights, points) in margins.items()
    }


def _error(found: Recovered, true: np.ndarray) -> float:
    return float(np.sqrt(np.mean((found.mean - true) ** 2)))


def _covered(found: Recovered, true: np.ndarray) -> float:
    return float(np.mean((found.low <= true) & (true <= found.high)))


def show(record: Record, values: Mapping[str, Any]) -> Result:
    of = {name: np.array([np.nan if v is None else v for v in values[name]], float) for name in values["by_market"]}
    told = {name: finite_interval(x) for name, x in of.items()}
    if told["belief_error"] is None:
        return Result("Too few markets lived to the end to say anything of them.", values)
    level = f"{100 * values['level']:g} %"
    sentence = (
        f"Beliefs are recovered with an error of {_said(told['belief_error'])} (root mean square; 0.289 before any "
        f"order), {_said(told['belief_error_fixed'])} where all are held equally rational; log2 of rationality with "
        f"{_said(told['keenness_error'])}. Intervals of {level} hold the true belief in "
        f"{_said(told['belief_covered'])} of traders, the true rationality in {_said(told['keenness_covered'])}; "
        f"by Laplace's approximation {_said(told['belief_covered_laplace'])}, with one rationality for all "
        f"{_said(told['belief_covered_fixed'])}."
    )
    return Result(sentence, values, figures=(_calibration(values, sentence), _coverages(of, told, sentence)))


def _said(interval: tuple[float, float, float] | None) -> str:
    return show_interval(*interval) if interval else "nothing"


def _calibration(values: Mapping[str, Any], alt: str) -> Curves:
    curves = [Curve("as they say", np.array(values["levels"]), is_control=True)]
    for name, words in (("belief", "beliefs"), ("keenness", "rationality")):
        shares = np.array(values["covered"][name])  # [markets, levels]
        low, high = np.quantile(shares, [0.05, 0.95], axis=0)
        curves.append(Curve(f"{words} (90 % of markets)", shares.mean(axis=0), low, high, 2.0))
    axes = Axis("level of the interval"), Axis("share that holds the truth", "", 0.0, 1.0)
    return Curves("Calibration", alt, [f"{100 * x:g} %" for x in values["levels"]], *axes, curves)


def _coverages(of: Mapping[str, np.ndarray], told: Mapping[str, Any], alt: str) -> Strips:
    shown = {
        "belief_covered": "exact",
        "belief_covered_laplace": "Laplace",
        "belief_covered_fixed": "one rationality for all",
    }
    return Strips(
        title="Traders whose belief lies within its interval",
        alt=alt,
        conditions=list(shown.values()),
        y_axis=Axis("share of traders", "", 0.0, 1.0),
        values=np.array([of[name] for name in shown]),
        intervals=[told[name] for name in shown],
        paired=True,
    )


ANALYSIS = Analysis(
    "beliefs", "beliefs and rationality behind orders, from orders alone, and how calibrated that is",
    compute, show, Settings,
    needs=(log("orders"), arrays("state.belief", "state.keenness")),
)  # fmt: skip
