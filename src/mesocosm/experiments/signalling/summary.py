"""What the record of `signalling` says, as a short table. NumPy, no jax."""

from __future__ import annotations

from typing import Any

import numpy as np

from mesocosm.experiments.signalling.analysis import emission, tells
from mesocosm.instruments.analysis import last_rows
from mesocosm.protocol.declaration import Summary
from mesocosm.protocol.reading import follow_ups_of
from mesocosm.record import Record


def summarise(record: Record) -> Summary:
    """How often bodies emit, in food and elsewhere, beside the deaf and the shadows; per replicate and over all."""
    deaf = follow_ups_of(record).get("deaf")
    columns = {
        "emission": emission(record),
        "in food": emission(record, in_food=True),
        "elsewhere": emission(record, in_food=False),
        "tells evolved": tells(record, "evolved"),
        "tells shadow": tells(record, "shadow"),
    }
    if deaf is not None:
        columns |= {"deaf emission": emission(deaf), "deaf in-food": emission(deaf, in_food=True)}
    last = last_rows(record)
    rows: list[tuple[Any, ...]] = []
    for s in record.statuses:
        values = [float(c[s.replicate]) for c in columns.values()]
        status = s.status if s.status == "alive" else f"{s.status} at {s.tick}"
        population = int(last[s.replicate]["population"]) if s.replicate in last else 0
        rows.append((s.replicate, status, population, *(v if np.isfinite(v) else None for v in values)))
    total: list[tuple[Any, ...]] = []
    kept = [c[np.isfinite(c)] for c in columns.values()]
    for name, take, least in (("mean", np.mean, 1), ("sd", lambda v: np.std(v, ddof=1), 2)):
        total.append((name, "", None, *(float(take(v)) if v.size >= least else None for v in kept)))
    residual = sum(abs(int(x)) for x in record.metrics.get("residual", []))
    return Summary(
        _sentence(record, columns),
        ("replicate", "status", "population", *columns),
        rows,
        total,
        (
            "Emissions per body and tick in the second half of the run.",
            "tells = P(emit | food) - P(emit | none) of the genomes at the end, rows weighted by visits.",
            f"Energy ledger: residual {residual} quanta over {record.metrics['tick'].size} windows.",
        ),
    )


def _sentence(record: Record, columns: dict[str, np.ndarray]) -> str:
    own = columns["emission"]
    n = int(np.isfinite(own).sum())
    if not n:
        return f"All {record.replicates} replicates died out: nothing evolved that lasted."
    said = f"{n} of {record.replicates} worlds live. Bodies emit in {100 * np.nanmean(own):.0f} % of ticks"
    if "deaf emission" in columns:
        pairs = own - columns["deaf emission"]
        above = int((pairs > 0).sum())
        said += (
            f", the deaf in {100 * np.nanmean(columns['deaf emission']):.0f} %; more than the deaf world of the same "
            f"seed in {above} of {int(np.isfinite(pairs).sum())}"
        )
    return said + "."
