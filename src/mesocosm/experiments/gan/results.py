"""From a record of `gan` to its findings and its page. NumPy, no jax."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mesocosm.analyses.modes import Settings, compute, held_shares
from mesocosm.experiments.gan.declaration import CONTROL, TARGETS
from mesocosm.player.encoder.panel import Replay, panel_of
from mesocosm.player.encoder.recording import Recording
from mesocosm.protocol.blocks import Analysed, OverTime, Told, at_the_end
from mesocosm.protocol.scenes import about_of, filmed
from mesocosm.record import Record


def kept_modes(record: Record) -> np.ndarray:
    """Modes held in every window of the last quarter; a pair that diverged keeps none. [replicates]"""
    return np.array(compute(record, Settings())["kept"], float)


def covered(record: Record) -> np.ndarray:
    """The share of the truth that the artist covers in the last quarter: 1 less the distance in total variation between
    how its points and those of the truth are shared out to modes. A pair that diverged covers nothing. [replicates]"""
    shares = np.nan_to_num(held_shares(record))
    late = max(1, round(Settings().late * shares.shape[1]))
    return np.minimum(shares, 1 / shares.shape[2]).sum(axis=2)[:, -late:].mean(axis=1)


def statistics(record: Record, runs: Mapping[str, Record]) -> dict[str, np.ndarray]:
    """What each claim is held against. [replicates]"""
    kept = kept_modes(record)
    n = TARGETS[record.header["configuration"]["target"]]
    beside = covered(runs[CONTROL]) if CONTROL in runs else np.full(record.replicates, np.nan)
    return {"covered": covered(record) - beside, "all": (kept == n).astype(float)}


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
