"""From a record of `gan` to its findings and its page. NumPy, no jax."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mesocosm.analyses.modes import Settings, compute
from mesocosm.experiments.gan.declaration import CONTROL, TARGETS
from mesocosm.player.encoder.panel import Replay, panel_of
from mesocosm.player.encoder.recording import Recording
from mesocosm.protocol.blocks import Analysed, OverTime, Told, at_the_end
from mesocosm.protocol.scenes import about_of, filmed
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


def replay(told: Told) -> Replay | None:
    """The same pair under both ways of learning, side by side."""
    runs = {str(told.world["learner"]): told.record, **({CONTROL: told.runs[CONTROL]} if CONTROL in told.runs else {})}
    replicate = filmed(told.record)
    if replicate is None or any(filmed(run) is None for run in runs.values()):
        return None
    panels = [panel_of(Recording(run, replicate, name, about_of(run))) for name, run in runs.items()]
    caption = f"Pair {replicate}: what the artist makes (dots), the modes of the truth (rings), what the critic says."
    return Replay(caption, [replace(panel, series={}) for panel in panels])  # the page has charts of its own


BLOCKS = (
    OverTime(("held", "near"), "Does the artist find the modes?", beside=CONTROL),
    Analysed("modes", "Found and kept"),
    OverTime(("value",), "Does the critic tell?", beside=CONTROL),
    Analysed("vorticity", "How much of the field is curl", only_kept=True),
    Analysed("rematch", "Better than its past, or only different?", only_kept=True),
    at_the_end,
)
