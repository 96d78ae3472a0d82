"""Studies on Ray: a real cluster of two nodes on this machine, one of which is killed; the table of one process."""

import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mesocosm.cli.main import main
from mesocosm.record import ConfigurationError, MissingPackage
from mesocosm.studies import rays, runner
from mesocosm.studies.cell import Row
from mesocosm.studies.store import Store
from mesocosm.studies.study import read

PARTS = Path(__file__).with_name("study_parts.py")


def test_where_ray_is_missing_it_says_so(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(MissingPackage, match=r"--on ray needs the package ray.*mesocosm\[ray\]"):
        rays._ray()


class Gone(Exception):
    """As ray.exceptions.RayError."""


class Raised(Gone):
    """As RayTaskError."""


@dataclass(eq=False)
class Answer:
    of: Any
    n: int


class Cluster:
    """As much of ray as is asked of it, in this process: `answers` are given, or raised, one after the other."""

    exceptions = SimpleNamespace(RayError=Gone, RayTaskError=Raised)

    def __init__(self, *answers, cores=1):
        self.answers, self.cores, self.waits = list(answers), cores, 0

    def remote(self, **settings):
        return lambda kind: self

    def options(self, **settings):
        return SimpleNamespace(remote=lambda *given: SimpleNamespace(measure=SimpleNamespace(remote=self.measured)))

    def measured(self, cells):
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return Answer(answer, len(cells))

    def wait(self, busy, timeout):
        self.waits += 1
        return ([] if self.waits < 3 else busy[:1]), []

    def get(self, answer):
        if isinstance(answer.of, Exception):
            raise answer.of
        return [answer.of] * answer.n

    def kill(self, actor):
        pass

    def cluster_resources(self):
        return {"CPU": self.cores} if self.cores else {}


def measured_by(cluster, tmp_path, monkeypatch):
    study, store = study_of(tmp_path, ['"noisy"'], seeds=1), Store(tmp_path / "store")
    monkeypatch.setattr(rays, "_ray", lambda: cluster)
    monkeypatch.setattr(rays, "_connected", lambda *_: False)
    rays.run(study.cells, store, 1, components=[tmp_path / "parts.py"])
    return [row for _, row in store.rows(study.cells)]


def test_rows_that_are_lost_are_measured_again_and_the_cause_is_kept(tmp_path, monkeypatch):
    found = Row("ok", 1.0).to_dict()
    (row,) = measured_by(Cluster(Gone("a\nthe object is lost"), found), tmp_path, monkeypatch)
    assert row.status == "ok"
    (tmp_path / "always").mkdir()
    (row,) = measured_by(Cluster(Gone("a\nthe object is lost")), tmp_path / "always", monkeypatch)
    assert (row.status, row.cause) == ("error", "its node died, 3 times (Gone: the object is lost)")


def test_a_node_that_cannot_begin_is_no_node_that_died(tmp_path, monkeypatch):
    error = Gone("The actor died because of an error raised in its creation\nModuleNotFoundError: No module named 'w'")
    error.actor_init_failed = True
    with pytest.raises(ConfigurationError, match=r"a node cannot begin \(ModuleNotFoundError: No module named 'w'\)"):
        measured_by(Cluster(error), tmp_path, monkeypatch)


def test_a_cluster_without_cores_is_told_once(tmp_path, monkeypatch, capsys):
    measured_by(Cluster(Row("ok", 1.0).to_dict(), cores=0), tmp_path, monkeypatch)
    assert capsys.readouterr().err.count("note: --on ray: the cluster has no processor core") == 1
    (tmp_path / "one").mkdir()
    measured_by(Cluster(Row("ok", 1.0).to_dict()), tmp_path / "one", monkeypatch)
    assert not capsys.readouterr().err


def test_files_of_one_name_are_two_components():
    made = rays.Measurer(dict.fromkeys(("a/few.py", "b/few.py"), b"PARTS = 1\n"), asdict(runner.Limits()))
    assert sorted(p.relative_to(made.folder.name).as_posix() for p in Path(made.folder.name).rglob("few.py")) == [
        "0/few.py",
        "1/few.py",
    ]
    made.folder.cleanup()


def test_an_old_ray_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(__version__="2.9.3"))
    with pytest.raises(ConfigurationError, match=r"needs ray 2\.40 or newer, here is 2\.9\.3"):
        rays._ray()


@pytest.fixture(scope="module")
def cluster():
    ray = pytest.importorskip("ray", reason="needs the extra ray")
    from ray.cluster_utils import Cluster

    rays._ray()  # its settings, before its processes begin
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    nodes = [made.add_node(num_cpus=1) for _ in range(2)]
    yield made, nodes
    ray.shutdown()
    made.shutdown()


def study_of(folder, subjects, seeds):
    (folder / "parts.py").write_text(PARTS.read_text())
    (folder / "toy.toml").write_text(
        f'name = "toy"\nquestion = "?"\ntasks = ["call/toy"]\nseeds = {seeds}\nminimal_effect = 0.5\n'
        f'budget = {{ calls = 1 }}\ncomponents = ["parts.py"]\n[vary]\nsubject = [{", ".join(subjects)}]\n'
    )
    return read(folder / "toy.toml")


def table(store, study):
    return {cell.identity: (row.status, row.final, row.cause) for cell, row in Store(store).rows(study.cells)}


@pytest.mark.slow
def test_a_node_that_dies_costs_only_its_cells_a_second_try(cluster, tmp_path, monkeypatch, capsys):
    made, nodes = cluster
    monkeypatch.setenv("RAY_ADDRESS", made.address)
    monkeypatch.chdir(tmp_path)
    (marks := tmp_path / "marks").mkdir()
    slow = [f'{{ component = "marks", folder = "{marks}", seconds = {0.4 + k / 100} }}' for k in range(8)]
    study = study_of(tmp_path, [*slow, '"raises"'], seeds=2)

    def kill():
        until = time.monotonic() + 120
        while len(list(marks.iterdir())) < 5 and time.monotonic() < until:
            time.sleep(0.02)
        made.remove_node(nodes[1], allow_graceful=False)

    (killer := threading.Thread(target=kill)).start()
    assert main(["study", "toy.toml", "--on", "ray", "--store", "there", "--quiet"]) == 0
    killer.join()
    assert "18 of 18 cells: 16 ok, 2 error" in capsys.readouterr().out
    measured = len(list(marks.iterdir()))
    assert 16 <= measured <= 18, f"{measured}: a batch of two cells at most is measured again"
    assert main(["study", "toy.toml", "--jobs", "2", "--store", "here", "--quiet"]) == 0
    assert table(Path("there"), study) == table(Path("here"), study)
    before = len(list(marks.iterdir()))
    assert main(["study", "toy.toml", "--on", "ray", "--store", "there", "--quiet"]) == 0
    assert len(list(marks.iterdir())) == before, "what is there is not measured again"


@pytest.mark.slow
def test_two_engines_on_one_store_measure_no_cell_twice(cluster, tmp_path, monkeypatch):
    made, _ = cluster
    monkeypatch.setenv("RAY_ADDRESS", made.address)
    (marks := tmp_path / "marks").mkdir()
    slow = [f'{{ component = "marks", folder = "{marks}", seconds = {0.2 + k / 100} }}' for k in range(8)]
    study, files = study_of(tmp_path, slow, seeds=2), [tmp_path / "parts.py"]
    store = Store(tmp_path / "store")
    other = threading.Thread(target=lambda: rays.run(study.cells, Store(store.folder), 1, components=files))
    other.start()
    runner.run(study.cells, store, 1, components=files)
    other.join()
    assert {row.status for _, row in store.rows(study.cells)} == {"ok"} and len(store.rows(study.cells)) == 16
    assert len(list(marks.iterdir())) == 16


@pytest.mark.slow
def test_a_cluster_that_is_not_there_is_named(tmp_path, monkeypatch):
    pytest.importorskip("ray", reason="needs the extra ray")
    study = study_of(tmp_path, ['"noisy"'], seeds=1)
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(ConfigurationError, match=r"no cluster is at 127\.0\.0\.1:1"):
        rays.run(study.cells, Store(tmp_path / "store"), components=[tmp_path / "parts.py"])
