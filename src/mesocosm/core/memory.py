"""Whether what is asked for can be held at all, before anything of it is made."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import jax

from mesocosm.core.programs import devices as all_devices
from mesocosm.record.configuration import ConfigurationError

_COPIES = 2
"""Of the state that a step holds: what was before it, and what comes after."""
_CGROUP = Path("/sys/fs/cgroup/memory.max")


def check_memory(replicates: int, state: Any) -> None:
    """Refuse replicates whose states alone are more than the machine can hold. What grows later is not foreseen.

    Args:
      state: shapes of one replicate.

    Raises:
      ConfigurationError: naming the count, what one takes, and what there is.
    """
    one = sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(state))
    needed, there = _COPIES * one * replicates, memory()
    if there and needed > there:
        raise ConfigurationError(
            f"replicates = {replicates}: the state of one takes {_spelt(one)}, all together {_spelt(needed)} with "
            f"a copy to work on; this machine has {_spelt(there)}. Ask for fewer replicates, or for smaller ones"
        )


def memory() -> int:
    """Bytes that the devices have together; of a CPU, what the system grants this process; 0 where it is not known."""
    devices = all_devices()
    stats = [d.memory_stats() or {} for d in devices] if devices[0].platform != "cpu" else []
    if stats:
        return sum(int(s.get("bytes_limit", 0)) for s in stats)
    limits = []
    with suppress(OSError, ValueError, AttributeError):
        limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    with suppress(OSError, ValueError):  # "max" where there is no limit
        limits.append(int(_CGROUP.read_text("utf-8")))
    return min(limits, default=0)


def _spelt(n: int | float) -> str:
    """Bytes for a person."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if n < 1024:
            return f"{n:.3g} {unit}"
        n /= 1024
    return f"{n:,.0f} TiB"
