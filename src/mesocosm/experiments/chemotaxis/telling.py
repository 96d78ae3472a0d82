"""The story of a run of `chemotaxis` (or `trend`): a sentence, a replay, figures. NumPy, no jax."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mesocosm.experiments import story
from mesocosm.experiments.assay.analysis import distance, intake, tumbling
from mesocosm.experiments.assay.optimum import found_before
from mesocosm.experiments.chemotaxis.results import median_replicate
from mesocosm.experiments.story import Axis, Curve, Section, Story
from mesocosm.experiments.telling import band, chips, ecology, lineages, notes, panel, strips, ticks, variety
from mesocosm.findings.claim import Finding
from mesocosm.findings.intervals import mean_interval
from mesocosm.instruments.analysis import (
    GRAIN,
    LEVELS,
    direction,
    level_names,
    ordered_senses,
    stimulus_names,
    windows,
)
from mesocosm.minds.policy import softmax_weight
from mesocosm.record import Record

_GENOTYPES = 5
"""Genotypes whose response is drawn."""


def tell(record: Record, assays: Mapping[str, Record], findings: Sequence[Finding]) -> Story:
    """What the report shows of a run."""
    replicate = median_replicate(record)
    sections = [_over_time(record)]
    survived = sum(s.status == "alive" for s in record.statuses)
    if survived:
        sections += [_genotypes(record, replicate), _gardens(assays), _best(record, assays)]
        if "births" in record.header["logs"]:
            sections += [lineages(record, replicate), variety(record)]
    sections.append(ecology(record))
    return Story(
        sentence=_sentence(record, findings, survived),
        chips=chips(record, survived),
        replay=_replay(assays, replicate) if survived else None,
        sections=[s for s in sections if s.figures or s.text],
        notes=notes(record),
    )


# -- words ---------------------------------------------------------------------------------------------------------


def _sentence(record: Record, findings: Sequence[Finding], survived: int) -> str:
    started = record.replicates
    if not survived:
        return f"All {started} worlds died out: nothing evolved that lasted."
    by_name = {f.name: f for f in findings}
    alive = f"{survived} of {started} worlds live. "
    if "follows" not in by_name:
        return f"{alive}Nothing was judged: the declared assays were left out."
    f, sign, food = (by_name[name] for name in ("follows", "sign", "intake"))
    headline = {
        "supported": "Chemotaxis evolved (supported)",
        "refuted": "The opposite of chemotaxis evolved (refuted)",
        "equivalent": "No chemotaxis evolved (equivalent to the shadow)",
        "undecided": "Whether chemotaxis evolved is undecided",
    }[f.verdict]
    ends = _ends(record)
    parts = [f"{headline}: P(tumble) {ends}, {_number(f)} {'above' if (f.estimate or 0) >= 0 else 'from'} the shadow"]
    if sign.n_used:
        parts.append(f"right in {sign.n_right} of {sign.n_started} worlds {_interval(sign, 100, '%')}".strip())
    if food.estimate is not None:
        parts.append(f"intake {food.estimate:.2f}× the founders' {_interval(food)}".strip())
    return alive + "; ".join(parts) + "."


def _ends(record: Record) -> str:
    names = level_names(_senses(record))
    return f"{names[-1]} less {names[0]}" if direction(_senses(record)) > 0 else f"{names[0]} less {names[-1]}"


def _number(f: Finding) -> str:
    return f.note if f.estimate is None else f"{f.estimate:+.2f} {_interval(f)}".strip()


def _interval(f: Finding, scale: float = 1, unit: str = "") -> str:
    if f.low is None or f.high is None:
        return ""
    digits = 0 if scale == 100 else 2
    return f"[{scale * f.low:.{digits}f}, {scale * f.high:.{digits}f}]{' ' + unit if unit else ''}"


# -- figures -------------------------------------------------------------------------------------------------------


def _senses(record: Record) -> list[str]:
    return record.header["configuration"]["world"]["senses"]


def _contrast(record: Record, strand: str) -> np.ndarray:
    """P(tumble) at one end of the first sense less that at the other, over living bodies. [replicates, windows]"""
    senses, metrics = _senses(record), record.metrics
    n_levels = len(level_names(senses))
    n_stimuli = int(np.prod([len(LEVELS[s]) for s in ordered_senses(senses)], dtype=int))
    per_level = n_stimuli // n_levels
    living = np.maximum(metrics["population"], 1) * float(GRAIN)

    def level(k: int) -> np.ndarray:
        stimuli = range(k * per_level, (k + 1) * per_level)
        chance = np.array([metrics[f"tumble_{strand}_{s}"] / living for s in stimuli])
        visits = np.array([metrics[f"visits_{s}"] for s in stimuli], float)
        visits = np.where(visits.sum(axis=0) > 0, visits, 1.0)
        return (chance * visits).sum(axis=0) / visits.sum(axis=0)

    difference = direction(senses) * (level(n_levels - 1) - level(0))
    return windows(record, np.where(metrics["population"] > 0, difference, np.nan))


def _over_time(record: Record) -> Section:
    evolved, shadow = _contrast(record, "evolved"), _contrast(record, "shadow")
    last = evolved[:, -1][np.isfinite(evolved[:, -1])]
    end = f"at the end {np.median(last):+.2f} in the median of {last.size} worlds" if last.size else "no world lives"
    figure = story.Trajectories(
        title=f"P(tumble), {_ends(record)}",
        alt=f"Contrast of tumbling over time in {record.replicates} worlds; {end}; the shadow genomes stay around 0.",
        x_axis=Axis("tick"),
        y_axis=Axis(f"P(tumble), {_ends(record)}", low=-1, high=1),
        x=ticks(record),
        lines=evolved,
        control=band("shadow genomes, 90 % of worlds", shadow),
        label="evolved, each world",
        marks=[(i[0], f"{i[1]} = {i[2]}") for i in record.header["interventions"]],
    )
    text = (
        "Each thin line is one world; the bold line is the median. The band holds 90 % of the shadow genomes: "
        "what chance and descent alone would do in the same worlds."
    )
    return Section("What evolved, over time", text, [figure])


def _responses(record: Record, genomes: np.ndarray) -> np.ndarray:
    """P(tumble) under each stimulus: [genomes, stimuli], from genes [genomes, loci]."""
    c = record.header["configuration"]
    acts = 4 if c["world"]["signal"] else 2
    rows = genomes.astype(np.int64).reshape(genomes.shape[0], -1, acts)
    if c["mind"]["policy"] == "argmax":
        return (rows.argmax(axis=2) % 2).astype(float)
    weights = softmax_weight(rows.max(axis=2, keepdims=True) - rows, c["mind"]["sharpness"])
    return weights[:, :, 1::2].sum(axis=2) / weights.sum(axis=2)


def _genotypes(record: Record, replicate: int) -> Section:
    state = record.state
    lane = int(np.flatnonzero(state["replicate"] == replicate)[0])
    alive = state["state.world.bodies.id"][lane] > 0
    genomes = state["state.genomes"][lane][:, :, alive]  # strand, locus, body
    kinds, counts = np.unique(genomes[0].T, axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:_GENOTYPES]
    share = counts[order] / alive.sum()
    responses = _responses(record, kinds[order])
    own = [
        Curve(f"genotype {k + 1}, {100 * s:.0f} % of bodies", r, weight=float(0.5 + 2 * s / share[0]))
        for k, (s, r) in enumerate(zip(share, responses, strict=True))
    ]
    shadow = Curve("their shadows, mean", _responses(record, genomes[1].T).mean(axis=0), is_control=True)
    names = stimulus_names(_senses(record))
    said = ", ".join(f"{n} {p:.2f}" for n, p in zip(names, responses[0], strict=True))
    figure = story.Curves(
        title="What the commonest genotypes do",
        alt=f"P(tumble) of the commonest genotype in world {replicate}: {said}.",
        categories=names,
        x_axis=Axis(" × ".join(ordered_senses(_senses(record))) or "always"),
        y_axis=Axis("P(tumble)", low=0, high=1),
        curves=[*own, shadow],
    )
    text = (
        f"The {len(own)} commonest genotypes of world {replicate}, the median of all worlds by outcome; "
        f"{kinds.shape[0]} genotypes live there among {int(alive.sum())} bodies. A thicker line is a commoner genotype."
    )
    return Section("Who won", text, [figure])


def _best(record: Record, assays: Mapping[str, Record]) -> Section:
    """What direct search found, where `mesocosm optimum` has been asked."""
    found = found_before(record)
    if not found:
        return Section("How far from the best")
    curves = [Curve(_SOUGHT[o.by], np.array(o.chances)) for o in found]
    if "garden-evolved" in assays and len(ordered_senses(_senses(record))) < 2:
        levels = tumbling(assays["garden-evolved"])
        there = levels[np.isfinite(levels).all(axis=1)]
        bounds = mean_interval(there.T) if len(there) > 1 else None
        low, high = (bounds.low, bounds.high) if bounds else (None, None)
        curves.append(Curve("evolved, mean over worlds", there.mean(axis=0), low, high, is_control=True))
    figure = story.Curves(
        title="The best by direct search, and what evolved",
        alt=" ".join(o.sentence() for o in found),
        categories=found[0].stimuli,
        x_axis=Axis(" × ".join(ordered_senses(_senses(record))) or "always"),
        y_axis=Axis("P(tumble)", low=0, high=1),
        curves=curves,
    )
    rows = [(_SOUGHT[o.by], *(f.words("worlds").removeprefix("exploratory, ") for f in o.findings)) for o in found]
    table = story.Table("The best against the evolved", ("the best", "food eaten", "selection"), rows)
    text = (
        "A search over P(tumble) under each stimulus that began at 1/2 and never saw what evolved. It is judged in the "
        "worlds of the declared assays, which it never saw either. Exploratory."
    )
    return Section("How far from the best", text, [figure, table])


_SOUGHT = {"garden": "eats the most", "invasion": "gains the most on the evolved"}


def _gardens(assays: Mapping[str, Record]) -> Section:
    gardens = [(n, assays[f"garden-{n}"]) for n in ("founders", "shadow", "evolved") if f"garden-{n}" in assays]
    if not gardens:
        return Section("In the common garden")
    figures = [
        strips(gardens, intake, "Food eaten per body and tick", Axis("intake", "quanta per body and tick", low=0)),
        strips(gardens, distance, "Distance to the nearest source", Axis("distance", "cells", low=0)),
    ]
    text = (
        "Frozen clones of each population in fresh worlds, the same for all: nobody is born, dies, pays or changes. "
        "A dot is a world; thin lines join the same world."
    )
    return Section("In the common garden", text, figures)


# -- replay --------------------------------------------------------------------------------------------------------


def _replay(assays: Mapping[str, Record], replicate: int) -> story.Replay | None:
    panels = [
        panel(title, assays[name])
        for name, title in (("garden-founders", "founders"), ("garden-evolved", "evolved"))
        if name in assays and assays[name].header.get("frames")
    ]
    panels = [p for p in panels if p is not None]
    if len(panels) != 2:
        return None
    caption = (
        f"World {replicate}, the median of all: its founders (left) and what evolved from them (right), frozen, in the "
        "same fresh world with the same seed. Nobody is born or dies; watch who finds the food."
    )
    return story.Replay(caption, panels)
