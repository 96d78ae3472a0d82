"""Which rewards make a policy optimal: a polytope, and the point in it that Ng and Russell would take.

A. Ng and S. Russell, "Algorithms for inverse reinforcement learning", ICML 2000. With r(s, a) = w . features(s, a), the
Q values of a fixed policy are linear in w, so that "no other act is better" is a set of linear inequalities. R = 0
always fulfils them: of a policy that never varies nothing more can be said than this polytope. Their choice in it: let
the policy be better than the next best act by as much as possible, with weights within +-1, and few of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from mesocosm.inverse.mdp import World, ahead, reward_of, values_of


@dataclass(frozen=True)
class Polytope:
    """Weights w with `margins @ w >= 0` make the policy optimal.

    Args:
      margins: by how much, per unit of each weight, the policy's act is better than another. [comparisons, k]
      state: of each comparison. [comparisons]
      is_other: the other act is one that the policy does not take; else both must be equally good. [comparisons]
    """

    margins: np.ndarray
    state: np.ndarray
    is_other: np.ndarray

    def holds(self, weights: np.ndarray, slack: float = 1e-9) -> bool:
        """Whether the policy is optimal under these weights; the slack is relative to them."""
        size = float(np.abs(weights).max(initial=0)) * float(np.abs(self.margins).max(initial=0))
        return bool((self.margins @ weights >= -slack * size).all())

    def bounds(self) -> np.ndarray:
        """The least and the largest value of each weight, all within +-1. [k, 2]"""
        k = self.margins.shape[1]
        out = np.zeros((k, 2))
        for i in range(k):
            for side, sign in ((0, 1.0), (1, -1.0)):
                found = _solved(sign * np.eye(k)[i], -self.margins, np.zeros(len(self.margins)), [(-1, 1)] * k)
                out[i, side] = found[i]
        return out

    def share(self, draws: int = 20_000, seed: int = 0) -> float:
        """The share of random directions of weights that make the policy optimal: what behaviour did not rule out."""
        w = np.random.default_rng(seed).normal(size=(draws, self.margins.shape[1]))
        size = np.abs(self.margins).max(initial=0)
        return float((w @ self.margins.T >= -1e-9 * size).all(axis=1).mean())


def polytope(of: World, policy: np.ndarray, features: np.ndarray) -> Polytope:
    """All weights under which a policy is optimal.

    Args:
      policy: [S, A]; where several acts are taken, all of them must be the best.
      features: [S, A, k].
    """
    features = np.where(of.absorbing[:, None, None], 0.0, features)
    values = values_of(of, features, policy)
    q = ahead(of, features, values)
    rows, states, others = [], [], []
    for s in of.living:
        taken, own = policy[s] > 0, q[s, np.argmax(policy[s] > 0)]
        for a in range(of.n_acts):
            if a != np.argmax(taken):
                rows += [own - q[s, a]] + [q[s, a] - own] * bool(taken[a])
                others += [not taken[a]] + [False] * bool(taken[a])
                states += [s] * (1 + bool(taken[a]))
    return Polytope(np.array(rows).reshape(-1, features.shape[2]), np.array(states, int), np.array(others, bool))


def ng_russell(
    of: World, policy: np.ndarray, features: np.ndarray, penalty: float = 0.0, importance: np.ndarray | None = None
) -> np.ndarray:
    """The weights, within +-1, under which the policy is better than the next best act by as much as possible.

    Args:
      penalty: for each unit of weight, in units of return summed over states: few weights are then used.
      importance: of each state, where the world is known from counts only: an act that is not the best then counts
        twice against the weights (their section 4), instead of ruling them out. [S]

    Returns:
      [k]; all 0 where no other weights make the policy optimal (or the penalty is too high).
    """
    found = polytope(of, policy, features)
    k, states = features.shape[2], np.unique(found.state[found.is_other])
    place = np.searchsorted(states, found.state[found.is_other])
    # unknowns: w+, w-, and the margin t of each state, t <= each of its margins
    margins = np.concatenate([-found.margins, found.margins], axis=1)
    t = np.eye(states.size)[place]
    above = np.concatenate([margins[found.is_other], t], axis=1)
    if importance is None:
        rest = np.concatenate([margins, np.zeros((len(margins), states.size))], axis=1)
    else:
        rest = np.concatenate([2 * margins[found.is_other], t], axis=1)
    gain = np.ones(states.size) if importance is None else importance[states]
    cost = np.concatenate([np.full(2 * k, penalty), -gain])
    limits = [(0, 1)] * (2 * k) + [(None, None)] * states.size
    x = _solved(cost, np.concatenate([above, rest]), np.zeros(len(above) + len(rest)), limits)
    return x[:k] - x[k : 2 * k]


def of_states(of: World) -> np.ndarray:
    """Features that give each living state a weight of its own. [S, A, S]"""
    out = np.repeat(np.eye(of.n_states)[:, None, :], of.n_acts, axis=1)
    return np.where(of.absorbing[:, None, None], 0.0, out)


def is_optimal(of: World, policy: np.ndarray, reward: np.ndarray, slack: float = 1e-9) -> bool:
    """Whether no act is better than those that the policy takes."""
    r = reward_of(of, reward)
    q = ahead(of, r, values_of(of, r, policy))
    lost = (q.max(axis=1, keepdims=True) - q)[policy > 0]
    return bool((lost <= slack * max(float(np.abs(q).max(initial=0)), 1e-300)).all())


def _solved(
    cost: np.ndarray, above: np.ndarray, limit: np.ndarray, bounds: list[tuple[float | None, float | None]]
) -> np.ndarray:
    """The x of the least cost with above @ x <= limit. R = 0 is always among them, so there is one."""
    found = linprog(cost, A_ub=above, b_ub=limit, bounds=bounds, method="highs")
    if found.x is None:
        raise ArithmeticError(f"linear programme: {found.message}")
    return np.asarray(found.x)
