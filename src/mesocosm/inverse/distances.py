"""How far a reward is from another, and what each distance takes for the same.

Two rewards may differ by much and ask for the same behaviour. Each distance is 0 between rewards that its equivalence
holds for one, 1 between a reward and its opposite, and has no value for one that asks for nothing.

- `epic` (A. Gleave et al., "Quantifying differences in reward functions", ICLR 2021): potential shaping, positive
  scale, a constant. Not: to redistribute reward over the next state, which changes no policy; so an exact recovery can
  be at 0.5.
- `dard` (B. Wulfe et al., "Dynamics-aware comparison of learned reward functions", ICLR 2022): the same, over
  transitions that can happen.
- `starc` (STARC with value-adjusted levelling: J. Skalse et al., "STARC: a general framework for quantifying
  differences between reward functions", 2023): shaping, positive scale, and redistribution over the next state: all
  that keeps the order of policies.

Where a state absorbs, a shaping is 0 there, and a constant is none: "plus 1 for every tick that one lives" asks for a
longer life. The published forms average over all states and would forget it; here they average over next states that
live, and a death is compared with deaths, so that shapings still cancel exactly and that constant stays.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mesocosm.inverse.mdp import World, reward_of, values_of

FORGETS = {
    "epic": "potential shaping and positive scale",
    "dard": "potential shaping and positive scale, over transitions that can happen",
    "starc": "potential shaping, positive scale, and how reward is spread over next states",
}
"""What each distance takes for the same."""


def full(of: World, reward: np.ndarray) -> np.ndarray:
    """R(s, a, s') from r(s), r(s, a) or R(s, a, s'); 0 from absorbing states. [S, A, S]"""
    r = np.asarray(reward, float)
    if r.ndim < 3:
        r = np.repeat(np.broadcast_to(r.reshape(*r.shape, 1) if r.ndim == 2 else r[:, None, None],
                                      (of.n_states, of.n_acts, 1)), of.n_states, axis=2)  # fmt: skip
    return np.where(of.absorbing[:, None, None], 0.0, r)


def epic(of: World, one: np.ndarray, other: np.ndarray) -> float:
    """EPIC, states and acts drawn evenly; NaN where a reward is nothing but a shaping."""
    live = ~of.absorbing
    even = np.broadcast_to(live / live.sum(), of.transition.shape)
    weight = np.broadcast_to(live[:, None, None] * 1.0, of.transition.shape)
    return _distance(of, one, other, even, weight)


def dard(of: World, one: np.ndarray, other: np.ndarray) -> float:
    """DARD, acts drawn evenly, transitions by the world; NaN where a reward is nothing but a shaping."""
    alive = of.transition * ~of.absorbing
    share = alive.sum(axis=2, keepdims=True)
    return _distance(of, one, other, np.where(share > 0, alive / np.where(share > 0, share, 1), of.transition),
                     np.where(of.absorbing[:, None, None], 0.0, of.transition))  # fmt: skip


def _distance(of: World, one: np.ndarray, other: np.ndarray, then: np.ndarray, weight: np.ndarray) -> float:
    """sqrt((1 - correlation) / 2) of both canonical forms over weighted transitions; NaN where one does not vary."""
    w = weight / weight.sum()
    centred = []
    for reward in (one, other):
        r = full(of, reward)
        x = _form(of, r, then)
        x = x - (w * x).sum()
        size = float(np.sqrt((w * x**2).sum()))
        if size <= 1e-12 * max(float(np.abs(r).max(initial=0)), 1e-300):
            return float("nan")
        centred.append(x / size)
    # half the length of the difference is the same number; 1 - correlation would lose half of its digits near 0
    return float(np.sqrt((w * (centred[0] - centred[1]) ** 2).sum()) / 2)


def _form(of: World, r: np.ndarray, then: np.ndarray) -> np.ndarray:
    """R(s, a, s') + E[discount R(s', A, S'') - R(s, A, S') - discount R(S', A, S'')], S' and S'' by `then` [S, A, S]
    from s and from s'."""
    then = np.where(of.absorbing[:, None, None], of.absorbing / max(int(of.absorbing.sum()), 1), then)
    mean = (then * r).sum(axis=2).mean(axis=1)
    q = then.mean(axis=1)
    crossed = q @ r.mean(axis=1) @ q.T
    return r + of.discount * mean[None, None, :] - mean[:, None, None] - of.discount * crossed[:, None, :]


def starc(of: World, one: np.ndarray, other: np.ndarray) -> float:
    """STARC with value-adjusted levelling by the even policy, in the Euclidean norm; NaN where a reward asks for
    nothing."""
    forms = []
    for reward in (one, other):
        r = reward_of(of, reward)
        form = levelled(of, r)
        size = float(np.linalg.norm(form))
        if size <= 1e-12 * max(float(np.linalg.norm(r)), 1e-300):
            return float("nan")
        forms.append(form / size)
    return float(np.linalg.norm(forms[0] - forms[1]) / 2)


def levelled(of: World, reward: np.ndarray) -> np.ndarray:
    """r(s, a) - V(s) + discount E[V(s')], V of the even policy: how much better an act is than that. [S, A]"""
    r = reward_of(of, reward)
    even = np.full(r.shape, 1 / of.n_acts)
    v = values_of(of, r, even)
    out = r - v[:, None] + of.discount * of.transition @ v
    out[of.absorbing] = 0.0
    return out


DISTANCES: dict[str, Callable[[World, np.ndarray, np.ndarray], float]] = {"epic": epic, "dard": dard, "starc": starc}
