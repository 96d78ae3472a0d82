"""One HTML of studies, offline: every effect and every row, failures among them; sortable, filterable. No jax."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from mesocosm.findings.claim import show_interval
from mesocosm.reports.board import Board, page
from mesocosm.reports.study import Tables, context_values, figure, spelt_control, summary
from mesocosm.studies.cell import COSTS, Cell, Row
from mesocosm.studies.scoring import Table
from mesocosm.studies.study import Study

MOST_ROWS = 5000
"""Of more than so many rows those that are ok are told as means over seeds; every failure keeps a row of its own."""

Scored = tuple[Study, Tables, Sequence[tuple[Cell, Row]]]
"""A study, its tables, its rows."""


def leaderboard(study: Study, tables: Tables, rows: Sequence[tuple[Cell, Row]]) -> str:
    """The page of one study."""
    boards = [_effects([(study, tables, rows)]), _rows(study, rows)]
    return page(study.name, study.question, summary(study, tables), boards, figure(study, tables))


def leaderboards(scored: Sequence[Scored]) -> str:
    """One page of several studies: their effects in one table, the rows of each in another."""
    title = ", ".join(study.name for study, _, _ in scored)
    words = "\n\n".join(f"{study.name}\n\n{summary(study, tables)}" for study, tables, _ in scored)
    boards = [_effects(scored), *(_rows(study, rows, f"Rows of {study.name}") for study, _, rows in scored)]
    return page(title, f"{len(scored)} studies side by side", words, boards)


def _effects(scored: Sequence[Scored]) -> Board:
    head = ["treatment", "against", "effect", "over clusters", "these contexts", "wins", "verdict", "p (Holm)"]
    head += ["worst context", "n", "failed"]
    body: list[list[Any]] = []
    for study, tables, _ in scored:
        for name, view in study.views.items():
            place = [study.name] if len(scored) > 1 else []
            place += [name if study.cross else ""] if any(s.cross for s, _, _ in scored) else []
            body += [[*place, *line] for line in _lines(view, tables[name])]
    first = (["study"] if len(scored) > 1 else []) + (["slot"] if any(s.cross for s, _, _ in scored) else [])
    return Board("Effects", first + head, body, [False] * len(body))


def _lines(view: Study, table: Table) -> list[list[Any]]:
    body = []
    for e in sorted(table.effects, key=lambda e: -view.direction * (e.estimate or 0.0)):
        f = e.finding
        over = show_interval(f.estimate, f.low, f.high, signed=True)
        fixed = show_interval(e.estimate, e.fixed_low, e.fixed_high, signed=True)
        worst = e.worst.mean if e.worst else None
        against = spelt_control(view) if view.vary else view.control
        n = f"{table.n_clusters} {table.cluster}s"
        failed = sum(e.failures.values())
        body.append([e.treatment, against, e.estimate, over, fixed, e.wins, f.verdict, e.p_adjusted, worst, n, failed])
    return body


def _rows(study: Study, rows: Sequence[tuple[Cell, Row]], title: str = "Rows") -> Board:
    costs = [name for name in COSTS if any(name in row.cost for _, row in rows)]
    head = ["task", *study.vary, *study.cross, *study.contexts, "seed", "status", "value", *costs, "cause"]
    told = [(context_values(study, cell), row) for cell, row in rows]
    if len(rows) > MOST_ROWS:
        told, title = _over_seeds(told), f"{title}: means over seeds, and every failure"
    body = [
        [*place.values(), row.status, row.final, *(row.cost.get(c) for c in costs), row.cause or None]
        for place, row in told
    ]
    return Board(title, head, body, [row.status != "ok" for _, row in told])


def _over_seeds(told: Sequence[tuple[dict[str, Any], Row]]) -> list[tuple[dict[str, Any], Row]]:
    groups: dict[tuple[Any, ...], list[tuple[dict[str, Any], Row]]] = {}
    out = []
    for place, row in told:
        if row.status == "ok":
            groups.setdefault(tuple(v for k, v in place.items() if k != "seed"), []).append((place, row))
        else:
            out.append((place, row))
    for several in groups.values():
        rows = [row for _, row in several]
        cost = {name: statistics.fmean(row.cost.get(name, 0.0) for row in rows) for name in rows[0].cost}
        value = statistics.fmean(row.final or 0.0 for row in rows)
        out.append(({**several[0][0], "seed": f"{len(rows)} seeds"}, Row("ok", value, cost=cost)))
    return out
