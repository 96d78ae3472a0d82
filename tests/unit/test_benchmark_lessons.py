"""What `benchmarks.lessons` takes for memory: nothing of a channel, something of answers that stay."""

import numpy as np
import pytest

from benchmarks.lessons import Told, kept, passed, simulated

CLASSES, CHAINS, IMAGES, GENERATIONS = 4, 24, 2000, 10


def told(rng, keeps, stays=0.0):
    """Chains in which a name is kept with a probability of its chain, and some answers are of images that never change.

    Args:
      keeps: [chains] probabilities.
      stays: share of images.
    """
    truth = rng.integers(0, CLASSES, (CHAINS, IMAGES))
    said = [np.where(rng.random(truth.shape) < 0.85, truth, rng.integers(0, CLASSES, truth.shape))]
    for _ in range(GENERATIONS):
        is_kept = (rng.random(truth.shape) < keeps[:, None]) | (np.arange(IMAGES) < stays * IMAGES)
        said.append(np.where(is_kept, said[-1], rng.integers(0, CLASSES, truth.shape)))
    return Told(np.stack(said, axis=1), truth, CLASSES)


def less(own):
    """What is kept less what channels keep: of all chains, of each alone."""
    found, of_all, alone = kept(own)
    return found[0] - of_all[0], found[0] - alone[0]


def test_of_a_channel_nothing_is_left_over():
    rng = np.random.default_rng(0)
    found = told(rng, np.full(CHAINS, 0.9))
    for own in (found, simulated(found)):
        of_all, alone = less(own)
        assert abs(of_all) < 0.03
        assert -0.04 < alone < 0, "a power of what is known by few images is too large: never in favour of memory"


def test_chains_that_differ_look_like_memory_until_each_has_a_channel_of_its_own():
    of_all, alone = less(told(np.random.default_rng(1), np.linspace(0.7, 0.99, CHAINS)))
    assert of_all > 0.03 and -0.04 < alone < 0


def test_answers_that_stay_are_more_than_a_channel_keeps():
    of_all, alone = less(told(np.random.default_rng(2), np.full(CHAINS, 0.8), stays=0.5))
    assert min(of_all, alone) > 0.1


def test_no_more_passes_than_was_there_and_nothing_of_chance():
    n, first, second = np.full(4, 100), np.array([90, 90, 20, 25]), np.array([57.5, 95, 25, 30])
    assert passed(n, first, second, 4) == pytest.approx([0.5, 1, 0, 0])
