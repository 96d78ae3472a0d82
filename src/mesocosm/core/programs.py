"""Compiled programs of a process that lives long: Linux grants it so many memory maps, and a program takes thousands.

Past the limit (`vm.max_map_count`, 65,530 unless an administrator raised it) XLA ends the process with a segmentation
fault. Programs that are forgotten are compiled anew, or fetched from the persistent cache, when they are needed.
"""

from __future__ import annotations

import gc

import jax

_MAPS, _MOST = "/proc/self/maps", "/proc/sys/vm/max_map_count"


def make_room(share: float = 0.5) -> bool:
    """Forget all compiled programs if more than this share of the permitted maps is taken.

    Returns:
      Whether they were forgotten. Never where the system keeps no such count.
    """
    try:
        with open(_MAPS, "rb") as maps, open(_MOST, "rb") as most:
            if sum(1 for _ in maps) <= share * int(most.read()):
                return False
    except (OSError, ValueError):
        return False
    jax.clear_caches()
    gc.collect()
    return True
