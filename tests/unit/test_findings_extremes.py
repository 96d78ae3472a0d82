"""Statistics over extremes: constants, ties, huge and tiny numbers, one, two and three values.

None raises, every number is finite or None, and an interval of c x is c times that of x.
"""

import json
import math

import numpy as np
import pytest

from mesocosm.findings import (
    Claim,
    Tournament,
    bca_interval,
    benjamini_hochberg,
    bootstrap_t_interval,
    compare,
    holm,
    johnson_interval,
    judge,
    percentile_interval,
    power_of,
    replicates_needed,
    replicates_needed_for_fraction,
    sign_flip,
    success_then_mean,
    t_interval,
    welch_interval,
    wilson_interval,
)
from mesocosm.findings.intervals import mean_interval
from mesocosm.findings.tournament import tournament
from mesocosm.studies.shares import shares

INTERVALS = {
    "t": t_interval,
    "johnson": johnson_interval,
    "percentile": percentile_interval,
    "bca": bca_interval,
    "bootstrap-t": bootstrap_t_interval,
    "default": mean_interval,
}
RNG = np.random.default_rng(0)
PLAIN = {
    "normal": RNG.normal(size=24),
    "positive": RNG.exponential(size=7),
    "two": np.array([1.0, 2.0]),
    "three": np.array([-1.0, 0.5, 4.0]),
    "ties": np.array([1.0, 1, 1, 2, 2, 2, 2]),
    "signs": np.array([1.0, -1, 1, -1, 1, -1]),
    "one apart": np.array([1.0, -1, 1, -1, 1, -1, 1e-200]),
    "constant": np.full(6, 0.1),
    "zeros": np.zeros(8),
    "wide": np.array([1e-300, 1.0, 1e300, -1e300, 3e299, 0.0, 5.0]),
    "largest": np.array([1.7e308, -1.7e308, 1.7e308, 1.6e308, -1e308, 1.7e308, 1e308]),
    "denormal": np.array([5e-324, 1e-323, 2e-323, 0.0, 5e-324, 1.5e-323]),
    "one denormal": np.array([0.0, 0, 0, 0, 0, 5e-324]),
}
EMPTY = {"none": np.array([]), "single": np.array([3.0]), "missing": np.array([np.nan, np.inf, -np.inf, 2.0])}
VALUES = PLAIN | EMPTY
CLAIMS = (
    Claim("mean", "s", "the control", "statistic", delta=0.0),
    Claim("below", "s", "the control", "statistic", delta=1e-200, direction=-1, declared=False),
    Claim("ratio", "s", "the control", "statistic", delta=1.1, kind="ratio"),
)
pytestmark = pytest.mark.filterwarnings("error")


def _is_plain(found: object) -> bool:
    return bool(json.dumps(found, allow_nan=False))


@pytest.mark.parametrize("name", VALUES)
def test_a_verdict_is_given_for_whatever_there_is(name):
    x = VALUES[name]
    for found in judge(CLAIMS, dict.fromkeys(("mean", "below", "ratio"), x), x.size):
        assert _is_plain(found.to_dict()) and found.words()
    assert _is_plain(success_then_mean(x).to_dict())
    assert 0 < sign_flip(x[None])[0] <= 1


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("other", ["normal", "single", "largest", "denormal", "constant", "none"])
def test_two_sets_are_compared_whatever_they_are(name, other):
    for claim in CLAIMS:
        assert _is_plain(compare(claim, VALUES[name], VALUES[other], paired=False).to_dict())
    if VALUES[name].size == VALUES[other].size:
        assert _is_plain(compare(CLAIMS[0], VALUES[name], VALUES[other], paired=True).to_dict())


@pytest.mark.parametrize("name", [name for name, x in PLAIN.items() if x.size > 2])
@pytest.mark.parametrize("interval", INTERVALS)
def test_an_interval_has_the_unit_of_its_values(name, interval):
    x = PLAIN[name]
    one = x / np.abs(x).max() if x.any() else x
    estimate, low, high = INTERVALS[interval](one)
    assert low <= estimate + 1e-12 and estimate <= high + 1e-12
    for factor in (2.0**-1000, 1e-200, 1e-9, 3.0, 1e200, 2.0**1000):
        for found, wanted in zip(INTERVALS[interval](one * factor), (estimate, low, high), strict=True):
            assert np.isclose(found / factor, wanted, rtol=1e-9, atol=1e-12, equal_nan=True), factor


def test_a_difference_has_the_unit_of_its_values():
    x, y = PLAIN["normal"], PLAIN["positive"]
    wanted = np.array(welch_interval(x, y))
    for factor in (1e-300, 1e-160, 1e160, 1e300):
        assert np.allclose(np.array(welch_interval(x * factor, y * factor)) / factor, wanted, rtol=1e-9)


NUMBERS = [0.0, 5e-324, 1e-300, 1e-200, 0.5, 1.0, 1e200, 1.7e308, -1.0, math.inf, -math.inf, math.nan]


@pytest.mark.parametrize("effect", NUMBERS)
@pytest.mark.parametrize("delta", [0.0, 1e-300, 1.0, 1e308])
def test_how_many_are_needed_is_a_number_or_none(effect, delta):
    for sd in NUMBERS:
        needed = replicates_needed(effect, sd, delta=delta)
        assert needed is None or needed >= 6
        if sd > 0 and math.isfinite(effect):
            assert 0 <= power_of(effect, sd, 8, delta=delta) <= 1


@pytest.mark.parametrize("fraction", [0.0, 5e-324, 0.5, 1 - 1e-16, 1.0])
@pytest.mark.parametrize("stated", [5e-324, 0.5, 1 - 1e-16])
def test_how_many_are_needed_for_a_fraction_is_a_number_or_none(fraction, stated):
    for direction in (1, -1):
        needed = replicates_needed_for_fraction(fraction, stated, direction=direction)
        assert needed is None or needed >= 6
    claim = Claim("f", "s", "c", "t", delta=stated, kind="fraction")
    x = np.array([1.0, 0, 1, 1, np.nan, 1, 1])
    assert _is_plain(judge([claim], {"f": x}, 7)[0].to_dict())


@pytest.mark.parametrize("n", [1, 2, 3, 10**15])
@pytest.mark.parametrize("confidence", [1e-300, 0.95, 1 - 1e-16])
def test_a_fraction_stays_a_fraction(n, confidence):
    for k in {0, 1, n}:
        found = np.array(wilson_interval(k, n, confidence))
        assert (found >= 0).all() and (found <= 1).all() and found[1] <= found[0] <= found[2]


@pytest.mark.parametrize("p", [[], [0.0], [5e-324, 1.0], [1e-300] * 3])
def test_adjusted_p_stay_in_range(p):
    for adjust in (holm, benjamini_hochberg):
        assert ((adjust(p) >= p) & (adjust(p) <= 1)).all()


@pytest.mark.parametrize("size", [5e-324, 1e-300, 1.0, 1e160, 1e308])
def test_a_tournament_splits_scores_of_any_size(size):
    strength = [0.0, 0.3, -0.2, 0.9]
    one = tournament(strength, lambda a, b, half: np.full(3, a - b))
    found = tournament(strength, lambda a, b, half: (a - b) * np.array([size, size / 2, size / 4]))
    assert _is_plain(found.to_dict()) and np.isfinite(found.slopes()).all()
    assert isinstance(found, Tournament) and one.sentence()


@pytest.mark.parametrize("size", [5e-324, 1e-300, 1.0, 1e160, 1.7e308])
def test_shares_of_variance_have_no_unit(size):
    values = np.random.default_rng(0).normal(size=(6, 4)) * 0.1 + np.arange(6)[:, None] / 10
    found, notes = shares(values * size, {"a": 2, "b": 3})
    assert all(math.isfinite(s.share) for s in found) and (found or notes)
    if 1e-300 <= size <= 1e160:
        wanted = shares(values, {"a": 2, "b": 3})[0]
        assert np.allclose([s.share for s in found], [s.share for s in wanted])
