"""Rivals that know images: what they see, whom they name, and the table in which they stand."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy.signal import correlate2d
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.kernel_ridge import KernelRidge
from sklearn.neighbors import NearestCentroid

from mesocosm.core import run
from mesocosm.experiments.digits_shown.declaration import DigitsShownConfiguration
from mesocosm.protocol.derived import tell
from mesocosm.protocol.launch import prepare
from mesocosm.protocol.registry import declaration
from mesocosm.record.configuration import from_dict
from mesocosm.rivals.contest import rival_hits
from mesocosm.rivals.costs import _online_own
from mesocosm.rivals.features import FIELDS as SMALL
from mesocosm.rivals.features import SIDE, Eyes, Trunk, build_eyes, random_fields, sight, spatial_scores
from mesocosm.rivals.judges import judged, nearest_mean
from mesocosm.rivals.learners import JUDGES, ONLINE_OWN, SPATIAL, STORED, WAYS, budgets, is_by_gradient, rivals, spatial
from mesocosm.rivals.table import Shown, grade
from mesocosm.rules import load
from mesocosm.rules.form import Fields
from mesocosm.rules.rule import EvolvedRule, build_net
from mesocosm.tasks.streams import Stream
from tests.unit.test_receptive_fields import energies

FIELDS = Fields(channels=4, width=3, pool=2)


def test_features_of_a_trunk_are_convolutions_rectified_and_pooled():
    trunk = Trunk.found(jax.random.key(0))
    image = np.random.default_rng(0).normal(size=(8, 8))
    levels = [image[None]]
    for k, (kernel, bias) in enumerate(zip(trunk.kernels, trunk.biases, strict=True)):
        w = np.asarray(kernel, np.float64)
        maps = [
            sum(correlate2d(before, w[:, :, i, o], mode="same") for i, before in enumerate(levels[-1])) + float(bias[o])
            for o in range(w.shape[3])
        ]
        maps = np.maximum(np.stack(maps), 0)
        if k < 2:
            half = maps.shape[1] // 2
            maps = maps.reshape(maps.shape[0], half, 2, half, 2).max(axis=(2, 4))
        levels.append(maps)
    expected = np.moveaxis(levels[-1], 0, -1).ravel()
    found = trunk(jnp.asarray(image.reshape(1, -1), jnp.float32))[0]
    assert np.allclose(found, expected, atol=1e-4) and np.ptp(expected) > 0.1


def test_what_is_seen_through_random_fields_are_energies():
    eyes = build_eyes(8, FIELDS)
    image = np.random.default_rng(1).normal(size=(8, 8))
    found = eyes.look(jnp.asarray(image.reshape(1, -1), jnp.float32), ("random fields",))["random fields"]
    strengths = np.asarray(random_fields(8, FIELDS)[0])
    assert np.allclose(found[0, 0], energies(image, strengths, FIELDS).ravel(), atol=1e-5)
    assert eyes.look(jnp.zeros((2, 196)), ("episodes",))["episodes"].shape == (4, 2, 288), "of any size"
    strengths, wiring = random_fields(SIDE, SMALL)
    assert wiring.after == eyes.ways["metric fields"].after[1].shape[0], "statistics are of these fields"


def test_nearest_means_are_those_of_scikit_learn():
    rng = np.random.default_rng(2)
    y = np.arange(30) % 3
    x, test = rng.normal(size=(30, 6)) + y[:, None], rng.normal(size=(20, 6)) + 1
    scores = nearest_mean(jnp.asarray(x), jax.nn.one_hot(y, 3, dtype=jnp.float32), jnp.asarray(test), 0.0)
    assert np.array_equal(np.argmax(scores, axis=1), NearestCentroid().fit(x, y).predict(test))


def grams(x, test):
    x, test = (v - x.mean(axis=0) for v in (x, test))
    return [jnp.asarray(v, jnp.float32) for v in (x @ x.T, test @ x.T, np.sum(test**2, axis=1))]


def test_judges_are_those_of_scikit_learn_though_they_see_products_only():
    rng = np.random.default_rng(4)
    y = rng.permutation(np.arange(40) % 4)
    x = rng.normal(size=(40, 7)) + 1.5 * rng.normal(size=(4, 7))[y]
    test = rng.normal(size=(30, 7))
    one_hot, products = jnp.eye(4)[y], grams(x, test)
    unit = [(v - x.mean(0)) / np.linalg.norm(v - x.mean(0), axis=1, keepdims=True) for v in (x, test)]
    for k, sharpness in enumerate(JUDGES["RBF machine"]):
        machine = KernelRidge(alpha=0.1, kernel="rbf", gamma=sharpness / 2).fit(unit[0], 2 * np.asarray(one_hot) - 1)
        found = judged("RBF machine", *products, one_hot)[k]
        assert np.allclose(found, machine.predict(unit[1]), atol=1e-3)
    lifted = [np.column_stack([v, np.ones(len(v))]) for v in unit]
    for k, penalty in enumerate(JUDGES["ridge"]):
        weights = np.linalg.solve(
            lifted[0].T @ lifted[0] + penalty * np.eye(8), lifted[0].T @ (2 * np.asarray(one_hot) - 1)
        )
        assert np.allclose(judged("ridge", *products, one_hot)[k], lifted[1] @ weights, atol=1e-3)
    means = np.asarray(one_hot).T @ x / 10
    spread = np.trace((x - means[y]) @ (x - means[y]).T) / 40
    k, shrink = 1, JUDGES["LDA"][1]
    within = (1 - shrink) * np.cov((x - means[y]).T, bias=True) + shrink * (spread / 40 + 1e-3) * np.eye(7)
    twin = LinearDiscriminantAnalysis(solver="lsqr", priors=np.full(4, 0.25), shrinkage=0).fit(x, y)
    weights = np.linalg.solve(within, means.T)
    expected = test @ weights - 0.5 * np.sum(means.T * weights, axis=0)
    assert np.array_equal(np.argmax(judged("LDA", *products, one_hot)[k], 1), expected.argmax(1))
    assert np.mean(np.argmax(judged("LDA", *products, one_hot)[0], 1) == twin.predict(test)) > 0.8
    assert np.array_equal(
        np.argmax(judged("class mean", *products, one_hot)[0], axis=1),
        np.argmax(unit[1] @ (w := means - x.mean(0)).T / np.linalg.norm(w, axis=1), axis=1),
    )


def test_they_name_what_they_were_shown_and_nothing_else():
    rng = np.random.default_rng(3)
    y = np.arange(24) % 3
    drawings = rng.normal(size=(3, 64))[np.concatenate([y, y])] + 0.3 * rng.normal(size=(48, 64))
    rule = load("eyes-0")
    own = sight(EvolvedRule(build_net(rule.form, (64, 10, 5)), rule.genome))
    seen = build_eyes(8, FIELDS, own).look(jnp.asarray(drawings, jnp.float32))
    scores = np.asarray(jax.jit(spatial_scores, static_argnums=(2, 3))(seen, jnp.asarray(y), 24, 5))
    assert scores.shape == (sum(map(len, SPATIAL.values())), 24, 5)
    answers = scores.argmax(axis=2)
    assert np.all(scores[:, :, 3:] < -1e8), "however unlike the classes are that were shown"
    right = np.mean(answers == y[None], axis=1)
    worst = {name: r for name, r in zip((f for f, s in SPATIAL.items() for _ in s), right, strict=True) if r < 0.7}
    assert answers.max() < 3 and not worst
    for family in ("ridge of oriented fields", "ProtoNet-CNN", "LDA of its own eyes"):
        alone = spatial_scores(seen, jnp.asarray(y), 24, 5, family)
        begin = sum(len(s) for f, s in SPATIAL.items() if list(SPATIAL).index(f) < list(SPATIAL).index(family))
        assert np.allclose(alone, scores[begin : begin + len(SPATIAL[family])], atol=1e-3), "in the order of names"


def test_they_take_part_where_a_rule_has_fields(tmp_path):
    names = rivals(seeing=spatial())
    assert len(names) == len(set(names)) == sum(budgets(seeing=spatial()).values())
    assert len(spatial()) == 1 + (len(WAYS) - 1) * len(JUDGES) == len(SPATIAL) - len(JUDGES)
    changes = dict(rules=("fields-0",), hidden=(16,), shown=[12], images=30, online=False, every=1, ticks=2)
    setup, plan = prepare("digits-shown", from_dict(DigitsShownConfiguration, dict(replicates=1, side=8, **changes)))
    record = run(setup, plan, tmp_path / "run")
    rows = {row[0]: row[1:] for row in declaration("digits-shown").summarise(record).rows}
    assert set(rows) == {"fields-0", *STORED, *spatial()}
    assert all(0.2 < accuracy <= 1 for accuracy in rows["ProtoNet-CNN"])
    story = tell(declaration("digits-shown"), record, [])
    assert all(row[0] != "ceiling" for row in story.sections[1].figures[0].rows)
    assert any("4000 steps of 120 Omniglot images" in note for note in story.notes)
    costs = record.header["configuration"]["costs"]
    assert costs["kernel vote of trained features"]["bytes"] == 4 * 12 * (2 * 2 * 32 + 1), "every example"
    assert costs["ProtoNet-CNN"]["bytes"] == 4 * 10 * (2 * 2 * 32 + 1), "a mean for each class"
    assert costs["ProtoNet-CNN"]["flops"] > 2 * 13 * 9 * 32 * 32 * 16, "the second convolution of thirteen images"


def test_online_rivals_look_through_the_rules_own_eyes_too(monkeypatch):
    """Softmax regression on what is seen, brought to the length of images, as a plain program does it."""
    names = rivals(seeing=SPATIAL)
    assert len(names) == len(set(names)) == sum(budgets(seeing=SPATIAL).values())
    assert names[-1] == "rmsprop linear of its own eyes/rate 3.16228, scale 1, centred"
    assert all(map(is_by_gradient, ONLINE_OWN)) and not is_by_gradient("ridge of its own eyes")
    family = "sgd linear of its own eyes"
    monkeypatch.setattr("mesocosm.rivals.contest.ONLINE", {})
    monkeypatch.setattr("mesocosm.rivals.contest.ONLINE_OWN", {family: ((0.1, 1.0, 0),)})
    rng = np.random.default_rng(5)
    y = rng.integers(0, 3, 32)
    x = (rng.normal(size=(3, 16))[y] + 0.7 * rng.normal(size=(32, 16))).astype(np.float32)
    mix = jnp.asarray(9 * rng.normal(size=(16, 7)), jnp.float32)
    eyes = Eyes({"its own eyes": lambda x: x @ mix}, ())
    found = rival_hits(jax.random.key(0), Stream(jnp.asarray(x), jnp.asarray(y)), (6, 12), 3, True, eyes)[-1]
    seen = x @ np.asarray(mix)
    seen = np.column_stack([seen / np.sqrt(np.mean(seen**2, axis=1, keepdims=True)), np.ones(32)])
    weights, expected = np.zeros((8, 3)), []
    for k in range(12):
        odds = np.exp(seen[k] @ weights)
        weights -= 0.1 * np.outer(seen[k], odds / odds.sum() - np.eye(3)[y[k]])
        expected += [int(np.sum((seen[12:] @ weights).argmax(axis=1) == y[12:]))] if k + 1 in (6, 12) else []
    assert found.tolist() == expected and expected[1] > 8
    monkeypatch.setattr("mesocosm.rivals.costs.ONLINE_OWN", {family: ((0.1, 1.0, 0),)})
    cost = _online_own(eyes, 16, 3)[family]
    look, least = 2 * 2 * 16 * 7, 2 * 2 * 8 * 3 + 8 * 3  # to see twice; to answer twice, and learn once
    assert look + least <= cost["flops"] < look + 4 * least and cost["bytes"] >= 4 * 8 * 3


def test_the_ceiling_of_the_pixel_blind_is_none_for_those_who_see():
    noise = 0.01 * np.random.default_rng(0).normal(size=(40, 4))
    families = {"sgd linear": 0.4 + noise, "1-NN cosine": 0.6 + noise, "RBF machine": 0.61 + noise}

    def graded(families):
        rules = np.broadcast_to(0.605 + noise, (6, 40, 4))
        return grade(Shown(np.array([10, 20, 50, 100]), rules, families, {}))

    assert graded(families) == "strong"
    assert graded(families | {"ProtoNet-CNN": 0.6 + noise}) == "good"
    assert graded(families | {"ProtoNet-CNN": 0.8 + noise}) == "pass"
