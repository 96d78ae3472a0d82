"""From a record of `mirror` to its page. NumPy, no jax."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mesocosm.player.encoder.panel import Replay
from mesocosm.protocol.blocks import Analysed, Gardens, OverTime, Told, at_the_end
from mesocosm.protocol.measure import in_windows, summed
from mesocosm.protocol.scenes import replay_of
from mesocosm.protocol.story import Section, Table

WORDS = {
    "": "partners as they are",
    "shuffled": "partners shuffled",
    "nature": "against nature",
    "costless": "contexts for free",
    "coins": "coins for free",
    "mindless": "minds unused",
    "pattern": "against a pattern",
}


SIDE_BY_SIDE = Gardens(
    ("order", "read"),
    WORDS,
    "What makes minds deeper",
    "A dot is a world, a thin line joins the same one; the second half of each run. Every arm has the seed of the "
    "run. Against nature everybody meets coins of one half, each time as strangers of whom nothing is kept.",
    over="late",
)


def without(told: Told) -> Section | None:
    """Windows in which nobody played, and rounds that were cut short; nothing where there are none."""
    metrics = told.record.metrics
    lonely = np.nansum(in_windows(told.record, np.asarray(metrics["met"], float) == 0), axis=1)
    cut = summed(told.record)["cut"]
    where = np.flatnonzero((lonely > 0) | (cut > 0))
    if not where.size:
        return None
    text = (
        f"In {int((lonely > 0).sum())} of {told.record.replicates} {told.noun} there was a window without any contact: "
        "it has no share of acts foretold, and its measures are left out of that window alone. In "
        f"{int((cut > 0).sum())} a partner ran out of energy in the middle of a touch, and the rounds left were "
        "not played."
    )
    rows = [(int(r), int(lonely[r]), int(cut[r])) for r in where[:12]]
    return Section("Games that were not played", text, [Table("Where", ("replicate", "windows", "rounds cut"), rows)])


def replay(told: Told) -> Replay | None:
    """Who foretells whom."""
    film = replay_of(told.record)
    if film is None:
        return None
    return replace(
        film,
        caption="A dot is a body, the darker the more acts its contexts hold; its place is orange while it foretells "
        "its partner in seven rounds of eight or more (by sixteen coins, one in 480 is), red where both do; a line "
        "joins it to the neighbour that it foretells, not to visitors. Who always does the same is foretold too.",
    )


BLOCKS = (
    SIDE_BY_SIDE,
    OverTime(("order", "read"), "Depth over time"),
    without,
    Analysed("past", "Better than its past, or only different?", only_kept=True),
    OverTime(("won", "ones", "noise"), "What they play, and what it brings"),
    at_the_end,
)
