"""Which worlds a run folder shows, and reading them anew while the run is still being written."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from threading import Lock

from mesocosm.player.encoder.recording import filming
from mesocosm.protocol.reading import follow_ups_of
from mesocosm.protocol.scenes import filmed
from mesocosm.record import FolderError, MesocosmError, Record, RunStatus, load
from mesocosm.viewer.world import World

_ANEW_AFTER_SECONDS = 2.0


class Place:
    """A world of a run folder; while the run is being written it is read again every two seconds at most."""

    def __init__(self, folder: Path, replicate: int, title: str) -> None:
        self.folder, self.replicate, self.title = folder, replicate, title
        self._lock, self._read_at = Lock(), 0.0
        self._world: World | None = None

    def world(self) -> World:
        """The world as far as it is written.

        Raises:
          FolderError: if it cannot be read, or has no frames yet.
        """
        with self._lock:
            old = self._world
            is_due = time.monotonic() - self._read_at > _ANEW_AFTER_SECONDS
            if old is None:
                self._world = self._read()
            elif is_due and old.status == RunStatus.RUNNING:
                with suppress(MesocosmError):  # what was read before goes on being shown
                    self._world = self._read()
            self._read_at = time.monotonic() if old is None or is_due else self._read_at
            assert self._world is not None
            return self._world

    def _read(self) -> World:
        """The world, read whole before it is shown."""
        return World(load(self.folder), self.replicate, self.title).read()


def places(folders: list[Path], replicate: int | None = None) -> list[Place]:
    """The worlds to show side by side: of each run its own frames, else those of its assays, else its measures.

    Raises:
      FolderError: if a folder is no run, or has no such world.
    """
    return [place for folder in folders for place in _of(load(folder), replicate, len(folders) > 1)]


def _of(record: Record, replicate: int | None, is_one_of_many: bool) -> list[Place]:
    name = record.folder.resolve().name
    own, whose = filming(record)  # cameras may be there and take nothing
    if replicate is not None and not 0 <= replicate < record.replicates:
        raise FolderError(f"--replicate {replicate}: {record.folder} has the worlds 0 ... {record.replicates - 1}")
    if not own and replicate is None:
        before = f"{name}: " if is_one_of_many else ""
        if out := [Place(assay.folder, shown, before + title) for assay, shown, title in _filmed(record)]:
            return out
    shown = replicate
    if shown is None:
        shown = max(0, whose) if own else 0
    return [Place(record.folder, shown, name if is_one_of_many else f"world {shown}")]


def _filmed(record: Record) -> list[tuple[Record, int, str]]:
    """The assays of a run that kept frames, founders first: the record, whose frames they are, what they show."""
    assays = [(name, assay, filmed(assay)) for name, assay in follow_ups_of(record).items()]
    out = [(assay, k, name.removeprefix("garden-").replace("-", " ")) for name, assay, k in assays if k is not None]
    return sorted(out, key=lambda shown: shown[2] != "founders")
