"""The page of a game. NumPy, no jax."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mesocosm.player.encoder.panel import MOST_FRAMES, Replay, panel_of
from mesocosm.player.encoder.recording import Recording
from mesocosm.protocol.blocks import Analysed, OverTime, Told, at_the_end
from mesocosm.protocol.measure import measure_named
from mesocosm.protocol.scenes import about_of, filmed
from mesocosm.protocol.story import Section, Table


def replay(told: Told) -> Replay | None:
    """The phase portrait: the last frames, each of them, so that its lines are smooth."""
    replicate = filmed(told.record)
    if replicate is None:
        return None
    film = Recording(told.record, replicate, "both players", about_of(told.record))
    panel = panel_of(film, max(0, film.meta()["n_frames"] - MOST_FRAMES))
    caption = f"Game {replicate}, its last {panel.frame_ticks.size} frames."
    return Replay(caption, [replace(panel, series={})])  # the page has charts of its own


def stopped(told: Told) -> Section | None:
    """Games in which a player stood still while another went on; nothing where there is none."""
    share = measure_named(told.declared, told.record, "idle").windows(told.record)
    found = np.flatnonzero(np.nansum(share, axis=1) > 0)
    if not found.size:
        return None
    mean = np.nanmean(share, axis=1)
    text = f"In {found.size} of {told.record.replicates} {told.noun} a player stood still while another moved."
    rows = [(int(r), float(mean[r])) for r in found]
    return Section("Players that stopped", text, [Table("Where", ("replicate", "share of ticks"), rows)])


BLOCKS = (
    OverTime(("exponent",), "Do neighbouring plays part?", beside="two-acts"),
    OverTime(("radius", "vorticity"), "The course of learning"),
    Analysed("vorticity", "How much of the field is curl"),
    Analysed("cycles", "Does it circle?"),
    Analysed("lyapunov", "The spectrum of exponents", only_kept=True),
    Analysed("rematch", "Better than its past, or only different?", only_kept=True),
    stopped,
    at_the_end,
)
