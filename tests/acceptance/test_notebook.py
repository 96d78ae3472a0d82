"""The notebook of the documentation, executed as a person would: in a kernel, from an empty folder."""

import json
import warnings
from pathlib import Path

import pytest

import mesocosm as mc
from mesocosm.record import ConfigurationError
from tests.synthetic import game

NOTEBOOK = Path(__file__).parents[2] / "docs" / "tutorials" / "five-lines.ipynb"
NOT_TESTED = "NOT TESTED: the notebook of the documentation"


def test_the_notebook_runs(tmp_path):
    for name in ("nbclient", "ipykernel"):
        pytest.importorskip(name, reason=f"{NOT_TESTED}: the package {name} is missing (it is in the extra `test`)")
    with warnings.catch_warnings():  # of Jupyter's own
        warnings.simplefilter("ignore")
        import nbformat
        from nbclient import NotebookClient

        notebook = nbformat.read(NOTEBOOK, as_version=4)
        client = NotebookClient(notebook, timeout=300, kernel_name="python3")
        client.execute(cwd=str(tmp_path))
    shown = [cell.outputs[0].data if cell.outputs else {} for cell in notebook.cells if cell.cell_type == "code"]
    ran, found, finding, population, report = shown
    assert not ran and "chemotaxis, seed 0, 2 worlds: finished at tick 400" in found["text/plain"]
    assert "<table>" in found["text/html"] and "undecided" in found["text/html"] and "nan" not in found["text/html"]
    assert finding["text/plain"].startswith("Finding(name='follows'")
    assert population["text/plain"].startswith("array(")
    assert "report.html" in report["text/plain"] and list(tmp_path.glob("runs/chemotaxis-0-*/report.html"))


def test_the_notebook_is_kept_without_what_it_printed():
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in cells if cell["cell_type"] == "code")


def test_a_run_says_what_it_is(tmp_path):
    record = game(tmp_path / "<b>run")
    run = mc.load(record.folder)
    assert repr(run).startswith("bilinear, seed 0, 8 games: finished at tick 50 of 50")
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
