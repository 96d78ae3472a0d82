"""The SQLite file of a run: schema, statements, and the checksums of what is in it.

SQLite keeps no checksums: a flipped bit is another number. So the metrics of each checkpoint have one (`sums`), and
every other table has one over all its rows (`seals`), which change together with the rows. A database that was begun
before there were seals has none to hold its tables against.
"""

from __future__ import annotations

import hashlib
import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mesocosm.record.errors import FolderError, StorageError
from mesocosm.record.files import kind_of

TABLES: dict[str, tuple[str, dict[str, type]]] = {
    "statuses": (
        "replicate INTEGER PRIMARY KEY, status TEXT NOT NULL, tick INTEGER NOT NULL, cause TEXT NOT NULL",
        {"replicate": int, "status": str, "tick": int, "cause": str},
    ),
    "chunks": (
        "log TEXT NOT NULL, file TEXT NOT NULL PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL, "
        "rows INTEGER NOT NULL, sha256 TEXT NOT NULL",
        {"log": str, "file": str, "first": int, "last": int, "rows": int, "sha256": str},
    ),
    "checkpoints": (
        "tick INTEGER PRIMARY KEY, file TEXT NOT NULL, sha256 TEXT NOT NULL",
        {"tick": int, "file": str, "sha256": str},
    ),
    "clock": (
        "tick INTEGER PRIMARY KEY, seconds REAL NOT NULL, written TEXT NOT NULL",
        {"tick": int, "seconds": float, "written": str},
    ),
    "findings": ("claim TEXT PRIMARY KEY, finding TEXT NOT NULL", {"claim": str, "finding": str}),
}
"""Columns as SQL, and what each holds. Rows are read and sealed in the order of their rowid."""
SUMS = """
CREATE TABLE IF NOT EXISTS sums (
    first INTEGER NOT NULL, last INTEGER NOT NULL PRIMARY KEY, rows INTEGER NOT NULL, sha256 TEXT NOT NULL
)
"""
"""Of the metrics from tick `first` to `last`, as they were written together."""
_SEALS = "CREATE TABLE IF NOT EXISTS seals (name TEXT PRIMARY KEY, sha256 TEXT NOT NULL)"
_HEADINGS = "headings"
"""The seal of the names of the metrics."""


def create(path: Path, measures: Mapping[str, str]) -> None:
    """A new database whose metrics have one column for each measure (name -> INTEGER or REAL)."""
    columns = "".join(f', "{name}" {kind}' for name, kind in measures.items())
    with connect(path, create=True) as db:
        metrics = f"metrics (replicate INTEGER, tick INTEGER{columns}, PRIMARY KEY (tick, replicate)) WITHOUT ROWID"
        tables = [metrics, *(f"{name} ({described})" for name, (described, _) in TABLES.items())]
        db.executescript("".join(f"CREATE TABLE {table};" for table in tables) + SUMS)
        with transaction(db):
            seal(db, TABLES)


# -- the metrics ---------------------------------------------------------------------------------------------------


def add_sum(db: sqlite3.Connection, first: int, last: int) -> None:
    """Keep the checksum of the metrics of these ticks, which have just been written."""
    db.execute(SUMS)  # a database that was begun before there were sums
    rows = db.execute("SELECT * FROM metrics WHERE tick BETWEEN ? AND ? ORDER BY tick, replicate", (first, last))
    found = rows.fetchall()
    db.execute("INSERT OR REPLACE INTO sums VALUES (?, ?, ?, ?)", (first, last, len(found), _sum(found)))


def whole_metrics(db: sqlite3.Connection, path: Path) -> tuple[list[str], list[tuple]]:
    """Names and rows of the metrics, ordered by tick, then replicate.

    Raises:
      FolderError: if rows are not those that were written.
    """
    db.execute("BEGIN")  # rows and sums of one moment, whoever writes
    cursor = db.execute("SELECT * FROM metrics ORDER BY tick, replicate")
    names, rows = [column[0] for column in cursor.description], cursor.fetchall()
    kept = sums(db)
    headings = _seal_of(db, _HEADINGS)
    db.execute("COMMIT")
    if {"replicate", "tick"} - {*names} or headings not in (None, _sum(names)):
        raise FolderError(f"{path}: is damaged (the names of the metrics are not those that were written). {_REMEDY}")
    ticks = [row[names.index("tick")] for row in rows]
    bounds = [bound for row in kept for bound in row[:2]]
    if not all(isinstance(tick, int) for tick in (*ticks, *bounds)):
        raise FolderError(f"{path}: is damaged (metrics hold ticks that are no whole numbers); run again with --out")
    for first, last, n, sha256 in kept:
        written = rows[bisect_left(ticks, first) : bisect_right(ticks, last)]
        if len(written) != n or _sum(written) != sha256:
            raise FolderError(
                f"{path}: is damaged (the metrics of ticks {first} ... {last} are not those that were written). "
                f"{_REMEDY}"
            )
    return names, rows


def sums(db: sqlite3.Connection) -> list[tuple[Any, ...]]:
    """The checksums of the metrics, where there are any."""
    return db.execute("SELECT * FROM sums ORDER BY first").fetchall() if _has(db, "sums") else []


# -- all other tables ----------------------------------------------------------------------------------------------


def seal(db: sqlite3.Connection, tables: Iterable[str]) -> None:
    """Keep the checksums of these tables, which have just been changed; of all, where none was sealed before."""
    if not _has(db, "seals"):
        db.execute(_SEALS)
        tables = TABLES
        cursor = db.execute("SELECT * FROM metrics LIMIT 0")
        _keep_seal(db, _HEADINGS, _sum([column[0] for column in cursor.description]))
    for table in tables:
        _keep_seal(db, table, _chain(_all(db, table)))


def append(db: sqlite3.Connection, table: str, rows: list[tuple[Any, ...]]) -> None:
    """Add rows to a sealed table behind all that are there: its seal goes on from what it was."""
    if not rows:
        return
    there = _seal_of(db, table)
    marks = ", ".join("?" * len(rows[0]))
    db.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
    if there is None:
        seal(db, [table])
    else:
        _keep_seal(db, table, _chain(rows, there))


def whole_rows(db: sqlite3.Connection, table: str, path: Path) -> list[dict[str, Any]]:
    """The rows of a table, in the order in which they were written.

    Raises:
      FolderError: if they are not those that were written, or hold what they cannot.
    """
    kinds = TABLES[table][1]
    db.execute("BEGIN")
    rows, sealed = _all(db, table), _seal_of(db, table)
    db.execute("COMMIT")
    if sealed not in (None, _chain(rows)):
        raise FolderError(f"{path}: is damaged (its {table} are not those that were written). {_REMEDY}")
    out = [dict(zip(kinds, row, strict=True)) for row in rows]
    for row in out:
        for name, kind in kinds.items():
            if type(row[name]) is not kind or (kind is int and not 0 <= row[name] < 2**62):
                raise FolderError(f"{path}: is damaged ({table}.{name} = {row[name]!r:.80}). {_REMEDY}")
    return out


_REMEDY = "The logs and checkpoints beside it are readable; run again with --out."


def _all(db: sqlite3.Connection, table: str) -> list[tuple[Any, ...]]:
    return db.execute(f"SELECT {', '.join(TABLES[table][1])} FROM {table} ORDER BY rowid").fetchall()


def _has(db: sqlite3.Connection, table: str) -> bool:
    return db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone() is not None


def _seal_of(db: sqlite3.Connection, name: str) -> str | None:
    if not _has(db, "seals"):
        return None
    found = db.execute("SELECT sha256 FROM seals WHERE name = ?", (name,)).fetchone()
    return found[0] if found else "missing"  # where there are seals, each table has one


def _keep_seal(db: sqlite3.Connection, name: str, sha256: str) -> None:
    db.execute("INSERT OR REPLACE INTO seals VALUES (?, ?)", (name, sha256))


def _chain(rows: Iterable[tuple[Any, ...]], before: str = "") -> str:
    """The checksum of rows one after the other; what is appended goes on from the checksum `before`."""
    for row in rows:
        before = hashlib.sha256(f"{before}{row!r}".encode("utf-8", "backslashreplace")).hexdigest()
    return before


def _sum(rows: list[Any]) -> str:
    return hashlib.sha256(repr(rows).encode("utf-8", "backslashreplace")).hexdigest()


# -- connections ---------------------------------------------------------------------------------------------------


@contextmanager
def connect(path: Path, read_only: bool = False, create: bool = False) -> Iterator[sqlite3.Connection]:
    """A connection that closes; what SQLite says of the disk or the file becomes an error a person can mend."""
    # Readers open for writing too, where they may: a transaction that a kill cut off must be rolled back to be read.
    mode = "rwc" if create else "ro" if read_only and not _is_own(path) else "rw"
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    try:
        db = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=30)
        try:
            if read_only:
                db.execute("PRAGMA query_only = ON")
            yield db
        finally:
            db.close()
    except sqlite3.OperationalError as error:
        if not path.exists():
            raise FolderError(f"{path}: is not there; run again with --out") from error
        if read_only or error.sqlite_errorcode == sqlite3.SQLITE_ERROR:
            raise FolderError(f"{path}: cannot be read ({error}); run again with --out") from error
        raise StorageError(f"{path}: could not be written ({error}); make room, then try again") from error
    except (sqlite3.DatabaseError, UnicodeError, OverflowError) as error:
        raise FolderError(f"{path}: is damaged ({error}). {_REMEDY}") from error


def _is_own(path: Path) -> bool:
    """Whether SQLite may write beside it: neither it nor what belongs to it is a link.

    Raises:
      FolderError: if it is something that SQLite would wait for or drain, or what belongs to it leads elsewhere.
    """
    if not path.is_file() and kind_of(path) != "nothing":
        raise FolderError(f"{path}: is no plain file; the run folder is damaged")
    for end in ("-journal", "-wal", "-shm"):
        if (kind := kind_of(path.with_name(path.name + end))) not in ("file", "nothing"):
            raise FolderError(f"{path}{end}: is no plain file but {kind}; remove it, mesocosm follows none")
    return kind_of(path) != "link"


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All or nothing."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
