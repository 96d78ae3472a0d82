"""`study`: a grid of cells from a file, run, scored and written down; without jax in this process."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mesocosm.cli.answer import print_json, written
from mesocosm.cli.devices import cores, prepare_devices
from mesocosm.cli.words import obeyed
from mesocosm.record import ConfigurationError, StorageError

STORE = "runs/cells"
"""Where cells are kept unless `--store` says otherwise: one store for all studies."""

MOST_JOBS = 256
"""Each is a process of some hundred megabytes."""


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """The words of `study`."""
    study = commands.add_parser("study", parents=[common], help="run and score a grid of cells; again to go on")
    study.add_argument("file", metavar="FILE", help="the study, in TOML; or the name of one that comes along: swap")
    study.add_argument("--dry-run", action="store_true", help="say what would be measured, and what is there")
    study.add_argument("--jobs", type=int, metavar="N", help="worker processes (default: one a core)")
    study.add_argument(
        "--retry",
        action="append",
        default=[],
        metavar="STATUS",
        help="try again what ended so: error, timeout...",
    )
    study.add_argument("--seeds", type=int, metavar="N", help="seeds, instead of those in the file")
    study.add_argument("--store", metavar="FOLDER", default=STORE, help=f"where cells are kept (default: {STORE})")
    places = (
        "where: processes of this machine (default); jobs of a cluster that share --store: slurm, local tries that; "
        "ray: the cluster that RAY_ADDRESS names, or that runs here"
    )
    study.add_argument("--on", choices=("processes", "slurm", "local", "ray"), default="processes", help=places)
    study.add_argument("--nodes", type=int, default=2, metavar="N", help="of a cluster: jobs (default: 2)")
    study.add_argument("--minutes", type=int, default=60, metavar="N", help="of a cluster: a job's wall time")
    study.add_argument("--partition", default="", metavar="NAME", help="of Slurm")
    study.add_argument("--write", metavar="FOLDER", help="write NAME.md, NAME.svg and NAME.html there")


def study(options: argparse.Namespace) -> int:
    """Measure what is missing, then score what is there."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what we have started must be ended
    from mesocosm.studies.runner import Limits, run
    from mesocosm.studies.shipped import file_of
    from mesocosm.studies.store import Store
    from mesocosm.studies.study import read

    path, folder = file_of(options.file), Path(options.store)
    asked = read(path)
    if options.seeds is not None:
        asked = replace(asked, seeds=options.seeds)
    if options.jobs is not None and not 1 <= options.jobs <= MOST_JOBS:
        raise ConfigurationError(f"--jobs {options.jobs}: must be in 1 ... {MOST_JOBS}")
    _check_statuses(options.retry)
    jobs = options.jobs or cores()
    if options.dry_run:
        return _say_what_is_missing(options, asked, Limits(**asked.limits).resolved(jobs))
    cells, store = asked.cells, Store(folder)
    if options.on == "ray":
        _on_ray(options, path, asked, store)
        return _tell(options, asked, store.rows(cells))
    if options.on != "processes":
        _on_a_cluster(options, path, cells, store, Limits(**asked.limits))
        return _tell(options, asked, store.rows(cells))
    prepare_devices()
    files = [path.parent / name for name in asked.components]
    progress = None if options.quiet else _Progress(asked.name)
    done = run(cells, store, jobs, Limits(**asked.limits), files, progress, options.retry)
    for fault in done.damaged.values():
        what, _, _ = fault.partition("; ")
        print(f"note: {what}; it was moved into {folder / 'aside'} and measured anew", file=sys.stderr)
    return _tell(options, asked, store.rows(cells))


def _on_ray(options: argparse.Namespace, path: Path, asked: Any, store: Any) -> None:
    """Measure what is missing by actors of Ray."""
    from mesocosm.studies.rays import run
    from mesocosm.studies.runner import Limits

    files = [path.parent / name for name in asked.components]
    progress = None if options.quiet else _Progress(asked.name)
    run(asked.cells, store, options.jobs, Limits(**asked.limits), files, progress, options.retry)


def _on_a_cluster(options: argparse.Namespace, path: Path, cells: Any, store: Any, limits: Any) -> None:
    """Measure what is missing in jobs of a cluster, each this command on the same store."""
    from mesocosm.studies.cluster import Cluster, submit, wait
    from mesocosm.studies.runner import cleared, todo

    for name, most in (("nodes", 10_000), ("minutes", 100_000)):
        if not 1 <= getattr(options, name) <= most:
            raise ConfigurationError(f"--{name} {getattr(options, name)}: must be in 1 ... {most}")
    jobs = options.jobs or 1

    def missing() -> int:
        return len(todo(cells, store, limits.resolved(jobs), ()).cells)

    if not cleared(cells, store, limits.resolved(jobs), options.retry).cells:  # once, and not by every job
        return
    words = ["study", str(path.resolve()), "--store", str(store.folder.resolve()), "--jobs", str(jobs), "--quiet"]
    words += [f"--seeds={options.seeds}"] if options.seeds is not None else []
    cluster = Cluster(options.on, options.nodes, jobs, options.minutes, partition=options.partition)
    command = [sys.executable, "-m", "mesocosm", *words]
    kept = store.folder.resolve().with_name(f"{store.folder.name}-jobs")
    begun = submit(command, cluster, kept)
    progress = None if options.quiet else _Progress(path.stem)
    try:
        failed = wait(begun, missing, progress)
    except KeyboardInterrupt:
        for job in begun:
            job.cancel()
        raise
    for line in failed:
        print(f"note: {line}; what it had begun is measured by the next call", file=sys.stderr)
    if n := missing():
        raise StorageError(f"{n} cells are still missing; see {kept}, then give the same command again")


def _check_statuses(retry: Sequence[str]) -> None:
    from mesocosm.studies.cell import STATUSES

    failures = STATUSES[1:]
    for status in retry:
        if status not in failures:
            raise ConfigurationError(f"--retry {status}: must be one of {', '.join(failures)}")


def _say_what_is_missing(options: argparse.Namespace, asked: Any, limits: Any) -> int:
    """Of a dry run: nothing is measured, and nothing written."""
    from mesocosm.studies.runner import Todo, batches, todo
    from mesocosm.studies.store import Store

    folder, cells = Path(options.store), asked.cells
    is_there = folder.exists()
    lacking = todo(cells, Store(folder, reading=True), limits, options.retry) if is_there else Todo(cells, {}, {})
    missing = len(lacking.cells)
    facts = {"cells": len(cells), "there": len(cells) - missing, "missing": missing}
    facts["batches"] = len(batches(lacking.cells))
    parts = {"again": len(lacking.again), "damaged": len(lacking.damaged)}
    if options.json:
        print_json("study", {"study": asked.name, **facts, **parts})
    else:
        told = facts | {what: n for what, n in parts.items() if n}
        print(f"{asked.name}: " + ", ".join(f"{n} {what}" for what, n in told.items()))
        for fault in lacking.damaged.values():
            print(f"  {fault}")
    return 0


def _tell(options: argparse.Namespace, asked: Any, rows: Any) -> int:
    from mesocosm.reports.study import causes, summary
    from mesocosm.studies.scoring import scores

    tables = scores(asked, rows)
    written = _write(options, asked, tables, rows) if options.write else []
    if options.json:
        plain = {name: table.to_dict() for name, table in tables.items()}
        found = {"study": asked.name, "tables": plain, "causes": causes(rows), "files": written}
        print_json("study", found)
    else:
        print("\n".join([summary(asked, tables, rows), *written]))
    return 0


def _write(options: argparse.Namespace, asked: Any, tables: Any, rows: Any) -> list[str]:
    from mesocosm.reports.leaderboard import leaderboard
    from mesocosm.reports.study import figure, markdown

    seeds = f" --seeds {options.seeds}" if options.seeds is not None else ""
    pages = {
        "md": markdown(asked, tables, rows, f"mesocosm study {options.file}{seeds} --write {options.write}"),
        "svg": figure(asked, tables),
        "html": leaderboard(asked, tables, rows),
    }
    return written(options.write, {f"{asked.name}.{ending}": page for ending, page in pages.items()})


class _Progress:
    """One live line on a terminal; elsewhere a line every 30 seconds."""

    def __init__(self, name: str) -> None:
        self.name, self.shown, self.began = name, 0.0, time.monotonic()
        self.is_live = sys.stderr.isatty()

    def __call__(self, done: int, n: int) -> None:
        now = time.monotonic()
        if done < n and now - self.shown < (0.2 if self.is_live else 30.0):
            return
        self.shown = now
        text = f"{self.name}: {done} of {n} cells, {now - self.began:.0f} s"
        end = "\n" if done >= n or not self.is_live else ""
        with obeyed():
            sys.stderr.write(f"\r\x1b[K{text}{end}" if self.is_live else f"{text}\n")
            sys.stderr.flush()
