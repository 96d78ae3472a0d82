"""Rivals that know images: what they see, whom they name, and the table in which they stand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.signal import correlate2d
from sklearn.neighbors import NearestCentroid

from mesocosm.core import run
from mesocosm.experiments.digits_shown.declaration import DigitsShownConfiguration
from mesocosm.protocol.derived import tell
from mesocosm.protocol.launch import prepare
from mesocosm.protocol.registry import declaration
from mesocosm.record.configuration import from_dict
from mesocosm.rivals.features import Trunk, build_eyes, nearest_mean, spatial_scores
from mesocosm.rivals.learners import SPATIAL, STORED, budgets, rivals
from mesocosm.rivals.table import Shown, grade
from mesocosm.rules.form import Fields
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
    found = eyes.look(jnp.asarray(image.reshape(1, -1), jnp.float32), ("fields",))["fields"]
    assert np.allclose(found[0, 0], energies(image, np.asarray(eyes.random), FIELDS).ravel(), atol=1e-5)
    assert eyes.look(jnp.zeros((2, 196)), ("episodes",))["episodes"].shape == (4, 2, 288), "of any size"


def test_nearest_means_are_those_of_scikit_learn():
    rng = np.random.default_rng(2)
    y = np.arange(30) % 3
    x, test = rng.normal(size=(30, 6)) + y[:, None], rng.normal(size=(20, 6)) + 1
    scores = nearest_mean(jnp.asarray(x), jax.nn.one_hot(y, 3, dtype=jnp.float32), jnp.asarray(test), 0.0)
    assert np.array_equal(np.argmax(scores, axis=1), NearestCentroid().fit(x, y).predict(test))


@pytest.mark.parametrize("family", SPATIAL)
def test_they_name_what_they_were_shown_and_nothing_else(family):
    rng = np.random.default_rng(3)
    y = np.arange(24) % 3
    drawings = rng.normal(size=(3, 64))[np.concatenate([y, y])] + 0.3 * rng.normal(size=(48, 64))
    seen = build_eyes(8, FIELDS).look(jnp.asarray(drawings, jnp.float32))
    scores = spatial_scores(family, seen, jnp.asarray(y), 24, 5)
    assert scores.shape == (max(1, len(SPATIAL[family])), 24, 5)
    answers = np.argmax(scores, axis=2)
    assert np.all(np.asarray(scores)[:, :, 3:] < -1e8), "however unlike the classes are that were shown"
    assert answers.max() < 3 and np.all(np.mean(answers == y[None], axis=1) > 0.8)


def test_they_take_part_where_a_rule_has_fields(tmp_path):
    names = rivals(spatial=True)
    assert len(names) == len(set(names)) == sum(budgets(spatial=True).values())
    changes = dict(rules=("fields-0",), hidden=(16,), shown=[5, 12], images=30, online=False, every=1, ticks=2)
    setup, plan = prepare("digits-shown", from_dict(DigitsShownConfiguration, dict(replicates=1, side=8, **changes)))
    record = run(setup, plan, tmp_path / "run")
    rows = {row[0]: row[1:] for row in declaration("digits-shown").summarise(record).rows}
    assert set(rows) == {"fields-0", *STORED, *SPATIAL}
    assert all(0.2 < accuracy <= 1 for accuracy in rows["ProtoNet-CNN"])
    story = tell(declaration("digits-shown"), record, [])
    assert all(row[0] != "ceiling" for row in story.sections[1].figures[0].rows)
    assert any("4000 steps of 120 Omniglot images" in note for note in story.notes)
    costs = record.header["configuration"]["costs"]
    assert costs["kernel vote of trained features"]["bytes"] == 4 * 12 * (2 * 2 * 32 + 1), "every example"
    assert costs["ProtoNet-CNN"]["bytes"] == 4 * 10 * (2 * 2 * 32 + 1), "a mean for each class"
    assert costs["ProtoNet-CNN"]["flops"] > 2 * 13 * 9 * 32 * 32 * 16, "the second convolution of thirteen images"


def test_the_ceiling_of_the_pixel_blind_is_none_for_those_who_see():
    noise = 0.01 * np.random.default_rng(0).normal(size=(40, 4))
    families = {"sgd linear": 0.4 + noise, "1-NN cosine": 0.6 + noise, "RBF machine": 0.61 + noise}

    def graded(families):
        rules = np.broadcast_to(0.605 + noise, (6, 40, 4))
        return grade(Shown(np.array([10, 20, 50, 100]), rules, families, {}))

    assert graded(families) == "strong"
    assert graded(families | {"ProtoNet-CNN": 0.6 + noise}) == "good"
    assert graded(families | {"ProtoNet-CNN": 0.8 + noise}) == "pass"
