"""The SQLite file of a run: schema and statements."""

from __future__ import annotations

import sqlite3
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


def create(path: Path, measures: Mapping[str, str]) -> None:
    """A new database whose metrics have one column for each measure (name -> INTEGER or REAL)."""
    columns = "".join(f', "{name}" {kind}' for name, kind in measures.items())
    with connect(path, create=True) as db:
        db.executescript(
            f"CREATE TABLE metrics (replicate INTEGER, tick INTEGER{columns}, PRIMARY KEY (tick, replicate)) "
            f"WITHOUT ROWID;{_TABLES}"
        )


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
