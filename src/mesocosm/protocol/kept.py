"""What is worked out of a finished run once, with jax or for long, and kept beside it as plain values for reports."""

from __future__ import annotations

import json
from typing import Any

from mesocosm.protocol.registry import declaration
from mesocosm.record import Record
from mesocosm.record.folder import write_whole

ANALYSIS = "analysis.json"


def analysis_of(record: Record) -> dict[str, Any] | None:
    """What was worked out of this very record; None if nothing was, or the record has changed since."""
    try:
        kept = json.loads((record.folder / ANALYSIS).read_text())
        return kept["found"] if kept["of"] == record.digest() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def analyse(record: Record) -> None:
    """Work it out, if the experiment declares so, the run asks for it, and it is not there."""
    work = declaration(record.header["experiment"]).analyse
    asked = record.header["configuration"]
    is_asked = asked.get("analysis", asked.get("assays", True))
    if work is not None and is_asked and analysis_of(record) is None:
        found = {"of": record.digest(), "found": work(record)}
        write_whole(record.folder / ANALYSIS, json.dumps(found, allow_nan=False).encode())


__all__ = ["ANALYSIS", "analyse", "analysis_of"]
