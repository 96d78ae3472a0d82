"""What the record of `chemotaxis` says, as a short table. NumPy, no jax."""

from __future__ import annotations

from typing import Any

import numpy as np

from mesocosm.ecology.analysis import GRAIN, by_level, direction, ends, last_rows, level_names
from mesocosm.protocol.declaration import Summary
from mesocosm.record import Record


def summarise(record: Record) -> Summary:
    """P(tumble) by level of the first sense, evolved and shadow, per replicate and over those that live."""
    world = record.header["configuration"]["world"]
    names, sign = level_names(world["senses"]), direction(world["senses"])
    last = last_rows(record)
    evolved, shadow = (by_level(record, strand, world["senses"]) for strand in ("evolved", "shadow"))
    rows: list[tuple[Any, ...]] = []
    effects = []
    for status in record.statuses:
        r = status.replicate
        if status.status != "alive" or r not in last:
            rows.append((r, f"{status.status} at {status.tick}", 0, *[None] * (2 * len(names) + 1)))
            continue
        effect = sign * ((evolved[r][-1] - evolved[r][0]) - (shadow[r][-1] - shadow[r][0]))
        effects.append(effect)
        rows.append((r, status.status, int(last[r]["population"]), *evolved[r], *shadow[r], effect))
    residual = sum(abs(int(x)) for x in record.metrics.get("residual", []))
    columns = (
        "replicate",
        "status",
        "population",
        *(f"evolved {n}" for n in names),
        *(f"shadow {n}" for n in names),
        "effect",
    )
    of = " - ".join(ends(world["senses"]))
    return Summary(
        _sentence(effects, record.replicates, of, world["senses"]),
        columns,
        rows,
        _totals([row for row in rows if row[3] is not None]),
        (
            "P(tumble) by level of the first sense, means over living bodies, rows weighted by visits.",
            f"effect = ({of}) evolved minus the same of the shadow genome, which is never expressed.",
            f"Energy ledger: residual {residual} quanta over {record.metrics['tick'].size} windows.",
        ),
    )


def _totals(living: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Mean and standard deviation of the columns of numbers."""
    if not living:
        return []
    values = np.array([row[2:] for row in living], float)
    mean = ("mean", f"{len(living)} alive", *values.mean(axis=0).tolist())
    return [mean, ("sd", "", *values.std(axis=0, ddof=1).tolist())] if len(living) > 1 else [mean]


def _sentence(effects: list[float], started: int, of: str, senses: list[str]) -> str:
    if not effects:
        return f"All {started} replicates died out: nothing evolved that lasted."
    right, mean = sum(e > 0 for e in effects), float(np.mean(effects))
    sense = senses[0] if senses else "nothing"
    return (
        f"{len(effects)} of {started} worlds live. P(tumble) by {sense}, {of}, is {mean:+.2f} "
        f"{'above' if mean >= 0 else 'below'} the shadow genome, positive in {right} of {len(effects)}."
    )


def contrast(row: dict[str, Any]) -> float:
    """Evolved P(tumble) at the last stimulus minus the first, median over replicates, from the newest rows."""
    levels = sorted((k for k in row if k.startswith("tumble_evolved_")), key=lambda k: int(k.rsplit("_", 1)[1]))
    population = np.maximum(row["population"], 1) * float(GRAIN)
    return float(np.median((row[levels[-1]] - row[levels[0]]) / population))
