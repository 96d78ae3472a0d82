"""Findings as a forest figure: estimate, interval, the band of what would not matter, and the verdict as a word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any

import numpy as np

from mesocosm.experiments.story import Axis
from mesocosm.reports.readable import interval, is_number, number, round_ticks, tick_labels
from mesocosm.reports.svg import LARGEST, Plot, Scale, area, dots, line, scale_for

Finding = Mapping[str, Any]
"""name, sentence, kind, unit, control, statistic, delta, direction, declared, estimate, low, high, confidence,
n_started, n_survived, n_used, n_right, verdict, p, p_adjusted, method, still_needed, note. Numbers may be None."""

VERDICTS = {
    "supported": ("●", "supported"),
    "refuted": ("✕", "refuted"),
    "equivalent": ("■", "equivalent"),
    "undecided": ("○", "undecided"),
}
"""Sign and word of each verdict: never a colour alone."""


def forest(findings: Sequence[Finding]) -> str:
    """All findings. Neighbours of the same unit and kind share an axis."""
    groups = groupby(findings, key=lambda f: (f.get("unit") or "", f.get("kind") or ""))
    return "".join(_group(list(members)) for _, members in groups)


def badge(verdict: str | None) -> str:
    """The verdict as sign and word."""
    if not verdict:
        return ""
    sign, word = VERDICTS.get(verdict, ("◇", str(verdict)))
    look = verdict if verdict in VERDICTS else "undecided"
    return f'<span class="verdict {look}"><i aria-hidden="true">{sign}</i>{escape(word)}</span>'


def _null(finding: Finding) -> float:
    return 1.0 if finding.get("kind") == "ratio" else 0.0


def _band(finding: Finding) -> tuple[float, float]:
    """What would not matter, or for a fraction would fall short of what is stated; NaN where it is not known."""
    delta = abs(_number(finding.get("delta")))
    kind, is_below = finding.get("kind"), finding.get("direction") == -1
    if kind == "ratio":
        return (1 / delta, delta) if delta > 0 else (np.nan, np.nan)
    if kind == "fraction":
        return (delta, 1.0) if is_below else (0.0, delta)
    return -delta, delta


def _number(value: Any) -> float:
    return float(value) if is_number(value) and abs(value) < LARGEST else np.nan


def _group(findings: Sequence[Finding]) -> str:
    ends = []
    for f in findings:
        ends += [_number(f.get(k)) for k in ("estimate", "low", "high")]
        ends += [_null(f), *_band(f)]
    unit = str(findings[0].get("unit") or "")
    is_fraction = findings[0].get("kind") == "fraction"
    scale = Scale(0, 1) if is_fraction else scale_for(Axis(""), [np.array(ends)], pad=0.08) or Scale(-1, 1)
    rows = "".join(_row(f, scale) for f in findings)
    axis = Plot(scale, Scale(0, 1), height=26)
    ticks = round_ticks(scale.low, scale.high, 5)
    for k, (value, words) in enumerate(zip(ticks, tick_labels(ticks), strict=True)):
        axis.text(scale.percent(value), "0%", words, "tick middle" + (" spare" if k % 2 else ""), dy=14)
    named = f'<span class="unit">{escape(unit)}</span>' if unit else ""
    foot = f'<div class="finding axis-row" aria-hidden="true"><div></div>{axis.render("", "")}<div>{named}</div></div>'
    return f'<div class="forest">{rows}{foot}</div>'


def _row(finding: Finding, scale: Scale) -> str:
    plot = Plot(scale, Scale(0, 1), height=54)
    estimate, low, high = (_number(finding.get(k)) for k in ("estimate", "low", "high"))
    null, band = _null(finding), np.array(_band(finding))
    if np.isfinite(band).all() and band[1] > band[0]:
        plot.path(area(scale(band), np.zeros(2), np.full(2, 1000.0)), "equal")
    plot.rule(scale.percent(null), "0%", scale.percent(null), "100%", "zero")
    look = str(finding.get("verdict")) if finding.get("verdict") in VERDICTS else "undecided"
    plot.path(line(scale(np.array([low, high])), np.array([500.0, 500.0])), f"bar {look}")
    plot.path(dots(scale(np.array([estimate])), np.array([500.0])), f"dots {look}")
    alt = f"Estimate {_interval(finding)}; {finding.get('verdict') or 'no verdict'}."
    return (
        f'<div class="finding"><div class="said">{badge(finding.get("verdict"))}'
        f"<h3>{escape(str(finding.get('name') or ''))}</h3><p>{escape(str(finding.get('sentence') or ''))}</p></div>"
        f'{plot.render(str(finding.get("name") or "finding"), alt)}<div class="figures">{_figures(finding)}</div>'
        f"<details><summary>How it was found</summary>{_details(finding)}</details></div>"
    )


def _interval(finding: Finding) -> str:
    estimate, low, high = interval(*(finding.get(k) for k in ("estimate", "low", "high")))
    return f"{estimate} [{low}, {high}]"


def _figures(finding: Finding) -> str:
    estimate, low, high = interval(*(finding.get(k) for k in ("estimate", "low", "high")))
    right, used = finding.get("n_right"), finding.get("n_used")
    line_of = [f"<strong>{estimate}</strong> <span>[{low}, {high}]</span>"]
    if is_number(right) and is_number(used):
        line_of.append(f"<small>right in {number(right)} of {number(used)}</small>")
    elif is_number(used):
        line_of.append(f"<small>n = {number(used)}</small>")
    return "".join(line_of)


def _details(finding: Finding) -> str:
    confidence = finding.get("confidence")
    started, survived, used = (number(finding.get(k)) for k in ("n_started", "n_survived", "n_used"))
    declared = finding.get("declared")
    facts = [
        ("Kind", finding.get("kind")),
        ("Control", finding.get("control")),
        ("Statistic", finding.get("statistic")),
        ("Expected", {1: "above", -1: "below"}.get(finding.get("direction") or 0)),
        ("Too small to matter", _within(finding)),
        ("Stated", _stated(finding)),
        ("Declared before the run", None if declared is None else "yes" if declared else "no: exploratory"),
        ("Interval", f"{number(100 * confidence)}%" if is_number(confidence) else None),
        ("Replicates", f"{started} started, {survived} survived, {used} used"),
        ("p", _p(finding)),
        ("Method", finding.get("method")),
        ("Still needed", finding.get("still_needed")),
        ("Note", finding.get("note")),
    ]
    rows = "".join(f"<dt>{k}</dt><dd>{escape(_words(v))}</dd>" for k, v in facts if v not in (None, ""))
    return f"<dl>{rows}</dl>"


def _words(value: Any) -> str:
    return value if isinstance(value, str) else number(value)


def _within(finding: Finding) -> str | None:
    delta = finding.get("delta")
    if not is_number(delta):
        return None
    if finding.get("kind") == "ratio":
        return f"less than a factor of {number(abs(delta))}"
    if finding.get("kind") == "fraction":
        return None
    return f"less than {number(abs(delta))} from {number(_null(finding))}"


def _stated(finding: Finding) -> str | None:
    if finding.get("kind") != "fraction" or not is_number(finding.get("delta")):
        return None
    return f"{'at most' if finding.get('direction') == -1 else 'at least'} {number(finding.get('delta'))}"


def _p(finding: Finding) -> str | None:
    p, adjusted = finding.get("p"), finding.get("p_adjusted")
    if not is_number(p):
        return None
    return number(p) + (f", adjusted {number(adjusted)}" if is_number(adjusted) else "")
