"""Errors that a person can mend: each says what, where and the remedy, and carries an exit code."""

from __future__ import annotations


class MesocosmError(Exception):
    """An error with a plain sentence for a message; the command line shows it without a traceback."""

    exit_code = 3


class FolderError(MesocosmError):
    """A run folder that cannot be used as asked: it exists, is torn, read-only, or belongs to something else."""

    exit_code = 2


class StorageError(MesocosmError):
    """The record could not be written (disk full, folder gone). What was recorded before is intact."""

    exit_code = 3
