"""Layers and minds of one's own: what an ecology keeps for them, and that nothing is to be edited elsewhere.

A layer that carries a battery, and a mind whose colony counts, are all of the three hooks that their authors need.
"""

from __future__ import annotations

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Int8, Int32

from mesocosm.core.experiment import Events
from mesocosm.core.instrument import Log
from mesocosm.core.random import Bits, seed_words
from mesocosm.ecology.configuration import EcologyConfiguration
from mesocosm.ecology.setup import ecology
from mesocosm.layers.layer import Layer
from mesocosm.minds.learner import Learner
from mesocosm.minds.mind import Draw, Experience, Mind
from mesocosm.minds.parameters import LearnerParameters
from mesocosm.record import ConfigurationError
from mesocosm.testing.subject import in_larger_arrays, worlds
from mesocosm.worlds.petri.fields import FieldLaw
from mesocosm.worlds.petri.senses import Sense
from tests.unit.minds import configuration, played, setup


class Scraps(Layer):
    """Bodies that have much leave one quantum in a field of scraps; a child has half of what its parent has left."""

    name: ClassVar[str] = "scraps"
    losses: ClassVar[tuple[str, ...]] = ()
    stores: ClassVar[tuple[str, ...]] = ("scraps",)
    logged: ClassVar[tuple[str, ...]] = ("left",)

    def fields(self):
        return {FieldLaw("scraps", 16, "quanta"): (64, 512)}

    def found(self, bits: Bits, ids: Array) -> dict[str, Array]:
        return {"left": jnp.zeros_like(ids)}

    def divide(self, bits: Bits, of_parents: Any, child_ids: Array) -> Any:
        return {"left": of_parents["left"] >> 1}

    def pay(self, bits: Bits, state: Any, book: Any) -> tuple[Any, Any]:
        bodies, own = state.world.bodies, state.own(self.name)
        leaves = (bodies.alive & (bodies.energy > 100)).astype(jnp.int32)
        cells = book.law.cells_of(bodies)
        scraps = state.world.fields["scraps"].ravel().at[cells].add(leaves)
        state = state.with_energy(bodies.energy - leaves).with_field("scraps", scraps)
        event = Events(leaves > 0, {"id": bodies.id})
        return state.with_own(self.name, {"left": own["left"] + leaves}), book.add(events={"scraps": event})

    def scene(self, own: Any) -> dict[str, Array]:
        return own

    def logs(self):
        return (Log("scraps", "scraps", (("id", "id"),)),)


class Counting(Mind):
    """It does what it did not do before; the colony counts what was lived through, and who died of it."""

    doings: ClassVar[tuple[str, ...]] = ("eaten", "exchanged")

    n_stimuli: int = eqx.field(static=True)
    n_acts: int = eqx.field(static=True)

    @property
    def n_loci(self) -> int:
        return 1

    def colony(self) -> Any:
        return dict.fromkeys(("lived", "died", *self.doings), jnp.int32(0))

    def develop(self, draw: Draw, genome: Int8[Array, " loci"], colony: Any) -> Any:
        return {"turn": draw.id & 1, "ate": jnp.int32(0)}

    def act(self, draw: Draw, genome: Int8[Array, " loci"], brain: Any, seen: Int32[Array, ""]) -> Any:
        return {**brain, "turn": 1 - brain["turn"]}, brain["turn"]

    def learn(self, genome: Int8[Array, " loci"], brain: Any, experience: Experience) -> Any:
        return {**brain, "ate": brain["ate"] + experience.doings["eaten"]}

    def tally(self, bits: Bits, colony: Any, experience: Experience, counts: Array) -> Any:
        n = jnp.sum(counts, dtype=jnp.int32)
        told = {k: jnp.sum(jnp.where(counts, v, 0), dtype=jnp.int32) for k, v in experience.doings.items()}
        told |= {"lived": n, "died": jnp.where(experience.is_last, n, 0)}
        return {name: colony[name] + value for name, value in told.items()}


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    """Small worlds with both, in which bodies are born and die."""
    made = setup(configuration(), layers=(Scraps(),), mind=lambda stimuli, acts: Counting(stimuli, acts))
    return made, played(made, tmp_path_factory.mktemp("own") / "run", replicates=3, ticks=200)


class Idle(Layer):
    """It has no hook."""

    name: ClassVar[str] = "idle"


@pytest.mark.parametrize("names", [("",), ("scraps", "scraps"), ("world",), ("Two words",)])
def test_a_name_that_is_none_or_taken_is_refused(names):
    layers = []
    for name in names:
        layers.append(type("Named", (Layer,), {"name": name, "__annotations__": {"name": ClassVar[str]}})())
    with pytest.raises(ConfigurationError, match="name = "):
        ecology(EcologyConfiguration(), layers=layers)
    with pytest.raises(ConfigurationError, match="the sense odour: there is one of this name already"):
        ecology(EcologyConfiguration(), senses=[Sense("odour", ("no", "yes"), "", lambda law, state: 0)])


def test_what_is_not_used_costs_nothing():
    """Neither an operation of a tick nor an array of the state: of a layer without hooks, of a mind without a brain."""
    c = configuration()
    plain, idle = setup(c).experiment, setup(c, layers=(Idle(),)).experiment
    state = jax.eval_shape(plain.init, Bits.shapes())
    ticks = [str(jax.make_jaxpr(law.tick)(Bits.shapes(), state)) for law in (plain, idle)]
    assert ticks[0] == ticks[1]
    assert jax.tree.structure(jax.eval_shape(idle.init, Bits.shapes())) == jax.tree.structure(state)
    assert state.brains is None and state.memory is None and state.colony is None and not state.owns


def test_a_layer_that_moves_energy_into_a_field_of_its_own_is_in_the_ledger(counted):
    m = counted[1].metrics
    assert not m["residual"].any() and m["scraps"].sum() > 0 and m["births"].sum() > 10
    assert counted[1].log("scraps")["tick"].size > 1000
    assert counted[1].log("births")["left"].max() > 0, "a child has half of what its parent left"


def test_every_tick_of_every_life_is_told_once_to_the_colony(counted):
    record, m = counted[1], counted[1].metrics
    state = record.state
    for lane, r in enumerate(state["replicate"]):
        row = m["replicate"] == r
        pending = int(np.sum(state["state.world.bodies.id"][lane] > 0))
        assert int(state["state.colony.lived"][lane]) == m["agent_ticks"][row].sum() - pending
        assert int(state["state.colony.died"][lane]) == m["deaths"][row].sum()
        unheard = {name: int(state[f"state.memory.doings.{name}"][lane].sum()) for name in Counting.doings}
        assert int(state["state.colony.eaten"][lane]) == m["eaten"][row].sum() - unheard["eaten"]
        both = 2 * m["exchanges"][row].sum()  # of each exchange both are told
        assert int(state["state.colony.exchanged"][lane]) == both - unheard["exchanged"] and both > 0


def test_a_brain_knows_all_that_its_own_body_ate(counted):
    state = counted[1].state
    alive = state["state.world.bodies.id"] > 0
    assert (state["state.brains.ate"][alive] > 0).any() and not state["state.brains.ate"][~alive].any()


def test_a_world_with_both_is_the_same_alone_and_after_growth(counted, tmp_path):
    made, record = counted
    assert record.state["state.world.bodies.id"].shape[1] > 64, "the arrays have grown"
    roomy = in_larger_arrays(made)
    alone = played(roomy, tmp_path / "alone", replicates=1, ticks=200)
    assert worlds(roomy, alone)[0] == worlds(made, record)[0]


def experience(seen: int, act: int, seen_after: int, **doings: int) -> Experience:
    told = {name: jnp.int32(doings.get(name, 0)) for name in Learner.doings}
    return Experience(jnp.int32(seen), jnp.int32(act), told, jnp.int32(seen_after), jnp.bool_(False))


def test_a_learner_comes_to_value_what_its_genes_like():
    """Stimulus 0, act 1 is followed by a full bite; the value of that act is reward / (1 - discount) in the end."""
    mind = Learner(LearnerParameters(rate=64, discount=128), 2, 2)
    genome, brain = jnp.array([100, 0, 0, -50], jnp.int8), jnp.zeros((2, 2), jnp.int32)
    learn = eqx.filter_jit(mind.learn)
    for _ in range(200):
        brain = learn(genome, brain, experience(0, 1, 0, eaten=64))
    assert abs(int(brain[0, 1]) - 2 * 100 * 128) < 8 and not np.asarray(brain)[[0, 1, 1], [0, 0, 1]].any()
    brain = learn(genome, brain, experience(1, 0, 1, emitted=1))
    assert int(brain[1, 0]) == -50 * 128 // 4
    configured = Learner(LearnerParameters(weights=(0, 0, 0, 7)), 2, 2)
    assert int(configured.reward(genome, experience(0, 0, 0, eaten=64, emitted=1).doings)) == 7 * 128


def test_no_value_of_a_learner_leaves_its_bounds():
    mind = Learner(LearnerParameters(rate=255, discount=252), 1, 2)
    worst = jnp.full(4, -128, jnp.int8)
    brain = jnp.full((1, 2), -(2**22), jnp.int32)
    told = experience(0, 0, 0, eaten=64, met=1, exchanged=1, emitted=1)
    learn = eqx.filter_jit(mind.learn)
    for _ in range(50):
        brain = learn(worst, brain, told)
    assert int(jnp.min(brain)) >= -(2**22) and int(mind.reward(worst, told.doings)) == -(2**16)


def test_a_learner_is_greedy_but_for_its_share_of_blind_acts():
    mind = Learner(LearnerParameters(exploration=0.25), 2, 2)
    bits, brain = Bits.at(seed_words(1), jnp.uint32(0), jnp.int32(5)), jnp.array([[0, 0], [5, -5]], jnp.int32)
    ids = jnp.arange(1, 20_001, dtype=jnp.int32)
    one = lambda id: mind.act(Draw(bits, id, jnp.uint32(0)), jnp.zeros(4, jnp.int8), brain, jnp.int32(1))[1]  # noqa: E731
    assert abs(float(jnp.mean(jax.vmap(one)(ids))) - 0.125) < 0.01


def test_learners_live_in_petri_to_the_bit(tmp_path):
    """Their energy is accounted for, what they learnt differs from body to body, and company changes nothing."""
    from tests.conformance.cases import worlds

    c = configuration(world={"senses": ["odour", "trend"]})
    made = setup(c, mind=lambda stimuli, acts: Learner(LearnerParameters(), stimuli, acts))
    together = played(made, tmp_path / "three", replicates=3, ticks=120)
    assert not together.metrics["residual"].any()
    values = together.state["state.brains"]
    assert np.unique(values).size > 20
    assert worlds(made, played(made, tmp_path / "one", replicates=1, ticks=120))[0] == worlds(made, together)[0]
