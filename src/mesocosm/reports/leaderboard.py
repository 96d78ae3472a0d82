"""One HTML of a study, or of several merged, offline: who stands where, every effect, every row, failures among them.

Every table can be sorted and filtered. No jax.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mesocosm.findings.claim import show_interval
from mesocosm.reports.board import Board, page
from mesocosm.reports.study import Tables, context_values, figure, spelt_control, summary
from mesocosm.studies.cell import COSTS, Cell, Row, spelt_treatment
from mesocosm.studies.scoring import Pair
from mesocosm.studies.study import Study
from mesocosm.studies.table import Table

MOST_ROWS = 5000
"""Of more than so many rows those that are ok are told as means over seeds; every failure keeps a row of its own."""


def leaderboard(
    study: Study,
    tables: Tables,
    rows: Sequence[tuple[Cell, Row]],
    duels: Sequence[Pair] = (),
    notes: Sequence[str] = (),
) -> str:
    """The page of one study.

    Args:
      duels: every pair of treatments, where they were asked for.
      notes: what a reader must know besides those of the tables.
    """
    boards = [board for name, view in study.views.items() for board in _standing(view, tables[name], rows)]
    boards += [_effects(study, tables), *([_duels(tables, duels)] if duels else []), _rows(study, rows)]
    words = "\n".join([summary(study, tables, rows), *(f"note: {note}" for note in notes)])
    return page(study.name, study.question, words, boards, figure(study, tables))


def _standing(view: Study, table: Table, rows: Sequence[tuple[Cell, Row]]) -> list[Board]:
    """Every treatment, the control among them: its mean, how often it beats the others, what of it failed."""
    if not view.vary:
        return []
    of: dict[str, list[Row]] = {spelt_treatment(t): [] for t in view.treatments}
    for cell, row in rows:
        of[spelt_treatment({slot: cell.parts[slot] for slot in view.vary})].append(row)
    scored = table.ranking.scores if table.ranking else {}
    costs = [name for name in COSTS if any(name in row.cost for _, row in rows)]
    body, failed = [], []
    for name in sorted(of, key=lambda name: -scored.get(name, -2.0)):
        worth = [view.floor if row.final is None else row.final for row in of[name] if row.status != "skipped"]
        values = [value for value in worth if value is not None]
        bad = [row.status for row in of[name] if row.status != "ok"]
        said = ", ".join(f"{bad.count(status)} {status}" for status in dict.fromkeys(bad))
        spent = [_mean([row.cost[c] for row in of[name] if c in row.cost]) for c in costs]
        body.append([name, scored.get(name), _mean(values), len(of[name]), len(bad), said or None, *spent])
        failed.append(bool(bad))
    return [
        Board(
            f"Standing: {', '.join(view.vary)}",
            ["treatment", "score", view.metric, "rows", "failed", "how", *costs],
            body,
            failed,
        )
    ]


def _mean(values: Sequence[float]) -> float | None:
    """None without values."""
    return sum(value / len(values) for value in values) if values else None


def _duels(tables: Tables, duels: Sequence[Pair]) -> Board:
    """Every pair, p after Holm over all of them."""
    noun = next(iter(tables.values())).cluster
    head = ["A", "B", "A less B", f"over {noun}s", "wins", "verdict", "p", "p (Holm)", f"{noun}s"]
    body = []
    for pair in duels:
        f = pair.finding
        over = show_interval(f.estimate, f.low, f.high, signed=True)
        body.append([pair.a, pair.b, f.estimate, over, pair.wins, f.verdict, f.p, f.p_adjusted, f.n_used])
    return Board("Every pair", head, body, [False] * len(body))


def _effects(study: Study, tables: Tables) -> Board:
    head = ["treatment", "against", "effect", "over clusters", "these contexts", "wins", "verdict", "p (Holm)"]
    head += ["worst context", "n", "failed"]
    body: list[list[Any]] = []
    for name, view in study.views.items():
        body += [[*([name] if study.cross else []), *line] for line in _lines(view, tables[name])]
    return Board("Effects", [*(["slot"] if study.cross else []), *head], body, [False] * len(body))


def _lines(view: Study, table: Table) -> list[list[Any]]:
    body = []
    for e in sorted(table.effects, key=lambda e: -view.direction * (e.estimate or 0.0)):
        f = e.finding
        over = show_interval(f.estimate, f.low, f.high, signed=True)
        fixed = show_interval(e.estimate, e.fixed_low, e.fixed_high, signed=True)
        worst = e.worst.mean if e.worst else None
        against = "nothing" if e.is_level else spelt_control(view) if view.vary else view.control
        verdict = "mean level" if e.is_level else f.verdict
        n = f"{table.n_clusters} {table.cluster}s"
        failed = sum(e.failures.values())
        body.append([e.treatment, against, e.estimate, over, fixed, e.wins, verdict, e.p_adjusted, worst, n, failed])
    return body


def _rows(study: Study, rows: Sequence[tuple[Cell, Row]]) -> Board:
    costs = [name for name in COSTS if any(name in row.cost for _, row in rows)]
    head = ["task", *study.vary, *study.cross, *study.contexts, "seed", "status", "value", *costs, "cause"]
    told, title = [(context_values(study, cell), row) for cell, row in rows], "Rows"
    if len(rows) > MOST_ROWS:
        told, title = _over_seeds(told), "Rows: means over seeds, and every failure"
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
        cost = {name: _mean([row.cost.get(name, 0.0) for row in rows]) or 0.0 for name in rows[0].cost}
        value = _mean([row.final or 0.0 for row in rows]) or 0.0
        out.append(({**several[0][0], "seed": f"{len(rows)} seeds"}, Row("ok", value, cost=cost)))
    return out
