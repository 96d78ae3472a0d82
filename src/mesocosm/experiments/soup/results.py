"""From a record of `soup` to its page. NumPy, no jax."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mesocosm.experiments.soup.declaration import ARMS
from mesocosm.experiments.soup.measures import came_alive, epoch_of_life
from mesocosm.player.encoder.panel import Replay
from mesocosm.protocol.blocks import Gardens, OverTime, Told, at_the_end
from mesocosm.protocol.scenes import replay_of
from mesocosm.protocol.story import Section

if TYPE_CHECKING:
    from mesocosm.record import Record

PUBLISHED_RATE = -np.log(1 - 0.4) / (2**16 * 16384)
"""Transitions per pair that has run, of the published 40 % of soups of 2^17 tapes in 16k epochs, at a constant rate."""

WORDS = {
    "seeded": "sown",
    "inert": "no copying",
    "dealt": "no inheritance",
    "shallow": "short ancestry",
    "still": "no mutation",
}


def expected(record: Record) -> float:
    """Transitions that a run of so many pairs would have at the published rate per pair."""
    world = record.header["configuration"]["world"]
    return float(PUBLISHED_RATE * record.replicates * record.tick * world["tapes"] / 2)


def power(told: Told) -> Section:
    """Whether the run is long and large enough to see what was published."""
    alive, epochs = came_alive(told.record), epoch_of_life(told.record)
    n, mean = int(np.nansum(alive)), expected(told.record)
    when = f" (at epoch {', '.join(f'{e:.0f}' for e in epochs[np.isfinite(epochs)][:8])})" if n else ""
    text = (
        f"In {n} of {told.record.replicates} soups replicators emerged{when}. At the published rate for each pair that "
        f"runs, this run would have {mean:.3g} transitions in the mean, and one or more with probability "
        f"{1 - np.exp(-mean):.3g}. "
    )
    text += "It is large enough to see them." if mean >= 3 else "It is too small to say anything of that rate."
    return Section("Could it have been seen?", text, [])


def replay(told: Told) -> Replay | None:
    """The soup with sown replicators, where there is one; else the run itself."""
    shown = told.runs.get("seeded", told.record)
    film = replay_of(shown)
    if film is None or not shown.header["configuration"]["world"]["seeded"]:
        return film
    titles = [replace(panel, title="a soup with sown replicators") for panel in film.panels]
    return Replay(
        "A line is a tape, four side by side. Above: what its bytes do (heads blue, copies pink, brackets green). "
        "Below: from which founding tape they descend; white was struck by chance. The sown stand at the top left.",
        titles,
    )


BLOCKS = (
    Gardens(
        ("higher", "copies"),
        {name: WORDS[name] for name in ARMS},
        "What a replicator needs",
        "Soups with 32 tapes that copy themselves among random ones, after 80 epochs; a thin line joins the same soup.",
        over="last",
    ),
    power,
    OverTime(("higher", "copies", "tokens", "reads"), "The soups of random bytes"),
    at_the_end,
)
