"""`mesocosm study`: the words, what is written, and how errors are told."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mesocosm.cli.main import main
from tests.answers import as_the_schema_says


def test_a_study_is_run_told_and_written_and_goes_on(toy_study, capsys):
    # "raises" takes no level: every one of its cells is a row with its error
    assert main(["study", toy_study, "--dry-run", "--json"]) == 0
    assert as_the_schema_says(capsys.readouterr().out)["missing"] == 12
    assert not Path("runs").exists()
    assert main(["study", toy_study, "--jobs", "1", "--quiet", "--write", "out"]) == 0
    said = capsys.readouterr().out
    assert "12 of 12 cells: 8 ok, 4 error" in said
    assert {p.name for p in Path("out").iterdir()} == {"toy.md", "toy.svg", "toy.html"}
    assert "first error: TypeError" in said
    assert main(["study", toy_study, "--retry", "error", "--dry-run", "--json"]) == 0
    assert as_the_schema_says(capsys.readouterr().out)["again"] == 4
    assert main(["study", toy_study, "--seeds", "3", "--dry-run", "--json"]) == 0
    found = as_the_schema_says(capsys.readouterr().out)
    assert (found["cells"], found["there"], found["missing"]) == (18, 12, 6)
    assert main(["study", toy_study, "--quiet", "--json"]) == 0
    assert as_the_schema_says(capsys.readouterr().out)["tables"]["toy"]["statuses"] == {"ok": 8, "error": 4}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nothing.toml"], "nothing.toml: cannot be read as TOML"),
        (["toy.toml", "--jobs", "0"], "--jobs 0: must be in 1 ... 256"),
        (["toy.toml", "--seeds", "0"], "seeds = 0"),
        (["toy.toml", "--retry", "ok"], "--retry ok: must be one of extinct, diverged"),
        (["toy.toml", "--store", "parts.py"], "is no store of cells"),
    ],
)
def test_errors_are_a_sentence(toy_study, capsys, words, told):
    assert main(["study", *words, "--quiet"]) == 2
    assert told in capsys.readouterr().err


def test_help_and_dry_run_import_no_jax(toy_study):
    code = f"import sys; from mesocosm.cli.main import main; main(['study', '{toy_study}', '--dry-run'])\n"
    code += "assert not {'jax', 'scipy', 'sklearn'} & set(sys.modules), 'heavy'"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_ctrl_c_stops_and_the_same_command_goes_on(toy_study):
    Path(toy_study).write_text(Path(toy_study).read_text().replace('"raises"', '"hangs"').replace("level = [0, 1]", ""))
    words = [
        sys.executable,
        "-c",
        f"from mesocosm.cli.main import main; raise SystemExit(main(['study', '{toy_study}']))",
    ]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, start_new_session=True)
    until = time.monotonic() + 20
    while len(list(Path("runs/cells/cells").glob("*/*/run.json"))) < 4 and time.monotonic() < until:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130 and "stopped" in said
    assert main(["study", toy_study, "--dry-run"]) == 0
    assert len(list(Path("runs/cells/cells").glob("*/*/run.json"))) == 4
