"""Experiments put together for tests: a small world with layers, senses and minds of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mesocosm.core import Plan, Setup, run
from mesocosm.ecology.configuration import EcologyConfiguration
from mesocosm.ecology.setup import ecology, watched
from mesocosm.record import Record
from mesocosm.record.configuration import check, from_dict

WORLD = dict(
    side=16, founders=30, ceiling=120, division_energy=600, founding_energy=500, drops=4, drop_food=90, drop_spread=512
)


def configuration(**changes: Any) -> EcologyConfiguration:
    """A small ecology; `world` is changed, not replaced."""
    c = from_dict(EcologyConfiguration, {"every": 20, **changes, "world": {**WORLD, **changes.get("world", {})}})
    check(c)
    return c


def setup(c: EcologyConfiguration, **parts: Any) -> Setup:
    return watched(c, ecology(c, **parts))


def played(setup: Setup, folder: Path, replicates: int = 2, ticks: int = 60, every: int = 20, **options: Any) -> Record:
    return run(setup, Plan("test", 3, replicates, ticks, every), folder, **options)
