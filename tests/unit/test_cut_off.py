"""A run whose controls were cut off: wherever it is told of, it is not over, and nothing was judged."""

from __future__ import annotations

from pathlib import Path

import pytest

import mesocosm as mc
from mesocosm.cli.main import main
from mesocosm.protocol.launch import begin, go_on
from mesocosm.protocol.reading import findings_of, is_cut_short, standing
from mesocosm.protocol.registry import find
from mesocosm.record import load
from mesocosm.record.folder import ASSAYS, held
from mesocosm.reports.build import page

MORAN = Path(__file__).parents[2] / "docs" / "examples" / "moran.py"


@pytest.fixture(scope="module")
def cut(tmp_path_factory) -> Path:
    """As a kill leaves it in the moment in which the run itself is over."""
    folder = tmp_path_factory.mktemp("runs") / "cut"
    begin(str(MORAN), find(str(MORAN)).declaration.configuration(replicates=64, ticks=200), folder)
    return folder


def test_it_is_interrupted_in_what_follows_until_it_is_resumed(cut: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = load(cut)
    assert record.status == "finished" and standing(record) == "interrupted" and is_cut_short(record)
    assert mc.load(cut).status == "interrupted" and "interrupted at tick 200 of 200" in repr(mc.load(cut))
    with held(cut / ASSAYS):
        assert standing(record) == "running" and not is_cut_short(record)
    assert main(["show", str(cut)]) == 0 and main(["list", "--under", str(cut.parent)]) == 0
    said = capsys.readouterr().out
    assert "interrupted in what follows it: 200 of 200 ticks" in said and "finished" not in said
    assert said.count(f"mesocosm resume {cut}") == 1
    report = page(record)
    assert "nothing here is judged" in report and "To finish it: mesocosm resume" in report
    assert "Nothing was claimed" not in report

    resumed = go_on(cut)
    assert standing(resumed) == "finished" and findings_of(resumed) and "not judged" not in page(resumed)


def test_of_what_follows_another_run_nothing_is_asked(cut: Path, tmp_path: Path) -> None:
    """It has the claims of its run in its header, and no verdict of its own."""
    folder = tmp_path / ASSAYS / "arm"
    folder.parent.mkdir()
    begin(str(MORAN), find(str(MORAN)).declaration.configuration(replicates=8, ticks=200), folder)
    assert standing(load(folder)) == "finished"
