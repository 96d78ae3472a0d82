"""Studies: what is asked, what is kept, what is refused."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from mesocosm.record import ConfigurationError, FolderError, StorageError
from mesocosm.studies import component, runner
from mesocosm.studies.cell import Cell, Row, spelt
from mesocosm.studies.failure import failed
from mesocosm.studies.store import Store, host_name
from mesocosm.studies.study import Study, from_dict, read
from mesocosm.tasks.arrays import DataError

PARTS = Path(__file__).with_name("study_parts.py")
component.load_file(PARTS)

GOOD = {
    "name": "toy",
    "question": "Does a shift shift?",
    "tasks": ["call/toy"],
    "seeds": 3,
    "budget": {"calls": 1},
    "minimal_effect": 0.5,
    "vary": {"subject": ["noisy", {"component": "noisy", "shift": 1.0}]},
    "contexts": {"level": [0.0, 1.0]},
}


def cell(**changes) -> Cell:
    return replace(Cell("call/toy", {"subject": "noisy"}, {"seed": 0}, {"calls": 1}), **changes)


def index(folder: Path) -> Path:
    (path,) = folder.glob("index-*.sqlite")
    return path


def test_the_grid_is_every_treatment_in_every_context_with_every_seed():
    cells = from_dict(GOOD).cells
    assert len(cells) == len({c.identity for c in cells}) == 2 * 2 * 3
    assert {c.seed["seed"] for c in cells} == {0, 1, 2}


def test_crossed_slots_are_views_of_the_same_cells():
    slots = {"subject": ["noisy", {"component": "noisy", "shift": 1.0}], "extra": [0, 1, 2]}
    asked = from_dict({**GOOD, "vary": {}, "cross": slots, "against": {"extra": 1}})
    cells = {c.identity for c in asked.cells}
    assert len(cells) == len(asked.cells) == 2 * 3 * 2 * 3
    assert list(asked.views) == ["subject", "extra"]
    for slot, view in asked.views.items():
        assert {c.identity for c in view.cells} == cells
        assert list(view.vary) == [slot] and view.independent == ("level",)
    assert asked.views["extra"].treatments[0] == {"extra": 1}
    assert from_dict(GOOD).views == {"toy": from_dict(GOOD)}


def test_the_control_comes_first():
    second = {"component": "noisy", "shift": 1.0}
    assert from_dict(GOOD | {"against": {"subject": second}}).treatments[0] == {"subject": second}


def test_an_identity_changes_with_everything_that_is_measured_and_with_nothing_else():
    one = cell()
    assert one.identity == cell(parts={"subject": "noisy"}).identity
    others = [
        cell(task="call/other"),
        cell(seed={"seed": 1}),
        cell(budget={"calls": 2}),
        cell(scale=2.0),
        cell(versions={"subject": "0"}),
        cell(parts={"subject": "noisy", "level": 1.0}),
    ]
    assert len({one.identity, *(c.identity for c in others)}) == 7
    split = cell(parts={"level": 1.0}, fixed={"subject": "noisy"})
    assert split.identity == cell(parts={"subject": "noisy", "level": 1.0}).identity


def test_the_source_of_a_component_is_part_of_the_identity():
    first = from_dict(GOOD).cells[0]
    old = component._KNOWN["subject", "noisy"]
    try:
        component.component("subject", "noisy")(lambda shift=0.0: lambda seed, budget, level=0.0: 0.0)
        assert from_dict(GOOD).cells[0].identity != first.identity
    finally:
        component._KNOWN["subject", "noisy"] = old


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": 3}, "Did you mean seeds?"),
        ({"seeds": 0}, "seeds = 0: must be a whole number"),
        ({"seeds": True}, "seeds = True"),
        ({"seeds": {"world": 3}}, "there is no such part; there are seed"),
        ({"tasks": []}, "must name at least one task"),
        ({"tasks": ["experimant/chemotaxis"]}, "Did you mean experiment/"),
        ({"tasks": ["experiment/chemotaxi"], "budget": {"ticks": 100}}, "Did you mean chemotaxis?"),
        ({"vary": {"subject": ["noisi"]}}, "Did you mean noisy?"),
        ({"vary": {"subject": [{"component": "noisy", "shifted": 1}]}}, "it takes shift: float = 0.0"),
        ({"vary": {"subject": []}}, "must be a list of values"),
        ({"vary": {"subject": ["noisy", "noisy"]}}, "names a value twice"),
        ({"vary": {"level": [1.0], "subject": ["noisy"]}}, "stands in more than one of"),
        ({"against": {"subject": "other"}}, "must be one of the values under vary.subject"),
        ({"minimal_effect": -1}, "minimal_effect = -1: must be a number, 0 or more"),
        ({"direction": 0}, "direction = 0"),
        ({"budget": {"calls": 0}}, "budget.calls = 0: must be a number above 0"),
        ({"limits": {"minutes": 3}}, "limits are seconds and megabytes"),
        ({"seeds": 100_000, "contexts": {"level": list(range(20))}}, "cells: must be at most"),
        ({"name": "two words"}, "must be one word"),
        ({"cross": {"other": [0, 1]}}, "vary and cross: a study has one of them"),
        ({"cross": {"level": [0, 1]}, "vary": {}}, "level: stands in more than one of"),
        ({"seeds": 10**9}, "seeds = 1000000000: must be a whole number in 1 ... 100000"),
        ({"seeds": {"seed": 10**5, "other": 10**5}}, "the grid has 40000000000 cells"),
        ({"contexts": {f"c{k}": list(range(99)) for k in range(9)}}, "cells: must be at most"),
        ({"budget": {"calls": 10**400}}, "budget.calls = 1000"),
        ({"contexts": {"level": [float("nan")]}}, "contexts.level = (nan,): must be finite numbers"),
        ({"fixed": {"level": date(2020, 1, 1)}, "contexts": {}}, "fixed.level = datetime.date(2020, 1, 1): must be"),
        ({"name": "x" * 300}, "must be one word"),
        ({"cluster": ["subject"]}, "cluster = subject: must be task or a slot under contexts"),
    ],
)
def test_what_is_not_permitted_is_refused_by_name(change, words):
    with pytest.raises(ConfigurationError, match=re.escape(words)):
        _ = from_dict(GOOD | change).cells


@pytest.mark.parametrize("path", ["world.spead", "seed", "world.side"])
def test_a_slot_of_an_experiment_is_a_field_of_its_configuration(path):
    ecology = {"tasks": ["experiment/chemotaxis"], "budget": {"ticks": 1000}, "vary": {}, "contexts": {path: [7]}}
    words = {"world.spead": "speed", "seed": "set by the study", "world.side": "side = 7"}
    with pytest.raises(ConfigurationError, match=words[path]):
        _ = from_dict(GOOD | ecology).cells


def test_a_file_that_is_no_toml_is_refused(tmp_path):
    (tmp_path / "bad.toml").write_text("name = ")
    with pytest.raises(ConfigurationError, match="cannot be read as TOML"):
        read(tmp_path / "bad.toml")


def test_a_file_of_components_that_raises_is_refused(tmp_path):
    (tmp_path / "bad.py").write_text("1 / 0")
    with pytest.raises(ConfigurationError, match="ZeroDivisionError"):
        component.load_file(tmp_path / "bad.py")


@pytest.mark.parametrize("value", [np.zeros((2, 3)), [1.0], "1", None, True, 1j])
def test_a_metric_is_one_number(value):
    with pytest.raises(TypeError, match="must be one number"):
        Row.of(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float32("-inf")])
def test_a_metric_that_is_not_finite_has_diverged(value):
    assert Row.of(value).status == "diverged"
    assert Row.of(value).final is None


def test_a_row_comes_back_from_the_store_as_it_went_in(tmp_path):
    store, row = Store(tmp_path / "s"), Row.of(np.float32(0.5), curve=((1.0, 2.0),), metrics={"a": float("nan")})
    assert store.put(cell(), row)
    there, found = Store(tmp_path / "s").get(cell().identity)
    assert there.identity == cell().identity
    assert found == replace(row, metrics={"a": None})


def test_the_first_row_of_a_cell_stays(tmp_path):
    store = Store(tmp_path / "s")
    assert store.put(cell(), Row.of(1.0))
    assert not store.put(cell(), Row.of(2.0))
    assert store.get(cell().identity)[1].final == 1.0
    assert not list((tmp_path / "s" / "work").iterdir())


def test_the_index_follows_the_folders(tmp_path):
    store = Store(tmp_path / "s")
    cells = [cell(seed={"seed": k}) for k in range(5)]
    for k, one in enumerate(cells):
        store.put(one, Row.of(float(k)))
    assert [row.final for _, row in store.rows(cells)] == [0, 1, 2, 3, 4]
    shutil.rmtree(store.folder_of(cells[2].identity))
    assert [row.final for _, row in store.rows(cells)] == [0, 1, 3, 4]
    store.put(cells[2], Row.of(7.0))
    assert [row.final for _, row in store.rows(cells)] == [0, 1, 7, 3, 4]
    index(tmp_path / "s").write_bytes(b"this is no database" * 100)
    assert [row.final for _, row in store.rows(cells)] == [0, 1, 7, 3, 4]
    with sqlite3.connect(index(tmp_path / "s")) as db:
        db.execute("PRAGMA user_version = 99")
    assert len(store.rows(cells)) == 5


def _keep(store: Store, one: Cell, row: Row, content: bytes | None = None) -> Path:
    store.put(one, row)
    path = store.folder_of(one.identity) / "run.json"
    if content is not None:
        path.write_bytes(content)
    return path


def test_a_damaged_cell_is_moved_aside_and_measured_again(tmp_path):
    store = Store(tmp_path / "s")
    _keep(store, cell(), Row.of(1.0), b'{"cell":')
    lacking = runner.todo([cell()], store)
    assert lacking.cells == [cell()] and "is damaged" in lacking.damaged[cell().identity]
    aside = store.set_aside(cell().identity)
    assert aside is not None and (aside / "run.json").read_bytes() == b'{"cell":'
    assert store.put(cell(), Row.of(2.0))


def test_every_flipped_bit_of_a_cell_is_seen_and_only_that_cell_is_measured_again(tmp_path):
    store, other = Store(tmp_path / "s"), cell(seed={"seed": 1})
    path, whole = _keep(store, cell(), Row.of(1.0)), Row.of(1.0)
    _keep(store, other, whole)
    assert len(store.rows([cell(), other])) == 2  # they are in the index
    content = path.read_bytes()
    for bit in range(0, 8 * len(content), 3):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        assert "is damaged" in str(store.fault(cell().identity)), bit
    assert [c for c, _ in store.rows([cell(), other])] == [other]
    assert [c.seed["seed"] for c in runner.todo([cell(), other], store).cells] == [0]


ODD = [
    "null",
    "[]",
    '{"schema": 2}',
    "[" * 5000,
    '{"cell": 1, "row": {}}',
    "NaN",
    '{"schema": [], "cell": {}, "row": []}',
]


@pytest.mark.parametrize("content", ODD)
def test_a_cell_with_a_right_checksum_and_wrong_kinds_is_damaged_too(tmp_path, content):
    from mesocosm.studies.content import _seal

    body = content.encode()[:-1] or b"{"
    store = Store(tmp_path / "s")
    _keep(store, cell(), Row.of(1.0), body + _seal(body).encode())
    assert runner.todo([cell()], store).damaged


def test_what_is_no_plain_file_is_damaged_and_nobody_waits_for_it(tmp_path):
    store = Store(tmp_path / "s")
    path = _keep(store, cell(), Row.of(1.0))
    for make in (os.mkfifo, os.mkdir, lambda p: os.symlink(tmp_path / "elsewhere", p)):
        path.unlink()
        make(path)
        assert runner.todo([cell()], store).damaged, make
        (shutil.rmtree if path.is_dir() else os.unlink)(path)
        path.touch()


def test_a_cell_that_was_kept_in_between_is_never_removed(tmp_path, monkeypatch):
    """Another process keeps it between our look and what we do about it."""
    store = Store(tmp_path / "s")
    _keep(store, cell(), Row.of(1.0), b"torn")
    real, folder = store.fault, store.folder_of(cell().identity)

    def kept_by_another_meanwhile(identity):
        found = real(identity)
        shutil.rmtree(folder)
        Store(tmp_path / "s").put(cell(), Row.of(7.0))
        return found

    monkeypatch.setattr(store, "fault", kept_by_another_meanwhile)
    assert store.set_aside(cell().identity) is None
    assert not store.withdraw(cell().identity, lambda row: row.status != "ok")
    assert store.get(cell().identity)[1].final == 7.0 and not list((store.folder / "aside").iterdir())


def _tree(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_to_look_at_a_store_writes_nothing(tmp_path):
    store = Store(tmp_path / "s")
    _keep(store, cell(), Row.of(1.0))
    _keep(store, cell(seed={"seed": 1}), Row.of(1.0), b"torn")
    before = _tree(tmp_path)
    lacking = runner.todo([cell(seed={"seed": k}) for k in range(3)], Store(tmp_path / "s", reading=True))
    assert (len(lacking.cells), len(lacking.damaged)) == (2, 1) and _tree(tmp_path) == before
    with pytest.raises(FolderError, match="there is no store"):
        Store(tmp_path / "none", reading=True)


@pytest.mark.parametrize("spoil", ["values", "columns", "link", "folder"])
def test_an_index_that_cannot_be_used_is_done_without(tmp_path, spoil):
    store = Store(tmp_path / "s")
    _keep(store, cell(), Row.of(1.0))
    store.rows([cell()])
    path = index(tmp_path / "s")
    if spoil == "values":
        with sqlite3.connect(path) as db:
            db.execute("UPDATE cells SET content = 7")
    elif spoil == "columns":
        with sqlite3.connect(path) as db:
            db.execute("DROP TABLE cells")
            db.execute("CREATE TABLE cells (x)")
    else:
        path.unlink()
        (tmp_path / "foreign").write_text("not ours")
        path.symlink_to(tmp_path / "foreign") if spoil == "link" else path.mkdir()
    assert [row.final for _, row in store.rows([cell()])] == [1.0]
    assert spoil != "link" or (tmp_path / "foreign").read_text() == "not ours"


@pytest.mark.parametrize(
    ("row", "more", "is_again"),
    [
        (Row.of(1.0), {}, False),
        (Row("error", cause="ValueError"), {}, False),
        (Row("error", cause="ValueError"), {"retry": ["error"]}, True),
        (Row("error", cause="no file", from_outside=True), {}, True),
        (Row("extinct"), {"retry": ["error"]}, False),
        (Row("timeout", environment={"limit": 5.0}), {"limits": runner.Limits(seconds=5)}, False),
        (Row("timeout", environment={"limit": 5.0}), {"limits": runner.Limits(seconds=50)}, True),
        (Row("memory", environment={"limit": 100}), {"limits": runner.Limits(megabytes=50)}, False),
    ],
)
def test_a_failure_is_tried_again_where_its_cause_lay_outside_or_where_one_asks(tmp_path, row, more, is_again):
    store = Store(tmp_path / "s")
    store.put(cell(), row)
    assert bool(runner.todo([cell()], store, **more).again) == is_again


@pytest.mark.parametrize(
    ("error", "outside"),
    [
        (FileNotFoundError("x"), True),
        (ModuleNotFoundError("x"), True),
        (DataError("iris: is not there"), True),
        (component.Skipped("not installed"), True),
        (MemoryError(), True),
        (ValueError("x"), False),
        (ConfigurationError("x"), False),
        (SystemExit(3), False),
    ],
)
def test_what_the_surroundings_cause_is_told_apart(error, outside):
    assert failed(error).from_outside == outside
    wrapped = RuntimeError("no row")
    wrapped.__cause__ = error
    assert failed(wrapped).from_outside == outside


def test_a_store_of_another_version_is_refused(tmp_path):
    Store(tmp_path / "s")
    (tmp_path / "s" / "store.json").write_text(json.dumps({"schema": 99}))
    with pytest.raises(FolderError, match="version 99, this is version 2"):
        Store(tmp_path / "s")


def test_a_folder_that_is_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(FolderError, match="is no store of cells"):
        Store(tmp_path)


def test_a_full_disk_is_said_and_leaves_nothing_half(tmp_path, monkeypatch):
    store = Store(tmp_path / "s")
    store.put(cell(), Row.of(1.0))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mesocosm.studies.store.os.fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        store.put(cell(seed={"seed": 1}), Row.of(2.0))
    monkeypatch.undo()
    assert not list((tmp_path / "s" / "work").iterdir())
    assert [row.final for _, row in store.rows([cell(), cell(seed={"seed": 1})])] == [1.0]


def test_parts_are_spelt_shortly():
    assert [spelt(v) for v in ("adam", 0.05, True, ["odour", "touch"])] == ["adam", "0.05", "true", "odour+touch"]
    assert spelt({"component": "adam", "rate": 0.01}) == "adam(rate=0.01)"


def test_a_study_from_python_is_one_from_a_file():
    made = Study(
        name="toy",
        question="Does a shift shift?",
        tasks=("call/toy",),
        seeds=3,
        budget={"calls": 1},
        minimal_effect=0.5,
        vary={"subject": ("noisy", {"component": "noisy", "shift": 1.0})},
        contexts={"level": (0.0, 1.0)},
    )
    assert made == from_dict(GOOD)
    assert [c.identity for c in made.cells] == [c.identity for c in from_dict(GOOD).cells]


def test_what_killed_processes_left_in_work_is_swept_and_nothing_of_others(tmp_path):
    store = Store(tmp_path / "cells")
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    host, mine = host_name(), os.getpid()
    left = [f"batch-{host}-{gone.pid}-0123abcd", f"batch-{host}-{gone.pid}-0123abcd.json"]
    kept = [f"batch-{host}-{mine}-0123abcd", "batch-elsewhere-1-0123abcd", "notes", f"batch-{host}-{gone.pid}-thesis"]
    for name in [left[0], *kept]:
        (store.folder / "work" / name / "inner").mkdir(parents=True)
    (store.folder / "work" / left[1]).write_text("{}")
    (tmp_path / "own").mkdir()
    (store.folder / "work" / f"batch-{host}-{gone.pid}-89abcdef").symlink_to(tmp_path / "own")
    assert store.sweep() == 3
    assert sorted(os.listdir(store.folder / "work")) == sorted(kept) and (tmp_path / "own").is_dir()
