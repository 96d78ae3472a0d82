"""`run.json`: what a run is. Everything in it is looked at before anything else believes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mesocosm.record.errors import FolderError
from mesocosm.record.files import checksum, sealed, table_in, without_seal, write_whole
from mesocosm.record.status import RunStatus

SCHEMA = 1
"""Version of the run folder's layout. A folder of another version is read by the program that wrote it."""
CONFIG, HEADER = "config.toml", "run.json"
MOST_REPLICATES, MOST_TICKS = 1 << 20, 2**31 - 1


def write_header(folder: Path, header: Mapping[str, Any]) -> None:
    write_whole(folder / HEADER, sealed(header))


def read_header(folder: Path) -> dict[str, Any]:
    """What `run.json` says.

    Raises:
      FolderError: if this is no run folder, one of another schema, or the header is not what was written.
    """
    path = folder / HEADER
    try:
        header = table_in(path)
    except (FileNotFoundError, NotADirectoryError):
        raise FolderError(f"{folder}: is not a run folder (it has no {HEADER}); `mesocosm list` shows runs") from None
    except OSError as error:
        raise FolderError(f"{path}: cannot be read ({error.strerror or error})") from None
    except ValueError as error:
        raise FolderError(f"{path}: cannot be read ({error}); the run folder is damaged") from None
    if header.get("schema") != SCHEMA:
        raise FolderError(
            f"{folder}: was written with schema {header.get('schema')!r:.80}; this is schema {SCHEMA}. "
            f"Read it with the version of mesocosm that its {HEADER} names, if it is no damage."
        )
    try:
        if "config_sums" in header and "sum" not in header:  # whoever wrote the one wrote the other
            raise ValueError("its checksum is gone")
        header = without_seal(header)
    except ValueError as error:
        raise FolderError(f"{path}: is damaged ({error})") from None
    if missing := [name for name in _NEEDED if name not in header]:
        raise FolderError(f"{path}: lacks {', '.join(missing)}; the run folder is damaged")
    for name, (is_right, words) in {**_NEEDED, **_OPTIONAL}.items():
        if name in header and not is_right(header[name]):
            raise FolderError(f"{path}: {name} = {header[name]!r:.80}: must be {words}; the run folder is damaged")
    return {**header, "configuration": Settings(f"{path}: its configuration", header["configuration"])}


class Settings(dict[str, Any]):
    """A table of the header. What is missing in it is a fault of the file, said in its words."""

    def __init__(self, where: str, values: Mapping[str, Any]) -> None:
        inner = {k: Settings(f"{where}.{k}", v) if isinstance(v, dict) else v for k, v in values.items()}
        super().__init__(inner)
        self.where = where

    def __missing__(self, name: str) -> Any:
        raise FolderError(f"{self.where} has no {name!r}; it was written by other code, or is damaged")


def with_config(header: Mapping[str, Any], *configs: str) -> dict[str, Any]:
    """The header of a folder whose configuration is one of these."""
    return {**header, "config_sums": [checksum(config.encode()) for config in configs]}


def is_config_of(header: Mapping[str, Any], content: bytes) -> bool:
    """Whether this configuration is one that was written with the header; earlier runs keep no checksum of it."""
    return "config_sums" not in header or checksum(content) in header["config_sums"]


# -- what is right -------------------------------------------------------------------------------------------------

_Rule = tuple[Callable[[Any], bool], str]


def _whole(low: int, high: int) -> _Rule:
    words = f"a whole number in {low} ... {high}"
    return lambda v: isinstance(v, int) and not isinstance(v, bool) and low <= v <= high, words


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_table_of_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_text, value.values()))


def _are_names(value: Any) -> bool:
    name = re.compile(r"[^./\x00-\x1f][^/\x00-\x1f]*")
    return _are_texts(value) and all(map(name.fullmatch, value))


def _are_interventions(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(v, list) and len(v) == 3 and _COUNT[0](v[0]) and _is_text(v[1]) for v in value
    )


def _are_resumptions(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(v, dict) and _COUNT[0](v.get("tick")) and _is_table_of_texts(v.get("versions")) for v in value
    )


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _are_columns(value: Any) -> bool:
    """By log and column `["int32", 2, 8]`: a type of numbers, and the shape of one row's part."""
    listed = [c for log in value.values() if _is_table(log) for c in log.values()] if _is_table(value) else [None]
    return all(
        isinstance(c, list)
        and bool(c)
        and c[0] in _TYPES
        and all(isinstance(n, int) and not isinstance(n, bool) and 0 <= n < 1 << 24 for n in c[1:])
        for c in listed
    ) and all(map(_is_table, value.values()))


_TYPES = ("bool", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)), "float32", "float64")
_COUNT = _whole(0, MOST_TICKS)
_TEXT = _is_text, "a text"
_NAMES = _are_names, "a list of names"
_NEEDED: dict[str, _Rule] = {
    "status": (lambda v: _is_text(v) and v in list(RunStatus), f"one of {', '.join(RunStatus)}"),
    "experiment": _TEXT,
    "seed": _whole(0, 2**64 - 1),
    "replicates": _whole(1, MOST_REPLICATES),
    "ticks": _whole(1, MOST_TICKS),
    "every": _whole(1, MOST_TICKS),
    "configuration": (_is_table, "a table"),
    "logs": _NAMES,
    "versions": (_is_table_of_texts, "a table of texts"),
    "command": _TEXT,
    "begun": _TEXT,
}
_OPTIONAL: dict[str, _Rule] = {
    "frames": _NAMES,
    "interventions": (_are_interventions, "a list of [tick, field, value]"),
    "declaration": (_is_table, "a table"),
    "resumed": (_are_resumptions, "a list of tables with tick and versions"),
    "host": (_is_table, "a table"),
    "parent": (_is_table, "a table"),
    "updated": _TEXT,
    "exact": (lambda v: isinstance(v, bool), "true or false"),
    "config_sums": (_are_texts, "a list of checksums"),
    "code": (_is_table_of_texts, "a table of texts"),
    "columns": (_are_columns, "a table of logs with type and shape of each column"),
    "devices": _whole(1, 1 << 20),
}
