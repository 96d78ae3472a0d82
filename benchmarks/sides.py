"""What benchmarks share: one core for both sides, and how ratios are told."""

from __future__ import annotations

import os

CORE = max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0


def one_core() -> None:
    """Before jax is imported: one device, one thread, one core."""
    os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=1 --xla_cpu_multi_thread_eigen=false"
    os.environ["NUMBA_NUM_THREADS"] = "1"
    if hasattr(os, "sched_setaffinity") and os.environ.get("JAX_PLATFORMS", "cpu") == "cpu":
        os.sched_setaffinity(0, {CORE})


def spread(values) -> str:
    """The median, and between which values eight in ten lie."""
    import numpy as np

    low, middle, high = np.percentile(values, [10, 50, 90])
    return f"{middle:8.2f} [{low:.2f} {high:.2f}]"
