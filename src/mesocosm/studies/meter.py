"""What measuring a batch has cost its worker: wall time, processor time, the most memory resident meanwhile. No jax."""

from __future__ import annotations

import contextlib
import resource
import sys
import time
from pathlib import Path

_STATUS, _FORGET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Meter:
    """Runs from the moment it is made; the peak of memory before that is forgotten (Linux)."""

    def __init__(self) -> None:
        with contextlib.suppress(OSError):
            _FORGET.write_text("5", encoding="utf-8")  # resets VmHWM, see proc(5)
        self.began, self.cpu = time.perf_counter(), time.process_time()

    def cost(self, n: int = 1) -> dict[str, float]:
        """For each of n cells that were measured together; the peak is that of all of them."""
        return {
            "seconds": (time.perf_counter() - self.began) / n,
            "cpu_seconds": (time.process_time() - self.cpu) / n,
            "peak_bytes": peak_bytes(),
        }


def peak_bytes() -> float:
    """The most that this process has held resident since a meter was made; where that is not told, since it began."""
    with contextlib.suppress(OSError, StopIteration, ValueError):
        line = next(line for line in _STATUS.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM"))
        return 1024.0 * int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1.0 if sys.platform == "darwin" else 1024.0)
