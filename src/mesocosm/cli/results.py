"""`report`, `compare`, `export` and `--require`: what becomes of finished runs, without jax."""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mesocosm.cli.show import JSON_SCHEMA, folder_named, print_json
from mesocosm.record import ConfigurationError, FolderError, MesocosmError, Record, load
from mesocosm.record.folder import DATABASE, write_whole

REPORT = "report.html"
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
        found = {f["name"]: f["verdict"] for f in record.findings}
        missed = [(c, v) for c, v in pairs if found.get(c) != v]
        for claim, verdict in missed:
            print(f"required {claim} = {verdict}, found {found.get(claim, 'nothing')}", file=sys.stderr)
        return NOT_AS_REQUIRED if missed else 0

    return code


def report_path(record: Record) -> Path | None:
    """Write the report of a run that has just finished; a page that fails costs nobody the run."""
    if record.status != "finished":
        return None
    path, data = record.folder / REPORT, record.folder / DATABASE
    if path.exists() and path.stat().st_mtime_ns >= data.stat().st_mtime_ns:
        return path  # written after all that it tells
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
        print_json({"schema": JSON_SCHEMA, "report": str(path), "bytes": path.stat().st_size})
    else:
        print(path)
    return 0


def compare(options: argparse.Namespace) -> int:
    """The claims of two runs of one experiment, replicate by replicate where their seeds pair them."""
    from mesocosm.experiments.compare import compare as compared

    runs = [load(folder_named(name)) for name in (options.run, options.other)]
    found = compared(*runs)
    if options.json:
        print_json({"schema": JSON_SCHEMA, "runs": [str(r.folder) for r in runs], **found.to_dict()})
        return 0
    print(f"A  {runs[0].folder}\nB  {runs[1].folder}")
    print(f"they differ in: {found.differs or 'nothing'}\n{found.pairing}\n")
    for finding in found.findings:
        print(f"  {finding.name:10s} {finding.words('worlds')}")
    return 0


def export(options: argparse.Namespace) -> int:
    """Write the record as tables."""
    record = load(folder_named(options.run))
    folder = Path(options.out) if options.out else record.folder / "export"
    tables = _phylogeny(record) if options.to == "phylogeny" else _tables(record)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FolderError(f"{folder}: cannot be made ({error.strerror}); choose another place with --out") from None
    paths = []
    for name, (columns, rows) in tables.items():
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
        write_whole(folder / f"{name}.csv", text.getvalue().encode())
        paths.append(str(folder / f"{name}.csv"))
    if options.json:
        print_json({"schema": JSON_SCHEMA, "files": paths})
    else:
        print("\n".join(paths))
    return 0


def _tables(record: Record) -> dict[str, tuple[list[str], Any]]:
    out: dict[str, tuple[list[str], Any]] = {"metrics": _table(record.metrics)}
    statuses = [(s.replicate, s.status, s.tick, s.cause) for s in record.statuses]
    out["statuses"] = ["replicate", "status", "tick", "cause"], statuses
    if record.findings:
        names = list(record.findings[0])
        out["findings"] = names, [[f[n] for n in names] for f in record.findings]
    for name in record.header.get("logs", []):
        out[name] = _table(record.log(name))
    return out


def _table(columns: dict[str, Any]) -> tuple[list[str], Any]:
    """Columns of several axes become one text each, their numbers between blanks."""
    plain = [
        c.tolist() if c.ndim == 1 else [" ".join(map(str, row)) for row in c.reshape(c.shape[0], -1).tolist()]
        for c in columns.values()
    ]
    return list(columns), zip(*plain, strict=True)


def _phylogeny(record: Record) -> dict[str, tuple[list[str], Any]]:
    """The ALife data standard for phylogenies: id, ancestor_list, origin_time, destruction_time; one file a world."""
    from mesocosm.instruments.ancestry import lives

    out: dict[str, tuple[list[str], Any]] = {}
    for replicate in range(record.replicates):
        who = lives(record, replicate)
        rows = [
            (int(i), json.dumps([int(p)]) if p else "[none]", int(b), int(d) if d < 2**62 else "inf")
            for i, p, b, d in zip(who.id, who.parent, who.born, who.died, strict=True)
        ]
        out[f"phylogeny-{replicate}"] = ["id", "ancestor_list", "origin_time", "destruction_time"], rows
    return out
