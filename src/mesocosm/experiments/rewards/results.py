"""From a record of `rewards` to its findings and its page. NumPy, no jax."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from mesocosm.ecology.assay.call import follow_ups_from
from mesocosm.ecology.blocks import lineages, population_and_ledger
from mesocosm.experiments.rewards.declaration import SIGNS
from mesocosm.protocol.blocks import OverTime
from mesocosm.protocol.measure import measure_named
from mesocosm.protocol.registry import declaration_of
from mesocosm.record import Record

if TYPE_CHECKING:
    from mesocosm.protocol.declaration import FollowUp

CLONE_TICKS, LIVES = 400, 4
ELSEWHERE = ("world.drop_spread=4096", "world.jump_probability=0.0")
"""Another world for the same genotypes: food falls far from the source, which never jumps."""


def follow_ups(record: Record) -> dict[str, FollowUp]:
    """The commonest genotype of each world alone, in a world of its kind, and in another one."""
    plans = record.header["configuration"]["mind"]["kind"] == "planner"
    seen = ("mind.thinks_every=1", f"lives={LIVES}", "log_births_and_deaths=true")
    here = {"kind": "monoculture", "population": "clones", "ticks": CLONE_TICKS, "changes": seen}
    adapts = CLONE_TICKS // 2
    away = {**here, "ticks": CLONE_TICKS + adapts, "changes": (*seen, f"mind.adapts={adapts}", *ELSEWHERE)}
    return follow_ups_from(record, {"clones": here, "clones-elsewhere": away} if plans else {})


def values(record: Record, runs: Mapping[str, Record]) -> dict[str, np.ndarray]:
    """The statistic of each claim in each replicate, NaN where a replicate has died out."""
    declared, out = declaration_of(record), {}
    for name in SIGNS:
        measure = measure_named(declared, record, name)
        out[name] = measure.reduced(record) - measure.reduced(record, of_control=True)
    return out


BLOCKS = (
    OverTime(("food", "mating", "survival", "death", "signalling"), "What became good", ""),
    lineages,
    population_and_ledger,
)
