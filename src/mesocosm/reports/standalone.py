"""A figure of a report as an SVG file of its own, for a page or a paper: the same plot, its key below it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from importlib.resources import files

from mesocosm.protocol.story import Curves, Shares, Story, Strips, Trajectories
from mesocosm.reports.charts import Entry, plotted

_WIDTH, _LEFT, _RIGHT, _TOP = 760, 64, 30, 76
_ROW = 20
"""Pixels of a line of the key."""


def figures(story: Story) -> Mapping[str, str]:
    """Every figure of a story that is a plot, by a name made of its title."""
    out: dict[str, str] = {}
    for section in story.sections:
        for figure in section.figures:
            if isinstance(figure, Trajectories | Curves | Shares | Strips) and (drawing := svg(figure)):
                name = re.sub(r"\W+", "-", figure.title.lower()).strip("-") or "figure"
                out[f"{name}-{len(out)}" if name in out else name] = drawing
    return out


def svg(figure: Trajectories | Curves | Shares | Strips) -> str:
    """The file as text; empty where there is nothing to draw."""
    drawn = plotted(figure)
    if drawn.plot is None:
        return ""
    across, down = _WIDTH - _LEFT - _RIGHT, drawn.plot.height
    below = _TOP + down + 20
    column = across / max(1, len(drawn.categories))
    words = [
        _text(_LEFT + (k + 0.5) * column, below, word, "middle") for k, word in enumerate(map(str, drawn.categories))
    ]
    if drawn.axis:
        words.append(_text(_LEFT + across, below + 22, drawn.axis, "end"))
    first = below + 48
    key = "".join(_entry(entry, _LEFT, first + k * _ROW) for k, entry in enumerate(drawn.key))
    height = first + len(drawn.key) * _ROW
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">'
        f"<title>{escape(figure.title)}</title><desc>{escape(figure.alt)}</desc><style>{_style()}</style>"
        f'<rect width="{_WIDTH}" height="{height}" fill="var(--paper)"/>'
        f'<text class="title" x="{_LEFT}" y="30">{escape(figure.title)}</text>'
        f'<svg x="{_LEFT}" y="{_TOP}" width="{across}" height="{down}" overflow="visible">{drawn.plot.inside()}</svg>'
        f"{''.join(words)}{key}</svg>\n"
    )


def _text(x: float, y: float, words: str, look: str) -> str:
    return f'<text class="{look}" x="{x:.0f}" y="{y:.0f}">{escape(words)}</text>'


def _entry(entry: Entry, x: float, y: float) -> str:
    look, words, colour = entry
    painted = "" if colour is None else f' style="--c:var(--c{colour % 8})"'
    is_area = "square" in look or look in ("band", "equal")
    shape = f"M{x} {y - 10}h22v10h-22z" if is_area else f"M{x + 11} {y - 4}h0" if look == "dots" else f"M{x} {y - 4}h22"
    names = look.replace("rest square", "rest").replace("square", "").strip()
    sign = f'<g class="drawing"><path class="{names}"{painted} d="{shape}"/></g>'
    return sign + _text(x + 32, y, words, "key-words")


def _style() -> str:
    """Colours in the light, and the rules of drawings, as the report has them."""
    css = (files("mesocosm.reports") / "templates" / "report.css").read_text("utf-8")
    colours = re.search(r":root \{.*?\}", css, re.S)
    rules = [line for line in css.splitlines() if line.startswith((".drawing", "svg "))]
    return "\n".join([colours[0] if colours else "", *rules, _OWN])


_OWN = """text { font-family: system-ui, sans-serif; }
svg text.title { fill: var(--ink); font-size: 17px; font-weight: 600; }"""
