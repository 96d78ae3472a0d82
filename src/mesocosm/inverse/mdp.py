"""A small world of states and acts, its values, and who is where: exact, by linear systems. NumPy only.

The return of a life is the sum of `discount^t r(s_t, a_t)`. Death is an explicit absorbing state: nothing is rewarded
there, and its value is 0, so that a constant added to every living step is no gauge: whoever lives longer gains by it.

Soft values (B. Ziebart, "Modeling purposeful adaptive behavior with the principle of maximum causal entropy", 2010):

    Q = r + discount P V,    V = T log sum_a exp(Q / T),    pi = exp((Q - V) / T)

by soft policy iteration, which is Newton's method on this fixed point: a handful of linear systems.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MOST_STEPS = 10_000
"""Of soft policy iteration; it takes some ten."""


@dataclass(frozen=True)
class World:
    """Where acts lead.

    Args:
      transition: P(s' | s, a). [S, A, S], rows sum to 1.
      discount: of the next step, 0 ... 1; 1 only where every life ends.
      start: where lives begin. [S]
      absorbing: where nothing is rewarded any more. [S] booleans

    Raises:
      ValueError: naming what is not a world.
    """

    transition: np.ndarray
    discount: float
    start: np.ndarray
    absorbing: np.ndarray

    def __post_init__(self) -> None:
        p, n = self.transition, self.transition.shape[0]
        if p.ndim != 3 or p.shape[2] != n:
            raise ValueError(f"transition: has shape {p.shape}; must be [states, acts, states]")
        if not np.isfinite(p).all() or (p < 0).any() or not np.allclose(p.sum(axis=2), 1, atol=1e-9):
            raise ValueError("transition: its rows must be probabilities that sum to 1")
        if not 0 <= self.discount <= 1:
            raise ValueError(f"discount = {self.discount}: must be 0 ... 1")
        if self.start.shape != (n,) or self.absorbing.shape != (n,):
            raise ValueError(f"start, absorbing: must have one entry for each of {n} states")
        if self.discount == 1 and not self._ends():
            raise ValueError("discount = 1: some lives never end, so that no return is finite; give one below 1")

    @property
    def n_states(self) -> int:
        return self.transition.shape[0]

    @property
    def n_acts(self) -> int:
        return self.transition.shape[1]

    @property
    def living(self) -> np.ndarray:
        """States that are not absorbing: their numbers."""
        return np.flatnonzero(~self.absorbing)

    def _ends(self) -> bool:
        """Whether no policy can live for ever: every cycle of states and acts leads out."""
        living, may = self.living, np.zeros(self.n_states, bool)
        may[living] = True
        leads_on = self.transition > 0
        for _ in range(self.n_states):  # states from which one may stay among those from which one may stay
            stays = may & np.logical_or.reduce(leads_on & may[None, None, :], axis=(1, 2))
            if np.array_equal(stays, may):
                break
            may = stays
        return not may.any()


def world(
    transition: np.ndarray,
    discount: float,
    start: np.ndarray | None = None,
    absorbing: np.ndarray | None = None,
) -> World:
    """A world; lives begin anywhere that is not absorbing, and nothing is absorbing, unless said otherwise."""
    p = np.asarray(transition, float)
    ends = np.zeros(p.shape[0], bool) if absorbing is None else np.asarray(absorbing, bool)
    if start is None:
        start = ~ends / max(int((~ends).sum()), 1)
    return World(p, float(discount), np.asarray(start, float), ends)


def with_clock(of: World, horizon: int, discount: float | None = None) -> World:
    """The same world, in which every life ends after `horizon` steps: state `t S + s`, the last one absorbing.

    A policy here is one that changes with time.

    Args:
      discount: of the next step, that of the world unless given; 1 is permitted.

    >>> with_clock(world(np.ones((1, 1, 1)), 0.5), 3, discount=1).n_states
    4
    """
    s, a = of.n_states, of.n_acts
    n = horizon * s + 1
    p = np.zeros((n, a, n))
    for t in range(horizon):
        here = slice(t * s, (t + 1) * s)
        if t + 1 < horizon:
            p[here, :, (t + 1) * s : (t + 2) * s] = of.transition
        else:
            p[here, :, -1] = 1
    p[-1, :, -1] = 1
    start = np.zeros(n)
    start[:s] = of.start
    absorbing = np.append(np.tile(of.absorbing, horizon), True)
    return World(p, of.discount if discount is None else float(discount), start, absorbing)


def reward_of(of: World, reward: np.ndarray) -> np.ndarray:
    """r(s, a) as expected under the world, 0 in absorbing states, from r(s), r(s, a) or r(s, a, s'). [S, A]"""
    r = np.asarray(reward, float)
    if r.ndim == 3:
        r = (of.transition * r).sum(axis=2)
    elif r.ndim == 1:
        r = np.repeat(r[:, None], of.n_acts, axis=1)
    return np.where(of.absorbing[:, None], 0.0, r)


def boltzmann(q: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Acts with chances in proportion to exp(Q / T). [S, A]"""
    weight = np.exp((q - q.max(axis=1, keepdims=True)) / temperature)
    return weight / weight.sum(axis=1, keepdims=True)


def soft_max(q: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """T log sum_a exp(Q / T), without overflow. [S]"""
    top = q.max(axis=1)
    return top + temperature * np.log(np.exp((q - top[:, None]) / temperature).sum(axis=1))


def values_of(of: World, reward: np.ndarray, policy: np.ndarray) -> np.ndarray:
    """V of a policy [S, A]; of several rewards at once where `reward` is [S, A, k]. [S] or [S, k]"""
    r = np.where(of.absorbing.reshape(-1, *[1] * (np.ndim(reward) - 1)), 0.0, reward)
    gained = np.einsum("sa,sa...->s...", policy, r)
    out = np.zeros_like(gained)
    live = of.living
    out[live] = np.linalg.solve(_flow(of, policy), gained[live])
    return out


def ahead(of: World, reward: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Q = r + discount P V, 0 in absorbing states. [S, A] or [S, A, k]"""
    q = reward + of.discount * np.tensordot(of.transition, values, axes=(2, 0))
    q[of.absorbing] = 0.0
    return q


def _flow(of: World, policy: np.ndarray) -> np.ndarray:
    """I - discount P_pi among living states."""
    live = of.living
    p = np.einsum("sa,sat->st", policy[live], of.transition[live][:, :, live])
    return np.eye(live.size) - of.discount * p


def soft_policy(of: World, reward: np.ndarray, temperature: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """The policy of maximum causal entropy under a reward [S, A], and its soft values.

    Returns:
      pi [S, A], uniform in absorbing states, and V [S].
    """
    r = reward_of(of, reward)
    v = np.zeros(of.n_states)
    pi = np.full((of.n_states, of.n_acts), 1 / of.n_acts)
    for _ in range(MOST_STEPS):
        pi = boltzmann(ahead(of, r, v), temperature)
        with np.errstate(divide="ignore", invalid="ignore"):
            entropy = -np.where(pi > 0, pi * np.log(pi), 0).sum(axis=1, keepdims=True)
        new = values_of(of, r + temperature * entropy, pi)
        is_done = np.abs(new - v).max(initial=0) <= 1e-13 * max(1.0, float(np.abs(new).max(initial=0)))
        v = new
        if is_done:
            break
    return boltzmann(ahead(of, r, v), temperature), v


def best_policy(of: World, reward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A policy of the highest return, by policy iteration, ties shared equally; and its values. [S, A], [S]"""
    r = reward_of(of, reward)
    scale = max(1.0, float(np.abs(r).max(initial=0)))
    act = np.zeros(of.n_states, int)
    for _ in range(MOST_STEPS):
        v = values_of(of, r, np.eye(of.n_acts)[act])
        q = ahead(of, r, v)
        better = np.where(q.max(axis=1) > q[np.arange(act.size), act] + 1e-12 * scale, q.argmax(axis=1), act)
        if np.array_equal(better, act):
            break
        act = better
    ties = q >= q.max(axis=1, keepdims=True) - 1e-9 * max(scale, float(np.abs(v).max(initial=0)))
    return ties / ties.sum(axis=1, keepdims=True), v


def occupancy(of: World, policy: np.ndarray, start: np.ndarray | None = None) -> np.ndarray:
    """Discounted number of visits of each living state and act, from the start of the world or another. [S, A]"""
    live = of.living
    begins = (of.start if start is None else start)[live]
    visits = np.zeros(of.n_states)
    visits[live] = np.linalg.solve(_flow(of, policy).T, begins)
    return visits[:, None] * policy


def value_from_start(of: World, reward: np.ndarray, policy: np.ndarray) -> float:
    """The mean return of a life."""
    return float((occupancy(of, policy) * reward_of(of, reward)).sum())
