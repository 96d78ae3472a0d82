"""Nets in which only so many hidden neurons win: the others are silent, stay as they are, and drown no answer."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mesocosm import rules
from mesocosm.record.configuration import ConfigurationError
from mesocosm.rules.form import RuleForm
from mesocosm.rules.net import Genome, Net
from mesocosm.rules.rule import RuleError, build_net
from mesocosm.tasks import load

ALL = RuleForm("lstm", messages=1, hidden=2, memory=1, per_role=True, compete=True)
SIZES, HIDDEN, LEVEL = (6, 16, 3), 16, 1


def lived(winners: int, examples: int = 12):
    """The net, its genome, its state before and after the last example, and what was seen in it."""
    net = build_net(replace(ALL, winners=winners), SIZES)
    assert isinstance(net, Net)
    genome = net.found(jax.random.key(3))
    state = before = net.start(genome, jax.random.key(5))
    x = np.random.default_rng(0).normal(size=(examples, SIZES[0])).astype(np.float32)
    learn = jax.jit(net.learn)
    for k, one in enumerate(x):
        before = state
        state, _ = learn(genome, state, one, jax.nn.one_hot(k % 3, 3))
    return net, genome, before, state, net.forward(genome, before, jnp.asarray(x[-1]))


def test_where_all_may_win_it_is_the_net_of_before():
    ends = [jax.tree.leaves(lived(winners)[3]) for winners in (0, HIDDEN, 5)]
    assert all(np.array_equal(a, b) for a, b in zip(ends[0], ends[1], strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(ends[0], ends[2], strict=True))


def changed_of(before, after, n: int) -> dict[str, set[int]]:
    """Which hidden neurons are not as they were: their memory, the synapses before them, and those after them."""
    out = {"memory": np.any(np.asarray(before.neurons[LEVEL] != after.neurons[LEVEL]), axis=0)}
    for layer, axis, name in ((0, -2, "before"), (1, -1, "after")):
        pairs = zip(*(jax.tree.leaves(state.synapses[layer]) for state in (before, after)), strict=True)
        out[name] = np.any([np.moveaxis(np.asarray(a != b), axis, 0).reshape(n, -1).any(1) for a, b in pairs], axis=0)
    return {name: set(np.flatnonzero(is_other).tolist()) for name, is_other in out.items()}


@pytest.mark.parametrize("winners", [1, 4])
def test_losers_are_silent_and_who_has_no_lesson_stays_as_it_is_to_the_last_bit(winners):
    net, genome, before, after, seen = lived(winners)
    speaks = set(np.flatnonzero(np.any(np.asarray(seen.sent[LEVEL]) != 0, axis=0)).tolist())
    assert speaks == set(np.argsort(np.asarray(seen.arrived[LEVEL])[0])[-winners:].tolist()), "the best by what arrived"
    replies = np.asarray(net.backward(genome, before, seen, jax.nn.one_hot(11 % 3, 3))[1][LEVEL - 1])[0]
    learns = set(np.flatnonzero(replies > 0).tolist())
    assert 1 <= len(learns) <= winners
    assert changed_of(before, after, HIDDEN) == dict.fromkeys(("memory", "before", "after"), learns)


def test_of_a_shipped_rule_no_more_than_so_many_answer_and_no_more_learn():
    data = load("digits8")
    x = data.inputs[:40].reshape(40, -1)
    rule = rules.load("prototypes-0", 10, (64,), winners=4).learn(x[:39], data.labels[:39])
    assert rule._learner is not None and isinstance(rule.genome, Genome)
    net, before = rule._learner.net, rule._state
    assert isinstance(net, Net)
    one = jnp.asarray((x[38] - x[38].mean()) / x[38].std(), jnp.float32)
    speaks = np.any(np.asarray(net.forward(rule.genome, before, one).sent[LEVEL]) != 0, axis=0)
    after = rule.learn(x[39:], data.labels[39:40])._state
    changed = changed_of(before, after, 64)
    assert speaks.sum() == 4 and 1 <= len(set.union(*changed.values())) <= 4


def test_in_a_large_net_a_rule_goes_on_where_it_would_decay():
    data = load("digits8")
    order = np.random.default_rng(1).permutation(len(data.labels))
    x, y = data.inputs[order], data.labels[order]

    def right(winners):
        rule = rules.load("prototypes-0", 10, (768,), winners=winners).learn(x[:1100], y[:1100])
        return np.mean(rule.predict(x[1300:1700]) == y[1300:1700])

    few = right(4)
    assert few > 0.95 and few > right(0) + 0.1


def test_winners_where_nobody_competes_are_refused():
    with pytest.raises(RuleError, match="winners = 4: no neurons of the rule class-mean compete"):
        rules.load("class-mean", winners=4)
    with pytest.raises(RuleError, match="winners = 9: more than the 5 neurons of a hidden level"):
        build_net(replace(ALL, winners=9), (4, 5, 2))
    with pytest.raises(ConfigurationError, match="winners = 4: who wins is one thing with messages = 1 only"):
        build_net(RuleForm(compete=True, winners=4), (4, 5, 2))
    with pytest.raises(ConfigurationError, match="winners = 4: nobody wins where hidden neurons do not compete"):
        build_net(RuleForm(winners=4), (4, 2))
