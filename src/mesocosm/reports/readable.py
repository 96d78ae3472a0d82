"""Numbers as a reader wants them: few digits, no NaN, ticks at round values."""

from __future__ import annotations

import math
import re
from typing import Any, TypeGuard

import numpy as np

from mesocosm.findings.claim import decimals_of

NONE = "–"
"""Stands where there is no number."""


def is_number(value: Any) -> TypeGuard[float]:
    """Whether this is a finite number (a truth value is none)."""
    return isinstance(value, int | float | np.integer | np.floating) and math.isfinite(value) and value is not True


def number(value: Any, digits: int = 3) -> str:
    """A number with about `digits` significant ones; a dash where there is none.

    >>> number(0.0512), number(1234567), number(-3.14159), number(float("nan")), number(2.0)
    ('0.0512', '1,234,567', '−3.14', '–', '2')
    """
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if not is_number(value):
        return NONE
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}".replace("-", "−")
    size = abs(value)
    if size >= 1e15 or size < 1e-4:
        return f"{value:.{digits - 1}e}".replace("e-0", "e-").replace("e+0", "e").replace("-", "−")
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    text = f"{value:,.{decimals}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")


def interval(estimate: Any, low: Any, high: Any) -> tuple[str, str, str]:
    """An estimate and its interval with the same decimals, as many as the terminal shows.

    >>> interval(0.5512, 0.513, 0.588), interval(3.1, 2.6, 3.6), interval(-420.3, -610, None)
    (('0.551', '0.513', '0.588'), ('3.1', '2.6', '3.6'), ('−420.3', '−610', '–'))
    """
    if not all(map(is_number, (estimate, low, high))) or high <= low:
        return number(estimate, 4), number(low, 4), number(high, 4)
    decimals = decimals_of(high - low)
    size = max(abs(low), abs(high), abs(estimate))
    if decimals > 8 or size >= 1e15:
        return number(estimate), number(low), number(high)
    shown = (f"{float(v):,.{decimals}f}" for v in (estimate, low, high))
    estimate, low, high = (v.replace("-", "−" if v.strip("-0.,") else "") for v in shown)  # a rounded zero has no sign
    return estimate, low, high


def round_ticks(low: float, high: float, n: int = 5) -> list[float]:
    """About n round values that span low ... high, without going beyond.

    >>> round_ticks(0, 0.93)
    [0.0, 0.2, 0.4, 0.6, 0.8]
    """
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low] if math.isfinite(low) else []
    raw = (high - low) / max(1, n)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next((f * power for f in (1, 2, 2.5, 5) if f * power >= raw * 0.999), 10 * power)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(k * step, 12) if abs(step) < 1e6 else k * step for k in range(first, last + 1)]


def tick_labels(ticks: list[float]) -> list[str]:
    """The same decimals for all; thousands as k, millions as M, where all are round.

    >>> tick_labels([0, 2000, 4000]), tick_labels([0.0, 0.25, 0.5])
    (['0', '2,000', '4,000'], ['0', '0.25', '0.50'])
    """
    size = max((abs(t) for t in ticks), default=0)
    for scale, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size >= 10 * scale and all(abs(t / scale * 10 - round(t / scale * 10)) < 1e-6 for t in ticks):
            return ["0" if t == 0 else f"{number(t / scale)}{unit}" for t in ticks]
    if 0 < size < 1e-4:
        return [number(t, 2) for t in ticks]
    decimals = next((d for d in range(8) if all(abs(t - round(t, d)) < 1e-9 for t in ticks)), 8)
    return ["0" if t == 0 else f"{t:,.{decimals}f}".replace("-", "−") for t in ticks]


def kept(text: str) -> str:
    """Text in which no line breaks before a per cent sign or within an interval; a minus as long as a plus.

    >>> kept("-0.3 [-0.6, 0.1], 5 %")
    '−0.3 [−0.6,\xa00.1], 5\xa0%'
    """
    text = re.sub(r"(?<![\w.)-])-(?=\d)", "−", text)
    text = re.sub(r"(?<=\)) - (?=\w)", " − ", text)  # of two probabilities
    inside = re.sub(r"\[[^\[\]]{3,40}\]", lambda found: found[0].replace(" ", "\u00a0"), text)
    return inside.replace(" %", "\u00a0%")


def percent(share: float) -> str:
    """A share as a percentage; below 1% with one decimal."""
    if is_number(share) and 0 < share < 0.0005:
        return "<0.1%"
    return f"{100 * share:.{1 if 0 < share < 0.01 else 0}f}%" if is_number(share) else NONE
