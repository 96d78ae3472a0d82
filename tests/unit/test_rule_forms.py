"""Forms of a rule: split genomes, ways back, answers that are numbers or orders."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import kendalltau

from mesocosm import rules
from mesocosm.experiments.digits.declaration import DigitsConfiguration
from mesocosm.record.configuration import ConfigurationError, check, from_dict
from mesocosm.rules import RuleError, handwritten, outputs
from mesocosm.rules.form import Fields, RuleForm
from mesocosm.rules.neurons import FIELD
from mesocosm.rules.regressor import RuleRegressor
from mesocosm.rules.rule import Rule, build_net
from mesocosm.rules.sets import Sets, shares
from tests.unit.test_rules import every_number_counts, examples, in_float64, prequential

HEBBIAN = RuleForm("hebbian", messages=1, memory=1)


# -- genes of layers and of species ------------------------------------------------------------------------------------


def split_like(net, genome):
    """A genome for a split net in which every set has the genes of the one set of an unsplit one, where it has any."""

    def given(template, own):
        return {name: own[name] for name in template}

    template = jax.eval_shape(net.found, jax.random.key(0))
    synapse = tuple(given(t, genome.synapse[0]) for t in template.synapse)
    neuron = tuple(given(t, genome.neuron[0]) for t in template.neuron)
    return type(genome)(synapse, neuron, genome.read)


@pytest.mark.parametrize(
    ("cell", "split"),
    [
        ("lstm", {"species": 2}),
        ("bilinear", {"layers": 3, "species": 3}),
        ("hebbian", {"per_role": True, "species": 2}),
    ],
)
def test_a_split_genome_whose_sets_are_alike_is_the_unsplit_one(cell, split):
    """What neurons and synapses do and keep is the same; only whose genes they run is another."""
    x, y = examples(12, 6, 3)
    sizes = (6, 5, 3) if cell == "lstm" else (6, 5, 4, 3)
    with jax.enable_x64(True):
        whole, parts = (build_net(RuleForm(cell, **form), sizes) for form in ({}, split))
        genome = in_float64(whole.found(jax.random.key(3)))
        noise = whole.noise(jax.random.key(5), jnp.float64)
        wanted, state = prequential(whole, genome, x, y, noise)
        found, other = prequential(parts, split_like(parts, genome), x, y, noise)
    assert np.ptp(np.asarray(wanted), axis=1).max() > 1e-6
    assert np.abs(np.asarray(wanted) - np.asarray(found)).max() < 1e-10
    assert jax.tree.map(jnp.shape, state) == jax.tree.map(jnp.shape, other)


BEFORE = {  # answers of the net as it was before there were layers and species, by the form of its genome
    "one": (RuleForm(), (36, 5, 3), [8.61297607421875, 3.0368380546569824, 8.699779510498047]),
    "fields": (
        RuleForm(messages=1, hidden=2, memory=1, compete=True, per_role=True, winners=2, fields=Fields(4, 3, 2)),
        (36, 5, 3),
        [-0.026038840413093567, 0.026440082117915154, 0.02657657489180565],
    ),
}


@pytest.mark.parametrize("name", BEFORE)
def test_a_genome_of_one_species_is_founded_and_learns_as_before(name):
    form, sizes, answered = BEFORE[name]
    x, y = examples(10, 36, 3)
    net = build_net(form, sizes)
    noise = net.noise(jax.random.key(5))
    logits, _ = prequential(net, net.found(jax.random.key(3)), x.astype(np.float32), y, noise)
    assert np.allclose(np.asarray(logits)[-1], answered, rtol=1e-4)


def test_every_number_of_a_split_genome_changes_the_loss():
    net = build_net(replace(HEBBIAN, layers=3, species=2), (3, 4, 4, 2))
    every_number_counts(net, examples(8, 3, 2)[0])


def test_sets_are_counted_once_and_each_place_has_its_own():
    whole = Sets(per_role=True, species=3, fields=True)
    assert whole.synapse == (None, 1, 2, FIELD, None, 1, 2, None, 1, 2)
    assert whole.of_synapses(-1, 1) == (3,) and whole.of_synapses(0, 1) == (0, 4, 7)
    assert whole.neuron == (None, 1, 2, FIELD, None, 1, None, 1)
    assert whole.of_neurons(1, 2) == (1, 5, 7) and whole.of_neurons(2, 2) == (2,)
    assert Sets(layers=2, species=2).of_synapses(1, 1) == (1, 3)
    assert Sets(species=2).of_synapses(0, 0) == (0,), "without hidden neurons there is one species"
    assert shares(7, 3) == [2, 4]


def test_species_differ_in_their_genes_alone():
    """Genes of the second species do not reach the first: its hidden neurons do as they did."""
    net = build_net(replace(HEBBIAN, species=2, replies="none"), (6, 4, 3))
    genome = net.found(jax.random.key(0))
    other = type(genome)(
        (genome.synapse[0], jax.tree.map(lambda g: g + 0.1, genome.synapse[1])), genome.neuron, genome.read
    )
    x, y = examples(6, 6, 3)
    kept = [np.asarray(prequential(net, g, x.astype(np.float32), y)[1].synapses[0]) for g in (genome, other)]
    same = np.all(kept[0] == kept[1], axis=(0, 2))
    assert same.tolist() == [True, True, False, False]


@pytest.mark.parametrize(
    ("form", "sizes", "message"),
    [
        ({"layers": 2, "per_role": True}, (4, 3, 2), "for each layer or each role"),
        ({"layers": 2}, (4, 2), "layers = 2: this net has 1 layers"),
        ({"species": 3}, (4, 2, 2), "species = 3: more than the 2 neurons"),
        ({"species": 2, "layers": 1}, (4, 2), "species = 2: are of hidden neurons"),
        ({"layers": 2, "per_role": False, "fields": Fields(2, 2, 1)}, (4, 2), "layers = 2: fields"),
        ({"symmetric": True, "replies": "fixed"}, (4, 2), "replies = fixed"),
        ({"ticks": 2, "steps": 2}, (4, 2), "ticks = 2: nothing is told"),
        ({"output": "order", "steps": 2}, (4, 1), "steps = 2: of pairs"),
    ],
)
def test_forms_that_cannot_be_are_refused(form, sizes, message):
    with pytest.raises((ConfigurationError, RuleError), match=message):
        build_net(RuleForm(**form), sizes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"form": {"layers": 2}}, "form.layers = 2: the net has 1"),
        ({"form": {"species": 2}}, "form.species = 2: needs levels"),
        ({"form": {"steps": 7}}, "form.steps = 7: 64 numbers"),
        ({"form": {"output": "numbers"}}, "form.output = numbers"),
    ],
)
def test_a_search_for_a_form_that_its_net_cannot_have_is_refused(changes, message):
    with pytest.raises(ConfigurationError, match=message):
        check(from_dict(DigitsConfiguration, changes))


def test_a_split_rule_is_kept_in_a_file(tmp_path):
    x, y = examples(20, 9, 3)
    form = replace(HEBBIAN, layers=2, species=2)
    rule = Rule(form, build_net(form, (9, 5, 3)).found(jax.random.key(1)), hidden=(5,))
    rule.save(tmp_path / "rule.json")
    again = rules.load(tmp_path / "rule.json", hidden=(5,))
    assert np.array_equal(rule.learn(x, y).logits(x), again.learn(x, y).logits(x))


def test_genomes_by_hand_are_the_same_for_every_species_and_layer():
    x, y = examples(40, 9, 3)
    form = RuleForm("hebbian", messages=1, memory=1, per_role=True, compete=True)
    answers = [
        prequential(net, handwritten.prototypes(net), x.astype(np.float32), y)[0]
        for net in (build_net(replace(form, species=n), (9, 24, 3)) for n in (1, 3))
    ]
    assert np.allclose(*map(np.asarray, answers), atol=1e-4)
    net = build_net(replace(HEBBIAN, layers=2, species=2), (9, 4, 3))
    assert len(handwritten.centred_class_mean(net).neuron) == 4


# -- ways back ---------------------------------------------------------------------------------------------------------


@jax.jit
def returns(net, genome, state, x):
    """What comes back to each level."""
    return net.backward(genome, state, net.forward(genome, state, x), jax.nn.one_hot(0, 3))[0]


@pytest.mark.parametrize("cell", ["lstm", "hebbian"])
def test_replies_go_over_strengths_that_are_learnt_or_fixed_or_not_at_all(cell):
    x, y = examples(10, 6, 3)
    found = {}
    for way in ("learnt", "fixed", "none"):
        net = build_net(RuleForm(cell, replies=way), (6, 5, 3))
        genome = net.found(jax.random.key(1))
        noise = net.noise(jax.random.key(7))
        begun = jax.jit(net.begin)(genome, noise)
        _, state = prequential(net, genome, x.astype(np.float32), y, noise)
        backward = [np.asarray(net.synapse.carry(s.synapses[1])[1]) for s in (begun, state)]
        assert np.array_equal(backward[0], backward[1]) == (way == "fixed")
        returned = returns(net, genome, state, jnp.asarray(x[0], jnp.float32))
        assert np.any(np.asarray(returned[1])) == (way != "none")
        found[way] = np.asarray(state.neurons[1])
    assert not np.allclose(found["learnt"], found["fixed"]) and not np.allclose(found["learnt"], found["none"])


# -- answers that are numbers, and orders ------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", ["bilinear", "hebbian"])
def test_the_delta_rule_is_normalised_least_mean_squares(cell):
    """Whatever the number of inputs, on examples of mean 0 and deviation 1 (and several numbers at once)."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(80, 12)), rng.normal(size=(80, 2))
    x = (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)
    with jax.enable_x64(True):
        net = build_net(RuleForm(cell, messages=1, memory=1, normalise=False, output="numbers"), (12, 2))
        genome = in_float64(handwritten.delta(net, rate=0.3))
        step = jax.jit(net.learn)
        state, w = net.start(genome, jax.random.key(0)), np.zeros((12, 2))
        for t in range(80):
            state, answer = step(genome, state, jnp.asarray(x[t]), jnp.asarray(y[t]))
            assert np.abs(np.asarray(answer) - x[t] @ w).max() < 1e-5
            w += 0.3 * np.outer(x[t], y[t] - x[t] @ w) / (x[t] @ x[t])


def test_the_delta_rule_of_pairs_is_logistic_regression_on_their_difference():
    rng = np.random.default_rng(1)
    pairs, y = rng.normal(size=(60, 2, 7)), rng.integers(0, 2, (60, 1)).astype(float)
    with jax.enable_x64(True):
        net = build_net(RuleForm("hebbian", messages=1, memory=1, normalise=False, output="order"), (7, 1))
        genome = in_float64(handwritten.delta(net, rate=0.4))
        step = jax.jit(net.learn)
        state, w = net.start(genome, jax.random.key(0)), np.zeros(7)
        for t in range(60):
            state, answer = step(genome, state, jnp.asarray(pairs[t].ravel()), jnp.asarray(y[t]))
            apart = pairs[t, 0] - pairs[t, 1]
            assert abs(float(answer[0]) - w @ apart) < 1e-5
            w += 0.4 / 7 * apart * (y[t, 0] - 1 / (1 + np.exp(-w @ apart)))
        scores = np.asarray(net.predict(genome, state, jnp.asarray(pairs[0, 0])))
    assert abs(scores[0] - w @ pairs[0, 0]) < 1e-5


@pytest.mark.parametrize("output", ["classes", "numbers", "order"])
def test_output_neurons_are_told_the_slope_of_the_loss(output):
    answer = jnp.array([0.3, -1.2, 2.0]) if output != "order" else jnp.array([0.7])
    label = jax.nn.one_hot(1, 3) if output == "classes" else jnp.ones_like(answer)
    slope = jax.grad(lambda a: outputs.loss(output, a, label))(answer)
    assert np.allclose(outputs.told(output, answer, label)[0], -slope, atol=1e-6)


def by_hand(output, rate=0.5):
    form = RuleForm("hebbian", messages=1, memory=1, normalise=False, output=output)
    return Rule(form, handwritten.delta(build_net(form, (2, 1)), rate))


def test_a_rule_that_answers_numbers_in_ones_hands():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 10))
    x = (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)
    y = x @ rng.normal(size=10)
    rule = by_hand("numbers").learn(x[:150], y[:150])
    assert rule.predict(x[150:]).shape == (50,)
    assert np.mean((rule.predict(x[150:]) - y[150:]) ** 2) < 0.1 * y.var()
    both = by_hand("numbers").learn(x, np.stack([y, -y], 1)).predict(x)
    assert both.shape == (200, 2) and np.allclose(both[:, 0], -both[:, 1], atol=1e-4)


def test_a_rule_that_puts_things_in_order_in_ones_hands():
    rng = np.random.default_rng(0)
    items, worth = rng.normal(size=(300, 2, 8)), rng.normal(size=8)
    values = (items - items.mean(2, keepdims=True)) @ worth
    rule = by_hand("order").learn(items[:250], values[:250, 0] > values[:250, 1])
    test, wanted = items[250:, 0], values[250:, 0]
    assert kendalltau(rule.predict(test), wanted).correlation > 0.8  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("output", "x", "y", "message"),
    [
        ("numbers", np.ones((3, 4)), [1.0, np.nan, 2.0], "y: 1 of 3 examples hold NaN"),
        ("numbers", np.ones((3, 4)), [[1.0], [2.0, 3.0], [4.0]], "y: example 1 has 2 numbers, example 0 has 1"),
        ("numbers", np.ones((3, 4)), np.ma.masked_equal([1.0, 2.0, 3.0], 2.0), "y: 1 examples hold masked values"),
        (
            "numbers",
            np.ones((3, 4)),
            [1.0, -1e39, 2.0],
            r"y: example 1 holds 1e\+39; a rule learns numbers up to 1e\+18",
        ),
        ("numbers", np.ones((3, 4)), [1.0, 2.0], "a row of them, for each of 3 examples"),
        ("order", np.ones((3, 4)), [1, 0, 1], r"learns from \[pairs, 2, numbers\]"),
        ("order", np.ones((3, 2, 4)), [1, 0, 2], "y: must be 1 where the first"),
    ],
)
def test_lessons_that_do_not_fit_what_is_answered_say_why(output, x, y, message):
    with pytest.raises(RuleError, match=message):
        by_hand(output).learn(x, y)


def test_the_largest_numbers_that_are_taken_are_learnt():
    rule = by_hand("numbers").learn(np.random.default_rng(0).normal(size=(60, 4)), np.resize([1e18, -1e18], 60))
    assert all(np.isfinite(leaf).all() for leaf in rule.memory().values())


@pytest.mark.parametrize("of", ["X", "y"])
def test_columns_whose_squares_are_beyond_are_refused(of):
    x = np.random.default_rng(0).normal(size=(20, 3))
    told = {"X": x, "y": x[:, 0]} | {of: 1e200 * (x if of == "X" else x[:, 0])}
    with pytest.raises(RuleError, match=r"column 0 holds numbers up to .*e\+200 in size"):
        RuleRegressor().fit(**told)


def test_rules_of_other_answers_are_refused_where_classes_are_needed(tmp_path):
    by_hand("numbers").save(tmp_path / "rule.json")
    with pytest.raises(RuleError, match="answers numbers, and classes are needed here"):
        rules.load(tmp_path / "rule.json", output="classes")
    with pytest.raises(RuleError, match="leave classes out"):
        rules.load(tmp_path / "rule.json", classes=3).learn(np.eye(3), [1.0, 2.0, 3.0])


def test_a_memory_is_of_its_form_though_its_arrays_fit():
    mind = by_hand("numbers").learn(np.eye(4), [1.0, 2.0, 3.0, 4.0])
    memory = mind.memory()
    other = replace(mind.fresh(), form=replace(mind.form, replies="none"))
    with pytest.raises(RuleError, match="of another form"):
        other.remember(memory)
    old = {name: array for name, array in memory.items() if name != "form"}
    for kept in (memory, old):
        assert np.array_equal(mind.fresh().remember(kept).logits(np.eye(4)), mind.logits(np.eye(4)))
