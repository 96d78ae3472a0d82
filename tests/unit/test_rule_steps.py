"""Examples of several steps: what is remembered between them, and where such rules are taught and shown."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mesocosm.experiments.digits_shown import system as digits_shown
from mesocosm.experiments.digits_shown.declaration import DigitsShownConfiguration
from mesocosm.experiments.teaching import system as teaching
from mesocosm.experiments.teaching.declaration import TeachingConfiguration
from mesocosm.rules import RuleError, handwritten
from mesocosm.rules.form import RuleForm
from mesocosm.rules.rule import Rule, build_net
from tests.unit.test_rules import examples, in_float64, prequential


def teach(name):
    """The first rule of a small `teaching`."""
    setup = teaching.build(TeachingConfiguration(rules=(name,), classes=4, lessons=12, images=40))
    return jax.tree.map(lambda leaf: leaf[0], setup.experiment.kinds[0])  # pyright: ignore[reportAttributeAccessIssue]


def show(name):
    """The first rule of a small `digits-shown`."""
    c = DigitsShownConfiguration(rules=(name,), side=8, shown=(10, 20), images=50, online=False)
    return digits_shown.build(c).experiment.rules[0]  # pyright: ignore[reportAttributeAccessIssue]


def test_class_means_of_traces_are_those_of_a_leaky_memory():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3, 7)), rng.integers(0, 3, 40)
    with jax.enable_x64(True):
        form = RuleForm("hebbian", messages=1, memory=1, steps=3, remembers="example")
        net = build_net(form, (7, 3))
        genome = in_float64(handwritten.traces(net, past=0.7, pace=0.4, gain=1.0))
        logits, _ = prequential(net, genome, x.reshape(40, 21), y)
        logits = np.asarray(logits)
    trace = np.zeros((40, 7))
    for step in range(2):
        trace = 0.6 * trace + 0.4 * np.tanh(x[:, step])
    heard = x[:, 2] + 0.7 * trace
    for t in range(10, 40):
        sums = np.stack([heard[:t][y[:t] == c].sum(0) for c in range(3)])
        cosine = sums @ heard[t] / np.linalg.norm(sums, axis=1) / np.linalg.norm(heard[t])
        assert np.abs(logits[t] - cosine).max() < 1e-5


def test_what_is_remembered_ends_with_the_step_or_the_example():
    """Memory cut at each step: the answer hangs on the last step alone; cut at each example: not on earlier ones."""
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.normal(size=(3, 12)), jnp.float32)
    cases: list[tuple[Any, bool, bool]] = [("step", False, False), ("example", True, False), ("life", True, True)]
    for remembers, minds_step, minds_example in cases:
        net = build_net(RuleForm("hebbian", steps=3, remembers=remembers), (4, 5, 2))
        genome = that_keeps_its_strengths(net)
        begun = net.start(genome, jax.random.key(0))
        heard = jax.jit(net.learn)(genome, begun, x[0], jnp.zeros(2))[0]
        predict = jax.jit(net.predict)
        other = x[1].at[:8].add(1.0)
        answers = [predict(genome, state, e) for state, e in ((begun, x[1]), (begun, other), (heard, x[1]))]
        assert np.allclose(answers[0], answers[1], atol=1e-6) != minds_step
        assert np.allclose(answers[0], answers[2], atol=1e-6) != minds_example


def that_keeps_its_strengths(net):
    """Random genes of neurons; synapses that keep what they began with."""
    genome = net.found(jax.random.key(2))
    for genes in genome.synapse:
        genes |= {name: 0 * genes[name] for name in ("both", "alone", "reply", "drift")}
        genes["retain"] = jnp.ones_like(genes["retain"])
        genes["start"] = genes["start"] + 0.5
    return genome


@pytest.mark.parametrize("build", [teach, show])
def test_a_rule_that_hears_in_steps_is_taught_and_shown_in_them(tmp_path, build):
    """Where the steps do not divide an image it is refused in a sentence."""
    for steps in (2, 3):
        form = RuleForm("hebbian", messages=1, memory=1, steps=steps)
        Rule(form, handwritten.traces(build_net(form, (4, 2)))).save(tmp_path / f"{steps}.json")
    made = build(str(tmp_path / "2.json"))
    assert (made.net.sizes[0], made.heard) == (32, 64)
    with pytest.raises(RuleError, match="64 numbers, and this rule hears them in 3 steps"):
        build(str(tmp_path / "3.json"))


def test_numbers_that_cannot_be_heard_in_steps_are_refused():
    form = RuleForm("hebbian", messages=1, memory=1, steps=3)
    rule = Rule(form, handwritten.traces(build_net(form, (2, 2))))
    with pytest.raises(RuleError, match="in 3 steps of equal length"):
        rule.learn(np.eye(4), np.arange(4) % 2)
    x, y = examples(30, 9, 2)
    again = rule.fresh().remember(rule.learn(x, y).memory())
    assert np.array_equal(again.logits(x), rule.logits(x))


@pytest.mark.parametrize("rule", [handwritten.traces, handwritten.centred_class_mean])
def test_who_remembers_nothing_has_no_traces_and_no_mean(rule):
    with pytest.raises(ValueError, match=f"{rule.__name__}: needs memory = 1 or more"):
        rule(build_net(RuleForm("hebbian", messages=1, memory=0), (4, 2)))
