"""A tournament as one SVG file: who beats whom, in the order of time; beside it what of that is order and what goes in
circles, in the same colours; under it the potential.

An order shows as one colour on each side of the diagonal, deeper the further away; cycles as patches of both colours on
one side; a plateau as a pale corner at the end. In the two parts nothing else is left to see.
"""

from __future__ import annotations

import math
from html import escape

import numpy as np

from mesocosm.findings.hodge import hodge
from mesocosm.findings.tournament import Tournament
from mesocosm.reports.readable import number

_CELL, _LEFT, _TOP, _CHART = 52, 96, 84, 130
_WIN, _LOSS, _NONE = "#1b7a6e", "#b4532a", "#cccccc"
SNAPSHOTS_AT_MOST = 40
"""More could not be told apart."""


def draw(found: Tournament, title: str) -> str:
    """The drawing; what has no number is a grey cell, never a number that is not finite.

    Raises:
      ValueError: for more snapshots than can be told apart.
    """
    n = found.times.size
    if n > SNAPSHOTS_AT_MOST:
        raise ValueError(f"snapshots: {n} cannot be drawn; {SNAPSHOTS_AT_MOST} at most")
    mean, low, high = found.matrix()
    reach = float(np.nanmax(np.abs(mean))) or 1.0 if np.isfinite(mean).any() else 1.0
    side = n * _CELL
    beside = max(150.0, 0.5 * side - 30)  # side of each part
    right = _LEFT + max(side, 440) + 40
    width, height = right + beside + 24, _TOP + max(side, 2 * beside + 60) + _CHART + 76
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="system-ui, sans-serif" font-size="12" role="img">',
        f"<title>{escape(title)}</title><desc>{escape(found.sentence())}</desc>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        _text(16, 24, title, size=15),
        _text(16, 44, f"row against column, score {found.score_unit}: green wins, brown loses; · not apart from 0"),
        *_cells(found.times, mean, low, high, reach),
        *_parts(found, mean, reach, right, beside),
        *_potential(found, _TOP + max(side, 2 * beside + 60) + 40),
        "</svg>",
    ]
    return "\n".join(parts)


def _text(x: float, y: float, words: str, anchor: str = "start", size: int = 12, colour: str = "#222222") -> str:
    looks = f'text-anchor="{anchor}" font-size="{size}" fill="{colour}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {looks}>{escape(words)}</text>'


def _parts(found: Tournament, mean: np.ndarray, reach: float, left: float, side: float) -> list[str]:
    """Order and cycles of the mean scores, one below the other; snapshots that miss a match are grey."""
    kept = np.isfinite(mean).all(axis=1)
    parts = np.full((2, *mean.shape), np.nan)
    if kept.sum() >= 2:
        for part, values in zip(parts, hodge(mean[np.ix_(kept, kept)]), strict=True):
            part[np.ix_(kept, kept)] = values
    out = []
    squares = (found.split().gradient, found.split().cyclic)
    for k, (name, values, square) in enumerate(zip(("order", "cycles"), parts, squares, strict=True)):
        top = _TOP + k * (side + 60)
        there = square[np.isfinite(square)]
        said = f"mean square {there.mean():.2g}, unbiased" if there.size else "no value"
        out += [_text(left, top - 26, name, size=13), _text(left, top - 10, said, colour="#555555")]
        cell = side / max(1, len(mean))
        for i, j in np.ndindex(*values.shape):
            paint, strength = _paint(values[i, j], reach)
            out.append(
                f'<path d="M{left + j * cell:.1f} {top + i * cell:.1f}h{cell:.1f}v{cell:.1f}h-{cell:.1f}z" '
                f'fill="{paint}" fill-opacity="{strength:.3f}"/>'
            )
        out.append(f'<path d="M{left:.1f} {top}h{side:.1f}v{side:.1f}h-{side:.1f}z" fill="none" stroke="#888888"/>')
    return out


def _paint(value: float, reach: float) -> tuple[str, float]:
    """Colour and opacity of a score."""
    if not math.isfinite(value):
        return _NONE, 1.0
    return (_WIN if value >= 0 else _LOSS), min(1.0, abs(value) / reach)


def _cells(times: np.ndarray, mean: np.ndarray, low: np.ndarray, high: np.ndarray, reach: float) -> list[str]:
    out = []
    decimals = min(6, max(0, 1 - math.floor(math.log10(reach))))  # one more than the largest score needs
    for i, time in enumerate(times):
        middle = i * _CELL + _CELL / 2
        out.append(_text(_LEFT - 8, _TOP + middle + 4, number(float(time)), "end"))
        out.append(_text(_LEFT + middle, _TOP - 8, number(float(time)), "middle"))
        for j in range(times.size):
            x, y = _LEFT + j * _CELL, _TOP + i * _CELL
            value = mean[i, j]
            is_there = bool(np.isfinite(value))
            paint, strength = _paint(value, reach)
            out.append(
                f'<rect x="{x}" y="{y}" width="{_CELL - 1}" height="{_CELL - 1}" fill="{paint}" '
                f'fill-opacity="{strength:.3f}" stroke="#dddddd"/>'
            )
            if is_there and i != j:
                colour = "#ffffff" if strength > 0.55 else "#222222"
                out.append(_text(x + _CELL / 2, y + _CELL / 2 + 4, f"{value:+.{decimals}f}", "middle", 11, colour))
                if low[i, j] <= 0 <= high[i, j]:
                    out.append(_text(x + _CELL / 2, y + _CELL - 7, "·", "middle", 16, colour))
    return out


def _potential(found: Tournament, top: float) -> list[str]:
    """The potential at each snapshot: each replicate a thin line, their mean a thick one."""
    out = [_text(16, top, f"potential over time ({found.time_unit}): what a snapshot wins on average against all")]
    potentials = found.potentials()
    if not np.isfinite(potentials).any():
        return [*out, _text(16, top + 24, "There are no values to draw.")]
    reach = float(np.nanmax(np.abs(potentials))) or 1.0
    begin, end = float(found.times.min()), float(found.times.max())
    x = _LEFT + _CELL / 2 + (found.times - begin) / ((end - begin) or 1.0) * (found.times.size - 1) * _CELL
    order = np.argsort(found.times, kind="stable")

    def path(values: np.ndarray, colour: str, wide: float) -> str:
        kept = [k for k in order if np.isfinite(values[k])]
        at = " ".join(f"{x[k]:.1f},{top + 14 + _CHART / 2 * (1 - values[k] / reach):.1f}" for k in kept)
        return f'<polyline points="{at}" fill="none" stroke="{colour}" stroke-width="{wide}"/>'

    there = np.isfinite(potentials)
    mean = np.where(there, potentials, 0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    mean = np.where(there.any(axis=0), mean, np.nan)
    middle = top + 14 + _CHART / 2
    out.append(f'<path d="M{_LEFT} {middle:.1f}H{_LEFT + found.times.size * _CELL}" stroke="#888888"/>')
    out += [_text(_LEFT - 8, top + 20, f"{reach:+.2g}", "end"), _text(_LEFT - 8, middle + 4, "0", "end")]
    out += [path(values, "#bbbbbb", 0.8) for values in potentials[:200]]
    return [*out, path(mean, "#222222", 2.5)]
