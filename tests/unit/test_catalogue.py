"""The catalogue of analyses: found by being there, kept once, refused in one sentence."""

from __future__ import annotations

import json
import shutil
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import mesocosm as mc
from mesocosm.cli import main
from mesocosm.protocol import catalogue, registry, shelf
from mesocosm.record import ConfigurationError, FolderError

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("catalogue")
    for name in ("moran.py", "streaks.py"):
        shutil.copy(EXAMPLES / name, folder)
    return mc.run(str(folder / "moran.py"), replicates=512, out=folder / "run")


@pytest.fixture
def mine(run):
    return str(run.folder.parent / "streaks.py")


def test_every_file_of_the_room_is_an_analysis_and_says_what_it_needs(run):
    assert {"activity", "chase", "diversity", "optimum", "progress", "relatedness"} <= set(catalogue.names())
    for name, words, lacks in catalogue.listed(run.record):
        assert catalogue.find(name).analysis.name == name and words
        assert lacks or name == "jumps", "a Moran process has no bodies, births or elements"
    with pytest.raises(FolderError, match=r"is a run of moran, which keeps no births; diversity needs it"):
        run.measure("diversity")


def test_it_is_worked_out_once_and_again_only_for_other_settings_code_or_record(run, mine, monkeypatch):
    first = run.measure(mine)
    assert catalogue.is_kept(run.record, mine)
    monkeypatch.setattr(catalogue.Analysis, "lacks", lambda self, record: "was computed twice")
    assert run.measure(mine).values == first.values
    kept = next((run.folder / catalogue.KEPT).iterdir())
    whole = kept.read_bytes()
    kept.write_bytes(whole.replace(b"100", b"101", 1))
    with pytest.raises(FolderError, match="was computed twice"):
        run.measure(mine)  # what is damaged is not believed
    kept.write_bytes(whole)
    source = Path(mine).read_text()
    Path(mine).write_text(source + "\nOTHER = 1\n")
    assert not catalogue.is_kept(run.record, mine), "another source is another analysis"
    Path(mine).write_text(source)


def test_settings_are_checked_by_name_and_range(run):
    with pytest.raises(ConfigurationError, match=r"sample: .*Did you mean samples"):
        run.measure("diversity", sample=3)
    with pytest.raises(ConfigurationError, match=r"samples = 0: must be"):
        run.measure("diversity", samples=0)
    with pytest.raises(ConfigurationError, match=r"diversty: there is no such analysis\. Did you mean diversity\?"):
        run.measure("diversty")


def test_an_entry_point_is_an_analysis_like_any_other(run, mine, monkeypatch):
    monkeypatch.syspath_prepend(str(run.folder.parent))
    point = EntryPoint("zz", "streaks:ANALYSIS", "mesocosm.analyses")
    monkeypatch.setattr(shelf, "_points", lambda room: {"zz": point})
    assert catalogue.names()[-1] == "zz" and run.measure("zz").sentence == run.measure(mine).sentence


def test_what_a_foreign_analysis_does_wrong_is_one_sentence(run, mine, tmp_path):
    path = tmp_path / "broken.py"
    path.write_text(Path(mine).read_text().replace("(kin > 0)", "(kin > nobody)"))
    with pytest.raises(ConfigurationError, match=r"broken\.py, line \d+: computing it fails: NameError"):
        run.measure(str(path))


def test_the_command_lists_computes_and_answers(run, mine, capsys):
    assert main(["measure", str(run.folder)]) == 0
    assert "diversity" in capsys.readouterr().out
    assert main(["measure", str(run.folder), mine, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["values"]["ticks"][-1] == 1000
    assert main(["measure", str(run.folder), "diversity"]) == 2
    assert main(["measure", str(run.folder), "diversity", "--set", "samples"]) == 2


def test_a_folder_without_a_declaration_and_a_helper_are_no_experiments(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    for path in ("one_more/declaration.py", "bare/system.py", "helper.py", "_aside/declaration.py"):
        file = tmp_path / "room_of_test" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        (file.parent / "__init__.py").touch()
    assert shelf.Shelf("room_of_test", "experiment", "x.py", requires="declaration").own() == ("one-more",)
    assert shelf.Shelf("room_of_test", "experiment", "x.py").own() == ("bare", "helper", "one-more")
    assert registry.SHELF.requires == "declaration"
