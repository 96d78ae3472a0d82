"""Which worlds a run folder shows, and reading them anew while the run is still being written."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from threading import Lock

from mesocosm.experiments.assay.analysis import assays_of
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
        new = World(load(self.folder), self.replicate, self.title)
        _ = new.status  # before the frames: what is written after it is read the next time
        _ = new.ticks, new.sources, new.columns, new.fields
        return new


def places(folders: list[Path], replicate: int | None = None) -> list[Place]:
    """The worlds to show side by side: of each run its own frames, else its founders and its evolved.

    Raises:
      FolderError: if a folder is no run, or neither it nor its assays keep frames.
    """
    return [place for folder in folders for place in _of(load(folder), replicate, len(folders) > 1)]


def _of(record: Record, replicate: int | None, is_one_of_many: bool) -> list[Place]:
    configuration = record.header["configuration"]
    name = record.folder.resolve().name
    if configuration.get("frames_every"):
        kept = max(0, int(configuration.get("frames_of", 0)))
        shown = kept if replicate is None else replicate
        return [Place(record.folder, shown, name if is_one_of_many else f"world {shown}")]
    found = assays_of(record)
    gardens = [(kind, found[f"garden-{kind}"]) for kind in ("founders", "evolved") if f"garden-{kind}" in found]
    out = []
    for kind, garden in gardens:
        taken = garden.frames("bodies")["replicate"] if "bodies" in garden.header.get("frames", []) else None
        if taken is not None and taken.size:
            out.append(Place(garden.folder, int(taken[0]), f"{name}: {kind}" if is_one_of_many else kind))
    if not out:
        if "frames_every" not in configuration:
            raise FolderError(
                f"{record.folder}: {record.header['experiment']} takes no frames; there is nothing to watch"
            )
        raise FolderError(
            f"{record.folder}: keeps no frames to watch; run it with `--frames-every 4` to keep every fourth tick"
        )
    return out
