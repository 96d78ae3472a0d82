"""Nothing is lost: killed, interrupted, out of room or torn, a run ends with the record of an unbroken one."""

import errno
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mesocosm.cli import main
from mesocosm.core import resume, run
from mesocosm.experiments.bilinear.declaration import BilinearConfiguration
from mesocosm.experiments.chemotaxis.declaration import ChemotaxisConfiguration
from mesocosm.experiments.launch import prepare, start
from mesocosm.record import FolderError, Record, StorageError, Writer, database, load
from mesocosm.record import folder as folders
from mesocosm.record.configuration import from_dict
from mesocosm.record.folder import locked
from mesocosm.record.writer import Batch
from tests.acceptance.test_command_line import MESOCOSM

GAME = BilinearConfiguration(replicates=2, ticks=2000, every=1)
DISH = from_dict(
    ChemotaxisConfiguration,
    {"replicates": 2, "ticks": 200, "every": 20, "world": {"side": 16, "founders": 32, "ceiling": 64}},
)
LONG = {"bilinear": replace(GAME, ticks=20000), "chemotaxis": replace(DISH, ticks=20000)}

CHILD = """
import sys
from pathlib import Path
from mesocosm.core import resume, run
from mesocosm.experiments.launch import prepare
from tests.acceptance.test_faults import LONG
setup, plan = prepare(sys.argv[2], LONG[sys.argv[2]])
go = resume if Path(sys.argv[1], "run.json").exists() else run
print("begun", flush=True)
go(setup, plan, Path(sys.argv[1]), progress=lambda p: print(p.tick, flush=True), checkpoint_seconds=0.05)
"""


def world(**changes) -> ChemotaxisConfiguration:
    return replace(DISH, world=replace(DISH.world, **changes))


def going(configuration, folder: Path, go=run, **options) -> Record:
    name = type(configuration).__name__.removesuffix("Configuration").lower()
    return go(*prepare(name, configuration), folder, **{"checkpoint_seconds": 0.0, **options})


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """The digest of the unbroken run of a configuration."""

    @cache
    def digest(configuration) -> str:
        folder = tmp_path_factory.mktemp("unbroken") / "run"
        return going(configuration, folder, checkpoint_seconds=1e9).digest()

    return digest


class PowerCut(BaseException):
    """Ends a run like a kill: nothing catches it."""


def crash_at(tick: int):
    def progress(p):
        if p.tick >= tick:
            raise PowerCut

    return progress


def crashed(configuration, folder: Path, tick: int) -> Path:
    with pytest.raises(PowerCut):
        going(configuration, folder, progress=crash_at(tick))
    assert load(folder).status == "killed"
    return folder


@pytest.fixture(scope="module")
def torn_game(tmp_path_factory) -> Path:
    return crashed(GAME, tmp_path_factory.mktemp("torn") / "game", tick=500)


@pytest.fixture(scope="module")
def torn_dish(tmp_path_factory) -> Path:
    return crashed(DISH, tmp_path_factory.mktemp("torn") / "dish", tick=60)


@pytest.fixture
def game(torn_game, tmp_path) -> Path:
    """A game that was killed after some checkpoints."""
    return Path(shutil.copytree(torn_game, tmp_path / "game"))


@pytest.fixture
def dish(torn_dish, tmp_path) -> Path:
    """A dish that was killed after some checkpoints, with logs."""
    return Path(shutil.copytree(torn_dish, tmp_path / "dish"))


def plainly(capsys, *words: str | Path, code: int) -> str:
    """What the command says; no traceback, no talk of a fault of ours."""
    assert main([*map(str, words)]) == code, capsys.readouterr()
    said = capsys.readouterr()
    assert "Traceback" not in said.err and "This is a fault" not in said.err, said.err
    return said.err


def checkpoints(folder: Path) -> list[Path]:
    return sorted((folder / "checkpoints").iterdir())


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


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
        identity = {"experiment": "bilinear", "seed": 0, "replicates": 2, "ticks": until, "every": 1}
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
    header = json.loads((game / "run.json").read_text())
    header["versions"]["numpy"] = "0.0.1"
    (game / "run.json").write_text(json.dumps(header))
    record = going(GAME, game, resume)
    assert record.digest() == unbroken(GAME)
    assert [s for s in record.changes_of_versions if f"numpy 0.0.1 -> {np.__version__}" in s]
    assert load(going(GAME, game, resume).folder).changes_of_versions


def test_what_a_kill_left_over_is_swept(game, unbroken):
    litter = ["log/births-000000000777.npz", "checkpoints/000000000777.npz", "checkpoints/000000000777.npz.beside"]
    for name in [*litter, "run.json.beside"]:
        (game / name).write_bytes(b"torn")
    assert going(GAME, game, resume).digest() == unbroken(GAME)
    assert not any((game / name).exists() for name in litter)
    assert len(checkpoints(game)) == 1  # a finished run keeps the last
    assert not list(game.rglob("*.beside"))


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


# -- torn and foreign folders --------------------------------------------------------------------------------------


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def empty(path: Path) -> None:
    path.write_bytes(b"")


DAMAGES = [flip_a_byte, cut_short, empty, Path.unlink]


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_checkpoint_before_is_used_where_the_newest_is_torn(game, unbroken, damage):
    damage(checkpoints(game)[-1])
    assert going(GAME, game, resume).digest() == unbroken(GAME)


def test_logs_go_on_without_gap_or_repetition_where_the_newest_checkpoint_is_torn(dish, unbroken):
    flip_a_byte(checkpoints(dish)[-1])
    assert going(DISH, dish, resume).digest() == unbroken(DISH)


def test_the_first_chunk_is_not_logged_twice_where_its_checkpoint_is_torn(tmp_path, unbroken):
    folder = crashed(DISH, tmp_path / "dish", tick=2)
    flip_a_byte(checkpoints(folder)[-1])
    assert going(DISH, folder, resume).digest() == unbroken(DISH)


def test_a_run_without_a_whole_checkpoint_is_refused_plainly(game, capsys):
    for path in checkpoints(game):
        flip_a_byte(path)
    assert "no whole checkpoint" in plainly(capsys, "resume", game, "--quiet", code=2)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_log_is_an_error_of_its_reader(dish, damage):
    damage(sorted((dish / "log").glob("births-*"))[0])
    with pytest.raises(FolderError, match="births-"):
        load(dish).log("births")
    with pytest.raises(FolderError, match="births-"):
        load(dish).digest()


def test_a_log_that_is_not_kept_is_an_error_naming_those_that_are(dish):
    with pytest.raises(FolderError, match="births, deaths"):
        load(dish).log("exchanges")


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_newest_checkpoint_is_an_error_of_its_reader(game, damage):
    damage(checkpoints(game)[-1])
    with pytest.raises(FolderError):
        _ = load(game).state


@pytest.mark.parametrize("command", ["show", "resume", "run bilinear --quiet --out"])
@pytest.mark.parametrize("damage", [cut_short, empty, Path.unlink])
@pytest.mark.parametrize("file", ["run.json", "record.sqlite"])
def test_a_damaged_file_is_named_by_every_command(game, capsys, file, damage, command):
    damage(game / file)
    words = ["--replicates", "2", "--ticks", "2000", "--every", "1"] if command.startswith("run") else []
    said = plainly(capsys, *command.split(), game, *words, code=2)
    assert str(game) in said and "make room" not in said
    assert (game / "record.sqlite").exists() == (file != "record.sqlite" or damage is not Path.unlink)


NOT_HEADERS = ["", "{", "[]", "3", '{"schema": 1}', '{"schema": 1, "experiment": 3, "replicates": "x"}', "\xff\xfe"]


@pytest.mark.parametrize("command", ["show", "resume", "run bilinear --quiet --out"])
@pytest.mark.parametrize("content", NOT_HEADERS)
def test_a_header_that_is_none_is_refused_plainly(game, capsys, content, command):
    (game / "run.json").write_text(content, encoding="latin-1")
    assert str(game) in plainly(capsys, *command.split(), game, code=2)


@pytest.mark.parametrize("command", ["show", "resume"])
@pytest.mark.parametrize("content", [None, b"\xff", b"rate = ", b"rat = 3"])
def test_a_configuration_that_cannot_be_read_is_refused_plainly(game, capsys, content, command):
    (game / "config.toml").unlink()
    if content is not None:
        (game / "config.toml").write_bytes(content)
    assert "config" in plainly(capsys, command, game, code=2)


@pytest.mark.parametrize("content", ["", "seed = 1", "rate = 17", "rate = 999", "rate = 'x'", "play = 3"])
def test_a_configuration_that_was_tampered_with_is_not_continued(game, capsys, content):
    (game / "config.toml").write_text(content)
    plainly(capsys, "resume", "--quiet", game, code=2)


def tamper(folder: Path, **entries) -> None:
    header = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**header, **entries}))


@pytest.mark.parametrize("schema", [0, 2, "1", None])
def test_a_folder_of_another_schema_is_refused_naming_both(game, capsys, schema):
    tamper(game, schema=schema)
    for command in ("show", "resume", "run bilinear --quiet --out"):
        said = plainly(capsys, *command.split(), game, code=2)
        assert f"schema {schema}" in said and "schema 1" in said


def test_a_run_begun_by_another_version_is_not_continued(game, capsys):
    tamper(game, versions={"mesocosm": "0.0.1"})
    assert "0.0.1" in plainly(capsys, "resume", game, "--quiet", code=2)
    plainly(capsys, "show", game, code=0)


@pytest.mark.parametrize("entry", [{"seed": 1}, {"replicates": 3}, {"every": 2}, {"experiment": "lorenz"}])
def test_a_header_that_contradicts_the_configuration_is_not_continued(game, capsys, entry):
    tamper(game, **entry)
    plainly(capsys, "resume", game, "--quiet", code=2)


def test_a_database_with_noise_in_it_is_read_or_refused_never_a_crash(torn_game, tmp_path):
    content = (torn_game / "record.sqlite").read_bytes()
    noise = random.Random(1)
    folder = Path(shutil.copytree(torn_game, tmp_path / "game"))
    for _ in range(150):
        torn = bytearray(content)
        for _ in range(noise.choice([1, 10, 300])):
            torn[noise.randrange(len(torn))] = noise.randrange(256)
        (folder / "record.sqlite").write_bytes(torn)
        try:
            load(folder).digest()
        except FolderError as refused:
            assert "record.sqlite" in str(refused)


@pytest.mark.parametrize("place", ["/proc/game", "/dev/null/game", "/dev/null", "x" * 300])
def test_a_folder_that_cannot_be_made_is_refused_plainly(tmp_path, monkeypatch, capsys, place):
    monkeypatch.chdir(tmp_path)
    said = plainly(capsys, "run", "bilinear", "--quiet", "--out", place, code=2)
    assert place in said and "--out" in said
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_something_else_is_left_alone(tmp_path, capsys):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter").write_text("one")
    said = plainly(capsys, "run", "bilinear", "--quiet", "--out", tmp_path / "thesis", code=2)
    assert "thesis" in said and "--out" in said
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["chapter"]


@pytest.fixture
def read_only(game):
    """The killed game on a disk that only reads."""
    call = ["mount", "--bind", "-o", "ro", str(game), str(game)]
    if shutil.which("mount") is None or subprocess.run(call, capture_output=True).returncode:
        pytest.skip("needs the right to mount")
    yield game
    subprocess.run(["umount", str(game)], check=True)


def test_a_run_on_a_disk_that_only_reads_is_shown_but_not_continued(read_only, capsys):
    plainly(capsys, "show", read_only, code=0)
    assert "Read-only" in plainly(capsys, "resume", read_only, "--quiet", code=3)


# -- two at once ---------------------------------------------------------------------------------------------------


def test_a_second_process_on_the_same_folder_is_refused_plainly(game, capsys):
    with locked(game):
        assert load(game).status == "running"
        words = ["--replicates", "2", "--ticks", "2000", "--every", "1", "--quiet"]
        assert "another process" in plainly(capsys, "run", "bilinear", *words, "--out", game, code=2)
        assert "another process" in plainly(capsys, "resume", game, "--quiet", code=2)
        plainly(capsys, "show", game, code=0)
    assert load(game).status == "killed"


def test_a_run_can_be_shown_while_it_runs(tmp_path, unbroken, capsys):
    def look(p):
        if p.tick % 10 == 0:
            plainly(capsys, "show", tmp_path / "game", code=0)
            plainly(capsys, "list", "--under", tmp_path, code=0)

    game = replace(GAME, ticks=200)
    assert going(game, tmp_path / "game", progress=look).digest() == unbroken(game)


def test_looking_at_a_run_never_keeps_a_writer_out(game):
    look = (
        "import sys; from mesocosm.record import load; r = load(sys.argv[1]); print(flush=True)\nwhile True: r.status"
    )
    child = subprocess.Popen([sys.executable, "-c", look, str(game)], stdout=subprocess.PIPE)
    try:
        child.stdout.readline()
        for _ in range(300):
            with locked(game):
                pass
    finally:
        child.kill()
        child.communicate()


# -- endings -------------------------------------------------------------------------------------------------------


def test_a_foodless_world_dies_out_and_that_is_a_result(tmp_path, capsys):
    folder = tmp_path / "dish"
    going(world(drop_food=0, founding_energy=100), folder)
    record = load(folder)
    assert record.status == "finished" and record.tick == DISH.ticks
    assert [(s.status, s.tick, s.cause) for s in record.statuses] == [("extinct", 25, "the last body starved")] * 2
    assert main(["show", str(folder)]) == 0
    said = capsys.readouterr()
    assert "extinct at 25" in said.out and "died out" in said.out and "nan" not in said.out.lower()
    assert not np.any(record.metrics["residual"])


def test_worlds_that_die_before_their_first_window_closes_are_shown(tmp_path, capsys):
    going(world(drop_food=1, founding_energy=40), tmp_path / "dish")
    assert main(["show", str(tmp_path / "dish"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["alive"] == 0 and len(said["summary"]["rows"]) == 2


def test_an_extinct_run_made_longer_equals_the_unbroken_longer_one(tmp_path, unbroken):
    foodless = world(drop_food=0, founding_energy=100)
    going(foodless, tmp_path / "dish")
    longer = replace(foodless, ticks=400)
    record = going(longer, tmp_path / "dish", resume)
    assert record.status == "finished" and record.tick == 400 and record.digest() == unbroken(longer)


POOR = replace(world(drop_food=3, founding_energy=40, jump_probability=0.1), ticks=80)


def test_where_one_world_dies_the_other_goes_on(tmp_path, capsys):
    for seed in range(20):
        record = going(replace(POOR, seed=seed), tmp_path / f"dish{seed}")
        dead, alive = sorted(record.statuses, key=lambda s: s.tick)
        if (dead.status, alive.status) == ("extinct", "alive") and 20 < dead.tick < 80:
            break
    else:
        pytest.fail("no seed in which one world dies and the other lives: the worlds of this test have changed")
    folder = tmp_path / f"dish{seed}"
    mine = record.metrics["replicate"] == dead.replicate
    assert record.metrics["tick"][mine].max() <= dead.tick and not np.any(record.metrics["residual"])
    assert main(["show", str(folder), "--json"]) == 0
    said = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(name))
    assert said["alive"] == 1 and f"extinct at {dead.tick}" in str(said["summary"]["rows"])


@pytest.mark.parametrize("tick", [35, 60])
def test_a_run_cut_off_around_an_extinction_goes_on_to_the_same_record(tmp_path, unbroken, tick):
    folder = crashed(POOR, tmp_path / "dish", tick)
    assert going(POOR, folder, resume).digest() == unbroken(POOR)


def test_a_population_whose_food_stops_only_loses_energy(tmp_path):
    dish = replace(DISH, ticks=600, interventions=("100:world.drop_food=0",))
    record = going(dish, tmp_path / "dish")
    m = record.metrics
    for replicate in range(2):
        mine = (m["replicate"] == replicate) & (m["tick"] > 100)
        energy = m["body_energy"][mine] + m["food"][mine]
        assert not np.any(m["inflow"][mine]) and np.all(np.diff(energy) < 0)
    assert not np.any(m["residual"])


def test_the_ceiling_binds_and_is_never_passed(tmp_path):
    record = going(replace(world(drop_food=512), ticks=400), tmp_path / "dish")
    population = record.metrics["population"]
    assert population.max() == DISH.world.ceiling == population[-1]
    births, deaths = record.log("births"), record.log("deaths")
    for replicate in range(2):
        born = np.bincount(births["tick"][births["replicate"] == replicate], minlength=400)
        died = np.bincount(deaths["tick"][deaths["replicate"] == replicate], minlength=400)
        assert np.max(np.cumsum(born) - np.cumsum(died) + died) <= DISH.world.ceiling


def test_games_that_run_away_are_counted_with_their_tick_and_cause(tmp_path, capsys):
    words = ["--rate", "128", "--play", "simultaneous", "--replicates", "2", "--quiet", "--out", tmp_path / "game"]
    plainly(capsys, "run", "bilinear", *words, code=0)
    assert [(s.status, s.cause[:8]) for s in load(tmp_path / "game").statuses] == [("diverged", "a player")] * 2


def test_a_flow_that_runs_away_is_a_result_without_nan(tmp_path, capsys):
    words = ["--step", "1", "--rho", "200", "--replicates", "2", "--quiet", "--json", "--out", str(tmp_path / "flow")]
    assert main(["run", "lorenz", *words]) == 0
    said = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(name))
    assert said["alive"] == 0
