"""First and last frame of each replayed world as a picture: for paper, and where no script runs."""

from __future__ import annotations

from html import escape

import numpy as np

from mesocosm.player.encoder.panel import Panel, Population, Replay
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


def _units(panel: Panel, population: Population, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places of some rows, in units of the picture."""
    if panel.bounds is not None:
        left, top, right, bottom = panel.bounds
        x, y = population.x[rows], population.y[rows]
        return (x - left) * (UNITS / (right - left)), (bottom - y) * (UNITS / (bottom - top))
    scale = UNITS / max(panel.space["extent"])
    return population.x[rows] * scale, population.y[rows] * scale


def _picture(panel: Panel, tick: int) -> str:
    shape, told = "", []
    for number_of, population in reversed([*enumerate(panel.populations)]):
        here = np.flatnonzero(population.tick == tick)
        n = here.size
        if population.told["look"] == "rings":
            for x, y in zip(*_units(panel, population, here), strict=True):
                shape += f'<circle class="source" cx="{round(x)}" cy="{round(y)}" r="28"/>'
            continue
        here = here[:: max(1, -(-n // DOTS_AT_MOST))]
        worded = [c["name"] for c in population.told["columns"] if c["words"]]
        acts = np.asarray(population.columns[worded[0]])[here] if worded else np.zeros(here.size, np.int64)
        for k in np.unique(acts).tolist():
            x, y = _units(panel, population, here[acts == k])
            shape += f'<path class="dots" style="--c:var(--c{(number_of + k) % 8})" d="{dots(x, y)}"/>'
        shown = f", {number(here.size)} drawn" if here.size < n else ""
        told.append(f"{number(n)} {'living' if number_of == 0 else population.told['name']}{shown}")
    caption = f"{panel.title}, tick {number(tick)}: {', '.join(reversed(told)) or 'nobody'}"
    return (
        f'<figure><svg viewBox="0 0 {UNITS} {UNITS}" role="img" aria-label="{escape(caption)}">{shape}</svg>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )
