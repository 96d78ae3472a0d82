"""Brains with eyes: every area against a plain program, what a childhood leaves, and what a person meets."""

import json
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import sqrtm

from benchmarks.eyes_evolved import few_of, moved
from mesocosm import rules
from mesocosm.record.configuration import ConfigurationError
from mesocosm.rules.areas import Area, Chain, Decorrelating, Innate, Oriented, Retina, Upright
from mesocosm.rules.brain import before_keys, that_forgets
from mesocosm.rules.form import BrainForm
from mesocosm.rules.heeded import Heeded
from mesocosm.rules.innate import Childhood, innate
from mesocosm.rules.keys import Keys
from mesocosm.rules.refined import named, refined
from mesocosm.rules.rule import EvolvedRule, Rule, RuleError, build_net
from mesocosm.tasks import load
from tests.reference import eyes as plain

FORM = BrainForm(side=8, orientations=4, upright=3, plain=2, keys=12)
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def digits():
    """8x8 digits in a fixed random order: inputs, labels."""
    data = load("digits8")
    order = np.random.default_rng(1).permutation(len(data.labels))
    return data.inputs[order], data.labels[order]


def by_hand(form: BrainForm = FORM, **more) -> Rule:
    return Rule(form, build_net(form, (form.side**2, 2)).found(jax.random.key(0)), **more)


def test_what_is_seen_is_what_a_plain_program_sees():
    image = RNG.normal(size=(8, 8)) * np.outer(np.hanning(8), np.hanning(8))
    with jax.enable_x64(True):
        standing, edges = Upright(), Oriented(4, 3)
        genes = jax.tree.map(lambda g: jnp.asarray(g, jnp.float64), standing.found(jax.random.key(0), 64))
        found = standing.answer(genes, (), jnp.asarray(image.ravel()))
        assert np.allclose(found, plain.upright(image).ravel(), atol=1e-9)
        genes = jax.tree.map(lambda g: jnp.asarray(g, jnp.float64), edges.found(jax.random.key(0), 64))
        assert np.allclose(edges.answer(genes, (), jnp.asarray(image.ravel())), plain.oriented(image, 4, 3), atol=1e-6)


def test_a_slanted_small_and_shifted_thing_is_set_upright():
    line = np.arange(14) - 6.5
    y, x = np.meshgrid(line, line, indexing="ij")
    genes = {**Upright().found(jax.random.key(0), 196), "scale": jnp.array(1.0)}

    def bar(slant, size, down, across):
        v, u = (y - down) / size, (x - across) / size
        return np.exp(-0.5 * (((u - slant * v) / 0.7) ** 2 + (v / 2.5) ** 2))

    seen = [
        np.asarray(Upright().answer(genes, (), jnp.asarray(bar(*how).ravel())))
        for how in ((0, 1, 0, 0), (0.4, 1.2, 1, -1), (-0.3, 0.8, -1, 1.5))
    ]
    assert all(np.corrcoef(seen[0], other)[0, 1] > 0.97 for other in seen[1:])
    raw = [bar(*how).ravel() for how in ((0, 1, 0, 0), (0.4, 1.2, 1, -1), (-0.3, 0.8, -1, 1.5))]
    assert all(np.corrcoef(raw[0], other)[0, 1] < 0.8 for other in raw[1:])


def test_a_retina_brings_images_of_any_side_and_the_light_does_not_matter():
    assert np.allclose(
        Retina(4).answer({}, (), jnp.arange(64.0)), np.arange(64.0).reshape(4, 2, 4, 2).mean((1, 3)).ravel()
    )
    genes = Oriented(4, 3).found(jax.random.key(0), 64)
    image = jnp.asarray(RNG.normal(size=64), jnp.float32)
    a, b = (Oriented(4, 3).answer(genes, (), v) for v in (image, 7 + 30 * image))
    assert np.allclose(a, b, atol=2e-3), "contrast-normalised"


def live_alike(area, genes, reference, x, y):
    """The state of an area that has answered and learnt one example after the other as a plain program does."""
    state = area.begin(genes, x.shape[1], jax.random.key(0))
    learn, answer = jax.jit(area.learn), jax.jit(area.answer)
    for one, label in zip(x, y, strict=True):
        told = answer(genes, state, one)
        assert np.allclose(told, reference.answer(one), atol=1e-4)
        state = learn(genes, state, one, told, jnp.eye(area.size(x.shape[1]))[label])
        reference.learn(one, label)
    return state


@pytest.mark.parametrize("keys", [30, 4])
def test_keys_do_what_a_plain_program_does(keys):
    """Until there are enough, when they are full, and when a class comes late."""
    rng = np.random.default_rng(keys)
    x = rng.normal(size=(20, 5))
    y = np.r_[rng.integers(0, 3, 17), 3, 0, 4]
    area, reference = Keys(6, keys, 3), plain.Keys(keys, 6, 3)
    live_alike(area, area.found(jax.random.key(0), 5), reference, x, y)
    assert np.argmax(reference.answer(x[0])) != 5, "what was never named is not named"


def test_rehearsed_long_enough_they_are_kernel_ridge_regression():
    x, y = RNG.normal(size=(12, 4)), np.arange(12) % 3
    area = Keys(3, 12, 3000)
    genes = area.found(jax.random.key(0), 4)
    state = area.begin(genes, 4, jax.random.key(0))
    for one, label in zip(x, y, strict=True):
        state = jax.jit(area.learn)(genes, state, one, None, jnp.eye(3)[label])
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    kernel = np.expm1(2 * unit @ unit.T) / np.expm1(2)
    values = np.linalg.solve(kernel + 0.1 * np.eye(12), np.eye(3)[y] - 1 / 3)
    test = RNG.normal(size=4)
    expected = 10 * np.expm1(2 * unit @ test / np.linalg.norm(test)) / np.expm1(2) @ values
    assert np.allclose(area.answer(genes, state, jnp.asarray(test, jnp.float32)), expected, atol=1e-3)


def test_lateral_synapses_come_to_the_root_of_the_covariance():
    mix = np.array([[1.0, 0.6, 0.0], [0.0, 0.7, 0.3], [0.2, 0.0, 1.2]])
    x = jnp.asarray(2 + RNG.normal(size=(6000, 3)) @ mix, jnp.float32)
    area = Decorrelating()
    genes = area.found(jax.random.key(0), 3)

    @jax.jit
    def live(x):
        def step(state, one):
            y = area.answer(genes, state, one)
            new = area.learn(genes, state, one, y, one)
            return new, (new, y)

        return jax.lax.scan(step, area.begin(genes, 3, jax.random.key(0)), x)[1]

    (usual, lateral), y = jax.tree.map(lambda path: path[3000:], live(x))  # they tremble about the root, by their pace
    usual, lateral = usual.mean(axis=0), lateral.mean(axis=0)
    assert np.allclose(np.cov(y.T), np.eye(3), atol=0.1)
    assert np.allclose(np.eye(3) + lateral, sqrtm(mix.T @ mix), atol=0.15) and np.allclose(usual, 2, atol=0.3)


def test_a_childhood_leaves_synapses_that_overlook_what_differs_within_a_class():
    """Ten directions: in the first three drawings of a class differ most; the last two tell classes apart."""
    noise = np.array([5.0, 4, 3, 1, 1, 1, 1, 1, 0.5, 0.5])
    apart = np.array([0, 0, 0, 0, 0, 0, 0, 0, 2.0, 2.0])

    def task():
        y = RNG.integers(0, 6, 60)
        return (apart * RNG.normal(size=(6, 10)))[y] + noise * RNG.normal(size=(60, 10)), y

    childhood = Childhood.of(task() for _ in range(300))
    assert np.allclose(np.diag(childhood.within), noise**2, rtol=0.05)
    assert np.allclose(np.diag(childhood.between), apart**2, atol=0.4)
    _, strengths = innate([childhood], 10, floor=0.0, power=0.0)
    assert np.allclose(strengths.T @ childhood.within @ strengths, np.eye(10), atol=1e-9)
    _, best = innate([childhood], 2)
    assert np.abs(best[8:]).sum() > 20 * np.abs(best[:8]).sum()
    with pytest.raises(ValueError, match="no class has two examples"):
        Childhood.of([(np.zeros((3, 2)), np.arange(3))])


def test_the_loss_that_refines_is_that_of_kernel_regression_and_class_means():
    told, y = RNG.normal(size=(32, 5)), RNG.integers(0, 4, 32)
    y[:16] = np.where(y[:16] == 3, 0, y[:16])  # a class that nobody knows
    unit, losses = told / np.linalg.norm(told, axis=1, keepdims=True), []
    for known in (6, 16):
        x, names, test = unit[:known], np.unique(y[:known]), unit[16:]
        labels = y[:known, None] == np.arange(4)
        values = np.linalg.solve(
            np.expm1(2 * x @ x.T) / np.expm1(2) + 0.1 * np.eye(known), labels - labels.mean(axis=0)
        )
        means = labels.T @ x
        means = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)
        for answers in (np.expm1(2 * test @ x.T) / np.expm1(2) @ values, test @ means.T):
            shares = np.exp(7 * answers[:, names]) / np.exp(7 * answers[:, names]).sum(axis=1, keepdims=True)
            losses.append(
                np.mean([-np.log(s[names == n][0]) for s, n in zip(shares, y[16:], strict=True) if n in names])
            )
    assert np.isclose(named(jnp.asarray(told), jnp.asarray(y), 4, 7.0), np.mean(losses), rtol=1e-4)


def test_the_gradient_finds_what_tells_classes_apart():
    """Ten directions of which the last two tell classes apart; synapses that heed all alike are where it begins."""
    apart = jnp.zeros(10).at[8:].set(2.0)

    def draw(key):
        a, b, c = jax.random.split(key, 3)
        labels = jax.random.randint(a, (4, 32), 0, 4)
        middles = apart[None, None, :] * jax.random.normal(b, (4, 4, 10))
        return jnp.take_along_axis(middles, labels[:, :, None], 1) + jax.random.normal(c, (4, 32, 10)), labels

    usual, strengths, losses = refined(np.zeros(10), np.eye(10), draw, 4, 150, 0.1, jax.random.key(3))
    sizes = np.linalg.norm(strengths, axis=1)
    assert sizes[8:].min() > 2 * sizes[:8].max() and usual.shape == (10,)
    assert losses[-10:].mean() < 0.8 * losses[:10].mean()


def test_a_brain_is_its_areas_one_after_the_other(digits):
    form = replace(FORM, features=5, decorrelate=True)
    net = build_net(form, (64, 4, 3))
    genome = net.found(jax.random.key(0))
    assert genome.size == sum(g.size for g in jax.tree.leaves(genome)) and net.sizes == (64, 4, 3)
    rule = EvolvedRule(net, genome)
    state = rule.begin(jax.random.key(0))
    x = jnp.asarray(digits[0][0], jnp.float32)
    seen = Chain(net.areas.areas[:2]).answer(genome.areas[:2], state[:2], x)
    expected = np.r_[
        plain.oriented(plain.upright(np.asarray(x).reshape(8, 8)), 4, 3),
        plain.oriented(np.asarray(x).reshape(8, 8), 4, 2),
    ]
    assert np.allclose(seen, expected, atol=1e-3)
    after, told = rule.learn(state, x, jnp.eye(3)[1])
    assert np.allclose(told, -10) and int(jnp.argmax(rule.predict(after, x))) == 1
    assert float(after[-1].counts.sum()) == 1


class Constant(Area):
    """Says the same of whatever it sees."""

    said: tuple[float, ...]

    def size(self, heard):
        return len(self.said)

    def answer(self, genes, state, heard):
        return jnp.asarray(self.said)


@pytest.mark.parametrize("forgets", [0.0, 0.1])
def test_areas_are_heeded_as_a_plain_program_heeds_them(forgets):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 6)), rng.integers(0, 3, 30)
    area = Heeded((Keys(3, 8, 3), Keys(3, 40, 3, 6.0)), forgets > 0)
    genes = area.found(jax.random.key(0), 6) | {"lean": jnp.array([0.4, 0.1]), "trust": jnp.array(0.25)}
    genes |= {"forgets": jnp.array(forgets)} if forgets else {}
    reference = plain.Heeded([plain.Keys(8, 3, 3), plain.Keys(40, 3, 3, sharpness=6.0)], [0.4, 0.1], 0.25, forgets)
    state = live_alike(area, genes, reference, x, y)
    assert np.allclose(state.right, reference.right, atol=1e-5) and np.ptp(state.right) > 0
    with pytest.raises(ValueError, match=r"answer as many numbers each, not \[2, 3\]"):
        Heeded((Keys(2, 8), Keys(3, 8))).size(6)


def test_to_forget_nothing_is_to_the_bit_what_a_brain_was(digits):
    x, y = digits[0][:40], digits[1][:40]
    form = replace(FORM, second=4)
    genome = build_net(form, (64, 2)).found(jax.random.key(0))
    lives = {}
    for forgets in (None, 0.0, 0.2):
        of = (form, genome) if forgets is None else that_forgets(form, genome, forgets)
        rule = Rule(*of, classes=10).learn(x, y)
        lives[forgets] = rule.logits(x), [v for k, v in rule.memory().items() if k.startswith("state.")]
    assert all(map(np.array_equal, jax.tree.leaves(lives[None]), jax.tree.leaves(lives[0.0])))
    assert not np.array_equal(lives[None][0], lives[0.2][0])
    with pytest.raises(ValueError, match="of one level of keys nobody is heeded more"):
        that_forgets(FORM, genome, 0.1)
    with pytest.raises(ValueError, match="forgets = 2: must be a share"):
        that_forgets(form, genome, 2)
    with pytest.raises(ConfigurationError, match="forgets = True: of one level of keys"):
        build_net(replace(FORM, forgets=True), (64, 2))


def test_who_is_right_is_heeded_and_prejudice_is_overcome():
    area = Heeded((Constant((1.0, 0.0)), Constant((0.0, 1.0))))
    genes = area.found(jax.random.key(0), 4)
    state, x = area.begin(genes, 4, jax.random.key(0)), jnp.zeros(4)
    assert area.shares(genes, state)[0] > 0.8, "born to heed the first"
    for times in range(14):
        before = area.shares(genes, state)[1]
        state = area.learn(genes, state, x, area.answer(genes, state, x), jnp.array([0.0, 1.0]))
        assert area.shares(genes, state)[1] > before
        is_overcome = jnp.argmax(area.answer(genes, state, x)) == 1
        assert is_overcome == (times + 1 > 2.0 / 0.2)
    alone = Heeded((Keys(3, 8),))
    genes = alone.found(jax.random.key(0), 4)
    told = jnp.eye(3)[1]
    state = alone.learn(genes, alone.begin(genes, 4, jax.random.key(0)), x + 1, told, told)
    only = Keys(3, 8)
    same = only.learn(genes["areas"][0], only.begin(genes["areas"][0], 4, jax.random.key(0)), x + 1, told, told)
    assert jnp.array_equal(alone.answer(genes, state, x + 2), only.answer(genes["areas"][0], same, x + 2))


def test_a_second_level_of_keys_sees_things_as_they_lie(digits):
    form = replace(FORM, second=4)
    net = build_net(form, (64, 4, 3))
    genome = net.found(jax.random.key(0))
    chain, genes = before_keys(net, genome)
    x = jnp.asarray(digits[0][0], jnp.float32)
    first = build_net(FORM, (64, 4, 3))
    alone = Chain(first.areas.areas[:-1]), first.found(jax.random.key(0)).areas[:-1]
    seen, same = (c.answer(g, c.begin(g, 64, jax.random.key(0)), x) for c, g in ((chain, genes), alone))
    assert jnp.array_equal(seen, same)
    state = EvolvedRule(net, genome).learn(net.start(genome, jax.random.key(0)), x, jnp.eye(3)[2])[0]
    pattern = np.asarray(state[1].areas[1][1].patterns[0])
    assert np.allclose(pattern, plain.oriented(np.asarray(x).reshape(8, 8), 4, 4), atol=1e-3)


@pytest.mark.parametrize("second", [0, 3])
def test_renaming_classes_renames_answers_and_nothing_else(digits, second):
    x, y = digits[0][:60], digits[1][:60]
    names = np.random.default_rng(2).permutation(10)
    form = replace(FORM, second=second)
    a = by_hand(form, classes=10).learn(x[:40], y[:40])
    b = by_hand(form, classes=10).learn(x[:40], names[y[:40]])
    assert np.allclose(a.logits(x[40:]), b.logits(x[40:])[:, names], atol=1e-4)


def test_the_shipped_ones_learn_digits_of_any_size_from_few(digits):
    x, y = digits
    rule = rules.load("eyes-0", classes=10).learn(x[:100], y[:100])
    assert np.mean(rule.predict(x[200:600]) == y[200:600]) > 0.9
    large = np.kron(x[:260].reshape(-1, 8, 8), np.ones((1, 2, 2)))
    rule = rules.load("eyes-0", classes=10, hidden=(40,)).learn(large[:60], y[:60])
    assert np.mean(rule.predict(large[60:]) == y[60:260]) > 0.75
    assert rule.memory()["state.0"].shape[0] == 40


def test_a_search_moves_the_few_numbers_and_no_synapse():
    """By multiples; what is 0 is added to."""
    genome = rules.load("eyes-0").genome
    names, numbers = few_of(genome)
    assert len(set(names)) == len(names) - 1 and [names.count(n) for n in names].count(2) == 2, "two leanings"
    same = moved(genome, jnp.zeros(len(names)))
    assert all(map(np.array_equal, jax.tree.leaves(same), jax.tree.leaves(genome)))
    other = moved(genome, jnp.full(len(names), np.log(2)))
    assert np.allclose(few_of(other)[1], np.where(numbers == 0, np.log(2), 2 * numbers))
    large = [(a, b) for a, b in zip(*map(jax.tree.leaves, (genome, other)), strict=True) if a.size > 2]
    assert len(large) == 5 and all(np.array_equal(a, b) for a, b in large)


def test_files_keep_every_digit(tmp_path):
    form = replace(FORM, features=30)
    genome = build_net(form, (64, 2)).found(jax.random.key(0))
    genome = jax.tree.map(lambda g: jnp.asarray(RNG.normal(size=g.shape), jnp.float32), genome)
    Rule(form, genome).save(tmp_path / "mine.json")
    loaded = rules.load(tmp_path / "mine.json")
    assert loaded.form == form and all(map(np.array_equal, jax.tree.leaves(loaded.genome), jax.tree.leaves(genome)))
    text = json.loads((tmp_path / "mine.json").read_text())
    at = next(k for k, g in enumerate(text["genes"]) if isinstance(g, dict))
    for wrong in ({"dtype": "<f8"}, {"base64": "AAAA"}, {"base64": "*"}):
        broken = text | {"genes": [g | wrong if k == at else g for k, g in enumerate(text["genes"])]}
        del broken["sha256"]
        (tmp_path / "broken.json").write_text(json.dumps(broken))
        with pytest.raises(RuleError, match="the file is damaged"):
            rules.load(tmp_path / "broken.json")


def test_what_a_person_meets():
    x, y = RNG.normal(size=(9, 64)), np.arange(9) % 3
    with pytest.raises(RuleError, match="square images of 4 x 4 pixels at least, not at 10 numbers"):
        by_hand().learn(x[:, :10], y)
    with pytest.raises(RuleError, match="1 of 9 examples hold NaN or infinity, the first is number 4"):
        by_hand().learn(np.where(np.arange(9)[:, None] == 4, np.nan, x), y)
    with pytest.raises(RuleError, match="holds one class only; give two or more"):
        by_hand().learn(x, 0 * y)
    with pytest.raises(RuleError, match="no fields"):
        rules.load("eyes-0", channels=3)
    with pytest.raises(RuleError, match="at most one level of keys"):
        by_hand(hidden=(3, 3)).learn(x, y)
    with pytest.raises(RuleError, match="features = 100: more than the 52 numbers"):
        build_net(replace(FORM, features=100), (64, 2))
    with pytest.raises(ConfigurationError, match="rehearsals"):
        build_net(replace(FORM, rehearsals=0), (64, 2))
    assert build_net(replace(FORM, features=3), (64, 2)).areas.areas[2] == Innate(3)


def test_classes_may_come_late_and_images_may_be_constant(digits):
    x, y = digits[0][:80], digits[1][:80]
    rule = rules.load("eyes-0", classes=1_000)
    first = y < 5
    rule.learn(x[first], y[first])
    assert set(rule.predict(x[~first])) <= set(range(5))
    rule.learn(x[~first][:30], y[~first][:30])
    assert np.mean(rule.predict(x[~first][:30]) == y[~first][:30]) > 0.7
    rule.learn(np.zeros((3, 64)), np.array([1, 2, 999]))
    assert np.isfinite(rule.logits(np.r_[np.zeros((1, 64)), x[:3]])).all()
    same = rules.load("eyes-0", classes=1_000).learn(x, 0 * y + 7)  # a teacher that always says the same
    assert set(same.predict(x)) == {7}
    many = rules.load("eyes-0", classes=10_000).learn(x[:4], np.array([0, 9_999, 5_000, 1]))
    assert many.predict(x[:4]).tolist() == [0, 9_999, 5_000, 1]
