"""Without room on the disk nothing is lost, and it is said plainly."""

import errno
import os
import shutil
import sqlite3
import subprocess
from types import SimpleNamespace

import pytest

from mesocosm.core import resume
from mesocosm.protocol.launch import start
from mesocosm.record import StorageError, database, load
from mesocosm.record import folder as folders
from tests.acceptance.breaking import (
    DISH,
    GAME,
    going,
    plainly,
)

# -- no room -------------------------------------------------------------------------------------------------------


def fill_the_disk(m: pytest.MonkeyPatch, after: int) -> None:
    """From this call on, nothing reaches the disk."""
    calls, real = [0], os.fsync

    def fsync(number: int) -> None:
        calls[0] += 1
        if calls[0] > after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(number)

    m.setattr(folders.os, "fsync", fsync)


@pytest.mark.parametrize("after", [3, 4, 9])
def test_a_full_disk_is_said_plainly_and_after_making_room_the_run_goes_on(tmp_path, monkeypatch, unbroken, after):
    with monkeypatch.context() as m, pytest.raises(StorageError, match=r"No space left.*resume") as full:
        fill_the_disk(m, after)
        going(DISH, tmp_path / "dish")
    assert full.value.exit_code == 3
    assert not list((tmp_path / "dish").rglob("*.beside"))
    before = load(tmp_path / "dish").tick
    record = going(DISH, tmp_path / "dish", resume)
    assert record.digest() == unbroken(DISH) and record.tick > before


def test_a_database_that_finds_no_room_is_said_plainly_and_the_run_goes_on(tmp_path, monkeypatch, unbroken):
    def cramped(*arguments, **options):
        db = sqlite3.connect(*arguments, **options)
        db.execute("PRAGMA max_page_count = 16")
        return db

    with monkeypatch.context() as m, pytest.raises(StorageError, match="full"):
        m.setattr(database, "sqlite3", SimpleNamespace(**{**vars(sqlite3), "connect": cramped}))
        going(GAME, tmp_path / "game")
    assert 0 < load(tmp_path / "game").tick < GAME.ticks
    assert going(GAME, tmp_path / "game", resume).digest() == unbroken(GAME)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 112 KiB, and how to make it larger."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    call = [mount, "-t", "tmpfs", "-o", "size=112k", "tmpfs", str(place)]
    if mount is None or subprocess.run(call, capture_output=True).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    yield place, lambda: subprocess.run([mount, "-o", "remount,size=64m", str(place)], check=True)
    subprocess.run(["umount", str(place)], check=True)


def test_a_truly_full_disk_loses_nothing(small_disk, unbroken, capsys):
    place, make_room = small_disk
    with pytest.raises(StorageError, match="make room"):
        going(GAME, place / "game")
    reached = load(place / "game").tick
    assert 0 < reached < GAME.ticks
    plainly(capsys, "show", place / "game", code=0)
    make_room()
    assert going(GAME, place / "game", resume).digest() == unbroken(GAME)


def test_a_disk_full_from_the_start_leaves_no_folder_that_stands_in_the_way(tmp_path, monkeypatch, unbroken):
    with monkeypatch.context() as m, pytest.raises(StorageError):
        fill_the_disk(m, after=1)
        going(GAME, tmp_path / "game")
    assert start("bilinear", GAME, tmp_path / "game").digest() == unbroken(GAME)


def test_the_command_says_a_full_disk_plainly_with_code_3(tmp_path, monkeypatch, capsys):
    words = ["--replicates", "2", "--ticks", "20", "--every", "1", "--quiet"]
    with monkeypatch.context() as m:
        fill_the_disk(m, after=3)
        said = plainly(capsys, "run", "bilinear", *words, "--out", tmp_path / "game", code=3)
    assert "No space left" in said and "make room" in said


def test_a_folder_that_vanishes_in_mid_run_is_said_plainly(tmp_path):
    def vanish(p):
        if p.tick > 300:
            shutil.rmtree(tmp_path / "game", ignore_errors=True)

    with pytest.raises(StorageError, match="game"):
        going(GAME, tmp_path / "game", progress=vanish)
