"""Stores of cells: flipped bits, torn and odd files, odd rows with a right checksum, another process in between."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from random import Random

from mesocosm.studies import content, runner
from mesocosm.studies.cell import Cell, Row
from mesocosm.studies.store import Store

IN_SUITE = 25

ODD = ("", "[]", "{}", "null", "3", "[" * 50_000, '{"cell": {}, "row": {}}', '{"schema": 2}', "\0" * 99, "NaN")
ODD_VALUES = (None, True, -1, 10**40, 1.5, "x", [], {}, [[1]], "\udcff", {"a": {}})
N = 6


@dataclass(frozen=True)
class Ready:
    """A sound store, and what it holds."""

    sound: Path
    work: Path
    cells: list[Cell]


def prepare(folder: Path) -> Ready:
    cells = [Cell("call/x", {"subject": "noisy"}, {"seed": k}, {"calls": 1}) for k in range(N)]
    store = Store(folder / "sound")
    for k, cell in enumerate(cells):
        store.put(cell, Row.of(float(k), curve=((1.0, 0.5),), environment={"versions": {"python": "3"}}))
    store.rows(cells)
    return Ready(folder / "sound", folder / "work", cells)


def once(ready: Ready, random: Random) -> None:
    """Spoil one cell or the index; every other row is read as it was, and what is spoilt is named, or as it was."""
    shutil.rmtree(ready.work, ignore_errors=True)
    shutil.copytree(ready.sound, ready.work)
    cell = random.choice(ready.cells)
    store = Store(ready.work)
    path = store.folder_of(cell.identity) / "run.json"
    kind = random.choice(["bit", "torn", "odd", "field", "special", "index", "other", "header"])
    before = path.read_bytes()
    if kind == "bit":
        at, mask = random.randrange(len(before)), 1 << random.randrange(8)
        path.write_bytes(before[:at] + bytes([before[at] ^ mask]) + before[at + 1 :])
    elif kind == "torn":
        path.write_bytes(before[: random.randrange(len(before))])
    elif kind == "odd":
        text = random.choice(ODD).encode()
        path.write_bytes(text + content._seal(text).encode() if random.random() < 0.5 else text)
    elif kind == "field":
        values = json.loads(before)
        del values["sha256"]
        place = values[random.choice(["cell", "row"])]
        place[random.choice([*place, "more"])] = random.choice(ODD_VALUES)
        body = json.dumps(values)[:-1].encode()
        path.write_bytes(body + content._seal(body).encode())
    elif kind == "special":
        path.unlink()
        random.choice([os.mkfifo, os.mkdir, lambda p: os.symlink("/etc/hostname", p), lambda p: None])(path)
    elif kind == "other":
        other = random.choice([c for c in ready.cells if c != cell])
        shutil.copy(store.folder_of(other.identity) / "run.json", path)
    elif kind == "header":
        (ready.work / "store.json").write_text(random.choice(ODD[1:]))
    else:
        _spoil_index(ready.work, random)
    _look(ready, cell, whole=kind == "index", is_sealed=kind == "field")


def _spoil_index(folder: Path, random: Random) -> None:
    (path,) = folder.glob("index-*.sqlite")
    if random.random() < 0.5:
        raw = bytearray(path.read_bytes())
        for _ in range(random.randrange(1, 40)):
            raw[random.randrange(len(raw))] = random.randrange(256)
        path.write_bytes(raw[: random.randrange(len(raw))] if random.random() < 0.3 else raw)
        return
    with sqlite3.connect(path) as db:
        value = random.choice([None, 7, "x", b"torn", 1.5])
        db.execute(f"UPDATE cells SET {random.choice(['content', 'size', 'mtime'])} = ?", (value,))


def _look(ready: Ready, spoilt: Cell, whole: bool, is_sealed: bool) -> None:
    reading = Store(ready.work, reading=True)
    lacking = runner.todo(ready.cells, reading)
    rows = {cell.seed["seed"]: row.final for cell, row in Store(ready.work).rows(ready.cells)}
    left: dict[int, float | None] = {k: float(k) for k in range(N) if k != spoilt.seed["seed"] or not lacking.cells}
    if is_sealed and not lacking.cells:  # with a right checksum another number is another row
        left[spoilt.seed["seed"]] = rows.get(spoilt.seed["seed"])
    assert rows == left, (rows, left)
    assert not (whole and lacking.cells), "an index is no truth"
    assert {c.identity for c in lacking.cells} <= {spoilt.identity}
    store = Store(ready.work)
    for identity in lacking.damaged:
        assert store.set_aside(identity) is not None
    for cell in lacking.cells:
        assert store.put(cell, Row.of(float(cell.seed["seed"])))
    assert len(store.rows(ready.cells)) == N
