"""Reading a record: plain arrays, without jax."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mesocosm.record import database
from mesocosm.record.errors import FolderError
from mesocosm.record.files import LARGEST_TEXT, checksum, read_whole
from mesocosm.record.folder import DATABASE, file_of, is_locked, unpack
from mesocosm.record.header import CONFIG, HEADER, is_config_of, read_header
from mesocosm.record.status import RunStatus, Status

_AT_ONCE = 1 << 20
"""Numbers that are turned into bytes at a time."""


@dataclass(frozen=True)
class ReplicateStatus:
    """What became of a replicate: `tick` is the number of ticks it lived."""

    replicate: int
    status: str
    tick: int
    cause: str


class Columns(dict[str, np.ndarray]):
    """Arrays of one length by name. One that is missing is a fault of the file, said in its words."""

    def __init__(self, where: str, arrays: Mapping[str, np.ndarray]) -> None:
        super().__init__(arrays)
        self.where = where

    def __missing__(self, name: str) -> np.ndarray:
        raise FolderError(f"{self.where}: has no column {name!r}; it was written by other code, or is damaged")


@dataclass(frozen=True)
class Record:
    """A run folder as arrays. Everything is read when asked for."""

    folder: Path
    header: dict[str, Any]

    @property
    def status(self) -> str:
        """`running`, `finished`, `interrupted`, or `killed` (it says running and nobody writes it)."""
        status = self.header["status"]
        return "killed" if status == RunStatus.RUNNING and not is_locked(self.folder) else status

    @property
    def changes_of_versions(self) -> list[str]:
        """What was another version when the run was resumed than when it began, in words.

        Exact experiments promise the same bits all the same; those in floating point only on one version.
        """
        began, out = self.header["versions"], []
        for again in self.header.get("resumed", []):
            then = again["versions"]
            other = [f"{k} {began.get(k)} -> {v}" for k, v in then.items() if began.get(k, v) != v]
            out += [f"Resumed at tick {again['tick']} with other versions: {', '.join(other)}."] if other else []
        return out

    @property
    def replicates(self) -> int:
        """How many there are in the run."""
        return int(self.header["replicates"])

    @property
    def config(self) -> str:
        """The resolved configuration (TOML).

        Raises:
          FolderError: if it is not what was written.
        """
        path = self.folder / CONFIG
        try:
            content = read_whole(path, LARGEST_TEXT)
            text = content.decode()
        except (OSError, UnicodeDecodeError) as error:
            raise FolderError(f"{path}: cannot be read ({error}); the run folder is damaged") from None
        if not is_config_of(self.header, content):
            raise FolderError(f"{path}: is damaged (it is not what was written); run again with --out")
        return text

    @cached_property
    def tick(self) -> int:
        """The tick up to which the record goes."""
        return max((row["tick"] for row in self._rows("checkpoints")), default=0)

    @cached_property
    def seconds(self) -> float:
        """Wall time of the run so far, compilation included."""
        return max((row["seconds"] for row in self._rows("clock")), default=0.0)

    @cached_property
    def metrics(self) -> Columns:
        """Columns `replicate`, `tick` and one for each measure; rows ordered by tick, then replicate.

        Raises:
          FolderError: if they are not those that were written.
        """
        path = self.folder / DATABASE
        with database.connect(path, read_only=True) as db:
            names, rows = database.whole_metrics(db, path)
        columns = zip(*rows, strict=True) if rows else ([] for _ in names)
        arrays = {  # SQLite keeps what is not a number as nothing
            name: np.array([np.nan if value is None else value for value in column])
            for name, column in zip(names, columns, strict=True)
        }
        for name, values in arrays.items():
            if values.dtype.kind not in "if":
                raise FolderError(f"{path}: is damaged (metrics.{name} holds what is no number)")
        out = self._checked(f"{path}: the metrics", arrays)
        if np.any(out["tick"] % self.header["every"]) or np.any(out["tick"] == 0):
            raise FolderError(f"{path}: is damaged (metrics stand at ticks at which no window ends)")
        return out

    @cached_property
    def statuses(self) -> list[ReplicateStatus]:
        """One for each replicate, in order; those that still live have the status `alive`.

        Raises:
          FolderError: if they are not those that were written.
        """
        ended = {row["replicate"]: ReplicateStatus(**row) for row in self._rows("statuses")}
        alive = Status.ALIVE.name.lower()
        known = {status.name.lower() for status in Status}
        for s in ended.values():
            if s.replicate >= self.replicates or s.tick > self.header["ticks"] or s.status not in known:
                raise FolderError(f"{self.folder / DATABASE}: is damaged (it has {s!r:.160}); run again with --out")
        return [ended.get(r, ReplicateStatus(r, alive, self.tick, "")) for r in range(self.replicates)]

    def log(self, name: str) -> Columns:
        """A log as columns, ordered by tick, replicate and its own key.

        Raises:
          FolderError: if the run keeps no such log, or a chunk is damaged.
        """
        return self._columns("log", name, self.header.get("logs", []))

    def frames(self, name: str) -> Columns:
        """What a camera took, as columns ordered by tick, replicate and its own key.

        Raises:
          FolderError: if the run has no such camera, or a chunk is damaged.
        """
        return self._columns("frames", name, self.header.get("frames", []))

    @cached_property
    def findings(self) -> list[dict[str, Any]]:
        """What was found, as plain values in the order in which it was declared; empty before the run is judged."""
        try:
            found = [json.loads(row["finding"]) for row in self._rows("findings")]
        except (ValueError, RecursionError) as error:
            raise FolderError(f"{self.folder / DATABASE}: is damaged (findings: {error})") from None
        if not all(isinstance(one, dict) for one in found):
            raise FolderError(f"{self.folder / DATABASE}: is damaged (a finding is no table)")
        return found

    def _columns(self, kind: str, name: str, kept: list[str]) -> Columns:
        if name not in kept:
            raise FolderError(f"{self.folder}: keeps no {kind} {name!r}; it has {', '.join(kept) or 'none'}")
        rows = sorted((r for r in self._rows("chunks") if r["log"] == name), key=lambda r: (r["first"], r["last"]))
        if not rows:
            known = {"replicate": ["int32"], "tick": ["int32"], **self.header.get("columns", {}).get(name, {})}
            empty = {column: np.zeros((0, *shape), kind) for column, (kind, *shape) in known.items()}
            return Columns(f"{self.folder}: its {kind} {name!r}", empty)
        chunks = []
        for row in rows:
            chunks.append(self._checked(str(self.folder / row["file"]), self._unpacked(row["file"], row["sha256"])))
            if chunks[-1].keys() != chunks[0].keys() or len(chunks[-1]["tick"]) != row["rows"]:
                raise FolderError(f"{self.folder / row['file']}: is damaged (its columns are not those of the record)")
        try:
            whole = {column: np.concatenate([chunk[column] for chunk in chunks]) for column in chunks[0]}
        except (ValueError, TypeError):
            raise FolderError(f"{self.folder}: the chunks of its {kind} {name!r} do not fit each other") from None
        return Columns(f"{self.folder}: its {kind} {name!r}", whole)

    def _checked(self, where: str, arrays: Mapping[str, np.ndarray]) -> Columns:
        """Columns of one length, whose replicates and ticks are those of this run."""
        columns = Columns(where, arrays)
        for name, most in (("replicate", self.replicates - 1), ("tick", self.header["ticks"])):
            values = columns[name]
            is_right = values.ndim == 1 and (values.dtype.kind in "iu" or not values.size)
            if not is_right or (values.size and not (values.min() >= 0 and values.max() <= most)):
                raise FolderError(f"{where}: is damaged ({name} must be whole numbers in 0 ... {most})")
        if any(values.ndim == 0 or len(values) != len(columns["tick"]) for values in arrays.values()):
            raise FolderError(f"{where}: is damaged (its columns differ in length)")
        if odd := [name for name, values in arrays.items() if values.dtype.kind not in "iubf"]:
            raise FolderError(f"{where}: is damaged ({odd[0]} holds what is no number)")
        return columns

    @cached_property
    def state(self) -> Columns:
        """The arrays of the newest checkpoint, by name."""
        rows = self._rows("checkpoints")
        if not rows:
            raise FolderError(f"{self.folder}: has no checkpoint yet")
        newest = max(rows, key=lambda row: row["tick"])
        return Columns(str(self.folder / newest["file"]), self._unpacked(newest["file"], newest["sha256"]))

    def _unpacked(self, file: str, sha256: str) -> dict[str, np.ndarray]:
        path = file_of(self.folder, file)
        try:
            content = read_whole(path)
        except OSError as error:
            raise FolderError(f"{path}: cannot be read ({error.strerror or error})") from None
        if checksum(content) != sha256:
            raise FolderError(f"{path}: is damaged (its checksum differs from the record's)")
        return unpack(content, path)

    @cached_property
    def identity(self) -> str:
        """SHA-256 of all that this record says, clock times too: what was made of it is made of this, or is stale.

        Costs no reading of logs and metrics, whose checksums stand in the database.
        """
        path = self.folder / DATABASE
        with database.connect(path, read_only=True) as db:
            kept = {table: database.whole_rows(db, table, path) for table in database.TABLES}
            sums = database.sums(db)
        if not sums:  # begun before there were any
            sums = [(name, values.tobytes()) for name, values in self.metrics.items()]
        return checksum(repr((self.header, self.config, kept, sums)).encode(errors="backslashreplace"))

    def digest(self) -> str:
        """SHA-256 over all rows in canonical order: equal exactly when two records say the same. Clock times aside."""
        return self._digest

    @cached_property
    def _digest(self) -> str:
        total = hashlib.sha256()

        def add(columns: dict[str, np.ndarray]) -> None:
            for name, values in columns.items():
                total.update(f"{name}:{values.dtype.kind}:{values.shape}".encode())
                flat, kind = values.reshape(-1), "<i8" if values.dtype.kind in "iub" else "<f8"
                for begin in range(0, flat.size, _AT_ONCE):  # eight times as large as most columns: never whole
                    total.update(flat[begin : begin + _AT_ONCE].astype(kind).tobytes())

        add(self.metrics)
        total.update(repr([(s.replicate, s.status, s.tick, s.cause) for s in self.statuses]).encode())
        for name in sorted(self.header.get("logs", [])):
            total.update(name.encode())
            add(self.log(name))
        return total.hexdigest()

    def _rows(self, table: str) -> list[dict[str, Any]]:
        path = self.folder / DATABASE
        with database.connect(path, read_only=True) as db:
            return database.whole_rows(db, table, path)


def load(folder: str | Path) -> Record:
    """Open a run folder for reading.

    Raises:
      FolderError: if it is no run folder or of another schema.
    """
    folder = Path(folder)
    record = Record(folder, read_header(folder))
    _check_agreement(record)
    return record


_OF_THE_PLAN = ("seed", "replicates", "ticks", "every", "interventions")


def _check_agreement(record: Record) -> None:
    """The header repeats what the configuration says; readers take it from either.

    Raises:
      FolderError: if they differ, or the configuration cannot be read.
    """
    try:
        configured = tomllib.loads(record.config)
    except (ValueError, RecursionError) as error:
        raise FolderError(f"{record.folder / CONFIG}: is damaged (not valid TOML: {error})") from None
    repeated = record.header["configuration"]  # the plan (seed, ticks, ...) stands apart, and goes by the header
    for name in configured.keys() & repeated.keys() - set(_OF_THE_PLAN):
        if repeated[name] != (value := configured[name]):
            raise FolderError(
                f"{record.folder}: {name} is {value!r:.60} in {CONFIG} and {repeated[name]!r:.60} in {HEADER}; "
                "one of them is damaged"
            )
