"""Imitators of a hidden rule: who latches on, who comes to the ceiling, who is found out, and what is said of it."""

from __future__ import annotations

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mesocosm.core import Bits
from mesocosm.core.random import seed_words
from mesocosm.experiments.latent_rule.declaration import DECLARATION, PRESETS, LatentRuleConfiguration
from mesocosm.experiments.latent_rule.exact import ceiling
from mesocosm.experiments.latent_rule.imitators import Imitator
from mesocosm.experiments.latent_rule.questions import CUES, DEPTH, DOORS, LIGHT, QUESTIONS, question_of
from mesocosm.experiments.latent_rule.results import LEAKS, leakage, recorded
from mesocosm.experiments.latent_rule.system import Fleet, build
from mesocosm.experiments.latent_rule.worlds import rain
from mesocosm.record.configuration import ConfigurationError, from_dict

SEED, REPLICATES, Q = 5, 4, 0.8
SMALL = {"junctions": 6, "judged": 128, "reliability": Q, "frames_every": 0}


def fleet(**changes):
    return law_of(LatentRuleConfiguration(**{**SMALL, **changes}))


def law_of(configuration, **own) -> Fleet:
    law = build(configuration, **own).experiment
    assert isinstance(law, Fleet)
    return law


def taught(updates=300, **changes):
    """What imitators of the tests' own small runs have learnt, and how they are judged: (state, mean judgement)."""
    law = fleet(**changes)

    def one(replicate):
        seed = seed_words(SEED)
        state = law.init(Bits.founding(seed, replicate))

        def tick(state, t):
            return law.tick(Bits.at(seed, replicate, t), state)[0], None

        state = jax.lax.scan(tick, state, jnp.arange(updates, dtype=jnp.int32))[0]
        return state, law.judgement(state)

    state, judged = jax.jit(jax.vmap(one))(jnp.arange(REPLICATES, dtype=jnp.uint32))
    return state, {name: float(np.mean(value)) for name, value in judged.items()}


@pytest.fixture(scope="module")
def clone():
    return taught(imitator="cloning")[1]


@pytest.fixture(scope="module")
def corrected():
    return taught(imitator="dagger")[1]


def test_a_clone_that_is_never_wrong_offline_latches_on_to_its_own_light(clone):
    assert clone["offline"] == 1.0
    assert clone["in_loop"] == pytest.approx(0.5, abs=0.07)


def test_correction_on_its_own_trips_restores_the_ceiling_and_severing_the_light_tells_them_apart(clone, corrected):
    assert ceiling(rain(0.0), 1, Q, 6).forgetting == pytest.approx(Q)
    assert corrected["late"] == pytest.approx(Q, abs=0.05)
    assert corrected["in_loop"] < ceiling(rain(0.0), 1, Q, 6).remembering.mean() + 0.02
    assert clone["offline"] - clone["severed"] > 0.3
    assert corrected["offline"] - corrected["severed"] < 0.25


def test_inference_learns_how_far_cues_can_be_trusted_and_comes_to_the_ceiling():
    state, judged = taught(imitator="filter", light="off", updates=400)
    assert jax.nn.sigmoid(state.learnt["trust"]) == pytest.approx(np.full((REPLICATES, 1, 1), Q), abs=0.06)
    assert judged["in_loop"] == pytest.approx(ceiling(rain(0.0), 1, Q, 6).remembering.mean(), abs=0.03)


class Reader(Imitator):
    """Goes by the light alone, and has nothing to learn."""

    def found(self, key, task):
        return jnp.zeros(1)

    def begin(self, learnt, task):
        return jnp.zeros(1)

    def step(self, learnt, memory, seen, last, task):
        return memory, seen[-2:]


def test_a_planted_leak_is_above_the_ceiling_and_said_so():
    configuration = LatentRuleConfiguration(**SMALL, imitator="reader", light="leak", copies=0.9, renewal=1.0)
    law = law_of(configuration, imitators={"reader": Reader()})
    judged = law.judgement(law.init(Bits.founding(seed_words(SEED), jnp.uint32(0))))
    assert float(jnp.mean(law.ceiling)) == pytest.approx(Q)
    assert float(judged["in_loop"]) == pytest.approx(0.95, abs=0.03)  # 0.9, and half of the others
    rows = [["a clone", "0.95", "[0.94, 0.96]", "0.800", LEAKS, "", ""], ["another", "", "", "0.8", "at it", "", ""]]
    assert leakage(rows).startswith("A clone: above the ceiling") and "leakage" in leakage(rows)
    assert leakage(rows[1:]) == "Here nobody does."
    offline = [["cloning", "", "", "0.901", "below it", "1.000", "0.76"], ["DAgger", "", "", "0.901", "", "0.88", ""]]
    assert "own trips cloning agree" in recorded(offline) and recorded(rows) == ""


def doors(slip, mistold, junctions, is_evidence, n=20000, seed=0):
    """Five doors by a program of its own: share of right acts at each junction of exact inference. [junctions]"""
    rng, belief = np.random.default_rng(seed), np.zeros((n, 5))
    right, share = rng.integers(0, 5, n), np.zeros(junctions)
    for t in range(junctions):
        p = np.exp(belief - belief.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        acts = p * (1 - slip) + (1 - p) * slip / 4
        act = np.minimum((rng.random((n, 1)) >= acts.cumsum(axis=1)).sum(axis=1), 4)
        share[t] = (act == right).mean()
        told = (act == right) != (rng.random(n) < mistold)
        is_it = np.arange(5)[None] == act[:, None]
        belief += np.log(np.where(is_it == told[:, None], 1 - mistold, mistold))
        if is_evidence:
            belief += np.log(np.where(is_it, 1 - slip, slip / 4))
    return share


@pytest.mark.parametrize("slip", [0.1, 0.2, 0.3])
def test_five_doors_end_where_they_are_published_to_end(slip):
    assert 0.19 < doors(slip, 0.3, 200, True, 3000)[-50:].mean() < 0.265
    assert doors(slip, 0.3, 300, False, 3000)[-50:].mean() == pytest.approx(1 - slip, abs=0.03)


@pytest.mark.parametrize(("imitator", "is_evidence"), [("bayes-evidence", True), ("bayes-interventions", False)])
def test_the_filters_of_five_doors_do_as_a_program_of_its_own(imitator, is_evidence):
    law = fleet(**{**PRESETS["doors"], "imitator": imitator, "mistold": 0.25, "judged": 2048, "junctions": 24})

    def late(slip):
        here = eqx.tree_at(lambda law: law.task.slip, law, slip)
        return here.judgement(here.init(Bits.founding(seed_words(SEED), jnp.uint32(0))))["late"]

    slips = (0.1, 0.2, 0.3)
    found = jax.jit(jax.vmap(late))(jnp.array(slips))
    expected = [doors(slip, 0.25, 24, is_evidence)[-6:].mean() for slip in slips]
    assert found == pytest.approx(np.array(expected), abs=0.035)  # 2,048 trips: about 3 standard errors


def test_a_filter_believes_what_bayes_says():
    law = fleet(imitator="bayes-evidence", rule="plan", light="off", renewal=1.0, slip=0.1, cues=2, unused=0)
    task, seen = law.task, np.array([[1, 1], [-1, 1], [1, -1]], float)
    acts = [0, 1, -1]
    memory, last = law.imitator.begin({}, task), -1
    for row, act in zip(seen, acts, strict=True):
        learnt = {"trust": jnp.zeros((1, 2))}
        memory, _ = law.imitator.step(learnt, memory, jnp.asarray(row, jnp.float32), jnp.int32(last), task)
        last = act
    prior, moves, shows = (np.asarray(x, float) for x in (task.prior, task.moves, task.shows))
    belief = prior
    for t, row in enumerate(seen):
        if t:
            belief = (belief * np.where(np.asarray(task.demands) == acts[t - 1], 0.9, 0.1)) @ moves
        for cue in row:
            belief = belief * np.where((shows[:, 0] == 1) == (cue > 0), Q, 1 - Q)
    assert np.asarray(memory) == pytest.approx(belief / belief.sum(), abs=1e-5)


def test_each_preset_asks_its_question_and_all_arms_can_be_run():
    asked = {name: question_of(vars(from_dict(LatentRuleConfiguration, sets))) for name, sets in PRESETS.items()}
    expected = {"default": LIGHT, "quick": LIGHT, "paper": LIGHT, "cues": CUES, "depth": DEPTH, "doors": DOORS}
    assert {name: asked[name] for name in expected} == expected
    assert question_of(vars(LatentRuleConfiguration(imitator="filter"))) is None
    for question in QUESTIONS:
        for sets in question.arms("cloning").values():
            assert set(sets) <= {f.name for f in dataclasses.fields(LatentRuleConfiguration)}
    assert DECLARATION.claims == LIGHT.claims


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"imitator": "parrot"}, "imitator = 'parrot': there is none of this name; must be one of cloning, dagger"),
        ({"rule": "snow"}, "rule = 'snow': there is none of this name; must be one of rain, conjunction"),
        ({"rule": "plan"}, "light = last-act: the rule plan has nothing before its first junction"),
    ],
)
def test_what_is_not_there_is_refused_by_name(changes, sentence):
    with pytest.raises(ConfigurationError) as refused:
        fleet(**changes)
    assert sentence in str(refused.value)


def test_a_budget_above_what_arrives_is_refused():
    assert "must be at most fleet = 3" in " ".join(LatentRuleConfiguration(fleet=3, budget=4).contradictions())
