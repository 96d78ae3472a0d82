"""Where cells are kept: a folder each, which is the truth, and an index that can be built anew from them at any time.

    store.json                   version of this layout
    cells/ab/abcd.../run.json    a cell and its row, written beside and renamed: whole or not there
    work/                        what is being measured; nothing in it is ever read
    locks/                       which programs a runner has taken
    index-HOST.sqlite            the same rows in one table, for listing: each host builds and reads its own

The names of cells are their identities, so that several studies, processes and hosts may write into one folder that
they share: who comes second finds the cell there and leaves it. SQLite is never asked to lock between hosts. No jax.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from mesocosm.record import FolderError, StorageError
from mesocosm.studies.cell import Cell, Row

SCHEMA = 1
"""Version of the layout."""

_ROW = "run.json"
_COLUMNS = "identity TEXT PRIMARY KEY, task TEXT, status TEXT, final REAL, seconds REAL, content TEXT"


class Store:
    """A store of cells.

    Raises:
      FolderError: for a folder that is something else, or a store of another version.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        header = folder / "store.json"
        if header.exists():
            self._check(header)
            return
        if folder.exists() and (not folder.is_dir() or any(map(_is_foreign, folder.iterdir()))):
            raise FolderError(f"{folder}: is there already and is no store of cells; choose another with --store")
        with _keeping(folder):
            for name in ("cells", "work", "locks"):
                (folder / name).mkdir(parents=True, exist_ok=True)
            beside = folder / "work" / f"store-{uuid4().hex[:8]}.json"  # its own: another may be making the same store
            beside.write_text(json.dumps({"schema": SCHEMA, "what": "mesocosm store of cells"}) + "\n")
            os.replace(beside, header)

    def _check(self, header: Path) -> None:
        try:
            values = json.loads(header.read_text("utf-8"))
            found = values.get("schema")
        except (OSError, ValueError, AttributeError) as error:
            raise FolderError(f"{header}: cannot be read ({error}); the store is damaged") from None
        if found != SCHEMA:
            raise FolderError(
                f"{self.folder}: is a store of version {found}, this is version {SCHEMA}; "
                "use the mesocosm that wrote it, or choose another with --store"
            )

    def folder_of(self, identity: str) -> Path:
        return self.folder / "cells" / identity[:2] / identity

    def has(self, identity: str) -> bool:
        return (self.folder_of(identity) / _ROW).exists()

    def put(self, cell: Cell, row: Row) -> bool:
        """Keep a row; False if the cell was there already, whose row then stays.

        Raises:
          StorageError: if it could not be written; what was kept before is intact.
        """
        target = self.folder_of(cell.identity)
        if self.has(cell.identity):
            return False
        beside = self.folder / "work" / f"{cell.identity[:16]}-{uuid4().hex[:8]}"
        content = json.dumps({"schema": SCHEMA, "cell": cell.to_dict(), "row": row.to_dict()}, allow_nan=False)
        with _keeping(target):
            try:
                beside.mkdir(parents=True)
                with open(beside / _ROW, "w") as file:
                    file.write(content + "\n")
                    file.flush()
                    os.fsync(file.fileno())
                target.parent.mkdir(exist_ok=True)
                os.rename(beside, target)
            except OSError:
                shutil.rmtree(beside, ignore_errors=True)
                if self.has(cell.identity):  # another process was faster
                    return False
                raise
        return True

    def get(self, identity: str) -> tuple[Cell, Row]:
        """A cell and its row.

        Raises:
          FolderError: if it is not there, or damaged.
        """
        return _read(self.folder_of(identity) / _ROW)

    def identities(self) -> set[str]:
        """All cells that are there, by their folders."""
        out: set[str] = set()
        for shelf in _entries(self.folder / "cells"):
            out.update(entry.name for entry in _entries(Path(shelf.path)))
        return out

    @contextmanager
    def workplace(self) -> Iterator[Path]:
        """An empty folder to measure in, removed afterwards."""
        folder = self.folder / "work" / f"{batch_of(os.getpid())}{uuid4().hex[:8]}"
        with _keeping(folder):
            folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def index(self) -> sqlite3.Connection:
        """The index, brought up to what the folders hold: rows are added, those whose folder is gone are removed.

        An index that is damaged, or of another version, is built anew.
        """
        path = self.folder / f"index-{host_name()}.sqlite"
        try:
            return self._refreshed(path)
        except sqlite3.OperationalError as error:
            raise StorageError(f"{path}: cannot be used ({error}); the cells are intact") from None
        except sqlite3.DatabaseError:
            path.unlink(missing_ok=True)
            return self._refreshed(path)

    def _refreshed(self, path: Path) -> sqlite3.Connection:
        db = sqlite3.connect(path, timeout=60, isolation_level=None)
        try:
            db.execute("BEGIN IMMEDIATE")  # one at a time: another may be looking at the same folders
            if db.execute("PRAGMA user_version").fetchone()[0] != SCHEMA:
                db.execute("DROP TABLE IF EXISTS cells")
                db.execute(f"CREATE TABLE cells ({_COLUMNS})")
                db.execute(f"PRAGMA user_version = {SCHEMA}")
            there = self.identities()
            known = {row[0] for row in db.execute("SELECT identity FROM cells")}
            db.executemany("DELETE FROM cells WHERE identity = ?", [(i,) for i in known - there])
            new = (self._columns(identity) for identity in sorted(there - known))
            db.executemany("INSERT OR REPLACE INTO cells VALUES (?, ?, ?, ?, ?, ?)", (row for row in new if row))
            db.execute("COMMIT")
        except BaseException:
            db.close()
            raise
        return db

    def _columns(self, identity: str) -> tuple[Any, ...] | None:
        try:
            text = (self.folder_of(identity) / _ROW).read_text("utf-8")
            values = json.loads(text)
            cell, row = values["cell"], values["row"]
            return identity, cell["task"], row["status"], row["final"], row["cost"].get("seconds"), text
        except (OSError, ValueError, KeyError, TypeError):
            return None  # torn by a failing disk: the cell counts as not measured

    def rows(self, wanted: Iterable[Cell]) -> list[tuple[Cell, Row]]:
        """The wanted cells that are there, with their rows, in the order in which they are asked for."""
        with closing(self.index()) as db:
            there = dict(db.execute("SELECT identity, content FROM cells"))
        out = []
        for cell in wanted:
            if (text := there.get(cell.identity)) is not None:
                out.append((cell, Row.from_dict(json.loads(text)["row"])))
        return out


@contextmanager
def _keeping(what: Path) -> Iterator[None]:
    """Turns what the system says about a write into an error that a person can mend."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{what}: could not be written ({error.strerror or error}). Cells that are kept are intact; make room or "
            "mend the folder, then the same command goes on."
        ) from error


def host_name() -> str:
    """This host, as part of the name of a file."""
    return "".join(c if c.isalnum() else "-" for c in platform.node()) or "host"


def batch_of(pid: int) -> str:
    """How the folders begin in which a worker measures."""
    return f"batch-{host_name()}-{pid}-"


def _is_foreign(path: Path) -> bool:
    return path.name not in ("cells", "work", "locks", "store.json")  # a store in the making has no header yet


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []


def _read(path: Path) -> tuple[Cell, Row]:
    try:
        values = json.loads(path.read_text("utf-8"))
        return Cell.from_dict(values["cell"]), Row.from_dict(values["row"])
    except FileNotFoundError:
        raise FolderError(f"{path.parent}: there is no such cell") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FolderError(f"{path}: is damaged ({error}); remove the folder to measure the cell again") from None
