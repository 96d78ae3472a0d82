"""Tournaments: exact games, noise that averages to nothing, and every way in which a match can go wrong."""

from __future__ import annotations

import json

import numpy as np
import pytest

import mesocosm as mc
from mesocosm.findings.tournament import Tournament, from_pairs, hodge, tournament
from mesocosm.instruments.analysis import windows

RNG = np.random.default_rng(4)


def antisymmetric(shape: tuple[int, ...]) -> np.ndarray:
    upper = np.triu(RNG.normal(size=shape), 1)
    return upper - np.swapaxes(upper, -1, -2)


def test_what_is_additive_has_no_cycles():
    strength = RNG.normal(size=9)
    found = tournament(list(strength), lambda a, b, half: a - b)
    split = found.split()
    assert abs(split.cyclic[0]) < 1e-15 and split.noise[0] == 0
    np.testing.assert_allclose(found.potentials()[0], strength - strength.mean(), atol=1e-14)
    expected = np.polyfit(np.arange(9), strength, 1)[0]
    np.testing.assert_allclose(found.slopes(), expected)


def test_rock_paper_scissors_is_all_cycles():
    wins = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    found = tournament([0, 1, 2], lambda a, b, half: wins[a, b])
    assert found.split().gradient.tolist() == [0] and found.split().cyclic.tolist() == [1]
    assert found.slopes().tolist() == [0]


def test_the_bilinear_game_turns():
    # Two players x and y, payoff x y to the first: snapshots on its circle meet by playing x of one against y of the
    # other. A_ij = x_i y_j - x_j y_i is the sine of the angle between them: a chase, and no order.
    angles = 2 * np.pi * np.arange(8) / 8
    found = tournament([(np.cos(a), np.sin(a)) for a in angles], lambda a, b, half: a[0] * b[1] - a[1] * b[0])
    np.testing.assert_allclose(found.scores[0, 0], np.sin(angles[None, :] - angles[:, None]), atol=1e-15)
    assert abs(found.split().gradient[0]) < 1e-30
    np.testing.assert_allclose(found.split().cyclic, 32 / 56)  # 8 rows with sum of sin^2 = 4, over 56 matches


def test_the_registered_bilinear_game_as_it_was_played(tmp_path):
    record = mc.run("bilinear", replicates=6, ticks=400, every=40, out=tmp_path / "run").record
    x, y = (windows(record, record.metrics[name]) / 2**16 for name in "xy")
    players = list(zip(x.T, y.T, strict=True))
    found = mc.tournament(players, lambda a, b, half: a[0] * b[1] - b[0] * a[1])
    # Exactly, s_i = x_i <y> - <x> y_i: nothing but their distance from the middle of the circle; the rest is a chase.
    expected = x * y.mean(axis=1, keepdims=True) - x.mean(axis=1, keepdims=True) * y
    np.testing.assert_allclose(found.potentials(), expected, atol=1e-12)
    scores = x[:, :, None] * y[:, None, :] - y[:, :, None] * x[:, None, :]
    order = expected[:, :, None] - expected[:, None, :]
    np.testing.assert_allclose(found.split().gradient, (order**2).sum(axis=(1, 2)) / 90)
    np.testing.assert_allclose(found.split().cyclic, ((scores - order) ** 2).sum(axis=(1, 2)) / 90)
    assert found.split().cyclic.mean() > 2 * found.split().gradient.mean() and found.split().noise.max() == 0


def test_parts_are_orthogonal_and_squares_add_up():
    scores = antisymmetric((2, 5, 7, 7))
    found = Tournament(np.arange(7.0), scores)
    gradient, cyclic = hodge(scores[0, 0])
    assert abs((gradient * cyclic).sum()) < 1e-12
    total = (scores.mean(axis=0) ** 2).sum(axis=(1, 2)) / 42
    np.testing.assert_allclose(sum(found.split()), total)


def test_renaming_snapshots_changes_nothing():
    scores, order = antisymmetric((2, 4, 6, 6)), RNG.permutation(6)
    times = RNG.normal(size=6)
    a, b = Tournament(times, scores), Tournament(times[order], scores[:, :, order][:, :, :, order])
    np.testing.assert_allclose(a.potentials()[:, order], b.potentials(), atol=1e-12)
    for x, y in zip((*a.split(), a.slopes()), (*b.split(), b.slopes()), strict=True):
        np.testing.assert_allclose(x, y, atol=1e-12)


def test_pure_noise_has_no_order_and_no_cycles_on_average():
    found = Tournament(np.arange(10.0), antisymmetric((2, 4000, 10, 10)))
    for part in (found.split().gradient, found.split().cyclic, found.slopes()):
        assert abs(part.mean()) < 4 * part.std() / np.sqrt(part.size)
    np.testing.assert_allclose(found.split().noise.mean(), 0.5, rtol=0.02)  # half the variance of one match
    naive = np.array([(hodge(a)[0] ** 2).sum() / (a**2).sum() for a in found.scores[0]])
    np.testing.assert_allclose(naive.mean(), 2 / 10, rtol=0.05)  # what one half alone would call order


def test_pure_noise_is_called_progress_at_the_nominal_rate():
    verdicts = [Tournament(np.arange(4.0), antisymmetric((2, 12, 4, 4))).findings()[0].verdict for _ in range(200)]
    assert 1 <= 200 - verdicts.count("undecided") <= 21  # 10 expected; 21 has probability .0004


def test_a_planted_slope_is_found_over_replicates():
    scores = antisymmetric((2, 16, 5, 5)) + 0.5 * (np.arange(5.0)[:, None] - np.arange(5.0)[None, :])
    found = Tournament(np.arange(5.0), scores)
    assert found.findings()[0].verdict == "supported" and found.sentence().startswith("Progress")
    assert Tournament(np.arange(5.0), -scores).sentence().startswith("Decline")
    mean, low, high = found.matrix()
    assert (low[4, 0] < mean[4, 0] < high[4, 0]) and mean[4, 0] == -mean[0, 4] and low[4, 0] == -high[0, 4]


def test_the_advantage_of_a_mark_cancels():
    found = tournament([1.0, 2.0, 3.0], lambda a, b, half: a - b + 7)
    assert found.slopes().tolist() == [1]


def test_halves_are_asked_apart():
    seen = []
    tournament([0, 1], lambda a, b, half: seen.append((a, b, half)) or 0.0)
    assert sorted(seen) == [(0, 1, 0), (0, 1, 1), (1, 0, 0), (1, 0, 1)]


def no_oddities(found: Tournament) -> str:
    json.dumps(found.to_dict(), allow_nan=False)
    return found.sentence()


def test_faults_have_a_plain_word():
    assert no_oddities(tournament([0], lambda a, b, half: a - b)).startswith("There is no tournament")
    assert no_oddities(tournament([3, 3, 3], lambda a, b, half: a - b)).startswith("All matches are ties")
    assert tournament([3, 3], lambda a, b, half: a - b).statuses == {"tie": 4}
    for nothing in (np.nan, np.inf, -np.inf):
        found = tournament([0, 1, 2], lambda a, b, half, nothing=nothing: np.full(8, nothing))
        assert no_oddities(found).startswith("There is no tournament") and found.statuses == {"no score": 96}
    same_time = tournament([0, 1, 2], lambda a, b, half: np.full(8, a - b), times=[5, 5, 5])
    assert np.isnan(same_time.slopes()).all() and no_oddities(same_time)


def test_a_snapshot_that_died_out_leaves_the_others():
    def meet(a, b, half):
        return np.array([a - b, np.nan if 3 in (a, b) else a - b])

    found = tournament([0, 1, 2, 3], meet)
    assert found.present().tolist() == [[True] * 4, [True, True, True, False]]
    assert found.slopes().tolist() == [1, 1] and np.isnan(found.potentials()[1, 3])
    assert found.statuses == {"met": 36, "no score": 12} and no_oddities(found)


def test_what_is_no_tournament_is_refused_by_name():
    with pytest.raises(ValueError, match="snapshots"):
        tournament([], lambda a, b, half: 0)
    with pytest.raises(ValueError, match="times: 1 for 2"):
        tournament([0, 1], lambda a, b, half: 0, times=[1])
    with pytest.raises(ValueError, match="shapes"):
        tournament([0, 1, 2], lambda a, b, half: np.zeros(1 + a))
    with pytest.raises(ValueError, match="antisymmetric"):
        Tournament(np.arange(2.0), np.ones((2, 1, 2, 2)))
    with pytest.raises(ValueError, match="infinite"):
        Tournament(np.arange(2.0), np.full((2, 1, 2, 2), np.inf))
    with pytest.raises(ValueError, match="first, other"):
        from_pairs(np.arange(3.0), np.zeros((2, 1, 1)), np.zeros((2, 1, 1)))
