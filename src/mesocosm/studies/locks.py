"""Who measures what, among runners that share a store."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import IO

from mesocosm.record import StorageError


class Locks:
    """Which programs this runner measures, on whichever host; the system lets go when its process ends.

    Where the file system has no locks two may measure the same cell; it is kept once.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.held: dict[str, tuple[IO[str], int]] = {}

    def take(self, name: str) -> bool:
        """Whether it is ours now, once more."""
        if name in self.held:
            file, n = self.held[name]
            self.held[name] = file, n + 1
            return True
        name_at = self.folder / name
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
        try:  # never emptied, and through no link: the store may have been received
            file = open(os.open(name_at, flags, 0o666), "r+", encoding="utf-8")  # noqa: SIM115 - held for the lock
        except OSError as error:
            raise StorageError(f"{name_at}: cannot be a lock ({error.strerror}); remove it") from None
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not _is_at(file, name_at):  # who had it has let go, and another has made it anew
                raise BlockingIOError
        except BlockingIOError:
            file.close()
            return False
        except (ImportError, OSError):
            pass
        self.held[name] = file, 1
        return True

    def release(self, name: str) -> None:
        file, n = self.held.pop(name)
        if n > 1:
            self.held[name] = file, n - 1
            return
        with contextlib.suppress(OSError):
            os.unlink(self.folder / name)
        file.close()


def _is_at(file: IO[str], path: Path) -> bool:
    """Whether an open file is still the one of that name."""
    with contextlib.suppress(OSError):
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    return False
