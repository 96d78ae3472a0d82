"""Figures of `signalling` alone: emission by arm, behaviour by level of the signal, knock-outs. NumPy, no jax."""

from __future__ import annotations

import numpy as np

from mesocosm.ecology.analysis import GRAIN, LEVELS, last_rows, ordered_senses
from mesocosm.ecology.assay.analysis import distance, intake, survival
from mesocosm.experiments.signalling.analysis import emission, stands_in_food, tells, threshold
from mesocosm.experiments.signalling.declaration import LEAST
from mesocosm.findings.claim import show_interval
from mesocosm.findings.intervals import finite_interval
from mesocosm.protocol.blocks import Told, strips
from mesocosm.protocol.story import Axis, Curve, Curves, Section, Strips
from mesocosm.record import Record


def arms(told: Told) -> Section | None:
    """Emission of those who hear and of the deaf, in food and elsewhere."""
    record, deaf = told.record, told.runs.get("deaf")
    if deaf is None or not told.alive:
        return None
    conditions, rows = [], []
    for where, in_food in (("all", None), ("in food", True), ("elsewhere", False)):
        for name, r in (("the deaf", deaf), ("who hear", record)):
            conditions.append(f"{where}: {name}")
            rows.append(emission(r, in_food))
    values = np.array(rows)
    figure = Strips(
        title="Emission of those who hear and of the deaf",
        alt="Emissions per body and tick, means over worlds: "
        + ", ".join(
            f"{c} {np.nanmean(v):.2f}" for c, v in zip(conditions, values, strict=True) if np.isfinite(v).any()
        ),
        conditions=conditions,
        y_axis=Axis("emissions per body and tick", low=0, high=1),
        values=values,
        intervals=[finite_interval(v) for v in values],
        paired=False,
    )
    limit = threshold(values[0])
    living = int(np.isfinite(values[0]).sum())
    where = (
        f"The 95th percentile of the deaf lies at {limit:.3f}."
        if np.isfinite(limit)
        else f"{living} deaf worlds live: with fewer than {LEAST} there is no threshold, and `retained` has no value."
    )
    contrast = {name: tells(record, name) for name in ("shadow", "evolved")}
    said = ", ".join(f"{k} {_shown(v)}" for k, v in contrast.items())
    text = f"{where} P(emit | food) - P(emit | none) of the genomes at the end: {said}."
    return Section("Where it is emitted", text, [figure])


def _shown(values: np.ndarray) -> str:
    found = finite_interval(values)
    return show_interval(*found, signed=True) if found else "unknown"


def behaviour(told: Told) -> Section | None:
    """What the genomes at the end would do at each level of the signal, in food and elsewhere, means over worlds."""
    record = told.record
    food = stands_in_food(record)
    if ordered_senses(record.header["configuration"]["world"]["senses"]) != ["odour", "signal"]:
        return None
    if not told.alive:
        return None
    last = [row for row in last_rows(record).values() if row["population"] > 0]
    figures = []
    for act, words in (("tumble", "P(tumble)"), ("emit", "P(emit)")):
        curves = []
        for strand, is_control in (("evolved", False), ("shadow", True)):
            chance = np.array(
                [[row[f"{act}_{strand}_{s}"] / (row["population"] * GRAIN) for s in range(food.size)] for row in last]
            )
            first = int(np.flatnonzero(food)[0])
            for name, rows in (("elsewhere", slice(0, 4)), ("in food", slice(first, first + 4))):
                curves.append(Curve(f"{strand}, {name}", chance[:, rows].mean(axis=0), is_control=is_control))
        said = "; ".join(f"{c.label} " + ", ".join(f"{v:.2f}" for v in c.values) for c in curves)
        figures.append(
            Curves(
                title=f"{words} by level of the signal",
                alt=f"{words} at the levels none, faint, mid and strong of the signal, means over worlds: {said}.",
                categories=LEVELS["signal"],
                x_axis=Axis("signal"),
                y_axis=Axis(words, low=0, high=1),
                curves=curves,
            )
        )
    return Section("What they do", "Means over living worlds; the shadow genomes are never expressed.", figures)


def knock_outs(told: Told) -> Section | None:
    """The same evolved bodies in fresh worlds: intact, mute and deaf."""
    from mesocosm.experiments.signalling.results import KNOCK_OUTS

    if not all(f"{kind}-{name}" in told.runs for kind in ("garden", "survival") for name in KNOCK_OUTS):
        return None
    gardens, alive = ([(n, told.runs[f"{kind}-{n}"]) for n in KNOCK_OUTS] for kind in ("garden", "survival"))

    def lived(run: Record) -> np.ndarray:
        return np.where(np.isfinite(intake(run)), survival(run)[:, -1], np.nan)

    shown = (
        (gardens, intake, "Food eaten per body and tick", Axis("intake", "quanta per body and tick", low=0)),
        (gardens, distance, "Distance to the nearest source", Axis("distance", "cells", low=0)),
        (alive, lived, "Alive at the end, the source jumping", Axis("share alive", low=0, high=1)),
    )
    figures = [strips(runs, value, title, axis, told.noun) for runs, value, title, axis in shown]
    text = (
        "Intact; mute, whose emissions cost nothing and add no signal; deaf, who read the signal of one body drawn "
        "anew in every tick. In the garden nobody pays, so that mute and intact differ by the signal alone."
    )
    return Section("What the signal is for", text, figures)
