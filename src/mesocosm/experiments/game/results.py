"""The page of a game. NumPy, no jax."""

from __future__ import annotations

import numpy as np

from mesocosm.protocol.blocks import Analysed, OverTime, Told, at_the_end
from mesocosm.protocol.measure import measure_named
from mesocosm.protocol.story import Section, Table


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
