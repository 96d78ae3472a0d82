"""Reading a record: plain arrays, without jax."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mesocosm.record import database
from mesocosm.record.errors import FolderError
from mesocosm.record.folder import CONFIG, DATABASE, checksum, is_locked, read_header, unpack
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
        return int(self.header["replicates"])

    @property
    def config(self) -> str:
        """The resolved configuration (TOML)."""
        return (self.folder / CONFIG).read_text("utf-8")

    @cached_property
    def tick(self) -> int:
        """The tick up to which the record goes."""
        return int(self._rows("SELECT coalesce(max(tick), 0) FROM checkpoints")[0][0])

    @cached_property
    def seconds(self) -> float:
        """Wall time of the run so far, compilation included."""
        return float(self._rows("SELECT coalesce(max(seconds), 0) FROM clock")[0][0])

    @cached_property
    def metrics(self) -> dict[str, np.ndarray]:
        """Columns `replicate`, `tick` and one for each measure; rows ordered by tick, then replicate.

        Raises:
          FolderError: if they are not those that were written.
        """
        with database.connect(self.folder / DATABASE, read_only=True) as db:
            names, rows = database.whole_metrics(db, self.folder / DATABASE)
        columns = zip(*rows, strict=True) if rows else ([] for _ in names)
        arrays = {  # SQLite keeps what is not a number as nothing
            name: np.array([np.nan if value is None else value for value in column])
            for name, column in zip(names, columns, strict=True)
        }
        for name, values in arrays.items():
            if values.dtype.kind not in "if":
                raise FolderError(f"{self.folder / DATABASE}: is damaged (metrics.{name} holds what is no number)")
        return arrays

    @cached_property
    def statuses(self) -> list[ReplicateStatus]:
        """One for each replicate, in order; those that still live have the status `alive`."""
        ended = {row[0]: ReplicateStatus(*row) for row in self._rows("SELECT * FROM statuses")}
        alive = Status.ALIVE.name.lower()
        return [ended.get(r, ReplicateStatus(r, alive, self.tick, "")) for r in range(self.replicates)]

    def log(self, name: str) -> dict[str, np.ndarray]:
        """A log as columns, ordered by tick, replicate and its own key.

        Raises:
          FolderError: if the run keeps no such log, or a chunk is damaged.
        """
        return self._columns("log", name, self.header.get("logs", []))

    def frames(self, name: str) -> dict[str, np.ndarray]:
        """What a camera took, as columns ordered by tick, replicate and its own key.

        Raises:
          FolderError: if the run has no such camera, or a chunk is damaged.
        """
        return self._columns("frames", name, self.header.get("frames", []))

    @cached_property
    def findings(self) -> list[dict[str, Any]]:
        """What was found, as plain values in the order in which it was declared; empty before the run is judged."""
        rows = self._rows("SELECT finding FROM findings ORDER BY rowid")
        try:
            return [json.loads(row[0]) for row in rows]
        except (TypeError, ValueError) as error:
            raise FolderError(f"{self.folder / DATABASE}: is damaged (findings: {error})") from None

    def _columns(self, kind: str, name: str, kept: list[str]) -> dict[str, np.ndarray]:
        if name not in kept:
            raise FolderError(f"{self.folder}: keeps no {kind} {name!r}; it has {', '.join(kept) or 'none'}")
        chunks = []
        query = "SELECT file, sha256 FROM chunks WHERE log = ? ORDER BY first, last"
        for file, sha256 in self._rows(query, (name,)):
            chunks.append(self._unpacked(file, sha256))
        if not chunks:
            return {"replicate": np.zeros(0, np.int32), "tick": np.zeros(0, np.int32)}
        return {column: np.concatenate([chunk[column] for chunk in chunks]) for column in chunks[0]}

    @cached_property
    def state(self) -> dict[str, np.ndarray]:
        """The arrays of the newest checkpoint, by name."""
        newest = self._rows("SELECT file, sha256 FROM checkpoints ORDER BY tick DESC LIMIT 1")
        if not newest:
            raise FolderError(f"{self.folder}: has no checkpoint yet")
        return self._unpacked(*newest[0])

    def _unpacked(self, file: str, sha256: str) -> dict[str, np.ndarray]:
        try:
            content = (self.folder / file).read_bytes()
        except (OSError, ValueError, TypeError) as error:
            raise FolderError(f"{self.folder / str(file)}: cannot be read ({error})") from None
        if checksum(content) != sha256:
            raise FolderError(f"{self.folder / file}: is damaged (its checksum differs from the record's)")
        return unpack(content)

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

    def _rows(self, query: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with database.connect(self.folder / DATABASE, read_only=True) as db:
            return db.execute(query, arguments).fetchall()


def load(folder: str | Path) -> Record:
    """Open a run folder for reading.

    Raises:
      FolderError: if it is no run folder or of another schema.
    """
    folder = Path(folder)
    return Record(folder, read_header(folder))
