"""`compare`: runs of one experiment, or studies, against each other, without jax."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mesocosm.cli.answer import print_json, written
from mesocosm.cli.study import STORE
from mesocosm.record import ConfigurationError, FolderError
from mesocosm.record.header import HEADER

if TYPE_CHECKING:
    from mesocosm.record import Record

PAGE = "compare.html"


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """The words of `compare`."""
    compare = commands.add_parser("compare", parents=[common], help="compare runs, paired by replicate; or studies")
    compare.add_argument(
        "run",
        nargs="+",
        metavar="RUN",
        help="run folders, or their names under runs/; or files of studies whose cells are measured",
    )
    how = compare.add_mutually_exclusive_group()
    how.add_argument("--against", metavar="RUN", help="the control (default: the last); of studies: a treatment")
    how.add_argument("--pairs", action="store_true", help="every pair, not each against one control")
    compare.add_argument("--write", metavar="FOLDER", help=f"write {PAGE} there: sorted, filtered, failures shown")
    compare.add_argument("--store", metavar="FOLDER", default=STORE, help=f"cells of studies (default: {STORE})")


def compare(options: argparse.Namespace) -> int:
    """Differences with their intervals."""
    names = options.run
    if len(names) < 2:
        raise ConfigurationError(f"compare {names[0]}: takes two runs or more; name what it is compared with")
    are_studies = [name.endswith(".toml") for name in names]
    if any(are_studies) and not all(are_studies):
        raise ConfigurationError("compare takes runs or studies, not both; a study is a file that ends in .toml")
    return _studies(options) if all(are_studies) else _runs(options)


def _runs(options: argparse.Namespace) -> int:
    """The claims of runs of one experiment, replicate by replicate where their seeds pair them."""
    from mesocosm.protocol.compare import compare as between
    from mesocosm.protocol.compare import compare_all
    from mesocosm.protocol.registry import declaration_of
    from mesocosm.record import load
    from mesocosm.reports.comparison import comparison, words

    runs = [load(folder) for folder in _folders(options.run)]
    if len(runs) == 2 and options.against is None and not options.write:
        found = between(*runs)
        if options.json:
            print_json("compare", {"runs": [str(r.folder) for r in runs], **found.to_dict()})
            return 0
        print(f"A  {runs[0].folder}\nB  {runs[1].folder}")
        print(f"they differ in: {found.differs or 'nothing'}\n{found.pairing}\n")
        noun = declaration_of(runs[0]).noun
        for finding in found.findings:
            print(f"  {finding.name:10s} {finding.words(noun)}")
        return 0
    pairs = compare_all(runs, None if options.pairs else _place(options, runs))
    files = _written(options, lambda: comparison(runs, pairs))
    if options.json:
        told = [{"a": pair.a, "b": pair.b, **pair.comparison.to_dict()} for pair in pairs]
        print_json("compare", {"runs": [str(r.folder) for r in runs], "comparisons": told, "files": files})
    else:
        print("\n".join([words(runs, pairs), *files]))
    return 0


def _folders(names: Sequence[str]) -> list[Path]:
    """The folders that are compared: `runs/*` also names stores and other folders, which are no runs and left out."""
    from mesocosm.cli.show import folder_named

    folders = [folder_named(name) for name in names]
    kept = [folder for folder in folders if not folder.is_dir() or (folder / HEADER).exists()]
    if len(kept) < 2:
        return folders  # too few: the message names what is no run
    for folder in folders:
        if folder not in kept:
            print(f"note: {folder}: is no run, and left out", file=sys.stderr)
    return kept


def _place(options: argparse.Namespace, runs: Sequence[Record]) -> int:
    """Where the control stands among the runs."""
    if options.against is None:
        return len(runs) - 1
    from mesocosm.cli.show import folder_named

    wanted = folder_named(options.against).resolve()
    for k, run in enumerate(runs):
        if run.folder.resolve() == wanted:
            return k
    raise ConfigurationError(f"--against {options.against}: must be one of the runs: {', '.join(options.run)}")


def _studies(options: argparse.Namespace) -> int:
    """The treatments of several studies as one table."""
    from mesocosm.reports.leaderboard import leaderboard
    from mesocosm.reports.study import summary
    from mesocosm.studies.merge import merge
    from mesocosm.studies.scoring import pairs, scores
    from mesocosm.studies.shipped import file_of
    from mesocosm.studies.store import Store
    from mesocosm.studies.study import read

    store, several = Store(Path(options.store), reading=True), []
    for name in options.run:
        asked = read(file_of(name))
        rows = store.rows(asked.cells)
        if not rows:
            raise FolderError(f"{name}: none of its cells is in {options.store}; run `mesocosm study {name}` first")
        several.append((asked, rows))
    merged = merge(several, options.against)
    tables = scores(merged.study, merged.rows)
    duels = pairs(merged.study, merged.rows) if options.pairs else []
    files = _written(options, lambda: leaderboard(merged.study, tables, merged.rows, duels, merged.notes))
    if options.json:
        plain = {name: table.to_dict() for name, table in tables.items()}
        told = {"tables": plain, "pairs": [asdict(duel) for duel in duels], "notes": merged.notes}
        print_json("compare", {"studies": [study.name for study, _ in several], **told, "files": files})
    else:
        lines = [f"  {d.a} less {d.b}: {d.finding.words()}" for d in duels]
        notes = [f"note: {note}" for note in merged.notes]
        print("\n".join([summary(merged.study, tables, merged.rows), *lines, *notes, *files]))
    return 0


def _written(options: argparse.Namespace, page: Callable[[], str]) -> list[str]:
    return written(options.write, {PAGE: page()}) if options.write else []
