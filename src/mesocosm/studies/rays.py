"""A study on a cluster of Ray: actors that measure batches of cells, and one store, that of whoever asked.

An actor is a runner of its own (`mesocosm.studies.runner`) with one worker and a store in a temporary folder of its
node, so limits, statuses and rows are those of one machine; the rows come back and are kept here. No file system need
be shared. When a node dies, the batches of its actors are measured by others, and nothing else is. Ray Core alone is
needed (P. Moritz et al., "Ray: a distributed framework for emerging AI applications", 2018). No jax.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mesocosm.record import ConfigurationError, StorageError, needs
from mesocosm.studies import component
from mesocosm.studies.cell import Cell, Row
from mesocosm.studies.locks import Locks
from mesocosm.studies.runner import TRIES, Limits, Runner, Todo, batches, cleared, program_of
from mesocosm.studies.store import Store

_LOOK_EVERY = 1.0  # seconds: between looks for what is done, and for programs that another runner measures
_LEAST = 2, 40
_OURS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0", "RAY_DEDUP_LOGS": "0"}
"""Nobody is told that Ray is used here, and it is quiet."""


class Measurer:
    """What runs on a node: a worker, and a store that lasts as long as it does."""

    def __init__(self, components: dict[str, bytes], limits: dict[str, float]):
        self.folder = tempfile.TemporaryDirectory(prefix="mesocosm-ray-")
        files = []
        for k, (name, content) in enumerate(components.items()):  # two folders may have a file of the same name
            (path := Path(self.folder.name) / str(k) / Path(name).name).parent.mkdir()
            path.write_bytes(content)
            component.load_file(path)  # a batch is named by the parts of its cells
            files.append(path)
        self.store = Store(Path(self.folder.name) / "store")
        self.runner = Runner(self.store, Limits(**limits).resolved(1), files, None, 0, 1)

    def measure(self, cells: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Rows of a batch, as plain values, in its order."""
        batch = [Cell.from_dict(cell) for cell in cells]
        self.runner.run([batch])
        return [self.store.get(cell.identity)[1].to_dict() for cell in batch]


def run(
    cells: Sequence[Cell],
    store: Store,
    jobs: int | None = None,
    limits: Limits | None = None,
    components: Sequence[Path] = (),
    progress: Callable[[int, int], None] | None = None,
    retry: Sequence[str] = (),
    address: str | None = None,
) -> Todo:
    """Measure what is missing, as `mesocosm.studies.runner.run` does.

    Args:
      jobs: actors at most, a core each (default: as many as the cluster has cores).
      address: of the cluster (default: as `ray.init`: RAY_ADDRESS, one that runs here, else one that is begun here).

    Raises:
      MissingPackage: where ray is missing.
      ConfigurationError: where there is no such cluster; where the source of a part changes meanwhile.
      StorageError: if the store cannot be written; what was kept before is intact, and the same call goes on.
    """
    ray = _ray()
    limits = limits or Limits()
    lacking = cleared(cells, store, limits.resolved(jobs or 1), retry)
    if not lacking.cells:
        return lacking
    began_here = _connected(ray, address)
    try:
        texts = {str(path): path.read_bytes() for path in components}
        _Fleet(ray, store, jobs, limits, texts, progress, len(lacking.cells)).run(batches(lacking.cells))
    finally:
        if began_here:
            ray.shutdown()
    return lacking


def _ray() -> Any:
    os.environ.update({name: os.environ.get(name, value) for name, value in _OURS.items()})
    with needs("--on ray", "ray"):
        import ray  # type: ignore[import-not-found]
    if tuple(int(part) for part in re.findall(r"\d+", ray.__version__)[:2]) < _LEAST:
        wanted = ".".join(map(str, _LEAST))
        raise ConfigurationError(
            f"--on ray needs ray {wanted} or newer, here is {ray.__version__}: pip install 'ray>={wanted}'"
        )
    return ray


def _connected(ray: Any, address: str | None) -> bool:
    """Whether it was this call that connected."""
    if ray.is_initialized():
        return False
    _check_answers(address or os.environ.get("RAY_ADDRESS", ""))
    try:
        ray.init(
            address=address,
            include_dashboard=False if address == "local" else None,
            log_to_driver=False,
            logging_level="ERROR",
        )
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        where = address or os.environ.get("RAY_ADDRESS") or "here"
        said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ConfigurationError(
            f"--on ray: no cluster is at {where} ({said:.120}); begin one, `ray start --head`, or unset RAY_ADDRESS"
        ) from None
    return True


def _check_answers(address: str) -> None:
    """Ray itself tries for minutes where nobody answers, and then ends the process."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or "://" in address:
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
    except (OSError, OverflowError) as error:
        raise ConfigurationError(
            f"--on ray: no cluster is at {address} ({getattr(error, 'strerror', None) or error}); begin one, "
            "`ray start --head`, or unset RAY_ADDRESS"
        ) from None


class _Fleet:
    """The state of one call of `run`."""

    def __init__(
        self, ray: Any, store: Store, jobs: int | None, limits: Limits, texts: dict[str, bytes], progress: Any, n: int
    ):
        self.ray, self.store, self.jobs, self.progress, self.n = ray, store, jobs, progress, n
        paths = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]))
        actor = ray.remote(num_cpus=1, max_restarts=0)(Measurer)
        settings = actor.options(runtime_env={"env_vars": {"PYTHONPATH": paths}})
        self.hire = lambda: settings.remote(texts, asdict(limits))
        self.idle: list[Any] = []
        self.busy: dict[Any, tuple[Any, list[Cell]]] = {}
        self.queue: deque[list[Cell]] = deque()
        self.locks = Locks(store.folder / "locks")
        self.tries: dict[str, int] = {}
        self.done = 0
        self.is_told = False

    def run(self, todo: Sequence[list[Cell]]) -> None:
        self.queue.extend(todo)
        try:
            while self.queue or self.busy:
                self._hand_out()
                if not self.busy:
                    time.sleep(_LOOK_EVERY)  # another runner measures what is left
                    continue
                ready, _ = self.ray.wait(list(self.busy), timeout=_LOOK_EVERY)
                if not ready:
                    self._tell_that_none_is_free()
                for answer in ready:
                    self._hear(answer)
        finally:
            for actor in [*self.idle, *(actor for actor, _ in self.busy.values())]:
                with contextlib.suppress(Exception):  # its node may be gone
                    self.ray.kill(actor)
            for _, cells in self.busy.values():
                self.locks.release(program_of(cells[0]))

    def _tell_that_none_is_free(self) -> None:
        """Once, where the cluster has no core for anybody: it may grow, and then the study goes on."""
        if not self.is_told and not self.ray.cluster_resources().get("CPU", 0):
            self.is_told = True
            print(
                "note: --on ray: the cluster has no processor core; the study waits until it has one (Ctrl-C ends it, "
                "and what is kept stays)",
                file=sys.stderr,
            )

    def _most(self) -> int:
        cores = int(self.ray.cluster_resources().get("CPU", 1))
        return max(1, min(cores, self.jobs or cores))

    def _hand_out(self) -> None:
        """Give everybody who is idle a batch that no other runner has taken."""
        most = self._most()
        for _ in range(len(self.queue)):
            if not self.idle and len(self.busy) >= most:
                return
            cells = [cell for cell in self.queue.popleft() if not self._is_there(cell)]
            if not cells:
                continue
            if not self.locks.take(program_of(cells[0])):
                self.queue.append(cells)
                continue
            actor = self.idle.pop() if self.idle else self.hire()
            self.busy[actor.measure.remote([cell.to_dict() for cell in cells])] = actor, cells

    def _is_there(self, cell: Cell) -> bool:
        if self.store.has(cell.identity):
            self._count(1)
            return True
        return False

    def _hear(self, answer: Any) -> None:
        """Keep what was measured; a batch whose node died, or whose rows were lost with it, is tried again."""
        actor, cells = self.busy.pop(answer)
        self.locks.release(program_of(cells[0]))
        try:
            rows = self.ray.get(answer)
        except self.ray.exceptions.RayTaskError as error:
            raise _as_told(error) from None
        except self.ray.exceptions.RayError as error:
            if getattr(error, "actor_init_failed", False):
                raise ConfigurationError(
                    f"--on ray: a node cannot begin ({_last_line(error)}); install there what its components need"
                ) from None
            with contextlib.suppress(Exception):  # if it lives, nobody asks it any more
                self.ray.kill(actor)
            self._lost(cells, f"{type(error).__name__}: {_last_line(error)}")
            return
        if self.queue:
            self.idle.append(actor)
        else:  # its core may be what another, begun since a node died, waits for
            self.ray.kill(actor)
        for cell, row in zip(cells, rows, strict=True):
            self.store.put(cell, Row.from_dict(row))
        self._count(len(cells))

    def _lost(self, cells: list[Cell], cause: str) -> None:
        for cell in cells:
            tries = self.tries[cell.identity] = self.tries.get(cell.identity, 0) + 1
            if tries < TRIES:
                self.queue.appendleft([cell])
            else:
                self.store.put(cell, Row("error", cause=f"its node died, {TRIES} times ({cause})", from_outside=True))
                self._count(1)

    def _count(self, n: int) -> None:
        self.done += n
        if self.progress:
            self.progress(self.done, self.n)


def _as_told(error: Any) -> Exception:
    """What was raised on a node, as it would have been raised here."""
    cause = getattr(error, "cause", None) or error
    for kind in (StorageError, ConfigurationError):
        if isinstance(cause, kind):
            return kind(str(cause))
    return StorageError(f"--on ray: a node failed ({_last_line(cause)}); give the command again")


def _last_line(error: Any) -> str:
    """What it says in the end: before that Ray tells of processes and addresses."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1].strip()[:200]


__all__ = ["Measurer", "run"]
