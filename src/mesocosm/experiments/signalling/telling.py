"""The story of a run of `signalling`: a sentence, what was kept, what it is for, who is related. NumPy, no jax."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mesocosm.ecology.analysis import GRAIN, LEVELS, last_rows, ordered_senses, windows
from mesocosm.ecology.assay.analysis import distance, intake, survival
from mesocosm.experiments.signalling.analysis import LEAST, NEAR, emission, stands_in_food, tells, threshold
from mesocosm.experiments.signalling.results import KNOCK_OUTS
from mesocosm.experiments.telling import band, chips, ecology, introduction, lineages, notes, strips, ticks
from mesocosm.findings.claim import Finding, show_interval
from mesocosm.findings.intervals import mean_interval
from mesocosm.instruments.relatedness import Relatedness, relatedness
from mesocosm.protocol.story import Axis, Curve, Curves, Section, Story, Strips, Table, Trajectories
from mesocosm.record import Record


def tell(record: Record, assays: Mapping[str, Record], findings: Sequence[Finding]) -> Story:
    """What the report shows of a run."""
    survived = sum(s.status == "alive" for s in record.statuses)
    sections = [_over_time(record, assays)]
    if survived:
        sections += [_arms(record, assays), _behaviour(record), _knock_outs(assays)]
        if "births" in record.header["logs"]:
            sections += [_related(record), lineages(record, median_replicate(record))]
    sections.append(ecology(record))
    return Story(
        sentence=sentence(record, assays, findings),
        chips=chips(record, survived),
        sections=[s for s in sections if s.figures or s.text],
        notes=notes(record),
        introduction=introduction(record, survived, findings),
    )


_HEADLINES = {
    "supported": "The signal is kept (supported)",
    "refuted": "The signal is given up: the deaf emit more (refuted)",
    "equivalent": "The signal is not kept: those who hear emit as the deaf do (equivalent)",
    "undecided": "Whether the signal is kept is undecided",
}


def sentence(record: Record, assays: Mapping[str, Record], findings: Sequence[Finding]) -> str:
    """The answer first: is it kept, where is it emitted, what is lost without it."""
    survived = sum(s.status == "alive" for s in record.statuses)
    if not survived:
        return f"All {record.replicates} worlds died out: nothing evolved that lasted."
    by_name = {f.name: f for f in findings}
    if "kept" not in by_name or "deaf" not in assays:
        return f"Nothing was judged: the deaf control was left out. {survived} of {record.replicates} worlds live."
    kept, calls, food = (by_name[name] for name in ("kept", "calls", "intake"))
    cost = record.header["configuration"]["world"]["emission_cost"]
    parts = [f"{_HEADLINES[kept.verdict]} at a cost of {cost} quanta: emission {_effect(kept)} against the deaf"]
    held = by_name["retained"]
    if held.n_used:
        parts.append(f"above nearly all of the deaf in {held.n_right} of {held.n_started} worlds")
    parts.append(f"in food {_effect(calls)}")
    if food.estimate is not None:
        parts.append(f"intake {show_interval(food.estimate, food.low, food.high)} times that of the same bodies, mute")
    return "; ".join(parts) + f". {survived} of {record.replicates} worlds live."


def _effect(f: Finding) -> str:
    return f.note if f.estimate is None else show_interval(f.estimate, f.low, f.high, signed=True)


def median_replicate(record: Record) -> int:
    """The surviving replicate whose emission is the median of all; 0 if none lives."""
    own = emission(record)
    ordered = sorted(np.flatnonzero(np.isfinite(own)), key=lambda r: (own[r], r))
    return int(ordered[len(ordered) // 2]) if ordered else 0


def _rate(record: Record) -> np.ndarray:
    """Emissions per body and tick in each window. [replicates, windows]"""
    metrics = record.metrics
    emitted = sum(metrics[name].astype(float) for name in metrics if name.startswith("emitted_"))
    with np.errstate(invalid="ignore", divide="ignore"):
        return windows(record, np.where(metrics["agent_ticks"] > 0, emitted / metrics["agent_ticks"], np.nan))


def _over_time(record: Record, assays: Mapping[str, Record]) -> Section:
    own = _rate(record)
    last = own[:, -1][np.isfinite(own[:, -1])]
    said = f"at the end {np.median(last):.2f} in the median of {last.size} worlds" if last.size else "no world lives"
    deaf = assays.get("deaf")
    figure = Trajectories(
        title="Emissions per body and tick",
        alt=f"Emission over time in {record.replicates} worlds; {said}.",
        x_axis=Axis("tick"),
        y_axis=Axis("emissions per body and tick", low=0, high=1),
        x=ticks(record),
        lines=own,
        control=band("the deaf, 90 % of worlds", _rate(deaf)) if deaf is not None else None,
        label="worlds",
        marks=[(i[0], f"{i[1]} = {i[2]}") for i in record.header["interventions"]],
    )
    text = (
        "Each thin line is one world; the bold line is the median. The band holds 90 % of the deaf worlds: bodies emit "
        "and pay alike, but all read the signal of one body, drawn anew in every tick. Founders emit in half of all "
        "ticks."
    )
    return Section("Is the signal kept?", text, [figure])


def _arms(record: Record, assays: Mapping[str, Record]) -> Section:
    deaf = assays.get("deaf")
    if deaf is None:
        return Section("Where it is emitted")
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
        intervals=[_mean(v) for v in values],
        paired=False,
    )
    limit = threshold(values[0])
    where = (
        f"The 95th percentile of the deaf lies at {limit:.3f}."
        if np.isfinite(limit)
        else f"With fewer than {LEAST} deaf worlds no threshold is drawn."
    )
    contrast = {name: tells(record, name) for name in ("shadow", "evolved")}
    said = ", ".join(f"{k} {_shown(v)}" for k, v in contrast.items())
    text = f"{where} P(emit | food) - P(emit | none) of the genomes at the end: {said}."
    return Section("Where it is emitted", text, [figure])


def _mean(values: np.ndarray) -> tuple[float, float, float] | None:
    there = values[np.isfinite(values)]
    if there.size < 2:
        return None
    found = mean_interval(there)
    return float(found.estimate), float(found.low), float(found.high)


def _shown(values: np.ndarray) -> str:
    found = _mean(values)
    return show_interval(*found, signed=True) if found else "unknown"


def _behaviour(record: Record) -> Section:
    """What the genomes at the end would do at each level of the signal, in food and elsewhere, means over worlds."""
    food = stands_in_food(record)
    if ordered_senses(record.header["configuration"]["world"]["senses"]) != ["odour", "signal"]:
        return Section("What they do")
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


def _knock_outs(assays: Mapping[str, Record]) -> Section:
    names = [name for name in KNOCK_OUTS if f"garden-{name}" in assays and f"survival-{name}" in assays]
    if len(names) < len(KNOCK_OUTS):
        return Section("What the signal is for")
    gardens = [(name, assays[f"garden-{name}"]) for name in names]
    alive = [(name, assays[f"survival-{name}"]) for name in names]

    def lived(r: Record) -> np.ndarray:
        return np.where(np.isfinite(intake(r)), survival(r)[:, -1], np.nan)

    figures = [
        strips(gardens, intake, "Food eaten per body and tick", Axis("intake", "quanta per body and tick", low=0)),
        strips(gardens, distance, "Distance to the nearest source", Axis("distance", "cells", low=0)),
        strips(alive, lived, "Alive at the end, the source jumping", Axis("share alive", low=0, high=1)),
    ]
    text = (
        "The same evolved bodies in fresh worlds: intact; mute, whose emissions cost nothing and add no signal; deaf, "
        "who emit and pay but read the signal of one body drawn anew in every tick. In the garden nobody pays, so that "
        "there mute and intact differ by the signal alone; for survival the mute also save what it costs."
    )
    return Section("What the signal is for", text, figures)


def _related(record: Record) -> Section:
    """Are those who hear a signal kin of the one who emits it?"""
    found = {"who share a cell": relatedness(record), f"within {NEAR} cells": relatedness(record, NEAR)}
    rows = []
    for name, worlds in found.items():
        r = {k: np.array([getattr(w, k) for w in worlds]) for k in Relatedness.__dataclass_fields__}
        rows.append((name, _shown(r["genes"]), _shown(r["pedigree"]), _shown(r["genes"] - r["pedigree"])))
    columns = ("bodies", "by genes", "by pedigree", "genes - pedigree: exchange")
    table = Table("Relatedness of neighbours, means over worlds with 95 % intervals", columns, rows)
    text = (
        "0: neighbours are as alike as any two bodies; 1: copies. By genes: at loci that nobody reads. By pedigree: "
        "what division alone would make of it. What the neighbours of an emitter gain counts for its genes only by "
        "this part."
    )
    return Section("Who hears it: relatedness", text, [table])
