"""A plot that stretches with the page: the drawing stretches, its lines and letters do not.

The outer `<svg>` is the plot's own area; labels hang over its edges into the padding of the box around it. An inner
`<svg>` with a thousand units a side and no fixed aspect holds all paths, so that numbers in paths are whole and short.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import count

import numpy as np

from mesocosm.protocol.story import Axis
from mesocosm.reports.readable import kept, round_ticks, tick_labels

UNITS = 1000
"""Units along each side of the drawing."""
POINTS_AT_MOST = 400
"""Points of a line: more could not be told apart."""
LARGEST = 1e100
"""What is larger, or as small, is no measurement: scales leave it out."""
_ids = count()


@dataclass(frozen=True)
class Scale:
    """From values to units; `is_down` for the vertical axis, which counts from the top."""

    low: float
    high: float
    is_down: bool = False

    def __call__(self, values: np.ndarray | float) -> np.ndarray:
        share = (np.asarray(values, np.float64) - self.low) / (self.high - self.low)
        return UNITS * (1 - share if self.is_down else share)

    def percent(self, value: float) -> str:
        return f"{self(value).item() / UNITS * 100:.2f}%"


def scale_for(axis: Axis, values: Iterable[np.ndarray], is_down: bool = False, pad: float = 0.05) -> Scale | None:
    """A scale that shows all finite values; None where there are none and the axis fixes no ends."""
    arrays = [np.ravel(np.asarray(v, np.float64)) for v in values]
    flat = np.concatenate(arrays) if arrays else np.zeros(0)
    flat = flat[np.abs(flat) < LARGEST]
    if not flat.size and (axis.low is None or axis.high is None):
        return None
    low, high = (float(f(flat)) if flat.size else 0.0 for f in (np.min, np.max))
    is_flat = high - low <= max(1 / LARGEST, 1e-12 * abs(high))
    room = (abs(high) * 0.1 if abs(high) > 1 / LARGEST else 0.1) if is_flat else (high - low) * pad
    low = low - room if axis.low is None else float(axis.low)
    high = high + room if axis.high is None else float(axis.high)
    if axis.low is None and 0 <= low + room < 0.35 * (high - low):
        low = min(0.0, low + room)
    return Scale(low, high if high > low else low + 1, is_down)


def thinned(n: int) -> np.ndarray:
    """Which of n points of a line are drawn, the last among them."""
    stride = max(1, math.ceil(n / POINTS_AT_MOST))
    kept = np.arange(0, n, stride)
    return kept if not n or kept[-1] == n - 1 else np.append(kept, n - 1)


def line(xs: np.ndarray, ys: np.ndarray) -> str:
    """Path data through the points (units), broken where one is not finite."""
    pieces, pen = [], None
    for x, y in zip(np.asarray(xs).tolist(), np.asarray(ys).tolist(), strict=True):
        if not (math.isfinite(x) and math.isfinite(y)):
            pen = None
            continue
        at = (round(max(-9e3, min(9e3, x))), round(max(-9e3, min(9e3, y))))
        if pen is None:
            pieces.append(f"M{at[0]} {at[1]}h0")
        else:
            pieces.append(f"l{at[0] - pen[0]} {at[1] - pen[1]}")
        pen = at
    return "".join(pieces)


def area(xs: np.ndarray, low: np.ndarray, high: np.ndarray) -> str:
    """Path data of the area between two lines; parts where one of them is not finite are left out."""
    is_there = np.isfinite(xs) & np.isfinite(low) & np.isfinite(high)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_there, [False]]).astype(int)))
    parts = []
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        x = np.concatenate([xs[begin:end], xs[begin:end][::-1]])
        y = np.concatenate([high[begin:end], low[begin:end][::-1]])
        parts.append(line(x, y) + "z")
    return "".join(parts)


def dots(xs: np.ndarray, ys: np.ndarray) -> str:
    """Path data of dots: strokes of no length with round ends, as wide as the style sheet says."""
    is_there = np.isfinite(xs) & np.isfinite(ys)
    points = zip(np.rint(xs[is_there]).astype(int), np.rint(ys[is_there]).astype(int), strict=True)
    return "".join(f"M{x} {y}h0" for x, y in points)


@dataclass
class Plot:
    """Collects what is drawn; `render` gives the markup. All text is escaped here."""

    x: Scale
    y: Scale
    height: int = 260
    drawn: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)

    def path(self, data: str, look: str, colour: int | None = None, width: float | None = None) -> None:
        """Adds a path with the classes `look`; a colour of the palette; a width in CSS pixels."""
        if not data:
            return
        style = ("" if colour is None else f"--c:var(--c{colour % 8});") + (
            f"stroke-width:{width:.3g}px" if width else ""
        )
        styled = f' style="{style}"' if style else ""
        self.drawn.append(f'<path class="{look}"{styled} d="{data}"/>')

    def text(self, x: str, y: str, words: str, look: str, dx: float = 0, dy: float = 0) -> None:
        """Writes words at a place (percent), moved by CSS pixels."""
        move = f' transform="translate({dx:g} {dy:g})"' if dx or dy else ""
        self.written.append(f'<text class="{look}" x="{x}" y="{y}"{move}>{escape(words)}</text>')

    def rule(self, x1: str, y1: str, x2: str, y2: str, look: str) -> None:
        """Draws a straight line between two places (percent), behind everything."""
        self.behind.append(f'<line class="{look}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>')

    def x_ticks(self, axis: Axis, n: int = 6) -> None:
        """Round values below the plot, and what they are."""
        ticks = round_ticks(self.x.low, self.x.high, n)
        for k, (value, words) in enumerate(zip(ticks, tick_labels(ticks), strict=True)):
            self.text(self.x.percent(value), "100%", words, "tick middle" + (" spare" if k % 2 else ""), dy=20)
            self.rule(self.x.percent(value), "100%", self.x.percent(value), "101.5%", "axis")
        self.rule("0%", "100%", "100%", "100%", "axis")
        self.text("100%", "100%", named(axis), "label end", dy=42)

    def y_ticks(self, axis: Axis, n: int = 5) -> None:
        """Round values beside the plot with lines across it, and what they are above."""
        ticks = round_ticks(self.y.low, self.y.high, n)
        for value, words in zip(ticks, tick_labels(ticks), strict=True):
            at = self.y.percent(value)
            self.text("0%", at, words, "tick end", dx=-10, dy=4)
            self.rule("0%", at, "100%", at, "zero" if value == 0 and self.y.low < 0 else "grid")
        if named(axis):
            self.text("0%", "0%", named(axis), "label y-name")

    def render(self, title: str, alt: str, by: str = "x") -> str:
        """The markup of the plot, with its title and its words for those who do not see it.

        Args:
          by: what a place along the plot stands for in the table behind it: its first column (`x`), or its `row`.
        """
        name = f"plot-{next(_ids)}"
        ends = f'data-by="{by}" data-low="{self.x.low:.8g}" data-high="{self.x.high:.8g}"'
        return (
            f'<div class="plot" {ends} style="--height:{self.height}px">'
            f'<svg role="img" aria-labelledby="{name}t {name}d">'
            f'<title id="{name}t">{escape(title)}</title><desc id="{name}d">{escape(alt)}</desc>'
            f"{self.inside()}</svg></div>"
        )

    def inside(self) -> str:
        """All that is drawn and written, for an `<svg>` that is the plot's own area."""
        return (
            f'{"".join(self.behind)}<svg class="drawing" viewBox="0 0 {UNITS} {UNITS}" preserveAspectRatio="none" '
            f'width="100%" height="100%">{"".join(self.drawn)}</svg>{"".join(self.written)}'
        )


def named(axis: Axis) -> str:
    """Label and unit of an axis."""
    return kept(f"{axis.label} ({axis.unit})" if axis.unit else axis.label)


def spread(n: int, width: float) -> np.ndarray:
    """Offsets that keep n dots apart across a width, the same every time: [n]."""
    golden = 0.6180339887498949
    return ((np.arange(n) * golden) % 1 - 0.5) * width


def categories_row(words: Sequence[str]) -> str:
    """Labels below a plot, one for each of its columns; long ones wrap."""
    cells = "".join(f"<span>{escape(str(word))}</span>" for word in words)
    return f'<div class="categories" style="--n:{len(words)}">{cells}</div>'
