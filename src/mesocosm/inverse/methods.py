"""One individual, watched: each way to its reward side by side, on one footing. NumPy and SciPy, no jax.

The reward of an act is `weights . E[events | state, act]`, and the events are seen; the weights are asked for. Blind
acts are declared, and are taken out of the counts before anything is inferred from them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mesocosm.inverse.data import Watched, watched
from mesocosm.inverse.entropy import max_causal_entropy
from mesocosm.inverse.linear import Polytope, ng_russell, polytope
from mesocosm.inverse.mdp import World, best_policy, occupancy, soft_policy, value_from_start
from mesocosm.inverse.soft import reward_behind

METHODS = ("closed form", "Ng-Russell", "entropy")
RIDGE = 1e-2
SURE = 0.99
"""Share of the commonest acts from which on a policy is one that never varies."""


@dataclass(frozen=True)
class Case:
    """What is known of one individual and its like.

    Args:
      seen: the world in which it was watched, as counted.
      features: E[events | state, act], 0 in the absorbing state. [S, A, k]
      counts: how often each act was taken, blind ones taken out. [S, A]
    """

    seen: Watched
    features: np.ndarray
    counts: np.ndarray

    @property
    def world(self) -> World:
        return self.seen.world

    @property
    def is_deterministic(self) -> bool:
        """Whether it hardly ever takes another act, but for blind ones."""
        return bool(self.counts.max(axis=1).sum() >= SURE * self.counts.sum())

    @property
    def policy(self) -> np.ndarray:
        """The shares of acts, with half an act added to each, so that no share is 0. [S, A]"""
        n = self.counts + 0.5
        return n / n.sum(axis=1, keepdims=True)

    @property
    def commonest(self) -> np.ndarray:
        """The commonest act of each state alone. [S, A]"""
        return np.eye(self.counts.shape[1])[self.counts.argmax(axis=1)]

    def reward(self, weights: np.ndarray) -> np.ndarray:
        """r(s, a) under weights. [S, A]"""
        return self.features @ np.asarray(weights, float)


def case(visits: np.ndarray, events: np.ndarray, discount: float, blind: float = 0.0) -> Case:
    """From what was counted.

    Args:
      visits: how often s, a led to s'; the last s' is death. [S, A, S + 1]
      events: mean of each event under s, a; where it was never met, that of the other acts is taken. [S, A, k]
      discount: of the next step.
      blind: the share of acts that are drawn blindly.

    Raises:
      ValueError: where nothing was seen.
    """
    seen = watched(visits, discount)
    n, k = seen.counts[:-1], events.shape[2]
    known = np.where(n[:, :, None] > 0, np.nan_to_num(events[seen.states]), 0.0)
    total = np.maximum(n.sum(axis=1), 1)[:, None]
    of_state = (n[:, :, None] * known).sum(axis=1) / total
    features = np.zeros((*seen.counts.shape, k))
    features[:-1] = np.where(n[:, :, None] > 0, known, of_state[:, None])
    return Case(seen, features, _without_blind(seen.counts, blind))


def _without_blind(counts: np.ndarray, blind: float) -> np.ndarray:
    """Counts less those of blind acts as expected; what does not stand out of them by two standard errors is none."""
    if not blind:
        return counts
    expected = counts.sum(axis=1, keepdims=True) * blind / counts.shape[1]
    clear = counts > expected + 2 * np.sqrt(expected)
    return np.where(clear, counts - expected, 0.0)


def rewards_found(of: Case) -> dict[str, np.ndarray]:
    """r(s, a) by each method; of one who never takes another act the closed form has none. [S, A] each"""
    out = {}
    if not of.is_deterministic:
        out["closed form"] = reward_behind(of.world, of.policy)
    importance = of.seen.counts.sum(axis=1) / of.seen.counts.sum()
    out["Ng-Russell"] = of.reward(ng_russell(of.world, of.commonest, of.features, importance=importance))
    out["entropy"] = of.reward(max_causal_entropy(of.world, of.features, of.counts, RIDGE).weights)
    return out


def left_open(of: Case) -> Polytope:
    """The weights that would ask for the commonest acts."""
    return polytope(of.world, of.commonest, of.features)


def thinned(visits: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """As many of the steps that were seen, drawn without replacement."""
    flat = visits.ravel().astype(np.int64)
    return rng.multivariate_hypergeometric(flat, n, method="marginals").reshape(visits.shape)


def without_noise(of: World, features: np.ndarray, weights: np.ndarray, temperature: float | None) -> Case:
    """The case of infinite data: one who plans on these weights in this world, seen for ever.

    Args:
      temperature: of a soft planner; None: it takes the best act always.
    """
    reward = features @ np.asarray(weights, float)
    policy = best_policy(of, reward)[0] if temperature is None else soft_policy(of, reward, temperature)[0]
    if temperature is None:
        policy = np.eye(of.n_acts)[policy.argmax(axis=1)]
    counts = np.where(of.absorbing[:, None], 0.0, 1e9 * occupancy(of, policy))
    seen = Watched(of, counts, np.arange(of.n_states - 1), np.zeros(counts.shape, bool), True)
    return Case(seen, features, counts)


def transferred(of: World, truth: np.ndarray, reward: np.ndarray) -> float:
    """How much of what can be gained by planning is gained by a plan on another reward: 1 as by the truth, 0 as by
    acting evenly; NaN where nothing can be gained.

    Args:
      truth, reward: r(s, a) in this world. [S, A]
    """
    even = np.full(truth.shape, 1 / truth.shape[1])
    planned = [best_policy(of, r)[0] for r in (truth, reward)]
    best, got, none = (value_from_start(of, truth, policy) for policy in (*planned, even))
    return float("nan") if best - none <= 1e-9 * max(abs(best), abs(none)) else float((got - none) / (best - none))
