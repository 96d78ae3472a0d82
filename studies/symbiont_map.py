"""Virulence against the vertical share of transmission, from the cells of symbiont-map.toml: a table and a figure.

python studies/symbiont_map.py runs/cells docs/results
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from mesocosm.findings.intervals import mean_interval
from mesocosm.studies.store import Store
from mesocosm.studies.study import read

MEASURES = ("cost", "by_birth", "carried", "benefit", "self")
COLOURS = ("#1b7a6e", "#5b8fb9", "#c98a2b", "#b4532a")
WIDTH, HEIGHT, LEFT, TOP = 620, 380, 60, 40


def main(store: str, out: str) -> None:
    study = read(Path(__file__).with_name("symbiont-map.toml"))
    rows = Store(Path(store)).rows(study.cells)
    found: dict[tuple, list[list[float]]] = {}
    for cell, row in rows:
        context = tuple(cell.parts[name] for name in study.contexts)
        values = [row.metrics.get(name) for name in MEASURES]
        found.setdefault(context, []).append([np.nan if v is None else v for v in values])
    lines = ["| " + " | ".join((*(name.split(".")[1] for name in study.contexts), *WORDS)) + " |"]
    lines.append("|" + "---|" * (len(study.contexts) + len(WORDS)))
    for context in sorted(found):
        values = np.array(found[context])
        there = [column[np.isfinite(column)] for column in values.T]
        cost = mean_interval(there[0]) if there[0].size > 1 else None
        told = f"{cost.estimate:+.2f} [{cost.low:+.2f}, {cost.high:+.2f}]" if cost else "-"
        means = [f"{x.mean():.2f}" if x.size else "-" for x in there[1:3]]
        benefit = f"{there[3].mean():+.3f}" if there[3].size else "-"
        whole = f"{int(there[4].sum())} of {len(values)}"
        lines.append("| " + " | ".join((*map(str, context), told, *means, benefit, whole)) + " |")
    print("\n".join(lines))
    every = np.array([values for context in found.values() for values in context])
    both = np.isfinite(every[:, :2]).all(axis=1)
    rank = np.argsort(np.argsort(every[both, :2], axis=0), axis=0)
    print(f"\n{both.sum()} worlds; rank correlation {np.corrcoef(rank.T)[0, 1]:+.2f}")
    Path(out, "symbiont-virulence.svg").write_text(_drawing(found, study.contexts["element.reach"]), encoding="utf-8")


WORDS = ("cost, quanta per tick", "by birth", "carried by", "benefit per 100 ticks", "part of the self")


def _drawing(found: dict[tuple, list[list[float]]], reaches: list[float]) -> str:
    costs = np.array([values[0] for rows in found.values() for values in rows])
    low, high = np.floor(np.nanmin(costs)), np.ceil(np.nanmax(costs))
    right, bottom = WIDTH - 130, HEIGHT - 50

    def at(share: float, cost: float) -> tuple[float, float]:
        return LEFT + share * (right - LEFT), bottom - (cost - low) / (high - low) * (bottom - TOP)

    def text(x: float, y: float, words: str, anchor: str = "middle") -> str:
        return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{words}</text>'

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="12" role="img">',
        "<title>Virulence against the vertical share of transmission</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        text(LEFT, 20, "what an element costs its host, quanta per tick (below 0 it saves)", "start"),
        text((LEFT + right) / 2, HEIGHT - 12, "share of entries that were inherited; a dot is a world"),
    ]
    for cost in np.arange(low, high + 1):
        x, y = at(0, cost)
        shade = "#666666" if cost == 0 else "#e4e4e4"
        parts += [f'<path d="M{x:.0f} {y:.1f}H{right}" stroke="{shade}"/>', text(x - 10, y + 4, f"{cost:+.0f}", "end")]
    parts += [text(at(share, low)[0], bottom + 18, f"{share:g}") for share in (0, 0.25, 0.5, 0.75, 1)]
    for context, rows in found.items():
        colour = COLOURS[reaches.index(context[0])]
        for cost, share, *_ in rows:
            if np.isfinite([cost, share]).all():
                x, y = at(share, cost)
                parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" fill="{colour}" fill-opacity="0.6"/>')
    for k, reach in enumerate(reaches):
        y = TOP + 20 * k
        parts.append(f'<circle cx="{right + 24}" cy="{y}" r="4" fill="{COLOURS[k]}"/>')
        parts.append(text(right + 34, y + 4, f"reach {reach:g}", "start"))
    return "\n".join([*parts, "</svg>\n"])


if __name__ == "__main__":
    main(*sys.argv[1:3])
