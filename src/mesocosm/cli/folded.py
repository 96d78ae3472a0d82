"""The short table of a run: a few rows as they are; of many their totals and the worst one, a line for each column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mesocosm.protocol.declaration import Summary

FEW_ROWS = 8
"""Rows of replicates that are shown as they are."""


def print_summary(summary: Summary, noun: str, direction: int = 1, every_row: bool = False) -> None:
    """The table, for a person.

    Args:
      noun: what a row is, in the plural.
      direction: 1 if more of the first measure was predicted, -1 if less: what is worst goes by it.
    """
    from mesocosm.cli.terminal import columns, print_rows

    lines = _table(summary)
    is_short = every_row or len(summary.rows) <= FEW_ROWS
    if is_short and max(map(len, lines)) <= columns():
        print("\n".join(lines))
        return
    worst = summary.rows[worst_row(summary, direction)]
    shown = [*summary.total, *(summary.rows if is_short else [worst])]
    heads = [_name(row) for row in summary.total]
    heads += [str(row[0]) for row in summary.rows] if is_short else [f"worst ({worst[0]})"]
    rows = [
        (column, *(_cell(row[k]) for row in shown))
        for k, column in enumerate(summary.columns)
        if k and any(isinstance(row[k], int | float) for row in shown) and column != "ticks"
    ]
    print_rows([("", *heads), *rows], 0, right=range(1, len(heads) + 1))
    if not is_short:
        why = worst_by(summary, direction)
        which = f"number {worst[0]}" if isinstance(worst[0], int) else worst[0]
        print(f"({len(summary.rows):,} {noun}; worst: {which}, {why}; `show RUN --all` has them all)")


def _name(row: Sequence[Any]) -> str:
    """Of a row of totals: the first word in it."""
    return next((cell for cell in row if isinstance(cell, str) and cell), "")


def worst_by(summary: Summary, direction: int = 1) -> str:
    """By what the worst row is the worst."""
    at, columns = worst_row(summary, direction), [name.split(" ")[0] for name in summary.columns]
    if "status" in columns and summary.rows[at][columns.index("status")] != "alive":
        return "which did not live to the end"
    numbers = [k for k in range(1, len(columns)) if any(isinstance(row[k], float) for row in summary.rows)]
    return f"by {'least' if direction > 0 else 'most'} {summary.columns[numbers[0]]}" if numbers else "the first"


def worst_row(summary: Summary, direction: int = 1) -> int:
    """Which row is furthest from what was predicted: one that did not live, else by its first measure."""
    columns = [name.split(" ")[0] for name in summary.columns]
    if "status" in columns:
        at = columns.index("status")
        lost = [k for k, row in enumerate(summary.rows) if row[at] != "alive"]
        if lost:
            return lost[0]
    numbers = [k for k in range(1, len(columns)) if any(isinstance(row[k], float) for row in summary.rows)]
    if not numbers:
        return 0
    values = [row[numbers[0]] for row in summary.rows]
    there = [k for k, value in enumerate(values) if isinstance(value, int | float) and value == value]
    return min(there, key=lambda k: direction * values[k], default=0)


def _table(summary: Summary) -> list[str]:
    """Aligned columns under headings of one or two words; totals below a rule."""
    heads = [(*[""] * (2 - len(words)), *words) for words in (c.split(" ", 1) for c in summary.columns)]
    groups: list[Sequence[Sequence[Any]]] = [list(zip(*heads, strict=True)), summary.rows, summary.total]
    cells = [[[_cell(value) for value in row] for row in group] for group in groups]
    widths = [max(len(row[k]) for group in cells for row in group) for k in range(len(summary.columns))]
    lines = [["  ".join(f"{c:>{w}}" for c, w in zip(row, widths, strict=True)) for row in group] for group in cells]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    return [*lines[0], rule, *lines[1], *([rule] if lines[2] else []), *lines[2]]


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
    return str(value)
