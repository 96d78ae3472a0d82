"""The figures of a story as charts: a title, a plot, a key, the words, and the numbers behind it all as a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from html import escape
from typing import Any, NamedTuple

import numpy as np

from mesocosm.protocol.story import Axis, Curve, Curves, Figure, Heat, Shares, Strips, Table, Trajectories
from mesocosm.reports.readable import is_number, kept, number, percent
from mesocosm.reports.svg import Plot, Scale, area, categories_row, dots, line, named, scale_for, spread, thinned

LINES_AT_MOST = 200
STRIPS = 220
"""Height of a chart of columns of dots, in CSS pixels: it says less than one over time."""
ROWS_OPEN = 12
"""Rows of a table that is not folded."""
ROWS_AT_MOST = 400
"""Rows of the table behind a chart; the data to download have all."""


def draw(figure: Figure) -> str:
    """The markup of a figure. Whatever its numbers are, none is printed that is not finite."""
    if isinstance(figure, Table):
        caption = f"<h3>{escape(figure.title)}</h3>" if figure.title else ""
        drawn = table(figure.columns, figure.rows, figure.total)
        if len(figure.rows) > ROWS_OPEN:
            drawn = f"<details><summary>{number(len(figure.rows))} rows</summary>{drawn}</details>"
        return f'<figure class="chart">{caption}{drawn}</figure>'
    if isinstance(figure, Heat):
        plot, key, behind = _heat(figure)
    else:
        drawn = plotted(replace(figure, y_axis=_unsaid(figure.title, figure.y_axis)))
        plot, key, behind = drawn.markup(figure.title, figure.alt), drawn.key, drawn.behind
    details = f"<details><summary>The numbers behind this chart</summary>{behind}</details>" if behind else ""
    return (
        f'<figure class="chart"><h3>{escape(kept(figure.title))}</h3>{plot or _NOTHING}{_key(*key)}'
        f"<figcaption>{escape(kept(figure.alt))}</figcaption>{details}</figure>"
    )


def _unsaid(title: str, axis: Axis) -> Axis:
    """The axis without what stands in the title above it: its unit alone."""
    is_said = axis.label.strip().casefold() == title.strip().casefold()
    return replace(axis, label=axis.unit, unit="") if is_said else axis


Entry = tuple[str, str, int | None]
"""What stands for what in a key: classes of the sign, words, colour of the palette."""


class Plotted(NamedTuple):
    """A figure as a plot (None where there is nothing to draw), its key, the table behind it, the words below it."""

    plot: Plot | None
    key: Sequence[Entry]
    behind: str
    categories: Sequence[str] = ()
    axis: str = ""

    def markup(self, title: str, alt: str) -> str:
        if self.plot is None:
            return ""
        below = categories_row(self.categories) if self.categories else ""
        axis = f'<p class="axis-name">{escape(self.axis)}</p>' if self.axis else ""
        return self.plot.render(title, alt, "row" if self.categories else "x") + below + axis


def plotted(figure: Trajectories | Curves | Shares | Strips) -> Plotted:
    """What is drawn of a figure."""
    return {Trajectories: _trajectories, Curves: _curves, Shares: _shares, Strips: _strips}[type(figure)](figure)


_NOTHING = '<p class="nothing">There are no values to draw.</p>'


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], total: Sequence[Sequence[Any]] = ()) -> str:
    """A table that scrolls inside its own box. Numbers stand right, text stands left."""
    shown = list(rows[:ROWS_AT_MOST])
    is_numeric = [
        any(is_number(row[k]) for row in shown) and not any(isinstance(row[k], str) and row[k] for row in shown)
        for k in range(len(columns))
    ]

    def cells(row: Sequence[Any], tag: str = "td") -> str:
        looks = (' class="num"' if is_numeric[k] else "" for k in range(len(columns)))
        return "".join(f"<{tag}{look}>{_cell(value)}</{tag}>" for look, value in zip(looks, row, strict=True))

    head = f"<thead><tr>{cells(columns, 'th')}</tr></thead>"
    body = f"<tbody>{''.join(f'<tr>{cells(row)}</tr>' for row in shown)}</tbody>"
    foot = f"<tfoot>{''.join(f'<tr>{cells(row)}</tr>' for row in total)}</tfoot>" if total else ""
    more = len(rows) - len(shown)
    note = f'<p class="note">{number(more)} more rows are in the data of this report.</p>' if more else ""
    return f'<div class="scroll" tabindex="0"><table>{head}{body}{foot}</table></div>{note}'


def _cell(value: Any) -> str:
    return escape(kept(value) if isinstance(value, str) else number(value))


def _key(*entries: Entry) -> str:
    if not entries:
        return ""
    items = "".join(
        f'<li><i class="{look}"{"" if c is None else f" style=--c:var(--c{c % 8})"}></i>{escape(words)}</li>'
        for look, words, c in entries
    )
    return f'<ul class="key">{items}</ul>'


def _matrix(values: np.ndarray) -> np.ndarray:
    """As numbers in two dimensions; what is not finite becomes NaN."""
    plain = np.atleast_2d(np.asarray(values, np.float64))
    return np.where(np.isfinite(plain), plain, math.nan)


def _quantiles(lines: np.ndarray) -> np.ndarray:
    """Quartiles over replicates at each point: [3, points], NaN where nobody is left."""
    out = np.full((3, lines.shape[1]), math.nan)
    left = np.isfinite(lines).any(axis=0)
    if left.any():
        out[:, left] = np.nanquantile(lines[:, left], [0.25, 0.5, 0.75], axis=0)
    return out


def _trajectories(figure: Trajectories) -> Plotted:
    lines, x = _matrix(figure.lines), np.asarray(figure.x, np.float64)
    band = figure.control
    shown = [lines] if band is None else [lines, band.low, band.high, band.median]
    x_scale, y_scale = scale_for(figure.x_axis, [x], pad=0), scale_for(figure.y_axis, shown, is_down=True)
    quartiles = _quantiles(lines)
    columns = [named(figure.x_axis), "n", "lower quartile", "median", "upper quartile"]
    rows = [x, np.isfinite(lines).sum(axis=0), *quartiles]
    if band is not None:
        columns += [f"{band.label}: {name}" for name in ("low", "median", "high")]
        rows += [np.asarray(v, np.float64) for v in (band.low, band.median, band.high)]
    behind = table(columns, list(zip(*(np.asarray(r).tolist() for r in rows), strict=True)))
    if x_scale is None or y_scale is None or not lines.size:
        return Plotted(None, (), behind)
    plot = Plot(x_scale, y_scale)
    plot.y_ticks(figure.y_axis)
    plot.x_ticks(figure.x_axis)
    kept = thinned(x.size)
    at = x_scale(x[kept])
    key = [
        ("bold", f"median of {number(len(lines))} {figure.label}", None),
        ("thin", "each of them", None),
    ]
    if band is not None:
        low, median, high = (y_scale(np.asarray(v, np.float64)[kept]) for v in (band.low, band.median, band.high))
        plot.path(area(at, high, low), "band")
        plot.path(line(at, median), "control")
        key.append(("band", band.label, None))
    drawn = lines[:: max(1, math.ceil(len(lines) / LINES_AT_MOST))]
    plot.path("".join(line(at, y_scale(values[kept])) for values in drawn), "thin" + _crowd(len(drawn)))
    plot.path(line(at, y_scale(quartiles[1][kept])), "halo")
    plot.path(line(at, y_scale(quartiles[1][kept])), "bold")
    if len(drawn) < len(lines):
        key[1] = ("thin", f"{number(len(drawn))} of them", None)
    for place, words in figure.marks:
        plot.rule(x_scale.percent(place), "0%", x_scale.percent(place), "100%", "mark")
        plot.text(x_scale.percent(place), "0%", words, "tick", dx=5, dy=12)
    return Plotted(plot, key, behind)


def _crowd(n: int) -> str:
    return " crowd" if n > 60 else ""


def _curves(figure: Curves) -> Plotted:
    n = len(figure.categories)
    curves = [_Bounds(curve, n) for curve in figure.curves]
    y_scale = scale_for(figure.y_axis, [v for c in curves for v in (c.values, c.low, c.high)], is_down=True)
    columns = [named(figure.x_axis)]
    cells: list[Sequence[Any]] = [figure.categories]
    for curve in curves:
        columns.append(curve.label)
        cells.append(curve.values.tolist())
        if curve.has_interval:
            columns += [f"{curve.label}: low", f"{curve.label}: high"]
            cells += [curve.low.tolist(), curve.high.tolist()]
    behind = table(columns, list(zip(*cells, strict=True)))
    if y_scale is None or not n or not curves:
        return Plotted(None, (), behind)
    plot = Plot(Scale(0, n), y_scale)
    plot.y_ticks(figure.y_axis)
    plot.rule("0%", "100%", "100%", "100%", "axis")
    key = []
    colour = -1
    for shift, curve in zip(spread(len(curves), 0.12), curves, strict=True):
        colour += not curve.is_control
        look = "control" if curve.is_control else "curve"
        at = plot.x(np.arange(n) + 0.5 + shift)
        paint = None if curve.is_control else colour
        for k in range(n if curve.has_interval else 0):
            plot.path(line(np.repeat(at[k], 2), y_scale(np.array([curve.low[k], curve.high[k]]))), f"bar {look}", paint)
        plot.path(line(at, y_scale(curve.values)), look, paint, 1 + 1.6 * min(1.0, max(0.0, curve.weight)))
        plot.path(dots(at, y_scale(curve.values)), f"dots {look}", paint)
        key.append(("control" if curve.is_control else "curve", curve.label, paint))
    return Plotted(plot, key, behind, figure.categories, named(figure.x_axis))


class _Bounds:
    """A curve with its interval as plain arrays, NaN where there is none."""

    def __init__(self, curve: Curve, n: int) -> None:
        self.label, self.weight, self.is_control = curve.label, curve.weight, curve.is_control
        self.has_interval = curve.low is not None and curve.high is not None
        none = np.full(n, math.nan)
        self.values = np.asarray(curve.values, np.float64)
        self.low = none if curve.low is None else np.asarray(curve.low, np.float64)
        self.high = none if curve.high is None else np.asarray(curve.high, np.float64)


def _shares(figure: Shares) -> Plotted:
    shares, x = _matrix(figure.shares), np.asarray(figure.x, np.float64)
    behind = table([named(figure.x_axis), *figure.labels], list(zip(x.tolist(), *shares.tolist(), strict=True)))
    x_scale = scale_for(figure.x_axis, [x], pad=0)
    if x_scale is None or not np.isfinite(shares).any():
        return Plotted(None, (), behind)
    plot = Plot(x_scale, Scale(0, 1, is_down=True))
    plot.y_ticks(Axis(figure.y_axis.label, figure.y_axis.unit), n=4)
    plot.x_ticks(figure.x_axis)
    kept = thinned(x.size)
    tops = np.cumsum(np.where(np.isfinite(shares), shares, 0), axis=0)[:, kept]
    key = []
    for k, (label, top) in enumerate(zip(figure.labels, tops, strict=True)):
        bottom = tops[k - 1] if k else np.zeros(kept.size)
        is_rest = k == len(tops) - 1 and "other" in label.lower()
        look = "rest" if is_rest else f"layer shade{k // 8 % 3}"
        plot.path(area(x_scale(x[kept]), plot.y(bottom), plot.y(top)), look, None if is_rest else k)
        last = shares[k][np.isfinite(shares[k])]
        words = f"{label}, at the end {percent(float(last[-1]))}" if last.size else label
        key.append((f"{look} square", words, None if is_rest else k))
    return Plotted(plot, key, behind)


def _strips(figure: Strips) -> Plotted:
    n = len(figure.conditions)
    values = _matrix(figure.values)
    intervals = list(figure.intervals) + [None] * (n - len(figure.intervals))
    bounds = np.array([i if i is not None else (math.nan,) * 3 for i in intervals], np.float64).reshape(n, 3)
    columns = ["condition", "n", "estimate", "low", "high", "median", "smallest", "largest"]
    rows = []
    for label, dotted, bound in zip(figure.conditions, values, bounds, strict=True):
        there = dotted[np.isfinite(dotted)]
        of = [f(there).item() if there.size else None for f in (np.median, np.min, np.max)]
        rows.append([label, int(there.size), *bound.tolist(), *of])
    behind = table(columns, rows)
    y_scale = scale_for(figure.y_axis, [values, bounds], is_down=True)
    if y_scale is None or not n:
        return Plotted(None, (), behind)
    plot = Plot(Scale(0, n), y_scale, height=STRIPS)
    plot.y_ticks(figure.y_axis)
    plot.rule("0%", "100%", "100%", "100%", "axis")
    at = np.arange(n)[:, None] + 0.42 + spread(values.shape[1], 0.22)[None, :]
    if figure.paired:
        plot.path("".join(line(plot.x(at[:, r]), y_scale(values[:, r])) for r in range(values.shape[1])), "thin crowd")
    for k in range(n):
        plot.path(dots(plot.x(at[k]), y_scale(values[k])), "dots strip", k)
        estimate, low, high = bounds[k]
        beside = plot.x(np.array([k + 0.68, k + 0.68]))
        plot.path(line(beside, y_scale(np.array([low, high]))), "bar interval")
        plot.path(dots(beside[:1], y_scale(np.array([estimate]))), "dots interval")
    key: list[tuple[str, str, int | None]] = [("dots", "one replicate, in the colour of its column", None)]
    if figure.paired:
        key.append(("thin", "the same replicate", None))
    if np.isfinite(bounds).any():
        key.append(("interval", "mean and interval", None))
    return Plotted(plot, key, behind, figure.conditions)


def _heat(figure: Heat) -> tuple[str, Sequence[Entry], str]:
    """A table whose cells are coloured: it is its own numbers."""
    values = _matrix(figure.values)
    finite = values[np.isfinite(values)]
    if not finite.size:
        return "", (), ""
    low, high = float(finite.min()), float(finite.max())
    centre = low if figure.centre is None else figure.centre
    reach = max(abs(high - centre), abs(low - centre)) or 1.0
    body = ""
    for r, row in enumerate(figure.rows):
        cells = ""
        for c in range(len(figure.columns)):
            share = (values[r, c] - centre) / reach
            text = figure.texts[r][c] if figure.texts else number(values[r, c])
            cells += f"<td{_shade(share)}>{escape(str(text))}</td>"
        body += f'<tr><th scope="row">{escape(str(row))}</th>{cells}</tr>'
    heads = "".join(f'<th scope="col">{escape(str(c))}</th>' for c in figure.columns)
    corner = f"{escape(named(figure.y_axis))} ↓ {escape(named(figure.x_axis))} →"
    grid = (
        f'<div class="scroll" tabindex="0"><table class="heat"><caption class="unseen">{escape(figure.alt)}</caption>'
        f"<thead><tr><th>{corner}</th>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )
    middle = f", neutral at {number(figure.centre)}" if figure.centre is not None else ""
    ends = f"{number(low)} to {number(high)}{middle}"
    ramp = "ramp both" if figure.centre is not None else "ramp"
    return grid, [(ramp, ends, None)], ""


def _shade(share: float) -> str:
    if not math.isfinite(share):
        return ' class="none"'
    strength = round(100 * min(1.0, abs(share)))
    look = "above" if share >= 0 else "below"
    return f' class="{look}" style="--s:{strength}%"'
