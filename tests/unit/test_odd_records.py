"""Odd records, made without jax: each gives a plain sentence in `show`, `report`, `compare`, `export` and the API."""

import contextlib
import csv
import json
import re
import shutil
import sqlite3

import numpy as np
import pytest

import mesocosm as mc
from mesocosm.cli import export, main
from mesocosm.protocol.compare import compare
from mesocosm.record import FolderError, load
from mesocosm.record.header import write_header
from tests.synthetic import game

SCATTERED = np.random.default_rng(1).normal(size=(5, 8))
GAPS = np.where(np.eye(5, 8) > 0, np.nan, SCATTERED)
ODD = {
    "extinct": {"extinct": 8},
    "survivor": {"extinct": 7},
    "same": {"values": np.ones((5, 8))},
    "zero": {"values": np.zeros((5, 8))},
    "gaps": {"values": GAPS},
    "nothing": {"values": np.full((5, 8), np.nan)},
    "huge": {"values": 1e300 * SCATTERED},
    "fewer": {"replicates": 3},
    "other": {"seed": 1, "rate": 32},
}
NO_NUMBER = re.compile(r"\b(nan|NaN|Infinity|inf|Traceback)\b")


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return game(tmp_path_factory.mktemp("plain") / "run")


@pytest.fixture(scope="module", params=ODD)
def odd(request, tmp_path_factory):
    return game(tmp_path_factory.mktemp("odd") / "run", **ODD[request.param])


def said(capsys, *words: str) -> tuple[int, str]:
    code = main(list(map(str, words)))
    out, err = capsys.readouterr()
    return code, out + err


def test_every_word_is_plain(odd, plain, capsys, tmp_path):
    for words in (
        ("show", odd.folder),
        ("show", odd.folder, "--json"),
        ("report", odd.folder),
        ("compare", odd.folder, plain.folder),
        ("compare", plain.folder, odd.folder, "--json"),
        ("export", odd.folder, "--to", "csv", "--out", tmp_path),
        ("export", odd.folder, "--to", "netlogo", "--out", tmp_path),
        ("export", odd.folder, "--to", "svg", "--out", tmp_path),
    ):
        code, text = said(capsys, *words)
        assert code == 0, text
        assert not NO_NUMBER.search(text), text
    for path in [odd.folder / "report.html", *tmp_path.glob("*.csv"), *tmp_path.glob("*.svg")]:
        assert not re.search(r"[>,\"]\s*(nan|NaN|inf)\b", path.read_text()), path
    run = mc.load(odd.folder)
    assert len(run.statuses) == run.record.replicates
    assert run.summary.sentence and run.report().exists()


def test_the_dead_are_not_compared_at_the_end(plain, tmp_path):
    dead = compare(game(tmp_path / "dead", extinct=8), plain)
    assert [f.n_used for f in dead.findings] == [0]
    assert "nothing to judge" in dead.findings[0].words()
    one = compare(game(tmp_path / "one", extinct=7), plain).findings[0]
    assert one.n_used == 1 and "One value does not tell" in one.words()


def test_compare_says_what_differs_and_pairs_what_has_a_partner(plain, tmp_path):
    other = compare(game(tmp_path / "other", **ODD["other"]), plain)
    assert "rate is 32 in A, 16 in B" in other.differs and other.pairing.startswith("Not paired")
    fewer = compare(game(tmp_path / "fewer", replicates=3), plain)
    assert "Paired: 3" in fewer.pairing and "5 replicates" in fewer.pairing
    faster = compare(game(tmp_path / "faster", rate=32), plain)
    assert "common random numbers" in faster.pairing and "worlds the same" not in faster.pairing
    longer = compare(game(tmp_path / "longer", ticks=100), plain)
    assert "A goes up to tick 100, B up to tick 50" in longer.pairing


def test_a_run_of_another_version_is_read_and_said(plain, capsys, tmp_path):
    folder = shutil.copytree(plain.folder, tmp_path / "old")
    header = load(folder).header
    header["versions"]["mesocosm"] = "0.0.1"
    write_header(folder, header)
    assert "mesocosm 0.0.1" in said(capsys, "show", folder)[1]
    assert "A was run with mesocosm 0.0.1" in said(capsys, "compare", folder, plain.folder)[1]
    write_header(folder, header | {"schema": 99})
    code, text = said(capsys, "show", folder)
    assert code == 2 and "schema 99" in text


def test_a_header_without_declaration_claims_nothing(plain, tmp_path):
    folder = shutil.copytree(plain.folder, tmp_path / "bare")
    header = load(folder).header
    del header["declaration"], header["interventions"]
    write_header(folder, header)
    assert compare(load(folder), load(folder)).findings
    with pytest.raises(FolderError, match=r"by x, y, .* by growth: nothing is in common"):
        compare(load(folder), plain)
    assert mc.load(folder).report().exists()


CUTS = {"database": "record.sqlite", "header": "run.json", "log": "log/moves-000000000050.npz"}


@pytest.mark.parametrize("part", CUTS)
@pytest.mark.parametrize("command", ["show", "report", "compare", "export"])
def test_a_record_cut_in_the_middle(part, command, plain, capsys, tmp_path):
    folder = shutil.copytree(plain.folder, tmp_path / "cut")
    path = folder / CUTS[part]
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    more = {"compare": [plain.folder], "export": ["--to", "csv"]}.get(command, [])
    code, text = said(capsys, command, folder, *more)
    if part == "log" and command in ("show", "compare"):  # neither reads it
        assert code == 0
        return
    assert code == 2
    assert path.name in text and "damaged" in text and "Traceback" not in text
    if part != "log":
        with pytest.raises(FolderError, match="damaged"):
            _ = mc.load(folder).metrics


@pytest.mark.parametrize(
    "change", ["UPDATE metrics SET x = 7 WHERE tick = 20 AND replicate = 3", "DELETE FROM metrics WHERE tick = 30"]
)
def test_metrics_that_are_not_those_that_were_written_are_refused(change, plain, capsys, tmp_path):
    folder = shutil.copytree(plain.folder, tmp_path / "changed")
    with contextlib.closing(sqlite3.connect(folder / "record.sqlite")) as db, db:
        db.execute(change)
    for command in (("show",), ("report",), ("compare", plain.folder), ("export", "--to", "csv")):
        code, text = said(capsys, command[0], folder, *command[1:])
        assert code == 2 and "record.sqlite: is damaged (the metrics of ticks 10 ... 50" in text, text
    with contextlib.closing(sqlite3.connect(folder / "record.sqlite")) as db, db:
        db.execute("DROP TABLE sums")  # as an earlier mesocosm wrote it: nothing to hold it against
    assert load(folder).metrics


def test_an_export_replaces_its_own_files_and_no_others(plain, capsys, tmp_path):
    export = ("export", plain.folder, "--to", "csv", "--out", tmp_path)
    (tmp_path / "metrics.csv").write_text("somebody's own")
    code, text = said(capsys, *export)
    assert code == 2 and "metrics.csv: is there already" in text and "--out" in text
    assert (tmp_path / "metrics.csv").read_text() == "somebody's own" and not (tmp_path / "statuses.csv").exists()
    (tmp_path / "metrics.csv").unlink()
    assert said(capsys, *export)[0] == 0 and said(capsys, *export)[0] == 0
    assert (tmp_path / "metrics.csv").read_text().startswith("replicate,tick,x,y")


def test_what_has_no_value_is_an_empty_cell(capsys, tmp_path):
    record = game(tmp_path / "gaps", values=GAPS)
    said(capsys, "export", record.folder, "--to", "csv")
    rows = list(csv.DictReader((record.folder / "export" / "metrics.csv").read_text().splitlines()))
    assert len(rows) == 40
    assert sum(r["x"] == "" for r in rows) == 5


def test_netlogo_reads_its_table(plain, capsys):
    said(capsys, "export", plain.folder, "--to", "netlogo")
    lines = list(csv.reader((plain.folder / "export" / "netlogo.csv").read_text().splitlines()))
    assert lines[0][0].startswith("BehaviorSpace results") and lines[0][1] == "Table version 2.0"
    assert re.fullmatch(r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d:\d{3} [+-]\d{4}", lines[3][0])
    heads, first = lines[6], lines[7]
    assert heads[0] == "[run number]" and heads[-3:] == ["[step]", "x", "y"]
    row = dict(zip(heads, first, strict=True))
    assert (row["[run number]"], row["[step]"], row["rate"]) == ("1", "10", "16")
    assert float(row["x"]) == plain.metrics["x"][0]
    assert len(lines) == 7 + 5 * 8


@pytest.mark.parametrize(
    ("value", "told"),
    [(True, "true"), (False, "false"), ([4, 32, 256], "[4 32 256]"), (["a b", True], '["a b" true]'), (None, "")],
)
def test_values_are_written_as_netlogo_does(value, told):
    assert export._in_netlogo(value) == told


EMPTY = {"replicate": ["int32"], "tick": ["int32"], "born": ["int32"], "genome": ["int8", 2, 3], "far": ["float32"]}


def test_a_log_in_which_nothing_happened_has_its_columns(plain):
    record = load(plain.folder)
    record.header.update({"logs": ["deaths"], "columns": {"deaths": EMPTY}})
    log = record.log("deaths")
    assert {k: (v.dtype.name, *v.shape[1:]) for k, v in log.items()} == {k: tuple(v) for k, v in EMPTY.items()}
    assert export._csv(record)["deaths.csv"] == b"replicate,tick,born,genome,far\n"
    assert set(pytest.importorskip("pandas").DataFrame({k: log[k] for k in ("tick", "far")}).dtypes.astype(str)) == {
        "int32",
        "float32",
    }


def test_parquet_has_the_declared_types_whatever_columns_hold(plain):
    pyarrow = pytest.importorskip("pyarrow")
    columns = {"tick": np.zeros(0, np.int32), "g": np.zeros((0, 2, 3), np.int8), "x": np.full(2, np.nan, np.float32)}
    kinds = {name: str(export._arrow(pyarrow, name, column).type) for name, column in columns.items()}
    assert kinds == {"tick": "int32", "g": "list<element: int8>", "x": "float"} or kinds["g"].startswith("list<")
    lists = {"p": [None, None], "n_right": [None], "declared": [], "cause": [None]}
    kinds = {name: str(export._arrow(pyarrow, name, column).type) for name, column in lists.items()}
    assert kinds == {"p": "double", "n_right": "int64", "declared": "bool", "cause": "string"}


def test_founders_are_born_in_tick_0_in_every_table():
    log = {"born": np.array([-1, -1, 0, 7], np.int32), "id": np.arange(4)}
    assert export._with_births_of_founders(log)["born"].tolist() == [0, 0, 0, 7]


def test_parquet_holds_the_same_or_says_what_is_missing(capsys, tmp_path):
    record = game(tmp_path / "gaps", values=GAPS)
    code, text = said(capsys, "export", record.folder, "--to", "parquet")
    try:
        from pyarrow import parquet
    except ImportError:
        assert code == 3 and "pip install" in text and "--to csv" in text
        return
    assert code == 0
    table = parquet.read_table(record.folder / "export" / "metrics.parquet")
    told = json.loads(table.schema.metadata[b"mesocosm"])
    assert told["experiment"] == "bilinear" and told["declaration"] == record.header["declaration"]
    x = table["x"].to_pylist()
    assert x.count(None) == 5
    np.testing.assert_array_equal([np.nan if v is None else v for v in x], record.metrics["x"])
