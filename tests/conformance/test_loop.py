"""What the loop promises beyond the suite of rules: golden digests, endings, growth, interventions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import jax
import numpy as np
import pytest

from mesocosm.core import Setup, chunk, loop, runs
from mesocosm.core.instrument import Fold, shapes
from mesocosm.record import ConfigurationError
from mesocosm.testing.rules import TickByTick
from tests.conformance.cases import EXACT, SUBJECTS, case, worlds
from tests.conformance.golden import assert_golden


def each(titles: Iterable[str]) -> list:
    """A parameter for each title, in the process of its experiment."""
    return [pytest.param(title, marks=pytest.mark.xdist_group(title)) for title in titles]


@pytest.mark.parametrize("title", each(SUBJECTS))
def test_what_is_exact_has_golden_digests(title):
    assert SUBJECTS[title].is_exact == (title in EXACT)


@pytest.mark.parametrize("title", each(EXACT))
def test_golden_digests(title, tmp_path):
    """The same bits on every machine, device and supported version of jax."""
    assert_golden(title, tmp_path)


def test_an_instrument_that_needs_what_is_not_shown_is_refused(tmp_path):
    class Needy(Fold):
        def read(self, folded, scene):
            return {"x": scene.curves["no such curve"]}

    small = case("bilinear")
    needy = replace(small, setup=Setup(small.setup.experiment, {"needy": Needy()}))
    with pytest.raises(ValueError, match=r"instrument needy: needs 'no such curve'"):
        needy.run(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_both_devices_work(tmp_path):
    devices, seen = jax.devices(), []
    assert len(devices) == 2, "tests run on two virtual devices"

    class Spy(loop.Loop):
        def _drain(self, ticks, *ends):
            seen.append({d.id for d in jax.tree.leaves(self.lanes.state)[0].devices()})
            super()._drain(ticks, *ends)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "Loop", Spy)
        case("bilinear", replicates=3).run(tmp_path / "two", devices=devices)
    assert seen and all(s == {0, 1} for s in seen)


def test_ten_seeds_give_ten_different_worlds(tmp_path):
    found = [worlds((c := case("chemotaxis", seed=s)).setup, c.run(tmp_path / str(s))) for s in range(10)]
    assert len({digest for world in found for digest in world.values()}) == sum(map(len, found)) >= 25


def test_three_values_of_a_parameter_compile_once(tmp_path):
    programs = []
    for rate in (3, 50, 128):
        small = case("bilinear", rate=rate, every=10)
        small.run(tmp_path / str(rate))
        programs.append(chunk.run_chunk._cache_size())
    assert programs[0] == programs[-1]


def test_population_grows_beyond_the_slots_it_was_founded_in(tmp_path):
    small = case("chemotaxis", ticks=200)
    record = small.run(tmp_path / "run")
    founded = shapes(small.setup.experiment)[0].world.bodies.id.shape[0]
    assert record.metrics["population"].max() > founded
    assert record.state["state.world.bodies.id"].shape[1] > founded


def test_a_replicate_that_ends_is_noted_and_the_others_go_on(tmp_path):
    small = case("bilinear, simultaneous", replicates=6, ticks=100)
    record = small.run(tmp_path / "run")
    ended = [s for s in record.statuses if s.status == "diverged"]
    assert len(ended) > 0 and len(record.statuses) == 6
    for s in ended:
        rows = record.metrics["tick"][record.metrics["replicate"] == s.replicate]
        assert rows.max(initial=0) <= s.tick < 100
        assert "beyond" in s.cause


def test_all_replicates_may_end(tmp_path):
    small = case("bilinear, simultaneous", replicates=5, ticks=400, rate=128)
    record = small.run(tmp_path / "run")
    assert {s.status for s in record.statuses} == {"diverged"}
    assert record.status == "finished" and record.tick == 400


def test_ended_replicates_leave_the_batch_and_change_nothing(tmp_path):
    small = case("bilinear, simultaneous", replicates=12, ticks=60, rate=105)
    expected = small.run(tmp_path / "once")
    often = small.run(tmp_path / "often", steering=TickByTick(), checkpoint_seconds=0.0)
    assert 0 < sum(s.status == "alive" for s in expected.statuses) <= 6, "half of them must end for this test"
    assert often.digest() == expected.digest()


def test_float_replicates_that_diverge_say_so(tmp_path):
    small = case("lorenz", step=0.9, ticks=100, every=10)
    record = small.run(tmp_path / "run")
    assert {s.status for s in record.statuses} == {"diverged"}


def test_instruments_see_the_parameters_that_hold(tmp_path):
    changed = case("chemotaxis", interventions=["30:mind.sharpness=0"]).run(tmp_path / "changed")
    blind = changed.metrics["tick"] > 30
    for s in range(4):  # a mind without preferences tumbles half of the time
        tumbling = changed.metrics[f"tumble_evolved_{s}"]
        assert np.array_equal(tumbling[blind], changed.metrics["population"][blind] * 512)
        assert not np.array_equal(tumbling[~blind], changed.metrics["population"][~blind] * 512)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("chemotaxis", "10:world.side=32"),
        ("chemotaxis", '10:mind.policy="argmax"'),
        ("chemotaxis", "10:nothing=1"),
        ("chemotaxis", "10:frames_every=1"),
        ("chemotaxis", "10:world.speed=256"),
    ],
)
def test_an_intervention_may_change_parameters_only(name, text, tmp_path):
    with pytest.raises(ConfigurationError):
        case(name, interventions=[text]).run(tmp_path / "run")
    assert not (tmp_path / "run").exists()
