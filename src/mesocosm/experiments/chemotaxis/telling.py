"""The story of a run of `chemotaxis` (or `trend`): a sentence, a replay, figures. NumPy, no jax."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mesocosm.ecology.analysis import (
    GRAIN,
    LEVELS,
    direction,
    ends,
    level_names,
    ordered_senses,
    stimulus_names,
    windows,
)
from mesocosm.ecology.assay.analysis import distance, intake, tumbling
from mesocosm.ecology.assay.optimum import found_before
from mesocosm.experiments.chemotaxis.results import median_replicate
from mesocosm.experiments.telling import (
    at_the_end,
    band,
    chips,
    ecology,
    introduction,
    lineages,
    notes,
    strips,
    ticks,
    variety,
)
from mesocosm.findings.claim import Finding, show_interval
from mesocosm.findings.intervals import mean_interval
from mesocosm.instruments.recorded import panel
from mesocosm.minds.policy import softmax_weight
from mesocosm.protocol import story
from mesocosm.protocol.story import Axis, Curve, Section, Story
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
        replay=_replay(assays, replicate, record.tick) if survived else None,
        sections=[s for s in sections if s.figures or s.text],
        notes=notes(record),
        introduction=introduction(record, survived, findings, _found(findings) if survived else ""),
    )


# -- words ---------------------------------------------------------------------------------------------------------


_PLACES = {
    "odour": ("near the source of food", "far from it"),
    "trend": ("when the odour falls", "when it rises"),
    "touch": ("when touched", "alone"),
    "signal": ("where a signal is strong", "where there is none"),
    "energy": ("when full", "when starving"),
}
"""Where tumbling should be more frequent, and where less, by the first sense."""


def _sentence(record: Record, findings: Sequence[Finding], survived: int) -> str:
    """The answer first, with interval, n and control."""
    started = record.replicates
    if not survived:
        return f"All {started} worlds died out: nothing evolved that lasted."
    by_name = {f.name: f for f in findings}
    if not by_name:
        return f"{survived} of {started} worlds live. Nothing was judged: the declared assays were left out."
    if "follows" not in by_name:
        return "These bacteria sense nothing: there is nothing that they could follow."
    f = by_name["follows"]
    what = "chemotaxis" if f.declared else f"a response to {ordered_senses(_senses(record))[0]}"
    label = f.verdict if f.declared else f"exploratory, {f.verdict}"
    there, elsewhere = _where(record)
    if f.estimate is None or f.low is None:
        return f"Whether {what} evolved is undecided. {f.note}"
    low, high, _ = f.shown
    size = show_interval(f.estimate, low, high, signed=f.verdict != "supported")
    counted = f"as predicted in {f.n_right} of {started} worlds"
    if f.verdict == "supported":
        return (
            f"{what.capitalize()} evolved ({label}): {there} bacteria tumble more often than {elsewhere}, {size} "
            f"beyond what their shadow genes would do, {counted}."
        )
    headline = {
        "refuted": f"The opposite of {what} evolved ({label})",
        "equivalent": f"No {what.removeprefix('a ')} evolved ({label})",
        "undecided": f"Whether {what} evolved is undecided{'' if f.declared else ' (exploratory)'}",
    }[f.verdict]
    return (
        f"{headline}: how much more often they tumble {there} than {elsewhere} differs by {size} from what their "
        f"shadow genes would do, {counted}."
    )


def _found(findings: Sequence[Finding]) -> str:
    """What else is claimed, in words."""
    by_name = {f.name: f for f in findings if f.estimate is not None and f.low is not None}
    said = []
    first = by_name.get("follows")
    why = f"{first.note} " if first is not None and first.verdict == "undecided" else ""
    if food := by_name.get("intake"):
        low, high, _ = food.shown
        said.append(
            f"They eat {show_interval(food.estimate, low, high)} times what their founders eat in the same worlds"
        )
    if away := by_name.get("distance"):
        low, high, _ = away.shown
        size = show_interval(away.estimate, low, high, " cells", signed=True)
        said.append(
            {
                "supported": f"they live nearer to the food: {size}",
                "refuted": f"they live farther from the food: {size}",
                "equivalent": f"they live no nearer to the food, to within {away.delta:g} cells: {size}",
                "undecided": f"whether they live nearer to the food is undecided: {size}",
            }[away.verdict]
        )
    text = "; ".join(said)
    return why + (f"{text[:1].upper()}{text[1:]}." if text else "")


def _where(record: Record) -> tuple[str, str]:
    return _PLACES[ordered_senses(_senses(record))[0]]


def _ends(record: Record) -> str:
    return " less ".join(ends(_senses(record)))


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
    figure = story.Trajectories(
        title=f"How much more they tumble: {_ends(record)}",
        alt=f"P(tumble) {_ends(record)} in {record.replicates} worlds; {at_the_end(evolved, shadow)}.",
        x_axis=Axis("tick"),
        y_axis=Axis(f"P(tumble), {_ends(record)}", low=-1, high=1),
        x=ticks(record),
        lines=evolved,
        control=band("shadow genes, 90 % of worlds", shadow),
        label="worlds",
        marks=[(i[0], f"{i[1]} = {i[2]}") for i in record.header["interventions"]],
    )
    text = (
        "P(tumble) is the probability that a body tumbles in a tick. Each thin line is one world, the bold line their "
        "median. The band holds the shadow genes of 90 % of the worlds: what chance and descent alone have done there."
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
        Curve(f"genotype {k + 1}, {100 * s:.2g} % of bodies", r, weight=float(0.5 + 2 * s / share[0]))
        for k, (s, r) in enumerate(zip(share, responses, strict=True))
    ]
    shadow = Curve("their shadow genes, mean", _responses(record, genomes[1].T).mean(axis=0), is_control=True)
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
        f"World {replicate} is the one whose outcome is the median of all. Among its {int(alive.sum())} bodies there "
        f"are {kinds.shape[0]} genotypes; the {len(own)} commonest are drawn, a commoner one thicker."
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
        strips(gardens, distance, "Distance to the nearest source", Axis("distance", "cells")),
    ]
    text = (
        "What did selection do for them? Copies of founders, of shadow genes put to use, and of the evolved are set "
        "out in fresh worlds, the same for all, and frozen: nobody is born, dies, pays or changes. A dot is a world; "
        "thin lines join the same world."
    )
    return Section("In the common garden", text, figures)


# -- replay --------------------------------------------------------------------------------------------------------


def _replay(assays: Mapping[str, Record], replicate: int, lived: int) -> story.Replay | None:
    panels = [
        panel(title, assays[name])
        for name, title in (("garden-founders", "founders"), ("garden-evolved", "evolved"))
        if name in assays and assays[name].header.get("frames")
    ]
    panels = [p for p in panels if p is not None]
    if len(panels) != 2:
        return None
    caption = (
        f"World {replicate}, whose outcome is the median of all. Left its founders, right what they had become after "
        f"{lived:,} ticks: set out in the same fresh world with the same seed, and frozen. Nobody is born, dies or "
        "changes here. The ring is the source of food: watch who stays with it."
    )
    return story.Replay(caption, panels)
