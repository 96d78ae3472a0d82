"""`report` and `--require`: what becomes of finished runs, without jax."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from mesocosm.cli.answer import print_json
from mesocosm.cli.show import folder_named
from mesocosm.protocol.reading import findings_of
from mesocosm.record import ConfigurationError, MesocosmError, Record, load

VERDICTS = ("supported", "refuted", "equivalent", "undecided")
NOT_AS_REQUIRED = 1


def required(wanted: Sequence[str], claims: Sequence[str]) -> Callable[[Record], int]:
    """From `--require CLAIM=VERDICT` to a function from a record to the exit code.

    Raises:
      ConfigurationError: for a claim or verdict that there is not, before anything is run.
    """
    pairs = []
    for text in wanted:
        claim, _, verdict = text.partition("=")
        if claim not in claims:
            raise ConfigurationError(
                f"--require {text}: there is no claim {claim!r}; there are {', '.join(claims) or 'none'}"
            )
        if verdict not in VERDICTS:
            raise ConfigurationError(f"--require {text}: a verdict is one of {', '.join(VERDICTS)}")
        pairs.append((claim, verdict))

    def code(record: Record) -> int:
        found = {finding.name: finding.verdict for finding in findings_of(record)}
        missed = [(c, v) for c, v in pairs if found.get(c) != v]
        for claim, verdict in missed:
            print(f"required {claim} = {verdict}, found {found.get(claim, 'nothing')}", file=sys.stderr)
        return NOT_AS_REQUIRED if missed else 0

    return code


def report_path(record: Record) -> Path | None:
    """Write the report of a run that has just finished; a page that fails costs nobody the run."""
    if record.status != "finished":
        return None
    from mesocosm.protocol.kept import REPORT, is_report, made_of

    path = record.folder / REPORT
    if is_report(path, made_of(record)):
        return path
    from mesocosm.reports.build import report as write

    try:
        return write(record)
    except MesocosmError as error:
        print(f"warning: the report was not written: {error}", file=sys.stderr)
        return None


def report(options: argparse.Namespace) -> int:
    """Write the report again."""
    from mesocosm.reports.build import report as write

    path = write(load(folder_named(options.run)))
    if options.json:
        print_json("report", {"report": str(path), "bytes": path.stat().st_size})
    else:
        print(path)
    return 0
