"""What `--json` prints: one object on stdout, whose form is `schema-1.json` beside this file."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mesocosm.record import FolderError

VERSION = 1
"""Of the schema. What is added keeps it; what is renamed, removed or means something else raises it."""
SCHEMA = Path(__file__).with_name(f"schema-{VERSION}.json")


def schema(options: argparse.Namespace) -> int:
    """Print the schema."""
    print(SCHEMA.read_text("utf-8").rstrip())
    return 0


def print_json(command: str, answer: Mapping[str, Any]) -> None:
    """Print an answer with the version of its schema and the command that it answers."""
    told = {"schema": VERSION, "command": command, **answer}
    json.dump(_finite(told), sys.stdout, indent=2, default=float, allow_nan=False)
    print()


def _finite(value: Any) -> Any:
    """The same with null for numbers that JSON does not know."""
    if isinstance(value, Mapping):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def written(folder: str, pages: Mapping[str, str]) -> list[str]:
    """Write pages by file name into the folder of `--write`, which is made; their paths.

    Raises:
      FolderError: if it cannot be made.
    """
    from mesocosm.record.folder import write_whole

    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FolderError(f"{folder}: cannot be made ({error.strerror}); choose another with --write") from None
    for name, page in pages.items():
        write_whole(place / name, page.encode(errors="replace"))  # a folder's name may hold what is no text
    return [str(place / name) for name in pages]
