"""What a study found: lines for the terminal, a page in Markdown with its figure, and a leaderboard. No jax."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from mesocosm.findings.claim import show_interval
from mesocosm.reports.lines import Drawn, Line, forest, stacked, svg, text
from mesocosm.studies.cell import Cell, Row, spelt
from mesocosm.studies.compute import MATCHED_IN, matches
from mesocosm.studies.study import Study
from mesocosm.studies.table import ContextEffect, Effect, Table

Lines = list[str]


Tables = Mapping[str, Table]
"""By view of the study, as `scoring.scores` gives them."""


Rows = Sequence[tuple[Cell, Row]]


def summary(study: Study, tables: Tables, rows: Rows = ()) -> str:
    """The tables for a terminal."""
    notes = dict.fromkeys(note for table in tables.values() for note in table.notes)
    told = [f"note: {note}" for note in [*notes, *_no_results(rows)]]
    return "\n".join([study.question, "", *_headlines(study, tables, rows), "", *told]).rstrip()


def causes(rows: Rows) -> dict[str, str]:
    """For each status that is not ok why, of the first row that says so."""
    first: dict[str, str] = {}
    for _, row in rows:
        if row.status != "ok" and row.cause:
            first.setdefault(row.status, row.cause)
    return first


def _one_line(words: str) -> str:
    """What a terminal can show: no line breaks, nothing that steers it."""
    plain = "".join(c if c.isprintable() else " " for c in words)
    return " ".join(plain.split())[:400]


def _no_results(rows: Rows) -> Lines:
    n, ended = sum(row.from_outside for _, row in rows), sum(row.status == "ok" and row.cause != "" for _, row in rows)
    out = [f"{n} cells failed for a cause outside them: the same command tries them again."] if n else []
    words = "rows are of replicates that died out and have a value all the same: they are scored."
    return [*out, f"{ended} of {len(rows)} {words}"] if ended else out


def _headlines(study: Study, tables: Tables, rows: Rows) -> Lines:
    first = next(iter(tables.values()))
    lines = [f"{first.n_rows} of {first.n_cells} cells: " + ", ".join(f"{n} {s}" for s, n in first.statuses.items())]
    lines += [f"  first {status}: {_one_line(cause)}" for status, cause in causes(rows).items()]
    for name, view in study.views.items():
        if study.cross:
            lines += ["", f"{name}, against {spelt_control(view)}, while all other slots range over contexts"]
        lines += _effect_lines(view, tables[name])
    if first.shares:
        lines += ["" if study.cross else None, _variance(first)]
    return [line for line in lines if line is not None]


def _variance(table: Table) -> str:
    """Of all variance; where tasks differ, beside theirs the shares of what is left: data sets are never alike."""
    shares = {s.slots: s.share for s in table.shares}
    of_tasks = shares.pop(("task",), 0.0)
    rest = 1 - of_tasks
    if not shares or rest <= 0:
        return f"  variance: task {100 * of_tasks:.3g} %"
    first = f"task {100 * of_tasks:.3g} %; of the rest " if of_tasks else ""
    told = [(" x ".join(slots), share / rest) for slots, share in shares.items()]
    higher = 1 - sum(share for _, share in told)
    if len(told) > 3:
        told = [*sorted(told, key=lambda item: -item[1]), ("higher orders", higher)]
    return f"  variance: {first}" + ", ".join(f"{name} {round(100 * share)} %" for name, share in told)


def _effect_lines(study: Study, table: Table) -> Lines:
    noun, lines = f"{table.cluster}s", []
    for effect in sorted(table.effects, key=lambda e: -study.direction * (e.estimate or 0.0)):
        lines.append(f"  {effect.treatment}: {_words(effect, noun)}")
        wins = f"; wins {100 * effect.wins:.0f} %" if effect.wins is not None else ""
        adjusted = f"; p {effect.p_adjusted:.2g} (Holm)" if effect.p_adjusted is not None else ""
        if effect.estimate is None:
            lines.append(f"    no value{_failures(effect)}")
            continue
        fixed = show_interval(effect.estimate, effect.fixed_low, effect.fixed_high, signed=not effect.is_level)
        lines.append(f"    these contexts alone: {fixed}{wins}{adjusted}{_failures(effect)}")
        if effect.worst is not None:
            worst = show_interval(effect.worst.mean, effect.worst.low, effect.worst.high, signed=not effect.is_level)
            lines.append(f"    worst context: {worst} at {_where(effect.worst, len(study.tasks))}")
    if table.ranking is not None and len(table.ranking.scores) > 2:
        r = table.ranking
        lines.append(f"  who beats whom: order |G|^2 = {r.order:.3g}, cycles |C|^2 = {r.cycles:.3g} (noise taken out)")
    return lines


def _words(effect: Effect, noun: str) -> str:
    """The headline of an effect; of a mean level nothing that sounds like a comparison."""
    f = effect.finding
    if not effect.is_level or f.estimate is None or f.low is None:
        return f.note if effect.is_level else f.words(noun)
    shown = show_interval(f.estimate, f.low, f.high, f" {f.unit}" if f.unit else "")
    return f"mean level: {shown}, held against nothing ({f.n_used} of {f.n_started} {noun})"


def _failures(effect: Effect) -> str:
    return "".join(f"; {n} {status}" for status, n in effect.failures.items())


def _where(context: ContextEffect, tasks: int = 1) -> str:
    parts = {k: v for k, v in context.context.items() if k != "task" or tasks > 1 or len(context.context) == 1}
    return ", ".join(f"{slot} = {spelt(value)}" for slot, value in parts.items())


def markdown(study: Study, tables: Tables, rows: Rows, command: str) -> str:
    """A page for the documentation: how it was asked, what was found, where it differs, and how to repeat it."""
    versions = rows[0][1].environment.get("versions", {}) if rows else {}
    table = next(iter(tables.values()))
    seconds = round(sum(row.cost.get("seconds", 0.0) for _, row in rows), 0)
    out = [f"# {study.name}", "", study.question, ""]
    facts = {
        "command": f"`{command}`",
        "prediction": study.prediction,
        "control": study.control or ", ".join(spelt_control(v) for v in study.views.values() if v.vary),
        "metric": study.metric,
        "smallest effect that matters": f"{study.minimal_effect:g} {study.unit}".strip(),
        "cells": f"{table.n_rows} of {table.n_cells}: " + ", ".join(f"{n} {s}" for s, n in table.statuses.items()),
        "seeds": ", ".join(f"{n} of {part}" for part, n in study.seeds.items())
        if isinstance(study.seeds, Mapping)
        else str(study.seeds),
        "budget of a cell": ", ".join(f"{v:g} {k}" for k, v in study.budget.items()),
        "set in all cells": ", ".join(f"{k} = {spelt(v)}" for k, v in study.fixed.items()),
        "counted as independent": f"{table.n_clusters} {table.cluster}s",
        "scored by": f"version {table.version} of the rules",
        "versions": ", ".join(f"{k} {v}" for k, v in versions.items()),
        "seconds measured": f"{seconds:.15g}" if math.isfinite(seconds) else "",
    }
    out += ["| | |", "|---|---|", *(_row([k, v]) for k, v in facts.items() if v), ""]
    out += [f"![Effects]({study.name}.svg)", "", "```text", *_headlines(study, tables, rows), "```", ""]
    out += [f"*{note}*" for note in dict.fromkeys(note for t in tables.values() for note in t.notes)]
    out += [f"*{note}*" for note in _no_results(rows)]
    for name, view in study.views.items():
        out += _by_compute(name, view, rows)
    for name, view in study.views.items():
        out += _by_level(name, tables[name]) if study.cross else _by_context(view, tables[name])
    return "\n".join(out).rstrip() + "\n"


def _by_context(study: Study, table: Table) -> Lines:
    slots = [*(["task"] if len(study.tasks) > 1 else []), *study.contexts]
    n = sum(len(effect.contexts) for effect in table.effects)
    text = (
        "Means over seeds with 95 % intervals; the verdicts are exploratory. Bold: the same verdict from an interval "
        f"at 1 - .05 / {n}, with which all {n} hold at once."
    )
    if any(effect.is_level for effect in table.effects):
        text = "Means over seeds with 95 % intervals: levels, held against nothing."
    out = ["", "## Every context", "", text, ""]
    head = [*slots, *(e.treatment for e in table.effects)]
    out += [_row(head), "|" + "---|" * len(head)]
    for several in zip(*(e.contexts for e in table.effects), strict=True):
        place = [spelt(several[0].context[s]) for s in slots]
        told = [_told(c, effect.is_level) for c, effect in zip(several, table.effects, strict=True)]
        out.append(_row([*place, *told]))
    return out


def _by_compute(name: str, view: Study, rows: Rows) -> Lines:
    """What each treatment spends to be as good as its control."""
    found = matches(view, rows)
    if not found:
        return []
    out = ["", f"## Compute to be as good: {name}", ""]
    out += [
        f"As good as {spelt_control(view)} is in the end, on the same context and seed, curves read between points.",
        "",
    ]
    out += [_row(["treatment", "as good within its budget", "FLOPs", "seconds"]), "|---|---|---|---|"]
    for m in found:
        times = [f"x {m.times[cost]:.3g}" if cost in m.times else "" for cost in MATCHED_IN]
        out.append(_row([m.treatment, f"{100 * m.reached:.0f} % of {m.n}", *times]))
    return [*out, "", "Times the cost of the control: median over the cells that are as good."]


def _by_level(name: str, table: Table) -> Lines:
    """Where the effects of a crossed slot depend on another; nothing where all slots make independent contexts."""
    if not any(e.levels for e in table.effects):
        return []
    out = ["", f"## {name}, by the other slots", "", f"Means over {table.cluster}s; the verdicts are exploratory.", ""]
    head = ["slot", "value", *(e.treatment for e in table.effects)]
    out += [_row(head), "|" + "---|" * len(head)]
    for several in zip(*(e.levels for e in table.effects), strict=True):
        found = [level.finding for level in several]
        told = [f"{show_interval(f.estimate, f.low, f.high, signed=True)} {f.verdict}" for f in found]
        out.append(_row([several[0].slot, several[0].value, *told]))
    return out


def _row(values: Sequence[str]) -> str:
    return "| " + " | ".join(value.replace("|", "\\|") for value in values) + " |"


def spelt_control(study: Study) -> str:
    return ", ".join(f"{slot} = {spelt(value)}" for slot, value in study.treatments[0].items())


def _told(c: ContextEffect, is_level: bool = False) -> str:
    if c.mean is None:
        return f"none ({c.n} of {c.n_started})"
    missing = f", {c.n} of {c.n_started}" if c.n < c.n_started else ""
    if is_level:
        return f"{show_interval(c.mean, c.low, c.high)}{missing}"
    verdict = f"**{c.verdict}**" if _holds(c) else c.verdict
    return f"{show_interval(c.mean, c.low, c.high, signed=True)} {verdict}{missing}"


def _holds(c: ContextEffect) -> bool:
    """Whether its verdict stands over all contexts at once."""
    return c.over_all == c.verdict != "undecided"


# ------------------------------------------------------------------------------------------------- the figure

_SIDE, _GAP, _LEFT, _TOP, _LINE, _LETTER = 58, 26, 120, 62, 15, 7.2
_ABREAST, _MOST_PANELS = 4, 16


def figure(study: Study, tables: Tables) -> str:
    """One SVG: one effect as a map where two slots or more form the contexts of one task, else a forest of treatments.

    Crossed slots stand below each other, each a forest.
    """
    slots = [s for s in study.contexts if len(study.contexts[s]) > 1]
    n_panels = math.prod(len(study.contexts[s]) for s in slots[:-2])
    is_one = not study.cross and len(tables[study.name].effects) == 1
    if is_one and len(slots) >= 2 and n_panels <= _MOST_PANELS and len(study.tasks) == 1:
        return svg(*_map(study, tables[study.name].effects[0], slots), study.question)
    every = [line for name, view in study.views.items() for line in _lines(view, tables[name])]
    drawn = [_forest(view, tables[name], every) for name, view in study.views.items()]
    return svg(*stacked(drawn), study.question)


def _map(study: Study, effect: Effect, slots: Sequence[str]) -> Drawn:
    """Rows over the second last slot, columns over the last, a panel for each combination of those before."""
    *before, row, column = slots
    panels = list(itertools.product(*(study.contexts[s] for s in before)))
    rows, columns = study.contexts[row], study.contexts[column]
    found = {tuple(spelt(c.context[s]) for s in slots): c for c in effect.contexts}
    most = max((abs(c.mean) for c in effect.contexts if c.mean is not None), default=1.0) or 1.0
    width = max(
        _SIDE * len(columns),
        round(_LETTER * max([0, *(len(_titled(s, v)) for p in panels for s, v in zip(before, p, strict=True))])),
    )
    height = len(rows) * _SIDE + (len(before) + 2) * _LINE
    holds = "" if effect.is_level else ", bold where it holds over the whole map"
    note = f"mean over seeds{holds}; columns: {column}; rows: {row}"
    title = f"{study.metric}: {effect.treatment}, less {effect.finding.control}" if study.vary else study.metric
    out = [text(12, 22, title, "t"), text(12, 40, note)]
    for k, panel in enumerate(panels):
        x0, y0 = _LEFT + k % _ABREAST * (width + _GAP), _TOP + k // _ABREAST * height + len(before) * _LINE
        for n, (slot, value) in enumerate(zip(before, panel, strict=True)):
            out.append(text(x0, y0 - 6 - (len(before) - 1 - n) * _LINE, _titled(slot, value)))
        for (i, r), (j, c) in itertools.product(enumerate(rows), enumerate(columns)):
            cell = found[tuple(map(spelt, (*panel, r, c)))]
            out.append(_square(x0 + j * _SIDE, y0 + i * _SIDE, cell, most, effect.is_level))
        out += [text(x0 + j * _SIDE + 4, y0 + len(rows) * _SIDE + 16, spelt(c), "n") for j, c in enumerate(columns)]
        if k % _ABREAST == 0:
            out += [text(12, y0 + i * _SIDE + _SIDE / 2, spelt(r), "n") for i, r in enumerate(rows)]
    across = _LEFT + min(len(panels), _ABREAST) * (width + _GAP)
    wide = max(across, *(round(24 + _LETTER * len(words)) for words in (title, note)))
    return wide, _TOP + -(-len(panels) // _ABREAST) * height + 8, out


def _titled(slot: str, value: Any) -> str:
    return f"{slot.split('.')[-1]} = {spelt(value)}"


def _square(x: float, y: float, cell: ContextEffect, most: float, is_level: bool) -> str:
    if cell.mean is None:
        colour, words = "#ddd", "none"
    else:
        part = math.sqrt(min(1.0, abs(cell.mean) / most))
        red, blue = (1 - 0.75 * part, 1 - 0.35 * part) if cell.mean > 0 else (1 - 0.1 * part, 1 - 0.7 * part)
        colour = f"rgb({255 * red:.0f},{255 * (1 - 0.4 * part):.0f},{255 * blue:.0f})"
        words = f"{cell.mean:{'' if is_level else '+'}.2f}"
    look = "t" if _holds(cell) else "n"
    title = escape(f"{_where(cell)}: {_told(cell, is_level)}")
    box = (
        f'<rect x="{x}" y="{y}" width="{_SIDE - 2}" height="{_SIDE - 2}" fill="{colour}"><title>{title}</title></rect>'
    )
    return box + text(x + 10, y + _SIDE / 2 + 4, words, look)


def _lines(study: Study, table: Table) -> list[Line]:
    """The interval over clusters, thick that over these contexts alone; the best treatment first."""
    effects = sorted(table.effects, key=lambda e: -study.direction * (e.estimate or 0.0))
    return [
        Line(e.treatment, e.finding.estimate, e.finding.low, e.finding.high, e.fixed_low, e.fixed_high) for e in effects
    ]


def _forest(study: Study, table: Table, every: Sequence[Line]) -> Drawn:
    """A line a treatment, on the scale of every one of the study."""
    is_level = any(effect.is_level for effect in table.effects)
    title = study.metric if is_level else f"{study.metric}, against {spelt_control(study) or study.control}"
    note = f"thin: over {table.cluster}s; thick: these contexts alone; grey: too small to matter"
    return forest(_lines(study, table), title, note, (-study.minimal_effect, study.minimal_effect), beside=every)


def context_values(study: Study, cell: Cell) -> dict[str, Any]:
    """What a row of the leaderboard shows of its cell: task, slots, seed."""
    slots = {slot: spelt(cell.parts[slot]) for slot in (*study.vary, *study.cross, *study.contexts)}
    seed = ", ".join(f"{k} {v}" for k, v in cell.seed.items())
    return {"task": cell.task, **slots, "seed": seed}
