"""Every registered experiment in the small configurations that it declares, by the title of the subject."""

from __future__ import annotations

from typing import Any

from mesocosm.protocol.registry import names
from mesocosm.testing.subject import Case, Subject, digest, subjects, worlds

SUBJECTS: dict[str, Subject] = {s.title: s for name in names() for s in subjects(name)}


def case(title: str, **changes: Any) -> Case:
    """A subject's small configuration with changes to the plan (seed, replicates, ticks, every, interventions)."""
    return SUBJECTS[title].case(**changes)


__all__ = ["SUBJECTS", "Case", "case", "digest", "worlds"]
