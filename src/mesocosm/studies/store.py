"""Where cells are kept: a folder each, which is the truth, and an index that can be built anew from them at any time.

    store.json                   version of this layout
    cells/ab/abcd.../run.json    a cell and its row, written beside and renamed: whole or not there
    aside/                       cells that could not be read, moved here, never deleted
    work/                        what is being measured; nothing in it is ever read
    locks/                       which programs a runner has taken
    index-HOST.sqlite            the same rows in one table, for listing: each host builds and reads its own

The names of cells are their identities, so that several studies, processes and hosts may write into one folder that
they share: who comes second finds the cell there and leaves it. Nothing that somebody else may just have kept is
removed: a cell is looked at again after it has been moved, and goes back if it is whole. SQLite is never asked to lock
between hosts. No jax.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

from mesocosm.record import FolderError, StorageError
from mesocosm.studies import content
from mesocosm.studies.cell import Cell, Row
from mesocosm.studies.content import SCHEMA

_ROW = "run.json"
_HEADER = "store.json"
_FOLDERS = ("cells", "work", "locks", "aside")
_COLUMNS = "identity TEXT PRIMARY KEY, size INTEGER, mtime INTEGER, content BLOB"
_IDENTITY = re.compile("[0-9a-f]{64}")


class Store:
    """A store of cells.

    Args:
      reading: nothing is written, not even an index.

    Raises:
      FolderError: for a folder that is something else, or a store of another version; with `reading`, for none.
    """

    def __init__(self, folder: Path, reading: bool = False) -> None:
        self.folder, self.reading = folder, reading
        header = folder / _HEADER
        if header.exists():
            self._check(header)
            return
        if reading and not folder.is_dir():
            raise FolderError(f"{folder}: there is no store; `mesocosm study` makes it, or name it with --store")
        if folder.exists() and (not folder.is_dir() or any(map(_is_foreign, folder.iterdir()))):
            raise FolderError(f"{folder}: is there already and is no store of cells; choose another with --store")
        if reading:
            return
        with _keeping(folder):
            for name in _FOLDERS:
                (folder / name).mkdir(parents=True, exist_ok=True)
            beside = self._own_name(".json")  # another may be making the same store
            beside.write_text(json.dumps({"schema": SCHEMA, "what": "mesocosm store of cells"}) + "\n", "utf-8")
            os.replace(beside, header)

    def _check(self, header: Path) -> None:
        try:
            values = json.loads(content.read_plain(header))
            found = values.get("schema")
        except (OSError, ValueError, AttributeError, RecursionError) as error:
            raise FolderError(f"{header}: cannot be read ({error}); the store is damaged") from None
        if found != SCHEMA:
            raise FolderError(
                f"{self.folder}: is a store of version {found!r:.40}, this is version {SCHEMA}; "
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
        beside = self._own_name()
        with _keeping(target):
            try:
                beside.mkdir(parents=True)
                with open(beside / _ROW, "wb") as file:
                    file.write(content.written(cell, row))
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
        return content.read(self.folder_of(identity) / _ROW, identity)

    def fault(self, identity: str) -> str | None:
        """What is wrong with a cell that is there, read once more; None if it is whole, or not there at all."""
        if not os.path.lexists(self.folder_of(identity)):
            return None
        try:
            self.get(identity)
        except FolderError as error:
            return str(error)
        return None

    def set_aside(self, identity: str) -> Path | None:
        """Move a damaged cell out of the way; where it lies now, None if it was whole when it was looked at again."""
        if self.fault(identity) is None:
            return None
        return self._moved(identity, lambda row: row is None)

    def withdraw(self, identity: str, is_void: Callable[[Row], bool]) -> bool:
        """Remove a row that is to be measured again; not if it is, when looked at again, another one."""
        aside = self._moved(identity, lambda row: row is not None and is_void(row))
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)
        return aside is not None

    def _moved(self, identity: str, is_meant: Callable[[Row | None], bool]) -> Path | None:
        """The folder of a cell under `aside`; back to its place if it turns out to be another than was meant."""
        place, aside = self.folder_of(identity), self.folder / "aside" / f"{identity}-{uuid4().hex[:8]}"
        with _keeping(aside):
            aside.parent.mkdir(exist_ok=True)
            try:
                os.rename(place, aside)
            except FileNotFoundError:
                return None
            try:
                row = content.read(aside / _ROW, identity)[1]
            except FolderError:
                row = None
            if is_meant(row):
                return aside
            try:
                os.rename(aside, place)
            except OSError:  # it was measured meanwhile by another process: that row stands
                if not self.has(identity):
                    raise
                shutil.rmtree(aside, ignore_errors=True)
        return None

    def identities(self) -> set[str]:
        """All cells that are there, by their folders."""
        out: set[str] = set()
        for shelf in _entries(self.folder / "cells"):
            out.update(entry.name for entry in _entries(Path(shelf.path)) if _IDENTITY.fullmatch(entry.name))
        return out

    def _own_name(self, ending: str = "") -> Path:
        """A name under `work` that is nobody else's, and says whose it is."""
        return self.folder / "work" / f"{batch_of(os.getpid())}{uuid4().hex[:8]}{ending}"

    def sweep(self) -> int:
        """Remove what processes of this host left under `work` when they were killed; how many things there were."""
        n = 0
        for entry in _entries(self.folder / "work"):
            made = re.fullmatch(rf"batch-{re.escape(host_name())}-(\d+)-[0-9a-f]{{8}}(\.json)?", entry.name)
            if made is None or is_alive(int(made[1])):
                continue
            n += 1
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                Path(entry.path).unlink(missing_ok=True)
        return n

    @contextmanager
    def workplace(self) -> Iterator[Path]:
        """An empty folder to measure in, removed afterwards."""
        folder = self._own_name()
        with _keeping(folder):
            folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def rows(self, wanted: Iterable[Cell]) -> list[tuple[Cell, Row]]:
        """The wanted cells that are there and whole, with their rows, in the order in which they are asked for.

        The index spares opening files that have not changed since; where it cannot be used it is done without.
        """
        cells = list(wanted)
        known = {} if self.reading else self._indexed()
        out = []
        for cell in cells:
            row = _row(known.get(cell.identity), cell.identity)
            if row is None and self.has(cell.identity):
                try:
                    row = self.get(cell.identity)[1]
                except FolderError:
                    continue
            if row is not None:
                out.append((cell, row))
        return out

    def _indexed(self) -> Mapping[str, bytes]:
        """What the index holds, brought up to the folders; one that is damaged, or of another kind, is built anew."""
        path = self.folder / f"index-{host_name()}.sqlite"
        for _ in range(2):
            if os.path.lexists(path) and (path.is_symlink() or not path.is_file()):
                return {}
            try:
                with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as db:
                    self._refresh(db)
                    return dict(db.execute("SELECT identity, content FROM cells"))
            except sqlite3.OperationalError:  # read-only, full, or locked by another host: the folders are the truth
                return {}
            except (sqlite3.DatabaseError, OverflowError, UnicodeDecodeError):
                try:
                    path.unlink(missing_ok=True)
                except OSError:
                    return {}
        return {}

    def _refresh(self, db: sqlite3.Connection) -> None:
        db.execute("BEGIN IMMEDIATE")  # one at a time: another may be looking at the same folders
        columns = [row[1] for row in db.execute("PRAGMA table_info(cells)")]
        if db.execute("PRAGMA user_version").fetchone()[0] != SCHEMA or columns != _COLUMNS_NAMES:
            db.execute("DROP TABLE IF EXISTS cells")
            db.execute(f"CREATE TABLE cells ({_COLUMNS})")
            db.execute(f"PRAGMA user_version = {SCHEMA}")
        there = {identity: mark for identity in self.identities() if (mark := self._mark(identity))}
        known = {row[0]: row[1:] for row in db.execute("SELECT identity, size, mtime FROM cells")}
        changed = [(i,) for i, mark in known.items() if there.get(i) != mark]  # gone, or to be read anew
        db.executemany("DELETE FROM cells WHERE identity = ?", changed)
        new = (self._columns(identity, mark) for identity, mark in sorted(there.items()) if known.get(identity) != mark)
        db.executemany("INSERT OR REPLACE INTO cells VALUES (?, ?, ?, ?)", (row for row in new if row))
        db.execute("COMMIT")

    def _mark(self, identity: str) -> tuple[int, int] | None:
        """What changes when the file of a cell is written to."""
        try:
            found = os.stat(self.folder_of(identity) / _ROW, follow_symlinks=False)
        except OSError:
            return None
        return found.st_size, found.st_mtime_ns

    def _columns(self, identity: str, mark: tuple[int, int]) -> tuple[str, int, int, bytes] | None:
        try:
            return identity, *mark, content.read_plain(self.folder_of(identity) / _ROW)
        except (OSError, ValueError):
            return None


_COLUMNS_NAMES = [column.split()[0] for column in _COLUMNS.split(", ")]


def _row(kept: object, identity: str) -> Row | None:
    """The row in a content that the index holds; None if it holds none that is whole."""
    try:
        return content.parsed(kept, identity)[1] if isinstance(kept, bytes) else None
    except ValueError:
        return None


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


def is_alive(pid: int) -> bool:
    """Whether a process of this host has this number; in doubt, yes."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def batch_of(pid: int) -> str:
    """How the folders begin in which a worker measures."""
    return f"batch-{host_name()}-{pid}-"


def _is_foreign(path: Path) -> bool:
    return path.name not in (*_FOLDERS, _HEADER)  # a store in the making has no header yet


def _entries(folder: Path) -> Sequence[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []
