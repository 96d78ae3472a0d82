"""An experiment of one's own from the command line: written, checked, run, shown, reviewed, studied."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mesocosm.cli import main

MORAN = Path(__file__).parents[2] / "docs" / "examples" / "moran.py"
STUDY = """
name = "moran-map"
question = "Does an advantage raise fixation?"
tasks = ["experiment/moran.py"]
seeds = 4
minimal_effect = 0.05
vary.advantage = [1, 4]
budget.ticks = 400
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_new_writes_an_experiment_that_keeps_the_rules(here, capsys):
    assert main(["new", "walker"]) == 0
    assert main(["check", "walker.py"]) == 0, capsys.readouterr().out
    assert "15 of 15 hold" in capsys.readouterr().out
    compile(Path("test_walker.py").read_text(), "test_walker.py", "exec")


@pytest.mark.parametrize("word", ["walker", "a b", "1st", "../up"])
def test_new_replaces_nothing_and_wants_a_word(word, here, capsys):
    Path("walker.py").write_text("mine\n")
    assert main(["new", word]) == 2
    assert Path("walker.py").read_text() == "mine\n" and sorted(here.iterdir()) == [here / "walker.py"]
    assert "Traceback" not in capsys.readouterr().err


def test_a_broken_rule_is_named_and_the_exit_code_says_so(here, capsys):
    """A law that counts in a list of its own how often it was traced draws other bits every time."""
    text = MORAN.read_text().replace("N = 10", "N = 10\nTRACED = []")
    text = text.replace("bits.of(jnp.uint32(0), 0)", "bits.of(jnp.uint32(0), len(TRACED))")
    Path("moran.py").write_text(text.replace("        weight =", "        TRACED.append(1)\n        weight ="))
    assert main(["check", "moran.py"]) == 1
    assert "fails  rule" in capsys.readouterr().out


def test_it_is_run_shown_reviewed_and_studied_by_two_workers(here, capsys):
    shutil.copy(MORAN, here)
    words = ["run", "moran.py", "--preset", "quick", "--require", "fixation=equivalent", "--quiet"]
    assert main(words) == 0
    assert "(4,096 populations; worst: number 0, by least fixed; `show RUN --all` has" in capsys.readouterr().out
    assert main(["show", next(Path("runs").iterdir()).name, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["experiment"] == "moran"
    assert main(["review", "moran.py", "--json"]) == 0
    capsys.readouterr()
    Path("study.toml").write_text(STUDY)
    command = [sys.executable, "-m", "mesocosm", "study", "study.toml", "--jobs", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and "8 of 8 cells: 8 ok" in done.stdout, done.stderr
