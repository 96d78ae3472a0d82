"""How many replicates a device works on at a time: as many as its cache holds.

A chunk of many small worlds visits each of their arrays once a tick; where all of them together leave the cache, every
visit waits for memory. So the lanes of a device are worked on in blocks, one after the other, each for a whole chunk.
Blocks stop on their own, as devices do. They change no bit of what is exact; in floating point a block is one
replicate, which then has the same bits whoever is beside it.
"""

from __future__ import annotations

import math
from typing import Any

import jax

CACHE_BYTES = 1 << 19
"""State of one block at most: with what a tick computes on the way it then stays in the cache of one core."""


def blocks(lanes: int, state: Any, *, is_exact: bool, platform: str) -> tuple[int, int]:
    """Blocks on each device, and lanes in each, so that `lanes` lanes fit with as little padding as may be.

    Args:
      lanes: on each device.
      state: of one replicate, arrays or shapes.
      platform: what the devices are; only a CPU has caches that are worth it.

    >>> import numpy as np
    >>> blocks(100, np.zeros(1 << 15, np.int32), is_exact=True, platform="cpu")
    (25, 4)
    """
    if platform != "cpu":
        return 1, lanes
    if not is_exact:  # sums of floats depend on the shape of the batch: every replicate is one of its own
        return lanes, 1
    size = sum(math.prod(x.shape) * x.dtype.itemsize for x in jax.tree.leaves(state))
    most = max(1, CACHE_BYTES // max(size, 1))
    if lanes <= most:
        return 1, lanes
    sizes = range(most, max(0, most // 2), -1)  # smaller ones would wait for rounds that fewer replicates share
    each = min(sizes, key=lambda k: -(-lanes // k) * k)
    return -(-lanes // each), each
