"""Figures of `chemotaxis` and `trend` alone: response curves of genotypes, and the best by direct search. NumPy."""

from __future__ import annotations

import numpy as np

from mesocosm.ecology.analysis import ordered_senses, stimulus_names
from mesocosm.ecology.assay.analysis import tumbling
from mesocosm.ecology.assay.optimum import found_before
from mesocosm.findings.intervals import mean_interval
from mesocosm.minds.policy import softmax_weight
from mesocosm.protocol.blocks import Told
from mesocosm.protocol.story import Axis, Curve, Curves, Section, Table
from mesocosm.record import Record

_GENOTYPES = 5
"""Genotypes whose response is drawn."""


def _senses(record: Record) -> list[str]:
    return record.header["configuration"]["world"]["senses"]


def _responses(record: Record, genomes: np.ndarray) -> np.ndarray:
    """P(tumble) under each stimulus: [genomes, stimuli], from genes [genomes, loci]."""
    c = record.header["configuration"]
    acts = 4 if c["world"]["signal"] else 2
    rows = genomes.astype(np.int64).reshape(genomes.shape[0], -1, acts)
    if c["mind"]["policy"] == "argmax":
        return (rows.argmax(axis=2) % 2).astype(float)
    weights = softmax_weight(rows.max(axis=2, keepdims=True) - rows, c["mind"]["sharpness"])
    return weights[:, :, 1::2].sum(axis=2) / weights.sum(axis=2)


def genotypes(told: Told) -> Section | None:
    """What the commonest genotypes of the median world do."""
    record, replicate = told.record, told.median
    if not told.alive:
        return None
    state = record.state
    lane = int(np.flatnonzero(state["replicate"] == replicate)[0])
    alive = state["state.world.bodies.id"][lane] > 0
    genomes = state["state.genomes"][lane][:, :, alive]  # strand, locus, body
    kinds, counts = np.unique(genomes[0].T, axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:_GENOTYPES]
    share = counts[order] / alive.sum()
    responses = _responses(record, kinds[order])
    own = [
        Curve(f"genotype {k + 1}, {100 * s:.2g} % of bodies", r, weight=float(0.5 + 2 * s / share[0]))
        for k, (s, r) in enumerate(zip(share, responses, strict=True))
    ]
    shadow = Curve("their shadow genes, mean", _responses(record, genomes[1].T).mean(axis=0), is_control=True)
    names = stimulus_names(_senses(record))
    said = ", ".join(f"{n} {p:.2f}" for n, p in zip(names, responses[0], strict=True))
    figure = Curves(
        title="What the commonest genotypes do",
        alt=f"P(tumble) of the commonest genotype in world {replicate}: {said}.",
        categories=names,
        x_axis=Axis(" × ".join(ordered_senses(_senses(record))) or "always"),
        y_axis=Axis("P(tumble)", low=0, high=1),
        curves=[*own, shadow],
    )
    text = (
        f"World {replicate} is the one whose outcome is the median of all. Among its {int(alive.sum())} bodies there "
        f"are {kinds.shape[0]} genotypes; the {len(own)} commonest are drawn, a commoner one thicker."
    )
    return Section("Who won", text, [figure])


def best(told: Told) -> Section | None:
    """What direct search found, where `mesocosm optimum` has been asked."""
    record, assays = told.record, told.runs
    found = found_before(record)
    if not found:
        return None
    curves = [Curve(_SOUGHT[o.by], np.array(o.chances)) for o in found]
    if "garden-evolved" in assays and len(ordered_senses(_senses(record))) < 2:
        levels = tumbling(assays["garden-evolved"])
        there = levels[np.isfinite(levels).all(axis=1)]
        bounds = mean_interval(there.T) if len(there) > 1 else None
        low, high = (bounds.low, bounds.high) if bounds else (None, None)
        curves.append(Curve("evolved, mean over worlds", there.mean(axis=0), low, high, is_control=True))
    figure = Curves(
        title="The best by direct search, and what evolved",
        alt=" ".join(o.sentence() for o in found),
        categories=found[0].stimuli,
        x_axis=Axis(" × ".join(ordered_senses(_senses(record))) or "always"),
        y_axis=Axis("P(tumble)", low=0, high=1),
        curves=curves,
    )
    rows = [(_SOUGHT[o.by], *(f.words("worlds").removeprefix("exploratory, ") for f in o.findings[:2])) for o in found]
    table = Table("The best against the evolved", ("the best", "food eaten", "selection"), rows)
    text = (
        "A search that never saw what evolved, judged in the worlds of the declared assays, which it never saw either."
    )
    return Section("How far from the best", text, [figure, table])


_SOUGHT = {"garden": "eats the most", "invasion": "gains the most on the evolved", "colony": "makes the largest colony"}
