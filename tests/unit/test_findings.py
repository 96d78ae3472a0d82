"""Claims and verdicts: what a sample must, and must never, be called."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import mesocosm.findings as findings
from mesocosm.findings import Claim, Finding, floor_replicates, judge
from mesocosm.findings.claim import show_interval
from mesocosm.findings.coverage import LAWS, main, mean_cells, page, table
from mesocosm.protocol.measure import Statistic


def claim(name="effect", delta=0.1, **others) -> Claim:
    return Claim(name, "it has an effect", "the control", "difference", delta, **others)


def one(values, n_started=None, seed=0, **others) -> Finding:
    values = np.asarray(values, float)
    c = claim(**others)
    return judge([c], {c.name: values}, values.size if n_started is None else n_started, seed=seed)[0]


def spread(mean: float, sd: float, n: int) -> np.ndarray:
    """n values of exactly this mean and standard deviation."""
    x = np.arange(n) - (n - 1) / 2
    return mean + sd * x / x.std(ddof=1)


# ------------------------------------------------------------------------------------------------------ verdicts


@pytest.mark.parametrize(
    ("mean", "sd", "direction", "verdict"),
    [
        (1.0, 0.5, 1, "supported"),
        (1.0, 0.5, -1, "refuted"),
        (-1.0, 0.5, -1, "supported"),
        (-1.0, 0.5, 1, "refuted"),
        (0.01, 0.05, 1, "equivalent"),
        (-0.01, 0.05, 1, "equivalent"),
        (0.12, 0.5, 1, "undecided"),
        (0.12, 0.1, 1, "undecided"),  # above 0 for sure, but not above delta
    ],
)
@pytest.mark.parametrize("n", [10, 32])
def test_the_four_verdicts(mean, sd, direction, verdict, n):
    found = one(spread(mean, sd, n), direction=direction)
    assert found.verdict == verdict
    assert found.estimate == pytest.approx(mean)
    assert found.n_right == int((direction * spread(mean, sd, n) > 0).sum())


def test_the_t_interval_is_the_textbook_one():
    found = one([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    half = 2.570581835636314 * math.sqrt(3.5) / math.sqrt(6)  # t(5) at 97.5 %
    assert (found.low, found.high) == (pytest.approx(3.5 - half), pytest.approx(3.5 + half))
    inner = 2.015048373333024 * math.sqrt(3.5) / math.sqrt(6)  # t(5) at 95 %
    assert (found.inner_low, found.inner_high) == (pytest.approx(3.5 - inner), pytest.approx(3.5 + inner))
    assert found.p == 2 / 64
    assert found.method == "t interval, over replicates; sign flips, all"


def test_equivalence_is_by_the_inner_interval():
    """90 % within delta suffices: two one-sided tests at 5 %."""
    x = spread(0.0, 1.0, 16)
    inner = 1.753050355692 / 4  # t(15) at 95 %, over sqrt(16)
    assert one(x, delta=inner * 1.001).verdict == "equivalent"
    assert one(x, delta=inner * 0.999).verdict == "undecided"
    assert one(x, delta=inner * 1.001).high > inner * 1.001  # although the outer interval is not within it


def test_97_of_100_supports_90_per_cent_but_not_95():
    x = np.r_[np.ones(97), np.zeros(3)]
    supports_90, supports_95 = (one(x, kind="fraction", delta=d) for d in (0.90, 0.95))
    assert (round(supports_90.low, 2), round(supports_90.high, 2)) == (0.92, 0.99)
    assert (supports_90.verdict, supports_95.verdict) == ("supported", "undecided")
    assert supports_95.still_needed > 0
    assert one(x, kind="fraction", delta=0.5, direction=-1).verdict == "refuted"
    assert supports_90.words() == "supported: 97 of 100 replicates, 0.970 [0.915, 0.990], stated: at least 0.9"


def test_what_has_no_value_counts_against_a_fraction():
    x = np.r_[np.ones(60), np.full(40, np.nan)]
    at_least, at_most = one(x, kind="fraction", delta=0.8), one(1 - x, kind="fraction", delta=0.2, direction=-1)
    assert (at_least.estimate, at_most.estimate) == (0.6, 0.4)
    assert at_least.verdict == at_most.verdict == "refuted"
    assert at_least.n_right == at_most.n_right == 60
    assert "40 of 100 replicates have no value and count against the claim." in at_least.note


def test_a_ratio_is_shown_as_a_factor():
    found = one(np.log(2) + spread(0, 0.2, 12), kind="ratio", delta=1.5)
    assert found.verdict == "supported"
    assert found.estimate == pytest.approx(2)
    assert found.low < 2 < found.high
    assert found.low == pytest.approx(4 / found.high)  # symmetric as a logarithm
    assert found.words().startswith("supported: 2.00 [1.76, 2.27] times the control (12 of 12")
    assert one(spread(800, 1, 12), kind="ratio", delta=1.5).high == pytest.approx(math.exp(709))


def test_declared_claims_share_five_per_cent():
    x = spread(0.55, 1.0, 16)  # 95 % lies above 0, 98.75 % does not
    assert one(x, delta=0.0).verdict == "supported"
    claims = [claim(f"c{k}", delta=0.0) for k in range(4)]
    found = judge(claims, {c.name: x for c in claims}, 16)
    assert [f.verdict for f in found] == ["undecided"] * 4
    assert all(f.confidence == 1 - 0.05 / 4 for f in found)
    assert found[0].p_adjusted == pytest.approx(4 * found[0].p)
    assert judge(claims[:1], {"c0": x}, 16, n_declared=4)[0] == found[0]


def test_exploratory_claims_are_judged_alone_and_labelled():
    x = spread(0.55, 1.0, 16)
    claims = [claim("declared", delta=0.0), *(claim(f"e{k}", delta=0.0, declared=False) for k in range(3))]
    found = judge(claims, {c.name: x for c in claims}, 16)
    assert [f.confidence for f in found] == [0.95] * 4
    assert found[1].p_adjusted == pytest.approx(found[1].p)  # equal p: Benjamini and Hochberg change nothing
    assert found[0].words().startswith("supported: ")
    assert found[1].words().startswith("exploratory, supported: ")


def test_more_replicates_are_asked_for_where_they_would_help():
    towards, inside, away = (one(spread(m, 1.0, 20), delta=0.1) for m in (0.4, 0.05, -0.4))
    assert [f.verdict for f in (towards, inside, away)] == ["undecided"] * 3
    assert towards.still_needed > 0 and inside.still_needed is None and away.still_needed is None
    n = 20 + towards.still_needed
    assert one(spread(0.4, 1.0, n), delta=0.1).verdict == "supported"
    assert f"about {towards.still_needed} more replicates needed" in towards.words()
    half_die = one(np.r_[spread(0.4, 1.0, 20), np.full(20, np.nan)], delta=0.1)
    assert half_die.still_needed == 2 * towards.still_needed


# ----------------------------------------------------------------------------------------------------- properties

samples = st.lists(st.integers(-1000, 1000).map(lambda k: k / 100), min_size=2, max_size=40)
ORDER = ("refuted", "undecided", "supported")


@settings(max_examples=60)
@given(samples, st.randoms(use_true_random=False))
def test_order_changes_nothing(values, random):
    shuffled = list(values)
    random.shuffle(shuffled)
    a, b = one(values), one(shuffled)
    assert a.verdict == b.verdict and a.p == b.p and a.note == b.note
    assert close(numbers(a), numbers(b))


@settings(max_examples=60)
@given(samples)
@example([0.0] * 3 + [0.01] * 25 + [0.04])  # many resamples are of one value, which is the mean
@example([0.01] * 31 + [-0.01, -0.03])  # ties in amount with different signs
def test_changing_all_signs_mirrors_the_finding(values):
    a, b = one(values), one([-v for v in values], direction=-1)
    assert a.verdict == b.verdict and a.p == b.p and a.still_needed == b.still_needed
    assert a.n_right == b.n_right
    mirrored = (b.estimate, b.high, b.low, b.inner_high, b.inner_low)
    assert close(numbers(a), [None if v is None else -v for v in mirrored])


@settings(max_examples=60)
@given(samples, st.sampled_from([2.0**-30, 3.0, 1e6]))
def test_the_unit_does_not_matter(values, unit):
    a, b = one(values), one(np.array(values) * unit, delta=0.1 * unit)
    assert a.verdict == b.verdict
    assert a.p == pytest.approx(b.p)
    assert close([None if v is None else v * unit for v in numbers(a)], numbers(b))


@settings(max_examples=60)
@given(samples, st.floats(0, 5), st.floats(0, 5))
def test_a_larger_delta_never_supports_more(values, a, b):
    small, large = (one(values, delta=d).verdict for d in sorted((a, b)))
    for verdict in ("supported", "refuted"):
        assert large != verdict or small == verdict
    assert small != "equivalent" or large == "equivalent"


@settings(max_examples=60)
@given(samples, st.floats(0, 3))
def test_a_larger_effect_is_never_judged_lower(values, shift):
    lower, higher = one(values, delta=0.0), one(np.array(values) + shift, delta=0.0)
    assert ORDER.index(lower.verdict) <= ORDER.index(higher.verdict)


@settings(max_examples=100)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=30), st.sampled_from(["mean", "ratio"]))
def test_no_value_is_too_odd(values, kind):
    found = one(values, kind=kind, delta=1.5)
    assert found == Finding.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False)))
    assert "nan" not in found.words().lower() and "inf" not in found.words().lower().replace("infinite", "")
    usable = np.isfinite(np.asarray(values, float)).sum()
    assert found.n_used == usable and found.n_started == len(values)
    if found.verdict != "undecided":
        assert usable >= floor_replicates(1)
    if found.low is not None and found.high is not None:
        assert found.low <= found.estimate <= found.high


def numbers(found: Finding) -> list[float | None]:
    return [found.estimate, found.low, found.high, found.inner_low, found.inner_high]


def close(a, b) -> bool:
    return all((x is None) == (y is None) for x, y in zip(a, b, strict=True)) and all(
        math.isclose(x, y, rel_tol=1e-6, abs_tol=1e-9) for x, y in zip(a, b, strict=True) if x is not None
    )


# ------------------------------------------------------------------------------------------------- degenerate runs

NAN = float("nan")
DEGENERATE = {
    "nothing started": ([], "No replicate was started."),
    "all extinct": ([NAN] * 8, "None of the 8 replicates has a value: there is nothing to judge."),
    "one survivor": ([0.5, *[NAN] * 7], "One value does not tell how values differ."),
    "identical": ([0.5] * 8, "All 8 values are 0.5: without spread there is no interval."),
    "identical but for rounding": ([0.1 + 0.2, *[0.3] * 7], "without spread there is no interval."),
    "all zero": ([0.0] * 8, "In all 8 replicates with a value there is no difference: nothing to compare."),
    "infinite": ([math.inf, *[NAN] * 7], "1 of 8 values are infinite and are not used. None of the 8"),
    "below the floor": ([1.0, 1.1, 1.2, 1.1, 1.0], "with fewer than 6 replicates nothing can be significant."),
    "nearly all the same": ([*[1.0] * 31, 1.1], "A bound could not be found: nearly all values are the same"),
}


@pytest.mark.parametrize(("values", "sentence"), DEGENERATE.values(), ids=DEGENERATE)
def test_degenerate_runs_are_undecided_and_said_in_plain_words(values, sentence):
    found = one(values, delta=1.05)
    assert found.verdict == "undecided"
    assert sentence in found.note
    assert found.words().startswith("undecided: ")


def test_zeros_are_no_difference_only_where_something_is_compared():
    """A measure that is held against nothing has the value 0 there; it says so, and what to do."""
    compared = [Statistic("share", against=other) for other in ("control", "", "arm", 0.5)]
    for value in (None, lambda record, runs: np.zeros(8), *compared):
        assert "there is no difference" in one([0.0] * 8, value=value).note
    found = one([0.0] * 8, value=Statistic("share"))
    assert "no difference" not in found.note and "All 8 values are 0: without spread" in found.note
    assert "no difference" not in one([0.0] * 8, kind="fraction", delta=0.5).note


def test_values_without_difference_are_still_too_few():
    note = one([0.0] * 3, replicates=8).note
    assert note.index("there is no difference") < note.index("stated for 8 replicates")
    assert "3 values: with fewer than 6 replicates nothing can be significant." in note


def test_identical_zeros_are_not_called_equivalent():
    """An event in one replicate of ten is missed by six of them as often as not."""
    assert one([0.0] * 6).verdict == "undecided"


def test_infinite_and_missing_values_stay_in_the_counts():
    found = one([*spread(1, 0.2, 10), math.inf, NAN])
    assert (found.n_started, found.n_used, found.n_survived) == (12, 10, 10)
    assert "1 of 12 values are infinite" in found.note and "2 of 12 replicates have no value" in found.note
    assert found.words() == "supported: +1.00 [0.86, 1.14] above the control (10 of 12 replicates; sign right in 10)"


def test_what_is_shown_is_the_interval_that_gave_the_verdict():
    same, apart = one(spread(0.01, 0.05, 10)), one(spread(1.0, 0.5, 10))
    assert (same.verdict, apart.verdict) == ("equivalent", "supported")
    assert same.shown == (same.inner_low, same.inner_high, pytest.approx(0.9))
    assert apart.shown == (apart.low, apart.high, 0.95)
    assert show_interval(same.estimate, *same.shown[:2], signed=True) in same.words()


def test_too_few_replicates_are_told_how_many_are_missing():
    assert one([1.0, 1.1, 1.2]).still_needed == 3
    assert one([-1.0, -1.1, -1.2]).still_needed is None  # more of these would refute it
    assert one([0.01, 0.02, 0.03]).still_needed is None  # too small to matter
    assert one([1.0]).still_needed == 5 and one([-1.0]).still_needed is None
    assert floor_replicates(0) == 6
    with pytest.raises(ValueError, match="n_declared = -1"):
        floor_replicates(-1)


# ---------------------------------------------------------------------------------------------- claims and records


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "two words"),
        ("name", "a=b"),
        ("direction", 0),
        ("kind", "median"),
        ("delta", -0.1),
        ("delta", math.nan),
        ("delta", math.inf),
    ],
)
def test_a_claim_is_refused_by_name(field, value):
    good = dict(name="a", sentence="", control="", statistic="", delta=0.5)
    with pytest.raises(ValueError, match=f"{field} = "):
        Claim(**good | {field: value})


@pytest.mark.parametrize(("kind", "delta"), [("ratio", 1.0), ("fraction", 0.0), ("fraction", 1.0)])
def test_delta_depends_on_the_kind(kind, delta):
    with pytest.raises(ValueError, match=f"must be .* for kind {kind}"):
        claim(kind=kind, delta=delta)


def test_a_claim_is_plain_data():
    c = claim(kind="ratio", delta=1.5, unit="quanta", declared=False)
    assert Claim.from_dict(json.loads(json.dumps(c.to_dict()))) == c


def test_values_must_fit_their_claims():
    c = claim()
    with pytest.raises(ValueError, match="none for claim 'effect'"):
        judge([c], {"other": [1.0]}, 1)
    with pytest.raises(ValueError, match=r"shape \(1,\); must be \(2,\)"):
        judge([c], {"effect": [1.0]}, 2)
    with pytest.raises(ValueError, match="two have the same name"):
        judge([c, c], {"effect": [1.0]}, 1)
    with pytest.raises(ValueError, match="must be 0, 1 or NaN"):
        one([0.5, 1.0], kind="fraction", delta=0.5)
    assert judge([], {}, 4) == []


def test_numbers_have_the_digits_that_their_interval_deserves():
    assert show_interval(0.6712, 0.5809, 0.7615, signed=True) == "+0.67 [0.58, 0.76]"
    assert show_interval(12345.6, 11000, 13000) == "12346 [11000, 13000]"
    assert show_interval(1e-9, -1e-9, 3e-9) == "1e-09 [-1e-09, 3e-09]"
    assert show_interval(-0.001, -0.5, 0.5, signed=True) == "0.0 [-0.5, 0.5]"


def test_every_public_name_is_there():
    assert sorted(findings.__all__) == sorted(findings._HOMES)
    for name in findings.__all__:
        assert getattr(findings, name).__module__.startswith("mesocosm.findings.")
    with pytest.raises(AttributeError, match="no_such"):
        findings.no_such  # noqa: B018


def test_claims_load_neither_numpy_nor_scipy():
    code = "import sys; from mesocosm.findings import Claim; print({'numpy', 'scipy', 'jax'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


def test_judging_loads_neither_jax_nor_all_of_scipy_stats():
    code = "import sys; from mesocosm.findings import judge; print({'scipy.stats', 'jax'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


def test_a_claim_stated_for_more_replicates_says_so_and_can_still_be_refuted():
    claim = Claim("sign", "it holds", "the shadow", "whether it does", delta=0.9, kind="fraction", replicates=60)
    few, enough = (judge([claim], {"sign": np.ones(n)}, n)[0] for n in (20, 60))
    assert few.verdict == "undecided" and "stated for 60 replicates" in few.note
    assert enough.verdict == "supported" and not enough.note
    assert judge([claim], {"sign": np.zeros(20)}, 20)[0].verdict == "refuted"
    with pytest.raises(ValueError, match="replicates = -1"):
        Claim("sign", "it holds", "the shadow", "whether it does", delta=0.9, kind="fraction", replicates=-1)


def test_the_coverage_page(tmp_path, monkeypatch):
    monkeypatch.setattr("mesocosm.findings.coverage.SIZES", (6,))
    cells = list(mean_cells(50, (6,), resamples=50))
    assert table(cells).count("\n") == 1 + len(LAWS)
    monkeypatch.setattr("mesocosm.findings.coverage.page", lambda command: command + "\n")
    main([str(tmp_path / "coverage.md")])
    assert (tmp_path / "coverage.md").read_text() == f"python -m mesocosm.findings.coverage {tmp_path}/coverage.md\n"
    monkeypatch.undo()
    monkeypatch.setattr("mesocosm.findings.coverage.RESAMPLES", 20)
    written = page("the command", tries=20)
    assert "| command | `the command` |" in written and "scipy" in written and "nan" not in written


def test_a_finding_shows_itself_in_one_sentence():
    own = Claim("found", "it has an effect", "the control", "difference", 0.1)
    finding = judge((own,), {"found": np.linspace(0.4, 0.6, 12)}, 12, 12)[0]
    assert repr(finding) == f"Finding({finding.name}: {finding.words()})" and "supported" in repr(finding)
