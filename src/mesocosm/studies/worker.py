"""The process that measures: reads batches from its standard input, writes cells into the store, reports over a pipe.

It ends with all that it has started when its runner does: the end of its input is the sign.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mesocosm.record import StorageError
from mesocosm.record.folder import host, versions
from mesocosm.studies import component, task
from mesocosm.studies.cell import Cell, Row
from mesocosm.studies.failure import failed
from mesocosm.studies.processes import adopt_orphans, family
from mesocosm.studies.store import Store


def main() -> None:
    """`python -m mesocosm.studies.worker FD`: first line the store and files of components, then a batch a line."""
    adopt_orphans()
    pipe = int(sys.argv[1])
    os.set_inheritable(pipe, False)
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    source = os.dup(0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # a component that reads gets nothing, not our batches
    threading.Thread(target=_listen, args=(source, lines), daemon=True).start()
    setup = json.loads(lines.get())
    store = Store(Path(setup["store"]))
    for file in setup["components"]:
        component.load_file(Path(file))
    environment = {"versions": versions(), "host": host()}
    while True:
        cells = [Cell.from_dict(values) for values in json.loads(lines.get())]
        try:
            _measure(cells, store, environment, pipe)
        except StorageError as error:
            _report(pipe, storage=str(error))
        _report(pipe, batch="done")


def _listen(source: int, lines: queue.SimpleQueue[bytes]) -> None:
    with os.fdopen(source, "rb") as file:
        for line in file:
            lines.put(line)
    _leave()


def _leave() -> None:
    """End with all that was started: the runner is gone."""
    for pid in family(os.getpid()):
        if pid != os.getpid():
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                continue
    os._exit(0)


def _measure(cells: list[Cell], store: Store, environment: dict[str, Any], pipe: int) -> None:
    """Every cell of the batch becomes a row."""
    waiting = {cell.identity: cell for cell in cells if not store.has(cell.identity)}

    def keep(cell: Cell, row: Row) -> None:
        store.put(cell, replace(row, environment=environment))
        waiting.pop(cell.identity, None)
        _report(pipe, cell=cell.identity)

    for cell in cells:
        if cell.identity not in waiting:
            _report(pipe, cell=cell.identity)
    if not waiting:
        return
    if _code(task.versions_of(cells[0])) != _code(cells[0].versions):
        _report(pipe, stale=f"{cells[0].task}: the source of its parts has changed since the study began")
        return
    left = Row("error", cause="the task gave no row for this cell")
    try:
        with store.workplace() as work:
            for cell, row in task.find(cells[0].task).measure(list(waiting.values()), work):
                keep(cell, row)
    except StorageError:
        raise
    except (Exception, SystemExit) as error:
        left = failed(error)
    for cell in list(waiting.values()):
        keep(cell, left)


def _code(versions: Mapping[str, str]) -> dict[str, str]:
    """Versions without those of files: a part may write to one that it names."""
    return {name: version for name, version in versions.items() if name != component.FILES}


def _report(pipe: int, **what: str) -> None:
    try:
        os.write(pipe, (json.dumps(what) + "\n").encode())
    except BrokenPipeError:  # nobody listens: no fault of the cells that are still to be measured
        _leave()


if __name__ == "__main__":
    main()
