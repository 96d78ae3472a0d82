"""From a record of `gan` to its findings and its page. NumPy, no jax."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mesocosm.analyses.modes import Settings, compute
from mesocosm.experiments.gan.declaration import CONTROL, TARGETS
from mesocosm.protocol.blocks import Analysed, OverTime, at_the_end
from mesocosm.record import Record


def kept_modes(record: Record) -> np.ndarray:
    """Modes held in every window of the last quarter; a pair that diverged keeps none. [replicates]"""
    return np.array(compute(record, Settings())["kept"], float)


def statistics(record: Record, runs: Mapping[str, Record]) -> dict[str, np.ndarray]:
    """What each claim is held against. [replicates]"""
    kept = kept_modes(record)
    n = TARGETS[record.header["configuration"]["target"]]
    beside = kept_modes(runs[CONTROL]) if CONTROL in runs else np.full_like(kept, np.nan)
    return {"kept": kept - beside, "all": (kept == n).astype(float)}


BLOCKS = (
    OverTime(("held", "near"), "Does the artist find the modes?", beside=CONTROL),
    Analysed("modes", "Found and kept"),
    OverTime(("value",), "Does the critic tell?", beside=CONTROL),
    Analysed("vorticity", "How much of the field is curl", only_kept=True),
    Analysed("rematch", "Better than its past, or only different?", only_kept=True),
    at_the_end,
)
