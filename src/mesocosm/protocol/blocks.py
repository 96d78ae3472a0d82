"""A report is a tuple of blocks: each makes one section out of a finished run, or nothing. NumPy, no jax.

A block is any function of a `Told`; the ones here take the measures and runs that they show by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mesocosm.findings.claim import show_interval
from mesocosm.protocol.measure import Measure, Over, measure_named, measures_of
from mesocosm.protocol.story import Axis, Band, Heat, Section, Strips, Table, Trajectories
from mesocosm.record import FolderError, Record

if TYPE_CHECKING:
    from mesocosm.findings.claim import Finding
    from mesocosm.protocol.declaration import Declaration

MOST = 12
"""Measures that are drawn where an experiment declares none."""


@dataclass(frozen=True)
class Told:
    """A finished run, with all that its report may speak of.

    Args:
      runs: the finished follow-ups and arms, by name.
    """

    declared: Declaration
    record: Record
    runs: Mapping[str, Record]
    findings: Sequence[Finding]

    @property
    def noun(self) -> str:
        """What a replicate is called, in the plural."""
        return self.declared.noun

    @cached_property
    def alive(self) -> int:
        """How many replicates lived to the end."""
        return sum(s.status == "alive" for s in self.record.statuses)

    @cached_property
    def measures(self) -> tuple[Measure, ...]:
        """The measures of the run, by the declaration."""
        return measures_of(self.declared, self.record)

    @property
    def world(self) -> Mapping[str, object]:
        """The plain configuration of the run."""
        return self.record.header["configuration"]

    @cached_property
    def median(self) -> int:
        """The replicate whose first measure stands, at the end, as in the median of all, seen against its control."""
        return median_replicate(self.declared, self.record)


Block = Callable[[Told], Section | None]


def median_replicate(declared: Declaration, record: Record) -> int:
    """The living replicate whose first measure stands, at the end, as in the median of all (less its control, where it
    has one); 0 where none lives."""
    measures = measures_of(declared, record)
    if not measures:
        return 0
    values = measures[0].reduced(record)
    if measures[0].control is not None:
        values = values - measures[0].reduced(record, of_control=True)
    values[[s.replicate for s in record.statuses if s.status != "alive"]] = np.nan
    return median_of(values)


def median_of(values: np.ndarray) -> int:
    """The replicate with the (upper) median of the finite values; 0 where none has one."""
    order = [int(r) for r in np.argsort(values, kind="stable") if np.isfinite(values[r])]
    return order[len(order) // 2] if order else 0


@dataclass(frozen=True)
class OverTime:
    """Measures over time: every replicate a thin line, the median bold, the control a band.

    Args:
      measures: by name; all where none is named.
      beside: a run that follows (an arm), whose values are the band where a measure has no control of its own.
      beside_called: what it is called.

    What never changes is told in a line of text and not drawn.
    """

    measures: tuple[str, ...] = ()
    heading: str = "Measures over time"
    text: str = ""
    beside: str = ""
    beside_called: str = ""

    def __call__(self, told: Told) -> Section | None:
        chosen = [_named(told, name) for name in self.measures] or list(told.measures[:MOST])
        if not chosen:
            return None
        drawn = [over_time(told, measure, self.beside, self.beside_called) for measure in chosen]
        rests = {k: value for k, figure in enumerate(drawn) if (value := resting(figure)) is not None}
        text = self.text or f"Each thin line is one of the {told.noun}; the bold line is their median."
        if rests:
            said = [f"{chosen[k].label} {value:.4g} {chosen[k].unit}".rstrip() for k, value in rests.items()]
            unchanged = f"In all {told.noun} and at all times: {'; '.join(said)}."
            text = unchanged if len(rests) == len(drawn) else f"{text} {unchanged}"
        return Section(self.heading, text, [figure for k, figure in enumerate(drawn) if k not in rests])


@dataclass(frozen=True)
class Gardens:
    """Measures in the runs that follow, side by side: a dot a replicate, thin lines join the same one.

    Args:
      measures: by name.
      runs: names of the runs, and what they are called; the empty name is the run itself.
    """

    measures: tuple[str, ...]
    runs: Mapping[str, str]
    heading: str = "Side by side"
    text: str = ""
    over: Over = "pooled"

    def __call__(self, told: Told) -> Section | None:
        there = {"": told.record, **told.runs}
        runs = [(words, there[name]) for name, words in self.runs.items() if name in there]
        if not self.runs.keys() & told.runs.keys():
            return None
        figures = []
        for name in self.measures:
            measure = measure_named(told.declared, told.record, name)

            def value(run: Record, measure: Measure = measure) -> np.ndarray:
                return measure.reduced(run, self.over)

            figures.append(strips(runs, value, measure.label, axis_of(measure), told.noun))
        return Section(self.heading, self.text, figures)


@dataclass(frozen=True)
class Analysed:
    """An analysis of the catalogue by name: its sentence, figures and findings; left out where the record lacks what
    it needs, or where it was not worked out and would take long."""

    name: str
    heading: str
    text: str = ""
    only_kept: bool = False

    def __call__(self, told: Told) -> Section | None:
        from mesocosm.protocol import catalogue

        if catalogue.find(self.name).analysis.lacks(told.record):
            return None
        if self.only_kept and not catalogue.is_kept(told.record, self.name):
            return None
        try:
            result = catalogue.measure(told.record, self.name)
        except FolderError as error:  # what a run that follows this one lacks is seen only when it is read
            return Section(self.heading, f"Left out: {str(error).partition(': ')[2]}.")
        found = [f"{sentence_case(f.sentence)}: {f.words(told.noun)}." for f in result.findings]
        return Section(self.heading, " ".join([self.text, result.sentence, *found]).strip(), list(result.figures))


def against_shadow(record: Record, title: str, label: str, x: np.ndarray, both: np.ndarray) -> Trajectories:
    """A line a world of the evolved, with their shadows as the band. `both`: [2, replicates, times]."""
    own, shadow = both
    said = said_at_the_end(own, shadow, "shadow genes", "worlds")
    return Trajectories(
        title=title,
        alt=f"{title} over time in {record.replicates} worlds; {said}.",
        x_axis=Axis("tick"),
        y_axis=Axis(label, low=0),
        x=x,
        lines=own,
        control=band("their shadow genes, 90 % of worlds", shadow),
        label="worlds",
    )


def at_the_end(told: Told) -> Section:
    """All replicates: the short table."""
    from mesocosm.protocol.derived import summary_of

    summary = summary_of(told.declared, told.record)
    return Section(f"All {told.noun}", "", [Table("At the end", summary.columns, summary.rows, summary.total)])


def resting(figure: Trajectories) -> float | None:
    """The one value that all lines have at all times, and the control's band as well; None where they have several.

    A band is the control's central 90 %: what a twentieth of its lines do above or below it is not seen here.
    """
    bands = [] if figure.control is None else [figure.control.low, figure.control.high]
    values = np.concatenate([np.ravel(np.asarray(v, float)) for v in (figure.lines, *bands)])
    values = values[np.isfinite(values)]
    return float(values[0]) if values.size and (values == values[0]).all() else None


def over_time(told: Told, measure: Measure, beside: str = "", called: str = "") -> Trajectories:
    """One measure over time, with its control, or the same in the run beside it, where it has one."""
    record, words = told.record, measure.control_words
    lines, control = measure.windows(record), None
    if measure.control is not None:
        control = measure.windows(record, of_control=True)
    elif beside in told.runs:
        control, words = measure.windows(told.runs[beside]), called or f"the arm {beside}"
    both = lines if control is None else np.concatenate([lines, control])
    return Trajectories(
        title=sentence_case(measure.label),
        alt=f"{measure.label} in {record.replicates} {told.noun}; {said_at_the_end(lines, control, words, told.noun)}.",
        x_axis=Axis("tick"),
        y_axis=near(axis_of(measure), both),
        x=ticks(record),
        lines=lines,
        control=None if control is None else band(f"{words}, 90 % of {told.noun}", control),
        label=told.noun,
        marks=[(i[0], f"{i[1]} = {i[2]}") for i in record.header.get("interventions", [])],
    )


def strips(
    runs: Sequence[tuple[str, Record]], value: Callable[[Record], np.ndarray], title: str, axis: Axis, noun: str
) -> Strips:
    """A number a replicate [replicates] in several runs, with the interval of each mean."""
    from mesocosm.findings.intervals import mean_interval  # SciPy: what is only listed or shown does not wait for it

    values = np.array([value(run) for _, run in runs])
    intervals: list[tuple[float, float, float] | None] = []
    for row in values:
        there = row[np.isfinite(row)]
        found = mean_interval(there) if there.size > 1 else None
        intervals.append((float(found.estimate), float(found.low), float(found.high)) if found else None)
    said = ", ".join(f"{n} {show_interval(*i)}" for (n, _), i in zip(runs, intervals, strict=True) if i)
    return Strips(
        title=sentence_case(title),
        alt=f"{title}, means over {noun} with 95 % intervals: {said or f'too few {noun} for a mean'}.",
        conditions=[n for n, _ in runs],
        y_axis=near(axis, np.concatenate([values.ravel(), *(np.array(i) for i in intervals if i)])),
        values=values,
        intervals=intervals,
        paired=True,
    )


def who_beats_whom(values: Mapping[str, Any], alt: str, row: str, column: str) -> Heat:
    """Scores of each time (row) against each other one (column), from the plain values of a tournament.

    Args:
      row, column: what stands in a row, and in a column.
    """
    times = [f"{float(t):g}" for t in values["times"]]
    unit = values["units"]["time"]
    return Heat(
        title="Who beats whom",
        alt=alt,
        x_axis=Axis(f"{column}, {unit}"),
        y_axis=Axis(f"{row}, {unit}"),
        columns=times,
        rows=times,
        values=np.array(values["matrix"]["mean"], float),
        centre=0.0,
    )


def ticks(record: Record) -> np.ndarray:
    """The end of each window."""
    every = int(record.header["every"])
    return np.arange(1, max(1, record.tick // every) + 1) * every


def band(label: str, lines: np.ndarray) -> Band:
    """The control's median and central 90 % at each x."""
    low, median, high = (np.full(lines.shape[1], np.nan) for _ in range(3))
    there = np.isfinite(lines).any(axis=0)
    if there.any():
        low[there], median[there], high[there] = np.nanquantile(lines[:, there], [0.05, 0.5, 0.95], axis=0)
    return Band(label, low, median, high)


def said_at_the_end(
    lines: np.ndarray, control: np.ndarray | None = None, of_whom: str = "the control", noun: str = "replicates"
) -> str:
    """Medians over the replicates that have a value at the end, in words; of the control too, where there is one."""
    last = lines[:, -1][np.isfinite(lines[:, -1])]
    if not last.size:
        return f"none of the {noun} has a value at the end"
    said = f"at the end {np.median(last):.4g} in the median of {last.size} {noun}"
    beside = np.zeros(0) if control is None else control[:, -1][np.isfinite(control[:, -1])]
    return f"{said}, {np.median(beside):.4g} for the {of_whom}" if beside.size else said


def axis_of(measure: Measure) -> Axis:
    return Axis(measure.label, measure.unit, measure.low, measure.high)


def near(axis: Axis, values: np.ndarray) -> Axis:
    """An axis that goes no further than what it shows, where that takes less than an eighth of its range.

    It comes no closer than a twentieth of the range (at an end of the range, where half of that would lie outside, a
    fortieth), so that noise looks like noise.
    """
    there = values[np.isfinite(values)]
    if axis.low is None or axis.high is None or not there.size:
        return axis
    whole, least, most = axis.high - axis.low, float(there.min()), float(there.max())
    if most - least > whole / 8:
        return axis
    half, middle = max(0.6 * (most - least), whole / 40), (least + most) / 2
    return replace(axis, low=max(axis.low, middle - half), high=min(axis.high, middle + half))


def sentence_case(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _named(told: Told, name: str) -> Measure:
    return measure_named(told.declared, told.record, name)
