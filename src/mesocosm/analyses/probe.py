"""Linear probes: does an imitator's inside say what is hidden? Held against permuted labels and unused propositions.

A probe (G. Alain and Y. Bengio 2016) is fitted on half of the trips and judged on the other half, by the mean of its
right answers where the proposition is true and where it is not, so that guessing gives 1/2. Two controls: the *control
task* (J. Hewitt and P. Liang 2019), the same probe for labels permuted among trips, must be at 1/2; and propositions
that cues show but the rule does not use: what a probe finds of these is read off the input, not off what steers, and is
counted against it (selectivity). NumPy, no jax.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from mesocosm.findings.claim import show_interval
from mesocosm.findings.intervals import mean_interval
from mesocosm.protocol.catalogue import Analysis, Result, log
from mesocosm.protocol.story import Axis, Strips
from mesocosm.record import Record
from mesocosm.record.configuration import Range

KINDS = ("demanded", "true", "unused", "permuted")
WORDS = {
    "demanded": "the act that is demanded",
    "true": "the rule's propositions",
    "unused": "unused propositions",
    "permuted": "permuted labels",
}


@dataclass(frozen=True)
class Settings:
    """How probes are fitted."""

    ridge: Annotated[float, Range(1e-9, 1e9)] = 1.0
    """Weight of the squared slopes beside the squared errors."""


def compute(record: Record, settings: Settings) -> dict[str, Any]:
    """Balanced accuracy of each kind of probe in each replicate; None where a label never changes."""
    rows = record.log("thoughts")
    last = rows["tick"] == rows["tick"].max() if rows["tick"].size else np.zeros(0, bool)
    out: dict[str, list[float | None]] = {kind: [] for kind in KINDS}
    for replicate in range(record.replicates):
        mine = last & (rows["replicate"] == replicate)
        found = of_one({name: rows[name][mine] for name in (*KINDS[:3], "trip", "inside")}, settings.ridge, replicate)
        for kind in KINDS:
            out[kind].append(found.get(kind))
    return {"kinds": list(KINDS), "accuracy": [out[kind] for kind in KINDS]}


def of_one(rows: Mapping[str, np.ndarray], ridge: float, seed: int) -> dict[str, float]:
    """Balanced accuracy by kind, of one replicate; kinds that have no label that changes are left out.

    Args:
      rows: `inside` [junctions, numbers], `trip` [junctions], labels [junctions] or [junctions, propositions].
    """
    inside, trip = np.asarray(rows["inside"], float), np.asarray(rows["trip"])
    if not inside.size:
        return {}
    labels = {kind: np.atleast_2d(np.asarray(rows[kind]).T).T for kind in KINDS[:3]}
    order = np.random.default_rng(seed).permutation(len(trip))
    labels["permuted"] = labels["true"][order] if labels["true"].shape[1] else labels["demanded"][order]
    out = {}
    for kind, label in labels.items():
        each = [balanced(inside, label[:, k] == label[:, k].max(), trip % 2 == 0, ridge) for k in range(label.shape[1])]
        there = [x for x in each if np.isfinite(x)]
        if there:
            out[kind] = float(np.mean(there))
    return out


def balanced(x: np.ndarray, label: np.ndarray, train: np.ndarray, ridge: float) -> float:
    """Mean accuracy over both values of a label, of a ridge regression on the training half, judged on the other; NaN
    where a half has but one value."""
    halves = label[train], label[~train]
    if any(half.all() or not half.any() for half in halves):
        return float("nan")
    mean, deviation = x[train].mean(axis=0), x[train].std(axis=0)
    z = (x - mean) / np.where(deviation > 0, deviation, 1)
    share = halves[0].mean()
    weight = np.where(halves[0], 0.5 / share, 0.5 / (1 - share))
    design = np.column_stack([z, np.ones(len(z))])
    penalty = ridge * np.eye(design.shape[1])
    penalty[-1, -1] = 0
    a = design[train]
    slopes = np.linalg.solve(a.T @ (a * weight[:, None]) + penalty, a.T @ (weight * np.where(halves[0], 1.0, -1.0)))
    said = design[~train] @ slopes > 0
    return float((said[halves[1]].mean() + (~said[~halves[1]]).mean()) / 2)


def show(record: Record, values: Mapping[str, Any]) -> Result:
    accuracy = np.array([[np.nan if v is None else v for v in row] for row in values["accuracy"]], float)
    intervals: list[tuple[float, float, float] | None] = []
    for row in accuracy:
        there = row[np.isfinite(row)]
        found = mean_interval(there) if there.size > 1 else None
        intervals.append((float(found.estimate), float(found.low), float(found.high)) if found else None)
    said = [f"{WORDS[k]} {show_interval(*i)}" for k, i in zip(values["kinds"], intervals, strict=True) if i]
    sentence = f"Right answers of a linear probe, guessing is 0.5: {', '.join(said) or 'none could be fitted'}."
    selectivity = accuracy[KINDS.index("true")] - accuracy[KINDS.index("unused")]
    selectivity = selectivity[np.isfinite(selectivity)]
    if selectivity.size > 1:
        found = mean_interval(selectivity)
        more = show_interval(float(found.estimate), float(found.low), float(found.high), "", True)
        sentence += f" Of what the rule uses it finds {more} more than of what it does not use."
    figure = Strips(
        title="What a linear probe finds inside",
        alt=sentence,
        conditions=[WORDS[k] for k in values["kinds"]],
        y_axis=Axis("balanced accuracy", "", 0.0, 1.0),
        values=accuracy,
        intervals=intervals,
        paired=True,
    )
    return Result(sentence, values, figures=(figure,))


ANALYSIS = Analysis(
    "probe", "whether an imitator's inside says what is hidden: linear probes against permuted and unused labels",
    compute, show, Settings, needs=(log("thoughts", "probe_every"),),
)  # fmt: skip
