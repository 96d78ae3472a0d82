"""What is worked out of a finished run once, with jax or for long, and kept beside it as plain values for reports."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Any

from mesocosm.protocol import catalogue
from mesocosm.protocol.reading import follow_ups_of
from mesocosm.protocol.registry import entry_of, trouble_with
from mesocosm.record import Record
from mesocosm.record.files import checksum, read_whole, sealed, unsealed, write_whole
from mesocosm.record.folder import versions
from mesocosm.record.header import HEADER

ANALYSIS, REPORT = "analysis.json", "report.html"
_HEAD = 4096
"""Bytes at the beginning of a report in which its marks stand."""


def analysis_of(record: Record) -> dict[str, Any] | None:
    """What was worked out of this very record; None if nothing was, or the record has changed since."""
    try:
        kept = unsealed(record.folder / ANALYSIS)
    except (OSError, ValueError):
        return None
    found = kept.get("found")
    return found if kept.get("of") == record.digest() and isinstance(found, dict) else None


def made_of(record: Record) -> str:
    """The identity of all that a report of this run tells: the record, its assays, what was worked out, the program.

    What was made of it carries it, and is stale where it is another. File times tell nothing: a folder is copied, a
    clock is set back.
    """
    total = hashlib.sha256(versions()["mesocosm"].encode())
    total.update(f"{record.identity} {trouble_with(record)}".encode(errors="backslashreplace"))
    for name, assay in follow_ups_of(record).items():
        total.update(f"{name} {assay.identity}".encode(errors="backslashreplace"))
    for path in sorted([*record.folder.glob("*.json"), *record.folder.glob("analyses/*.json")]):
        if path.name != HEADER:
            with suppress(OSError):  # what cannot be read tells nothing
                total.update(f"{path.name} {checksum(read_whole(path))}".encode(errors="backslashreplace"))
    return total.hexdigest()


def is_report(path: Path, of: str = "") -> bool:
    """Whether this file is a report of ours (of what has this identity), by what stands in it."""
    try:
        head = read_whole(path)[:_HEAD].decode(errors="replace")
    except OSError:
        return False
    return "mesocosm</title>" in head and (not of or f'<meta name="made-of" content="{of}">' in head)


def analyse(record: Record) -> None:
    """Work it out, if the experiment declares so, the run asks for it, and it is not there."""
    declared = entry_of(record).declaration
    work = declared.analyse
    asked = record.header["configuration"]
    is_asked = asked.get("analysis", asked.get("assays", True))
    if work is not None and is_asked and analysis_of(record) is None:
        found = {"of": record.digest(), "found": work(record)}
        write_whole(record.folder / ANALYSIS, sealed(found))
    for name in declared.analyses if is_asked else ():
        if not catalogue.find(name).analysis.lacks(record):
            catalogue.measure(record, name)


__all__ = ["ANALYSIS", "REPORT", "analyse", "analysis_of", "is_report", "made_of"]
