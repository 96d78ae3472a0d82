"""Nets that look at an image through small shared fields: plain programs, symmetries, and what a person meets."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mesocosm.record.configuration import ConfigurationError, check
from mesocosm.rules import RuleError, handwritten
from mesocosm.rules.form import Fields, RuleForm
from mesocosm.rules.rule import Rule, build_net, load
from mesocosm.rules.wiring import FieldWiring
from tests.unit.test_rules import every_number_counts, in_float64, prequential

SIDE, FIELDS = 6, Fields(channels=3, width=3, pool=2)
FORM = RuleForm("hebbian", messages=1, memory=1, per_role=True, fields=FIELDS)


def corners(fields: Fields, side: int) -> tuple[list, list]:
    """Upper left corners of all fields, and for each pool the corners it holds."""
    n = side - fields.width + 1
    places = [(r, c) for r in range(n) for c in range(n)]
    step, starts = (fields.pool + 1) // 2, [0]
    while starts[-1] + fields.pool < n:
        starts.append(min(starts[-1] + step, n - fields.pool))
    pools = [
        [(r, c) for r, c in places if a <= r < a + fields.pool and b <= c < b + fields.pool]
        for a in starts
        for b in starts
    ]
    return places, pools


def energies(image, strengths, fields, normalise=True):
    """What arrives at [pool, channel] from an image [side, side], in plain loops."""
    _, pools = corners(fields, image.shape[0])
    out = np.zeros((len(pools), len(strengths)))
    for q, pool in enumerate(pools):
        for c, w in enumerate(strengths):
            for row, column in pool:
                seen = image[row : row + fields.width, column : column + fields.width].ravel()
                if normalise:
                    seen = seen - seen.mean()
                    match = seen @ w / np.linalg.norm(seen) / np.linalg.norm(w)
                else:
                    match = seen @ w / len(w)
                out[q, c] += match**2 / len(pool)
    return out


@pytest.mark.parametrize("normalise", [True, False])
def test_what_arrives_is_the_pooled_energy_of_matches(normalise):
    rng = np.random.default_rng(0)
    image, strengths = rng.normal(size=(SIDE, SIDE)), rng.normal(size=(3, 9))
    with jax.enable_x64(True):
        wiring = FieldWiring(SIDE, FIELDS)
        found = wiring.forward(jnp.asarray(image.reshape(1, -1)), jnp.asarray(strengths[None]), normalise)
    assert np.allclose(np.asarray(found).reshape(-1, 3), energies(image, strengths, FIELDS, normalise), atol=1e-9)
    assert wiring.after == 3 * len(corners(FIELDS, SIDE)[1])


def test_what_comes_back_is_the_mean_over_fields_and_channels():
    rng = np.random.default_rng(1)
    places, pools = corners(FIELDS, SIDE)
    replies, strengths = rng.normal(size=(len(pools), 3)), rng.normal(size=(3, 9))
    total, times = np.zeros((SIDE, SIDE)), np.zeros((SIDE, SIDE))
    for row, column in places:
        reply = np.mean([replies[q] for q, pool in enumerate(pools) if (row, column) in pool], axis=0)
        total[row : row + 3, column : column + 3] += (reply @ strengths).reshape(3, 3) / 3
        times[row : row + 3, column : column + 3] += 1
    with jax.enable_x64(True):
        found = FieldWiring(SIDE, FIELDS).backward(jnp.asarray(replies.reshape(1, -1)), jnp.asarray(strengths[None]))
    assert np.allclose(np.asarray(found)[0], (total / times).ravel(), atol=1e-12)


def test_shared_strengths_go_to_the_mean_of_what_every_place_would_make_of_them():
    rng = np.random.default_rng(2)
    places, pools = corners(FIELDS, SIDE)
    net = build_net(FORM, (SIDE**2, 4))
    with jax.enable_x64(True):
        genes = in_float64(net.found(jax.random.key(0))).synapse[3]
        w, f, b = rng.normal(size=(2, 3, 9)), rng.normal(size=(2, SIDE**2)), rng.normal(size=(2, 3 * len(pools)))
        found = net.wiring[0].change(net.synapse.step, genes, *map(jnp.asarray, (w, f, b)))
        g = {name: np.asarray(v) for name, v in genes.items()}
    images, replies = f.reshape(2, SIDE, SIDE), b.reshape(2, len(pools), 3)
    expected = np.zeros_like(w)
    for row, column in places:
        before = images[:, row : row + 3, column : column + 3].reshape(2, 1, 9)
        after = np.mean([replies[:, q] for q, pool in enumerate(pools) if (row, column) in pool], axis=0)[:, :, None]
        of = {name: g[name][:, None, None] for name in ("both", "alone", "reply", "drift", "retain")}
        change = of["both"] * before * after + of["alone"] * before + of["reply"] * after + of["drift"]
        expected += (of["retain"] * w + change) / len(places)
    assert np.allclose(np.asarray(found), expected, atol=1e-12)


def test_class_mean_through_fields_is_the_class_mean_of_energies():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(40, SIDE**2)), rng.integers(0, 3, 40)
    with jax.enable_x64(True):
        net = build_net(FORM, (SIDE**2, 3))
        noise = net.noise(jax.random.key(7), jnp.float64)
        logits, state = prequential(net, in_float64(handwritten.class_mean(net, gain=1.0)), x, y, noise)
        logits, kept = np.asarray(logits), np.asarray(state.synapses[0][0])
    strengths = np.asarray(noise[0])[0]
    assert np.allclose(kept, strengths, atol=1e-12), "what fields listen for stays"
    seen = np.tanh([energies(image.reshape(SIDE, SIDE), strengths, FIELDS).ravel() for image in x])
    for t in range(20, 40):
        sums = np.stack([seen[:t][y[:t] == c].sum(0) for c in range(3)])
        cosine = sums @ seen[t] / np.linalg.norm(sums, axis=1) / np.linalg.norm(seen[t])
        assert np.abs(logits[t] - cosine).max() < 1e-5


def test_with_one_pool_a_drawing_may_lie_anywhere():
    """Every place looks with the same strengths: moved over an empty ground, an image is the same image."""
    fields = Fields(channels=4, width=3, pool=32)
    net = build_net(RuleForm(fields=fields), (81, 3))
    genome = net.found(jax.random.key(0))
    drawing = np.zeros((9, 9), np.float32)
    drawing[3:5, 2:5] = np.random.default_rng(0).normal(size=(2, 3))
    moved = [np.roll(drawing, (down, across), (0, 1)) for down in (-1, 0, 2) for across in (0, 2)]
    state = net.begin(genome, net.noise(jax.random.key(1)))
    arrived = [np.asarray(net.forward(genome, state, jnp.asarray(image.ravel())).arrived[1]) for image in moved]
    assert all(np.allclose(arrived[0], other, atol=1e-5) for other in arrived) and np.ptp(arrived[0]) > 1e-3


def test_permuting_channels_changes_nothing_else():
    x, y = np.random.default_rng(4).normal(size=(12, 36)), np.arange(12) % 3
    order = np.array([2, 0, 1])
    with jax.enable_x64(True):
        net = build_net(RuleForm(hidden=5, fields=FIELDS), (36, 3))
        genome = in_float64(net.found(jax.random.key(3)))
        noise = net.noise(jax.random.key(5), jnp.float64)
        logits, _ = prequential(net, genome, x, y, noise)
        permuted, _ = prequential(net, genome, x, y, (noise[0][:, order], *noise[1:]))
    assert np.abs(np.asarray(logits) - np.asarray(permuted)).max() < 1e-10
    assert np.ptp(np.asarray(logits), axis=1).max() > 1e-6


def test_every_number_of_the_genome_counts_with_fields():
    form = RuleForm("bilinear", messages=2, memory=1, per_role=True, fields=Fields(2, 2, 1))
    every_number_counts(build_net(form, (9, 3, 3, 2)), np.random.default_rng(5).normal(size=(8, 9)))


def test_fields_need_a_square_image_at_least_as_large():
    for n in (35, 4):
        with pytest.raises(RuleError, match="fields of 3 x 3 pixels look at a square image"):
            build_net(FORM, (n, 3))
    rule = Rule(FORM, handwritten.class_mean(build_net(FORM, (SIDE**2, 3))))
    with pytest.raises(RuleError, match="not at 30 numbers"):
        rule.learn(np.random.default_rng(0).normal(size=(6, 30)), np.arange(6) % 3)
    with pytest.raises(ValueError, match="needs per_role"):
        handwritten.class_mean(build_net(replace(FORM, per_role=False), (SIDE**2, 3)))


def test_a_search_with_fields_is_refused_where_it_cannot_begin():
    from mesocosm.experiments.digits.declaration import DigitsConfiguration, Schooling

    for changes, message in (
        ({"form": FORM, "schooling": Schooling(side=2)}, r"form.fields.width = 3: is more than schooling.side = 2"),
        ({"form": replace(FORM, per_role=False)}, "needs form.per_role = True where there are fields"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            check(DigitsConfiguration(**changes))


def test_saved_and_loaded_it_looks_as_before(tmp_path):
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(20, SIDE, SIDE)), np.arange(20) % 3
    rule = Rule(FORM, handwritten.class_mean(build_net(FORM, (SIDE**2, 3))))
    rule.save(tmp_path / "seeing.json")
    again = load(tmp_path / "seeing.json")
    assert again.form.fields == FIELDS
    assert np.array_equal(rule.learn(x, y).logits(x), again.learn(x, y).logits(x))
    wider = load(tmp_path / "seeing.json", channels=7)
    assert wider.form.fields.channels == 7 and wider.learn(x, y).predict(x).shape == (20,)
    with pytest.raises(RuleError, match="channels = 7: the rule class-mean has no fields"):
        load("class-mean", channels=7)
    with pytest.raises(ConfigurationError, match="channels = 1000"):
        load(tmp_path / "seeing.json", channels=1000)
