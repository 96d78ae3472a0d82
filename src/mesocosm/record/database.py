"""The SQLite file of a run: schema and statements."""

from __future__ import annotations

import hashlib
import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mesocosm.record.errors import FolderError, StorageError

_TABLES = """
CREATE TABLE statuses (replicate INTEGER PRIMARY KEY, status TEXT NOT NULL, tick INTEGER NOT NULL, cause TEXT NOT NULL);
CREATE TABLE chunks (
    log TEXT NOT NULL, file TEXT NOT NULL PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL,
    rows INTEGER NOT NULL, sha256 TEXT NOT NULL
);
CREATE TABLE checkpoints (tick INTEGER PRIMARY KEY, file TEXT NOT NULL, sha256 TEXT NOT NULL);
CREATE TABLE clock (tick INTEGER PRIMARY KEY, seconds REAL NOT NULL, written TEXT NOT NULL);
CREATE TABLE findings (claim TEXT PRIMARY KEY, finding TEXT NOT NULL);
"""
SUMS = """
CREATE TABLE IF NOT EXISTS sums (
    first INTEGER NOT NULL, last INTEGER NOT NULL PRIMARY KEY, rows INTEGER NOT NULL, sha256 TEXT NOT NULL
)
"""
"""Of the metrics from tick `first` to `last`, as they were written together."""


def create(path: Path, measures: Mapping[str, str]) -> None:
    """A new database whose metrics have one column for each measure (name -> INTEGER or REAL)."""
    columns = "".join(f', "{name}" {kind}' for name, kind in measures.items())
    with connect(path, create=True) as db:
        db.executescript(
            f"CREATE TABLE metrics (replicate INTEGER, tick INTEGER{columns}, PRIMARY KEY (tick, replicate)) "
            f"WITHOUT ROWID;{_TABLES}{SUMS}"
        )


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
    is_summed = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'sums'").fetchone()
    sums = db.execute("SELECT * FROM sums ORDER BY first").fetchall() if is_summed else []
    db.execute("COMMIT")
    ticks = [row[names.index("tick")] if "tick" in names else None for row in rows]
    bounds = [bound for row in sums for bound in row[:2]]
    if not all(isinstance(tick, int) for tick in (*ticks, *bounds)):
        raise FolderError(f"{path}: is damaged (metrics hold ticks that are no whole numbers); run again with --out")
    for first, last, n, sha256 in sums:
        written = rows[bisect_left(ticks, first) : bisect_right(ticks, last)]
        if len(written) != n or _sum(written) != sha256:
            raise FolderError(
                f"{path}: is damaged (the metrics of ticks {first} ... {last} are not those that were written). "
                "The logs and checkpoints beside it are readable; run again with --out."
            )
    return names, rows


def _sum(rows: list[tuple]) -> str:
    return hashlib.sha256(repr(rows).encode()).hexdigest()


@contextmanager
def connect(path: Path, read_only: bool = False, create: bool = False) -> Iterator[sqlite3.Connection]:
    """A connection that closes; what SQLite says of the disk or the file becomes an error a person can mend."""
    # Readers open for writing too, where they may: a transaction that a kill cut off must be rolled back to be read.
    uri = f"{path.absolute().as_uri()}?mode={'rwc' if create else 'rw'}"
    try:
        db = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=30)
        try:
            if read_only:
                db.execute("PRAGMA query_only = ON")
            yield db
        finally:
            db.close()
    except sqlite3.OperationalError as error:
        if read_only or not path.exists() or error.sqlite_errorcode == sqlite3.SQLITE_ERROR:
            raise FolderError(f"{path}: cannot be read ({error}); run again with --out") from error
        raise StorageError(
            f"{path}: could not be written ({error}). What was recorded before is intact; make room, then "
            "`mesocosm resume` goes on from the last checkpoint."
        ) from error
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise FolderError(
            f"{path}: is damaged ({error}). The logs and checkpoints beside it are readable; run again with --out."
        ) from error


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
