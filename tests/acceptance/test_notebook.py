"""The notebook of the documentation, executed as a person would: in a kernel, from an empty folder."""

import json
import warnings
from pathlib import Path

import pytest

import mesocosm as mc
from mesocosm.record import ConfigurationError
from tests.synthetic import game

FOLDER = Path(__file__).parents[2] / "docs" / "tutorials"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
NOT_TESTED = "NOT TESTED: the notebooks of the documentation"


def executed(name: str, folder: Path) -> list[dict]:
    """What each code cell shows, after the notebook was run in a kernel in an empty folder."""
    for package in ("nbclient", "ipykernel", "pandas", "xarray"):
        pytest.importorskip(package, reason=f"{NOT_TESTED}: {package} is missing (it is in the extra `test`)")
    with warnings.catch_warnings():  # of Jupyter's own
        warnings.simplefilter("ignore")
        import nbformat
        from nbclient import NotebookClient

        notebook = nbformat.read(FOLDER / name, as_version=4)
        client = NotebookClient(notebook, timeout=300, kernel_name="python3")
        client.execute(cwd=str(folder))
    outputs = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    return [dict(o[0].get("data", {"text/plain": o[0].get("text", "")})) if o else {} for o in outputs]


def test_five_lines_run(tmp_path):
    ran, found, picture, finding, table, other, report = executed("five-lines.ipynb", tmp_path)
    assert not ran and "chemotaxis, seed 0, 2 worlds: finished at tick 400" in found["text/plain"]
    assert "<table>" in found["text/html"] and "undecided" in found["text/html"] and "nan" not in found["text/html"]
    assert picture["image/svg+xml"].startswith("<svg") and "population" in table["text/html"]
    assert finding["text/plain"].startswith("Finding(follows: ") and "255" in other["text/plain"]
    assert "report.html" in report["text/plain"] and list(tmp_path.glob("runs/chemotaxis-0-*/report.html"))
    assert report["text/html"].startswith("<iframe srcdoc=") and "&lt;html" in report["text/html"]


def test_a_question_becomes_a_finding(tmp_path):
    shown = executed("from-question-to-finding.ipynb", tmp_path)
    said = "".join(str(cell.get("text/plain", "")) for cell in shown)
    assert "No objections (of" in said and "supported: " in said
    assert any("image/svg+xml" in cell for cell in shown)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_kept_without_what_they_printed(path):
    cells = json.loads(path.read_text("utf-8"))["cells"]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in cells if cell["cell_type"] == "code")


def test_a_run_says_what_it_is(tmp_path):
    record = game(tmp_path / "<b>run")
    run = mc.load(record.folder)
    said = "bilinear, seed 0, 8 games: interrupted at tick 50 of 50"  # it has claims, and nobody judged them
    assert repr(run).startswith(said) and run.record.status == "finished"
    assert "&lt;b&gt;run" in run._repr_html_() and "report.html" not in run._repr_html_()
    run.report()
    assert run.folder.absolute().as_uri() in run._repr_html_()
    (record.folder / "record.sqlite").write_bytes(b"no database at all, but long enough to look like one" * 99)
    assert "damaged" in repr(mc.load(record.folder)) and "damaged" in mc.load(record.folder)._repr_html_()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: mc.run(None), "None: an experiment is known by its name"),
        (lambda: mc.run(7), "7: an experiment is known by its name"),
        (lambda: mc.run("chemotaxi"), "Did you mean chemotaxis"),
        (lambda: mc.run("lorenz", out=3), "out = 3: must be the path"),
        (lambda: mc.run("lorenz", progress=3), "progress = 3: must be a function"),
        (lambda: mc.load(None), "folder = None: must be the path"),
        (lambda: mc.view(3), "folder = 3: must be the path"),
    ],
)
def test_what_makes_no_sense_is_said_plainly(call, says):
    with pytest.raises(ConfigurationError, match=says):
        call()
