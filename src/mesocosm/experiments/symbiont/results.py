"""From a record of `symbiont` to its findings: the declared assays and statistics. NumPy, no jax."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from mesocosm.ecology.analysis import windows
from mesocosm.ecology.assay.analysis import both, selection_under_both_marks, under_both_marks
from mesocosm.ecology.assay.call import follow_ups_from
from mesocosm.ecology.blocks import ACTIVITY, DIVERSITY, OPTIMISED, films, lineages, population_and_ledger
from mesocosm.experiments.symbiont.measures import cost, germ, vertical
from mesocosm.protocol.blocks import OverTime, Told, median_replicate, strips
from mesocosm.protocol.registry import declaration_of
from mesocosm.protocol.story import Axis, Section
from mesocosm.record import Record

if TYPE_CHECKING:
    from mesocosm.protocol.declaration import FollowUp
    from mesocosm.protocol.story import Replay

CURED = "competition-cured"
FRAMES = 200
"""Of the film of that competition."""
INHERITED, CARRIED = 0.75, 0.9
"""The shares that the criterion of `declaration.PART_OF_THE_SELF` names."""


def follow_ups(record: Record) -> dict[str, FollowUp]:
    """The evolved compete with the same bodies, cured, under both assignments of marks."""
    out = under_both_marks(record, CURED, "cured")
    every = max(1, out[CURED]["ticks"] // FRAMES)
    out[CURED] |= {"frames_every": every, "frames_of": median_replicate(declaration_of(record), record)}
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


def replay(told: Told) -> Replay | None:
    caption = (
        f"World {told.median}, the median of all: its bodies, half of them cured, in a fresh world. The "
        "colour says who carries an element."
    )
    return films(told, {CURED: "carriers and cured"}, caption)


def cure(told: Told) -> Section | None:
    """Whether a host is better off with what it carries."""
    if not told.runs.keys() >= set(both(CURED)):
        return None
    axis = Axis("selection coefficient", "per 100 ticks")
    runs = [("carriers against the same hosts, cured", told.record)]
    figure = strips(
        runs, lambda _: selection_under_both_marks(told.runs, CURED), "What a cure would do", axis, told.noun
    )
    text = "Both live in one fresh world, under both assignments of marks; nothing mutates, is exchanged or passed."
    return Section("What a cure would do", text, [figure])


BLOCKS = (
    OverTime(("cost", "inherits"), "From virulence to the germ line", "Means over the elements that are carried."),
    OverTime(("carry", "entered"), "How it spreads", "It enters a body at birth, or at touch."),
    cure,
    lineages,
    *OPTIMISED,
    DIVERSITY,
    ACTIVITY,
    population_and_ledger,
)
