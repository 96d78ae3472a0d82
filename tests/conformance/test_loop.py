"""The eight rules of the loop, over every registered experiment."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mesocosm.core import Bits, Experiment, Interrupted, Setup, Turn, blocks, chunk, loop, resume
from mesocosm.core.instrument import Fold, shapes
from mesocosm.core.random import seed_words
from mesocosm.record import ConfigurationError, branch, load
from tests.conformance.cases import CASES, EXACT, LAWS, Case, digest, worlds

every_case = pytest.mark.parametrize("name", CASES)
exact_case = pytest.mark.parametrize("name", EXACT)
law_case = pytest.mark.parametrize("name", LAWS)
GOLDEN = Path(__file__).with_name("golden.json")


class TickByTick:
    """Steering: one tick a chunk."""

    def turn(self, present):
        return Turn(present.progress.tick + 1)


# -- 1: same address, same bits ----------------------------------------------------------------------------------------


@every_case
def test_two_halves_equal_the_whole(name, tmp_path):
    whole = Case.of(name, ticks=80)
    expected = whole.run(tmp_path / "whole")
    half = replace(whole, plan=whole.with_ticks(40))
    half.run(tmp_path / "half")
    continued = resume(whole.setup, whole.plan, tmp_path / "half")
    assert continued.digest() == expected.digest()
    assert worlds(whole.setup, continued) == worlds(whole.setup, expected)


@every_case
def test_length_of_a_chunk_changes_nothing(name, tmp_path):
    case = Case.of(name)
    expected = case.run(tmp_path / "long").digest()
    assert case.run(tmp_path / "short", steering=TickByTick()).digest() == expected


@every_case
def test_steering_and_looking_change_nothing(name, tmp_path):
    """Steps of any length, a look before each, a stop and a branch of the same plan: the record of an unbroken run."""
    case = Case.of(name)
    expected = case.run(tmp_path / "whole").digest()

    class Looks:
        def __init__(self, stop_at):
            self.stop_at, self.seen = stop_at, []

        def turn(self, present):
            tick, scene = present.scene(1)
            assert all(np.isfinite(c).all() for c in scene.curves.values()) and (tick, scene) is not None
            self.seen.append(tick)
            done = present.progress.tick
            return None if done >= self.stop_at else Turn(done + 1 + done % 5)

    first, second = Looks(17), Looks(1000)
    with pytest.raises(Interrupted):
        case.run(tmp_path / "steered", steering=first)
    assert load(tmp_path / "steered").status == "interrupted"
    branch(tmp_path / "steered", tmp_path / "branch", case.plan.identity(), case.plan.config)
    assert resume(case.setup, case.plan, tmp_path / "branch", steering=second).digest() == expected
    assert first.seen[0] == 0 and second.seen[-1] == 60 and first.seen[-1] == second.seen[0] >= 17
    assert load(tmp_path / "branch").header["parent"] == {"run": "steered", "tick": second.seen[0]}
    assert resume(case.setup, case.plan, tmp_path / "steered").digest() == expected, "its parent goes on as well"


@every_case
def test_record_interval_changes_no_state(name, tmp_path):
    case, other = Case.of(name, every=20), Case.of(name, every=1)
    a, b = case.run(tmp_path / "20"), other.run(tmp_path / "1")
    assert worlds(case.setup, a) == worlds(case.setup, b)
    assert b.metrics["tick"].size == 20 * a.metrics["tick"].size or b.statuses != a.statuses or len(a.statuses) == 3


@law_case
def test_replicates_beside_it_change_nothing(name, tmp_path):
    few, many = Case.of(name), Case.of(name, replicates=7)
    a, b = worlds(few.setup, few.run(tmp_path / "few")), worlds(many.setup, many.run(tmp_path / "7"))
    assert {r: b[r] for r in a} == a
    assert len(set(b.values())) == len(b), "replicates must differ"


@law_case
def test_alone_equals_in_a_batch(name, tmp_path):
    """`tick` called for one replicate, without the loop, follows the same law."""
    case = Case.of(name, ticks=20)
    expected = worlds(case.setup, case.run(tmp_path / "batch"))
    experiment, seed = case.setup.experiment, seed_words(0)
    tick = jax.jit(lambda state, t: experiment.tick(Bits.at(seed, jnp.uint32(1), t), state)[0])
    state = jax.jit(lambda: experiment.init(Bits.founding(seed, jnp.uint32(1))))()
    for t in range(20):
        while not experiment.has_room(state):
            state = experiment.grow(state)
        state = tick(state, jnp.int32(t))
    assert digest(experiment.canonical(jax.tree.map(np.asarray, state))) == expected[1]


@law_case
def test_slots_allocated_change_nothing(name, tmp_path):
    class Roomy(Experiment):
        """The same law, founded in arrays of the next size class."""

        exact: ClassVar[bool] = True
        inner: Experiment

        def __init__(self, inner):
            self.inner = inner

        def init(self, bits):
            return self.inner.grow(self.inner.init(bits))

        def tick(self, bits, state):
            return self.inner.tick(bits, state)

        def scene(self, state):
            return self.inner.scene(state)

        def status(self, state):
            return self.inner.status(state)

        def has_room(self, state):
            return self.inner.has_room(state)

        def grow(self, state):
            return self.inner.grow(state)

        def canonical(self, state):
            return self.inner.canonical(state)

    case = Case.of(name)
    expected = case.run(tmp_path / "snug")
    Roomy.endings = type(case.setup.experiment).endings
    roomy = replace(case, setup=replace(case.setup, experiment=Roomy(case.setup.experiment)))
    record = roomy.run(tmp_path / "roomy")
    assert record.digest() == expected.digest()
    assert worlds(roomy.setup, record) == worlds(case.setup, expected)


@every_case
def test_seeds_give_different_worlds_and_each_the_same(name, tmp_path):
    digests = [Case.of(name, seed=s).run(tmp_path / f"{i}").digest() for i, s in enumerate((0, 1, 2**64 - 1, 0))]
    assert len(set(digests[:3])) == 3
    assert digests[3] == digests[0]


@exact_case
def test_golden_digests(name, tmp_path):
    """The same bits on every machine, device and supported version of jax."""
    case = Case.of(name, ticks=40)
    found = worlds(case.setup, case.run(tmp_path / "golden"))
    golden = json.loads(GOLDEN.read_text())
    assert golden[name] and {r: found[int(r)] for r in golden[name]} == golden[name]


def test_ten_seeds_give_ten_different_worlds(tmp_path):
    found = [worlds((c := Case.of("chemotaxis", seed=s)).setup, c.run(tmp_path / str(s))) for s in range(10)]
    assert len({digest for world in found for digest in world.values()}) == sum(map(len, found)) >= 25


# -- 2: watching changes nothing ---------------------------------------------------------------------------------------


@every_case
def test_watching_changes_nothing(name, tmp_path):
    case = Case.of(name)
    watched = case.run(tmp_path / "watched", progress=lambda progress: None)
    unwatched = replace(case, setup=Setup(case.setup.experiment)).run(tmp_path / "unwatched")
    assert worlds(case.setup, watched) == worlds(case.setup, unwatched)


@every_case
def test_an_instrument_that_needs_what_is_not_shown_is_refused(name, tmp_path):
    class Needy(Fold):
        def read(self, folded, scene):
            return {"x": scene.curves["no such curve"]}

    case = Case.of(name)
    needy = replace(case, setup=Setup(case.setup.experiment, {"needy": Needy()}))
    with pytest.raises(ValueError, match=r"instrument needy: needs 'no such curve'"):
        needy.run(tmp_path / "run")
    assert not (tmp_path / "run").exists()


# -- 3: killing changes nothing (kill -9 of a process: tests/acceptance) -----------------------------------------------


@every_case
def test_stopped_at_any_chunk_it_goes_on_to_the_same_record(name, tmp_path):
    case = Case.of(name)
    expected = case.run(tmp_path / "whole").digest()
    often = {"steering": TickByTick(), "checkpoint_seconds": 0.0}

    class Stop(Exception):
        pass

    def stop_at(tick):
        def progress(p):
            if p.tick >= tick:
                raise Stop

        return progress

    folder = tmp_path / "stopped"
    with pytest.raises(Stop):
        case.run(folder, progress=stop_at(13), **often)
    for tick in (14, 39):
        with pytest.raises(Stop):
            resume(case.setup, case.plan, folder, progress=stop_at(tick), **often)
    assert resume(case.setup, case.plan, folder).digest() == expected


# -- 4: no retrace -----------------------------------------------------------------------------------------------------


@every_case
def test_a_second_chunk_and_other_parameters_compile_nothing(name, tmp_path):
    case = Case.of(name, seed=5, ticks=20, every=10)  # too short for a replicate to end: another batch may compile
    traced = []

    class Counting(Fold):
        def read(self, folded, scene):
            traced.append(1)
            return {"counted": jnp.int32(0)}

    fold = Counting()
    counted = replace(case, setup=replace(case.setup, folds={**case.setup.folds, "counting": fold}))
    counted.run(tmp_path / "first", checkpoint_seconds=0.0)
    programs = chunk.run_chunk._cache_size()
    n_traced = len(traced)
    other = jax.tree.map(lambda x: x, counted.setup.experiment)
    again = replace(counted, setup=replace(counted.setup, experiment=other), plan=replace(case.plan, seed=6, every=5))
    again.run(tmp_path / "second")
    assert chunk.run_chunk._cache_size() == programs
    assert len(traced) - n_traced <= 2, "only the check of instruments may look at shapes again"


def test_three_values_of_a_parameter_compile_once(tmp_path):
    programs = []
    for rate in (3, 50, 128):
        case = Case.of("bilinear", rate=rate, every=10)
        case.run(tmp_path / str(rate))
        programs.append(chunk.run_chunk._cache_size())
    assert programs[0] == programs[-1]


# -- 5: every core works -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in CASES if name not in EXACT or name in LAWS])
def test_replicates_are_shared_out_over_devices(name, tmp_path):
    devices = jax.devices()
    assert len(devices) == 2, "tests run on two virtual devices"
    seen = []

    class Spy(loop._Loop):
        def _drain(self, ticks, *ends):
            seen.append({d.id for d in jax.tree.leaves(self.lanes.state)[0].devices()})
            super()._drain(ticks, *ends)

    case = Case.of(name, replicates=3)
    one = case.run(tmp_path / "one", devices=devices[:1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "_Loop", Spy)
        two = case.run(tmp_path / "two", devices=devices)
    assert seen and all(s == {0, 1} for s in seen)
    if case.setup.experiment.exact:
        assert one.digest() == two.digest()
    else:
        for column in one.metrics:
            assert np.allclose(one.metrics[column], two.metrics[column], rtol=1e-3, atol=1e-3)


def test_blocks_of_replicates_worked_on_in_turn_change_nothing(tmp_path, monkeypatch):
    """In growing worlds with logs; and where replicates end and leave the batch."""
    lively = Case.of("chemotaxis", replicates=5, ticks=120)
    game = Case.of("bilinear, simultaneous", replicates=12, ticks=60, rate=105)
    expected = [case.run(tmp_path / f"whole-{k}").digest() for k, case in enumerate((lively, game))]
    monkeypatch.setattr(blocks, "CACHE_BYTES", 1)  # one lane a block
    assert lively.run(tmp_path / "lively", devices=jax.devices()[:1]).digest() == expected[0]
    often = game.run(tmp_path / "game", steering=TickByTick(), checkpoint_seconds=0.0)
    assert often.digest() == expected[1]


# -- 6: no allocation binds --------------------------------------------------------------------------------------------


@law_case
def test_buffers_that_hold_little_change_nothing(name, tmp_path, monkeypatch):
    case = Case.of(name, ticks=200, every=1)  # more rows than fit on the device
    expected = case.run(tmp_path / "roomy").digest()
    monkeypatch.setattr(chunk, "LOG_ROWS", 0)
    monkeypatch.setattr(chunk, "MAX_ROWS", 3)
    assert case.run(tmp_path / "cramped").digest() == expected


def test_population_grows_beyond_the_slots_it_was_founded_in(tmp_path):
    case = Case.of("chemotaxis", ticks=200)
    record = case.run(tmp_path / "run")
    founded = shapes(case.setup.experiment)[0].world.bodies.id.shape[0]
    assert record.metrics["population"].max() > founded
    assert record.state["state.world.bodies.id"].shape[1] > founded


# -- 7: a status for each replicate ------------------------------------------------------------------------------------


def test_a_replicate_that_ends_is_noted_and_the_others_go_on(tmp_path):
    case = Case.of("bilinear, simultaneous", replicates=6, ticks=100)
    record = case.run(tmp_path / "run")
    ended = [s for s in record.statuses if s.status == "diverged"]
    assert len(ended) > 0 and len(record.statuses) == 6
    for s in ended:
        rows = record.metrics["tick"][record.metrics["replicate"] == s.replicate]
        assert rows.max(initial=0) <= s.tick < 100
        assert "beyond" in s.cause


def test_all_replicates_may_end(tmp_path):
    case = Case.of("bilinear, simultaneous", replicates=5, ticks=400, rate=128)
    record = case.run(tmp_path / "run")
    assert {s.status for s in record.statuses} == {"diverged"}
    assert record.status == "finished" and record.tick == 400


def test_ended_replicates_leave_the_batch_and_change_nothing(tmp_path):
    case = Case.of("bilinear, simultaneous", replicates=12, ticks=60, rate=105)
    expected = case.run(tmp_path / "once")
    often = case.run(tmp_path / "often", steering=TickByTick(), checkpoint_seconds=0.0)
    assert 0 < sum(s.status == "alive" for s in expected.statuses) <= 6, "half of them must end for this test"
    assert often.digest() == expected.digest()


def test_float_replicates_that_diverge_say_so(tmp_path):
    case = Case.of("lorenz", step=0.9, ticks=100, every=10)
    record = case.run(tmp_path / "run")
    assert {s.status for s in record.statuses} == {"diverged"}


# -- 8: interventions are data -----------------------------------------------------------------------------------------

INTERVENTIONS = {
    "chemotaxis": "30:world.metabolism=40",
    "signalling": "30:world.emission_cost=60",
    "bilinear": "30:rate=2",
    "lorenz": "30:rho=10.0",
}


@pytest.mark.parametrize("name", INTERVENTIONS)
def test_an_intervention_acts_from_its_tick_on_and_is_part_of_the_identity(name, tmp_path):
    plain, changed = Case.of(name, every=10), Case.of(name, every=10, interventions=[INTERVENTIONS[name]])
    a, b = plain.run(tmp_path / "plain"), changed.run(tmp_path / "changed")
    before = a.metrics["tick"] <= 30
    assert all(np.array_equal(a.metrics[c][before], b.metrics[c][b.metrics["tick"] <= 30]) for c in a.metrics)
    assert a.digest() != b.digest()
    assert b.header["interventions"][0][0] == 30
    half = replace(changed, plan=changed.with_ticks(40))
    half.run(tmp_path / "half")
    assert resume(changed.setup, changed.plan, tmp_path / "half").digest() == b.digest()


def test_instruments_see_the_parameters_that_hold(tmp_path):
    changed = Case.of("chemotaxis", interventions=["30:mind.sharpness=0"]).run(tmp_path / "changed")
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
        Case.of(name, interventions=[text]).run(tmp_path / "run")
    assert not (tmp_path / "run").exists()


@every_case
def test_a_tick_keeps_structure_and_types(name):
    experiment = Case.of(name).setup.experiment
    state = jax.eval_shape(experiment.init, Bits.shapes())
    after, _ = jax.eval_shape(experiment.tick, Bits.shapes(), state)
    assert jax.tree.structure(after) == jax.tree.structure(state)
    assert jax.tree.map(lambda s: (s.shape, s.dtype), after) == jax.tree.map(lambda s: (s.shape, s.dtype), state)
