"""Learning rules: exact answers, symmetries, every gene in use, and what a person meets."""

import json
from dataclasses import replace
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from sklearn.datasets import load_digits

from mesocosm import rules
from mesocosm.record.configuration import ConfigurationError
from mesocosm.rules import RuleError, handwritten
from mesocosm.rules.form import BrainForm, RuleForm
from mesocosm.rules.net import Genome
from mesocosm.rules.neurons import HIDDEN
from mesocosm.rules.rule import EvolvedRule, Rule, build_net

CELLS = ("lstm", "bilinear", "hebbian")


def examples(n, pixels, classes, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, n)
    x = rng.normal(size=(n, pixels)) + 1.5 * rng.normal(size=(classes, pixels))[y]
    return x, y


def prequential(net, genome, x, y, noise=None):
    """Logits before each label [examples, classes], and the last state."""
    noise = net.noise(jax.random.key(7), genome.read.dtype) if noise is None else noise
    labels = jax.nn.one_hot(y, net.sizes[-1], dtype=genome.read.dtype)

    @jax.jit
    def run(genome, noise, x, labels):
        state = net.begin(genome, noise)
        return jax.lax.scan(lambda s, pair: net.learn(genome, s, *pair), state, (x, labels))

    state, logits = run(genome, noise, jnp.asarray(x, genome.read.dtype), labels)
    return logits, state


def in_float64(genome):
    return jax.tree.map(lambda g: g.astype(jnp.float64), genome)


# -- exact answers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", ["bilinear", "hebbian"])
@pytest.mark.parametrize("symmetric", [False, True])
def test_class_mean_written_by_hand_is_the_nearest_class_mean(cell, symmetric):
    x, y = examples(60, 12, 4)
    with jax.enable_x64(True):
        net = build_net(RuleForm(cell, messages=2, memory=1, symmetric=symmetric), (12, 4))
        logits, _ = prequential(net, in_float64(handwritten.class_mean(net, gain=1.0)), x, y)
        logits = np.asarray(logits)
    for t in range(20, 60):
        sums = np.stack([x[:t][y[:t] == c].sum(0) for c in range(4)])
        cosine = sums @ x[t] / np.linalg.norm(sums, axis=1) / np.linalg.norm(x[t])
        assert np.abs(logits[t] - cosine).max() < 1e-5


@pytest.mark.parametrize("cell", ["bilinear", "hebbian"])
def test_softmax_regression_written_by_hand_is_online_gradient_descent(cell):
    x, y = examples(200, 12, 4)
    with jax.enable_x64(True):
        net = build_net(RuleForm(cell, messages=2, memory=1, normalise=False), (12, 4))
        logits, state = prequential(net, in_float64(handwritten.softmax_sgd(net, rate=0.05)), x, y)
        logits, weights = np.asarray(logits), np.asarray(state.synapses[0][0])
    w = np.zeros((12, 4))
    for t in range(200):
        z = x[t] @ w
        assert np.abs(logits[t] - z).max() < 1e-5
        p = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
        w += 0.05 * np.outer(x[t], np.eye(4)[y[t]] - p)
    assert np.abs(weights.T - w).max() < 1e-5


def test_class_mean_of_an_lstm_is_near():
    x, y = examples(300, 40, 5)
    net = build_net(RuleForm("lstm"), (40, 5))
    near, _ = prequential(net, handwritten.class_mean(net), x.astype(np.float32), y)
    net = build_net(RuleForm("hebbian"), (40, 5))
    exact, _ = prequential(net, handwritten.class_mean(net), x.astype(np.float32), y)
    assert np.mean(np.argmax(near, 1)[50:] == np.argmax(exact, 1)[50:]) > 0.9


COMPETING = RuleForm("hebbian", messages=1, memory=1, per_role=True, compete=True)


@pytest.mark.parametrize(("cell", "near"), [("lstm", 0.1), ("hebbian", 0.04)])
def test_prototypes_written_by_hand_vote_by_likeness(cell, near):
    """A free neuron for each example: a class gets sum_j exp(12 cos(x - mean, w_j)) / sqrt(n), up to a factor."""
    x, y = examples(30, 40, 3)
    x = (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)
    form = replace(COMPETING, cell=cell, hidden=2)
    with jax.enable_x64(True):
        net = build_net(form, (40, 31, 3))
        genome = in_float64(handwritten.prototypes(net, sharpness=12.0, gain=1.0))
        state = jax.jit(net.begin)(genome, net.noise(jax.random.key(7), jnp.float64))
        kept, means, errors = [], np.zeros(40), []
        learn = jax.jit(net.learn)
        for t in range(30):
            state, logits = learn(genome, state, jnp.asarray(x[t]), jax.nn.one_hot(y[t], 3, dtype=jnp.float64))
            centred = x[t] - 4 * means
            if t >= 5 and np.max(logits) > 0:  # few examples, none of them alike: no class has a vote
                likeness = np.array([w @ centred / np.linalg.norm(w) / np.linalg.norm(centred) for w in kept])
                votes = (
                    np.exp(12 * likeness) @ np.eye(3)[y[:t]] / np.sqrt(np.maximum(np.bincount(y[:t], minlength=3), 1))
                )
                ours = np.maximum(np.asarray(logits), 0)  # classes never named are voted against
                errors.append(np.abs(ours / ours.max() - votes / votes.max()).max())
            kept.append(centred)
            means = 0.96 * means + 0.04 * np.tanh(x[t] / 4)
        used = np.asarray(state.neurons[1])[0]
    assert np.mean(errors) < near
    assert 28 < used.sum() < 31, "nearly every example has a neuron of its own"


def test_prototypes_that_find_no_free_neuron_join_the_most_alike_of_their_class():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(6, 40))
    which = np.concatenate([np.arange(6), rng.integers(0, 6, 60)])
    x, y = (centres[which] + 0.2 * rng.normal(size=(66, 40))).astype(np.float32), which // 2
    net = build_net(replace(COMPETING, cell="lstm", hidden=2), (40, 6, 3))
    genome = handwritten.prototypes(net)
    logits, state = prequential(net, genome, x, y)
    assert np.mean(np.argmax(logits, 1)[6:] == y[6:]) > 0.95
    kept = np.asarray(state.synapses[0][0][0])  # [hidden, before]
    cosine = (kept @ centres.T) / np.linalg.norm(kept, axis=1)[:, None] / np.linalg.norm(centres, axis=1)[None, :]
    assert sorted(cosine.argmax(1).tolist()) == list(range(6)) and cosine.max(1).min() > 0.9


@pytest.mark.parametrize("ticks", [1, 2])
@pytest.mark.parametrize("fast", [False, True])
def test_factored_form_equals_the_naive_one(ticks, fast):
    """Every synapse by itself computes W [f; b; h], in plain loops over synapses (NumPy)."""
    net = build_net(RuleForm("lstm", ticks=ticks, fast=fast, memory=1), (5, 3))
    genome = net.found(jax.random.key(1))
    genes = {name: np.asarray(v, np.float64) for name, v in genome.synapse[0].items()}
    u = np.concatenate([np.diag(block) for block in np.split(genes["U"], 4)]) if fast else genes["U"]
    whole = np.concatenate([genes["A"], genes["B"], u], axis=1)
    squash = (lambda v: v / (1 + np.abs(v))) if fast else np.tanh
    x, y = examples(8, 5, 3)
    state = jax.jit(net.begin)(genome, net.noise(jax.random.key(0)))

    @jax.jit
    def tick(state, x, label):
        seen = net.forward(genome, state, x)
        returned, replies = net.backward(genome, state, seen, label)
        return seen, replies, net.change(genome, state, seen, returned, replies)

    for t in range(8):
        for label in [None] * (ticks - 1) + [jax.nn.one_hot(y[t], 3)]:
            seen, replies, after = tick(state, jnp.asarray(x[t] / 2, jnp.float32), label)
            h, c = (np.asarray(s, np.float64) for s in state.synapses[0])
            f, b = np.asarray(seen.sent[0], np.float64), np.asarray(replies[0], np.float64)
            for i, j in product(range(5), range(3)):
                gates = whole @ np.concatenate([f[:, i], b[:, j], h[:, j, i]]) + genes["bias"]
                gi, gf, new, go = np.split(gates, 4)
                gi, gf, go = (0.5 + 0.5 * squash(0.5 * g) for g in (gi, gf, go))
                cell = gf * c[:, j, i] + gi * squash(new)
                assert np.abs(cell - np.asarray(after.synapses[0][1][:, j, i])).max() < 2e-7
                assert np.abs(go * squash(cell) - np.asarray(after.synapses[0][0][:, j, i])).max() < 2e-7
            state = after


# -- genes and symmetries ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "form"),
    [
        ("lstm", {}),
        ("lstm", {"ticks": 2, "per_role": True, "fast": True}),
        ("bilinear", {"per_role": True}),
        ("hebbian", {"symmetric": True, "normalise": False}),
        ("lstm", {"per_role": True, "compete": True}),
    ],
)
def test_every_number_of_the_genome_changes_the_loss(cell, form):
    net = build_net(RuleForm(cell, messages=2, hidden=4, memory=1, **form), (3, 3, 3, 2))
    every_number_counts(net, examples(8, 3, 2)[0])


def every_number_counts(net, x):
    """The loss over a few examples of two classes is another one, whichever number of a genome is another."""
    y = np.arange(len(x)) % 2
    with jax.enable_x64(True):
        genome = net.found(jax.random.key(3))
        keys = jax.random.split(jax.random.key(4), len(jax.tree.leaves(genome)))
        leaves = [
            g.astype(jnp.float64) + 0.3 * jax.random.normal(k, g.shape, jnp.float64)
            for g, k in zip(jax.tree.leaves(genome), keys, strict=True)
        ]
        numbers, whole = ravel_pytree(jax.tree.unflatten(jax.tree.structure(genome), leaves))

        def loss(numbers):
            logits, _ = prequential(net, whole(numbers), x, y)
            return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1))

        steps = jnp.concatenate([jnp.zeros((1, numbers.size)), 1e-3 * jnp.eye(numbers.size)])
        losses = np.asarray(jax.jit(jax.vmap(loss))(numbers[None, :] + steps))
        idle = whole(jnp.asarray(np.abs(losses[1:] - losses[0]) < 1e-13, jnp.float64))
        if net.compete:  # what is added to all replies of a level that shares one lesson: softmax does not mind
            assert np.all(idle.neuron[HIDDEN]["G"][:, -1] == 1)
            idle.neuron[HIDDEN]["G"] = idle.neuron[HIDDEN]["G"][:, :-1]
        for path, is_idle in jax.tree_util.tree_flatten_with_path(idle)[0]:
            assert not np.any(is_idle), jax.tree_util.keystr(path)


@pytest.mark.parametrize(
    ("cell", "sizes", "compete"),
    [*product(CELLS, [(6, 3), (6, 5, 3)], [False]), ("hebbian", (6, 5, 3), True)],
)
def test_permuting_units_permutes_the_result_and_nothing_else(cell, sizes, compete):
    x, y = examples(15, 6, 3)
    rng = np.random.default_rng(1)
    orders = [rng.permutation(n) for n in sizes]
    with jax.enable_x64(True):
        net = build_net(RuleForm(cell, hidden=5, compete=compete), sizes)
        genome = in_float64(net.found(jax.random.key(3)))
        noise = net.noise(jax.random.key(5), jnp.float64)
        logits, _ = prequential(net, genome, x, y, noise)
        moved = [n[:, b][:, :, a] for n, a, b in zip(noise, orders[:-1], orders[1:], strict=True)]
        renamed = np.argsort(orders[-1])[y]
        permuted, _ = prequential(net, genome, x[:, orders[0]], renamed, tuple(moved))
        assert np.abs(np.asarray(logits)[:, orders[-1]] - np.asarray(permuted)).max() < 1e-10
        assert np.ptp(np.asarray(logits), axis=1).max() > 1e-6, "there is something to permute"


def test_noise_breaks_the_symmetry_of_hidden_neurons_only():
    net = build_net(RuleForm(), (6, 5, 3))
    noise = net.noise(jax.random.key(0))
    assert np.all(np.asarray(noise[0]) != 0) and np.all(np.asarray(noise[1]) == 0)
    x, y = examples(10, 6, 3)
    genome = net.found(jax.random.key(1))
    _, state = prequential(net, genome, x.astype(np.float32), y)
    assert len(np.unique(np.asarray(state.neurons[1])[0])) == 5


def test_forward_and_backward_strengths_are_apart_unless_symmetric():
    for symmetric in (False, True):
        net = build_net(RuleForm(symmetric=symmetric), (6, 5, 3))
        _, state = prequential(
            net, net.found(jax.random.key(1)), examples(10, 6, 3)[0].astype(np.float32), np.arange(10) % 3
        )
        forward, backward = net.synapse.carry(state.synapses[0])
        assert (np.abs(np.asarray(forward - backward)).max() == 0) == symmetric


def test_predicting_changes_nothing_and_equals_what_learning_answers():
    net = build_net(RuleForm(ticks=2), (6, 3))
    genome = net.found(jax.random.key(1))
    x, y = examples(10, 6, 3)
    _, state = prequential(net, genome, x.astype(np.float32), y)
    told = jnp.asarray(x[0], jnp.float32)
    answered = jax.jit(net.learn)(genome, state, told, jax.nn.one_hot(1, 3))[1]
    assert np.allclose(jax.jit(net.predict)(genome, state, told), answered, rtol=1e-6)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"messages": 3, "hidden": 4}, "hidden = 4: must be at least 6"),
        ({"cell": "hebbian", "fast": True}, "fast = True"),
        ({"messages": 0}, "messages = 0"),
        ({"compete": True, "ticks": 2}, "nothing told would be a lesson"),
    ],
)
def test_a_form_that_is_not_permitted_is_refused(form, message):
    with pytest.raises(ConfigurationError, match=message):
        build_net(RuleForm(**form), (4, 2))


def test_nets_that_cannot_be_are_refused():
    for sizes in ((4,), (4, 0, 2)):
        with pytest.raises(ValueError, match="at least inputs and classes"):
            build_net(RuleForm(), sizes)
    net = build_net(RuleForm(normalise=False), (4, 2))
    with pytest.raises(ValueError, match="normalise"):
        handwritten.class_mean(net)
    with pytest.raises(ValueError, match="prototypes: needs compete"):
        handwritten.prototypes(build_net(COMPETING, (4, 2)))
    with pytest.raises(ValueError, match="softmax_sgd"):
        handwritten.softmax_sgd(net, 0.1)


# -- the rule in one's hands -------------------------------------------------------------------------------------------


def test_a_shipped_rule_learns_ones_own_data():
    points, images = examples(200, 30, 4), load_digits(n_class=4, return_X_y=True)
    for name in rules.shipped():
        rule = rules.load(name)
        if rule.output != "classes":
            continue  # tests/unit/test_rule_estimator.py
        rule.classes = 4
        sees = isinstance(rule.form, BrainForm) or rule.form.fields.channels
        rule.hidden = (60,) if sees or getattr(rule.form, "compete", False) else ()
        x, y = images if sees else points
        rule.learn(x[:50], y[:50]).learn(x[50:100], y[50:100])
        assert np.mean(rule.predict(x[100:200]) == y[100:200]) > 0.7, name
        assert rule.fresh().learn(x[:5], y[:5]).logits(x[:3]).shape == (3, 4)


def test_a_rule_that_needs_hidden_neurons_says_so():
    x, y = examples(10, 6, 3)
    with pytest.raises(RuleError, match=r"hidden=\(128,\)"):
        rules.load("prototypes").learn(x, y)


def test_learning_in_two_calls_equals_one():
    x, y = examples(40, 9, 3)
    a = rules.load("class-mean").learn(x, y).logits(x)
    b = rules.load("class-mean").learn(x[:20], y[:20]).learn(x[20:], y[20:]).logits(x)
    assert np.array_equal(a, b)


def test_saved_and_loaded_it_is_the_same(tmp_path):
    form = RuleForm(per_role=True)
    rule = Rule(form, build_net(form, (2, 2)).found(jax.random.key(0)), {"seed": 1}, hidden=(5,))
    rule.save(tmp_path / "rule.json")
    again = rules.load(tmp_path / "rule.json", hidden=(5,))
    x, y = examples(20, 9, 3)
    assert again.made == {"seed": 1} and again.form == form
    assert np.array_equal(rule.learn(x, y).logits(x), again.learn(x, y).logits(x))
    assert [p.name for p in tmp_path.iterdir()] == ["rule.json"]
    with pytest.raises(RuleError, match="cannot be written"):
        rule.save(tmp_path / "nowhere" / "rule.json")


def test_files_that_cannot_be_used_say_why(tmp_path):
    good = {"format": "mesocosm rule 1", "form": {"cell": "hebbian"}, "genes": [], "made": {}}
    cases = {
        "{": "damaged",
        json.dumps([1]): "damaged",
        json.dumps({**good, "format": "mesocosm rule 2"}): "of the version 'mesocosm rule 2'",
        json.dumps(good): "genes do not fit",
        json.dumps({**good, "form": {"cell": "nothing"}}): "genes do not fit",
    }
    for i, (text, message) in enumerate(cases.items()):
        (tmp_path / f"{i}.json").write_text(text)
        with pytest.raises(RuleError, match=message):
            rules.load(tmp_path / f"{i}.json")
    with pytest.raises(RuleError, match="class-mean"):
        rules.load("no such rule")


NAN = np.full((3, 4), 0.5)
NAN[1, 2] = np.nan


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((0, 4)), np.zeros(0, int), "x: has shape"),
        (np.zeros(4), np.zeros(4, int), "x: has shape"),
        (NAN, np.arange(3), "the first is number 1"),
        (np.ones((3, 4)), np.arange(2), "one for each of 3 examples"),
        (np.ones((3, 4)), np.array([0, -1, 1]), "label -1"),
        (np.ones((3, 4)), np.array([0.5, 1, 2]), "whole numbers"),
        (np.ones((3, 4)), np.zeros(3, int), "one class only"),
        (np.array([["a", "b"]]), np.arange(1), "holds text; numbers are needed"),
    ],
)
def test_examples_that_cannot_be_learnt_from_say_why(x, y, message):
    with pytest.raises(RuleError, match=message):
        rules.load("class-mean").learn(x, y)


def test_a_rule_that_began_keeps_its_inputs_and_classes():
    x, y = examples(20, 9, 3)
    rule = rules.load("class-mean")
    with pytest.raises(RuleError, match="no example yet"):
        rule.predict(x)
    rule.learn(x, y)
    for call, message in [
        (lambda: rule.learn(x, y + 1), "label 3 is beyond the 3 classes"),
        (lambda: rule.learn(x[:, :8], y), "8 numbers an example; this rule began with 9"),
        (lambda: rule.predict(x[:, :8]), "8 numbers an example; this rule has learnt from 9"),
    ]:
        with pytest.raises(RuleError, match=message):
            call()


def test_constant_inputs_are_met_without_nan():
    rule = rules.load("class-mean", classes=2).learn(np.ones((4, 5)), np.array([0, 1, 0, 1]))
    assert np.all(np.isfinite(rule.logits(np.ones((2, 5)))))


def test_size_counts_every_number():
    genome = build_net(RuleForm(), (196, 10)).found(jax.random.key(0))
    assert isinstance(genome, Genome)
    assert genome.size == sum(np.asarray(leaf).size for leaf in jax.tree.leaves(genome)) <= 250
    assert EvolvedRule(build_net(RuleForm(), (3, 2)), genome).begin(jax.random.key(0)).neurons[0].shape == (2, 3)
