"""`study`: a grid of cells from a file, run, scored and written down; without jax in this process."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from mesocosm.cli.answer import print_json, written
from mesocosm.cli.devices import cores, prepare_devices
from mesocosm.record import ConfigurationError

STORE = "runs/cells"
"""Where cells are kept unless `--store` says otherwise: one store for all studies."""


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """The words of `study`."""
    study = commands.add_parser("study", parents=[common], help="run and score a grid of cells; again to go on")
    study.add_argument("file", metavar="FILE", help="the study, in TOML")
    study.add_argument("--dry-run", action="store_true", help="say what would be measured, and what is there")
    study.add_argument("--jobs", type=int, metavar="N", help="worker processes (default: one a core)")
    study.add_argument("--seeds", type=int, metavar="N", help="seeds, instead of those in the file")
    study.add_argument("--store", metavar="FOLDER", default=STORE, help=f"where cells are kept (default: {STORE})")
    study.add_argument("--write", metavar="FOLDER", help="write NAME.md, NAME.svg and NAME.html there")


def study(options: argparse.Namespace) -> int:
    """Measure what is missing, then score what is there."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what we have started must be ended
    from mesocosm.studies.runner import Limits, batches, missing, run
    from mesocosm.studies.store import Store
    from mesocosm.studies.study import read

    path = Path(options.file)
    asked = read(path)
    if options.seeds is not None:
        asked = replace(asked, seeds=options.seeds)
    if options.jobs is not None and options.jobs < 1:
        raise ConfigurationError(f"--jobs {options.jobs}: must be at least 1")
    cells = asked.cells
    if options.dry_run:
        todo = missing(cells, Store(Path(options.store))) if Path(options.store).exists() else cells
        facts = {
            "cells": len(cells),
            "there": len(cells) - len(todo),
            "missing": len(todo),
            "batches": len(batches(todo)),
        }
        if options.json:
            print_json("study", {"study": asked.name, **facts})
        else:
            print(f"{asked.name}: " + ", ".join(f"{n} {what}" for what, n in facts.items()))
        return 0
    store = Store(Path(options.store))
    prepare_devices()
    files = [path.parent / name for name in asked.components]
    progress = None if options.quiet else _Progress(asked.name)
    run(cells, store, options.jobs or cores(), Limits(**asked.limits), files, progress)
    return _tell(options, asked, store.rows(cells))


def _tell(options: argparse.Namespace, asked: Any, rows: Any) -> int:
    from mesocosm.reports.study import summary
    from mesocosm.studies.scoring import scores

    tables = scores(asked, rows)
    written = _write(options, asked, tables, rows) if options.write else []
    if options.json:
        plain = {name: table.to_dict() for name, table in tables.items()}
        print_json("study", {"study": asked.name, "tables": plain, "files": written})
    else:
        print("\n".join([summary(asked, tables), *written]))
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
        sys.stderr.write(f"\r\x1b[K{text}{end}" if self.is_live else f"{text}\n")
        sys.stderr.flush()
