"""All rules over all small configurations of one experiment."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mesocosm.protocol.outside import blamed_on
from mesocosm.record import MesocosmError
from mesocosm.record.configuration import from_dict
from mesocosm.testing.rules import RULES, Broken, NotAsked, Rule
from mesocosm.testing.subject import BASE, Subject, subjects


@dataclass(frozen=True)
class Outcome:
    """What became of one rule.

    Args:
      fault: what came out otherwise, in one sentence; empty where the rule holds.
      seconds: it took, compiling included.
      not_asked: why the rule has nothing to ask here; empty where it was asked.
    """

    subject: str
    number: int
    rule: str
    fault: str
    seconds: float
    not_asked: str = ""


def check(reference: str, folder: Path) -> Iterator[Outcome]:
    """Hold an experiment (a name, `moran.py`, `package.module:NAME`) to the rules, one after the other.

    Args:
      folder: an empty one, for its runs.

    Raises:
      ConfigurationError: if there is no such experiment, or it cannot be loaded.
    """
    for subject in subjects(reference):
        for rule in (*RULES, FINDINGS):
            fault, why_not, began = "", "", time.monotonic()
            try:
                hold(rule, subject, folder / f"{rule.check.__name__}-{subject.name}", folder)
            except NotAsked as error:
                why_not = str(error)
            except (Broken, MesocosmError) as error:
                fault = str(error)
            yield Outcome(subject.title, rule.number, rule.name, fault, time.monotonic() - began, why_not)
            if fault and rule is RULES[0]:
                return  # a law that cannot be built breaks every other rule in the same words


def it_comes_to_its_findings(subject: Subject, folder: Path, shared: Path) -> None:
    """A small run with all that follows it: claims are judged, the table and the page are made."""
    from mesocosm.protocol.derived import summary_of, tell
    from mesocosm.protocol.launch import start
    from mesocosm.protocol.reading import findings_of

    values = {**BASE, "replicates": 8, **subject.changes}
    configuration = from_dict(subject.entry.declaration.configuration, values)
    record = start(subject.entry.reference, configuration, folder)
    summary_of(subject.entry.declaration, record)
    tell(subject.entry.declaration, record, findings_of(record))


FINDINGS = Rule(0, "it comes to its findings and its page", it_comes_to_its_findings)
"""No rule of the loop: that what is declared can be judged and shown."""


def hold(rule: Rule, subject: Subject, folder: Path, shared: Path) -> None:
    """Hold a subject to a rule.

    Raises:
      Broken: where it does not hold.
      NotAsked: where there is nothing to ask.
      ConfigurationError: naming the file, where its code fails.
    """
    if why_not := rule.not_asked(subject):
        raise NotAsked(why_not)
    with blamed_on(subject.entry.file or subject.title, "trying it"):
        try:
            rule.check(subject, folder, shared)
        except (Broken, NotAsked):
            raise
        except AssertionError as error:
            raise Broken(str(error)) from error
