"""Two processes at once, and worlds that end."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mesocosm.cli import main
from mesocosm.core import resume
from mesocosm.record import FolderError, Writer, load, writer
from mesocosm.record import folder as folders
from mesocosm.record.folder import locked
from tests.acceptance.breaking import DISH, GAME, crashed, going, plainly, world

# -- two at once ---------------------------------------------------------------------------------------------------


def test_of_two_that_begin_one_folder_at_once_the_second_touches_nothing(tmp_path, monkeypatch, unbroken):
    """The second comes between the look whether the folder is free and the taking of its lock."""
    folder, free = tmp_path / "game", folders.is_unborn
    short = replace(GAME, ticks=40)

    def faster(asked: Path) -> bool:
        monkeypatch.setattr(writer, "is_unborn", free)
        was_free = free(asked)
        going(short, asked)  # somebody else begins, and ends, here
        return was_free

    monkeypatch.setattr(writer, "is_unborn", faster)
    with pytest.raises(FolderError, match="exists already"):
        Writer.create(folder, {}, {"x": "INTEGER"}, "")
    assert load(folder).digest() == unbroken(short)


def test_a_second_process_on_the_same_folder_is_refused_plainly(game, capsys):
    with locked(game):
        assert load(game).status == "running"
        words = ["--replicates", "2", "--ticks", "2000", "--every", "1", "--quiet"]
        assert "another process" in plainly(capsys, "run", "bilinear", *words, "--out", game, code=2)
        assert "another process" in plainly(capsys, "resume", game, "--quiet", code=2)
        plainly(capsys, "show", game, code=0)
    assert load(game).status == "killed"


def test_a_run_can_be_shown_while_it_runs(tmp_path, unbroken, capsys):
    def look(p):
        if p.tick % 10 == 0:
            plainly(capsys, "show", tmp_path / "game", code=0)
            plainly(capsys, "list", "--under", tmp_path, code=0)

    game = replace(GAME, ticks=200)
    assert going(game, tmp_path / "game", progress=look).digest() == unbroken(game)


def test_looking_at_a_run_never_keeps_a_writer_out(game):
    look = (
        "import sys; from mesocosm.record import load; r = load(sys.argv[1]); print(flush=True)\nwhile True: r.status"
    )
    child = subprocess.Popen([sys.executable, "-c", look, str(game)], stdout=subprocess.PIPE)
    try:
        child.stdout.readline()
        for _ in range(300):
            with locked(game):
                pass
    finally:
        child.kill()
        child.communicate()


# -- endings -------------------------------------------------------------------------------------------------------


def test_a_foodless_world_dies_out_and_that_is_a_result(tmp_path, capsys):
    folder = tmp_path / "dish"
    going(world(drop_food=0, founding_energy=100), folder)
    record = load(folder)
    assert record.status == "finished" and record.tick == DISH.ticks
    assert [(s.status, s.tick, s.cause) for s in record.statuses] == [("extinct", 25, "the last body starved")] * 2
    assert main(["show", str(folder)]) == 0
    said = capsys.readouterr()
    assert said.out.count("extinct") >= 2 and "nan" not in said.out.lower(), said.out
    assert not np.any(record.metrics["residual"])


def test_worlds_that_die_before_their_first_window_closes_are_shown(tmp_path, capsys):
    going(world(drop_food=1, founding_energy=40), tmp_path / "dish")
    assert main(["show", str(tmp_path / "dish"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["alive"] == 0 and len(said["summary"]["rows"]) == 2


def test_an_extinct_run_made_longer_equals_the_unbroken_longer_one(tmp_path, unbroken):
    foodless = world(drop_food=0, founding_energy=100)
    going(foodless, tmp_path / "dish")
    longer = replace(foodless, ticks=400)
    record = going(longer, tmp_path / "dish", resume)
    assert record.status == "finished" and record.tick == 400 and record.digest() == unbroken(longer)


POOR = replace(world(drop_food=3, founding_energy=40, jump_probability=0.1), ticks=80)


def test_where_one_world_dies_the_other_goes_on(tmp_path, capsys):
    for seed in range(20):
        record = going(replace(POOR, seed=seed), tmp_path / f"dish{seed}")
        dead, alive = sorted(record.statuses, key=lambda s: s.tick)
        if (dead.status, alive.status) == ("extinct", "alive") and 20 < dead.tick < 80:
            break
    else:
        pytest.fail("no seed in which one world dies and the other lives: the worlds of this test have changed")
    folder = tmp_path / f"dish{seed}"
    mine = record.metrics["replicate"] == dead.replicate
    assert record.metrics["tick"][mine].max() <= dead.tick and not np.any(record.metrics["residual"])
    assert main(["show", str(folder), "--json"]) == 0
    said = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(name))
    assert said["alive"] == 1 and ["extinct", dead.tick] == said["summary"]["rows"][dead.replicate][1:3]


@pytest.mark.parametrize("tick", [35, 60])
def test_a_run_cut_off_around_an_extinction_goes_on_to_the_same_record(tmp_path, unbroken, tick):
    folder = crashed(POOR, tmp_path / "dish", tick)
    assert going(POOR, folder, resume).digest() == unbroken(POOR)


def test_a_population_whose_food_stops_only_loses_energy(tmp_path):
    dish = replace(DISH, ticks=600, interventions=("100:world.drop_food=0",))
    record = going(dish, tmp_path / "dish")
    m = record.metrics
    for replicate in range(2):
        mine = (m["replicate"] == replicate) & (m["tick"] > 100)
        energy = m["body_energy"][mine] + m["food"][mine]
        assert not np.any(m["inflow"][mine]) and np.all(np.diff(energy) < 0)
    assert not np.any(m["residual"])


def test_the_ceiling_binds_and_is_never_passed(tmp_path):
    record = going(replace(world(drop_food=512), ticks=400), tmp_path / "dish")
    population = record.metrics["population"]
    assert population.max() == DISH.world.ceiling == population[-1]
    births, deaths = record.log("births"), record.log("deaths")
    for replicate in range(2):
        born = np.bincount(births["tick"][births["replicate"] == replicate], minlength=400)
        died = np.bincount(deaths["tick"][deaths["replicate"] == replicate], minlength=400)
        assert np.max(np.cumsum(born) - np.cumsum(died) + died) <= DISH.world.ceiling


def test_games_that_run_away_are_counted_with_their_tick_and_cause(tmp_path, capsys):
    words = ["--rate", "128", "--play", "simultaneous", "--replicates", "2", "--quiet", "--out", tmp_path / "game"]
    plainly(capsys, "run", "bilinear", *words, code=0)
    assert [(s.status, s.cause[:8]) for s in load(tmp_path / "game").statuses] == [("diverged", "a player")] * 2


def test_a_flow_that_runs_away_is_a_result_without_nan(tmp_path, capsys):
    words = ["--step", "1", "--rho", "200", "--replicates", "2", "--quiet", "--json", "--out", str(tmp_path / "flow")]
    assert main(["run", "lorenz", *words]) == 0
    said = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(name))
    assert said["alive"] == 0
