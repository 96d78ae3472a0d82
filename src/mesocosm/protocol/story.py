"""What an experiment tells of a finished run, as plain data: sentences, figures, tables. A report draws it. No jax.

Every figure carries its own words (`alt`), so that a reader who sees nothing learns the same numbers, and every figure
can be read back as a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mesocosm.player.encoder.panel import Panel, Replay

__all__ = [
    "Axis",
    "Band",
    "Curve",
    "Curves",
    "Figure",
    "Heat",
    "Panel",
    "Replay",
    "Section",
    "Shares",
    "Story",
    "Strips",
    "Table",
    "Trajectories",
]


@dataclass(frozen=True)
class Axis:
    """Label and unit of an axis; `low` and `high` fix its ends."""

    label: str
    unit: str = ""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Band:
    """A control shown as a band: its median and two quantiles at each x."""

    label: str
    low: np.ndarray
    median: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Trajectories:
    """Every replicate a thin line, the median bold, the control a band.

    Args:
      x: [points].
      lines: [replicates, points]; NaN where a replicate has ended.
      label: what a line is, in the plural: worlds, searches.
      marks: x of what happened to all (interventions), with a word.
    """

    title: str
    alt: str
    x_axis: Axis
    y_axis: Axis
    x: np.ndarray
    lines: np.ndarray
    control: Band | None = None
    label: str = "replicates"
    marks: Sequence[tuple[float, str]] = ()


@dataclass(frozen=True)
class Curve:
    """One line of `Curves`: [categories], with an optional interval; `weight` says how thick."""

    label: str
    values: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    weight: float = 1.0
    is_control: bool = False


@dataclass(frozen=True)
class Curves:
    """Values over ordered categories: response curves of genotypes."""

    title: str
    alt: str
    categories: Sequence[str]
    x_axis: Axis
    y_axis: Axis
    curves: Sequence[Curve]


@dataclass(frozen=True)
class Shares:
    """Shares of a whole over time, stacked: lineages, genotypes.

    Args:
      shares: [layers, points], each column summing to at most 1.
      labels: of the layers; the last may be "all others".
    """

    title: str
    alt: str
    x_axis: Axis
    y_axis: Axis
    x: np.ndarray
    shares: np.ndarray
    labels: Sequence[str]


@dataclass(frozen=True)
class Strips:
    """Values of single replicates under several conditions, a column of dots each, paired by thin lines where asked.

    Args:
      values: [conditions, replicates]; NaN where there is none.
      intervals: (estimate, low, high) of each condition, or None.
    """

    title: str
    alt: str
    conditions: Sequence[str]
    y_axis: Axis
    values: np.ndarray
    intervals: Sequence[tuple[float, float, float] | None] = ()
    paired: bool = False


@dataclass(frozen=True)
class Heat:
    """A value over two parameters: [rows, columns], with the text of each cell beside its colour.

    Args:
      centre: the value that has the neutral colour, where the scale diverges; None for a plain scale.
      texts: [rows][columns], what is written into the cells.
    """

    title: str
    alt: str
    x_axis: Axis
    y_axis: Axis
    columns: Sequence[str]
    rows: Sequence[str]
    values: np.ndarray
    centre: float | None = None
    texts: Sequence[Sequence[str]] = ()


@dataclass(frozen=True)
class Table:
    """Rows of plain values (text, numbers, None) under headings; `total` below a rule."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    total: Sequence[Sequence[Any]] = ()


Figure = Trajectories | Curves | Shares | Strips | Heat | Table


@dataclass(frozen=True)
class Section:
    """A part of the report: a heading, what it says, what shows it."""

    heading: str
    text: str = ""
    figures: Sequence[Figure] = ()


@dataclass(frozen=True)
class Story:
    """What an experiment tells of one run. The findings, the trust box and the data are added by the report.

    Args:
      sentence: what was found, in one or two sentences, with interval and n.
      chips: short facts: label and value.
      notes: limits and warnings that a reader must know.
      introduction: what else was found, and what a stranger must know to read it; an empty line parts paragraphs.
      answer: the answer alone, in few words, which stands above all else; empty: the sentence stands there.
      figures: estimate and interval beside the verdict.
      claim: the name of the claim that the sentence answers, whose verdict stands beside it; empty: the first.
    """

    sentence: str
    chips: Sequence[tuple[str, str]] = ()
    replay: Replay | None = None
    sections: Sequence[Section] = ()
    notes: Sequence[str] = ()
    introduction: str = ""
    claim: str = ""
    answer: str = ""
    figures: str = ""
