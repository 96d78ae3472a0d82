"""The file of a cell: what is written into it, and what is refused as one. No jax.

One JSON object. Its last key is a SHA-256 of all that stands before it, so a flipped bit anywhere is seen.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path

from mesocosm.record import FolderError
from mesocosm.studies.cell import Cell, Row

SCHEMA = 2
"""Version of the layout of a store and of its cells."""

MOST_BYTES = 64 << 20
"""No row is as long: a file that is longer is none."""


def written(cell: Cell, row: Row) -> bytes:
    """The content of the file of a cell."""
    body = json.dumps({"schema": SCHEMA, "cell": cell.to_dict(), "row": row.to_dict()}, allow_nan=False)[:-1]
    return (body + _seal(body.encode())).encode()


def _seal(body: bytes) -> str:
    return f', "sha256": "{hashlib.sha256(body).hexdigest()}"}}\n'


def parsed(content: bytes, identity: str) -> tuple[Cell, Row]:
    """The cell of this identity and its row.

    Raises:
      ValueError: for a content that is torn, changed, of another cell, or holds what no row holds.
    """
    body, _, _ = content.rpartition(b', "sha256": ')
    if not body or content != body + _seal(body).encode():
        raise ValueError("its checksum does not fit")
    try:
        values = json.loads(content)
        cell, row = Cell.from_dict(values["cell"]), Row.from_dict(values["row"])
        found = cell.identity
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"it holds no row ({type(error).__name__}: {error})") from None
    if values.get("schema") != SCHEMA:
        raise ValueError(f"it is of version {values.get('schema')!r}, this is {SCHEMA}")
    if found != identity:
        raise ValueError("it holds another cell")
    return cell, row


def read_plain(path: Path, follow: bool = False) -> bytes:
    """The content of a plain file: no pipe is waited for.

    Args:
      follow: links; within a store there are none of ours.

    Raises:
      OSError: if it cannot be read.
      ValueError: if it is no plain file, or too long to be one of ours.
    """
    no_link = 0 if follow else getattr(os, "O_NOFOLLOW", 0)
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | no_link)
    with os.fdopen(number, "rb") as file:
        found = os.fstat(number)
        if not stat.S_ISREG(found.st_mode):
            raise ValueError("it is no plain file")
        if found.st_size > MOST_BYTES:
            raise ValueError(f"it is {found.st_size} bytes long")
        return file.read()


def read(path: Path, identity: str) -> tuple[Cell, Row]:
    """A cell and its row.

    Raises:
      FolderError: if it is not there, or damaged.
    """
    try:
        return parsed(read_plain(path), identity)
    except FileNotFoundError:
        raise FolderError(f"{path.parent}: there is no such cell") from None
    except (OSError, ValueError) as error:
        raise FolderError(f"{path}: is damaged ({error}); `mesocosm study` moves it aside, measures anew") from None
