"""What the record of `symbiont` says, as a short table. NumPy, no jax."""

from __future__ import annotations

from typing import Any

import numpy as np

from mesocosm.experiments.symbiont.measures import cost, germ, vertical
from mesocosm.instruments.analysis import windows
from mesocosm.protocol.declaration import Summary
from mesocosm.record import Record

COLUMNS = ("replicate", "status", "bodies", "carry", "cost", "shadow cost", "inherits", "shadow inherits", "by birth")


def summarise(record: Record) -> Summary:
    """Carriers, cost and inheritance of elements against their shadows, one row a replicate."""
    n = max(1, record.tick // int(record.header["every"]))
    population, carriers = (
        windows(record, record.metrics["population"])[:, -1],
        windows(record, record.metrics["carriers"])[:, -1],
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        carried = carriers / population
    columns = [carried, *(f(record, s)[:, -1] for f in (cost, germ) for s in ("evolved", "shadow"))]
    columns.append(vertical(record, slice(n - max(1, n // 4), n)))
    rows: list[tuple[Any, ...]] = []
    living = []
    for status in record.statuses:
        r = status.replicate
        if status.status != "alive" or not np.isfinite(population[r]):
            rows.append((r, f"{status.status} at {status.tick}", 0, *[None] * len(columns)))
            continue
        living.append(r)
        rows.append((r, status.status, int(population[r]), *(_plain(c[r]) for c in columns)))
    total = []
    if living:
        means = [_mean(c[living]) for c in (population, *columns)]
        total = [("mean", f"{len(living)} alive", *means)]
    residual = sum(abs(int(x)) for x in record.metrics.get("residual", []))
    notes = (
        "cost: quanta per tick that an element costs its host, negative where it saves; inherits: probability that a "
        "child does; by birth: share of entries that were inherited, last quarter of the run.",
        "Shadow columns are what the same elements' shadow genes, which never act, would do.",
        f"Energy ledger: residual {residual} quanta over {record.metrics['tick'].size} windows.",
    )
    return Summary(_sentence(record, living, columns), COLUMNS, rows, total, notes)


def _sentence(record: Record, living: list[int], columns: list[np.ndarray]) -> str:
    if not living:
        return f"All {record.replicates} replicates died out: nothing evolved that lasted."
    carried, own, shadow = (_mean(c[living]) for c in columns[:3])
    alive = f"{len(living)} of {record.replicates} worlds live. "
    if own is None or shadow is None:
        return f"{alive}Nobody carries an element any more."
    share = f"{100 * (carried or 0):.0f} % of bodies carry an element"
    return f"{alive}{share}, at a cost of {own:+.2f} ({shadow:+.2f} by its shadow)."


def _mean(values: np.ndarray) -> float | None:
    there = values[np.isfinite(values)]
    return float(there.mean()) if there.size else None


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
