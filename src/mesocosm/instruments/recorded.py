"""A recorded world of an ecology: its frames, and what the logs know of its individuals. No jax."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mesocosm.instruments.ancestry import Lives, lives
from mesocosm.player.encoder.panel import Panel, panel_of
from mesocosm.player.encoder.recording import Known, Recording
from mesocosm.protocol.scenes import about_of, filmed
from mesocosm.record import Record

BODIES = "bodies"
"""The population whose births and deaths are logged."""


def lives_of(record: Record, replicate: int) -> Lives | None:
    """Who descends from whom; None where births and deaths were not recorded."""
    kept = record.header.get("logs", [])
    found = lives(record, replicate) if {"births", "deaths"} <= set(kept) else None
    return found if found is not None and found.id.size else None


def recording_of(record: Record, replicate: int, title: str, who: Lives | None = None) -> Recording:
    """One world of a run.

    Args:
      who: its individuals (default: read from its logs).
    """
    who = who if who is not None else lives_of(record, replicate)
    known = None
    if who is not None:
        columns = {"born": who.born, "lineage": who.founder, "parent": who.parent}
        if who.genome.size:
            columns["genome"] = np.moveaxis(who.genome, 0, -1)
        known = Known(BODIES, who.id, columns)
    return Recording(record, replicate, title, about_of(record), known)


def panel(title: str, record: Record) -> Panel | None:
    """The world that a run filmed, for the replay of a report; None where it filmed nobody."""
    replicate = filmed(record)
    if replicate is None:
        return None
    return replace(panel_of(recording_of(record, replicate, title)), series={})  # the page has charts of its own
