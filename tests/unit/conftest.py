"""What several test files of units share."""

from pathlib import Path

import pytest

PARTS = Path(__file__).with_name("study_parts.py")


@pytest.fixture
def toy_study(tmp_path, monkeypatch):
    """A small study in a folder of its own, with components beside it: its file."""
    monkeypatch.chdir(tmp_path)
    Path("parts.py").write_text(PARTS.read_text())
    Path("toy.toml").write_text(
        'name = "toy"\nquestion = "?"\ntasks = ["call/toy"]\nseeds = 2\nminimal_effect = 0.5\n'
        'budget = { calls = 1 }\ncomponents = ["parts.py"]\n[vary]\n'
        'subject = ["noisy", { component = "noisy", shift = 1.0 }, "raises"]\n[contexts]\nlevel = [0, 1]\n'
    )
    return "toy.toml"
