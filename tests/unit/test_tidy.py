"""Records as tidy tables, and in the boards of others: numbers are those of the record; what is missing is named."""

import csv
import io
import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import mesocosm as mc
from mesocosm import loggers
from mesocosm.cli import export
from mesocosm.protocol.tidy import agents, cells_table, spread
from mesocosm.record import FolderError, MissingPackage, needs
from mesocosm.studies.cell import Cell, Row
from tests.synthetic import game


@pytest.fixture
def run(tmp_path):
    return mc.load(game(tmp_path / "run", extinct=2).folder)


def test_a_gene_is_a_column():
    genome = np.arange(12).reshape(2, 2, 3)
    columns = spread({"id": np.arange(2), "genome": genome})
    assert list(columns) == ["id", *(f"genome_{s}_{k}" for s in ("evolved", "shadow") for k in range(3))]
    assert columns["genome_shadow_2"].tolist() == genome[:, 1, 2].tolist()
    assert list(spread({"z": np.zeros((4, 2))})) == ["z_0", "z_1"]


def test_pandas_and_xarray_hold_the_numbers_of_the_record(run):
    pytest.importorskip("pandas")
    pytest.importorskip("xarray")
    frame, data = run.to_pandas(), run.to_xarray()
    assert frame["x"].tolist() == run.metrics["x"].tolist() and frame.attrs["experiment"] == "bilinear"
    assert data["x"].dims == ("replicate", "tick") and data.attrs["seed"] == 0
    row = frame[(frame.replicate == 3) & (frame.tick == 20)].iloc[0]
    assert float(data["x"].sel(replicate=3, tick=20)) == row["x"]
    assert np.isnan(data["x"].sel(replicate=0, tick=50)), "a replicate that has ended has no number"
    assert set(run.to_pandas("statuses")["status"]) == {"alive", "extinct"}
    with pytest.raises(FolderError, match="it has metrics, statuses, findings"):
        run.to_pandas("weather")


def test_individuals_are_agents_as_mesa_has_them(run, tmp_path):
    """The columns of `DataCollector.get_agent_vars_dataframe`, with the run in front as in `batch_run`."""
    pytest.importorskip("pandas")
    taken = {"tick": [0, 0, 10], "replicate": [0, 1, 0], "id": [1, 2, 1], "x": [5, 6, 7], "energy": [9, 8, 7]}
    columns = {name: np.array(values, np.int32) for name, values in taken.items()}
    record = SimpleNamespace(
        header={"experiment": "dish", "seed": 0, "frames": ["food_field", "sources", "bodies"]},
        frames={"sources": {"tick": np.zeros(1)}, "bodies": columns}.get,
        folder=tmp_path,
    )
    frame = agents(record)
    assert frame.index.names == ["RunId", "Step", "AgentID"] and list(frame.columns) == ["x", "energy"]
    assert frame.loc[(0, 10, 1), "x"] == 7 and frame.xs(0, level="Step")["energy"].tolist() == [9, 8]
    with pytest.raises(FolderError, match="frames_every = 10"):
        run.agents()


@pytest.fixture
def phylogeny():
    """The file of a world of four: two founders, a child, and its child."""
    born = {"replicate": [0] * 4, "id": [1, 2, 3, 7], "parent": [0, 0, 1, 3], "tick": [0, 0, 4, 9]}
    died = {"replicate": [0, 0], "id": [1, 3], "tick": [6, 12]}
    logs = {name: {k: np.array(v) for k, v in log.items()} for name, log in (("births", born), ("deaths", died))}
    logs["births"]["genome"] = np.zeros((4, 2, 1), np.int8)
    (content,) = export._phylogeny(SimpleNamespace(replicates=1, log=logs.get)).values()
    return content.decode()


def test_phylogenies_are_read_back(phylogeny):
    """Everybody once, descent from founders on, nobody born before its parent or after its end."""
    rows = {int(row["id"]): row for row in csv.DictReader(io.StringIO(phylogeny))}
    parents = {
        i: [] if row["ancestor_list"] == "[none]" else json.loads(row["ancestor_list"]) for i, row in rows.items()
    }
    assert parents == {1: [], 2: [], 3: [1], 7: [3]}
    born = {i: int(row["origin_time"]) for i, row in rows.items()}
    assert all(born[p] <= born[i] for i, ps in parents.items() for p in ps)
    assert {i: float(row["destruction_time"]) for i, row in rows.items()} == {1: 6, 2: np.inf, 3: 12, 7: np.inf}


def test_phylogenies_pass_the_validator_of_the_standard(phylogeny):
    """phyloframe's (0.12 passes); it is not installed with the tests, since it brings 1 GB of polars."""
    public = pytest.importorskip("phyloframe.legacy", reason="NOT TESTED: the validator of phylogenies, phyloframe")
    pandas = pytest.importorskip("pandas")
    assert public.alifestd_validate(pandas.read_csv(io.StringIO(phylogeny)))
    with pytest.warns(UserWarning, match="not a subset"):  # it does see what is wrong
        public.alifestd_validate(pandas.read_csv(io.StringIO(phylogeny.replace("7,[3]", "7,[99]"))))


def test_a_study_is_a_row_a_cell():
    parts = {"learner": {"component": "net"}}
    rows = [(Cell("swap/wine", parts, {"data": k}, {"steps": 5}), Row("ok", 0.5 + k)) for k in (0, 1)]
    table = cells_table(rows)
    assert table["task"] == ["swap/wine"] * 2 and table["seed_data"] == [0, 1] and table["value"] == [0.5, 1.5]
    assert mc.study("swap", "nowhere").rows == []


@pytest.mark.filterwarnings("ignore::UserWarning:zarr")  # that text is of no fixed width in Zarr's own standard
def test_zarr_gives_back_what_was_kept(run, tmp_path):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("zarr", reason="where Zarr is installed")
    kept = run.to_xarray()
    kept.to_zarr(tmp_path / "run.zarr")
    with xarray.open_zarr(tmp_path / "run.zarr") as back:
        assert back.identical(kept) and {n: v.dtype for n, v in back.items()} == {n: v.dtype for n, v in kept.items()}


@pytest.mark.parametrize(
    ("call", "package", "extra"),
    [
        (lambda run: run.to_pandas(), "pandas", "frames"),
        (lambda run: run.to_xarray(), "xarray", "frames"),
        (lambda run: mc.study("swap", "nowhere").to_pandas(), "pandas", "frames"),
        (lambda run: loggers.tensorboard("x"), "tensorboardX", "tensorboard"),
        (lambda run: loggers.wandb(), "wandb", "wandb"),
    ],
)
def test_a_package_that_is_missing_is_named_with_its_extra(call, package, extra, run, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackage, match=rf"{package}.*mesocosm\[{extra}\]") as told:
        call(run)
    assert told.value.exit_code == 3


class Kept(loggers.Logger):
    def __init__(self):
        self.rows, self.is_closed = [], False

    def write(self, name, tick, numbers):
        self.rows.append((name, tick, numbers))

    def close(self):
        self.is_closed = True


def test_a_logger_is_told_means_and_spreads(run):
    with Kept() as kept:
        kept.replay(run)
    assert kept.is_closed and [tick for _, tick, _ in kept.rows] == [10, 20, 30, 40, 50]
    last = run.metrics["x"][run.metrics["tick"] == 50]
    assert kept.rows[-1][2]["x/mean"] == pytest.approx(last.mean())
    assert kept.rows[-1][2]["x/sd"] == pytest.approx(last.std(ddof=1))
    assert loggers.told({"x": [np.nan]}) == {}


def test_a_run_is_logged_while_it_runs_and_keeps_its_bits(tmp_path):
    kept = Kept()
    common = dict(replicates=2, ticks=20, every=10)
    logged = mc.run("bilinear", out=tmp_path / "a", progress=kept, **common)
    assert kept.rows and {"living", "x/mean"} <= set(kept.rows[-1][2])
    assert logged.record.digest() == mc.run("bilinear", out=tmp_path / "b", **common).record.digest()


def test_tensorboard_reads_what_was_written(run, tmp_path):
    pytest.importorskip("tensorboardX", reason="NOT TESTED: TensorBoard's logger: the extra `tensorboard` is missing")
    loggers.tensorboard(tmp_path / "board").replay(run)
    (events,) = (tmp_path / "board").iterdir()
    assert events.stat().st_size > 500 and b"bilinear/x/mean" in events.read_bytes()


def test_wandb_keeps_its_run_offline(run, tmp_path, monkeypatch):
    pytest.importorskip("wandb", reason="NOT TESTED: W&B's logger: the extra `wandb` is missing (`mesocosm doctor`)")
    monkeypatch.setenv("WANDB_SILENT", "true")
    loggers.wandb(dir=str(tmp_path)).replay(run)
    assert list(tmp_path.glob("wandb/offline-run-*/*.wandb"))


def test_a_package_that_is_too_old_is_named_by_its_version(monkeypatch):
    """It is there and lacks what the version that the extra asks for has: a name in it, or a module of it."""
    monkeypatch.setattr("importlib.metadata.version", lambda name: {"starlette": "0.30"}[name])
    said = r"serve needs another starlette than 0\.30, which is here: pip install -U 'mesocosm\[serve\]'"
    for error in (
        ImportError("cannot import name 'Route' from 'starlette.routing'", name="starlette.routing"),
        ModuleNotFoundError("No module named 'starlette.routing'", name="starlette.routing"),
    ):
        with pytest.raises(MissingPackage, match=said), needs("serve", "serve"):
            raise error
    with pytest.raises(MissingPackage, match="starlette, which is not installed"), needs("serve", "serve"):
        raise ModuleNotFoundError("No module named 'starlette'", name="starlette")
