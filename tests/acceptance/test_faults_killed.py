"""Killed or interrupted at any moment, a run ends with the record of an unbroken one."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mesocosm.cli import main
from mesocosm.core import resume, run
from mesocosm.record import Record, Writer, database, load
from mesocosm.record.header import write_header
from mesocosm.record.writer import Batch
from tests.acceptance.breaking import (
    CHILD,
    DISH,
    GAME,
    LONG,
    PowerCut,
    checkpoints,
    crashed,
    flip_a_byte,
    going,
    plainly,
)
from tests.acceptance.test_command_line import MESOCOSM

# -- killed --------------------------------------------------------------------------------------------------------


def begin_child(name: str, folder: Path) -> subprocess.Popen[str]:
    call = [sys.executable, "-c", CHILD, str(folder), name]
    root = Path(__file__).parents[2]
    return subprocess.Popen(call, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def kill_at_random(name: str, folder: Path, moment: random.Random) -> None:
    """Run or resume in a child process that is killed at a random moment: while it compiles, computes or writes."""
    child = begin_child(name, folder)
    for _ in range(moment.randint(1, 8)):
        child.stdout.readline()
    time.sleep(moment.random() * moment.choice([0.01, 0.5]))
    child.kill()
    _, errors = child.communicate()
    assert child.returncode in (-signal.SIGKILL, 0), errors


KILLS = [("bilinear", 2, 1), ("chemotaxis", 1, 5)]
MANY_KILLS = [("bilinear", 5, seed) for seed in (3, 4)] + [("chemotaxis", 3, seed) for seed in range(6, 13)]


@pytest.mark.parametrize(
    ("name", "kills", "seed"), KILLS + [pytest.param(*k, marks=pytest.mark.slow) for k in MANY_KILLS]
)
def test_a_run_killed_at_random_moments_has_the_record_of_an_unbroken_one(tmp_path, unbroken, name, kills, seed):
    moment = random.Random(seed)
    for _ in range(kills):
        kill_at_random(name, tmp_path / "run", moment)
    go = resume if (tmp_path / "run" / "run.json").exists() else run
    assert going(LONG[name], tmp_path / "run", go).digest() == unbroken(LONG[name])


@pytest.mark.parametrize("tick", [1, 20, 33, 60, 199])
def test_a_run_cut_off_at_any_tick_goes_on_to_the_same_record(tmp_path, unbroken, tick):
    folder = crashed(DISH, tmp_path / "dish", tick)
    assert going(DISH, folder, resume).digest() == unbroken(DISH)


def test_a_run_killed_before_its_first_checkpoint_is_resumed_from_the_beginning(tmp_path, unbroken, monkeypatch):
    def cut(*arguments):
        raise PowerCut

    with monkeypatch.context() as m, pytest.raises(PowerCut):
        m.setattr(Writer, "commit", cut)
        going(GAME, tmp_path / "game")
    assert going(GAME, tmp_path / "game", resume).digest() == unbroken(GAME)


@pytest.mark.parametrize("call", range(12))
def test_a_run_killed_while_its_folder_is_made_leaves_one_that_can_be_run(tmp_path, monkeypatch, call):
    """Whatever is there then, the same command or `resume` gets to the end."""
    game, words = replace(GAME, ticks=20), ["--replicates", "2", "--ticks", "20", "--every", "1", "--quiet"]
    with monkeypatch.context() as m:
        cut_at_call(m, call)
        try:
            going(game, tmp_path / "game")
        except PowerCut:
            pass
        else:
            return  # by then it had finished
    again = main(["run", "bilinear", *words, "--out", str(tmp_path / "game")])
    assert again == 0 or main(["resume", "--quiet", str(tmp_path / "game")]) == 0


def cut_at_call(m: pytest.MonkeyPatch, call: int) -> None:
    """Cut the power before the call of this number among those that change the folder or its database."""
    calls = [0]

    def counted(real):
        def before(*arguments, **options):
            calls[0] += 1
            if calls[0] > call:
                raise PowerCut
            return real(*arguments, **options)

        return before

    class Counted(sqlite3.Connection):
        execute = counted(sqlite3.Connection.execute)
        executemany = counted(sqlite3.Connection.executemany)

    connect = partial(sqlite3.connect, factory=Counted)
    m.setattr(database, "sqlite3", SimpleNamespace(**{**vars(sqlite3), "connect": connect}))
    m.setattr(os, "mkdir", counted(os.mkdir))
    m.setattr(os, "fsync", counted(os.fsync))
    m.setattr(os, "replace", counted(os.replace))
    m.setattr(os, "unlink", counted(os.unlink))


def batch(first: int, last: int) -> Batch:
    """What happened in the ticks from `first` up to before `last`, a row and an event each."""
    ticks = np.arange(first, last)
    columns = {"replicate": np.zeros(ticks.size, np.int64)}
    return Batch(
        {**columns, "tick": ticks + 1, "x": ticks**2},
        [(1, "extinct", 5, "hunger")] if first < 5 <= last else [],
        {"births": {**columns, "tick": ticks, "id": ticks + 100}},
    )


def write(folder: Path, until: int = 12, step: int = 1) -> Record:
    """Write a record in commits of `step` ticks, from wherever it is."""
    if folder.exists():
        writer = Writer.reopen(folder)
    else:
        identity = {"experiment": "bilinear", "seed": 0, "replicates": 2, "ticks": 12, "every": 1}
        identity |= {"interventions": [], "configuration": {}, "exact": True, "logs": ["births"]}
        writer = Writer.create(folder, identity, {"x": "INTEGER"}, "")
    with writer:
        if any((folder / "checkpoints").iterdir()):
            tick = writer.last_checkpoint()[0]
        else:
            tick = 0
            writer.commit(0, Batch(), {"at": np.array(0)}, 0.0)
        while tick < until:
            after = min(tick + step, until)
            writer.commit(after, batch(tick, after), {"at": np.array(after)}, 0.0)
            tick = after
    return load(folder)


def test_a_commit_cut_off_between_any_two_steps_happened_or_did_not(tmp_path, monkeypatch):
    whole = write(tmp_path / "whole", until=9, step=4).digest()
    cuts, finished = 0, False
    while not finished:
        folder = tmp_path / f"run{cuts}"
        write(folder, until=3)
        with monkeypatch.context() as m:
            cut_at_call(m, cuts)
            try:
                write(folder, until=9, step=3)
                finished = True
            except PowerCut:
                cuts += 1
        record = load(folder)
        assert record.metrics["tick"].max() == record.tick == record.log("births")["tick"].max() + 1
        assert write(folder, until=9, step=3).digest() == whole
    assert cuts >= 20


@pytest.mark.parametrize("until", [1, 4, 5, 11])
def test_a_record_rolled_back_to_the_checkpoint_before_repeats_no_row(tmp_path, until):
    write(tmp_path / "run", until)
    flip_a_byte(checkpoints(tmp_path / "run")[-1])
    assert write(tmp_path / "run").digest() == write(tmp_path / "whole", step=4).digest()


def test_a_run_cut_off_when_all_have_ended_goes_on_to_the_same_record(tmp_path, unbroken, monkeypatch):
    runaway = replace(GAME, ticks=4000, play="simultaneous", rate=60)
    commit = Writer.commit

    def last_breath(self, tick, batch, state, *rest):
        commit(self, tick, batch, state, *rest)
        if state["replicate"].size == 0:
            raise PowerCut

    with monkeypatch.context() as patch, pytest.raises(PowerCut):
        patch.setattr(Writer, "commit", last_breath)
        going(runaway, tmp_path / "game")
    assert len({s.tick for s in load(tmp_path / "game").statuses}) == 2, "they must end at different ticks"
    assert going(runaway, tmp_path / "game", resume).digest() == unbroken(runaway)


def test_a_kill_in_a_commit_at_the_tick_of_the_last_checkpoint_leaves_that_one(tmp_path, unbroken, monkeypatch):
    short = replace(GAME, ticks=40)
    with monkeypatch.context() as patch, pytest.raises(PowerCut):
        patch.setattr(Writer, "set_status", lambda self, status, **_: (_ for _ in ()).throw(PowerCut()))
        going(short, tmp_path / "game")
    with monkeypatch.context() as patch, pytest.raises(PowerCut):
        patch.setattr(database, "transaction", lambda db: (_ for _ in ()).throw(PowerCut()))
        writer = Writer.reopen(tmp_path / "game")
        with writer:
            writer.commit(40, Batch(), {"torn": np.array(0)}, 0.0, True)
    assert going(short, tmp_path / "game", resume).digest() == unbroken(short)


def test_a_run_that_goes_on_with_other_versions_says_so(game, unbroken):
    header = load(game).header
    header["versions"]["numpy"] = "0.0.1"
    write_header(game, header)
    record = going(GAME, game, resume)
    assert record.digest() == unbroken(GAME)
    assert [s for s in record.changes_of_versions if f"numpy 0.0.1 -> {np.__version__}" in s]
    assert load(going(GAME, game, resume).folder).changes_of_versions


def test_what_a_kill_left_over_is_swept_and_nothing_else(dish, tmp_path, unbroken):
    litter = ["log/births-000000000777.npz", "checkpoints/000000000777.npz", "checkpoints/000000000777-again.npz"]
    litter += [f"{place}.{'0' * 16}.beside" for place in ("log/.x.npz", ".run.json", ".config.toml")]
    own = ["log/notes.txt", "log/births.npz", "frames/film.npz", "checkpoints/mine.npz", ".thesis.beside", "sums.json"]
    for name in [*litter, *own]:
        (dish / name).write_bytes(b"torn")
    (tmp_path / "treasure.npz").write_bytes(b"gold")
    (dish / "log" / "births-000000000778.npz").symlink_to(tmp_path / "treasure.npz")
    assert going(DISH, dish, resume).digest() == unbroken(DISH)
    assert not any((dish / name).exists() for name in litter)
    assert all((dish / name).read_bytes() == b"torn" for name in own)
    assert (tmp_path / "treasure.npz").read_bytes() == b"gold"
    assert len([path for path in checkpoints(dish) if path.name != "mine.npz"]) == 1  # a finished run keeps the last


LEAVE_IN_MID_TRANSACTION = """
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA cache_size = 1")
db.execute("BEGIN IMMEDIATE")
db.execute("DELETE FROM metrics")
db.executemany("INSERT INTO clock VALUES (?, 0, ?)", [(k, "x" * 500) for k in range(10**6, 10**6 + 2000)])
os._exit(9)
"""


def test_a_kill_in_the_middle_of_a_transaction_is_no_hindrance(game, unbroken, capsys):
    subprocess.run([sys.executable, "-c", LEAVE_IN_MID_TRANSACTION, str(game / "record.sqlite")], timeout=60)
    assert (game / "record.sqlite-journal").exists()
    assert load(game).tick > 0
    plainly(capsys, "show", game, code=0)
    assert going(GAME, game, resume).digest() == unbroken(GAME)


# -- interrupted ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_writes_a_checkpoint_and_goes_on_to_the_same_record(tmp_path, unbroken, number):
    def interrupt(p):
        if p.tick >= 700:
            signal.raise_signal(number)

    from mesocosm.core.interrupt import Interrupted

    with pytest.raises(Interrupted, match="mesocosm resume"):
        going(GAME, tmp_path / "game", progress=interrupt, checkpoint_seconds=1e9)
    record = load(tmp_path / "game")
    assert record.status == "interrupted" and record.tick >= 700
    assert going(GAME, tmp_path / "game", resume).digest() == unbroken(GAME)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_ends_with_130_when_interrupted_and_names_resume(tmp_path, number):
    words = ["run", "bilinear", "--replicates", "2", "--ticks", "2000000000", "--every", "1000000", "--out", "game"]
    child = subprocess.Popen(
        [*MESOCOSM, *words], cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while not list((tmp_path / "game").glob("checkpoints/*.npz")) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(1.0)
    child.send_signal(number)
    results, words = child.communicate(timeout=60)
    assert (child.returncode, results) == (130, ""), words
    assert "mesocosm resume game" in words and "Traceback" not in words
    assert load(tmp_path / "game").status == "interrupted"
