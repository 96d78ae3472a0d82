"""The story of a run of `symbiont`: a sentence, a replay, figures. NumPy, no jax."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mesocosm.ecology.assay.analysis import selection_under_both_marks, under_both_marks
from mesocosm.experiments.symbiont.measures import cost, germ, vertical
from mesocosm.experiments.symbiont.results import COMPETITION_TICKS, CURED, median_replicate
from mesocosm.experiments.telling import band, chips, ecology, introduction, lineages, notes, ticks, variety
from mesocosm.findings.claim import Finding
from mesocosm.findings.intervals import mean_interval
from mesocosm.instruments.analysis import windows
from mesocosm.instruments.recorded import panel
from mesocosm.protocol.story import Axis, Replay, Section, Story, Strips, Trajectories
from mesocosm.record import Record


def tell(record: Record, assays: Mapping[str, Record], findings: Sequence[Finding]) -> Story:
    """What the report shows of a run."""
    replicate = median_replicate(record)
    survived = sum(s.status == "alive" for s in record.statuses)
    sections = [_genes(record), _spread(record), _cure(assays)]
    if survived and "births" in record.header["logs"]:
        sections += [lineages(record, replicate), variety(record)]
    sections.append(ecology(record))
    return Story(
        sentence=sentence(record, findings, survived),
        chips=chips(record, survived),
        replay=_replay(assays, replicate) if survived else None,
        sections=[s for s in sections if s.figures or s.text],
        notes=[*notes(record), "Each element carries shadow genes as well: copied and mutated alike, never read."],
        introduction=introduction(record, survived, findings),
        claim="self",
    )


def sentence(record: Record, findings: Sequence[Finding], survived: int) -> str:
    """The answer first."""
    if not survived:
        return f"All {record.replicates} worlds died out: nothing evolved that lasted."
    by_name = {f.name: f for f in findings}
    alive = f"{survived} of {record.replicates} worlds live."
    if "self" not in by_name:
        return f"{alive} Nothing was judged: the declared assays were left out."
    whole, benign, benefit = (by_name[name] for name in ("self", "benign", "benefit"))
    if not whole.n_used:
        return f"{alive} Whether the element became part of the self is undecided: {whole.note}"
    headline = {
        "supported": "The parasite became part of the self",
        "refuted": "The parasite did not become part of the self",
        "equivalent": "The parasite became part of the self in some worlds",
        "undecided": "Whether the parasite becomes part of the self is undecided",
    }[whole.verdict]
    parts = [f"{headline} ({whole.verdict}): in {whole.n_right} of {whole.n_started} worlds"]
    own = cost(record, "evolved")[:, -1]
    if benign.estimate is not None:
        parts.append(f"cost {np.nanmean(own):+.2f} quanta per tick, {benign.estimate:+.2f} from its shadow genes")
    if benefit.estimate is not None:
        parts.append(f"hosts gain {benefit.estimate:+.3f} per 100 ticks on the same hosts cured")
    return f"{'; '.join(parts)}. {alive}"


def _lines(record: Record, title: str, alt: str, axis: Axis, lines: np.ndarray, control: np.ndarray | None = None):
    last = lines[:, -1][np.isfinite(lines[:, -1])]
    said = (
        f"at the end {np.median(last):.2f} in the median of {last.size} worlds" if last.size else "no value at the end"
    )
    return Trajectories(
        title=title,
        alt=f"{alt} over time in {record.replicates} worlds; {said}.",
        x_axis=Axis("tick"),
        y_axis=axis,
        x=ticks(record),
        lines=lines,
        control=None if control is None else band("shadow genes, 90 % of worlds", control),
        label="worlds",
        marks=[(i[0], f"{i[1]} = {i[2]}") for i in record.header["interventions"]],
    )


def _genes(record: Record) -> Section:
    figures = []
    for title, measure, axis in (
        ("What an element costs its host", cost, Axis("cost", "quanta per tick")),
        ("How surely a child inherits it", germ, Axis("probability", low=0, high=1)),
    ):
        own, shadow = measure(record, "evolved"), measure(record, "shadow")
        figures.append(_lines(record, title, title, axis, own, shadow))
    text = (
        "Means over the elements that are carried. A cost below zero saves the host energy. The band holds 90 % of "
        "what the shadow genes of the same elements would do."
    )
    return Section("From virulence to the germ line", text, figures)


def _spread(record: Record) -> Section:
    metrics = record.metrics
    with np.errstate(divide="ignore", invalid="ignore"):
        carried = metrics["carriers"] / metrics["population"]
    n = max(1, record.tick // int(record.header["every"]))
    by_birth = np.stack([vertical(record, slice(k, k + 1)) for k in range(n)], axis=1)
    share = Axis("share", low=0, high=1)
    figures = [
        _lines(record, "Bodies that carry an element", "Share of bodies that carry", share, windows(record, carried)),
        _lines(record, "Entries by birth", "Share of entries that were inherited", share, by_birth),
    ]
    text = "An element enters a body when it is born, or when another body passes it on at touch."
    return Section("How it spreads", text, figures)


def _cure(assays: Mapping[str, Record]) -> Section:
    if not under_both_marks(CURED, "cured", COMPETITION_TICKS).keys() <= assays.keys():
        return Section("What a cure would do")
    values = selection_under_both_marks(assays, CURED)
    there = values[np.isfinite(values)]
    found = mean_interval(there) if there.size > 1 else None
    said = f"mean {found.estimate:+.3f} [{found.low:+.3f}, {found.high:+.3f}]" if found else "too few worlds for a mean"
    figure = Strips(
        title="Hosts with their elements against the same hosts, cured",
        alt=f"Selection coefficient of carriers against cured hosts in each world, per 100 ticks: {said}.",
        conditions=["carriers"],
        y_axis=Axis("selection coefficient", "per 100 ticks"),
        values=values[None],
        intervals=[(float(found.estimate), float(found.low), float(found.high)) if found else None],
    )
    text = (
        "Both live in one fresh world, under both assignments of marks; nothing mutates, is exchanged or passed. "
        "Above zero a host is better off with what it carries."
    )
    return Section("What a cure would do", text, [figure])


def _replay(assays: Mapping[str, Record], replicate: int) -> Replay | None:
    film = assays.get("competition-cured")
    if film is None or not film.header.get("frames"):
        return None
    shown = panel("carriers and cured", film)
    caption = (
        f"World {replicate}, the median of all: its bodies, half of them cured, in a fresh world. Colour by `element` "
        "to see who carries one."
    )
    return None if shown is None else Replay(caption, [shown])
