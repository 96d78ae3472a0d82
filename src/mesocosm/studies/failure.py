"""From an error to the row of a cell: is it what came of the cell, or has it a cause outside? No jax."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mesocosm.protocol.outside import MissingError
from mesocosm.record import FolderError, MesocosmError, StorageError
from mesocosm.studies.cell import Row
from mesocosm.studies.component import Skipped
from mesocosm.tasks.arrays import DataError

OUTSIDE = (OSError, ImportError, MemoryError, DataError, FolderError, StorageError, MissingError, Skipped)
"""What the surroundings cause: data or a package that is not there, a disk, a network, too little memory."""

ENDED_FROM_OUTSIDE = (1, 2, 9, 15)
"""Signals that others send (hang up, interrupt, kill, terminate): a process that breaks down has another."""


def failed(error: BaseException, **more: Any) -> Row:
    """The row of a cell whose measurement raised this."""
    status = "skipped" if isinstance(error, Skipped) else "error"
    is_sentence = isinstance(error, Skipped | MesocosmError)
    outside = any(isinstance(one, OUTSIDE) for one in _causes(error))
    return Row(status, cause=str(error) if is_sentence else told(error), from_outside=outside, **more)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and those that it was raised from."""
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__


def told(error: BaseException) -> str:
    """An error as the cause of a row: its words, and where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {str(error)[:400]}{where}"
