"""From a record of `symbiont` to its findings: the declared assays and statistics. NumPy, no jax."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mesocosm.ecology.assay.analysis import selection_under_both_marks, under_both_marks
from mesocosm.ecology.assay.call import follow_ups_from
from mesocosm.experiments.symbiont.measures import cost, germ, vertical
from mesocosm.instruments.analysis import windows
from mesocosm.record import Record

if TYPE_CHECKING:
    from mesocosm.findings.claim import Finding
    from mesocosm.protocol.declaration import FollowUp
    from mesocosm.protocol.story import Story

COMPETITION_TICKS = 400
CURED = "competition-cured"
INHERITED, CARRIED = 0.75, 0.9
"""The shares that the criterion of `declaration.PART_OF_THE_SELF` names."""


def follow_ups(record: Record) -> dict[str, FollowUp]:
    """The evolved compete with the same bodies, cured, under both assignments of marks."""
    out = under_both_marks(CURED, "cured", COMPETITION_TICKS)
    out[CURED] |= {"frames_every": 2, "frames_of": median_replicate(record)}
    return follow_ups_from(record, out)


def values(record: Record, assays: Mapping[str, Record]) -> dict[str, np.ndarray]:
    """The statistic of each claim in each replicate, NaN where a replicate, or its element, has died out; and besides
    the cost, the share of entries that were inherited, and the share of bodies that carry, at the end.
    """
    lives = np.array([s.status == "alive" for s in record.statuses])
    carriers, population = (
        windows(record, record.metrics["carriers"])[:, -1],
        windows(record, record.metrics["population"])[:, -1],
    )
    benefit = selection_under_both_marks(assays, CURED)
    benefit[~(carriers > 0)] = np.nan
    n = max(1, record.tick // int(record.header["every"]))
    late = vertical(record, slice(n - max(1, n // 4), n))
    is_part = (late >= INHERITED) & (carriers >= CARRIED * population) & (benefit > 0)
    return {
        "benign": (cost(record, "evolved") - cost(record, "shadow"))[:, -1],
        "germ": (germ(record, "evolved") - germ(record, "shadow"))[:, -1],
        "benefit": benefit,
        "vertical": late - vertical(record, slice(0, max(1, n // 8))),
        "self": np.where(lives, is_part, np.nan),
        "cost": cost(record, "evolved")[:, -1],
        "by_birth": late,
        "carried": carriers / np.where(population > 0, population, np.nan),
    }


def tell(record: Record, assays: Mapping[str, Record], findings: Sequence[Finding]) -> Story:
    from mesocosm.experiments.symbiont.telling import tell

    return tell(record, assays, findings)


def median_replicate(record: Record) -> int:
    """The surviving replicate whose elements cost, in comparison with their shadows, the median; 0 if there is none."""
    effect = (cost(record, "evolved") - cost(record, "shadow"))[:, -1]
    effect[[s.replicate for s in record.statuses if s.status != "alive"]] = np.nan
    ordered = sorted(np.flatnonzero(np.isfinite(effect)), key=lambda r: (effect[r], r))
    return int(ordered[len(ordered) // 2]) if ordered else 0
