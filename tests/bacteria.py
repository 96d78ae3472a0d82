"""The small dish of several test files. Those that run it as `RUN` says are one group, and compile it once."""

from typing import Any

WORLD: dict[str, Any] = dict(
    side=32, founders=66, ceiling=220, division_energy=600, founding_energy=500, drops=4, drop_food=90
)
"""Founded in 256 slots: it never grows beyond them, so each law is compiled once."""

RUN: dict[str, Any] = dict(world=WORLD, replicates=8, ticks=200, every=50)


def words(run: dict[str, Any], under: str = "--") -> list[str]:
    """The same on the command line."""
    parts = ((f"{under}{name.replace('_', '-')}", value) for name, value in run.items())
    nested = [words(v, f"{k}.") if isinstance(v, dict) else [k, str(v)] for k, v in parts]
    return [word for part in nested for word in part]
