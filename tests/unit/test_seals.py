"""A flipped bit anywhere in a run folder is refused by name, or changes nothing that is read."""

import contextlib
import json
import shutil
import sqlite3

import pytest

from mesocosm.findings.claim import Claim
from mesocosm.findings.verdicts import judge
from mesocosm.protocol.kept import ANALYSIS, analysis_of
from mesocosm.record import FolderError, Writer, load
from mesocosm.record.database import TABLES
from mesocosm.record.files import sealed, unsealed
from mesocosm.record.folder import DATABASE
from tests.synthetic import game


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    record = game(tmp_path_factory.mktemp("sound") / "run", extinct=2)
    claim = Claim("apart", "the players move apart", "0", "x", 0.1)
    with Writer.reopen(record.folder) as writer:
        writer.conclude([f.to_dict() for f in judge([claim], {"apart": record.metrics["x"][-8:]}, 8, 6, 0)])
    return record.folder


def told(folder) -> str:
    record = load(folder)
    out = [record.header, record.config, record.status, record.tick, record.seconds, record.statuses, record.findings]
    return repr([*out, record.digest(), record.state])


@pytest.mark.parametrize("name", ["run.json", "config.toml"])
def test_no_bit_of_a_text_is_flipped_unseen(sound, tmp_path, name):
    folder = shutil.copytree(sound, tmp_path / "run")
    right, n_refused = (load(sound).header, load(sound).config), 0
    content = (folder / name).read_bytes()
    for k in range(len(content)):
        flipped = bytearray(content)
        flipped[k] ^= 1 << k % 8
        (folder / name).write_bytes(flipped)
        try:
            assert (load(folder).header, load(folder).config) == right, f"byte {k}"
        except FolderError as refused:
            assert name in str(refused) or "schema" in str(refused)
            n_refused += 1
    assert n_refused > 0.9 * len(content) or name == "run.json"  # in JSON, blanks mean nothing


@pytest.mark.parametrize(("table", "column"), [(t, c) for t, (_, columns) in TABLES.items() for c in columns])
def test_no_value_of_a_table_is_changed_unseen(sound, tmp_path, table, column):
    folder = shutil.copytree(sound, tmp_path / "run")
    is_text = TABLES[table][1][column] is str
    other = f"'~' || substr({column}, 2)" if is_text else f"{column} + 100"
    with contextlib.closing(sqlite3.connect(folder / DATABASE)) as db, db:
        assert db.execute(f"UPDATE {table} SET {column} = {other}").rowcount
    with pytest.raises(FolderError, match=f"{DATABASE}: is damaged .its {table} are not those that were written"):
        told(folder)
    with contextlib.closing(sqlite3.connect(folder / DATABASE)) as db, db:
        db.execute(f"DELETE FROM {table}")
    with pytest.raises(FolderError, match=table):
        told(folder)


def test_a_heading_of_the_metrics_is_not_changed_unseen(sound, tmp_path):
    folder = shutil.copytree(sound, tmp_path / "run")
    with contextlib.closing(sqlite3.connect(folder / DATABASE)) as db, db:
        db.execute("ALTER TABLE metrics RENAME COLUMN y TO z")
    with pytest.raises(FolderError, match="names of the metrics"):
        told(folder)


def test_what_is_damaged_is_not_sealed_anew_by_going_on(sound, tmp_path):
    folder = shutil.copytree(sound, tmp_path / "run")
    with contextlib.closing(sqlite3.connect(folder / DATABASE)) as db, db:
        db.execute("UPDATE statuses SET cause = 'another'")
    with Writer.reopen(folder) as writer, pytest.raises(FolderError, match="statuses"):
        writer.last_checkpoint()


def test_a_folder_from_before_there_were_seals_is_read_and_gone_on_with(sound, tmp_path):
    from mesocosm.record.header import HEADER

    folder = shutil.copytree(sound, tmp_path / "run")
    header = {name: value for name, value in load(folder).header.items() if name != "config_sums"}
    (folder / HEADER).write_text(json.dumps(header))
    (folder / ".lock").write_bytes(b"")
    with contextlib.closing(sqlite3.connect(folder / DATABASE)) as db, db:
        db.execute("DROP TABLE seals")
        db.execute("DROP TABLE sums")
    assert load(folder).digest() == load(sound).digest() and load(folder).findings == load(sound).findings
    assert load(folder).identity
    with Writer.reopen(folder) as writer:
        writer.last_checkpoint()
        writer.go_on(50, 60, load(folder).config.replace("ticks = 50", "ticks = 60"))
    with contextlib.closing(sqlite3.connect(folder / DATABASE)) as db, db:
        assert {row[0] for row in db.execute("SELECT name FROM seals")} >= set(TABLES)
        db.execute("UPDATE clock SET seconds = 9")
    with pytest.raises(FolderError, match="clock"):
        told(folder)


def test_what_was_worked_out_is_worked_out_again_where_a_bit_is_flipped(sound, tmp_path):
    record = load(shutil.copytree(sound, tmp_path / "run"))
    path = record.folder / ANALYSIS
    path.write_bytes(sealed({"of": record.digest(), "found": {"x": 1.5}}))
    assert analysis_of(record) == {"x": 1.5} == unsealed(path)["found"]
    path.write_bytes(path.read_bytes().replace(b"1.5", b"1.7"))
    assert analysis_of(record) is None
