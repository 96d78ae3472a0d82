"""Torn, damaged and foreign folders are mended from what is whole, or refused plainly."""

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from mesocosm.core import resume
from mesocosm.record import FolderError, load
from mesocosm.record.header import write_header
from tests.acceptance.breaking import DISH, GAME, checkpoints, crashed, flip_a_byte, going, plainly

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
    """Another header, whose checksum is right."""
    write_header(folder, {**load(folder).header, **entries})


@pytest.mark.parametrize("schema", [0, 2, "1", None])
def test_a_folder_of_another_schema_is_refused_naming_both(game, capsys, schema):
    tamper(game, schema=schema)
    for command in ("show", "resume", "run bilinear --quiet --out"):
        said = plainly(capsys, *command.split(), game, code=2)
        assert f"schema {schema!r}" in said and "schema 1" in said


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
