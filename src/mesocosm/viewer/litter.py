"""Runs that watching live leaves behind: which these are, and removing one that nobody finished."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mesocosm.record import ConfigurationError
from mesocosm.record.status import RunStatus

_NAMES = r"{name}-\d+-(watched|from-\d+|watched(-\d+)?-at-\d+|from-\d+(-\d+)?-at-\d+)(-\d+)?"
"""What a watched world calls its folders: itself, its branches, its snapshots; see `simulation.Session`."""


def is_watched(name: str, experiment: str) -> bool:
    """Whether a folder of this name was written by a world that was watched live."""
    return re.fullmatch(_NAMES.format(name=re.escape(experiment)), name) is not None


def remove(folder: Path, told: Mapping[str, Any]) -> None:
    """Remove an interrupted run that was watched live, and nothing else.

    Args:
      told: the run as it stands in the list.

    Raises:
      ConfigurationError: if it is finished, goes on, was begun otherwise, or cannot be removed.
    """
    if told["status"] != RunStatus.INTERRUPTED or not told.get("watched") or folder.is_symlink():
        raise ConfigurationError(
            f"{folder.name}: only an interrupted run that was watched live is removed from here; "
            f"delete the folder {folder} by hand"
        )
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise ConfigurationError(f"{folder.name}: cannot be removed ({error.strerror})") from None
