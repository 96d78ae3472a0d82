"""Effects as lines in one SVG file: an interval each, over the band of what would not matter. No jax."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

Drawn = tuple[float, float, list[str]]
"""Width, height, and the parts of an SVG."""

_STYLE = "text{font:12px system-ui,sans-serif;fill:#222}text.t{font-weight:600}text.n{font-size:11px}"
"""The page that an SVG stands in shares its style, so it names nothing but text."""


@dataclass(frozen=True)
class Line:
    """One effect: its interval, drawn thin, and a second one, thick; None where there is none."""

    words: str
    estimate: float | None
    low: float | None
    high: float | None
    thick_low: float | None = None
    thick_high: float | None = None


def forest(
    lines: Sequence[Line],
    title: str,
    note: str,
    band: tuple[float, float],
    null: float = 0.0,
    beside: Sequence[Line] = (),
) -> Drawn:
    """A line an effect, in the order given.

    Args:
      band: what would not matter.
      null: no effect at all.
      beside: of drawings that this one shares its scale with.
    """
    all_lines = [*lines, *beside]
    ends = [v for e in all_lines for v in (e.low, e.high, e.estimate, e.thick_low, e.thick_high) if v is not None]
    low, high = min([*ends, *band, null]), max([*ends, *band, null])
    half = (high / 2 - low / 2) or 0.5  # by halves: a difference may leave the range of floats
    left = 30 + 7 * max((len(e.words) for e in all_lines), default=10)

    def at(value: float) -> float:
        return left + 420 * ((value / 2 - low / 2) / half)

    bottom = 62 + 22 * len(lines)
    grey = at(band[1]) - at(band[0])
    out = [text(12, 22, title, "t"), text(12, 40, note)]
    out.append(f'<rect x="{at(band[0]):.1f}" y="50" width="{grey:.1f}" height="{bottom - 50}" fill="#eee"/>')
    out.append(_stroke(at(null), 50, at(null), bottom, 1, "#888"))
    for k, e in enumerate(lines):
        out += _line(e, 66 + 22 * k, at)
    for value in (low, null, high):
        if value != null and abs(at(value) - at(null)) < 50:
            continue  # it would stand on the null
        told = f"{value:+.3g}" if null == 0 and value else f"{value:.3g}"
        out.append(text(at(value) - 12, bottom + 16, told, "n"))
    wide = max(left + 470.0, 24 + 7.8 * len(title))  # of its heading, in a bold face of 12 px
    return wide, bottom + 26, out


def _line(e: Line, y: float, at: Callable[[float], float]) -> list[str]:
    """The words and the intervals of one effect; `at`: from a value to its place."""
    out = [text(12, y + 4, e.words)]
    if e.low is not None and e.high is not None:
        out.append(_stroke(at(e.low), y, at(e.high), y, 1.5, "#067"))
    if e.thick_low is not None and e.thick_high is not None:
        out.append(_stroke(at(e.thick_low), y, at(e.thick_high), y, 5, "#0679"))
    if e.estimate is not None:
        out.append(f'<circle cx="{at(e.estimate):.1f}" cy="{y}" r="4" fill="#067"/>')
    return out


def stacked(drawings: Sequence[Drawn]) -> Drawn:
    """One below the other."""
    width, height, out = 0.0, 0.0, []
    for wide, high, parts in drawings:
        out += [f'<g transform="translate(0,{height:.0f})">', *parts, "</g>"]
        width, height = max(width, wide), height + high
    return width, height, out


def svg(width: float, height: float, parts: Sequence[str], title: str) -> str:
    """The file."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img">'
    ground = f'<rect width="{width:.0f}" height="{height:.0f}" fill="#fff"/>'
    return "\n".join([head, f"<title>{escape(title)}</title><style>{_STYLE}</style>{ground}", *parts, "</svg>"]) + "\n"


def text(x: float, y: float, words: str, look: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{look}">{escape(words)}</text>'


def _stroke(x1: float, y1: float, x2: float, y2: float, width: float, colour: str) -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width}"/>'
