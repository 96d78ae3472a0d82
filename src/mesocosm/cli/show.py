"""`list` and `show`: looking at experiments and runs, without jax."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mesocosm.cli.answer import print_json
from mesocosm.cli.folded import print_summary
from mesocosm.findings.claim import Finding
from mesocosm.protocol.derived import summary_of
from mesocosm.protocol.reading import RUNS, findings_of, is_cut_short, standing, told_seconds
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


def print_record(record: Record, as_json: bool = False, report: Path | None = None, every_row: bool = False) -> None:
    """What a run found: the findings with their verdicts first, then the short table, folded where it is long."""
    declared = declaration_of(record)
    summary, noun = summary_of(declared, record), declared.noun
    findings = findings_of(record)
    if as_json:
        more = {"findings": [finding.to_dict() for finding in findings], "report": str(report) if report else None}
        print_json("show", {**_brief(record), "folder": str(record.folder), "summary": asdict(summary), **more})
        return
    from mesocosm.cli.terminal import path, print_rows, print_text

    if findings:
        print("findings")
        print_rows([_told(finding, noun) for finding in findings])
        print()
    direction = declared.claims[0].direction if declared.claims else 1
    print_summary(summary, noun, direction, every_row)
    print()
    print_text(summary.sentence)
    for note in summary.notes:
        print_text(note)
    print()
    ticks = f"{record.tick} of {record.header['ticks']} ticks"
    cut = " in what follows it" if is_cut_short(record) else ""
    print_text(f"{standing(record)}{cut}: {ticks}, {told_seconds(record)} -> ", path(record.folder))
    if cut:
        print_text(f"`mesocosm resume {record.folder}` goes on from there: controls, and the verdict")
    if report:
        print_text("report: ", path(report))


def _told(finding: Finding, noun: str) -> tuple[Any, ...]:
    """A finding as cells: its name; its verdict in its colour, and its numbers."""
    from mesocosm.cli.terminal import COLOURS, text

    verdict, colon, rest = finding.words(noun).partition(": ")
    told = text(f"{verdict}{colon}{rest}")
    told.stylize(COLOURS.get(finding.verdict, ""), 0, len(verdict))
    return finding.name, told


def _brief(record: Record) -> dict[str, Any]:
    header = record.header
    alive = sum(s.status == "alive" for s in record.statuses)
    return {
        "run": record.folder.name,
        "experiment": header["experiment"],
        "seed": header["seed"],
        "status": standing(record),
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
        from mesocosm.cli.terminal import print_text

        print_text(f"{header['command']}   (begun {header['begun']}, mesocosm {header['versions']['mesocosm']})")
        if trouble := trouble_with(record):
            print_text(f"{trouble}\n")
        else:
            default = entry_of(record).declaration.configuration()
            changed = difference(default, configuration_of(record))
            print_text(f"differs from the defaults (there) in: {changed or 'nothing'}\n")
    from mesocosm.cli.results import required
    from mesocosm.protocol.kept import REPORT

    wanted = required(options.require, [finding.name for finding in findings_of(record)])
    path = record.folder / REPORT
    print_record(record, options.json, path if path.exists() else None, options.all)
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
    from mesocosm.cli.terminal import print_rows

    print_rows(experiments)
    print(f"\nruns under {under} (mesocosm show RUN)" if runs else f"\nno runs under {under}")
    for run in runs:
        progress = f"{run['tick']}/{run['ticks']} ticks"
        print(
            f"  {in_a_line(run['run']):32s} {run['status']:12s} {progress:22s} {run['alive']}/{run['replicates']} alive"
        )
    for sentence in damaged:
        print(f"  {in_a_line(sentence)}", file=sys.stderr)
    return 0
