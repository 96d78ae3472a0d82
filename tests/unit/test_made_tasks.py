"""Tasks made from nothing: what can be known of them is known exactly."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

from mesocosm.tasks.measured import STEEP, draw_numbers, draw_pairs
from mesocosm.tasks.sequences import draw_cues
from mesocosm.tasks.sounds import HIGH, LOW, draw_sounds, spectra


def best_guess(heard, labels):
    """How often the commonest label of each pattern is right: what who hears it can reach."""
    patterns, which = np.unique(np.round(heard, 3), axis=0, return_inverse=True)
    counts = np.zeros((len(patterns), labels.max() + 1))
    np.add.at(counts, (which, labels), 1)
    return counts.max(axis=1).sum() / len(labels)


def test_the_first_step_of_cues_tells_what_can_be_known_and_the_others_nothing():
    n, classes, reliable = 6000, 4, 0.85
    stream = draw_cues(jax.random.key(0), n, classes, 20, steps=3, reliable=reliable)
    steps, labels = np.asarray(stream.inputs).reshape(n, 3, 20), np.asarray(stream.labels)
    error = 4 * np.sqrt(reliable * (1 - reliable) / n)
    assert abs(best_guess(steps[:, 0], labels) - reliable) < error
    for step in (1, 2):
        assert best_guess(steps[:, step], labels) < 1 / classes + 0.03
    assert np.allclose(steps.mean(axis=2), 0, atol=1e-5)


def test_numbers_have_one_unit_and_lines_are_lines():
    curved, line = (draw_numbers(jax.random.key(2), 800, 8, share, 0.0) for share in (1.0, 0.0))
    left = []
    for stream in (curved, line):
        x, y = np.asarray(stream.inputs, float), np.asarray(stream.labels, float)
        assert abs(y.mean()) < 1e-4 and abs(y.std() - 1) < 1e-4
        left.append(np.var(y - x @ np.linalg.lstsq(x, y, rcond=None)[0]))
    assert left[1] < 1e-6 < 0.01 < left[0]


def test_pairs_are_preferred_as_bradley_and_terry_say():
    """Of linear worths, known up to their unit: the log odds are STEEP times the difference."""
    pairs, items = draw_pairs(jax.random.key(3), 6000, 6, 0.0, 400)
    x, worth = np.asarray(items.inputs, float), np.asarray(items.labels, float)
    w, *_ = np.linalg.lstsq(np.column_stack([x, np.ones(len(x))]), worth, rcond=None)
    assert np.abs(x @ w[:-1] + w[-1] - worth).max() < 1e-3
    first, second = np.split(np.asarray(pairs.inputs, float), 2, axis=1)
    log_odds = STEEP * (first - second) @ w[:-1]
    prefers, expected = np.asarray(pairs.labels), 1 / (1 + np.exp(-log_odds))
    z = (prefers - expected).sum() / np.sqrt((expected * (1 - expected)).sum())
    slope = ((prefers - expected) * log_odds).sum() / np.sqrt((expected * (1 - expected) * log_odds**2).sum())
    assert stats.norm.sf(abs(z)) > 1e-4 and stats.norm.sf(abs(slope)) > 1e-4


def test_a_spectrum_peaks_at_its_formants_whatever_the_pitch():
    bands = 90
    middles = np.linspace(LOW, HIGH, bands)
    for pitch in (LOW - 0.4, LOW, LOW + 0.4):
        energy = np.asarray(spectra(jnp.full((1, 1), pitch), jnp.full((1, 2), 5.0), bands))[0, 0]
        assert abs(middles[energy.argmax()] - 5.0) < 0.35
        first = middles[(middles > pitch + 0.8) & (middles < pitch + 1.2)]
        near = energy[(middles > pitch + 0.8) & (middles < pitch + 1.2)]
        assert abs(first[near.argmax()] - (pitch + 1)) < 0.06, "the second harmonic is an octave above"


def test_sounds_of_a_class_are_more_alike_than_others():
    stream = draw_sounds(jax.random.key(4), 300, 3, 24)
    x, y = np.asarray(stream.inputs), np.asarray(stream.labels)
    cosine = x @ x.T / 24
    same = y[:, None] == y[None]
    assert np.isfinite(x).all() and cosine[same].mean() > cosine[~same].mean() + 0.2
    assert draw_sounds(jax.random.key(4), 5, 3, 8, frames=4).inputs.shape == (5, 32)
