"""What a frame costs the viewer's server: `python -m benchmarks.viewer`. Made-up bodies; no browser, no socket."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from mesocosm.record import Record
from mesocosm.viewer.wire import answer
from mesocosm.viewer.world import World

FRAMES, SIDE = 20, 512


def world(n: int) -> World:
    """A recorded world of n bodies, all in memory."""
    rng = np.random.default_rng(0)
    rows = n * FRAMES
    bodies = {"replicate": np.zeros(rows, np.int32), "tick": np.repeat(np.arange(FRAMES, dtype=np.int32), n)}
    bodies |= {"id": np.tile(np.arange(n, dtype=np.int32), FRAMES), "energy": rng.integers(0, 4000, rows, np.int32)}
    bodies |= {axis: rng.integers(0, 256 * SIDE, rows, np.int32) for axis in "xy"}
    header = {"frames": ["bodies"], "logs": [], "configuration": {"world": {"side": SIDE}}}
    record = SimpleNamespace(header=header, frames=lambda name: bodies, folder=Path(), status="finished")
    return World(cast(Record, cast(Any, record)), 0, "many")


def main() -> None:
    print(f"{'bodies':>8} {'ms a frame':>24} {'kB a frame':>11}")
    for n in (1_000, 10_000, 100_000):
        shown, took, size = world(n), [], 0
        for k in range(10 * FRAMES):
            began = time.perf_counter()
            if k == FRAMES:
                took.clear()  # the first round reads the record
            said, planes = shown.frame(k % FRAMES)
            size = len(answer({"n": k, "said": said}, planes))
            took.append(1000 * (time.perf_counter() - began))
        low, middle, high = np.percentile(took, [10, 50, 90])
        print(f"{n:8,} {middle:10.2f} [{low:.2f} {high:.2f}] {size / 1000:11.0f}")


if __name__ == "__main__":
    main()
