"""What `--json` prints: one object on stdout, whose form is `schema-1.json` beside this file."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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
      FolderError: if it cannot be made, or holds something of the user's by one of these names.
    """
    from mesocosm.record.files import write_pages

    content = {name: page.encode(errors="replace") for name, page in pages.items()}  # a name may hold what is no text
    return write_pages(Path(folder), content, "--write")
