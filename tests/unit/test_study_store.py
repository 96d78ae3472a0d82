"""Where a study keeps its cells: nothing is lost, nothing damaged is believed, nobody waits."""

import json
import os
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mesocosm.record import FolderError, StorageError
from mesocosm.studies import runner
from mesocosm.studies.cell import Cell, Row
from mesocosm.studies.store import Store
from tests.unit.test_studies import cell, index


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
