"""Tasks in a row: what is kept, against answers that are known."""

import numpy as np

from mesocosm.rivals.sequence import Softmax, in_a_row, kept, tuned_rate
from mesocosm.tasks import DataSet

RNG = np.random.default_rng(0)
POINTS = DataSet.of(np.repeat(np.eye(6, 8), 40, axis=0) * 3 + RNG.normal(size=(240, 8)), np.repeat(np.arange(6), 40))


class Memory:
    """Remembers everything, or the last lesson only."""

    def __init__(self, forgets):
        self.forgets, self.x, self.y = forgets, np.zeros((0, 8)), np.zeros(0, int)

    def learn(self, x, y):
        self.x, self.y = (x, y) if self.forgets else (np.r_[self.x, x], np.r_[self.y, y])

    def predict(self, x):
        return self.y[((x[:, None] - self.x[None]) ** 2).sum(-1).argmin(axis=1)]


def test_who_remembers_all_keeps_it_and_who_remembers_the_last_lesson_loses_all_else():
    found = in_a_row(lambda n: Memory(False), POINTS, 3, 30, 40, range(3))
    assert np.isnan(found[:, 0, 1:]).all() and np.isfinite(found[:, -1]).all()
    assert kept(found)["at the end"].min() > 0.75 and kept(found)["forgotten"].max() < 0.15
    found = in_a_row(lambda n: Memory(True), POINTS, 3, 30, 40, range(3))
    assert np.all(found[:, -1, :2] == 0) and np.allclose(kept(found)["at the end"], found[:, 2, 2] / 3)


def test_a_gradient_step_is_one_of_softmax_regression_and_replay_keeps_more():
    x, y = POINTS.inputs[::7], POINTS.labels[::7]
    unit = np.column_stack([x / np.linalg.norm(x, axis=1, keepdims=True), np.ones(len(x))])
    weights = np.zeros((9, 6))
    for one, label in zip(unit, y, strict=True):
        odds = np.exp(one @ weights)
        weights += 0.3 * np.outer(one, np.eye(6)[label] - odds / odds.sum())
    assert np.array_equal(Softmax(6, 0.3).learn(x, y).predict(x), (unit @ weights).argmax(axis=1))
    lost = [
        kept(in_a_row(lambda n, s=s: Softmax(n, 1.0, stored=s), POINTS, 3, 30, 40, range(4)))["forgotten"].mean()
        for s in (0, 40)
    ]
    assert lost[0] > 0.5 and lost[1] < 0.5 * lost[0]
    assert 0.01 < tuned_rate(lambda r, n: Softmax(n, r, stored=40), POINTS, 3, 30, 40) < 2


def test_a_reservoir_holds_as_many_as_it_may_of_all_that_came():
    pupil = Softmax(6, 0.1, stored=30).learn(POINTS.inputs, POINTS.labels)
    labels = [label for _, label in pupil._kept]
    assert len(labels) == 30 and len(set(labels)) == 6
