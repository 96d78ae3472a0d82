"""Equal compute, time to a target, software against hardware; scaling laws and jumps."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesocosm.reports.study import markdown
from mesocosm.studies import component
from mesocosm.studies.cell import Row
from mesocosm.studies.compute import Machine, cost_to, curve_in, gain, matched, matches, metric_at, multiplier
from mesocosm.studies.scaling import jump, law, repeated
from mesocosm.studies.scoring import scores
from mesocosm.studies.study import from_dict

component.load_file(Path(__file__).with_name("study_parts.py"))

positive = st.floats(1e-3, 1e18)


@given(*[positive] * 6)
def test_log_ratios_of_software_and_hardware_add_exactly(f0, s0, p0, f1, s1, p1):
    found = gain(Machine(f0, s0, p0), Machine(f1, s1, p1))
    parts = found.software + found.utilisation + found.hardware
    assert found.total == pytest.approx(parts, abs=1e-9)
    assert found.total == pytest.approx(math.log(s0 / s1), abs=1e-9)


def test_each_part_is_what_its_name_says():
    old = Machine(1e12, 100, 1e11)
    assert gain(old, Machine(1e11, 10, 1e11)).software == pytest.approx(math.log(10))  # a tenth of the operations
    assert gain(old, Machine(1e12, 50, 1e11)).utilisation == pytest.approx(math.log(2))  # the same, better used
    assert gain(old, Machine(1e12, 10, 1e12)).hardware == pytest.approx(math.log(10))
    for parts in ((0, 1, 1), (1, -1, 1), (1, 1, math.inf)):
        with pytest.raises(ValueError, match="must be a finite number above 0"):
            Machine(*parts)


def test_cost_to_a_target_is_read_between_points():
    curve = [(10, 0.5), (20, 0.7), (30, 0.6), (40, 0.9)]
    assert cost_to(curve, 0.4) == 10  # at the first point already: not known to be less
    assert cost_to(curve, 0.8) == pytest.approx(30 + 10 * 2 / 3)
    assert cost_to(curve, 0.95) is None
    assert cost_to([(1, 3.0), (2, 1.0)], 2.0, direction=-1) == 1.5
    assert metric_at(curve, 35) == 0.7 and metric_at(curve, 5) is None and metric_at(curve, 41) is None


def test_rivals_are_compared_where_all_have_been():
    curves = {"long": [(1, 0.1), (2, 0.2), (8, 0.9)], "short": [(1, 0.3), (2, 0.4)]}
    assert matched(curves) == (2.0, {"long": 0.2, "short": 0.4})
    assert matched({"late": [(5, 1.0)], "short": [(1, 0.3), (2, 0.4)]}) is None
    old, new = [(10, 0.1), (1000, 0.8)], [(1, 0.1), (10, 0.8)]
    assert multiplier(old, new) == pytest.approx(100)
    assert multiplier([(1, 0.1)], new) is None


def test_a_curve_is_told_in_another_cost():
    row = Row.of(0.9, curve=((100.0, 0.5), (200.0, 0.9)), cost={"flops": 4e6})
    assert curve_in(row, "flops") == [(2e6, 0.5), (4e6, 0.9)]
    with pytest.raises(ValueError, match="seconds: a row needs a curve and this cost"):
        curve_in(row, "seconds")


def test_what_a_treatment_spends_to_be_as_good_as_its_control():
    values = {"name": "toy", "question": "?", "tasks": ["call/toy"], "seeds": 2, "budget": {"calls": 1}}
    asked = from_dict(
        {**values, "minimal_effect": 0.1, "fixed": {"subject": "noisy"}, "vary": {"arm": ["a", "b", "c"]}}
    )
    curves = {"a": ((1, 0.1), (2, 0.5)), "b": ((1, 0.5), (2, 0.9)), "c": ((1, 0.1), (2, 0.2))}
    cost = {"flops": 8.0, "seconds": 2.0}
    rows = [(c, Row.of(0.5, curve=curves[c.parts["arm"]], cost=cost)) for c in asked.cells]
    b, c = matches(asked, rows)
    assert (b.treatment, b.reached, b.n, b.times) == ("b", 1.0, 2, {"flops": 0.5, "seconds": 0.5})
    assert (c.reached, c.times) == (0.0, {})
    assert "| b | 100 % of 2 | x 0.5 | x 0.5 |" in markdown(asked, scores(asked, rows), rows, "")
    assert matches(asked, [(c, Row.of(0.5)) for c in asked.cells]) == []


def test_a_law_is_found_again_and_predicts_the_scale_held_out():
    x = np.geomspace(10, 10000, 8)
    found = law(x, 0.3 + 4 * x**-0.5)
    assert (found.floor, found.factor, found.exponent) == pytest.approx((0.3, 4, 0.5), rel=1e-3)
    assert found.error < 1e-4 and found.at(1e5) == pytest.approx(0.3 + 4 * 1e5**-0.5, rel=1e-3)
    broken = 0.3 + 4 * x**-0.5
    broken[-1] = 1.0
    assert law(x, broken).error > 0.5  # the largest scale was not seen by the fit


def test_nothing_is_said_beyond_a_short_range():
    x = np.geomspace(10, 100, 8)
    found = law(x, 4 * x**-0.5)
    assert found.at(50) == pytest.approx(4 * 50**-0.5, rel=0.01)
    with pytest.raises(ValueError, match=r"at least 1\.5 are needed"):
        found.at(1000)
    with pytest.raises(ValueError, match="4 different; at least 5"):
        law([1, 2, 3, 4, 4], [1, 1, 1, 1, 1])


def test_a_planted_jump_is_found_and_a_smooth_curve_has_none_at_the_nominal_rate():
    x = np.geomspace(1, 1000, 24)
    smooth, rng = 1 / (1 + np.exp(-(np.log10(x) - 1.5))), np.random.default_rng(0)
    found = jump(x, smooth + 0.5 * (x > 30) + rng.normal(scale=0.05, size=x.size))
    assert found.p < 0.01 and found.low <= 30 <= found.high and found.size == pytest.approx(0.5, abs=0.1)
    p = [jump(x, smooth + rng.normal(scale=0.05, size=x.size), draws=199, seed=k).p for k in range(200)]
    assert np.mean(np.array(p) <= 0.05) < 0.1  # 10 of 200 expected, standard error 3
    assert 0.3 < np.mean(p) < 0.7


DECADES = np.log10(np.geomspace(1, 1000, 24))


def transition(width: float, seed: int) -> np.ndarray:
    """From 0 to 1 in the middle of three decades, beside a slope; noise a twentieth of it."""
    z = 2 * np.log(9) * (DECADES - 1.5) / max(width, 1e-3)
    noise = np.random.default_rng(seed).normal(scale=0.05, size=DECADES.size)
    return 0.2 * DECADES + 1 / (1 + np.exp(-np.clip(z, -60, 60))) + noise


@pytest.mark.parametrize("width", [0.0, 0.3, 0.6])
def test_the_width_of_a_transition_lies_in_its_interval(width):
    found = [jump(10**DECADES, transition(width, k), draws=99, seed=k) for k in range(40)]
    assert np.mean([f.width_low <= width <= f.width_high for f in found]) >= 0.85  # 0.95 but for 3 standard errors
    assert np.median([f.width for f in found]) == pytest.approx(width, abs=0.1)
    assert all(0 <= f.width_low <= f.width_high <= 1.5 for f in found)
    if width:
        assert np.mean([f.width_low > 0.05 for f in found]) > 0.9, "it is told from a step"


def test_a_jump_that_a_threshold_makes_is_not_in_the_continuous_metric():
    smooth = 0.5 * (DECADES - 1.5) + np.random.default_rng(3).normal(scale=0.02, size=DECADES.size)
    made = repeated(10**DECADES, smooth > 0, smooth)
    assert made.metric.p < 0.01 < 0.05 < made.continuous.p and "a threshold makes it" in made.words()
    real = repeated(10**DECADES, transition(0.0, 1) > 0.7, transition(0.0, 2))
    assert "and in the continuous metric too" in real.words() and "[0, " in real.words()
    assert repeated(10**DECADES, smooth, smooth).words().startswith("No jump")
