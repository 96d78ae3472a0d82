"""Experiments from outside: a file beside you, an entry point, a module; and everything that can be wrong with them."""

from __future__ import annotations

import shutil
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

import mesocosm as mc
from mesocosm.protocol import registry, shelf
from mesocosm.protocol.launch import go_on
from mesocosm.protocol.outside import MissingError
from mesocosm.protocol.trust import marked
from mesocosm.record import ConfigurationError, FolderError
from mesocosm.record.header import read_header, write_header

MORAN = Path(__file__).parents[2] / "docs" / "examples" / "moran.py"
LAW = """return newcomers + gains.astype(jnp.int32) - loses.astype(jnp.int32), lab.Tick()"""


@pytest.fixture(scope="module")
def moran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("moran")
    shutil.copy(MORAN, folder)
    run = mc.run(str(folder / "moran.py"), out=folder / "run", replicates=2048, frames_every=100)
    return folder, run


def written(folder, *changes):
    """The Moran file with pieces of its text replaced, in a folder of its own."""
    text = MORAN.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "moran.py"
    path.write_text(text)
    return str(path)


def test_a_file_of_sixty_lines_gets_everything(moran):
    folder, run = moran
    assert len(MORAN.read_text().splitlines()) <= 60
    (finding,) = run.findings
    assert finding.verdict == "equivalent" and abs(finding.estimate) < 0.02, "fixation of a neutral newcomer is 1/N"
    assert "fixation of a newcomer" in run.report().read_text().lower()
    assert run.summary.columns[3:] == ("fixed", "newcomers")
    code = run.record.header["code"]
    assert code["reference"] == f"{folder / 'moran.py'}:DECLARATION" and len(code["digest"]) == 16
    assert repr(run).startswith("moran, seed 0, 2048 populations")


def test_an_advantage_is_fixed_as_often_as_theory_says(tmp_path):
    run = mc.run(written(tmp_path), out=tmp_path / "run", replicates=2048, advantage=2)
    r, n = 2.0, 10
    expected = (1 - 1 / r) / (1 - r**-n)
    fixed = run.metrics["fixed"][run.metrics["tick"] == 1000].mean()
    assert abs(fixed - expected) < 3.3 * np.sqrt(expected * (1 - expected) / 2048)


def test_what_it_imports_and_reads_is_part_of_its_identity(tmp_path):
    (tmp_path / "helper_of_moran.py").write_text("SIZE = 10\n")
    path = written(tmp_path, ("N = 10", "from helper_of_moran import SIZE as N"))
    first = registry.find(path).code["digest"]
    (tmp_path / "helper_of_moran.py").write_text("SIZE = 12\n")
    second = registry.find(path).code["digest"]
    assert second != first
    (tmp_path / "rates.csv").write_text("1\n")
    path = written(tmp_path, ("N = 10", 'from helper_of_moran import SIZE as N\nRATES = "rates.csv"'))
    third = registry.find(path).code["digest"]
    (tmp_path / "rates.csv").write_text("2\n")
    assert len({second, third, registry.find(path).code["digest"]}) == 3


def test_without_its_code_a_run_is_shown_from_the_record(moran, tmp_path, capsys):
    folder, run = moran
    gone = tmp_path / "gone"
    shutil.copytree(folder / "run", gone)
    header = read_header(gone)
    header["code"] = marked({**header["code"], "reference": f"{tmp_path / 'not-here.py'}:DECLARATION"})
    write_header(gone, header)
    there = mc.load(gone)
    assert there.summary.columns[3:] == ("fixed", "newcomers") and there.findings == run.findings
    assert "not-here.py: is no file" in registry.trouble_with(there.record)
    assert "Shown from the record alone" in there.report().read_text()
    with pytest.raises(FolderError, match=r"the code of moran cannot be used: .*not-here\.py: is no file"):
        go_on(gone, 2000)


def test_a_run_whose_folder_was_moved_with_its_code_goes_on_where_the_file_is_named(tmp_path):
    there = tmp_path / "before"
    there.mkdir()
    mc.run(written(there), out=there / "run", replicates=8, ticks=200)
    there.rename(tmp_path / "after")
    moved = tmp_path / "after" / "run"
    assert "is no file" in registry.trouble_with(mc.load(moved).record)
    assert mc.run(str(tmp_path / "after" / "moran.py"), out=moved, replicates=8, ticks=200).status == "finished"
    assert registry.trouble_with(mc.load(moved).record) == ""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("value=AGAINST", "value=lambda record: 1", r"moran\.py: the statistic of a claim fails: TypeError"),
        (", value=AGAINST", "", r"the claim fixation says of no statistic how it is computed"),
        (LAW, "return newcomers", r"moran\.py.*: its law fails: "),
        ("def init(self, bits):", "def init(self):", r"moran\.py: its law fails: TypeError"),
    ],
)
def test_what_is_called_otherwise_than_it_should_be_is_the_file_s_fault(old, new, says, tmp_path):
    with pytest.raises(ConfigurationError, match=says):
        mc.run(written(tmp_path, (old, new)), out=tmp_path / "run", replicates=8, ticks=100)


def test_an_edited_file_is_loaded_anew_with_what_it_imports(tmp_path):
    (tmp_path / "size_of_moran.py").write_text("SIZE = 10\n")
    path = written(tmp_path, ("N = 10", "from size_of_moran import SIZE as N"))
    assert registry.find(path).module.N == 10
    (tmp_path / "size_of_moran.py").write_text("SIZE = 12\n")
    assert registry.find(path).module.N == 12


def test_arms_of_an_experiment_from_outside_have_no_arms_of_their_own(tmp_path):
    path = written(
        tmp_path, ('    noun="populations",', '    noun="populations",\n    arms={"fit": {"advantage": 4}},')
    )
    mc.run(path, out=tmp_path / "run", replicates=16, ticks=100)
    assert sorted(p.parent.name for p in (tmp_path / "run").rglob("run.json")) == ["fit", "run"]


def test_a_number_that_cannot_be_shown_costs_nobody_the_run():
    from mesocosm.cli.progress import ProgressLine
    from mesocosm.core import Progress
    from mesocosm.protocol.registry import declaration

    line = ProgressLine(declaration("chemotaxis"))
    text = line.text(Progress("chemotaxis", 10, 20, 1, 1, 1.0, {"population": np.ones(1)}), 1.0)
    assert text.startswith("tick 10/20")


def test_where_nobody_redraws_a_line_one_comes_every_tenth(capsys):
    from mesocosm.core import Progress
    from mesocosm.protocol.progress import ProgressLines, told_of
    from mesocosm.protocol.registry import declaration

    declared = declaration("chemotaxis")
    for name, after in (("chemotaxis", 0.0), ("garden", 0.0), ("chemotaxis", 60.0)):
        line = ProgressLines(declared, after=after)
        for tick in range(0, 201, 4):
            line(Progress(name, tick, 200, 1, 1, 1.0, {}))
        said = capsys.readouterr().err.splitlines()
        assert len(said) == (10 if name == "chemotaxis" and not after else 0), "arms, and runs soon over, are silent"
        assert all(words.isprintable() and words.startswith("tick ") for words in said)
    assert told_of(False, declared, {}) is None and told_of(print, declared, {}) is print


def test_a_run_that_was_made_elsewhere_runs_no_file_by_being_opened(moran, tmp_path, monkeypatch):
    _, run = moran
    assert registry.trouble_with(run.record) == ""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))  # another account
    assert "made by another account or on another machine" in registry.trouble_with(run.record)
    assert mc.load(run.folder).summary.columns[3:] == ("fixed", "newcomers"), "the record alone is shown"
    key = tmp_path / "mesocosm" / "key"
    assert key.stat().st_mode & 0o077 == 0 and [p.name for p in key.parent.iterdir()] == ["key"]
    monkeypatch.setenv("MESOCOSM_TRUST", "1")
    assert registry.trouble_with(run.record) == ""


def test_a_run_goes_on_only_under_the_code_that_it_was_begun_with(tmp_path):
    path = written(tmp_path)
    run = mc.run(path, out=tmp_path / "run", replicates=8, ticks=200)
    written(tmp_path, ("(dies % N)", "(dies % (N + 1))"))
    with pytest.raises(FolderError, match=r"moran\.py has changed since this run was begun"):
        run.resume(ticks=400)
    assert "has changed since this run" in registry.trouble_with(run.record)
    assert mc.run(path, replicates=8, ticks=200, out=tmp_path / "other").status == "finished"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("return jnp.int32(1)", "raise RuntimeError('no founders')", r"moran\.py, line \d+: its law fails: .*no found"),
        (LAW, "return newcomers.astype(jnp.int8), lab.Tick()", r"changes the state: int32\[\] before, int8\[\] after"),
        (LAW, "return (newcomers, newcomers), lab.Tick()", r"its tick gives a state of another structure"),
        ("lab.Setup(Moran(jnp.int32(c.advantage)))", "Moran(jnp.int32(1))", r"build gives Moran; it must give a Setup"),
        ('Statistic("fixed"', 'Statistic("fixd"', r"names the measure 'fixd'; declared are fixed, newcomers"),
        ('Statistic("fixed"', 'Statistic("fixed", run="mute"', r"asks for the run 'mute', which nothing declares"),
        (
            'Statistic("fixed", against=',
            'Statistic("fixed", against="control" or ',
            r"control of fixed, which declares none",
        ),
        ('noun="populations"', 'arms={"fit": {"advantge": 4}}', r"arm fit cannot be run: advantge: .*advantage"),
        ('lab.Measure("newcomers", "newcomers")', 'lab.Measure("n", "comers")', r"measure n reads the column 'comers'"),
        ("Scene(", 'Scene(images={"fixed": lab.Image(jnp.zeros((2, 2)))}, ', r"'fixed' names both curves and images"),
        ("N = 10\n", "import no_such_package_here\nN = 10\n", r"needs the package no_such_package_here"),
        ("N = 10\n", "import sys\nsys.exit(3)\nN = 10\n", r"line 11: importing it fails: it ended the program"),
        ("N = 10\n", "N = = 10\n", r"moran\.py, line 10: importing it fails: SyntaxError"),
        ("DECLARATION = lab.Declaration(", "MINE = dict(", r"must name one Declaration; there is none"),
        ('name="moran"', 'name="my moran"', r"name = 'my moran': must be one word"),
    ],
)
def test_what_is_wrong_with_it_is_one_sentence(old, new, says, tmp_path):
    path = written(tmp_path, (old, new))
    with pytest.raises((ConfigurationError, MissingError), match=says):
        mc.run(path, out=tmp_path / "run", replicates=8, ticks=100)
        mc.load(tmp_path / "run").summary  # noqa: B018 - what a measure lacks shows when it is read


def test_an_entry_point_is_an_experiment_like_any_other(tmp_path, monkeypatch):
    package = tmp_path / "moran_package_of_test.py"
    shutil.copy(MORAN, package)
    monkeypatch.syspath_prepend(str(tmp_path))
    point = EntryPoint("moran", "moran_package_of_test:DECLARATION", registry.SHELF.room)
    monkeypatch.setattr(shelf, "_points", lambda room: {"moran": point})
    assert registry.names()[-1] == "moran"
    run = mc.run("moran", out=tmp_path / "run", replicates=8, ticks=100)
    assert run.record.header["code"]["reference"] == "moran_package_of_test:DECLARATION"
    assert mc.load(tmp_path / "run").summary.columns[3:] == ("fixed", "newcomers")


def test_a_name_that_is_none_offers_the_nearest():
    with pytest.raises(ConfigurationError, match=r"chemotaxs: there is no such experiment\. Did you mean chemotaxis\?"):
        registry.find("chemotaxs")
    with pytest.raises(ConfigurationError, match=r"nowhere\.py: is no file"):
        registry.find("nowhere.py")
