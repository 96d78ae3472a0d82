"""Errors that a person can mend: each says what, where and the remedy, and carries an exit code."""

from __future__ import annotations

_CONTROLS = [*range(0x20), *range(0x7F, 0xA0), 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A)]
SHOWN = {c: chr(c).encode("unicode_escape").decode() for c in _CONTROLS}
"""What moves the cursor, colours, erases, or turns the direction of writing, as Python spells it."""
_LONGEST = 2000


def in_a_line(text: object) -> str:
    """A name or a sentence as one line that does nothing to a terminal."""
    return str(text).translate(SHOWN)


class MesocosmError(Exception):
    """An error with a plain sentence for a message; the command line shows it without a traceback.

    Whatever names and values a sentence quotes, it stays one line, of bearable length.
    """

    exit_code = 3

    def __str__(self) -> str:
        said = in_a_line(super().__str__())
        return said if len(said) <= _LONGEST else f"{said[: _LONGEST - 20]}... (shortened)"


class FolderError(MesocosmError):
    """A run folder that cannot be used as asked: it exists, is torn, read-only, or belongs to something else."""

    exit_code = 2


class NotYetError(FolderError):
    """What was asked of a run is not written yet, and somebody is writing it: who asks again will have it."""


class StorageError(MesocosmError):
    """The record could not be written (disk full, folder gone). What was recorded before is intact."""

    exit_code = 3
