"""Statistics against SciPy, statsmodels, scikit-posthocs and autorank, which have code of their own."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from mesocosm.findings import (
    Claim,
    bca_interval,
    benjamini_hochberg,
    compare,
    holm,
    judge,
    percentile_interval,
    power_of,
    sign_flip,
    t_interval,
    welch_interval,
    wilson_interval,
)

CONFIDENCES = (0.9, 0.95, 0.9875)
CLOSE = dict(rtol=1e-9, atol=1e-12)


def normal(shape: int | tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.3, 1, shape)


def skewed(shape: int | tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).lognormal(0, 1, shape)


def p_values(n: int, seed: int) -> np.ndarray:
    """Some small, some not, the last two equal."""
    p = np.random.default_rng(seed).random(n) ** 3
    p[-1] = p[-2]
    return p


@pytest.mark.parametrize("confidence", CONFIDENCES)
@pytest.mark.parametrize("n", [2, 3, 6, 19, 50])
@pytest.mark.parametrize("draw", [normal, skewed])
def test_student_against_scipy(draw, n, confidence):
    values = draw((5, n))
    expected = stats.ttest_1samp(values, 0, axis=-1).confidence_interval(confidence)
    found = t_interval(values, confidence)
    np.testing.assert_allclose(found.estimate, values.mean(axis=-1), **CLOSE)
    np.testing.assert_allclose([found.low, found.high], [expected.low, expected.high], **CLOSE)


@pytest.mark.parametrize("confidence", CONFIDENCES)
@pytest.mark.parametrize("n, k", [(2, 2), (6, 9), (30, 8)])
def test_welch_against_scipy(n, k, confidence):
    values, control = skewed((5, n)), 3 * normal((5, k), seed=1)
    expected = stats.ttest_ind(values, control, axis=-1, equal_var=False).confidence_interval(confidence)
    found = welch_interval(values, control, confidence)
    np.testing.assert_allclose([found.low, found.high], [expected.low, expected.high], **CLOSE)


def test_unpaired_comparison_against_scipy():
    values, control = normal(12), skewed(9)
    expected = stats.ttest_ind(values, control, equal_var=False)
    found = compare(Claim("differs", "they differ", "others", "value", 0.0), values, control, paired=False)
    np.testing.assert_allclose(found.p, expected.pvalue, **CLOSE)
    interval = expected.confidence_interval(0.95)
    np.testing.assert_allclose([found.low, found.high], [interval.low, interval.high], **CLOSE)


@pytest.mark.parametrize("draw", [normal, skewed])
@pytest.mark.parametrize("method, interval", [("BCa", bca_interval), ("percentile", percentile_interval)])
def test_bootstrap_against_scipy(draw, method, interval):
    """Both draw their own resamples: bounds agree to a few hundredths of the width."""
    values = draw(25, seed=3)
    expected = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method=method, random_state=np.random.default_rng(0)
    ).confidence_interval
    found = interval(values, 0.95, resamples=20_000)
    width = expected.high - expected.low
    np.testing.assert_allclose([found.low, found.high], [expected.low, expected.high], rtol=0, atol=0.04 * width)


@pytest.mark.parametrize(
    "values",
    [normal(n, seed=n) for n in (2, 5, 8, 12)]
    + [skewed(10), np.array([1.0, 1, 1, -1, 2, 2]), np.array([0.0, 0, 3, -1, 2]), np.array([1.0, -1, 2, -2])],
    ids=lambda values: f"{values.size}",
)
def test_sign_flip_against_scipy(values):
    expected = stats.permutation_test(
        (values,),
        lambda x, axis: x.sum(axis=axis),
        permutation_type="samples",
        n_resamples=np.inf,
        vectorized=True,
    )
    np.testing.assert_allclose(sign_flip(values), expected.pvalue, **CLOSE)


@pytest.mark.parametrize("n", [2, 5, 40])
def test_benjamini_hochberg_against_scipy(n):
    p = p_values(n, seed=n)
    np.testing.assert_allclose(benjamini_hochberg(p), stats.false_discovery_control(p), **CLOSE)


@pytest.mark.parametrize("confidence", CONFIDENCES)
@pytest.mark.parametrize("successes, n", [(0, 1), (1, 1), (0, 20), (7, 20), (20, 20), (97, 100), (1, 1000)])
def test_wilson_against_scipy(successes, n, confidence):
    expected = stats.binomtest(successes, n).proportion_ci(confidence, method="wilson")
    found = wilson_interval(successes, n, confidence)
    np.testing.assert_allclose([found.low, found.high], [expected.low, expected.high], **CLOSE)


@pytest.mark.parametrize("successes", [0, 11, 18, 20])
def test_binomial_tails_against_scipy(successes):
    """Two-sided p of a fraction: twice the smaller exact tail."""
    values = np.arange(20) < successes
    found = judge([Claim("holds", "it holds", "nothing", "share", 0.9, kind="fraction")], {"holds": values}, 20)[0]
    tails = [stats.binomtest(successes, 20, 0.9, alternative=side).pvalue for side in ("less", "greater")]
    np.testing.assert_allclose(found.p, min(1, 2 * min(tails)), **CLOSE)


@pytest.mark.parametrize("n", [2, 5, 40])
@pytest.mark.parametrize("method, adjust", [("holm", holm), ("fdr_bh", benjamini_hochberg)])
def test_adjusted_p_against_statsmodels(method, adjust, n):
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    p = p_values(n, seed=n)
    np.testing.assert_allclose(adjust(p), multitest.multipletests(p, method=method)[1], **CLOSE)


@pytest.mark.parametrize("confidence", CONFIDENCES)
@pytest.mark.parametrize("successes, n", [(0, 20), (7, 20), (20, 20), (97, 100)])
def test_wilson_against_statsmodels(successes, n, confidence):
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    expected = proportion.proportion_confint(successes, n, alpha=1 - confidence, method="wilson")
    np.testing.assert_allclose(wilson_interval(successes, n, confidence)[1:], expected, **CLOSE)


@pytest.mark.parametrize("n", [6, 34])
def test_power_against_statsmodels(n):
    power = pytest.importorskip("statsmodels.stats.power")
    expected = power.TTestPower().power(0.5, n, alpha=0.025, alternative="larger")
    np.testing.assert_allclose(power_of(0.5, 1.0, n), expected, rtol=1e-6)


def test_pairwise_comparisons_against_scikit_posthocs():
    """Welch's test of all pairs of three groups, adjusted after Holm."""
    posthocs = pytest.importorskip(
        "scikit_posthocs", reason="NOT TESTED: comparisons against scikit-posthocs, which is missing (extra `test`)"
    )
    groups = [normal(12), skewed(9), normal(15, seed=2) + 1]
    pairs = [(0, 1), (0, 2), (1, 2)]
    claim = Claim("differs", "they differ", "others", "value", 0.0)
    p = holm([compare(claim, groups[i], groups[j], paired=False).p for i, j in pairs])
    expected = posthocs.posthoc_ttest(groups, equal_var=False, pool_sd=False, p_adjust="holm").to_numpy()
    np.testing.assert_allclose(p, [expected[i, j] for i, j in pairs], **CLOSE)


def two_populations() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    a = rng.normal(0.3, 1, 20)
    return a, a * 0.5 + rng.normal(0, 1, 20)


def test_intervals_of_a_family_against_numbers_of_autorank():
    """autorank shares alpha among the populations, as we do among claims; these are its intervals of both means.

    It installs a top-level package `tests`, so it stays out of the extra `test`. In an environment of its own, where
    `two_populations` gives a and b, autorank 1.3.0 says:
    `autorank(pandas.DataFrame({"a": a, "b": b}), alpha=0.05, approach="frequentist").rankdf[["ci_lower", "ci_upper"]]`
    """
    expected = [[-0.44148170175767704, 0.40865589506545946], [-0.9422751873162638, -0.022052550671469773]]
    for values, (low, high) in zip(two_populations(), expected, strict=True):
        found = t_interval(values, 1 - 0.05 / 2)
        np.testing.assert_allclose([found.low, found.high], [low, high], **CLOSE)


@pytest.mark.slow
def test_intervals_of_a_family_against_autorank():
    """The same, where it is installed."""
    autorank = pytest.importorskip("autorank", reason="NOT TESTED: intervals against autorank, which is missing")
    pandas = pytest.importorskip("pandas")
    a, b = two_populations()
    ranked = autorank.autorank(pandas.DataFrame({"a": a, "b": b}), alpha=0.05, approach="frequentist").rankdf
    for name, values in (("a", a), ("b", b)):
        found = t_interval(values, 1 - 0.05 / 2)
        np.testing.assert_allclose(
            [found.low, found.high], ranked.loc[name, ["ci_lower", "ci_upper"]].tolist(), **CLOSE
        )
