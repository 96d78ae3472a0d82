"""One HTML of a study, offline: every effect and every row, failures among them; sortable, filterable. No jax."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from html import escape
from typing import Any

from mesocosm.findings.claim import show_interval
from mesocosm.reports.study import context_values, figure, summary
from mesocosm.studies.cell import Cell, Row
from mesocosm.studies.scoring import Table
from mesocosm.studies.study import Study

_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#222;background:#fff}
table{border-collapse:collapse;width:100%;font-size:13px}th,td{padding:.25rem .5rem;border-bottom:1px solid #ddd;
text-align:left;vertical-align:top}th button{font:inherit;font-weight:600;border:0;background:none;padding:0;
cursor:pointer}th[aria-sort=ascending] button::after{content:" ▲"}th[aria-sort=descending] button::after{content:" ▼"}
tr.failed td{background:#fdeeee}.scroll{overflow-x:auto}pre{background:#f6f6f6;padding:1rem;overflow-x:auto}
svg{max-width:100%;height:auto}input{font:inherit;padding:.3rem;width:24rem;max-width:100%}
"""

_SCRIPT = """
for (const table of document.querySelectorAll("table.board")) {
  const body = table.tBodies[0], rows = [...body.rows], heads = [...table.tHead.rows[0].cells];
  const key = (row, k) => row.cells[k].dataset.v ?? row.cells[k].textContent;
  heads.forEach((head, k) => head.querySelector("button").addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    heads.forEach((h) => h.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    rows.sort((a, b) => {
      const x = key(a, k), y = key(b, k), p = parseFloat(x), q = parseFloat(y);
      if ((x === "") !== (y === "")) return x === "" ? 1 : -1;  // what has no value stands last either way
      const less = isNaN(p) || isNaN(q) ? x.localeCompare(y) : p - q;
      return up ? less : -less;
    });
    body.append(...rows);
  }));
  const box = document.getElementById(table.dataset.filter), count = document.getElementById(table.dataset.count);
  const filter = () => {
    const words = box.value.toLowerCase().split(/\\s+/).filter(Boolean);
    let n = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((w) => text.includes(w));
      n += !row.hidden;
    }
    count.textContent = `${n} of ${rows.length} rows`;
  };
  box.addEventListener("input", filter);
  filter();
}
"""


def leaderboard(study: Study, table: Table, rows: Sequence[tuple[Cell, Row]]) -> str:
    """The page. It holds everything, and fetches nothing."""
    hashed = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hashed}'"
    title, words = escape(study.name), escape(summary(study, table))
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            f"<title>{title}</title><style>{_STYLE}</style></head><body><h1>{title}</h1>",
            f"<pre>{words}</pre>{figure(study, table)}",
            "<h2>Effects</h2>",
            _board("effects", *_effects(table)),
            "<h2>Rows</h2>",
            _board("rows", *_rows(study, rows)),
            f"<script>{_SCRIPT}</script></body></html>",
        ]
    )


def _effects(table: Table) -> tuple[list[str], list[list[Any]], list[bool]]:
    head = ["treatment", "effect", f"over {table.cluster}s", "these contexts", "wins", "verdict", "p (Holm)", "failed"]
    body = []
    for e in table.effects:
        f = e.finding
        over = show_interval(f.estimate, f.low, f.high, signed=True)
        fixed = show_interval(e.estimate, e.fixed_low, e.fixed_high, signed=True)
        failed = sum(e.failures.values())
        body.append([e.treatment, e.estimate, over, fixed, e.wins, f.verdict, e.p_adjusted, failed])
    return head, body, [False] * len(body)


def _rows(study: Study, rows: Sequence[tuple[Cell, Row]]) -> tuple[list[str], list[list[Any]], list[bool]]:
    slots = ["task", *study.vary, *study.contexts, "seed"]
    head = [*slots, "status", "value", "seconds", "cause"]
    body = [
        [*context_values(study, cell).values(), row.status, row.final, row.cost.get("seconds"), row.cause]
        for cell, row in rows
    ]
    return head, body, [row.status != "ok" for _, row in rows]


def _board(name: str, head: Sequence[str], body: Sequence[Sequence[Any]], failed: Sequence[bool]) -> str:
    heads = "".join(f'<th scope="col"><button type="button">{escape(h)}</button></th>' for h in head)
    lines = "".join(
        f"<tr{' class=failed' if bad else ''}>{''.join(map(_cell, row))}</tr>"
        for row, bad in zip(body, failed, strict=True)
    )
    box = f'<p><label>Filter: <input id="{name}-filter" type="search"></label> <span id="{name}-count"></span></p>'
    begin = f'<table class="board" data-filter="{name}-filter" data-count="{name}-count">'
    return f'{box}<div class="scroll">{begin}<thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table></div>'


def _cell(value: Any) -> str:
    if value is None:
        return '<td data-v=""></td>'
    if isinstance(value, float):
        return f'<td data-v="{value!r}">{value:.4g}</td>'
    return f"<td>{escape(str(value))}</td>"
