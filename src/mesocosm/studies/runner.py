"""From the cells of a study to rows in a store: long-lived workers in sessions of their own, watched from outside.

Nothing that is in the store is measured again, failures excepted whose cause lay outside. A batch that breaks a limit,
or whose worker dies, is ended with all that it has started, and its cells are tried one by one; a cell that breaks a
limit alone is a row that says so. No jax.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import selectors
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from mesocosm.record import ConfigurationError, StorageError
from mesocosm.record.folder import host, versions
from mesocosm.studies import processes, task
from mesocosm.studies.cell import Cell, Row
from mesocosm.studies.failure import ENDED_FROM_OUTSIDE
from mesocosm.studies.locks import Locks
from mesocosm.studies.store import Store, batch_of

MOST_IN_A_BATCH = 64
TRIES = 3
"""A cell whose worker dies of itself so often is a row with the status `error`."""
SECONDS = 3600.0
"""Wall time that a batch may take, unless the study says otherwise."""
_LOOK_EVERY = 0.2  # seconds between looks at the clock and at memory
_TAIL = 4000  # bytes kept of what a worker prints


@dataclass(frozen=True)
class Limits:
    """For one batch: wall time, and what its worker may hold resident with all that it has started."""

    seconds: float = SECONDS
    megabytes: float = 0.0

    def resolved(self, jobs: int) -> Limits:
        """With a share of this machine's memory where none is given."""
        share = 0.8 * processes.memory_bytes() / 2**20 / max(1, jobs)
        return replace(self, megabytes=self.megabytes or share)


@dataclass(eq=False)
class _Worker:
    """A worker process; the batch that it has, until it says that it is done; the cells of it without a row."""

    process: subprocess.Popen[bytes]
    reports: int
    batch: list[Cell] = field(default_factory=list)
    open: dict[str, Cell] = field(default_factory=dict)
    program: str = ""
    began: float = 0.0
    unread: bytes = b""
    printed: bytes = b""


def batches(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Cells of one program together, in the order in which programs first appear."""
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.task, task.find(cell.task).batch(cell)), []).append(cell)
    return [g[k : k + MOST_IN_A_BATCH] for g in groups.values() for k in range(0, len(g), MOST_IN_A_BATCH)]


@dataclass(frozen=True)
class Todo:
    """What a store lacks of some cells; nothing is written to find out.

    Args:
      cells: to be measured, each once.
      again: of these, rows that are there and no result: their cause lay outside, or they are to be tried again.
      damaged: of these, by identity, what is wrong with the file that is there.
    """

    cells: list[Cell]
    again: dict[str, Row]
    damaged: dict[str, str]


def todo(cells: Sequence[Cell], store: Store, limits: Limits | None = None, retry: Sequence[str] = ()) -> Todo:
    """What is to be measured: what is not there, what is damaged, and failures that are no result.

    Args:
      retry: statuses whose rows are tried again in any case.
    """
    rows = {cell.identity: row for cell, row in store.rows(cells)}
    again = {i: row for i, row in rows.items() if _is_void(row, limits or Limits(), retry)}
    wanted = {c.identity: c for c in cells if c.identity not in rows or c.identity in again}
    damaged = {i: fault for i in wanted if i not in again and (fault := store.fault(i))}
    return Todo(list(wanted.values()), again, damaged)


def _is_void(row: Row, limits: Limits, retry: Sequence[str]) -> bool:
    """Whether a row is no result: caused from outside, or by a limit that is wider now."""
    broke = row.environment.get("limit")
    now = {"timeout": limits.seconds, "memory": limits.megabytes}.get(row.status)
    is_wider = isinstance(broke, int | float) and now is not None and now > 1.01 * broke
    return row.status != "ok" and (row.from_outside or row.status in retry or is_wider)


def run(
    cells: Sequence[Cell],
    store: Store,
    jobs: int = 1,
    limits: Limits | None = None,
    components: Sequence[Path] = (),
    progress: Callable[[int, int], None] | None = None,
    retry: Sequence[str] = (),
) -> Todo:
    """Measure what is missing.

    Args:
      jobs: workers.
      components: files that each worker loads first.
      progress: called with (cells done, cells to be done).
      retry: as of `todo`.

    Returns:
      What was missing.

    Raises:
      StorageError: if the store cannot be written; what was kept before is intact, and the same call goes on.
      ConfigurationError: if the source of a part changes meanwhile.
    """
    limits = (limits or Limits()).resolved(jobs)
    lacking = cleared(cells, store, limits, retry)
    if lacking.cells:
        with contextlib.closing(Runner(store, limits, components, progress, len(lacking.cells), jobs)) as runner:
            runner.run(batches(lacking.cells))
    if n := sum(not store.has(cell.identity) for cell in cells):
        raise StorageError(f"{store.folder}: {n} cells that were measured have gone; the same command goes on")
    return lacking


def cleared(cells: Sequence[Cell], store: Store, limits: Limits, retry: Sequence[str] = ()) -> Todo:
    """What a store lacks, which then has no file in the place of any of it. Arguments as of `todo`."""
    lacking = todo(cells, store, limits, retry)
    store.sweep()
    for identity in lacking.damaged:
        store.set_aside(identity)
    for identity in lacking.again:
        store.withdraw(identity, lambda row: _is_void(row, limits, retry))
    return lacking


class Runner:
    """The state of one call of `run`."""

    def __init__(self, store: Store, limits: Limits, components: Sequence[Path], progress: Any, n: int, jobs: int):
        self.store, self.limits, self.progress, self.n, self.jobs = store, limits, progress, n, jobs
        files = [str(path.resolve()) for path in components]
        self.setup = json.dumps({"store": str(store.folder.resolve()), "components": files})
        self.environment = {"versions": versions(), "host": host()}
        self.selector = selectors.DefaultSelector()
        self.workers: list[_Worker] = []
        self.queue: deque[list[Cell]] = deque()
        self.locks = Locks(store.folder / "locks")
        self.tries: dict[str, int] = {}
        self.done: set[str] = set()

    def run(self, todo: Sequence[list[Cell]]) -> None:
        self.queue.extend(todo)
        looked = 0.0
        while self.queue or any(worker.batch for worker in self.workers):
            self._hand_out()
            for key, _ in self.selector.select(_LOOK_EVERY):
                worker, is_report = key.data
                if worker in self.workers:
                    (self._hear if is_report else self._drain)(worker)
            if time.monotonic() - looked > _LOOK_EVERY:
                looked = time.monotonic()
                for worker in list(self.workers):
                    self._watch(worker)

    def close(self) -> None:
        for worker in list(self.workers):
            self._dismiss(worker)
        self.selector.close()

    def _hand_out(self) -> None:
        """Give every idle worker a batch that nobody else has taken."""
        for _ in range(len(self.queue)):
            idle = next((w for w in self.workers if not w.batch), None)
            if idle is None and len(self.workers) >= self.jobs:
                return
            cells = self.queue.popleft()
            program = program_of(cells[0])
            if not self.locks.take(program):  # another runner measures these: look again later
                self.queue.append(cells)
                continue
            batch = [cell for cell in cells if not self._is_there(cell)]
            if not batch:
                self.locks.release(program)
                continue
            worker = idle or self._hire()
            worker.batch, worker.open, worker.program = batch, {c.identity: c for c in batch}, program
            worker.began, worker.printed = time.monotonic(), b""
            try:
                assert worker.process.stdin is not None
                worker.process.stdin.write((json.dumps([c.to_dict() for c in batch]) + "\n").encode())
                worker.process.stdin.flush()
            except OSError:  # it has died: seen when its pipe is read
                continue

    def _is_there(self, cell: Cell) -> bool:
        if self.store.has(cell.identity):
            self._count(cell.identity)
            return True
        return False

    def _hire(self) -> _Worker:
        read, write = os.pipe()
        process = subprocess.Popen(
            [sys.executable, "-m", "mesocosm.studies.worker", str(write)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=[write],
            env=surroundings(),
        )
        os.close(write)
        worker = _Worker(process, read)
        assert process.stdout is not None and process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.write((self.setup + "\n").encode())
        self.selector.register(read, selectors.EVENT_READ, (worker, True))
        self.selector.register(process.stdout, selectors.EVENT_READ, (worker, False))
        self.workers.append(worker)
        return worker

    def _dismiss(self, worker: _Worker) -> None:
        """End a worker and all that it has started."""
        self.workers.remove(worker)
        self._forget(worker.reports)
        self._forget(worker.process.stdout)
        processes.end(worker.process)
        for left in self.store.folder.glob(f"work/{batch_of(worker.process.pid)}*"):
            shutil.rmtree(left, ignore_errors=True)
        os.close(worker.reports)
        for stream in (worker.process.stdin, worker.process.stdout):
            with contextlib.suppress(OSError):
                assert stream is not None
                stream.close()
        self._put_down(worker)

    def _forget(self, pipe: IO[bytes] | int | None) -> None:
        with contextlib.suppress(KeyError, ValueError):  # its end was seen before
            self.selector.unregister(pipe)  # type: ignore[arg-type]

    def _put_down(self, worker: _Worker) -> None:
        """Its batch is done, or taken from it."""
        if worker.batch:
            self.locks.release(worker.program)
        worker.batch, worker.open = [], {}

    def _hear(self, worker: _Worker) -> None:
        """Read the reports of a worker; their end is its death."""
        content = os.read(worker.reports, 1 << 16)
        if not content:
            self._died(worker)
            return
        *lines, worker.unread = (worker.unread + content).split(b"\n")
        for line in lines:
            report = json.loads(line)
            if "storage" in report:
                raise StorageError(report["storage"])
            if "stale" in report:
                raise ConfigurationError(
                    f"{report['stale']}; give the same command again, which begins with it as it is"
                )
            if "cell" in report:
                worker.open.pop(report["cell"], None)
                self._count(report["cell"])
            if "batch" in report:
                self._put_down(worker)
                if len(processes.family(worker.process.pid)) > 1:  # it has left somebody behind
                    self._dismiss(worker)

    def _drain(self, worker: _Worker) -> None:
        """What a worker prints is read so that it never waits, and its end kept for a cause."""
        assert worker.process.stdout is not None
        content = os.read(worker.process.stdout.fileno(), 1 << 16)
        if not content:
            self._forget(worker.process.stdout)
        worker.printed = (worker.printed + content)[-_TAIL:]

    def _watch(self, worker: _Worker) -> None:
        """Hold a worker with a batch against the limits."""
        if not worker.batch:
            return
        seconds = time.monotonic() - worker.began
        megabytes = sum(processes.family(worker.process.pid).values()) / 2**20
        most = self.limits.megabytes
        if megabytes > most:
            self._broke(worker, "memory", f"{megabytes:.0f} MB resident, permitted are {most:.0f}", most)
        elif seconds > self.limits.seconds:
            cause = f"not done after {self.limits.seconds:g} s of wall time"
            self._broke(worker, "timeout", cause, self.limits.seconds)

    def _broke(self, worker: _Worker, status: str, cause: str, limit: float) -> None:
        cells = [c for c in worker.batch if c.identity in worker.open]
        is_single = len(worker.batch) == 1
        self._dismiss(worker)
        if is_single:
            for cell in cells:
                self._keep(cell, Row(status, cause=cause, environment={"limit": limit}))
        else:
            self.queue.extendleft([c] for c in reversed(cells))

    def _died(self, worker: _Worker) -> None:
        """Its cells are tried again, one by one; a cell that is alone and kills its worker every time is an error."""
        cells = list(worker.open.values())
        is_single = len(worker.batch) == 1
        with contextlib.suppress(OSError, ValueError):
            self._drain(worker)
        self._dismiss(worker)
        code = worker.process.returncode
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        for cell in reversed(cells):
            tries = self.tries[cell.identity] = self.tries.get(cell.identity, 0) + is_single
            if tries < TRIES:
                self.queue.appendleft([cell])
                continue
            said = worker.printed.decode("utf-8", "replace").strip().splitlines()
            last = f"; it last printed: {said[-1][:300]}" if said else ""
            cause = f"its worker ended with {how}, {TRIES} times{last}"
            self._keep(cell, Row("error", cause=cause, from_outside=-code in ENDED_FROM_OUTSIDE))

    def _keep(self, cell: Cell, row: Row) -> None:
        self.store.put(cell, replace(row, environment={**self.environment, **row.environment}))
        self._count(cell.identity)

    def _count(self, identity: str) -> None:
        self.done.add(identity)
        if self.progress:
            self.progress(len(self.done), self.n)


def program_of(cell: Cell) -> str:
    """The name of a program: what two runners must not measure at the same time."""
    return hashlib.sha256(f"{cell.task} {task.find(cell.task).batch(cell)}".encode()).hexdigest()[:16]


def surroundings() -> dict[str, str]:
    """The environment of a worker: one device and one thread each, and the packages that this process sees."""
    flags = re.sub(r"--xla_force_host_platform_device_count=\d+", "", os.environ.get("XLA_FLAGS", ""))
    flags += " --xla_force_host_platform_device_count=1"
    if "--xla_cpu_multi_thread_eigen" not in flags:
        flags += " --xla_cpu_multi_thread_eigen=false"
    home = str(Path(__file__).resolve().parents[2])
    threads = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    path = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH", "")]))
    inherited = {name: value for name, value in os.environ.items() if name not in processes.JAX_FLAGS}
    return {**threads, **inherited, "XLA_FLAGS": flags.strip(), "PYTHONPATH": path}
