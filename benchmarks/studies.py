"""What a study costs beside its measurements: `python -m benchmarks.studies [PART ...]`. Cells that measure nothing.

Overhead a cell (batched, and one program a cell), two workers against two processes of their own (in turns, in one
run), 10,000 cells listed, scored and indexed.
"""

from __future__ import annotations

import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mesocosm.findings.intervals import t_interval
from mesocosm.studies import component, runner
from mesocosm.studies.cell import Row
from mesocosm.studies.scoring import score
from mesocosm.studies.store import Store
from mesocosm.studies.study import Study, from_dict

PARTS = Path(__file__).with_name("studies_parts.py")
ROUNDS, LOOPS, PROGRAMS, SEEDS = 8, 1_500_000, 16, 2


def study(subject: str, n: int, seeds: int, budget: float = 1, contexts: int = 1) -> Study:
    """`n` programs that differ in a number."""
    parts = [{"component": subject, "number": k} for k in range(n)]
    values = {"name": "cost", "question": "?", "tasks": ["call/nothing"], "seeds": seeds, "budget": {"calls": budget}}
    values |= {"minimal_effect": 0.1, "vary": {"subject": parts}}
    return from_dict(values | ({"contexts": {"level": list(range(contexts))}} if contexts > 1 else {}))


def overhead(folder: Path) -> None:
    """Wall time a cell of a study that measures nothing, one worker; its start is shown apart."""
    for words, n, seeds in (("batches of 50", 20, 50), ("one cell a program", 500, 1)):
        store = Store(folder / words)
        first = time.perf_counter()
        runner.run(study("nothing", 1, 1).cells, store, 1, None, [PARTS])
        began = time.perf_counter()
        cells = study("nothing", n, seeds).cells
        runner.run(cells, store, 1, None, [PARTS])
        took, start = time.perf_counter() - began, began - first
        print(f"overhead, {words}: {1000 * (took - start) / len(cells):.2f} ms a cell (start {start:.2f} s)")


def two_workers(folder: Path) -> None:
    """Throughput of two workers over that of two independent Python processes doing the same, their start included.

    Pairs of turns, the side that begins alternating; of the logarithms of ratios Student's interval. The ratio of the
    processor time that both have used says what the workers themselves cost, whoever else is on the machine.
    """
    asked = study("arithmetic", PROGRAMS, SEEDS, LOOPS)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import studies_parts as p\n"
        f"for k in range(int(sys.argv[2]), {PROGRAMS}, 2):\n"
        f"    for seed in range({SEEDS}): p.arithmetic(k)(seed, {LOOPS})"
    )
    words = [sys.executable, "-c", code, str(PARTS.parent)]

    def alone(turn: int) -> None:
        both = [subprocess.Popen([*words, str(k)], env=runner.surroundings()) for k in range(2)]
        for process in both:
            process.wait()

    def workers(turn: int) -> None:
        runner.run(asked.cells, Store(folder / f"turn-{turn}"), 2, None, [PARTS])

    walls, processors = [], []
    for turn in range(ROUNDS):
        took = {side: _timed(side, turn) for side in ((alone, workers) if turn % 2 else (workers, alone))}
        walls.append(math.log(took[alone][0] / took[workers][0]))
        processors.append(math.log(took[alone][1] / took[workers][1]))
    for what, logs in (("seconds", walls), ("processor time", processors)):
        estimate, low, high = (math.exp(float(v)) for v in t_interval(np.array(logs)))
        print(f"two workers / two processes, {what}: {estimate:.2f} [{low:.2f}, {high:.2f}], {ROUNDS} pairs of turns")


def _timed(side: Callable[[int], None], turn: int) -> tuple[float, float]:
    """Wall time, and processor time of this process and of all that it waited for."""
    began, used = time.perf_counter(), _used()
    side(turn)
    return time.perf_counter() - began, _used() - used


def _used() -> float:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(of.ru_utime + of.ru_stime for of in both)


def ten_thousand(folder: Path) -> None:
    """Index, list and score 10,000 cells; seconds of the wall, and in brackets of the processor."""
    store, asked = Store(folder / "many"), study("nothing", 10, 20, contexts=50)

    def put(turn: int) -> None:
        for k, cell in enumerate(asked.cells):
            store.put(cell, Row.of(float(k % 97), environment={"versions": {"python": "3"}}))

    def rebuild(turn: int) -> None:
        for index in store.folder.glob("index-*.sqlite"):
            index.unlink()
        store.rows(asked.cells[:1])

    def listed(turn: int) -> None:
        assert not sum(row.status != "ok" for _, row in store.rows(asked.cells))

    def scored(turn: int) -> None:
        score(asked, store.rows(asked.cells))

    parts = {"written": put, "index built from the folders": rebuild, "listed and filtered": listed}
    for what, part in (parts | {"listed and scored": scored}).items():
        wall, processor = _timed(part, 0)
        print(f"{len(asked.cells)} cells, {what}: {wall:.2f} s ({processor:.2f} s)")


def main() -> None:
    """All of it, or the parts that are named."""
    component.load_file(PARTS)
    parts = {part.__name__: part for part in (overhead, two_workers, ten_thousand)}
    with tempfile.TemporaryDirectory() as folder:
        for name in sys.argv[1:] or parts:
            parts[name](Path(folder))


if __name__ == "__main__":
    main()
