"""Studies as jobs of a cluster: one store, the same table as in one process, and Slurm's script as it should be."""

import contextlib
import os
import re
import signal
import stat
import threading
import time
from pathlib import Path

import pytest

from mesocosm.cli.main import main
from mesocosm.record import ConfigurationError
from mesocosm.studies.cluster import Cluster, executor_of, submit, wait
from mesocosm.studies.processes import family
from mesocosm.studies.store import Store
from mesocosm.studies.study import read

pytest.importorskip("submitit", reason="needs the extra machines")
PARTS = Path(__file__).with_name("study_parts.py")


def table(store: str) -> dict[str, tuple[str, float | None]]:
    return {
        cell.identity: (row.status, row.final) for cell, row in Store(Path(store)).rows(read(Path("toy.toml")).cells)
    }


def test_two_jobs_give_the_table_of_one_process_and_measure_no_cell_twice(toy_study, capsys):
    assert main(["study", toy_study, "--on", "local", "--store", "apart", "--quiet"]) == 0
    assert "12 of 12 cells: 8 ok, 4 error" in capsys.readouterr().out
    first = {path: path.stat().st_mtime_ns for path in Path("apart/cells").rglob("*") if path.is_file()}
    assert main(["study", toy_study, "--jobs", "1", "--store", "here", "--quiet"]) == 0
    assert table("apart") == table("here") and len(table("here")) == 12
    assert main(["study", toy_study, "--on", "local", "--store", "apart", "--quiet"]) == 0, "nothing is left to be done"
    assert first == {path: path.stat().st_mtime_ns for path in Path("apart/cells").rglob("*") if path.is_file()}
    assert len(list(Path("apart-jobs").glob("*_submitted.pkl"))) == 2, "the second call has begun no job"


def test_a_job_that_is_killed_costs_only_its_cells_a_second_try(tmp_path, monkeypatch, capsys):
    """With all that it has started, in the middle of a study; the other job does what is left."""
    from submitit.core.core import Job

    monkeypatch.setattr(Job, "_results_timeout_s", 1)  # how long a result is waited for that will not come
    monkeypatch.chdir(tmp_path)
    Path("parts.py").write_text(PARTS.read_text())
    (marks := tmp_path / "marks").mkdir()
    slow = ", ".join(f'{{ component = "marks", folder = "{marks}", seconds = {0.2 + k / 100} }}' for k in range(6))
    Path("toy.toml").write_text(
        'name = "toy"\nquestion = "?"\ntasks = ["call/toy"]\nseeds = 2\nminimal_effect = 0.5\n'
        f'budget = {{ calls = 1 }}\ncomponents = ["parts.py"]\n[vary]\nsubject = [{slow}]\n'
    )

    def kill():
        until = time.monotonic() + 60
        while len(list(marks.iterdir())) < 3 and time.monotonic() < until:
            time.sleep(0.02)
        job = int(sorted(Path("apart-jobs").glob("*_submitted.pkl"))[0].name.partition("_")[0])
        for pid in family(job):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    (killer := threading.Thread(target=kill)).start()
    assert main(["study", "toy.toml", "--on", "local", "--store", "apart", "--quiet"]) == 0
    killer.join()
    told = capsys.readouterr()
    assert "12 of 12 cells: 12 ok" in told.out and "note: job " in told.err
    assert 12 <= len(list(marks.iterdir())) <= 14, "a batch of two cells at most is measured again"


def test_a_job_that_fails_is_told_and_the_others_go_on(tmp_path):
    jobs = submit(["sh", "-c", "echo no room on this node >&2; exit 3"], Cluster("local", nodes=1), tmp_path)
    (said,) = wait(jobs, lambda: 0, None)
    assert said.startswith(f"job {jobs[0].job_id}: ") and "no room on this node" in said


def test_a_job_that_is_cancelled_is_told_and_the_others_go_on(tmp_path, monkeypatch):
    """As `scancel` does: the job is asked to end, and leaves no result."""
    from submitit.core.core import Job

    monkeypatch.setattr(Job, "_results_timeout_s", 1)  # how long a result is waited for that will not come
    (first,) = submit(["sleep", "60"], Cluster("local", nodes=1), tmp_path)
    (second,) = submit(["true"], Cluster("local", nodes=1), tmp_path)
    began = time.monotonic()
    first.cancel()
    (said,) = wait([first, second], lambda: 0, None)
    assert said.startswith(f"job {first.job_id}: ") and time.monotonic() - began < 30


def test_the_script_for_slurm_is_an_array_of_the_command(tmp_path, monkeypatch):
    """A `sbatch` that keeps what it is given stands for Slurm."""
    there = tmp_path / "bin"
    there.mkdir()
    for name, does in (("sbatch", f'cp "$1" {tmp_path}/script.sh; echo "Submitted batch job 12"'), ("srun", "")):
        (there / name).write_text(f"#!/bin/sh\n{does}\n")
        (there / name).chmod((there / name).stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", f"{there}{os.pathsep}{os.environ['PATH']}")
    cluster = Cluster("slurm", nodes=3, cores=4, minutes=90, megabytes=6000, partition="short")
    jobs = submit(["mesocosm", "study", "toy.toml"], cluster, tmp_path / "jobs")
    assert [job.job_id for job in jobs] == ["12_0", "12_1", "12_2"]
    script = (tmp_path / "script.sh").read_text()
    assert script.startswith("#!/bin/bash")
    for option in ("array=0-2%3", "cpus-per-task=4", "time=90", "mem=6GB", "partition=short", "job-name=mesocosm"):
        assert re.search(rf"^#SBATCH --{re.escape(option)}$", script, re.MULTILINE), f"{option}\n{script}"
    assert "submitit.core._submit" in script and str(tmp_path / "jobs") in script


def test_where_there_is_no_slurm_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="--on slurm: is not here"):
        executor_of(Cluster("slurm"), tmp_path / "jobs")
    assert main(["study", "nothing.toml", "--on", "local", "--nodes", "0", "--quiet"]) == 2
