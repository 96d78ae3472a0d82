"""How the bodies of every ecology are told of: what their columns say, what their acts are. Data, for the scene."""

from __future__ import annotations

from mesocosm.instruments.ecology import EMIT, TUMBLE
from mesocosm.record.about import About

BODIES = {
    "energy": About("quanta"),
    "born": About("ticks", since="age"),
    "lineage": About(is_class=True),
    "parent": About(is_class=True),
    "deme": About(is_class=True),
}
RUNS_OR_TUMBLES = ("runs", "tumbles")
ACTS = {"tumbles": TUMBLE, "emits": EMIT}
"""Bits of an act, by the word for acts that have them."""
