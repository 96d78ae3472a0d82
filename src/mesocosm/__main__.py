"""The program: `mesocosm`, or `python -m mesocosm`. What holds for the whole process is set here, and only here."""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import suppress
from typing import Any, TextIO


class _Words:
    """Words for people, on stderr. That they cannot be written is no reason to lose a run."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError:
            return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _stop(number: int, frame: object) -> None:
    """Before a run has begun there is nothing to save, and code that is just being imported must not be torn."""
    os.write(2, b"stopped\n")
    os._exit(130)


def program() -> None:
    """What the console script calls."""
    # A law is traced into many small objects, seldom garbage: looked for as often as Python does, a twentieth of a run.
    gc.set_threshold(100_000, 50, 50)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - for the life of the process
        getattr(sys, name).reconfigure(errors="backslashreplace")  # a name may hold what the terminal cannot show
    sys.stderr = _Words(sys.stderr)
    from mesocosm.cli import main

    sys.exit(main())


if __name__ == "__main__":
    program()
