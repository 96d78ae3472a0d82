"""The story of a run of `chemotaxis` (or `trend`): a sentence, a replay, figures. NumPy, no jax."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mesocosm.experiments import story
from mesocosm.experiments.assay.analysis import distance, intake, tumbling
from mesocosm.experiments.assay.optimum import found_before
from mesocosm.experiments.chemotaxis.results import median_replicate
from mesocosm.experiments.story import Axis, Band, Curve, Section, Story
from mesocosm.findings.claim import Finding
from mesocosm.findings.intervals import mean_interval
from mesocosm.instruments.analysis import GRAIN, LEVELS, direction, level_names, ordered_senses, stimulus_names
from mesocosm.instruments.ancestry import lineage_shares, lives
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
            sections.append(_lineages(record, replicate))
    sections.append(_ecology(record))
    return Story(
        sentence=_sentence(record, findings, survived),
        chips=_chips(record, survived),
        replay=_replay(assays, replicate) if survived else None,
        sections=[s for s in sections if s.figures or s.text],
        notes=_notes(record),
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
        parts.append(f"right in {sign.n_right} of {sign.n_used} surviving worlds {_interval(sign, 100, '%')}".strip())
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


def _chips(record: Record, survived: int) -> list[tuple[str, str]]:
    residual = sum(abs(int(x)) for x in record.metrics.get("residual", []))
    births = int(record.metrics["births"].sum()) if "births" in record.metrics else 0
    return [
        ("worlds started", str(record.replicates)),
        ("died out", str(record.replicates - survived)),
        ("ticks", f"{record.tick:,}"),
        ("births", f"{births:,}"),
        ("seconds", f"{record.seconds:.0f}"),
        ("ledger residual", f"{residual} quanta"),
    ]


def _notes(record: Record) -> list[str]:
    notes = [
        "The unit of replication is the independently founded world; bodies within a world are not independent.",
        "Each body carries a shadow genome: founded, copied, mutated and swapped in the same way, never expressed.",
    ]
    ended = [s for s in record.statuses if s.status != "alive"]
    if ended:
        first = ended[0]
        notes.append(
            f"{len(ended)} of {record.replicates} worlds ended early (world {first.replicate}: {first.status} at tick "
            f"{first.tick}, {first.cause}); they count in every denominator."
        )
    if record.header["interventions"]:
        notes.append("Parameters were changed during the run: every finding is exploratory.")
    return notes


# -- figures -------------------------------------------------------------------------------------------------------


def _senses(record: Record) -> list[str]:
    return record.header["configuration"]["world"]["senses"]


def _grid(record: Record, values: np.ndarray) -> np.ndarray:
    """A column of the metrics as [replicates, windows], NaN where a replicate has ended."""
    every = int(record.header["every"])
    out = np.full((record.replicates, max(1, record.tick // every)), np.nan)
    metrics = record.metrics
    out[metrics["replicate"].astype(int), metrics["tick"].astype(int) // every - 1] = values
    return out


def _ticks(record: Record) -> np.ndarray:
    every = int(record.header["every"])
    return np.arange(1, max(1, record.tick // every) + 1) * every


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
    return _grid(record, np.where(metrics["population"] > 0, difference, np.nan))


def _band(label: str, lines: np.ndarray) -> Band:
    """The control's median and central 90 % at each x."""
    low, median, high = (np.full(lines.shape[1], np.nan) for _ in range(3))
    there = np.isfinite(lines).any(axis=0)
    if there.any():
        low[there], median[there], high[there] = np.nanquantile(lines[:, there], [0.05, 0.5, 0.95], axis=0)
    return Band(label, low, median, high)


def _over_time(record: Record) -> Section:
    evolved, shadow = _contrast(record, "evolved"), _contrast(record, "shadow")
    last = evolved[:, -1][np.isfinite(evolved[:, -1])]
    end = f"at the end {np.median(last):+.2f} in the median of {last.size} worlds" if last.size else "no world lives"
    figure = story.Trajectories(
        title=f"P(tumble), {_ends(record)}",
        alt=f"Contrast of tumbling over time in {record.replicates} worlds; {end}; the shadow genomes stay around 0.",
        x_axis=Axis("tick"),
        y_axis=Axis(f"P(tumble), {_ends(record)}", low=-1, high=1),
        x=_ticks(record),
        lines=evolved,
        control=_band("shadow genomes, 90 % of worlds", shadow),
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
        _strips(gardens, intake, "Food eaten per body and tick", Axis("intake", "quanta per body and tick", low=0)),
        _strips(gardens, distance, "Distance to the nearest source", Axis("distance", "cells", low=0)),
    ]
    text = (
        "Frozen clones of each population in fresh worlds, the same for all: nobody is born, dies, pays or changes. "
        "A dot is a world; thin lines join the same world."
    )
    return Section("In the common garden", text, figures)


def _strips(gardens: Sequence[tuple[str, Record]], measure: Any, title: str, axis: Axis) -> story.Strips:
    values = np.array([measure(garden) for _, garden in gardens])
    intervals: list[tuple[float, float, float] | None] = []
    for row in values:
        there = row[np.isfinite(row)]
        found = mean_interval(there) if there.size > 1 else None
        intervals.append((float(found.estimate), float(found.low), float(found.high)) if found else None)
    said = ", ".join(f"{n} {i[0]:.2f}" for (n, _), i in zip(gardens, intervals, strict=True) if i)
    return story.Strips(
        title=title,
        alt=f"{title}, means over worlds: {said or 'too few worlds for a mean'}.",
        conditions=[n for n, _ in gardens],
        y_axis=axis,
        values=values,
        intervals=intervals,
        paired=True,
    )


def _lineages(record: Record, replicate: int) -> Section:
    who, ticks = lives(record, replicate), _ticks(record)
    shares, founders = lineage_shares(who, ticks - 1)
    left = int(np.unique(who.founder[who.alive_at(record.tick - 1)]).size)
    rest = np.clip(1 - shares.sum(axis=0, keepdims=True), 0, 1)
    begun = int((who.parent == 0).sum())
    figure = story.Shares(
        title=f"Lineages in world {replicate}",
        alt=f"Of {begun} founders in world {replicate}, {left} have living descendants at tick {record.tick}; the "
        f"largest lineage is {100 * shares[0, -1]:.0f} % of bodies.",
        x_axis=Axis("tick"),
        y_axis=Axis("share of bodies", low=0, high=1),
        x=ticks,
        shares=np.concatenate([shares, rest]),
        labels=[*(f"founder {f}" for f in founders), "all others"],
    )
    text = (
        f"Descent by division: of {begun} founders, {left} still have descendants. Genes also travel sideways, by "
        "exchange at touch, so a lineage is not a genotype."
    )
    return Section("Lineages", text, [figure])


_CAUSES = {
    "inflow": "fell into the world",
    "eaten": "eaten",
    "metabolism": "paid for living",
    "signalling": "paid for signals",
    "wasted": "eaten by the full",
    "decayed": "decayed uneaten",
    "spilled": "spilled",
}


def _ecology(record: Record) -> Section:
    metrics = record.metrics
    population = _grid(record, metrics["population"])
    final = population[:, -1][np.isfinite(population[:, -1])]
    said = f"at the end {np.median(final):.0f} bodies in the median world" if final.size else "all worlds have ended"
    bodies = story.Trajectories(
        title="Population",
        alt=f"Bodies in each of {record.replicates} worlds over time; {said}.",
        x_axis=Axis("tick"),
        y_axis=Axis("bodies", low=0),
        x=_ticks(record),
        lines=population,
        label="each world",
    )
    total = max(int(metrics["inflow"].astype(object).sum()), 1)
    rows = [
        (
            words,
            int(metrics[cause].astype(object).sum()),
            f"{100 * int(metrics[cause].astype(object).sum()) / total:.1f} %",
        )
        for cause, words in _CAUSES.items()
    ]
    residual = sum(abs(int(x)) for x in metrics["residual"])
    ledger = story.Table(
        "Where the energy went, all worlds together (quanta)",
        ("cause", "quanta", "of inflow"),
        rows,
        [("what no cause explains", residual, "")],
    )
    text = (
        "Energy is conserved to the last quantum: what fell in is booked by cause and held against the state itself, "
        "summed independently."
    )
    return Section("Ecology and ledger", text, [bodies, ledger])


# -- replay --------------------------------------------------------------------------------------------------------


def _replay(assays: Mapping[str, Record], replicate: int) -> story.Replay | None:
    panels = [
        _panel(title, assays[name])
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


def _panel(title: str, garden: Record) -> story.Panel | None:
    bodies, sources = garden.frames("bodies"), garden.frames("sources")
    if not bodies["tick"].size:
        return None
    fields = {}
    for name in ("food", "odour"):
        taken = garden.frames(f"{name}_field")
        if taken["tick"].size:
            fields[name] = (taken[name], taken["tick"])
    kept = {k: bodies[k] for k in ("tick", "id", "x", "y", "energy") if k in bodies}
    kept["act"] = _acts(kept)
    return story.Panel(
        title=title,
        side=int(garden.header["configuration"]["resolved"]["world"]["side"]),
        bodies=kept,
        sources={k: sources[k] for k in ("tick", "x", "y")},
        fields=fields,
        words={"act": ("run", "tumble")},
        units={"energy": "quanta", "food": "quanta", "odour": "amount"},
    )


def _acts(bodies: dict[str, np.ndarray]) -> np.ndarray:
    """1 where a body stayed where it was since the frame before: it tumbled."""
    order = np.lexsort([bodies["tick"], bodies["id"]])
    same = np.zeros(order.size, bool)
    now, before = order[1:], order[:-1]
    is_same_body = bodies["id"][now] == bodies["id"][before]
    stayed = (bodies["x"][now] == bodies["x"][before]) & (bodies["y"][now] == bodies["y"][before])
    same[1:] = is_same_body & stayed
    out = np.zeros(order.size, np.int32)
    out[order] = same
    return out
