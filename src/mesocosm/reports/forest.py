"""Findings as a forest figure: estimate, interval, the band of what would not matter, and the verdict as a word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any

import numpy as np

from mesocosm.findings.claim import shown_interval
from mesocosm.protocol.story import Axis
from mesocosm.reports.readable import NONE, interval, is_number, kept, number, round_ticks, tick_labels
from mesocosm.reports.svg import LARGEST, Plot, Scale, area, dots, line, scale_for

Finding = Mapping[str, Any]
"""name, sentence, kind, unit, control, statistic, delta, direction, expects, declared, estimate, low, high, confidence,
n_started, n_survived, n_used, n_right, verdict, p, p_adjusted, method, still_needed, note. Numbers may be None."""

VERDICTS = {
    "supported": ("●", "supported"),
    "refuted": ("✕", "refuted"),
    "equivalent": ("■", "equivalent"),
    "undecided": ("○", "undecided"),
}
"""Sign and word of each verdict: never a colour alone."""


def forest(findings: Sequence[Finding], noun: str = "replicates") -> str:
    """All findings. Neighbours of the same unit and kind share an axis. `noun`: what is counted, in the plural."""
    notes = Counter(str(f["note"]) for f in findings if f.get("verdict") == "undecided" and f.get("note"))
    once = {note: n for note, n in notes.items() if n >= _OFTEN}
    lead = "".join(f"<p>Of {number(n)} of these findings: {escape(kept(note))}</p>" for note, n in once.items())
    groups = groupby(findings, key=lambda f: (f.get("unit") or "", f.get("kind") or ""))
    return lead + "".join(_group(list(members), noun, set(once)) for _, members in groups)


_OFTEN = 3
"""Findings of which the same is to be noted, from which on it is said once, above all of them."""


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


def _group(findings: Sequence[Finding], noun: str, said: Collection[str] = ()) -> str:
    ends = []
    for f in findings:
        ends += map(_number, _shown(f))
        ends += [_null(f), *_band(f)]
    unit = str(findings[0].get("unit") or "")
    is_fraction = findings[0].get("kind") == "fraction"
    # with room beyond, so that what is too small to matter has ends to be seen
    scale = Scale(0, 1) if is_fraction else scale_for(Axis(""), [np.array(ends)], pad=0.18) or Scale(-1, 1)
    rows = "".join(_row(f, scale, noun, said) for f in findings)
    head = _axis_row(scale, unit) if len(findings) > _FAR else ""  # the lines of the scale go through all of them
    return f'<div class="forest">{head}{rows}{_axis_row(scale, unit)}</div>'


_FAR = 2
"""Findings of one scale from which on its figures stand above them too."""


def _axis_row(scale: Scale, unit: str) -> str:
    """The figures of a scale, and the unit."""
    axis = Plot(scale, Scale(0, 1), height=26)
    ticks = _ticks(scale)
    for k, (value, words) in enumerate(zip(ticks, tick_labels(ticks), strict=True)):
        axis.text(scale.percent(value), "0%", words, "tick middle" + (" spare" if k % 2 else ""), dy=14)
    named = f'<span class="unit">{escape(unit)}</span>' if unit else ""
    return f'<div class="finding axis-row" aria-hidden="true"><div></div>{axis.render("", "")}<div>{named}</div></div>'


def _ticks(scale: Scale) -> list[float]:
    return round_ticks(scale.low, scale.high, 5)


def _row(finding: Finding, scale: Scale, noun: str, said: Collection[str]) -> str:
    plot = Plot(scale, Scale(0, 1), height=54)
    for value in _ticks(scale):
        plot.rule(scale.percent(value), "0%", scale.percent(value), "100%", "grid")
    estimate, low, high = map(_number, _shown(finding))
    null, band = _null(finding), np.array(_band(finding))
    if np.isfinite(band).all() and band[1] > band[0]:
        plot.path(area(scale(band), np.zeros(2), np.full(2, 1000.0)), "equal")
    plot.rule(scale.percent(null), "0%", scale.percent(null), "100%", "zero")
    look = str(finding.get("verdict")) if finding.get("verdict") in VERDICTS else "undecided"
    if finding.get("kind") != "fraction" and finding.get("direction") in (-1, 1) and not _is_of_equality(finding):
        arrow, away = ("→", 5) if finding.get("direction") == 1 else ("←", -17)
        plot.text(scale.percent(null), "0%", arrow, "tick", dx=away, dy=12)
    plot.path(line(scale(np.array([low, high])), np.array([500.0, 500.0])), f"bar {look}")
    plot.path(dots(scale(np.array([estimate])), np.array([500.0])), f"dots {look}")
    estimate_of, low_of, high_of = interval(*_shown(finding))
    alt = f"Estimate {estimate_of} [{low_of}, {high_of}]; {finding.get('verdict') or 'no verdict'}."
    name, sentence = str(finding.get("name") or ""), str(finding.get("sentence") or "")
    against = f"against {escape(str(finding.get('control')))} · " if finding.get("control") else ""
    note = finding.get("note") if finding.get("verdict") == "undecided" else None
    note = None if note in said else note
    return (
        f'<div class="finding"><div class="said">{badge(finding.get("verdict"))}'
        f"<h3>{escape(sentence[:1].upper() + sentence[1:] or name)}</h3><p>{against}<code>{escape(name)}</code></p>"
        f"{f'<p>{escape(str(note))}</p>' if note else ''}</div>"
        f'{plot.render(name or "finding", alt)}<div class="figures">{_figures(finding, noun)}</div>'
        f"<details><summary>How it was found</summary>{_details(finding, noun)}</details></div>"
    )


def _shown(finding: Finding) -> tuple[Any, Any, Any]:
    """The estimate, and the interval by which the verdict was given."""
    low, high, _ = shown_interval(finding)
    return finding.get("estimate"), low, high


def _figures(finding: Finding, noun: str) -> str:
    estimate, low, high = interval(*_shown(finding))
    kind, unit, confidence = finding.get("kind"), finding.get("unit"), shown_interval(finding)[2]
    is_signed = kind == "mean" and is_number(finding.get("estimate")) and float(finding.get("estimate") or 0) > 0
    times = "×" if kind == "ratio" and is_number(finding.get("estimate")) else ""
    right, used = finding.get("n_right"), finding.get("n_started" if kind == "fraction" else "n_used")
    level = f"{number(100 * confidence)} % interval" if is_number(confidence) else ""
    counted = ""
    if is_number(right) and is_number(used) and (kind == "fraction" or low != NONE or high != NONE):
        counted = f"{number(right)} of {number(used)} {noun}{_on_side(finding)}"
    elif is_number(used):
        counted = f"{number(used)} {noun}"
    more = finding.get("still_needed")
    needed = f"about {number(more)} more {noun} needed" if is_number(more) else ""
    lines = "".join(f"<small>{escape(words)}</small>" for words in (level, counted, needed) if words)
    of = f" <span>{escape(str(unit))}</span>" if unit else ""
    is_signed = is_signed and bool(estimate.strip("0.,"))  # a rounded zero has no sign
    ends = "" if low == high == NONE else f" <span>[{low}, {high}]</span>"
    return f"<strong>{'+' if is_signed else ''}{estimate}{times}</strong>{of}{ends}{lines}"


_SIDES = {1: "above", -1: "below"}


def _is_of_equality(finding: Finding) -> bool:
    """Whether what was predicted is that there is no difference: no side is then the right one."""
    return finding.get("expects") == "equivalent"


def _on_side(finding: Finding) -> str:
    """On which side those lie that are counted, and whether it is the predicted one."""
    if finding.get("kind") == "fraction":
        return ""
    side = _SIDES.get(finding.get("direction") or 0, "")
    if _is_of_equality(finding):
        return f" {side or 'above'}"
    return " on the predicted side" + (f" ({side})" if side else "")


def _details(finding: Finding, noun: str) -> str:
    started, survived, used = (number(finding.get(k)) for k in ("n_started", "n_survived", "n_used"))
    declared = finding.get("declared")
    facts = [
        ("Kind", finding.get("kind")),
        ("Control", finding.get("control")),
        ("Statistic", finding.get("statistic")),
        ("Expected", "no difference" if _is_of_equality(finding) else _SIDES.get(finding.get("direction") or 0)),
        ("Too small to matter", _within(finding)),
        ("Stated", _stated(finding)),
        ("Declared before the run", None if declared is None else "yes" if declared else "no: exploratory"),
        ("Interval", _whole(finding)),
        (noun.capitalize(), f"{started} started, {survived} survived, {used} used"),
        ("p", _p(finding)),
        ("Method", finding.get("method")),
        ("Still needed", finding.get("still_needed")),
        ("Note", finding.get("note")),
    ]
    rows = "".join(f"<dt>{k}</dt><dd>{escape(_words(v))}</dd>" for k, v in facts if v not in (None, ""))
    return f"<dl>{rows}</dl>"


def _whole(finding: Finding) -> str | None:
    """The interval at full confidence; for an equivalence also the narrower one by which it was judged."""
    confidence, inner = finding.get("confidence"), shown_interval(finding)
    if not is_number(confidence):
        return None
    _, low, high = interval(*(finding.get(k) for k in ("estimate", "low", "high")))
    said = f"[{low}, {high}] at {number(100 * confidence)} %"
    if inner[2] == confidence or not is_number(inner[2]):
        return said
    _, low, high = interval(finding.get("estimate"), *inner[:2])
    return f"{said}; an equivalence is judged by [{low}, {high}] at {number(100 * inner[2])} % (two one-sided tests)"


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
