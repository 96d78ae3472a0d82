"""Every registered experiment in the small configurations that it declares, by the title of the subject."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mesocosm.protocol.registry import names
from mesocosm.testing.subject import Case, Subject, digest, subjects, worlds

SUBJECTS: dict[str, Subject] = {s.title: s for name in names() for s in subjects(name)}

GOLDEN = Path(__file__).with_name("golden.json")
EXACT: tuple[str, ...] = tuple(json.loads(GOLDEN.read_text()))
"""Titles of laws that compute in whole numbers: those that have golden digests. To ask the laws themselves, every one
of them must be built, in every process that collects tests; `test_what_is_exact_has_golden_digests` does."""


def case(title: str, **changes: Any) -> Case:
    """A subject's small configuration with changes to the plan (seed, replicates, ticks, every, interventions)."""
    return SUBJECTS[title].case(**changes)


__all__ = ["EXACT", "GOLDEN", "SUBJECTS", "Case", "case", "digest", "worlds"]
