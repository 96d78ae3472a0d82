"""What a record of `soup` says, window by window: functions of its columns. NumPy, no jax."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mesocosm.protocol.measure import Measure
from mesocosm.record import Record
from mesocosm.worlds.soup.language import TAPE

ALIVE = 1.0
"""Higher-order entropy, in bits a byte, above which a soup has undergone the published transition."""

COPYING = 0.05
"""And the share of its tapes that is written over by copies of others in an epoch, at least."""


def measures(configuration: Mapping[str, Any]) -> tuple[Measure, ...]:
    tapes = int(configuration["world"]["tapes"])

    def per_tape(name: str, unit: float = 1.0) -> Any:
        return lambda c: np.asarray(c[name], float) * unit / (tapes * np.asarray(c["ticks"], float))

    return (
        Measure("higher", lambda c: c["higher"] / 256, "higher-order entropy", "bits a byte", low=0),
        Measure("copies", per_tape("births"), "share of tapes written over by a copy", "per epoch", 0, 1),
        Measure("tokens", lambda c: c["tokens"] / (tapes * TAPE), "bytes of different descent, share", "", 0, 1),
        Measure("entropy", lambda c: c["entropy"] / 256, "Shannon's entropy of the bytes", "bits a byte", 0, 8),
        Measure("reads", per_tape("kiloreads", 2048), "bytes that a pair reads", "per epoch", 0),
        Measure(
            "crossed",
            per_tape("crossed", 1 / TAPE),
            "share of bytes from the partner",
            "per epoch",
            0,
            1,
            in_table=False,
        ),
        Measure("undone", per_tape("undone"), "share of tapes whose copy is undone", "per epoch", 0, 1, in_table=False),
        Measure("deepest", "deepest", "most copies between a tape and its founder", "copies", 0, in_table=False),
    )


def is_alive(record: Record) -> np.ndarray:
    """In which windows a soup is alive: order, and copies. [replicates, windows], NaN once it has ended"""
    higher, copies, *_ = measures(record.header["configuration"])
    lines = higher.windows(record)
    return np.where(np.isfinite(lines), (lines > ALIVE) & (copies.windows(record) >= COPYING), np.nan)


def came_alive(record: Record) -> np.ndarray:
    """Whether a soup was alive in two windows that follow each other; NaN where there are not two. [replicates]"""
    lines = is_alive(record)
    if lines.shape[1] < 2:
        return np.full(record.replicates, np.nan)
    both = lines[:, 1:] * lines[:, :-1]
    return np.where(np.isfinite(both).any(axis=1), np.nan_to_num(both).max(axis=1), np.nan)


def epoch_of_life(record: Record) -> np.ndarray:
    """The end of the first of two such windows; NaN where there are none. [replicates]"""
    lines = np.nan_to_num(is_alive(record))
    both = lines[:, 1:] * lines[:, :-1] > 0
    first = (both.argmax(axis=1) + 1) * float(record.header["every"]) if both.size else np.zeros(record.replicates)
    return np.where(both.any(axis=1), first, np.nan) if both.size else np.full(record.replicates, np.nan)
