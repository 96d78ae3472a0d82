"""Maximum causal entropy: the weights under which what was done is as likely as can be.

B. Ziebart, J. A. Bagnell and A. Dey, "Modeling interaction via the principle of maximum causal entropy", ICML 2010.
With r(s, a) = w . features(s, a) and soft values, the likelihood of acts, sum n(s, a) log pi_w(a | s), has the gradient

    mu_expert - mu_policy

the features met by who was watched, and those that the policy meets from the same start. That start need not be asked
for: it is what the counts themselves imply, n(s') - discount sum n(s, a) P(s' | s, a). So episodes may begin anywhere,
be short, and end at any length (cut off, not dead): a cut is then no evidence of anything.

Soft rewards have a scale: that of the noise. Of a policy that never varies the likelihood has no maximum; the ridge
keeps the weights finite, and `is_deterministic` says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mesocosm.inverse.mdp import World, ahead, occupancy, soft_policy, values_of


@dataclass(frozen=True)
class Fit:
    """Weights that were found.

    Args:
      weights: [k].
      policy: the soft-optimal policy under them. [S, A]
      gap: the largest difference between features met and features of the policy, a step.
      bits: the mean of -log2 pi(a | s) of what was done; `bits_best` that of the best policy without any reward.
      is_deterministic: no state that was seen twice had two acts.
      steps: evaluations of the likelihood.
    """

    weights: np.ndarray
    policy: np.ndarray
    gap: float
    bits: float
    bits_best: float
    is_deterministic: bool
    steps: int


def implied_start(of: World, counts: np.ndarray) -> np.ndarray:
    """The start from which counts n(s, a) would be what is met: n(s') - discount sum n(s, a) P(s' | s, a). [S]"""
    return counts.sum(axis=1) - of.discount * np.einsum("sa,sat->t", counts, of.transition)


def likelihood(
    of: World, features: np.ndarray, counts: np.ndarray, weights: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Log likelihood of acts, its gradient mu_expert - mu_policy, and the policy.

    Args:
      features: [S, A, k].
      counts: how often each act was taken in each state; absorbing states say nothing. [S, A]
      weights: [k].
    """
    n = np.where(of.absorbing[:, None], 0.0, counts)
    policy, _ = soft_policy(of, features @ weights)
    logs = np.log(np.maximum(policy, 1e-300))
    met = np.einsum("sa,sak->k", n, features)
    of_policy = np.einsum("sa,sak->k", occupancy(of, policy, implied_start(of, n)), features)
    return float((n * logs).sum()), met - of_policy, policy


def max_causal_entropy(
    of: World, features: np.ndarray, counts: np.ndarray, ridge: float = 1e-6, most_steps: int = 300
) -> Fit:
    """The weights of largest likelihood, by Newton's method with Fisher's information, damped where it overshoots.

    Features that are met a million times more rarely than others are no harder for it than those; by plain gradients
    they would stay at 0.

    Args:
      features: [S, A, k].
      counts: [S, A], not negative; or an occupancy.
      ridge: of the squared weights (features in units of their largest), against the mean log likelihood of an act:
        directions that change no policy stay 0.

    Raises:
      ValueError: where nothing was seen.
    """
    n = np.where(of.absorbing[:, None], 0.0, np.asarray(counts, float))
    total = float(n.sum())
    if total <= 0 or not np.isfinite(total) or (n < 0).any():
        raise ValueError("counts: no act was seen in a state that is not absorbing; there is nothing to explain")
    phi = np.where(of.absorbing[:, None, None], 0.0, features)
    scale = np.abs(phi).max(axis=(0, 1))
    scale = np.where(scale > 0, scale, 1.0)
    phi = phi / scale

    def at(w: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        value, slope, policy = likelihood(of, phi, n, w)
        return value / total - ridge * float(w @ w) / 2, slope / total - ridge * w, policy

    def bend(policy: np.ndarray) -> np.ndarray:
        return _fisher(of, phi, n / total, policy) + ridge * np.eye(phi.shape[2])

    w, steps = _climbed(at, bend, np.zeros(phi.shape[2]), most_steps)
    value, slope, policy = likelihood(of, phi, n, w)
    return Fit(
        w / scale,
        policy,
        float(np.abs(slope * scale).max(initial=0)) / total,
        -value / total / np.log(2),
        _entropy_of_counts(n),
        is_deterministic(n),
        steps,
    )


def _climbed(
    at: Callable[[np.ndarray], tuple[float, np.ndarray, np.ndarray]],
    bend: Callable[[np.ndarray], np.ndarray],
    w: np.ndarray,
    most_steps: int,
) -> tuple[np.ndarray, int]:
    """The top that damped steps lead to, and how many there were.

    Args:
      at: of weights, the value, its slope and a policy; `bend`: of a policy, the curvature. [k, k]
    """
    damping, (value, slope, policy) = 1e-3, at(w)
    for taken in range(1, most_steps + 1):
        step = np.linalg.solve(bend(policy) + damping * np.eye(w.size), slope)
        tried = at(w + step)
        if tried[0] >= value and np.isfinite(tried[0]):
            is_done = tried[0] - value <= 1e-15 * max(1.0, abs(value)) and np.abs(tried[1]).max() <= 1e-9
            w, damping, (value, slope, policy) = w + step, max(damping / 10, 1e-12), tried
            if is_done:
                return w, taken
        else:
            damping *= 10
            if damping > 1e8:  # no step leads up: rounding is all that is left
                return w, taken
    return w, most_steps


def _fisher(of: World, features: np.ndarray, n: np.ndarray, policy: np.ndarray) -> np.ndarray:
    """Fisher's information on the weights in acts at states as often as seen: sum n(s) Cov of d Q / d w. [k, k]"""
    q = ahead(of, features, values_of(of, features, policy))
    apart = q - np.einsum("sa,sak->sk", policy, q)[:, None]
    root = np.sqrt(n.sum(axis=1)[:, None] * policy)[:, :, None] * apart
    flat = root.reshape(-1, features.shape[2])
    return flat.T @ flat


def is_deterministic(counts: np.ndarray) -> bool:
    """Whether no state that was seen twice had two acts."""
    return not ((counts > 0).sum(axis=1) > 1).any()


def _entropy_of_counts(n: np.ndarray) -> float:
    """Bits an act of the policy that is the counts themselves: no policy does better on them."""
    seen = n.sum(axis=1, keepdims=True)
    share = n / np.where(seen > 0, seen, 1)
    return float(-(n * np.log2(np.where(share > 0, share, 1))).sum() / n.sum())
