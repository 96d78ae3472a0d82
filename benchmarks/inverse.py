"""How long it takes to infer a reward: maximum causal entropy by Newton's method beside the same by plain gradients.

64 states and 4 acts, a weight a state, from 10,000 acts; both in one process, in turns.
"""

from __future__ import annotations

import time

import numpy as np
from scipy.optimize import minimize

from mesocosm.inverse.entropy import likelihood, max_causal_entropy
from mesocosm.inverse.linear import of_states
from mesocosm.inverse.mdp import World, soft_policy, world

STATES, ACTS, STEPS, ROUNDS, RIDGE = 64, 4, 10_000, 9, 1e-4


def case(seed: int) -> tuple[World, np.ndarray, np.ndarray]:
    """A random world with few ways out of each state, a weight a state, and counts of acts."""
    rng = np.random.default_rng(seed)
    of = world(rng.dirichlet(np.full(STATES, 0.05), (STATES, ACTS)), 0.95)
    policy, _ = soft_policy(of, rng.normal(size=STATES))
    return of, of_states(of), rng.multinomial(STEPS, policy.ravel() / STATES).reshape(STATES, ACTS)


def by_gradients(of: World, features: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The same likelihood and ridge, by L-BFGS."""
    total = counts.sum()

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope, _ = likelihood(of, features, counts, w)
        return -value / total + RIDGE * float(w @ w) / 2, -slope / total + RIDGE * w

    options = {"maxiter": 1000, "gtol": 1e-9, "ftol": 1e-15}
    return minimize(loss, np.zeros(features.shape[2]), jac=True, method="L-BFGS-B", options=options).x


def rounds() -> tuple[list[float], list[float]]:
    """Seconds by Newton's method, and how many times as long plain gradients take, in each round."""
    seconds, ratios = [], []
    for k in range(ROUNDS):
        of, features, counts = case(k)
        start = time.perf_counter()
        newton = max_causal_entropy(of, features, counts, RIDGE).weights
        middle = time.perf_counter()
        plain = by_gradients(of, features, counts)
        end = time.perf_counter()
        assert np.abs(newton - plain).max() < 1e-3, "both find the same weights"
        seconds.append(middle - start)
        ratios.append((end - middle) / (middle - start))
    return seconds, ratios
