"""What a person sees on a terminal: findings first, many rows folded, colours and links where they are known."""

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest

from mesocosm.cli import main
from mesocosm.cli.flags import help_of, parsed
from mesocosm.cli.folded import print_summary, worst_row
from mesocosm.cli.show import print_record
from mesocosm.cli.words import shown_not_obeyed
from mesocosm.findings import Claim, judge
from mesocosm.protocol.declaration import Summary
from mesocosm.protocol.registry import SHELF, declaration
from mesocosm.record import ConfigurationError
from mesocosm.record.explained import fields_of
from tests.synthetic import game


class Terminal(io.StringIO):
    """A terminal of some width."""

    def isatty(self):
        return True


def shown_at(width, call, monkeypatch, **environment):
    for name in ("NO_COLOR", "TERM", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"COLUMNS": str(width), "TERM": "xterm-256color", **environment}.items():
        monkeypatch.setenv(name, value)
    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    with shown_not_obeyed():
        call()
    return screen.getvalue()


@pytest.fixture
def record(tmp_path, monkeypatch):
    """A game with a finding whose words are longer than a narrow terminal."""
    claim = Claim("growth", "it grows", "the linear map, as theory has it", "growth of the radius, in each game", 0.1)
    found = judge([claim], {"growth": np.linspace(0.5, 0.7, 8)}, 8)
    monkeypatch.setattr("mesocosm.cli.show.findings_of", lambda record: found)
    return game(tmp_path / "run")


def test_findings_come_first_in_colour_and_paths_are_links(record, monkeypatch):
    said = shown_at(60, lambda: print_record(record), monkeypatch)
    assert said.index("findings") < said.index("radius") and "\x1b[1;3" in said
    assert "]8;id=" in said and record.folder.absolute().as_uri() in said
    plain = shown_at(60, lambda: print_record(record), monkeypatch, NO_COLOR="1")
    assert "\x1b[1;3" not in plain and "growth" in plain


def test_no_line_is_wider_than_the_terminal_and_none_is_broken_in_a_pipe(record, monkeypatch):
    said = shown_at(60, lambda: print_record(record), monkeypatch, NO_COLOR="1", TERM="dumb")
    assert max(map(len, said.splitlines())) <= 60 or str(record.folder) in said
    monkeypatch.setattr("sys.stdout", pipe := io.StringIO())
    print_record(record)
    assert "\x1b" not in (piped := pipe.getvalue())
    assert any(line.startswith("  growth") and line.endswith(")") for line in piped.splitlines())


def summary(n, lost=()):
    rows = [(k, "extinct" if k in lost else "alive", 100, 0.5 + 0.01 * ((7 * k) % n)) for k in range(n)]
    return Summary("s", ("replicate", "status", "ticks", "effect"), rows, [("mean", "", "", 0.6), ("sd", "", "", 0.1)])


@pytest.mark.parametrize(("lost", "direction", "row"), [((), 1, 0), ((), -1, 9), ((5,), 1, 5)])
def test_the_worst_is_lost_or_furthest_from_what_was_predicted(lost, direction, row):
    many = summary(32, lost)
    assert worst_row(many, direction) == row
    assert (many.rows[row][3] == (min if direction > 0 else max)(r[3] for r in many.rows)) or lost


def test_many_rows_are_folded_and_few_are_not(capsys):
    print_summary(summary(32), "worlds")
    folded = capsys.readouterr().out
    assert "worst (0)" in folded and "32 worlds; worst: number 0, by least effect" in folded
    assert len(folded.splitlines()) == 3
    print_summary(summary(32, lost=(5,)), "worlds", -1)
    assert "worst: number 5, which did not live to the end" in capsys.readouterr().out
    print_summary(summary(32), "worlds", every_row=True)
    assert len(capsys.readouterr().out.splitlines()) > 32
    print_summary(summary(3), "worlds")
    assert "worst" not in capsys.readouterr().out


@pytest.mark.parametrize("name", [*SHELF.own(), "assay"])
def test_help_names_every_field_with_unit_and_range(name):
    default = declaration(name).configuration()
    said = help_of(default)
    for field in fields_of(default):
        assert f"  {field.flag} " in said and field.permitted in said and field.said and field.said in said
    assert parsed(default, []) == default


def test_flags_are_read_as_their_fields_are():
    default = declaration("chemotaxis").configuration()
    words = "--seed 3 --world.speed=64 --assays false --world.senses odour trend --heredity.mutation-probability 0.5"
    got = parsed(default, words.split())
    assert (got.seed, got.world.speed, got.assays, got.heredity.mutation_probability) == (3, 64, False, 0.5)
    assert got.world.senses == ("odour", "trend") and dataclasses.replace(got, seed=0) != default
    assert (
        parsed(default, ["--interventions"]).interventions == () and parsed(default, ["--log-exchanges"]).log_exchanges
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--sed", "3"], "--sed: there is no such flag. Did you mean --seed?"),
        (["--seed", "x"], "--seed x: must be a whole number in 0 ... "),
        (["--seed"], "--seed: takes one value"),
        (["--assays", "perhaps"], "--assays perhaps: must be true or false"),
        (["3"], "unrecognised: 3"),
    ],
)
def test_a_wrong_flag_is_one_sentence(words, says):
    with pytest.raises(ConfigurationError) as told:
        parsed(declaration("chemotaxis").configuration(), words)
    assert says in str(told.value)


@pytest.mark.parametrize(
    ("words", "says"),
    [(["shwo"], "Did you mean show?"), (["show"], "required: RUN"), (["list", "x"], "unrecognised: x")],
)
def test_every_error_looks_alike(words, says, capsys):
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and says in said and said.count("\n") == 1


def test_what_is_refused_names_field_and_file_before_anything_is_claimed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b.toml").write_text("seeed = 3")
    for words, says in (
        (["run", "chemotaxis", "--config", "b.toml"], "b.toml: seeed: there is no such field. Did you mean seed?"),
        (["run", "chemotaxis", "--preset", "quick", "--out", "b.toml"], "b.toml: is there already"),
        (["run", "chemotaxis", "--replicates", "1000000"], "replicates = 1000000: the state of one takes"),
        (["new", "school"], "school: an experiment of this name comes with mesocosm"),
    ):
        assert main(words) == 2, words
        said = capsys.readouterr().err
        assert said.startswith(f"error: {says}") and said.count("\n") == 1, "nothing was claimed before"


def test_a_name_of_an_example_gives_the_example_and_any_other_a_walker_and_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    examples = Path(__file__).parents[2] / "docs" / "examples"
    for name, does in (("moran", "run moran.py"), ("streaks", "measure RUN streaks.py"), ("sign_momentum", "check")):
        assert main(["new", name]) == 0
        said = capsys.readouterr().out
        assert said.startswith(f"wrote {name}.py, an example of the tutorials: ") and f"mesocosm {does}" in said
        assert (tmp_path / f"{name}.py").read_bytes() == (examples / f"{name}.py").read_bytes()
        assert not (tmp_path / f"test_{name}.py").exists()
    assert main(["new", "drift"]) == 0
    assert capsys.readouterr().out.startswith("wrote drift.py and test_drift.py: a walker on a line, for you to put")
    assert main(["new", "moran"]) == 2 and "moran.py: is there already" in capsys.readouterr().err
