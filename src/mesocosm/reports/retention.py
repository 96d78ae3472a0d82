"""Where a signal is kept and where it is lost: a page and a figure from the cells of a study of `signalling`. No jax.

    python -m mesocosm.reports.retention studies/signalling-map.toml --write docs/results

A world *keeps* its signal if it emits more than 95 % of the deaf worlds of the same cost, pooled over the study (at
least 100). By chance alone one in twenty does, but not in every group: where all worlds differ more, deaf or not, more
of both lie above the pooled threshold. So the deaf of each group are counted too, and it is held against them.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from mesocosm.experiments.signalling.analysis import LEAST, QUANTILE, retained, threshold
from mesocosm.findings.claim import show_interval
from mesocosm.findings.intervals import mean_interval, wilson_interval
from mesocosm.record.files import write_pages
from mesocosm.reports.lines import svg, text
from mesocosm.studies.cell import Cell, Row, spelt
from mesocosm.studies.store import Store
from mesocosm.studies.study import Study, read

COST = "world.emission_cost"
Flags = tuple[np.ndarray, np.ndarray]
"""What worlds keep, and how many of the deaf lie above the same threshold. [cells] each"""
MEASURES = {"all bodies": "emission", "bodies in food": "emission in food"}
"""What may be kept: the words, and the metric of a row, whose deaf twin has ` of the deaf` after it."""


@dataclass(frozen=True)
class Kept:
    """How many worlds of one group keep a signal, beside how many deaf worlds of it lie above the same threshold.

    Args:
      worlds: started; n_kept: of which so many keep it (a world that died out does not).
      low, high: Wilson's interval of the fraction at 95 %.
      n_deaf: deaf worlds of the group; deaf_above: of which so many lie above the threshold.
      deaf_high: the upper end of Wilson's interval of that fraction.
    """

    worlds: int
    n_kept: int
    low: float
    high: float
    n_deaf: int
    deaf_above: int
    deaf_high: float

    @classmethod
    def of(cls, flags: np.ndarray, deaf: np.ndarray) -> Kept:
        """From 1 and 0, one a world, NaN where it died out. NaN alone: there is no threshold, nothing is kept."""
        n, m = int(np.nansum(flags)), int(np.nansum(deaf))
        n_deaf = int(np.isfinite(deaf).sum())
        _, low, high = wilson_interval(n, flags.size, 0.95) if flags.size else (0, 0.0, 1.0)
        deaf_high = wilson_interval(m, n_deaf, 0.95)[2] if n_deaf else 1.0
        return cls(flags.size, n, float(low), float(high), n_deaf, m, float(deaf_high))

    @property
    def word(self) -> str:
        """Held against the deaf of the group, and against nearly all and half."""
        if not self.worlds:
            return "not measured"
        if self.low > 0.9:
            return "kept by nearly all"
        if self.beyond_the_deaf:
            return "kept by more than the deaf"
        return "lost" if self.high < 0.5 else "undecided"

    @property
    def beyond_the_deaf(self) -> bool:
        """Whether the two intervals are apart."""
        return bool(self.worlds) and self.low > max(self.deaf_high, 1 - QUANTILE)

    def words(self) -> str:
        low, high = 100 * self.low, 100 * self.high
        deaf = f"deaf {self.deaf_above} of {self.n_deaf}"
        return f"{self.n_kept} of {self.worlds} [{low:.0f}, {high:.0f}] % ({deaf}) {self.word}"


def column(rows: Sequence[tuple[Cell, Row]], name: str) -> np.ndarray:
    """A metric of each cell, NaN where it has none. [cells]"""
    return np.array([np.nan if (v := row.metrics.get(name)) is None else v for _, row in rows], float)


def kept_in(rows: Sequence[tuple[Cell, Row]], measure: str) -> tuple[np.ndarray, np.ndarray]:
    """1 where the cell keeps its signal, 0 where not, NaN where it is not known; thresholds by cost. [cells]

    The second array says the same of the cell's deaf twin: how many lie above by chance.
    """
    own, deaf = column(rows, measure), column(rows, f"{measure} of the deaf")
    costs = np.array([_place(cell, COST) for cell, _ in rows])
    out = np.full((2, len(rows)), np.nan)
    for cost in np.unique(costs):
        mine = costs == cost
        out[:, mine] = retained(own[mine], deaf[mine]), retained(deaf[mine], deaf[mine])
    return out[0], out[1]


def _kept(flags: Flags, mine: np.ndarray) -> Kept:
    return Kept.of(*(of_all[mine] for of_all in flags))


def _place(cell: Cell, slot: str) -> float:
    return {**cell.fixed, **cell.parts}[slot]


def page(study: Study, rows: Sequence[tuple[Cell, Row]], command: str) -> str:
    """The page in Markdown."""
    flags = {words: kept_in(rows, measure) for words, measure in MEASURES.items()}
    costs = np.array([_place(cell, COST) for cell, _ in rows])
    versions = rows[0][1].environment.get("versions", {}) if rows else {}
    out = [f"# {study.name}: kept or lost", "", study.question, ""]
    facts = {
        "commands": f"`mesocosm study {command} --write docs/results`, "
        f"`python -m mesocosm.reports.retention {command} --write docs/results`",
        "kept": "more emissions than 95 % of the deaf worlds of the same cost, pooled over the study",
        "by chance": "1 world of 20; more where worlds differ more: beside each count stands that of the deaf",
        "cells": f"{len(rows)} of {len(study.cells)}",
        "versions": ", ".join(f"{k} {v}" for k, v in versions.items()),
    }
    out += ["| | |", "|---|---|", *(f"| {k} | {v} |" for k, v in facts.items()), ""]
    out += [f"![Where it is kept]({study.name}-kept.svg)", "", "## By cost", ""]
    head = ["cost", "deaf worlds", *(f"threshold, {w}" for w in flags), *(f"kept, {w}" for w in flags)]
    out += [_row(head), "|" + "---|" * len(head)]
    for cost in np.unique(costs):
        mine = costs == cost
        deaf = [column(rows, f"{m} of the deaf")[mine] for m in MEASURES.values()]
        limits = [f"{threshold(d):.3f}" if np.isfinite(threshold(d)) else f"needs {LEAST}" for d in deaf]
        shares = [_kept(f, mine).words() for f in flags.values()]
        out.append(_row([f"{cost:g}", str(int(np.isfinite(deaf[0]).sum())), *limits, *shares]))
    for slot in study.contexts:
        if slot != COST:
            out += ["", f"## By {slot}", "", *_by(study, rows, flags, slot)]
    out += ["", "## Every context", ""]
    head = [*study.contexts, *(f"kept, {w}" for w in flags)]
    out += [_row(head), "|" + "---|" * len(head)]
    for context, mine in _contexts(study, rows):
        out.append(_row([*map(spelt, context), *(_kept(f, mine).words() for f in flags.values())]))
    return "\n".join(out) + "\n"


def _by(study: Study, rows: Sequence[tuple[Cell, Row]], flags: dict[str, Flags], slot: str) -> list[str]:
    """What is kept at each value of a slot, and how related neighbours are there."""
    kin = {how: column(rows, f"relatedness by {how}") for how in ("genes", "pedigree")}
    head = [slot, *(f"kept, {w}" for w in flags), *(f"relatedness by {how}" for how in kin)]
    out = [_row(head), "|" + "---|" * len(head)]
    for value in study.contexts[slot]:
        mine = np.array([_place(cell, slot) == value for cell, _ in rows])
        shares = [_kept(f, mine).words() for f in flags.values()]
        out.append(_row([spelt(value), *shares, *(_mean(r[mine]) for r in kin.values())]))
    return out


def _mean(values: np.ndarray) -> str:
    there = values[np.isfinite(values)]
    if there.size < 2:
        return "none"
    found = mean_interval(there)
    return show_interval(float(found.estimate), float(found.low), float(found.high))


def _contexts(study: Study, rows: Sequence[tuple[Cell, Row]]) -> list[tuple[tuple, np.ndarray]]:
    """Every context with its cells. [contexts]: values by slot, and booleans [cells]"""
    slots = list(study.contexts)
    places = [tuple(_place(cell, slot) for slot in slots) for cell, _ in rows]
    grid = itertools.product(*study.contexts.values())
    return [(context, np.array([p == context for p in places])) for context in grid]


_SIDE, _GAP, _LEFT, _TOP = 46, 34, 84, 92


def figure(study: Study, rows: Sequence[tuple[Cell, Row]]) -> str:
    """One SVG: the share of worlds that keep it, a square a context. A row of panels for each measure, one panel for
    each value of the first slot; in it, rows are the second slot and columns the third.
    """
    panel, row, column_ = study.contexts
    columns, lines = study.contexts[column_], study.contexts[row]
    width, height = _SIDE * len(columns) + _GAP, _SIDE * len(lines) + _TOP
    parts = [
        text(
            12, 24, "Worlds that emit more than 95 % of the deaf worlds of the same cost; 1 of 20 does by chance", "t"
        ),
        text(
            12, 44, f"panels: {panel}; rows: {row}; columns: {column_}; bold: more than the deaf there (95 % intervals)"
        ),
    ]
    for k, (words, measure) in enumerate(MEASURES.items()):
        flags, top = kept_in(rows, measure), 36 + k * height
        parts.append(text(12, top + 36, f"emissions of {words}", "t"))
        for context, mine in _contexts(study, rows):
            kept = _kept(flags, mine)
            p, i, j = (list(study.contexts[s]).index(v) for s, v in zip(study.contexts, context, strict=True))
            x, y = _LEFT + p * width + j * _SIDE, top + _TOP - 20 + i * _SIDE
            parts.append(_square(x, y, kept, f"{words}, {', '.join(map(spelt, context))}: {kept.words()}"))
            if i == 0 and j == 0:
                parts.append(text(x, y - 8, f"{panel.split('.')[-1]} = {spelt(context[0])}"))
            if i == len(lines) - 1:
                parts.append(text(x + 6, y + _SIDE + 14, spelt(context[2]), "n"))
            if p == 0 and j == 0:
                parts.append(text(40, y + _SIDE / 2 + 4, spelt(context[1]), "n"))
    w, h = _LEFT + width * len(study.contexts[panel]), 60 + height * len(MEASURES)
    return svg(w, h, parts, study.question)


def _square(x: float, y: float, kept: Kept, title: str) -> str:
    share = kept.n_kept / max(1, kept.worlds)
    colour = f"rgb({255 - 200 * share:.0f},{255 - 110 * share:.0f},{255 - 130 * share:.0f})"
    weight = ";font-weight:700" if kept.beyond_the_deaf else ""
    box = f'<rect x="{x}" y="{y}" width="{_SIDE - 2}" height="{_SIDE - 2}" fill="{colour}" stroke="#bbb">'
    ink = "#fff" if share > 0.6 else "#222"
    at = f'x="{x + 8}" y="{y + _SIDE / 2 + 4}" style="fill:{ink}{weight}"'
    return f"{box}<title>{escape(title)}</title></rect><text {at}>{kept.n_kept}/{kept.worlds}</text>"


def _row(values: Sequence[str]) -> str:
    return "| " + " | ".join(values) + " |"


def main(words: Sequence[str] | None = None) -> int:
    """From the command line."""
    parser = argparse.ArgumentParser(prog="python -m mesocosm.reports.retention", description=__doc__)
    parser.add_argument("file", help="the study, in TOML")
    parser.add_argument("--store", default="runs/cells", help="where its cells are kept (default: runs/cells)")
    parser.add_argument("--write", default=".", metavar="FOLDER", help="where NAME-kept.md and NAME-kept.svg go")
    options = parser.parse_args(words)
    study = read(Path(options.file))
    rows = Store(Path(options.store), reading=True).rows(study.cells)
    made = {"md": page(study, rows, options.file), "svg": figure(study, rows)}
    files = {f"{study.name}-kept.{ending}": content.encode() for ending, content in made.items()}
    write_pages(Path(options.write), files, "--write")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
