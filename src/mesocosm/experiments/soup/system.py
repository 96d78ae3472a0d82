"""`soup`: the law of the world, two cameras, and a log of who copied whom where it is asked for."""

from __future__ import annotations

from mesocosm.core import Camera, Log, Setup
from mesocosm.core.instrument import Numbers, Shutter
from mesocosm.experiments.soup.declaration import SoupConfiguration
from mesocosm.worlds.soup.law import Soup

FLOWS = ("kiloreads", "births", "undone", "strikes", "crossed")


def build(c: SoupConfiguration) -> Setup:
    """The law and what watches it."""
    logs: tuple[Log | Camera, ...] = ()
    if c.log_births:
        columns = ("id", "parent", "place", "bytes")
        logs += (Log("births", "births", tuple((name, name) for name in columns)),)
        logs += (Log("deaths", "deaths", (("id", "id"),)),)
    if c.frames_every:
        shutter = Shutter(c.frames_every, replicate=c.frames_of)
        logs += tuple(Camera(f"{n}_image", n, ((n, n),), shutter) for n in ("tapes", "descent"))
    return Setup(Soup.of(c.world), {"numbers": Numbers(tuple((name, "int32") for name in FLOWS))}, logs)
