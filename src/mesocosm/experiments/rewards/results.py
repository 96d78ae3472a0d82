"""From a record of `rewards` to its findings and its page. NumPy, no jax."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mesocosm.ecology.blocks import lineages, population_and_ledger
from mesocosm.experiments.rewards.declaration import SIGNS
from mesocosm.protocol.blocks import OverTime
from mesocosm.protocol.measure import measure_named
from mesocosm.protocol.registry import declaration_of
from mesocosm.record import Record


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
