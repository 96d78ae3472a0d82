"""Runs that the home of `mesocosm watch` has begun: each is the command line in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import IO

from mesocosm.record import ConfigurationError

MOST = 2
"""Runs that go on at once: each takes all cores that it finds."""
_STOPPED = 130
"""Exit code of a run that was interrupted and has written its checkpoint."""


@dataclass
class _Errand:
    process: subprocess.Popen[bytes]
    said: IO[bytes]

    def trouble(self) -> str:
        """Its last words, where it has failed; empty while it runs, and where all is well."""
        if self.process.poll() in (None, 0, _STOPPED, -signal.SIGINT):
            return ""
        self.said.seek(0)
        return self.said.read().decode(errors="replace").strip().rpartition("\n")[2].removeprefix("error: ")[:400]


@dataclass
class Errands:
    """Processes by the folder of their run. May be called from any thread.

    Args:
      environment: of the processes.
      cwd: where they run; folders are meant from there.
    """

    environment: Mapping[str, str]
    cwd: Path = field(default_factory=Path.cwd)
    known: dict[Path, _Errand] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def begin(self, folder: Path, words: Sequence[str]) -> None:
        """Start `mesocosm WORDS`, which writes this folder.

        Raises:
          ConfigurationError: where that goes on already, or too many do.
        """
        with self.lock:
            going = [path for path, errand in self.known.items() if errand.process.poll() is None]
            if folder in going:
                raise ConfigurationError(f"{folder.name}: is running already")
            if len(going) >= MOST:
                raise ConfigurationError(f"{MOST} runs are going on; stop one of them, or wait until it ends")
            said = tempfile.TemporaryFile()  # noqa: SIM115 - read when the process has ended
            process = subprocess.Popen(
                [sys.executable, "-m", "mesocosm", *words, "--quiet"],
                cwd=self.cwd,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                start_new_session=True,  # Ctrl-C is the server's; it stops them
            )
            self.known[folder] = _Errand(process, said)

    def stop(self, folder: Path) -> None:
        """Let a run write its checkpoint and end."""
        with self.lock:
            errand = self.known.get(folder)
        if errand is None or errand.process.poll() is not None:
            raise ConfigurationError(f"{folder.name}: is not run from here; Ctrl-C where it was begun stops it")
        errand.process.send_signal(signal.SIGINT)

    def is_going(self, folder: Path) -> bool:
        with self.lock:
            errand = self.known.get(folder)
        return errand is not None and errand.process.poll() is None

    def begun(self) -> list[tuple[Path, bool, str]]:
        """Folder, whether it goes on, and what went wrong, of each."""
        with self.lock:
            return [(path, e.process.poll() is None, e.trouble()) for path, e in self.known.items()]

    def end(self, patience: float = 20.0) -> list[Path]:
        """Stop all; those that were going on."""
        with self.lock:
            going = [(path, e.process) for path, e in self.known.items() if e.process.poll() is None]
            for _, process in going:
                with suppress(OSError):
                    process.send_signal(signal.SIGINT)
            for _, process in going:
                try:
                    process.wait(patience)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
            return [path for path, _ in going]
