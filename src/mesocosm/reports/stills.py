"""First and last frame of each replayed world as a picture: for paper, and where no script runs."""

from __future__ import annotations

from html import escape

import numpy as np

from mesocosm.player.panel import Panel, Replay
from mesocosm.reports.readable import number
from mesocosm.reports.svg import UNITS, dots

DOTS_AT_MOST = 1500


def stills(replay: Replay) -> str:
    """The markup of the pictures, with a caption each."""
    pictures = ""
    for panel in replay.panels:
        ticks = panel.frame_ticks
        for tick in dict.fromkeys([int(ticks[0]), int(ticks[-1])] if ticks.size else []):
            pictures += _picture(panel, tick)
    return f'<div class="stills">{pictures}</div>'


def _picture(panel: Panel, tick: int) -> str:
    here = np.flatnonzero(np.asarray(panel.bodies.get("tick", ())) == tick)
    n = here.size
    here = here[:: max(1, -(-n // DOTS_AT_MOST))]
    acts = np.zeros(here.size, np.int64)
    if worded := [name for name in panel.words if name in panel.bodies]:
        acts = np.asarray(panel.bodies[worded[0]])[here]
    shape, extent = "", 256 * panel.side
    for k in np.unique(acts).tolist():
        x, y = (np.asarray(panel.bodies[axis])[here][acts == k] * (UNITS / extent) for axis in "xy")
        shape += f'<path class="dots" style="--c:var(--c{k % 8})" d="{dots(x, y)}"/>'
    at_source = np.flatnonzero(np.asarray(panel.sources.get("tick", ())) == tick)
    for row in at_source.tolist():
        x, y = (round(float(panel.sources[axis][row]) * UNITS / extent) for axis in "xy")
        shape += f'<circle class="source" cx="{x}" cy="{y}" r="28"/>'
    shown = f", {number(here.size)} drawn" if here.size < n else ""
    caption = f"{panel.title}, tick {number(tick)}: {number(n)} living{shown}"
    return (
        f'<figure><svg viewBox="0 0 {UNITS} {UNITS}" role="img" aria-label="{escape(caption)}">{shape}</svg>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )
