"""What must be said before jax starts: one virtual device a core, and where compiled programs are kept."""

from __future__ import annotations

import os
from pathlib import Path

from mesocosm.studies.processes import JAX_FLAGS


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cache_folder() -> Path:
    """Where compiled programs are kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "mesocosm" / "xla"


def prepare_devices(n: int | None = None) -> None:
    """Set jax's environment for n devices (one a core, two at least); what the user has set already stays.

    A program for one device is compiled otherwise than one for several, and rounds otherwise in floating point: with
    two on one core too a run has the same bits on every number of cores.
    """
    for name in JAX_FLAGS:
        os.environ.pop(name, None)
    flags = os.environ.get("XLA_FLAGS", "")
    if "--xla_force_host_platform_device_count" not in flags:
        flags += f" --xla_force_host_platform_device_count={n or max(2, cores())}"
    if "--xla_cpu_multi_thread_eigen" not in flags:  # devices are the parallelism; threads within them only contend
        flags += " --xla_cpu_multi_thread_eigen=false"
    os.environ["XLA_FLAGS"] = flags.strip()
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        try:
            cache_folder().mkdir(parents=True, exist_ok=True)
        except (OSError, RuntimeError):
            return  # no home to write to: compile anew
        os.environ["JAX_COMPILATION_CACHE_DIR"] = str(cache_folder())
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")
