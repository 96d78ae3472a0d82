"""Studies: what is asked, what is kept, what is refused."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from mesocosm.record import ConfigurationError
from mesocosm.studies import component, ecologies, runner
from mesocosm.studies.cell import Cell, Row, spelt
from mesocosm.studies.ecologies import Ecology
from mesocosm.studies.failure import failed
from mesocosm.studies.store import Store, host_name
from mesocosm.studies.study import Study, from_dict, read
from mesocosm.tasks.arrays import DataError

PARTS = Path(__file__).with_name("study_parts.py")
component.load_file(PARTS)

GOOD = {
    "name": "toy",
    "question": "Does a shift shift?",
    "tasks": ["call/toy"],
    "seeds": 3,
    "budget": {"calls": 1},
    "minimal_effect": 0.5,
    "vary": {"subject": ["noisy", {"component": "noisy", "shift": 1.0}]},
    "contexts": {"level": [0.0, 1.0]},
}


def cell(**changes) -> Cell:
    return replace(Cell("call/toy", {"subject": "noisy"}, {"seed": 0}, {"calls": 1}), **changes)


def index(folder: Path) -> Path:
    (path,) = folder.glob("index-*.sqlite")
    return path


def test_the_grid_is_every_treatment_in_every_context_with_every_seed():
    cells = from_dict(GOOD).cells
    assert len(cells) == len({c.identity for c in cells}) == 2 * 2 * 3
    assert {c.seed["seed"] for c in cells} == {0, 1, 2}


def test_crossed_slots_are_views_of_the_same_cells():
    slots = {"subject": ["noisy", {"component": "noisy", "shift": 1.0}], "extra": [0, 1, 2]}
    asked = from_dict({**GOOD, "vary": {}, "cross": slots, "against": {"extra": 1}})
    cells = {c.identity for c in asked.cells}
    assert len(cells) == len(asked.cells) == 2 * 3 * 2 * 3
    assert list(asked.views) == ["subject", "extra"]
    for slot, view in asked.views.items():
        assert {c.identity for c in view.cells} == cells
        assert list(view.vary) == [slot] and view.independent == ("level",)
    assert asked.views["extra"].treatments[0] == {"extra": 1}
    assert from_dict(GOOD).views == {"toy": from_dict(GOOD)}


def test_the_control_comes_first():
    second = {"component": "noisy", "shift": 1.0}
    assert from_dict(GOOD | {"against": {"subject": second}}).treatments[0] == {"subject": second}


def test_an_identity_changes_with_everything_that_is_measured_and_with_nothing_else():
    one = cell()
    assert one.identity == cell(parts={"subject": "noisy"}).identity
    others = [
        cell(task="call/other"),
        cell(seed={"seed": 1}),
        cell(budget={"calls": 2}),
        cell(scale=2.0),
        cell(versions={"subject": "0"}),
        cell(parts={"subject": "noisy", "level": 1.0}),
    ]
    assert len({one.identity, *(c.identity for c in others)}) == 7
    split = cell(parts={"level": 1.0}, fixed={"subject": "noisy"})
    assert split.identity == cell(parts={"subject": "noisy", "level": 1.0}).identity


def test_the_source_of_a_component_is_part_of_the_identity():
    first = from_dict(GOOD).cells[0]
    old = component._KNOWN["subject", "noisy"]
    try:
        component.component("subject", "noisy")(lambda shift=0.0: lambda seed, budget, level=0.0: 0.0)
        assert from_dict(GOOD).cells[0].identity != first.identity
    finally:
        component._KNOWN["subject", "noisy"] = old


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": 3}, "Did you mean seeds?"),
        ({"seeds": 0}, "seeds = 0: must be a whole number"),
        ({"seeds": True}, "seeds = True"),
        ({"seeds": {"world": 3}}, "there is no such part; there are seed"),
        ({"tasks": []}, "must name at least one task"),
        ({"tasks": ["experimant/chemotaxis"]}, "Did you mean experiment/"),
        ({"tasks": ["experiment/chemotaxi"], "budget": {"ticks": 100}}, "Did you mean chemotaxis?"),
        ({"vary": {"subject": ["noisi"]}}, "Did you mean noisy?"),
        ({"vary": {"subject": [{"component": "noisy", "shifted": 1}]}}, "it takes shift: float = 0.0"),
        ({"vary": {"subject": []}}, "must be a list of values"),
        ({"vary": {"subject": ["noisy", "noisy"]}}, "names a value twice"),
        ({"vary": {"level": [1.0], "subject": ["noisy"]}}, "stands in more than one of"),
        ({"against": {"subject": "other"}}, "must be one of the values under vary.subject"),
        ({"minimal_effect": -1}, "minimal_effect = -1: must be a number, 0 or more"),
        ({"direction": 0}, "direction = 0"),
        ({"budget": {"calls": 0}}, "budget.calls = 0: must be a number above 0"),
        ({"limits": {"minutes": 3}}, "limits are seconds and megabytes"),
        ({"seeds": 100_000, "contexts": {"level": list(range(20))}}, "cells: must be at most"),
        ({"name": "two words"}, "must be one word"),
        ({"cross": {"other": [0, 1]}}, "vary and cross: a study has one of them"),
        ({"cross": {"level": [0, 1]}, "vary": {}}, "level: stands in more than one of"),
        ({"seeds": 10**9}, "seeds = 1000000000: must be a whole number in 1 ... 100000"),
        ({"seeds": {"seed": 10**5, "other": 10**5}}, "the grid has 40000000000 cells"),
        ({"contexts": {f"c{k}": list(range(99)) for k in range(9)}}, "cells: must be at most"),
        ({"budget": {"calls": 10**400}}, "budget.calls = 1000"),
        ({"contexts": {"level": [float("nan")]}}, "contexts.level = (nan,): must be finite numbers"),
        ({"fixed": {"level": date(2020, 1, 1)}, "contexts": {}}, "fixed.level = datetime.date(2020, 1, 1): must be"),
        ({"name": "x" * 300}, "must be one word"),
        ({"cluster": ["subject"]}, "cluster = subject: must be task or a slot under contexts"),
    ],
)
def test_what_is_not_permitted_is_refused_by_name(change, words):
    with pytest.raises(ConfigurationError, match=re.escape(words)):
        _ = from_dict(GOOD | change).cells


@pytest.mark.parametrize("path", ["world.spead", "seed", "world.side"])
def test_a_slot_of_an_experiment_is_a_field_of_its_configuration(path):
    ecology = {"tasks": ["experiment/chemotaxis"], "budget": {"ticks": 1000}, "vary": {}, "contexts": {path: [7]}}
    words = {"world.spead": "speed", "seed": "set by the study", "world.side": "side = 7"}
    with pytest.raises(ConfigurationError, match=words[path]):
        _ = from_dict(GOOD | ecology).cells


@pytest.mark.parametrize(
    ("follow", "statistic", "words"),
    [
        (3, "carries", "follow = 3: must be a list of names of arms, [] for none; calling has deaf, "),
        ("deaf", "carries", "follow = 'deaf': must be a list of names of arms"),
        ([["deaf"]], "carries", "follow = [['deaf']]: must be a list of names of arms"),
        (None, "carries", "follow = None: must be a list of names of arms"),
        (["death"], "carries", "there is no arm 'death'; calling has deaf, "),
        ([], "carries", 'follow = []: statistic = carries reads the run deaf; set it to ["deaf"]'),
        (["deaf"], "carries-noise", 'reads the run noise; set it to ["deaf", "noise"]'),
        ([], "intake", "reads the run garden-intact, which is no arm; leave follow out"),
        (["deaf"], "rare-callers", "reads the run rare-callers, which is no arm; leave follow out"),
    ],
)
def test_what_is_to_follow_is_refused_before_anything_runs(follow, statistic, words):
    with pytest.raises(ConfigurationError, match=re.escape(words)):
        Ecology("calling").check({"follow": follow, "statistic": statistic}, {"ticks": 1000})


def test_what_is_to_follow_is_taken_where_the_statistic_reads_no_more():
    for follow, statistic in (
        ([], "calls"),
        (["deaf"], "carries"),
        (["deaf", "unheard"], "carries-unheard"),
        (["deaf"], "survives"),
        ([], "honest"),
    ):
        Ecology("calling").check({"follow": follow, "statistic": statistic}, {"ticks": 1000})
    with pytest.raises(ConfigurationError, match="kept does not say which runs it reads; leave follow out"):
        Ecology("signalling").check({"follow": ["deaf"], "statistic": "kept"}, {"ticks": 1500})


def test_a_run_that_is_read_and_did_not_follow_is_named():
    with pytest.raises(ConfigurationError, match="the run deaf is read, and did not follow; there are mute"):
        _ = ecologies._Followed(mute=None)["deaf"]  # type: ignore[arg-type]


def test_the_dead_keep_a_value_that_the_statistic_has_for_them():
    dead, diverged = Row("extinct", cause="extinct at tick 9"), Row("diverged", cause="diverged at tick 9")
    assert ecologies._row(2.5, None) == Row("ok", 2.5)
    assert ecologies._row(2.5, dead) == Row("ok", 2.5, cause="extinct at tick 9")
    assert ecologies._row(np.nan, dead) == dead and ecologies._row(2.5, diverged) == diverged


def test_a_file_that_is_no_toml_is_refused(tmp_path):
    (tmp_path / "bad.toml").write_text("name = ")
    with pytest.raises(ConfigurationError, match="cannot be read as TOML"):
        read(tmp_path / "bad.toml")


def test_a_file_of_components_that_raises_is_refused(tmp_path):
    (tmp_path / "bad.py").write_text("1 / 0")
    with pytest.raises(ConfigurationError, match="ZeroDivisionError"):
        component.load_file(tmp_path / "bad.py")


@pytest.mark.parametrize("value", [np.zeros((2, 3)), [1.0], "1", None, True, 1j])
def test_a_metric_is_one_number(value):
    with pytest.raises(TypeError, match="must be one number"):
        Row.of(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float32("-inf")])
def test_a_metric_that_is_not_finite_has_diverged(value):
    assert Row.of(value).status == "diverged"
    assert Row.of(value).final is None


@pytest.mark.parametrize(
    ("row", "more", "is_again"),
    [
        (Row.of(1.0), {}, False),
        (Row("error", cause="ValueError"), {}, False),
        (Row("error", cause="ValueError"), {"retry": ["error"]}, True),
        (Row("error", cause="no file", from_outside=True), {}, True),
        (Row("extinct"), {"retry": ["error"]}, False),
        (Row("timeout", environment={"limit": 5.0}), {"limits": runner.Limits(seconds=5)}, False),
        (Row("timeout", environment={"limit": 5.0}), {"limits": runner.Limits(seconds=50)}, True),
        (Row("memory", environment={"limit": 100}), {"limits": runner.Limits(megabytes=50)}, False),
    ],
)
def test_a_failure_is_tried_again_where_its_cause_lay_outside_or_where_one_asks(tmp_path, row, more, is_again):
    store = Store(tmp_path / "s")
    store.put(cell(), row)
    assert bool(runner.todo([cell()], store, **more).again) == is_again


@pytest.mark.parametrize(
    ("error", "outside"),
    [
        (FileNotFoundError("x"), True),
        (ModuleNotFoundError("x"), True),
        (DataError("iris: is not there"), True),
        (component.Skipped("not installed"), True),
        (MemoryError(), True),
        (ValueError("x"), False),
        (ConfigurationError("x"), False),
        (SystemExit(3), False),
    ],
)
def test_what_the_surroundings_cause_is_told_apart(error, outside):
    assert failed(error).from_outside == outside
    wrapped = RuntimeError("no row")
    wrapped.__cause__ = error
    assert failed(wrapped).from_outside == outside


def test_parts_are_spelt_shortly():
    assert [spelt(v) for v in ("adam", 0.05, True, ["odour", "touch"])] == ["adam", "0.05", "true", "odour+touch"]
    assert spelt({"component": "adam", "rate": 0.01}) == "adam(rate=0.01)"


def test_a_study_from_python_is_one_from_a_file():
    made = Study(
        name="toy",
        question="Does a shift shift?",
        tasks=("call/toy",),
        seeds=3,
        budget={"calls": 1},
        minimal_effect=0.5,
        vary={"subject": ("noisy", {"component": "noisy", "shift": 1.0})},
        contexts={"level": (0.0, 1.0)},
    )
    assert made == from_dict(GOOD)
    assert [c.identity for c in made.cells] == [c.identity for c in from_dict(GOOD).cells]


def test_what_killed_processes_left_in_work_is_swept_and_nothing_of_others(tmp_path):
    store = Store(tmp_path / "cells")
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    host, mine = host_name(), os.getpid()
    left = [f"batch-{host}-{gone.pid}-0123abcd", f"batch-{host}-{gone.pid}-0123abcd.json"]
    kept = [f"batch-{host}-{mine}-0123abcd", "batch-elsewhere-1-0123abcd", "notes", f"batch-{host}-{gone.pid}-thesis"]
    for name in [left[0], *kept]:
        (store.folder / "work" / name / "inner").mkdir(parents=True)
    (store.folder / "work" / left[1]).write_text("{}")
    (tmp_path / "own").mkdir()
    (store.folder / "work" / f"batch-{host}-{gone.pid}-89abcdef").symlink_to(tmp_path / "own")
    assert store.sweep() == 3
    assert sorted(os.listdir(store.folder / "work")) == sorted(kept) and (tmp_path / "own").is_dir()
