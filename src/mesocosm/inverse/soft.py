"""The inverse of soft planning in closed form: every reward under which a policy is the soft-optimal one.

    r = T log pi + V - discount P V,    for any V

(H. Cao, S. Cohen and L. Szpruch, "Identifiability in inverse reinforcement learning", NeurIPS 2021.) V is 0 in
absorbing states and free elsewhere: these are potential shapings (A. Ng, D. Harada and S. Russell 1999). One world
cannot tell them apart. A second world with other transitions and the same reward can: the unknown values of both solve
one linear system, of rank 2S - 1 where nothing absorbs, so that the reward is known up to one constant; a death that is
more likely in one of them pins that constant too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mesocosm.inverse.mdp import World, ahead, soft_max


def reward_behind(
    of: World, policy: np.ndarray, values: np.ndarray | None = None, temperature: float = 1.0
) -> np.ndarray:
    """A reward under which `policy` is soft-optimal: that with these values, by default 0. [S, A]

    Where an act is never taken its reward is -inf: only an upper bound could be said.
    """
    v = np.zeros(of.n_states) if values is None else np.where(of.absorbing, 0.0, values)
    with np.errstate(divide="ignore"):
        r = temperature * np.log(policy) + v[:, None] - of.discount * of.transition @ v
    r[of.absorbing] = 0.0
    return r


def reward_of_table(of: World, q: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """The reward whose soft values are a given Boltzmann table of Q values. [S, A]"""
    v = np.where(of.absorbing, 0.0, soft_max(q, temperature))
    return np.where(of.absorbing[:, None], 0.0, q - ahead(of, np.zeros_like(q), v))


@dataclass(frozen=True)
class Identified:
    """What two worlds tell of one reward.

    Args:
      reward: the least-squares solution. [S, A]
      rank: of the linear system; of `unknowns`, the values of both worlds.
      unknowns: twice the states that are not absorbing.
      misfit: root mean square by which the two worlds disagree on the reward, at that solution.
      free: what may be added to the reward without that either policy tells of it. [S, A, directions]
      is_up_to_a_constant: one direction is left, and it adds one number to every reward.
    """

    reward: np.ndarray
    rank: int
    unknowns: int
    misfit: float
    free: np.ndarray
    is_up_to_a_constant: bool

    def error(self, truth: np.ndarray) -> float:
        """How far the reward is from the true one but for what is free: root mean square over what is not absorbing,
        over the spread of the true one."""
        is_living = np.abs(truth).sum(axis=1) + np.abs(self.reward).sum(axis=1) > 0
        apart = (self.reward - truth)[is_living].ravel()
        free = self.free[is_living].reshape(apart.size, self.free.shape[2])
        left = apart - free @ np.linalg.lstsq(free, apart, rcond=None)[0] if free.size else apart
        return float(np.sqrt(np.mean(left**2)) / (truth[is_living].std() or 1.0))


def two_worlds(
    first: World,
    second: World,
    policies: tuple[np.ndarray, np.ndarray],
    temperature: float = 1.0,
    weights: np.ndarray | None = None,
) -> Identified:
    """The reward behind the soft-optimal policies of one individual in two worlds.

    Args:
      weights: of each state and act, for example how often it was seen in the world where it was seen less; those with
        0 say nothing. [S, A]

    Raises:
      ValueError: where the worlds have other states or acts, or nothing was seen in both.
    """
    if first.transition.shape != second.transition.shape or not np.array_equal(first.absorbing, second.absorbing):
        raise ValueError("two worlds: must have the same states and acts, and end in the same states")
    live = first.living
    usable = (policies[0] > 0) & (policies[1] > 0) & ~first.absorbing[:, None]
    w = np.where(usable, 1.0 if weights is None else weights, 0.0)[live].ravel()
    if not (w > 0).any():
        raise ValueError("two worlds: no act was seen in both, so that nothing can be compared")
    parts = [_of_values(of)[live][:, :, live].reshape(-1, live.size) for of in (first, second)]
    system = np.concatenate([parts[0], -parts[1]], axis=1)
    logs = [temperature * np.log(np.where(usable, pi, 1.0))[live].ravel() for pi in policies]
    root, wanted = np.sqrt(w), logs[1] - logs[0]
    solution, *_ = np.linalg.lstsq(root[:, None] * system, root * wanted, rcond=1e-10)
    rank, null = _null(root[:, None] * system)
    rewards = [log + part @ v for log, part, v in zip(logs, parts, np.split(solution, 2), strict=True)]
    left = parts[0] @ null[: live.size]  # what may be added to the reward: [S A, directions]
    spread = left[w > 0].std(axis=0).max(initial=0)
    out, free = np.zeros(policies[0].shape), np.zeros((*policies[0].shape, null.shape[1]))
    out[live] = ((rewards[0] + rewards[1]) / 2).reshape(live.size, first.n_acts)
    free[live] = left.reshape(live.size, first.n_acts, null.shape[1])
    apart = float(np.sqrt(np.average((rewards[0] - rewards[1]) ** 2, weights=w)))
    return Identified(out, rank, 2 * live.size, apart, free, null.shape[1] == 1 and bool(spread < 1e-8))


def _of_values(of: World) -> np.ndarray:
    """What values add to a reward: V(s) - discount E[V(s')], as a matrix. [S, A, S]"""
    return np.eye(of.n_states)[:, None, :] - of.discount * of.transition


def _null(system: np.ndarray) -> tuple[int, np.ndarray]:
    """Rank, and the directions of the unknowns that the system does not see. [unknowns, unknowns - rank]"""
    _, s, right = np.linalg.svd(system, full_matrices=True)
    rank = int((s > 1e-10 * s.max(initial=0)).sum())
    return rank, right[rank:].T
