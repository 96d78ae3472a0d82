"""The identity of a cell is as wide as what determines its result: what a part calls, imports and reads."""

import os
import sys
from pathlib import Path

import pytest

from mesocosm.protocol import reach
from mesocosm.studies import component
from mesocosm.studies.study import from_dict

PARTS = """
import json
from functools import partial
from pathlib import Path

import own_helper
from mesocosm.studies.component import component

SHIFT = 1.0
UNUSED = 3
TABLE = {}
TABLE["a"] = 1


def add(x):
    return x + SHIFT


class Scale:
    def __call__(self, x):
        return 2 * x


def unused(x):
    return x + UNUSED


@component(slot="subject")
def mine(bias: float = 0.5):
    from own_folder import far
    from own_package import deep

    weights = json.loads((Path(__file__).parent / "data" / "weights.json").read_text())
    return lambda seed, budget: own_helper.twice(add(Scale()(seed))) + deep.ER + far.AWAY + weights + TABLE["a"]


@component(slot="subject")
def other(bias: float = 0.5):
    \"\"\"Says in its documentation: data/weights.json.\"\"\"
    return lambda seed, budget: float(seed)


def _made(by):
    @component(slot="subject", name=by.__name__)
    def inner():
        return by

    return inner


def closed_over(seed, budget):
    return 1.0


_made(closed_over)
"""
FILES = {
    "parts.py": PARTS,
    "own_helper.py": "import own_constant\n\n\ndef twice(x):\n    return own_constant.TWO * x\n",
    "own_constant.py": "TWO = 2\n",
    "own_package/__init__.py": "",
    "own_package/deep.py": "from .deeper import ER\n",
    "own_package/deeper.py": "ER = 1\n",
    "own_folder/far.py": "AWAY = 1\n",
    "data/weights.json": "5",
    "mine.npy": "first",
}


@pytest.fixture
def parts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", list(sys.path))  # what lies beside a file of components can be imported by it
    monkeypatch.setattr(component, "_KNOWN", dict(component._KNOWN))
    monkeypatch.setattr("sys.modules", dict(sys.modules))
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    component.load_file(tmp_path / "parts.py")
    return tmp_path


def _versions(subject="mine", **arguments) -> dict[str, str]:
    asked = {"name": "x", "question": "?", "tasks": ["call/x"], "seeds": 1, "budget": {"calls": 1}, "minimal_effect": 0}
    vary = {"vary": {"subject": [{"component": subject, **arguments}]}}
    return dict(from_dict({**asked, **vary}).cells[0].versions)


def _edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    os.utime(file, (1, 1))  # clocks are coarse


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("parts.py", "return x + SHIFT", "return x - SHIFT"),  # a helper
        ("parts.py", "SHIFT = 1.0", "SHIFT = -5.0"),  # a constant of the helper
        ("parts.py", "return 2 * x", "return 3 * x"),  # a class
        ("parts.py", 'TABLE["a"] = 1', 'TABLE["a"] = 2'),  # what changes a constant
        ("parts.py", "bias: float = 0.5):\n    from", "bias: float = 0.7):\n    from"),
        ("own_helper.py", "own_constant.TWO * x", "own_constant.TWO * x + 1"),  # an imported module
        ("own_constant.py", "2", "3"),  # and what that imports
        ("own_package/deeper.py", "1", "2"),  # imported within a function, relative
        ("own_folder/far.py", "1", "2"),  # in a folder without __init__.py
        ("data/weights.json", "5", "6"),  # a file that is read
    ],
)
def test_what_a_part_reaches_is_part_of_the_identity(parts, file, old, new):
    mine, other = _versions(), _versions("other")
    _edit(parts / file, old, new)
    component.load_file(parts / "parts.py")
    assert _versions() != mine
    assert _versions("other") == other or old.startswith("TABLE")


def test_what_a_part_does_not_reach_is_none(parts):
    before = _versions()
    _edit(parts / "parts.py", "UNUSED = 3", "# one more line\nUNUSED = 4")
    component.load_file(parts / "parts.py")
    assert _versions() == before
    assert "files" in before and "files" not in _versions("other")


def test_functions_made_in_one_place_are_told_apart_by_what_they_enclose(parts):
    before = _versions("closed_over")
    _edit(parts / "parts.py", "return 1.0", "return 2.0")
    component.load_file(parts / "parts.py")
    assert _versions("closed_over") != before


def test_a_file_that_an_argument_names_is_part_of_the_identity(parts):
    before = _versions(bias="mine.npy")
    _edit(parts / "mine.npy", "first", "other")
    assert _versions(bias="mine.npy") != before
    assert "files" not in _versions("other", bias="no-such-file.npy")


def test_code_without_a_file_is_told_by_what_it_does():
    made = [eval(f"lambda: lambda seed, budget: {value}") for value in ("1.0", "2.0", "1.0")]
    first, second, third = (reach.reached(make).source for make in made)
    assert first == third != second
