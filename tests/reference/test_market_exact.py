"""What `market` reads out of orders, against a plain sum over them, and against orders drawn by another program."""

from __future__ import annotations

import numpy as np
import pytest

from mesocosm.analyses.beliefs import covered_at, of_market
from mesocosm.instruments.orders import Grid, laplace, log_likelihood, of_margin, posterior

FEE, KEENEST = 0.02, 7.0


def choices(prices, belief, rationality):
    """Probability of selling, waiting and buying at each price. [rounds, 3]"""
    gains = np.column_stack([prices - belief - FEE, np.zeros_like(prices), belief - prices - FEE])
    weights = np.exp(rationality * (gains - gains.max(axis=1, keepdims=True)))
    return weights / weights.sum(axis=1, keepdims=True)


def market(rng, traders, rounds=100):
    """Beliefs and log2 rationality by the prior, prices that go about, and orders."""
    belief, keenness = rng.random(traders), KEENEST * rng.random(traders)
    prices = 1 / (1 + np.exp(-2 * np.sin(np.arange(rounds)) - rng.normal(size=rounds)))
    orders = np.empty((rounds, traders), int)
    for i in range(traders):
        chances = choices(prices, belief[i], 2 ** keenness[i]).cumsum(axis=1)
        orders[:, i] = (rng.random((rounds, 1)) >= chances).sum(axis=1) - 1
    return prices, orders, {"belief": belief, "keenness": keenness}


def test_the_likelihood_is_the_product_of_choices():
    rng = np.random.default_rng(0)
    prices, orders, _ = market(rng, 3, 20)
    grid = Grid.of(KEENEST, 4, 3)
    found = log_likelihood(prices, orders, FEE, grid)
    for b, belief in enumerate(grid.beliefs):
        for k, keenness in enumerate(grid.keenness):
            chances = choices(prices, belief, 2**keenness)
            for i in range(3):
                assert found[i, b, k] == pytest.approx(np.log(chances[np.arange(20), orders[:, i] + 1]).sum())


def test_exact_intervals_hold_the_truth_as_often_as_they_say_and_one_rationality_for_all_does_not():
    rng, grid = np.random.default_rng(1), Grid.of(KEENEST, 61, 41)
    found, covered = [], []
    for _ in range(6):
        prices, orders, true = market(rng, 100)
        likely = log_likelihood(prices, orders, FEE, grid)
        found.append(of_market(likely, grid, true, 0.9))
        covered.append(covered_at(likely, grid, true))
    for name in ("belief", "keenness"):
        shares = np.mean([c[name] for c in covered], axis=0)
        assert shares == pytest.approx([0.5, 0.8, 0.9, 0.95], abs=0.06)  # 600 traders: 3 standard errors at 0.5
    mean = {key: np.mean([f[key] for f in found]) for key in found[0]}
    assert mean["belief_error"] < 0.75 * mean["belief_error_fixed"]
    assert mean["belief_covered_fixed"] < 0.7 < mean["belief_covered"]
    assert mean["keenness_error"] < KEENEST / np.sqrt(12) / 2


def test_a_finer_grid_says_the_same_and_no_order_says_nothing():
    rng = np.random.default_rng(2)
    prices, orders, _ = market(rng, 8)
    said = []
    for sizes in ((101, 57), (808, 228)):
        grid = Grid.of(KEENEST, *sizes)
        weights = posterior(log_likelihood(prices, orders, FEE, grid))
        found = of_margin(weights.sum(axis=2), grid.beliefs, 0.9)
        said.append(np.stack([found.mean, found.low, found.high]))
    assert said[0] == pytest.approx(said[1], abs=1e-3)
    grid = Grid.of(KEENEST, 50, 20)
    flat = posterior(log_likelihood(prices[:0], orders[:0], FEE, grid)).sum(axis=2)
    prior = of_margin(flat, grid.beliefs, 0.9)
    assert (prior.mean, prior.low, prior.high) == (pytest.approx(0.5), pytest.approx(0.05), pytest.approx(0.95))


def test_where_orders_say_much_laplace_agrees():
    rng, grid = np.random.default_rng(3), Grid.of(KEENEST)
    prices = rng.random(2000)
    chances = choices(prices, 0.4, 2**3.0).cumsum(axis=1)
    orders = (rng.random((2000, 1)) >= chances).sum(axis=1, keepdims=True) - 1
    likely = log_likelihood(prices, orders, FEE, grid)
    exact, near = of_margin(posterior(likely).sum(axis=2), grid.beliefs, 0.9), laplace(likely, grid, 0.9)
    assert near.mean == pytest.approx(exact.mean, abs=0.01) and exact.low < 0.4 < exact.high
    assert near.high - near.low == pytest.approx(exact.high - exact.low, rel=0.15)
