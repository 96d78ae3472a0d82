"""Ceilings, probes and laws of data of `latent-rule`, against answers known exactly and programs of their own."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from mesocosm.analyses.data_law import law
from mesocosm.analyses.probe import of_one
from mesocosm.experiments.latent_rule.exact import ceiling, majority
from mesocosm.experiments.latent_rule.worlds import LEFT, RIGHT, RULES, count, plan, rain
from mesocosm.record.configuration import ConfigurationError


@pytest.mark.parametrize(("cues", "published"), [(1, 0.700), (3, 0.784), (5, 0.8369), (9, 0.9012)])
def test_a_majority_of_cues_is_right_as_often_as_published(cues, published):
    found = ceiling(rain(1.0), cues, 0.7, 3)
    assert majority(cues, 0.7) == pytest.approx(published, abs=5e-5)
    assert found.remembering == pytest.approx([majority(cues, 0.7)] * 3, abs=1e-12)
    assert found.forgetting == pytest.approx(majority(cues, 0.7), abs=1e-12)


@pytest.mark.parametrize("reliability", [0.5, 0.6, 0.9, 1.0, 0.0])
@pytest.mark.parametrize("cues", [1, 2, 5])
def test_one_cue_of_reliability_q_gives_q_and_one_that_lies_gives_as_much(cues, reliability):
    q = max(reliability, 1 - reliability)
    assert ceiling(rain(1.0), 1, reliability, 2).remembering == pytest.approx([q, q])
    assert ceiling(rain(1.0), cues, reliability, 1).remembering == pytest.approx([majority(cues, reliability)])


def test_weather_that_lasts_is_known_by_the_majority_of_all_cues_so_far():
    found = ceiling(rain(0.0), 1, 0.8, 6).remembering
    assert found == pytest.approx([majority(t, 0.8) for t in range(1, 7)], abs=1e-12)


def _by_hand(name: str, renewal: Fraction, q: Fraction, junctions: int) -> list[float]:
    """The ceiling by enumeration of every course of the weather and every course of one cue a proposition, in
    fractions, from the words of the rules."""
    half = Fraction(1, 2)
    n_props = 2 if name == "conjunction" else 1
    once = {1: Fraction(7, 10), 0: Fraction(3, 10)} if n_props == 2 else {1: half, 0: half}
    chances: list[dict] = [{} for _ in range(junctions)]
    signs = list(product((0, 1), repeat=n_props))
    for weather in product(signs, repeat=junctions):
        p = Fraction(1)
        for k in range(n_props):
            for t in range(junctions):
                now, before = weather[t][k], weather[t - 1][k]
                anew = once[now]
                p *= anew if t == 0 else renewal * anew + (1 - renewal) * (now == before)
        acts, step = [], 0
        for t in range(junctions):
            rainy = weather[t][0]
            if name == "rain":
                left = rainy
            elif name == "conjunction":
                left = all(weather[t])
            elif name == "count":
                left = sum(w[0] for w in weather[: t + 1]) >= 3
            else:
                step = step + 1 if step in (1, 2) else rainy
                left = step in (1, 3)
            acts.append(LEFT if left else RIGHT)
        for t in range(junctions):
            for seen in product(signs, repeat=t + 1):
                hits = sum(s == w for a, b in zip(seen, weather, strict=False) for s, w in zip(a, b, strict=True))
                likely = p * q**hits * (1 - q) ** (n_props * (t + 1) - hits)
                chances[t].setdefault(seen, [Fraction(0), Fraction(0)])[acts[t]] += likely
    return [float(sum(max(pair) for pair in there.values())) for there in chances]


@pytest.mark.parametrize(("name", "junctions"), [("rain", 4), ("count", 5), ("plan", 4), ("conjunction", 2)])
def test_ceilings_are_what_every_history_taken_alone_adds_up_to(name, junctions, monkeypatch):
    if name == "conjunction":  # a fraction instead of 1 / sqrt 2
        monkeypatch.setattr("mesocosm.experiments.latent_rule.worlds.np.sqrt", lambda _: 0.7)
    found = ceiling(RULES[name](0.5), 1, 0.75, junctions).remembering
    assert found == pytest.approx(_by_hand(name, Fraction(1, 2), Fraction(3, 4), junctions), abs=1e-12)


def test_cues_that_are_never_wrong_leave_nothing_to_guess_and_forgetting_costs():
    for rule in (count, plan):
        found = ceiling(rule(1.0), 1, 1.0, 8)
        assert found.remembering == pytest.approx(np.ones(8)) and found.forgetting < 0.8


def test_what_has_too_many_histories_is_refused_in_a_sentence():
    with pytest.raises(ConfigurationError, match=r"junctions = 30, cues = 9: their exact ceiling asks for more than"):
        ceiling(rain(0.3), 9, 0.7, 30)


def test_a_probe_finds_what_is_there_and_no_more():
    rng = np.random.default_rng(1)
    trips, n = np.repeat(np.arange(100), 8), 800
    true, unused = rng.integers(0, 2, (n, 1)), rng.integers(0, 2, (n, 1))
    rows = {"demanded": true[:, 0], "true": true, "unused": unused, "trip": trips}
    knows = np.column_stack([2.0 * true - 1, rng.normal(size=(n, 5))])
    found = of_one({**rows, "inside": knows}, 1.0, 0)
    assert found["true"] == 1 and found["demanded"] == 1
    assert abs(found["permuted"] - 0.5) < 0.08 and abs(found["unused"] - 0.5) < 0.08
    reads = of_one({**rows, "inside": np.column_stack([knows, unused])}, 1.0, 0)
    assert reads["unused"] == 1  # seen, though the rule makes no use of it: counted against the probe
    nothing = of_one({**rows, "inside": np.zeros((n, 4)), "true": np.ones((n, 1), int)}, 1.0, 0)
    assert "true" not in nothing and nothing["unused"] == 0.5


def test_the_exponent_of_a_planted_law_is_found_and_of_noise_none():
    rng, n = np.random.default_rng(2), np.arange(1, 41) * 128.0
    planted = 3 * n**-0.6
    found = law(n, planted[None] * (1 + 0.05 * rng.normal(size=(32, 40))))
    assert found.low < 0.6 < found.high and found.high - found.low < 0.05
    assert found.foretold == pytest.approx(planted[-1], rel=0.05)
    assert law(n, rng.normal(size=(32, 40))).exponent is None
    assert law(n, np.zeros((32, 40))).exponent is None  # who has come to the ceiling lacks nothing
    assert "decades" in law(n[20:], planted[None, 20:].repeat(8, 0)).note
