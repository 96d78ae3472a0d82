"""Writing a record: rows and the checkpoint from which a run goes on advance together, or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from mesocosm.record import database
from mesocosm.record.errors import FolderError, StorageError
from mesocosm.record.files import checksum, is_beside, kind_of, read_whole, storing, write_whole
from mesocosm.record.folder import (
    CHECKPOINTS,
    DATABASE,
    FRAMES,
    LOGS,
    command_line,
    file_of,
    host,
    is_own_file,
    is_unborn,
    locked,
    pack,
    unpack,
    versions,
)
from mesocosm.record.header import CONFIG, HEADER, SCHEMA, read_header, with_config, write_header
from mesocosm.record.status import RunStatus

_KEPT_CHECKPOINTS = 2


@dataclass
class Batch:
    """What has happened since the last checkpoint.

    Args:
      metrics: columns `replicate`, `tick` and the measures, one row a replicate and window.
      statuses: (replicate, status, tick, cause).
      logs: columns by log, the first two `replicate` and `tick`; rows in canonical order.
      frames: the same by camera.
    """

    metrics: dict[str, np.ndarray] = field(default_factory=dict)
    statuses: list[tuple[int, str, int, str]] = field(default_factory=list)
    logs: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    frames: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)


M = TypeVar("M", bound=Callable[..., Any])


def _with_a_way_on(method: M) -> M:
    """A method of a writer whose run can be gone on with, where it could not write."""

    @wraps(method)
    def wrapped(self: Writer, *arguments: Any, **options: Any) -> Any:
        try:
            return method(self, *arguments, **options)
        except StorageError as error:
            raise StorageError(
                f"{error}. What was recorded before is intact: `mesocosm resume {self.folder}` goes on from there."
            ) from error

    return wrapped  # type: ignore[return-value]


class Writer:
    """The one writer of a run folder: it holds the folder's lock until it is left. Use as a context manager."""

    def __init__(self, folder: Path, header: dict[str, Any], lock: ExitStack):
        self.folder, self.header, self._lock = folder, header, lock

    @staticmethod
    def create(folder: Path, identity: Mapping[str, Any], measures: Mapping[str, str], config: str) -> Writer:
        """A new run folder.

        Args:
          identity: what the run is: experiment, seed, replicates, ticks, every, interventions, ...; plain values.
          measures: columns of the metrics: name -> INTEGER or REAL.
          config: the resolved configuration (TOML).

        Raises:
          FolderError: if the folder exists or cannot be made.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            os.listdir(folder)  # one that may not be looked into (umask 777) holds no run
            if not is_unborn(folder):
                raise FolderError(f"{folder}: exists already; choose another folder with --out")
        except FileExistsError:
            raise FolderError(f"{folder}: is in the way; choose another folder with --out") from None
        except OSError as error:
            raise _cannot_be_made(folder, error) from None
        with ExitStack() as lock:
            lock.enter_context(locked(folder))
            if not is_unborn(folder):  # somebody was faster
                raise FolderError(f"{folder}: exists already; choose another folder with --out")
            try:
                for sub in (LOGS, FRAMES, CHECKPOINTS):
                    (folder / sub).mkdir(exist_ok=True)
                (folder / DATABASE).unlink(missing_ok=True)
                (folder / f"{DATABASE}-journal").unlink(missing_ok=True)
            except OSError as error:
                raise _cannot_be_made(folder, error) from None
            header = with_config(_first_header(identity), config)
            write_whole(folder / CONFIG, config.encode())
            database.create(folder / DATABASE, measures)
            write_header(folder, header)
            return Writer(folder, header, lock.pop_all())

    @staticmethod
    def reopen(folder: Path) -> Writer:
        """An existing run folder, to go on with it.

        Raises:
          FolderError: if it is no run folder, of another schema or of another version of the program.
        """
        read_header(folder)  # a folder that is no run is not locked
        with ExitStack() as lock:
            lock.enter_context(locked(folder))
            header = read_header(folder)
            there, here = header["versions"].get("mesocosm"), versions()["mesocosm"]
            if there != here:
                raise FolderError(
                    f"{folder}: was begun with mesocosm {there}, this is {here}; a run is continued by the version "
                    "that began it. Install that version, or run again with --out."
                )
            return Writer(folder, header, lock.pop_all())

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *exception: object) -> None:
        self._lock.close()

    @_with_a_way_on
    def set_status(self, status: RunStatus, **changes: Any) -> None:
        """Write the run's status (and other entries) into the header."""
        self.header = {**self.header, **changes, "status": status, "updated": _now()}
        write_header(self.folder, self.header)

    @_with_a_way_on
    def commit(
        self, tick: int, batch: Batch, state: Mapping[str, np.ndarray], seconds: float, is_last: bool = False
    ) -> None:
        """Make everything up to `tick` part of the record, with the state from which to go on.

        The state at the end of a run is compressed, for it stays.

        Files are written beside and renamed first; the rows that name them follow in one transaction. Killed anywhere,
        the folder is at this tick or at the one before.
        """
        files = [
            self._write_columns(sub, name, tick, columns)
            for sub, kept in ((LOGS, batch.logs), (FRAMES, batch.frames))
            for name, columns in kept.items()
            if columns["tick"].size
        ]
        content = pack(state, compressed=is_last)
        checkpoint = f"{CHECKPOINTS}/{tick:012d}.npz"
        if (self.folder / checkpoint).exists():  # the record names it: it stays until the transaction
            checkpoint = f"{CHECKPOINTS}/{tick:012d}-again.npz"
        write_whole(self.folder / checkpoint, content)
        names = list(batch.metrics)
        rows = zip(*(batch.metrics[name].tolist() for name in names), strict=True)
        marks = ", ".join("?" * len(names))
        quoted = ", ".join(f'"{name}"' for name in names)
        with database.connect(self.folder / DATABASE) as db, database.transaction(db):
            if names:
                db.executemany(f"INSERT INTO metrics ({quoted}) VALUES ({marks})", rows)
            if names and (ticks := batch.metrics["tick"]).size:
                database.add_sum(db, int(ticks.min()), int(ticks.max()))
            database.append(db, "chunks", files)
            db.executemany("INSERT INTO statuses VALUES (?, ?, ?, ?)", batch.statuses)
            db.execute("INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?)", (tick, checkpoint, checksum(content)))
            old = db.execute("SELECT tick FROM checkpoints ORDER BY tick DESC").fetchall()[
                1 if is_last else _KEPT_CHECKPOINTS :
            ]
            db.executemany("DELETE FROM checkpoints WHERE tick = ?", old)
            database.seal(db, ["checkpoints", *(["statuses"] if batch.statuses else [])])
            self._note_time(db, tick, seconds)
        self._sweep()

    @staticmethod
    def _note_time(db: Any, tick: int, seconds: float) -> None:
        if db.execute("DELETE FROM clock WHERE tick >= ?", (tick,)).rowcount:  # the last checkpoint, written again
            database.seal(db, ["clock"])
        database.append(db, "clock", [(tick, float(seconds), _now())])

    def _write_columns(self, sub: str, name: str, tick: int, columns: dict[str, np.ndarray]) -> tuple[Any, ...]:
        ticks = columns["tick"]
        path = f"{sub}/{name}-{tick:012d}.npz"
        content = pack(columns, compressed=True)
        write_whole(self.folder / path, content)
        return name, path, int(ticks.min()), int(ticks.max()), int(ticks.size), checksum(content)

    def _sweep(self) -> None:
        """Remove files that belong to no row: what a kill left, old checkpoints. What we would not name so stays."""
        with database.connect(self.folder / DATABASE) as db:
            known = {row[0] for row in db.execute("SELECT file FROM chunks UNION SELECT file FROM checkpoints")}
        kept = {LOGS: self.header.get("logs", ()), FRAMES: self.header.get("frames", ()), CHECKPOINTS: ()}
        with storing(self.folder):
            for sub, names in kept.items():
                for entry in list(os.scandir(self.folder / sub)):
                    is_ours = entry.is_file(follow_symlinks=False) and is_own_file(sub, entry.name, names)
                    if is_ours and f"{sub}/{entry.name}" not in known:
                        os.unlink(entry.path)
            for entry in list(os.scandir(self.folder)):
                if is_beside(entry.name, CONFIG) or is_beside(entry.name, HEADER):
                    os.unlink(entry.path)

    @_with_a_way_on
    def conclude(self, findings: list[dict[str, Any]]) -> None:
        """Write what was found, in place of what was found before."""
        rows = [(finding["name"], json.dumps(finding, allow_nan=False)) for finding in findings]
        with database.connect(self.folder / DATABASE) as db, database.transaction(db):
            db.execute("DELETE FROM findings")
            db.executemany("INSERT INTO findings VALUES (?, ?)", rows)
            database.seal(db, ["findings"])

    @_with_a_way_on
    def go_on(self, tick: int, ticks: int, config: str) -> None:
        """The run is being written again, from `tick` up to `ticks`; what was found of a shorter one is forgotten."""
        before = read_whole(self.folder / CONFIG).decode(errors="replace")
        write_header(self.folder, with_config(self.header, before, config))  # a kill may come between the two files
        write_whole(self.folder / CONFIG, config.encode())
        if ticks > self.header["ticks"]:
            self.conclude([])
        resumed = [*self.header.get("resumed", []), {"tick": tick, "versions": versions(), "host": host()}]
        self.header = with_config(self.header, config)
        self.set_status(RunStatus.RUNNING, ticks=ticks, resumed=resumed)

    def has_begun(self) -> bool:
        """Whether there ever was a checkpoint; if not, the run goes on from its beginning."""
        with database.connect(self.folder / DATABASE) as db:
            return bool(db.execute("SELECT 1 FROM checkpoints").fetchall())

    @_with_a_way_on
    def last_checkpoint(self) -> tuple[int, dict[str, np.ndarray]]:
        """The newest state that is whole; the record is rolled back to it.

        Raises:
          FolderError: if no checkpoint is whole.
        """
        path = self.folder / DATABASE
        with database.connect(path) as db:
            for table in database.TABLES:  # what is damaged is not made whole by a new seal
                database.whole_rows(db, table, path)
            for row in sorted(database.whole_rows(db, "checkpoints", path), key=lambda row: -row["tick"]):
                try:
                    content = read_whole(file_of(self.folder, row["file"]))
                except OSError:
                    continue
                if checksum(content) == row["sha256"]:
                    self._roll_back(db, row["tick"])
                    self._sweep()
                    return row["tick"], unpack(content, file_of(self.folder, row["file"]))
        raise FolderError(f"{self.folder}: has no whole checkpoint; the run cannot go on. Run again with --out.")

    def _roll_back(self, db: Any, tick: int) -> None:
        with database.transaction(db):
            db.execute(database.SUMS)
            for table, column in (
                ("metrics", "tick"),
                ("sums", "last"),
                ("statuses", "tick"),
                ("clock", "tick"),
                ("checkpoints", "tick"),
            ):
                db.execute(f"DELETE FROM {table} WHERE {column} > ?", (tick,))
            db.execute("DELETE FROM chunks WHERE last >= ?", (tick,))  # the tick after it would be logged as `tick`
            database.seal(db, database.TABLES)


def _cannot_be_made(folder: Path, error: OSError) -> FolderError:
    return FolderError(f"{folder}: cannot be made ({error.strerror}); choose another place with --out")


def branch(folder: Path, into: Path, identity: Mapping[str, Any], config: str) -> None:
    """The record of a run up to its newest checkpoint, as the beginning of another run; `resume` goes on with it.

    Args:
      folder: of the run; it stays as it is.
      identity: of the branch: that of the run, but for interventions at or after this tick, and its length.
      config: the branch's resolved configuration (TOML).

    Raises:
      FolderError: if the folder is no run or is being written, or `into` is there already.
    """
    header = read_header(folder)
    if kind_of(into) != "nothing":
        raise FolderError(f"{into}: exists already; a branch needs a folder of its own")
    with storing(into):
        into.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(".beside", ".branch-", into.parent))
    try:
        with locked(folder):
            tick = _copy_record(folder, beside)
        made = {"parent": {"run": folder.name, "tick": tick}, "status": RunStatus.INTERRUPTED}
        made |= {"command": command_line(), "begun": _now()}
        write_whole(beside / CONFIG, config.encode())
        write_header(beside, with_config({**header, **identity, **made}, config))
        with storing(into):
            beside.chmod(folder.stat().st_mode & 0o777)  # a temporary folder is private
            os.rename(beside, into)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def _copy_record(folder: Path, into: Path) -> int:
    """Copy what belongs to the record, and nothing else that lies there, without findings; its newest tick."""
    path = folder / DATABASE
    with database.connect(path, read_only=True) as db:
        ticks = [row["tick"] for row in database.whole_rows(db, "checkpoints", path)]
        files = [row["file"] for table in ("chunks", "checkpoints") for row in database.whole_rows(db, table, path)]
    if not ticks:
        raise FolderError(f"{folder}: has no checkpoint yet; there is nothing to branch from")
    with storing(into):
        for sub in (LOGS, FRAMES, CHECKPOINTS):
            (into / sub).mkdir()
        for file in files:
            shutil.copyfile(file_of(folder, file), into / file)
        shutil.copyfile(path, into / DATABASE)
    with database.connect(into / DATABASE) as db, database.transaction(db):
        db.execute("DELETE FROM findings")
        database.seal(db, ["findings"])
    return max(ticks)


def _first_header(identity: Mapping[str, Any]) -> dict[str, Any]:
    began = {"versions": versions(), "host": host(), "command": command_line(), "begun": _now()}
    return {"schema": SCHEMA, "status": RunStatus.RUNNING, **identity, **began}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
