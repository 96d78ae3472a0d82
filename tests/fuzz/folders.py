"""Run folders: flipped bits, torn and odd files, headers and rows of any type, under every command that reads."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from mesocosm.cli import main
from mesocosm.findings.claim import Claim
from mesocosm.findings.verdicts import judge
from mesocosm.protocol.compare import compare
from mesocosm.protocol.derived import summary_of
from mesocosm.protocol.kept import made_of
from mesocosm.protocol.reading import claims_of, configuration_of
from mesocosm.protocol.registry import declaration
from mesocosm.record import Writer, load
from mesocosm.record.database import TABLES, seal
from mesocosm.record.header import write_header
from tests.synthetic import game

IN_SUITE = 100

FILES = ("run.json", "config.toml", "record.sqlite", "log/moves-000000000050.npz", "checkpoints/000000000050.npz")
ODD = (
    None,
    True,
    -1,
    0,
    1,
    2**31,
    10**12,
    10**40,
    1.5,
    1e300,
    "",
    "x",
    "\x1b[31m",
    "a\nb",
    "é\udcff",
    [],
    [[]],
    [1],
    {},
)
ODD_TEXTS = ("", "[]", "{}", "null", "3", "[" * 100_000, '{"a":' * 50_000, '{"schema": 1' + "0" * 9000 + "}", "\0" * 99)


@dataclass(frozen=True)
class Ready:
    """A sound folder, one to be damaged, and what the sound one says."""

    sound: Path
    folder: Path
    says: str


def prepare(folder: Path) -> Ready:
    record = game(folder / "sound", extinct=2)
    claim = Claim("grows", "the players move apart", "0", "x", 0.1)
    rng = np.random.default_rng(0)
    found = judge([claim], {"grows": rng.normal(1, 1, record.replicates)}, record.replicates, 6, 0)
    with Writer.reopen(record.folder) as writer:
        writer.conclude([finding.to_dict() for finding in found])
    return Ready(record.folder, folder / "damaged", everything(record.folder))


def everything(folder: Path) -> str:
    """All that a record says, by every way in."""
    record = load(folder)
    said: list[Any] = [record.status, record.replicates, record.tick, record.seconds, record.config, record.statuses]
    said += [record.findings, record.digest(), record.changes_of_versions, configuration_of(record)]
    said += [claims_of(record), {name: v.tolist() for name, v in record.state.items()}]
    said += [summary_of(declaration(record.header["experiment"]), record)]
    assert made_of(record)  # of another identity only a report is written anew
    return repr((record.header, said))


def once(ready: Ready, random: Random) -> None:
    shutil.rmtree(ready.folder, ignore_errors=True)
    shutil.copytree(ready.sound, ready.folder)
    damage = random.choice(DAMAGES)
    damage(ready.folder, random)
    if random.random() < 0.2:
        _plainly(ready, random)
    said = everything(ready.folder)
    if damage in SILENT:
        assert said == ready.says, f"{damage.__name__}: another record, and nobody was told"
    compare(load(ready.folder), load(ready.sound))


def _plainly(ready: Ready, random: Random) -> None:
    """A command says it in words, and `list` goes on."""
    commands = ["show", "report", "list", "compare", "export", "resume", "review"]
    words = [random.choice(commands), str(ready.folder)]
    more = {"compare": [str(ready.sound)], "export": ["--to", random.choice(("csv", "netlogo", "svg"))]}
    words = ["list", "--under", str(ready.folder.parent)] if words[0] == "list" else [*words, *more.get(words[0], [])]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words)
    told = err.getvalue()
    assert code in (0, 2), (words, code, told)
    assert "Traceback" not in told and "This is a fault" not in told, (words, told)
    assert "\x1b" not in out.getvalue() + told, words
    assert told.strip() if code else "sound" in out.getvalue() or words[0] != "list", (words, told)


# -- damages -------------------------------------------------------------------------------------------------------


def flip_a_bit(folder: Path, random: Random) -> None:
    path = folder / random.choice(FILES)
    content = bytearray(path.read_bytes())
    used = [k for k, byte in enumerate(content) if byte]  # most of a database is empty pages
    content[random.choice(used)] ^= 1 << random.randrange(8)
    path.write_bytes(content)


def change_bytes(folder: Path, random: Random) -> None:
    path = folder / random.choice(FILES)
    content = bytearray(path.read_bytes())
    for _ in range(random.choice((1, 2, 10, 300))):
        content[random.randrange(len(content))] = random.randrange(256)
    path.write_bytes(content)


def tear(folder: Path, random: Random) -> None:
    path = folder / random.choice(FILES)
    content = path.read_bytes()
    path.write_bytes(content[: random.randrange(len(content))] + b"\0" * random.choice((0, 0, 512)))


def replace_by_something_else(folder: Path, random: Random) -> None:
    path = folder / random.choice((*FILES, "record.sqlite-journal", ".lock", "report.html", "log", "analysis.json"))
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    kind = random.randrange(6)
    if kind == 0:
        os.mkfifo(path)
    elif kind == 1:
        path.mkdir()
    elif kind == 2:
        path.symlink_to(random.choice(("/dev/zero", "/dev/null", path, "nowhere", "/proc/self/mem")))
    elif kind == 3:
        path.write_text(random.choice(ODD_TEXTS))
    elif kind == 4:
        path.write_bytes(random.randbytes(random.randrange(2000)))
    # else it is missing


def set_the_header(folder: Path, random: Random) -> None:
    """One value of any type, sealed as by a program that wrote nonsense, or bare as in an early folder."""
    header = load(folder).header
    table = header
    while True:
        key = random.choice(list(table))
        if isinstance(table[key], dict) and table[key] and random.random() < 0.6:
            table = table[key]
        else:
            break
    table[key] = random.choice(ODD)
    if random.random() < 0.3:
        del table[key]
    if random.random() < 0.5:
        write_header(folder, header)
    else:
        header.pop("config_sums", None)
        (folder / "run.json").write_text(json.dumps(header))


def set_the_configuration(folder: Path, random: Random) -> None:
    header = load(folder).header
    header.pop("config_sums")
    write_header(folder, header)
    lines = (folder / "config.toml").read_text().splitlines()
    k = random.randrange(len(lines))
    lines[k] = random.choice(("", "x = 1", lines[k].split("=")[0] + "= " + json.dumps(random.choice(ODD))))
    (folder / "config.toml").write_text("\n".join(lines), errors="replace")


def set_a_row(folder: Path, random: Random) -> None:
    """One value of any type in the database, sealed or not."""
    odd = [v for v in ODD if isinstance(v, int | float | str | None) and not (isinstance(v, int) and abs(v) >= 2**63)]
    with contextlib.closing(sqlite3.connect(folder / "record.sqlite")) as db, db:
        table = random.choice((*TABLES, "metrics", "sums", "seals"))
        columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        value = random.choice((*odd, b"\0\xff", "[" * 100_000, "[3]", '{"a": NaN}', '{"name": 3}'))
        with contextlib.suppress(sqlite3.Error, UnicodeEncodeError):
            db.execute(f'UPDATE {table} SET "{random.choice(columns)}" = ?', (value,))
        if random.random() < 0.7:
            db.execute("DROP TABLE IF EXISTS sums")
            if table in TABLES:
                seal(db, [table]) if random.random() < 0.5 else db.execute("DROP TABLE seals")
        if random.random() < 0.1:
            db.execute(f"DROP TABLE IF EXISTS {random.choice(tuple(TABLES))}")


def set_a_column(folder: Path, random: Random) -> None:
    """A chunk of a log with other columns, whose checksum the record knows."""
    path = folder / FILES[3]
    with np.load(path) as file:
        columns = {name: file[name] for name in file.files}
    name = random.choice(list(columns))
    shapes: tuple[Any, ...] = (
        np.zeros(0),
        np.zeros(3),
        np.zeros((4, 2)),
        np.full(4, -1),
        np.full(4, 2**40),
        np.array(3),
    )
    columns[name] = random.choice((*shapes, np.array(["a"] * 4), np.full(4, np.nan)))
    if random.random() < 0.3:
        del columns[name]
    np.savez_compressed(path, **columns)
    with contextlib.closing(sqlite3.connect(folder / "record.sqlite")) as db, db:
        from mesocosm.record.files import checksum

        db.execute("UPDATE chunks SET sha256 = ?", (checksum(path.read_bytes()),))
        seal(db, ["chunks"])


SILENT: tuple[Callable[[Path, Random], None], ...] = (flip_a_bit, change_bytes, tear)
"""After these the record is the same, or refused."""
DAMAGES = (*SILENT, replace_by_something_else, set_the_header, set_the_configuration, set_a_row, set_a_column)
