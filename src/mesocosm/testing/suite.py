"""All rules over all small configurations of one experiment."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mesocosm.protocol.outside import blamed_on
from mesocosm.record import MesocosmError
from mesocosm.testing.rules import RULES, Broken, Rule
from mesocosm.testing.subject import Subject, subjects


@dataclass(frozen=True)
class Outcome:
    """What became of one rule.

    Args:
      fault: what came out otherwise, in one sentence; empty where the rule holds.
      seconds: it took, compiling included.
    """

    subject: str
    number: int
    rule: str
    fault: str
    seconds: float


def check(reference: str, folder: Path) -> Iterator[Outcome]:
    """Hold an experiment (a name, `moran.py`, `package.module:NAME`) to the rules, one after the other.

    Args:
      folder: an empty one, for its runs.

    Raises:
      ConfigurationError: if there is no such experiment, or it cannot be loaded.
    """
    for subject in subjects(reference):
        for rule in RULES:
            fault, began = "", time.monotonic()
            try:
                if not _holds(rule, subject, folder / f"{rule.check.__name__}-{subject.name}", folder):
                    continue
            except (Broken, MesocosmError) as error:
                fault = str(error)
            yield Outcome(subject.title, rule.number, rule.name, fault, time.monotonic() - began)


def _holds(rule: Rule, subject: Subject, folder: Path, shared: Path) -> bool:
    """Whether it was asked; raises where it does not hold."""
    with blamed_on(subject.entry.file or subject.title, "trying it"):
        if not rule.applies(subject):
            return False
        try:
            rule.check(subject, folder, shared)
        except Broken:
            raise
        except AssertionError as error:
            raise Broken(str(error)) from error
    return True
