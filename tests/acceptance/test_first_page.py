"""What the first page names is there after its first command, and what is said of a run is true of it."""

import re
import tomllib
from pathlib import Path

from mesocosm.cli import main
from mesocosm.cli.doctor import EXTRAS, lacking
from mesocosm.experiments.signalling.declaration import DECLARATION, OF_ASSAYS, SignallingConfiguration
from mesocosm.studies import shipped
from tests.synthetic import game

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXPORT = PROJECT["project"]["optional-dependencies"]["export"]


def test_the_first_command_installs_what_the_first_page_names():
    extras = PROJECT["project"]["optional-dependencies"]
    assert "\ninstall all\n" in (ROOT / "scripts" / "run").read_text()
    (everything,) = extras["all"]
    named = set(everything.removeprefix("mesocosm[").removesuffix("]").split(","))
    unnamed = {"automl", "rebound", "faces", "serve", "export", "machines", "ray", "tensorboard", "wandb"}
    assert named == set(EXTRAS) - unnamed <= set(extras), "no first page names the others"
    page = (ROOT / "README.md").read_text()
    for command, extra in {
        "mesocosm watch": "watch",
        "parquet": "parquet",
        "mp4": "video",
        "notebook": "notebook",
    }.items():
        assert command in page and extra in named


def test_doctor_says_what_can_be_installed_besides(monkeypatch, capsys):
    from mesocosm.cli import doctor

    assert not lacking("watch")
    monkeypatch.setattr(doctor, "CHECKS", {})
    there = doctor._version
    odd = {"uvicorn": None, "pettingzoo": "1.2"}
    monkeypatch.setattr(doctor, "_version", lambda name: odd[name] if name in odd else there(name) or "99")
    monkeypatch.setattr(doctor, "TRIED", {"rebound": ("mesocosm.nowhere",)})
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "lacks pettingzoo (1.2 is too old, needs 1.25); pip install 'mesocosm[faces]'" in said
    assert "is there and does not work (ModuleNotFoundError: No module named 'mesocosm.nowhere')" in said
    assert "lacks uvicorn; pip install 'mesocosm[watch]'" in said
    assert all(extra in said and use in said for extra, use in EXTRAS.items())


def test_a_package_of_another_name_that_brings_the_module_will_do(monkeypatch):
    """As onnxruntime-gpu brings onnxruntime; and what is asked for is what the program itself asks for."""
    from importlib import metadata

    from mesocosm.artefacts import LEAST
    from mesocosm.cli import doctor

    def nowhere(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(doctor.metadata, "version", nowhere)
    assert doctor._fault("numpy", ">=1") == "" and doctor._fault("nowhere_at_all", ">=1") == "nowhere_at_all"
    assert re.fullmatch(r"numpy \(.* is too old, needs 1000\)", doctor._fault("numpy", ">=1000"))
    asked = {name: tuple(map(int, least.split("."))) for name, least in (line.split(">=") for line in EXPORT)}
    assert asked == LEAST


def test_studies_that_come_along_are_found_from_anywhere(tmp_path, monkeypatch, capsys):
    comes_along = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert comes_along == {"studies": "mesocosm/shipped", "docs/examples": "mesocosm/examples"}
    assert shipped.names() == sorted(path.stem for path in (ROOT / "studies").glob("*.toml"))
    monkeypatch.chdir(tmp_path)
    for word in ("petri-parts", "studies/petri-parts.toml"):
        assert main(["study", word, "--dry-run"]) == 0
    (tmp_path / "swap").write_text("name = 3")
    assert main(["study", "swap", "--dry-run"]) == 2  # one's own comes first
    assert "swap: " in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [tmp_path / "swap"]


def test_compare_leaves_out_what_is_no_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate("ab"):
        game(Path("runs") / name, seed=seed)
    (tmp_path / "runs" / "cells" / "work").mkdir(parents=True)
    assert main(["compare", "runs/a", "runs/b", "runs/cells"]) == 0
    assert "note: runs/cells: is no run, and left out" in capsys.readouterr().err
    for words in (["runs/a", "runs/cells"], ["runs/a", "runs/b", "runs/nowhere"]):
        assert main(["compare", *words]) == 2
        assert words[-1] in capsys.readouterr().err


def test_without_knock_outs_nothing_is_claimed_that_only_they_answer():
    assert [c.name for c in DECLARATION.claims_under(SignallingConfiguration())] == [c.name for c in DECLARATION.claims]
    without = DECLARATION.claims_under(SignallingConfiguration(knock_outs=False))
    assert {c.name for c in without} == {c.name for c in DECLARATION.claims} - set(OF_ASSAYS)
