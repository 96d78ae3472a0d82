"""A folder may be the user's own, or received from anywhere: nothing of theirs is overwritten, no link is followed."""

import os
import shutil
import threading
from pathlib import Path

import pytest

from mesocosm.cli import main
from mesocosm.record import FolderError, StorageError, Writer, load, writer
from mesocosm.record.files import LIST, kind_of, write_ours, write_pages, write_whole
from mesocosm.record.folder import locked
from mesocosm.record.header import write_header
from mesocosm.reports.build import report
from tests.acceptance.breaking import plainly
from tests.synthetic import game

OWN = {
    "a configuration": {"config.toml": "rate = 3"},
    "a database": {"record.sqlite": "SQLite format 3\0 somebody's"},
    "a folder of logs": {"log/": ""},
    "folders": {"log/": "", "frames/": "", "checkpoints/": "", "config.toml": "seed = 1"},
    "a lock": {".lock": "pid 77"},
    "a lock and more": {".lock": "", "config.toml": "rate = 3"},
    "something beside": {".config.toml.0123456789abcdef.beside": "x"},
}


def made(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir()
        else:
            path.write_text(text)
    return folder


def content(folder: Path) -> dict[str, bytes | None]:
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


@pytest.mark.parametrize("kind", OWN)
def test_a_run_begins_in_no_folder_that_holds_something_of_the_users(tmp_path, capsys, kind):
    """By whatever names: an empty folder, or one in which our own lock says so, is all that it takes."""
    before = content(made(tmp_path / "own", OWN[kind]))
    said = plainly(capsys, "run", "bilinear", "--quiet", "--out", tmp_path / "own", code=2)
    assert "--out" in said and content(tmp_path / "own") == before
    with pytest.raises(FolderError, match="exists already"):
        Writer.create(tmp_path / "own", {}, {"x": "REAL"}, "")
    assert content(tmp_path / "own") == before


LINKS = [".lock", "record.sqlite", "record.sqlite-journal", "log", "frames", "checkpoints", "assays"]


@pytest.mark.parametrize("name", LINKS)
def test_no_link_out_of_a_received_folder_is_written_through(tmp_path, capsys, name):
    folder = game(tmp_path / "run", ticks=50).folder
    elsewhere = tmp_path / "elsewhere"
    if name == "record.sqlite":
        (folder / name).rename(elsewhere)
    elif "." in name:
        elsewhere.write_text("a treasure")
    else:
        made(elsewhere, {f"{name}-000000000001.npz": "a treasure", "000000000001.npz": "a treasure"})
    path = folder / name
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    path.symlink_to(elsewhere)
    before = content(tmp_path) | {"elsewhere": elsewhere.read_bytes() if elsewhere.is_file() else None}
    said = plainly(capsys, "resume", folder, "--ticks", "100", "--quiet", code=2)
    assert name in said and "link" in said
    with pytest.raises(FolderError), locked(folder):
        pass
    assert content(tmp_path) | {"elsewhere": elsewhere.read_bytes() if elsewhere.is_file() else None} == before


def test_a_link_in_the_place_of_a_file_is_replaced_and_its_target_stays(tmp_path):
    record = game(tmp_path / "run")
    for name in ("report.html", "run.json", "analysis.json"):
        target = tmp_path / name
        target.write_text("somebody's")
        write_whole(tmp_path / "link", b"mine") if not (tmp_path / "link").exists() else None
        (record.folder / name).unlink(missing_ok=True)
        (record.folder / name).symlink_to(target)
        write_whole(record.folder / name, b"{}")
        assert target.read_text() == "somebody's" and kind_of(record.folder / name) == "file"


def test_names_beside_are_nobodys_but_the_writers(tmp_path):
    """Two that write one file at once: each has a name of its own, made anew, and the file is one of the two."""
    trap = tmp_path / "report.html.beside"
    trap.symlink_to(tmp_path / "treasure")
    (tmp_path / "treasure").write_text("gold")
    pages = [bytes([65 + k]) * 300_000 for k in range(4)]
    writers = [threading.Thread(target=write_whole, args=(tmp_path / "report.html", page)) for page in pages * 4]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    assert (tmp_path / "report.html").read_bytes() in pages
    assert (tmp_path / "treasure").read_text() == "gold"
    assert sorted(os.listdir(tmp_path)) == ["report.html", "report.html.beside", "treasure"]


def test_a_lock_is_never_emptied(tmp_path):
    folder = game(tmp_path / "run").folder
    (folder / ".lock").write_text("what somebody keeps here")
    with locked(folder):
        pass
    assert (folder / ".lock").read_text() == "what somebody keeps here"


def test_what_was_cut_off_while_beginning_is_begun_again(tmp_path, monkeypatch):
    for step in ("create", "write_header"):
        with monkeypatch.context() as m:
            m.setattr(writer.database if step == "create" else writer, step, lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                Writer.create(tmp_path / step, {}, {"x": "REAL"}, "")
        Writer.create(tmp_path / step, {}, {"x": "REAL"}, "").__exit__()


@pytest.mark.parametrize("write_ours", [write_ours, write_pages])
def test_files_go_over_our_own_of_before_and_over_nobody_elses(tmp_path, write_ours):
    for old in ("one", "two"):
        write_ours(tmp_path, {"a.md": old.encode(), "a.svg": b"x"}, "--write")
    assert (tmp_path / "a.md").read_text().startswith("two")
    write_ours(tmp_path, {"b.md": b"other"}, "--write")
    (tmp_path / "a.md").write_text("two, and what I think of it")
    (tmp_path / "c.md").symlink_to(tmp_path / "nowhere")
    for name in ("a.md", "c.md"):
        before = content(tmp_path)
        with pytest.raises(FolderError, match=r"is not what mesocosm wrote; .* --write"):
            write_ours(tmp_path, {"b.md": b"new", name: b"new"}, "--write")
        assert content(tmp_path) == before
    (tmp_path / "a.md").unlink()
    write_ours(tmp_path, {"a.md": b"three", "b.md": b"new"}, "--write")
    assert (tmp_path / "b.md").read_text().startswith("new")
    with pytest.raises(FolderError, match="no name of a file"):
        write_ours(tmp_path, {"../up.md": b""}, "--write")


def test_a_kill_between_the_list_and_the_file_costs_nothing(tmp_path, monkeypatch):
    from mesocosm.record import files

    write_ours(tmp_path, {"a.md": b"old"}, "--write")
    with monkeypatch.context() as m:
        real = files.write_whole
        m.setattr(files, "write_whole", lambda path, new: real(path, new) if path.name == LIST else 1 / 0)
        with pytest.raises(ZeroDivisionError):
            write_ours(tmp_path, {"a.md": b"new"}, "--write")
    write_ours(tmp_path, {"a.md": b"newer"}, "--write")
    assert (tmp_path / "a.md").read_bytes() == b"newer"


def test_compare_writes_over_no_page_of_the_users(tmp_path, capsys):
    runs = [str(game(tmp_path / name, seed=k).folder) for k, name in enumerate("ab")]
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "compare.html").write_text("mine")
    said = plainly(capsys, "compare", *runs, "--write", tmp_path / "out", code=2)
    assert "compare.html" in said and (tmp_path / "out" / "compare.html").read_text() == "mine"
    assert main(["compare", *runs, "--write", str(tmp_path / "new")]) == 0
    assert main(["compare", *runs, "--write", str(tmp_path / "new")]) == 0


def test_a_report_is_known_by_what_it_tells_and_not_by_its_time(tmp_path):
    """A copied folder, a clock set back, a run made longer: the page of another record is written anew."""
    from mesocosm.cli.results import report_path

    one, other = game(tmp_path / "one"), game(tmp_path / "other", seed=1)
    assert one.identity != other.identity
    page = report(one).read_bytes()
    assert report_path(one) == one.folder / "report.html"
    (other.folder / "report.html").write_bytes(page)
    os.utime(other.folder / "report.html", (2e9, 2e9))  # newer than any record
    report_path(other)
    assert (other.folder / "report.html").read_bytes() != page
    before = (one.folder / "report.html").stat().st_mtime_ns
    os.utime(one.folder / "record.sqlite", (2e9, 2e9))
    report_path(load(one.folder))
    assert (one.folder / "report.html").stat().st_mtime_ns == before  # it tells the same, whatever the clock says
    with Writer.reopen(one.folder) as again:
        again.conclude([])
    assert load(one.folder).identity == one.identity
    (one.folder / "analysis.json").write_text("{}")
    report_path(load(one.folder))
    assert (one.folder / "report.html").stat().st_mtime_ns != before


def test_a_page_of_the_users_is_no_report(tmp_path, capsys):
    folder = game(tmp_path / "run").folder
    (folder / "report.html").write_text("<html>my own")
    assert "no report of mesocosm" in plainly(capsys, "report", folder, code=2)
    assert (folder / "report.html").read_text() == "<html>my own"


def test_an_export_follows_no_link_of_a_received_folder(tmp_path, capsys):
    folder = game(tmp_path / "run").folder
    (tmp_path / "own").mkdir()
    (folder / "export").symlink_to(tmp_path / "own")
    assert "link" in plainly(capsys, "export", folder, "--to", "csv", code=2)
    assert not list((tmp_path / "own").iterdir())


def test_what_cannot_be_written_leaves_nothing_beside(tmp_path):
    (tmp_path / "there").mkdir()
    with pytest.raises(StorageError):
        write_whole(tmp_path / "there", b"x")
    assert os.listdir(tmp_path) == ["there"]
    write_whole(tmp_path / ("ü" * 127), b"x")  # 254 bytes: no room for a longer name beside
    assert (tmp_path / ("ü" * 127)).read_bytes() == b"x"


def test_a_lock_of_a_store_follows_no_link(tmp_path):
    from mesocosm.studies.locks import Locks

    (tmp_path / "treasure").write_text("gold")
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "cell").symlink_to(tmp_path / "treasure")
    with pytest.raises(StorageError, match="cannot be a lock"):
        Locks(tmp_path / "locks").take("cell")
    assert (tmp_path / "treasure").read_text() == "gold"


@pytest.mark.parametrize(
    "place", ["received/evil.py", "{folder}/evil.py", "{folder}/../received/evil.py:X", "received.evil:X"]
)
@pytest.mark.parametrize("is_named_as_code", [True, False])
def test_looking_at_a_folder_that_was_received_runs_no_code_that_came_with_it(
    tmp_path, monkeypatch, capsys, place, is_named_as_code
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    record = game(Path("received"))
    (record.folder / "evil.py").write_text("import pathlib\npathlib.Path('owned').touch()\n")
    reference = place.format(folder=record.folder.resolve())
    header = record.header | {"experiment": reference}
    code = {"reference": reference, "package": "", "version": "", "digest": "0"}
    write_header(record.folder, header | ({"code": code} if is_named_as_code else {}))
    for words in (["show"], ["report"], ["export", "--to", "csv"], ["resume"], ["compare", "received"]):
        main([words[0], "received", *words[1:]])
    main(["list", "--under", "."])
    said = capsys.readouterr().err
    assert not Path("owned").exists() and "fault of mesocosm" not in said, said
