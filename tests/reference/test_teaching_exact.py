"""Chains of teaching whose decay is known exactly, before any net is taught."""

from __future__ import annotations

import numpy as np
import pytest

from mesocosm.experiments.teaching.nulls import (
    after_channels,
    kept_by_channels,
    least_squares,
    nearest,
    replaced_error,
    told,
)


def test_replaced_data_add_up_the_error_and_accumulated_ones_do_not():
    d, examples, generations, noise, chains = 20, 200, 8, 0.5, 300
    unit = replaced_error(1, noise, d, examples)
    assert unit == pytest.approx(noise**2 * 20 / 179)
    rng = np.random.default_rng(0)
    replaced = np.array([least_squares(rng, generations, noise, d, examples) for _ in range(chains)])
    for n in (1, 4, 8):
        own = replaced[:, n - 1]
        error = own.std() / np.sqrt(chains)
        assert abs(own.mean() - replaced_error(n, noise, d, examples)) < 4 * error
    gathered = np.array([least_squares(rng, generations, noise, d, examples, True) for _ in range(chains)])
    assert gathered[:, -1].mean() < unit * np.pi**2 / 6 < replaced[:, -1].mean()
    assert gathered[:, -1].mean() > unit  # but it grows


def test_a_brain_that_stores_all_lessons_loses_nothing():
    rng = np.random.default_rng(1)
    x, y, asked = rng.normal(size=(80, 6)), rng.integers(0, 5, 80), rng.normal(size=(60, 6))
    first, lessons = nearest(x, y, asked), y
    for _ in range(10):
        lessons = nearest(x, lessons, x)
    assert (nearest(x, lessons, asked) == first).all()


@pytest.mark.parametrize("p", [0.05, 0.2, 0.5])
def test_channels_in_a_row_keep_what_is_known(p):
    rng = np.random.default_rng(2)
    truth = rng.integers(0, 2, 40_000)
    labels = truth
    for generation in range(1, 7):
        labels = told(rng, labels, p)
        kept = kept_by_channels(p, generation)
        assert abs((labels == truth).mean() - kept) < 4 * np.sqrt(0.25 / truth.size)


def test_a_channel_of_many_classes_keeps_what_its_first_generation_foretells():
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 5, 60_000)
    labels, found = (truth + rng.integers(1, 5, truth.size) * (rng.random(truth.size) < 0.1)) % 5, []
    for _ in range(5):
        found.append((labels == truth).mean())
        labels = (labels + rng.integers(1, 5, truth.size) * (rng.random(truth.size) < 0.15)) % 5
    kept = 1 - 0.15 * 5 / 4  # of what is above chance
    for generation, share in enumerate(found):
        foretold = after_channels(0.9, 0.2 + 0.7 * kept, generation, 5)
        assert abs(share - foretold) < 4 * np.sqrt(0.25 / truth.size)
    assert after_channels(0.75, 0.75 * 0.9 + 0.25 * 0.1, 3, 2) == pytest.approx(0.5 + 0.25 * 0.8**3)
