"""A process and all that it has started, seen and ended from outside. Linux's /proc; elsewhere nothing is seen."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
JAX_FLAGS = (
    "JAX_ENABLE_X64",
    "JAX_DEBUG_NANS",
    "JAX_DEBUG_INFS",
    "JAX_DISABLE_JIT",
    "JAX_DEFAULT_MATMUL_PRECISION",
    "JAX_DEFAULT_PRNG_IMPL",
    "JAX_THREEFRY_PARTITIONABLE",
    "JAX_DEFAULT_DTYPE_BITS",
    "JAX_NUMPY_RANK_PROMOTION",
    "JAX_NUMPY_DTYPE_PROMOTION",
)
"""A user's settings of jax that our own processes do without: they would change types, bits, or what is an error."""

PATIENCE = 1.0
"""Seconds between asking a process to end and ending it."""


def family(pid: int) -> dict[int, int]:
    """Resident bytes by process: this one, its session, and its descendants. Empty where /proc is not there."""
    parents: dict[int, int] = {}
    sessions: dict[int, int] = {}
    resident: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        if fields[0] == "Z":
            continue
        number = int(entry.parent.name)
        parents[number], sessions[number], resident[number] = int(fields[1]), int(fields[3]), int(fields[21]) * _PAGE
    return {p: resident[p] for p in parents if p == pid or sessions[p] == pid or _descends(p, pid, parents)}


def cpu_seconds(pid: int) -> float:
    """Processor time of this process, its session, its descendants, and those of them that were waited for.

    Where /proc is not there, wall time stands for it.
    """
    if not Path("/proc/self/stat").exists():
        return time.monotonic()
    total = 0
    for member in family(pid):
        try:
            fields = Path(f"/proc/{member}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


def _descends(pid: int, ancestor: int, parents: dict[int, int]) -> bool:
    while pid in parents:
        pid = parents[pid]
        if pid == ancestor:
            return True
    return False


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a session to end, wait a little, end it; then wait for its first process."""
    members = set(family(process.pid)) | ({process.pid} if process.poll() is None else set())
    for sign in (signal.SIGTERM, signal.SIGKILL):
        for pid in members:
            with contextlib.suppress(OSError):
                os.kill(pid, sign)
        until = time.monotonic() + PATIENCE
        while sign == signal.SIGTERM and time.monotonic() < until:
            if process.poll() is not None and not members & set(family(process.pid)):
                break
            time.sleep(0.02)
        members |= set(family(process.pid))
    process.wait()


def adopt_orphans() -> None:
    """What this process's descendants leave behind becomes its child, and stays in its family. Linux only."""
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def memory_bytes() -> int:
    """Memory of this machine."""
    return os.sysconf("SC_PHYS_PAGES") * _PAGE if hasattr(os, "sysconf") else 8 << 30
