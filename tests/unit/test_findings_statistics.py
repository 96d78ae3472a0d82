"""Intervals, tests, power and the controls of the statistics, by property and against exact values."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import stdtrit

from mesocosm.findings import (
    Claim,
    alike,
    benjamini_hochberg,
    bootstrap_t_interval,
    compare,
    default_interval,
    floor_replicates,
    holm,
    null_rate,
    planted,
    power_of,
    replicates_needed,
    replicates_needed_for_fraction,
    sign_flip,
    success_then_mean,
    t_interval,
    welch_interval,
    wilson_interval,
)
from mesocosm.findings.bootstrap import counts, quantile
from mesocosm.findings.coverage import LAWS, fraction_cells, mean_cells
from mesocosm.findings.intervals import INTERVALS, IS_BOOTSTRAP
from mesocosm.findings.power import _power_by_quadrature

NAN = float("nan")
values = st.lists(st.integers(-1000, 1000).map(lambda k: k / 100), min_size=3, max_size=30)


def bounds(name, x, confidence=0.95):
    few = {"resamples": 400} if name in IS_BOOTSTRAP else {}
    return INTERVALS[name](np.asarray(x, float), confidence, **few)


# ------------------------------------------------------------------------------------------------------ intervals


@settings(max_examples=40)
@given(st.sampled_from(sorted(INTERVALS)), values, st.randoms(use_true_random=False))
def test_intervals_know_neither_order_nor_sign(name, x, random):
    shuffled = list(x)
    random.shuffle(shuffled)
    a, b, c = bounds(name, x), bounds(name, shuffled), bounds(name, [-v for v in x])
    np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(a, (-c.estimate, -c.high, -c.low), rtol=1e-7, atol=1e-9)


@settings(max_examples=40)
@given(st.sampled_from(sorted(INTERVALS)), values)
def test_intervals_move_and_grow_with_the_values(name, x):
    a, b = bounds(name, x), bounds(name, 8 * np.array(x) + 16)
    np.testing.assert_allclose(8 * np.array(a) + 16, b, rtol=1e-6, atol=1e-7)
    assert (a.low <= a.estimate + 1e-12 and a.estimate <= a.high + 1e-12) or name in ("BCa", "Johnson")
    wider = bounds(name, x, 0.99)
    assert wider.low <= a.low + 1e-9 and wider.high >= a.high - 1e-9


@pytest.mark.parametrize("name", INTERVALS)
def test_many_samples_at_once_are_the_same_as_one_by_one(name):
    x = np.random.default_rng(0).normal(size=(2, 3, 12))
    together = bounds(name, x, np.array([[0.9], [0.95]]))
    for i, j in itertools.product(range(2), range(3)):
        np.testing.assert_allclose([v[i, j] for v in together], bounds(name, x[i, j], (0.9, 0.95)[i]), rtol=1e-9)


def test_an_interval_needs_values_and_a_confidence():
    with pytest.raises(ValueError, match="values: 1; an interval needs 2"):
        t_interval([1.0])
    with pytest.raises(ValueError, match="confidence = 1"):
        t_interval([1.0, 2.0], 1)
    with pytest.raises(ValueError, match="successes = 3 of n = 2"):
        wilson_interval(3, 2)


def test_wilson_by_hand():
    """Newcombe, Stat. Med. 17 (1998), table I: 81 of 263 and 0 of 20."""
    np.testing.assert_allclose(wilson_interval(81, 263)[1:], (0.2553, 0.3662), atol=5e-5)
    np.testing.assert_allclose(wilson_interval(0, 20)[1:], (0, 0.1611), atol=5e-5)
    assert wilson_interval(20, 20).high == 1


def test_the_bootstrap_knows_when_it_cannot_know():
    """31 of 32 the same: a resample without the odd one has no variance, and t* no end."""
    low, high = bootstrap_t_interval([0.0] * 31 + [1.0])[1:]
    assert math.isfinite(low) and high == math.inf


def test_resamples_are_exact_and_independent_of_blocks(monkeypatch):
    whole = np.concatenate(list(counts(7, 100, seed=3)))
    assert whole.shape == (100, 7) and (whole.sum(axis=1) == 7).all()
    raw = np.random.PCG64(3).random_raw(4)  # by hand: 7 draws from the halves of 4 words
    draws = [int(w) >> 32 for w in raw] + [int(w) & 0xFFFFFFFF for w in raw]
    assert whole[0].tolist() == np.bincount([7 * d >> 32 for d in draws[:7]], minlength=7).tolist()
    monkeypatch.setattr("mesocosm.findings.bootstrap._BLOCK", 64)
    assert (np.concatenate(list(counts(7, 100, seed=3))) == whole).all()


def test_resamples_are_uniform():
    drawn = np.concatenate(list(counts(5, 20_000, seed=0)))
    np.testing.assert_allclose(drawn.mean(axis=0), 1, atol=0.03)
    np.testing.assert_allclose(drawn.var(axis=0), 0.8, atol=0.04)  # multinomial: 1 - 1/5
    np.testing.assert_allclose(np.cov(drawn.T)[0, 1:], -0.2, atol=0.03)


def test_quantiles_of_infinite_values():
    ordered = np.array([[-np.inf, 0.0, 1.0, np.inf, np.inf]])
    assert [float(quantile(ordered, q)[0]) for q in (0.0, 0.25, 0.375, 0.75, 0.9, 1.0)] == [
        -np.inf, 0.0, 0.5, np.inf, np.inf, np.inf,
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------------------ sign flips


def brute(x) -> float:
    sums = [
        abs(sum(s * v for s, v in zip(signs, x, strict=True))) for signs in itertools.product((1, -1), repeat=len(x))
    ]
    return float(np.mean([s >= abs(sum(x)) - 1e-9 for s in sums]))


@settings(max_examples=50)
@given(st.lists(st.integers(-20, 20), min_size=1, max_size=9))
def test_sign_flips_are_counted_exactly(x):
    assert sign_flip(x) == brute(x)
    assert sign_flip([*x, NAN, NAN]) == brute(x)


@settings(max_examples=30)
@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=45), st.randoms(use_true_random=False))
def test_sign_flips_know_neither_order_nor_sign_nor_unit(x, random):
    shuffled = [-v for v in x]
    random.shuffle(shuffled)
    p = sign_flip(x, draws=1000)
    assert p == sign_flip(shuffled, draws=1000)
    assert 0 < p <= 1


def test_the_smallest_p_is_that_of_the_floor():
    for m in range(1, 9):
        n = floor_replicates(m)
        assert sign_flip(np.ones(n)) <= 0.05 / m < sign_flip(np.ones(n - 1))


def test_32_replicates_are_counted_33_are_drawn():
    assert sign_flip(np.ones(32)) == 2.0**-31
    assert sign_flip(np.ones(33)) == 1 / 100_001
    assert sign_flip(np.ones(33), draws=999) == 1 / 1000


def test_drawn_signs_agree_with_counted_ones(monkeypatch):
    x = np.random.default_rng(1).normal(0.3, 1, (8, 24))
    exact = sign_flip(x)
    monkeypatch.setattr("mesocosm.findings.permutation.EXACT_UP_TO", 0)
    np.testing.assert_allclose(sign_flip(x), exact, atol=4 * 0.5 / math.sqrt(100_000))
    assert (sign_flip(x, seed=1) != sign_flip(x, seed=2)).any()


def test_a_p_does_not_depend_on_what_is_tested_beside():
    x = np.random.default_rng(2).normal(0.2, 1, (3, 50))
    x[1, 40:] = NAN
    together = sign_flip(x, seed=5)
    assert together.tolist() == [sign_flip(row, seed=5) for row in x]
    assert together[1] == sign_flip(x[1, :40], seed=5)


def test_sign_flips_of_nothing():
    assert sign_flip([NAN, NAN]) == 1 and sign_flip([0.0, 0.0]) == 1 and sign_flip([]) == 1


def test_the_sign_flip_is_as_rare_as_it_says():
    """Under a symmetric null P(p <= .05) <= .05, and near it."""
    x = np.random.default_rng(3).standard_t(2, (4000, 14))
    assert 0.04 < np.mean(sign_flip(x) <= 0.05) < 0.06


# ---------------------------------------------------------------------------------------------------- many at once

probabilities = st.lists(st.floats(0, 1), max_size=12)


@given(probabilities)
def test_adjusted_p_are_ordered_and_never_smaller(p):
    for adjust in (holm, benjamini_hochberg):
        q = adjust(p)
        assert np.all(q >= np.array(p) - 1e-15) and np.all(q <= 1)
        assert np.all(np.diff(q[np.argsort(p, kind="stable")]) >= 0)
    assert np.all(holm(p) >= benjamini_hochberg(p) - 1e-15)


def test_what_is_no_probability_is_refused():
    for adjust in (holm, benjamini_hochberg):
        with pytest.raises(ValueError, match=r"must be a list of numbers in 0 \.\.\. 1"):
            adjust([0.5, NAN])


# ----------------------------------------------------------------------------------------------------------- power


@settings(max_examples=40)
@given(st.floats(0.2, 3), st.floats(0.1, 3), st.sampled_from([0.5, 0.8, 0.95]), st.sampled_from([0.95, 0.9875]))
def test_the_number_of_replicates_is_the_smallest_that_does(effect, sd, power, confidence):
    n = replicates_needed(effect, sd, confidence, delta=0.1, power=power)
    assert n >= 6 and power_of(effect, sd, n, confidence, 0.1) >= power
    assert n == 6 or power_of(effect, sd, n - 1, confidence, 0.1) < power


@pytest.mark.parametrize("effect, sd", [(2.25, 0.1015625), (1.0, 0.3), (0.6, 1.0)])
def test_power_where_the_distribution_function_gives_up_is_the_same(effect, sd):
    critical = float(stdtrit(5, 0.975))
    value = power_of(effect, sd, 6, delta=0.1)
    assert value == pytest.approx(_power_by_quadrature(5, math.sqrt(6) * (effect - 0.1) / sd, critical), abs=1e-3)


def test_power_at_its_ends():
    assert power_of(0, 1, 20) == pytest.approx(0.025)
    assert power_of(10, 1, 20) == pytest.approx(1)
    assert power_of(-1, 1, 20) < 1e-6
    with pytest.raises(ValueError, match="sd = 0"):
        power_of(1, 0, 20)


def test_more_replicates_do_not_help_everything():
    assert replicates_needed(0.05, 1, delta=0.1) is None
    assert replicates_needed(-1, 1) is None
    assert replicates_needed(1e-9, 1) is None
    assert replicates_needed(1, 0) == 6
    assert replicates_needed_for_fraction(0.8, 0.9) is None
    assert replicates_needed_for_fraction(0.8, 0.9, direction=-1) > 6


@pytest.mark.parametrize("stated", [0.5, 0.8, 0.9, 0.95])
def test_when_all_hold_wilson_clears_at_the_number_said_and_not_before(stated):
    n = replicates_needed_for_fraction(1.0, stated, at_least=1)
    assert wilson_interval(n, n).low > stated >= wilson_interval(n - 1, n - 1).low


# ------------------------------------------------------------------------------------------------------ comparisons

FASTER = Claim("faster", "they are faster", "the others", "speed", delta=0.0, unit="cells a tick")


def test_pairs_are_compared_by_their_differences():
    rng = np.random.default_rng(0)
    world = rng.normal(0, 10, 12)
    a, b = world + 1 + 0.1 * rng.normal(size=12), world
    paired, apart = compare(FASTER, a, b, paired=True), compare(FASTER, a, b, paired=False)
    assert (paired.verdict, apart.verdict) == ("supported", "undecided")
    assert paired.method == "t interval, paired; sign flips, all"
    assert apart.method == "Welch's t interval, 12 against 12; Welch's t test"
    assert paired.estimate == pytest.approx(apart.estimate)
    assert apart.n_right is None and "sign right" not in apart.words()
    assert apart.still_needed > 100


def test_samples_of_different_size_and_variance():
    x, y = np.arange(8.0), 10 * np.arange(5.0)
    found = compare(FASTER, [*x, NAN], y, paired=False)
    assert [found.estimate, found.low, found.high] == pytest.approx([float(v) for v in welch_interval(x, y)])
    assert (found.n_started, found.n_used) == (14, 13)
    swapped = compare(FASTER, y, [*x, NAN], paired=False)
    assert (swapped.low, swapped.high) == pytest.approx((-found.high, -found.low))
    four = compare(FASTER, x, y, paired=False, n_declared=4)
    assert four.confidence == 0.9875 and four.p_adjusted == min(1, 4 * four.p)


@pytest.mark.parametrize(
    ("a", "b", "sentence"),
    [
        ([], [], "0 against 0 values: an interval needs 2 of each."),
        ([1.0], [1.0, 2.0], "1 against 2 values: an interval needs 2 of each."),
        ([NAN] * 4, [1.0, 2.0], "0 against 2 values"),
        ([2.0] * 5, [1.0] * 5, "All values are 2, and 1 in the control: without spread there is no interval."),
        ([2.0, 2.1, 2.2], [1.0, 1.1, 1.2], "3 against 3 replicates: too few to be significant in any order."),
        ([math.inf, 1.0, 2.0, 3.0], [1.0] * 4, "1 of 8 values are infinite"),
        ([1e308, -1e308, 1e308, 1e308], [0.0, 1.0, 2.0, 3.0], ""),
    ],
)
@pytest.mark.parametrize("kind", ["mean", "ratio"])
def test_degenerate_comparisons_are_said_in_plain_words(a, b, sentence, kind):
    claim = Claim("c", "", "", "", 1.0001, kind=kind)
    found = compare(claim, a, b, paired=False)
    assert found.verdict == "undecided" and sentence in found.note
    json.dumps(found.to_dict(), allow_nan=False)
    assert found.words().startswith("undecided: ")


def test_comparisons_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="shapes"):
        compare(FASTER, [1.0, 2.0], [1.0], paired=True)
    with pytest.raises(ValueError, match="kind = 'fraction'"):
        compare(Claim("f", "", "", "", 0.5, kind="fraction"), [1.0], [0.0], paired=False)


def test_infinite_pairs_are_missing_pairs():
    found = compare(FASTER, [math.inf, *range(1, 9)], [math.inf, *[0.0] * 8], paired=True)
    assert (found.n_started, found.n_used, found.verdict) == (9, 8, "supported")


def test_success_first_then_the_mean_of_those_that_succeed():
    learnt = success_then_mean([0.8, 0.9, 0.7, 0.8, NAN, NAN, NAN, math.inf])
    assert (learnt.n_started, learnt.n_succeeded, learnt.rate) == (8, 4, 0.5)
    assert [learnt.mean, learnt.mean_low, learnt.mean_high] == pytest.approx(
        [float(v) for v in t_interval([0.8, 0.9, 0.7, 0.8])]
    )
    assert learnt.words() == "4 of 8 replicates succeed, 0.50 [0.22, 0.78]; their mean is 0.80 [0.67, 0.93]."


@pytest.mark.parametrize(
    ("x", "words"),
    [
        ([], "No worlds were started."),
        ([NAN] * 3, "0 of 3 worlds succeed, 0.00 [0.00, 0.56]."),
        ([0.5, NAN], "1 of 2 worlds succeed, 0.50 [0.09, 0.91]; their mean is 0.5, without an interval."),
        ([0.5, 0.5], "2 of 2 worlds succeed, 1.00 [0.34, 1.00]; their mean is 0.5, without an interval."),
    ],
)
def test_degenerate_outcomes(x, words):
    outcomes = success_then_mean(x)
    assert outcomes.words("worlds") == words
    json.dumps(outcomes.to_dict(), allow_nan=False)


# -------------------------------------------------------------------------------------------- controls and coverage


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
@pytest.mark.parametrize("n", [8, 24])
def test_alike_is_not_called_different(law, n):
    control = alike(law.draw, n, delta=0.2, tries=300)
    assert control.is_kept, control.words()
    assert control.rate >= 0.93


@pytest.mark.parametrize(("effect", "n"), [(1.0, 8), (0.6, 24), (-0.5, 24)])
def test_planted_effects_are_found_as_often_as_promised(effect, n):
    control = planted(effect, 1.0, n, delta=0.1, tries=400)
    assert control.is_kept, control.words()
    assert control.promised == power_of(effect, 1.0, n, delta=0.1)


def test_a_broken_promise_is_called_so():
    effects = np.random.default_rng(0)
    broken = alike(lambda rng, shape: effects.normal(len(str(rng)) * 0 + effects.normal(0, 3), 1, shape), 8, tries=200)
    assert not broken.is_kept
    assert broken.words().endswith("promised 0.95: broken")
    with pytest.raises(ValueError, match="findings: none"):
        null_rate([])


def test_student_holds_what_it_says_on_normal_values():
    cells = {(c.n, c.interval): c for c in mean_cells(8000, (6, 10, 20, 50), laws=LAWS[:1], resamples=100)}
    for n in (6, 10, 20, 50):
        assert cells[n, "t"].coverage == pytest.approx(0.95, abs=0.01)
    assert cells[6, "percentile"].coverage < 0.9


@pytest.mark.parametrize("n", [20, 32])
def test_the_default_interval_is_the_best_in_its_worst_law(n):
    """Bimodal laws aside: an outcome of two kinds is a fraction first."""
    laws = tuple(law for law in LAWS if not law.name.startswith("bimodal"))
    worst = dict.fromkeys(INTERVALS, 1.0)
    for cell in mean_cells(1500, (n,), laws=laws, resamples=400):
        worst[cell.interval] = min(worst[cell.interval], cell.coverage)
    assert max(worst, key=worst.get) == default_interval(n), worst


def test_below_20_student_is_the_default():
    assert [default_interval(n) for n in (2, 6, 19)] == ["t"] * 3


def test_wilson_covers_fractions_on_which_student_fails():
    cells = {(c.law, c.n, c.interval): c.coverage for c in fraction_cells(3000)}
    assert min(v for (_, _, name), v in cells.items() if name == "Wilson") > 0.90
    assert cells["fraction 0.95", 20, "t"] < 0.7
