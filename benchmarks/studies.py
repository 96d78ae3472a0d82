"""What a study costs beside its measurements: `python -m benchmarks.studies`. Cells that measure nothing.

Overhead a cell (batched, and one program a cell), two workers against two processes of their own (in turns, in one
run), 10,000 cells listed, scored and indexed.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mesocosm.studies import component, runner
from mesocosm.studies.cell import Row
from mesocosm.studies.scoring import score
from mesocosm.studies.store import Store
from mesocosm.studies.study import Study, from_dict

PARTS = Path(__file__).with_name("studies_parts.py")
ROUNDS, LOOPS, PROGRAMS, SEEDS = 5, 1_500_000, 16, 2


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
    """Throughput of two workers over that of two independent Python processes doing the same, in turns."""
    asked, ratios = study("arithmetic", PROGRAMS, SEEDS, LOOPS), []
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import studies_parts as p\n"
        f"for k in range(int(sys.argv[2]), {PROGRAMS}, 2):\n"
        f"    for seed in range({SEEDS}): p.arithmetic(k)(seed, {LOOPS})"
    )
    words = [sys.executable, "-c", code, str(PARTS.parent)]
    for round in range(ROUNDS):
        began = time.perf_counter()
        both = [subprocess.Popen([*words, str(k)], env=runner.surroundings()) for k in range(2)]
        for process in both:
            process.wait()
        alone = time.perf_counter() - began
        began = time.perf_counter()
        runner.run(asked.cells, Store(folder / f"round-{round}"), 2, None, [PARTS])
        ratios.append(alone / (time.perf_counter() - began))
    print(f"two workers / two processes: {statistics.median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}]")


def ten_thousand(folder: Path) -> None:
    """Index, list and score 10,000 cells."""
    store, asked = Store(folder / "many"), study("nothing", 10, 20, contexts=50)
    began = time.perf_counter()
    cells = asked.cells
    for k, cell in enumerate(cells):
        store.put(cell, Row.of(float(k % 97), environment={"versions": {"python": "3"}}))
    print(f"{len(cells)} cells written: {1000 * (time.perf_counter() - began) / len(cells):.2f} ms each")
    for index in store.folder.glob("index-*.sqlite"):
        index.unlink()
    began = time.perf_counter()
    store.index().close()
    print(f"index built from the folders: {time.perf_counter() - began:.2f} s")
    began = time.perf_counter()
    rows = store.rows(cells)
    listed = time.perf_counter()
    failed = sum(row.status != "ok" for _, row in rows)
    score(asked, rows)
    done = time.perf_counter()
    print(f"listed and filtered: {listed - began:.2f} s ({failed} failed); scored: {done - listed:.2f} s")
    began = time.perf_counter()
    _ = study("nothing", 10, 20, contexts=50).cells
    print(f"grid of the study, identities not yet: {time.perf_counter() - began:.2f} s")


def main() -> None:
    component.load_file(PARTS)
    with tempfile.TemporaryDirectory() as folder:
        for part in (overhead, two_workers, ten_thousand):
            part(Path(folder))


if __name__ == "__main__":
    main()
