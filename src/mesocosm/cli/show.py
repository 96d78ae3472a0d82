"""`list` and `show`: looking at experiments and runs, without jax."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from mesocosm.cli.answer import print_json
from mesocosm.protocol.declaration import Summary
from mesocosm.protocol.derived import summary_of
from mesocosm.protocol.reading import RUNS, findings_of
from mesocosm.protocol.registry import SHELF, declaration, declaration_of, entry_of, names, trouble_with
from mesocosm.record import FolderError, MesocosmError, Record, load
from mesocosm.record.errors import in_a_line
from mesocosm.record.header import HEADER


def folder_named(name: str) -> Path:
    """A run folder by its path, or by its name under runs/.

    Raises:
      FolderError: for what the system takes for no name.
    """
    path = Path(name)
    try:
        return path if path.exists() or not (RUNS / name).exists() else RUNS / name
    except (OSError, ValueError) as error:
        raise FolderError(f"{name:.60}: cannot be looked for ({getattr(error, 'strerror', error)})") from None


def print_record(record: Record, as_json: bool = False, report: Path | None = None) -> None:
    """What a run found: the short table, and the findings with their verdicts."""
    declared = declaration_of(record)
    summary, noun = summary_of(declared, record), declared.noun
    findings = findings_of(record)
    if as_json:
        more = {"findings": [finding.to_dict() for finding in findings], "report": str(report) if report else None}
        print_json("show", {**_brief(record), "folder": str(record.folder), "summary": asdict(summary), **more})
        return
    for line in _table(_folded(summary)):
        print(line)
    if len(summary.rows) > MOST_ROWS:
        print(f"({len(summary.rows) - MOST_ROWS:,} more {noun}; the report and `--json` have them all)")
    print(f"\n{summary.sentence}")
    for note in summary.notes:
        print(note)
    if findings:
        print("\nfindings")
        for finding in findings:
            print(f"  {finding.name:10s} {finding.words(noun)}")
        print()
    ticks = f"{record.tick} of {record.header['ticks']} ticks"
    print(f"{record.status}: {ticks}, {record.seconds:.0f} s -> {record.folder}")
    if report:
        print(f"report: {report}")


MOST_ROWS = 40
"""Rows of replicates that a terminal is asked to show."""


def _folded(summary: Summary) -> Summary:
    """The first rows, where there are too many to be read."""
    return replace(summary, rows=summary.rows[:MOST_ROWS])


def _table(summary: Summary) -> list[str]:
    """Aligned columns under headings of one or two words; totals below a rule."""
    heads = [(*[""] * (2 - len(words)), *words) for words in (c.split(" ", 1) for c in summary.columns)]
    groups = [list(zip(*heads, strict=True)), summary.rows, summary.total]
    cells = [[[_cell(value) for value in row] for row in group] for group in groups]
    widths = [max(len(row[k]) for group in cells for row in group) for k in range(len(summary.columns))]
    lines = [["  ".join(f"{c:>{w}}" for c, w in zip(row, widths, strict=True)) for row in group] for group in cells]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    return [*lines[0], rule, *lines[1], *([rule] if lines[2] else []), *lines[2]]


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
    return str(value)


def _brief(record: Record) -> dict[str, Any]:
    header = record.header
    alive = sum(s.status == "alive" for s in record.statuses)
    return {
        "run": record.folder.name,
        "experiment": header["experiment"],
        "seed": header["seed"],
        "status": record.status,
        "tick": record.tick,
        "ticks": header["ticks"],
        "replicates": record.replicates,
        "alive": alive,
    }


def show(options: argparse.Namespace) -> int:
    """What a run is and found."""
    record = load(folder_named(options.run))
    if not options.json:
        from mesocosm.protocol.reading import configuration_of, difference

        header = record.header
        print(f"{header['command']}   (begun {header['begun']}, mesocosm {header['versions']['mesocosm']})")
        if trouble := trouble_with(record):
            print(f"{trouble}\n")
        else:
            default = entry_of(record).declaration.configuration()
            changed = difference(default, configuration_of(record))
            print(f"differs from the defaults (there) in: {changed or 'nothing'}\n")
    from mesocosm.cli.results import required
    from mesocosm.protocol.kept import REPORT

    wanted = required(options.require, [finding.name for finding in findings_of(record)])
    path = record.folder / REPORT
    print_record(record, as_json=options.json, report=path if path.exists() else None)
    return wanted(record)


def _runs(under: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """What there is under a folder, and a sentence on each run that cannot be read. None keeps others from the list."""
    runs, damaged = [], []
    try:
        folders = sorted(under.iterdir())
    except FileNotFoundError:
        return [], []
    except OSError as error:
        return [], [f"{under!s:.60}: cannot be looked into ({error.strerror})"]
    for folder in folders:
        try:
            if os.path.lexists(folder / HEADER):
                runs.append(_brief(load(folder)))
            elif folder.is_dir():
                os.scandir(folder).close()  # what may not be looked into may be a run
        except MesocosmError as error:
            damaged.append(str(error))
        except OSError as error:
            damaged.append(f"{folder}: cannot be read ({error.strerror})")
    return runs, damaged


def list_all(options: argparse.Namespace) -> int:
    """Experiments, and the runs under a folder."""
    ours = SHELF.own()
    experiments = [(name, declaration(name).question if name in ours else "(of another package)") for name in names()]
    under = Path(options.under)
    runs, damaged = _runs(under)
    if options.json:
        listed = [{"name": name, "question": question} for name, question in experiments]
        print_json("list", {"experiments": listed, "runs": runs, "damaged": damaged})
        return 0
    print("experiments (mesocosm run NAME)")
    for name, question in experiments:
        print(f"  {name:12s} {question}")
    print(f"\nruns under {under} (mesocosm show RUN)" if runs else f"\nno runs under {under}")
    for run in runs:
        progress = f"{run['tick']}/{run['ticks']} ticks"
        print(
            f"  {in_a_line(run['run']):32s} {run['status']:12s} {progress:22s} {run['alive']}/{run['replicates']} alive"
        )
    for sentence in damaged:
        print(f"  {in_a_line(sentence)}", file=sys.stderr)
    return 0
