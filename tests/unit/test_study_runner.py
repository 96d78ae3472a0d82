"""The runner: nothing lost, nothing repeated, every fault a row."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mesocosm.record import ConfigurationError, FolderError, StorageError
from mesocosm.reports.study import causes
from mesocosm.studies import component, processes, runner
from mesocosm.studies.runner import Limits, run
from mesocosm.studies.scoring import score
from mesocosm.studies.store import Store
from mesocosm.studies.study import Study, from_dict

PARTS = Path(__file__).with_name("study_parts.py")
component.load_file(PARTS)


def study(*subjects, seeds=2, **more) -> Study:
    values = {"name": "toy", "question": "?", "tasks": ["call/toy"], "budget": {"calls": 1}, "minimal_effect": 0.5}
    return from_dict(values | {"seeds": seeds, "vary": {"subject": list(subjects)}} | more)


def measured(asked, tmp_path, jobs=2, **limits):
    store = Store(tmp_path / "store")
    run(asked.cells, store, jobs, Limits(**limits), [PARTS])
    return store.rows(asked.cells)


def test_every_bad_component_is_a_row_and_the_study_goes_on(tmp_path):
    note = tmp_path / "children"
    bad = [
        "absent",
        "raises",
        "hangs",
        "prints",
        "nan",
        "shaped",
        "leaks",
        "exits",
        {"component": "forks", "note": str(note)},
    ]
    asked = study("noisy", *bad, seeds=1)
    hanging, others = (replace(asked, vary={"subject": s}) for s in (("hangs",), ("noisy", *bad[:2], *bad[3:])))
    cells = asked.cells  # before one of them writes into the file that it names
    measured(others, tmp_path, seconds=60, megabytes=500)  # of wall time, on a busy machine
    measured(hanging, tmp_path, seconds=2)
    rows = Store(tmp_path / "store").rows(cells)
    found = {cell.parts["subject"] if i < 9 else "forks": row for i, (cell, row) in enumerate(rows)}
    statuses = {name: row.status for name, row in found.items()}
    assert statuses == {
        "noisy": "ok",
        "absent": "skipped",
        "raises": "error",
        "hangs": "timeout",
        "prints": "ok",
        "nan": "diverged",
        "shaped": "error",
        "leaks": "memory",
        "exits": "error",
        "forks": "ok",
    }
    assert found["absent"].cause == "the package is not installed"
    assert found["raises"].cause.startswith("ValueError: I am broken (study_parts.py:")
    assert "array of shape (2, 3)" in found["shaped"].cause
    assert "exit code 3, 3 times; it last printed: these are my last words" in found["exits"].cause
    assert "500" in found["leaks"].cause
    for pid in map(int, note.read_text().split()):
        assert not _lives(pid)
    assert not list((tmp_path / "store" / "work").iterdir())


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_finished_cell_is_not_measured_again(tmp_path):
    folder = tmp_path / "marks"
    folder.mkdir()
    asked = study({"component": "marks", "folder": str(folder)}, seeds=5)
    measured(asked, tmp_path)
    more = replace(asked, seeds=8)
    rows = measured(more, tmp_path)
    assert [row.final for _, row in rows] == list(range(8))
    assert len(list(folder.iterdir())) == 8


def test_two_runners_share_one_store(tmp_path):
    folder = tmp_path / "marks"
    folder.mkdir()
    subjects = [{"component": "marks", "folder": str(folder), "seconds": 0.02 + k / 1000} for k in range(6)]
    asked = study(*subjects, seeds=5)
    both = [threading.Thread(target=measured, args=(asked, tmp_path, 1)) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert len(Store(tmp_path / "store").rows(asked.cells)) == 30
    assert len(list(folder.iterdir())) == 30


def test_two_hosts_share_one_folder_and_two_studies_one_store(tmp_path):
    """Two masters in processes of their own, each under the name of another host, each with a study of its own."""
    folder = tmp_path / "marks"
    folder.mkdir()
    subjects = [{"component": "marks", "folder": str(folder), "seconds": 0.03 + k / 1000} for k in range(6)]
    first, second = study(*subjects[:4], seeds=4), study(*subjects[2:], seeds=4, name="other")
    masters = [_master(asked, tmp_path, host=f"host{k}") for k, asked in enumerate((first, second))]
    assert [master.wait(timeout=60) for master in masters] == [0, 0]
    store = Store(tmp_path / "store")
    for asked in (first, second):
        rows = store.rows(asked.cells)
        assert [row.final for _, row in rows] == [float(cell.seed["seed"]) for cell in asked.cells]
    assert len(list(folder.iterdir())) == 6 * 4  # what both ask for is measured once
    names = {path.name for path in store.folder.glob("index-*.sqlite")}
    assert {"index-host0.sqlite", "index-host1.sqlite"} <= names
    assert not list(store.folder.glob("work/*")) and not list(store.folder.glob("locks/*"))


def test_a_full_disk_ends_the_study_with_its_sentence_and_the_same_command_goes_on(tmp_path):
    full = tmp_path / "full"
    full.touch()
    asked = study("noisy", {"component": "fills", "while_there": str(full)}, seeds=3)
    with pytest.raises(StorageError, match=r"could not be written .* the same command goes on"):
        measured(asked, tmp_path, jobs=1)
    assert len(_files(tmp_path)) == 3 and not list((tmp_path / "store" / "work").iterdir())
    full.unlink()
    assert [row.status for _, row in measured(asked, tmp_path)] == ["ok"] * 6


def test_a_worker_ends_when_its_runner_is_killed(tmp_path):
    asked = study("hangs", seeds=1)
    master = _master(asked, tmp_path)
    workers = _wait_for(lambda: set(processes.family(master.pid)) - {master.pid})
    master.kill()
    master.wait()
    _wait_for(lambda: not any(map(_lives, workers)))


def test_a_worker_that_nobody_hears_leaves_without_a_row():
    code = "import os; from mesocosm.studies import worker; r, w = os.pipe(); os.close(r); worker._report(w, cell='x')"
    done = subprocess.run([sys.executable, "-c", f"{code}; print('goes on')"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def _wait_for(condition, seconds=20):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def _master(asked: Study, folder: Path, host: str = "") -> subprocess.Popen:
    """A runner in a process of its own."""
    code = (
        f"import platform; platform.node = lambda known=platform.node(): {host!r} or known\n"
        "import json, sys; from pathlib import Path; from mesocosm.studies import component, study, runner, store\n"
        "component.load_file(Path(sys.argv[1])); asked = study.from_dict(json.loads(sys.argv[2]))\n"
        "runner.run(asked.cells, store.Store(Path(sys.argv[3])), 2, None, [Path(sys.argv[1])])"
    )
    import json

    words = [sys.executable, "-c", code, str(PARTS), json.dumps(asked.to_dict()), str(folder / "store")]
    return subprocess.Popen(words, env=runner.surroundings(), start_new_session=True)


@pytest.mark.parametrize("kills", [3, pytest.param(50, marks=pytest.mark.slow)])
def test_a_study_survives_kills_of_workers_and_master(tmp_path, kills):
    folder = tmp_path / "marks"
    folder.mkdir()
    subjects = [{"component": "marks", "folder": str(folder), "seconds": 0.03 + k / 1e6} for k in range(4 * kills)]
    asked = study(*subjects, seeds=4)
    dice = random.Random(0)
    whole: dict[str, bytes] = {}
    for kill in range(kills):
        master = _master(asked, tmp_path)
        n = len(whole)
        _wait_for(lambda n=n: len(_files(tmp_path)) > n + 2)
        family = [p for p in processes.family(master.pid) if p != master.pid]
        victim = master.pid if kill % 2 or not family else dice.choice(family)
        os.kill(victim, signal.SIGKILL)
        time.sleep(dice.random() * 0.1)
        if victim != master.pid:
            master.kill()
        master.wait()
        there = _files(tmp_path)
        assert all(there[name] == content for name, content in whole.items())
        whole = there
    rows = measured(asked, tmp_path)
    assert [row.final for _, row in rows] == [float(cell.seed["seed"]) for cell in asked.cells]
    undisturbed = Store(tmp_path / "other")
    run(asked.cells, undisturbed, 2, None, [PARTS])
    assert score(asked, rows) == score(asked, undisturbed.rows(asked.cells))


def _files(folder: Path) -> dict[str, bytes]:
    return {p.parent.name: p.read_bytes() for p in (folder / "store" / "cells").glob("*/*/run.json")}


def test_the_peak_of_memory_is_that_of_the_cell_and_not_of_its_worker(tmp_path):
    big, small = {"component": "holds", "megabytes": 200}, {"component": "holds", "megabytes": 1}
    rows = measured(study(big, small, seeds=1), tmp_path, jobs=1)
    most, least = (row.cost["peak_bytes"] for _, row in rows)
    assert most > least + 150 * 2**20


def test_cells_of_an_ecology_are_replicates_of_one_run(tmp_path):
    values = {
        "name": "game",
        "question": "?",
        "tasks": ["experiment/bilinear"],
        "seeds": 3,
        "budget": {"ticks": 20},
        "minimal_effect": 0.0,
        "fixed": {"statistic": "radius", "every": 10},
    }
    asked = from_dict(values)
    assert len(runner.batches(asked.cells)) == 1
    assert len(runner.batches(replace(asked, seeds=20).cells)) == 2  # two blocks of seeds
    store = Store(tmp_path / "store")
    run(asked.cells, store)
    few = [row.final for _, row in store.rows(asked.cells)]
    more = replace(asked, seeds=5)
    run(more.cells, store)
    run(more.cells, again := Store(tmp_path / "again"))
    all_at_once = [row.final for _, row in again.rows(more.cells)]
    assert [row.final for _, row in store.rows(more.cells)] == all_at_once
    assert all_at_once[:3] == few
    assert len(set(all_at_once)) > 1
    row = store.rows(asked.cells)[0][1]
    assert (
        row.cost["seconds"] > 0
        and row.cost["compile_seconds"] > 0
        and "growth" in row.metrics
        and "jax" in row.environment["versions"]
    )


def test_a_store_that_is_none_is_refused(tmp_path):
    (tmp_path / "store").write_text("")
    with pytest.raises(FolderError):
        measured(study("noisy"), tmp_path)


def test_what_failed_for_a_cause_outside_is_measured_again_and_its_cause_is_told(tmp_path):
    data = tmp_path / "data"
    asked = study("noisy", {"component": "reads", "path": str(data)}, "raises", seeds=2)
    first = measured(asked, tmp_path, jobs=1)
    assert [row.status for _, row in first] == ["ok"] * 2 + ["error"] * 4
    assert causes(first)["error"].startswith("FileNotFoundError")
    data.write_text("3.5")
    again = measured(asked, tmp_path, jobs=1)
    assert [row.final for _, row in again][2:] == [3.5, 3.5, None, None]
    assert again[:2] == first[:2] and again[4:] == first[4:]  # what was a result stays


def test_a_part_that_changes_while_a_study_runs_ends_it(tmp_path):
    file = tmp_path / "parts.py"
    file.write_text(PARTS.read_text())
    asked = study("noisy")
    cells = [replace(cell, versions={**cell.versions, "subject": "as it was"}) for cell in asked.cells]
    with pytest.raises(ConfigurationError, match="has changed since the study began"):
        run(cells, Store(tmp_path / "store"), 1, None, [PARTS])
