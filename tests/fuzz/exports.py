"""Exports of logs and configurations of any shape: tables that their readers read, with the declared columns."""

from __future__ import annotations

import csv
import io
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from mesocosm.cli import export
from mesocosm.record import load
from mesocosm.record.header import _TYPES, write_header
from tests.synthetic import game

IN_SUITE = 60

VALUES = (
    True,
    False,
    0,
    -1,
    10**12,
    1.5,
    1e-300,
    "",
    "a b",
    'say "x"',
    "=1+1",
    "é\n",
    [],
    [1, 2],
    ["a", True],
    {"b": 1},
)
NAMES = ("born", "id", "genome", "x", "=SUM(A1)", "with space", "é", "a,b", "replicate_2")


@dataclass(frozen=True)
class Ready:
    sound: Path
    work: Path


def prepare(folder: Path) -> Ready:
    return Ready(game(folder / "sound").folder, folder / "work")


def once(ready: Ready, random: Random) -> None:
    """Every table has one width, every column the rows of its log; what is empty has its columns all the same."""
    shutil.rmtree(ready.work, ignore_errors=True)
    shutil.copytree(ready.sound, ready.work)
    header: dict[str, Any] = json.loads((ready.work / "run.json").read_text())
    columns = {name: _kind(random) for name in random.sample(NAMES, random.randrange(len(NAMES)))}
    header["logs"] = ["deaths"]
    header["columns"] = {"deaths": {"replicate": ["int32"], "tick": ["int32"], **columns}}
    for _ in range(random.randrange(3)):
        header["configuration"][random.choice(("more", "rate", "world"))] = random.choice(VALUES)
    header["begun"] = random.choice(
        [header["begun"], "", "yesterday", "2026-11-28T08:00:00", "2026-11-28 08:00:00+05:30"]
    )
    write_header(ready.work, header)
    record = load(ready.work)
    log = record.log("deaths")
    assert [(k, v.dtype.name, *v.shape[1:]) for k, v in log.items()][2:] == [(k, *v) for k, v in columns.items()]
    for name, content in export._csv(record).items():
        rows = list(csv.reader(io.StringIO(content.decode())))
        assert len({len(row) for row in rows}) == 1, name
        assert name != "deaths.csv" or len(rows) == 1
    lines = list(csv.reader(io.StringIO(export._netlogo(record)["netlogo.csv"].decode())))
    assert lines[0][1] == "Table version 2.0" and len({len(row) for row in lines[6:]}) == 1
    assert not any(cell in ("True", "False", "None", "nan") for row in lines for cell in row)


def _kind(random: Random) -> list[Any]:
    shape = random.choice([[], [], [3], [2, 4], [0]])
    return [np.dtype(random.choice(_TYPES)).name, *shape]
