"""Findings as they are drawn: which side was predicted, by what they were judged, what is noted."""

import math
import re

import pytest

from mesocosm.reports.forest import _band, forest
from tests.unit.page_reader import Reader, assert_no_bare_numbers


def test_an_equivalence_shows_the_interval_by_which_it_was_judged():
    same = {
        "name": "same",
        "kind": "mean",
        "estimate": 0.0,
        "low": -0.3,
        "high": 0.3,
        "confidence": 0.95,
        "delta": 0.25,
    }
    same |= {"inner_low": -0.2, "inner_high": 0.2, "verdict": "equivalent", "n_used": 9, "n_right": 4}
    text = Reader(forest([same], "worlds")).text
    assert "[−0.20, 0.20]" in text and "90 % interval" in text and "4 of 9 worlds on the predicted side" in text
    assert "[−0.30, 0.30] at 95 %; an equivalence is judged by [−0.20, 0.20] at 90 %" in text


def test_findings_without_numbers():
    names = (
        "name kind unit control statistic delta direction declared estimate low high confidence n_started n_survived"
    )
    names += " n_used n_right verdict p p_adjusted method still_needed note sentence"
    markup = forest([dict.fromkeys(names.split()), {"name": "a", "estimate": math.nan, "low": math.inf, "delta": 0}])
    assert_no_bare_numbers(markup)
    assert forest([]) == ""


def test_the_side_that_was_predicted_is_marked_and_no_difference_has_no_interval():
    found = {"name": "a", "sentence": "b", "kind": "mean", "estimate": 0.0701, "low": -0.1, "high": 0.24, "delta": 0.05}
    found |= {"direction": -1, "n_right": 3, "n_used": 12, "verdict": "undecided", "confidence": 0.95}
    drawn = forest([found], "worlds")
    assert "3 of 12 worlds on the predicted side (below)" in drawn and "←" in drawn and "→" not in drawn
    assert "→" in forest([found | {"direction": 1}], "worlds") and "←" not in forest([found | {"kind": "fraction"}])
    none = forest([found | {"estimate": 0.0, "low": None, "high": None, "n_right": 0}], "worlds")
    assert "<span>[–, –]" not in none and "predicted" not in none and "12 worlds" in none
    assert "+0.000" not in forest([found | {"estimate": 0.0002, "low": -0.006, "high": 0.007}])


@pytest.mark.parametrize(("direction", "side"), [(1, "above"), (-1, "below")])
def test_of_a_claim_that_nothing_differs_no_side_is_the_predicted_one(direction, side):
    found = {"name": "a", "sentence": "b", "kind": "mean", "estimate": 0.2, "low": 0.1, "high": 0.3, "delta": 0.05}
    found |= {"direction": direction, "expects": "equivalent", "n_right": 9, "n_used": 10, "verdict": "refuted"}
    drawn = forest([found], "worlds")
    assert f"9 of 10 worlds {side}<" in drawn and "predicted" not in drawn and not re.search("[←→]", drawn)
    assert "no difference" in drawn


def test_what_is_noted_of_many_findings_is_said_once():
    note = {"name": "a", "verdict": "undecided", "note": "8 values are few."}
    said = "<p>8 values are few.</p>"
    few, many = forest([note] * 2), forest([note] * 3)
    assert few.count(said) == 2 and "Of " not in few
    assert said not in many and many.startswith("<p>Of 3 of these findings: 8 values are few.</p>")


def test_what_would_not_matter_is_drawn_where_it_lies():
    def band(**claim) -> list[float]:
        claim = {"name": "a", "estimate": 1.5, "low": 1.2, "high": 1.8, "verdict": "supported", "direction": 1} | claim
        return [round(end, 4) for end in _band(claim)]

    assert band(kind="mean", delta=0.25) == [-0.25, 0.25]
    assert band(kind="ratio", delta=1.25) == [0.8, 1.25], "a factor either way, not a distance from 1"
    assert band(kind="fraction", delta=0.9) == [0, 0.9] and band(kind="fraction", delta=0.1, direction=-1) == [0.1, 1]
    drawn = forest([{"name": "a", "kind": "fraction", "estimate": 0.98, "low": 0.94, "high": 1.0, "delta": 0.9}])
    assert "l900 0" in drawn, "an axis of shares goes from 0 to 1"
    assert "Stated" in drawn and "at least 0.9" in drawn and "Too small to matter" not in drawn
    assert "less than a factor of 1.1" in forest([{"name": "a", "kind": "ratio", "delta": 1.1, "estimate": 1.0}])
