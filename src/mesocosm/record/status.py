"""What became of a replicate, and of a run."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Status(IntEnum):
    """Of one replicate. Every status counts in every denominator."""

    ALIVE = 0
    EXTINCT = 1
    DIVERGED = 2
    OVERFLOW = 3


class RunStatus(StrEnum):
    """Of a run as a whole. A folder that says `running` and is not locked was killed; `resume` continues it."""

    RUNNING = "running"
    INTERRUPTED = "interrupted"
    FINISHED = "finished"
