"""Names and places as systems allow them: too long, unreadable, in no alphabet, commanding the terminal."""

import json
import os
import shutil
import subprocess
import sys
import zlib
from importlib import metadata

import pytest

from mesocosm.cli import main
from mesocosm.cli.words import as_a_cell
from mesocosm.core import programs
from mesocosm.record import MesocosmError, MissingPackage
from tests.acceptance.breaking import plainly
from tests.synthetic import game

LONG = ["x" * 300, "/".join(["y" * 100] * 50)]
READING = ["show", "report", "resume", "review", "study", "check", "progress", "list --under", "export --to csv"]


@pytest.mark.parametrize("words", [*READING, "compare a", "run bilinear --config", "run bilinear --quiet --out"])
def test_names_that_no_system_takes_are_one_line(tmp_path, monkeypatch, capsys, words):
    monkeypatch.chdir(tmp_path)
    for name in LONG:
        code = 0 if words.startswith("list") else 2
        said = plainly(capsys, *words.split(), name, code=code)
        assert said.count("\n") == 1 and not list(tmp_path.iterdir())


def dropped(*words: str) -> list[str]:
    """The command for one who may not read what its mode forbids, also where the tests run as root."""
    setpriv = shutil.which("setpriv") if os.getuid() == 0 else None
    if os.getuid() == 0 and setpriv is None:
        pytest.skip("NOT TESTED: folders that may not be read, as root and without setpriv")
    without = [setpriv, "--bounding-set=-dac_override,-dac_read_search"] if setpriv else []
    return [*without, sys.executable, "-c", "import sys; from mesocosm.cli import main; sys.exit(main())", *words]


def test_list_survives_any_folder_and_says_a_line_of_each_bad_one(tmp_path):
    for name in ("good", "shut", "no-header", "no-rows", "pipe", "esc\x1b[31m\nape"):
        game(tmp_path / name)
    (tmp_path / os.fsdecode(b"bytes\xff")).mkdir()
    (tmp_path / os.fsdecode(b"bytes\xff") / "run.json").write_text("[" * 100_000)
    (tmp_path / "nowhere").symlink_to(tmp_path / "nothing")
    (tmp_path / "itself").symlink_to(tmp_path / "itself")
    (tmp_path / "pipe" / "run.json").unlink()
    os.mkfifo(tmp_path / "pipe" / "run.json")
    shut = [tmp_path / "shut", tmp_path / "no-header" / "run.json", tmp_path / "no-rows" / "record.sqlite"]
    for path in shut:
        path.chmod(0)
    done = subprocess.run(dropped("list", "--under", "."), cwd=tmp_path, capture_output=True, text=True, timeout=60)
    for path in shut:
        path.chmod(0o700)
    assert done.returncode == 0 and "\x1b" not in done.stdout + done.stderr
    assert "good " in done.stdout and "esc\\x1b[31m\\nape" in done.stdout
    bad = done.stderr.splitlines()
    assert len(bad) == 5 and all(sum(name in line for line in bad) == 1 for name in ("shut", "pipe", "bytes"))


def test_a_folder_that_may_not_be_looked_into_after_it_was_made_is_no_run(tmp_path):
    command = f"umask 777; exec {' '.join(map(repr, dropped('run', 'bilinear', '--quiet', '--out', 'game')))}"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "Permission denied" in done.stderr and "exists already" not in done.stderr


def test_in_a_locale_of_letters_only_all_is_read_and_written(tmp_path):
    first, second = game(tmp_path / "dïsh é").folder, game(tmp_path / "two", seed=1).folder
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    program = [sys.executable, "-m", "mesocosm"]
    for words in (["show", first], ["report", first], ["compare", first, second, "--write", tmp_path / "wö"]):
        done = subprocess.run([*program, *words], env=environment, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr


def test_what_a_folder_says_commands_no_terminal(tmp_path, capsys):
    from mesocosm.record.header import write_header

    record = game(tmp_path / "run")
    write_header(record.folder, {**record.header, "command": "\x1b]0;owned\x07\x9b2Jmesocosm\u202erun\r"})
    assert main(["show", str(record.folder)]) == 0
    said = capsys.readouterr().out
    assert (
        not {"\x1b", "\x07", "\x9b", "\u202e", "\r"} & {*said} and r"\x1b]0;owned\x07\x9b2Jmesocosm\u202erun\r" in said
    )


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1+1", "-cmd", "@SUM(A1)", "\t=1", " =1"])
def test_no_text_becomes_a_formula_of_a_spreadsheet(text):
    assert as_a_cell(text) == f"'{text}"
    assert [as_a_cell(v) for v in ("-1.5", -1.5, "x=1", "", None)] == ["-1.5", -1.5, "x=1", "", None]


def test_a_configuration_may_begin_with_a_byte_order_mark(tmp_path, capsys):
    (tmp_path / "my.toml").write_bytes(b"\xef\xbb\xbfrate = 3\nticks = 7")
    assert "ticks = 7: must be a multiple" in plainly(
        capsys, "run", "bilinear", "--config", tmp_path / "my.toml", code=2
    )
    (tmp_path / "facts.toml").write_bytes(b"\xef\xbb\xbfseeds = 3")
    plainly(capsys, "review", tmp_path / "facts.toml", code=0)


@pytest.mark.parametrize("error", [AssertionError(), RuntimeError("Unable to initialize backend 'x': it is not")])
def test_a_platform_that_is_not_here_is_named(monkeypatch, error):
    def none():
        raise error

    monkeypatch.setattr(programs.jax, "devices", none)
    monkeypatch.setenv("JAX_PLATFORMS", "nonsense")
    with pytest.raises(MesocosmError, match=r"JAX_PLATFORMS='nonsense'; unset it") as refused:
        programs.devices()
    assert refused.value.exit_code == 3


def test_a_kept_program_that_is_torn_is_forgotten_and_no_other(tmp_path):
    whole = zlib.compress(b"program" * 99)
    for name, content in {"jit_f-a-cache": whole, "jit_f-b-cache": whole[:20], "jit_f-c-cache": b""}.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "jit_g-b-cache").write_bytes(whole[:20])
    assert programs.forget_torn(tmp_path, "jit_f") == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["jit_f-a-cache", "jit_g-b-cache"]


def test_going_on_is_advised_only_where_there_is_something(tmp_path, monkeypatch, capsys):
    from tests.acceptance.test_faults_disk import fill_the_disk

    record = game(tmp_path / "run")
    with monkeypatch.context() as m:
        fill_the_disk(m, after=0)
        assert "resume" not in plainly(capsys, "report", record.folder, code=3)
        assert "resume" not in plainly(capsys, "export", record.folder, "--to", "csv", code=3)
        assert "resume" not in plainly(capsys, "run", "bilinear", "--quiet", "--out", tmp_path / "new", code=3)


def test_a_missing_package_is_named_with_the_extra_that_brings_it(monkeypatch, capsys, tmp_path):
    """And ends with 3, whatever was asked for."""
    assert MissingPackage("a film", "PIL", "video").exit_code == 3

    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", absent)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    said = plainly(capsys, "export", game(tmp_path / "run").folder, "--to", "parquet", code=3)
    assert "pip install 'mesocosm[parquet]'" in said
    monkeypatch.setitem(sys.modules, "starlette", None)
    for name in [name for name in sys.modules if name.startswith(("starlette.", "mesocosm.viewer.server"))]:
        monkeypatch.delitem(sys.modules, name)
    said = plainly(capsys, "watch", tmp_path / "run", "--no-browser", code=3)
    assert "pip install 'mesocosm[watch]'" in said


def test_a_component_that_would_end_the_program_ends_its_own_loading(tmp_path, capsys):
    (tmp_path / "parts.py").write_text("import sys\nsys.exit(0)\n")
    assert main(["check", str(tmp_path / "parts.py")]) == 1
    assert "SystemExit: 0" in capsys.readouterr().out


def test_json_answers_hold_no_raw_control_characters(tmp_path, capsys):
    game(tmp_path / "a\x1b[31m")
    assert main(["list", "--under", str(tmp_path), "--json"]) == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said and json.loads(said)["runs"][0]["run"] == "a\x1b[31m"
