"""Ctrl-C between chunks: finish the chunk, write a checkpoint, then stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mesocosm.record.errors import MesocosmError


class Interrupted(MesocosmError):
    """The run was stopped by a person, after a checkpoint."""

    exit_code = 130

    def __init__(self, folder: Path, tick: int):
        super().__init__(f"interrupted at tick {tick}; `mesocosm resume {folder}` goes on from there")
        self.folder, self.tick = folder, tick


@contextmanager
def watching_for_interrupt() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C (or a polite kill) sets; the second one stops at once.

    Outside the main thread nothing is installed: signals are then somebody else's.
    """
    seen = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield seen
        return

    def note(number: int, frame: object) -> None:
        if seen.is_set():
            raise KeyboardInterrupt
        seen.set()

    old = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield seen
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
