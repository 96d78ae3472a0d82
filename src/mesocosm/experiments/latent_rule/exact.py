"""What the best possible driver does who sees the cues alone: exact ceilings, by Bayes. NumPy, no jax.

Nobody who sees no more than the cues can be right more often; who is, has seen something else: leakage.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import comb

import numpy as np

from mesocosm.experiments.latent_rule.worlds import Rule
from mesocosm.record.configuration import ConfigurationError

MOST_HISTORIES = 200_000
_DIGITS = 12
"""Decimals to which two beliefs must agree to be one."""


def majority(cues: int, reliability: float) -> float:
    """Share of right answers of a majority of independent cues; an even split is a coin toss.

    >>> [round(majority(k, 0.7), 4) for k in (1, 3, 5, 9)]
    [0.7, 0.784, 0.8369, 0.9012]
    """
    q = max(reliability, 1 - reliability)
    chances = [comb(cues, n) * q**n * (1 - q) ** (cues - n) for n in range(cues + 1)]
    return sum(p * (1.0 if 2 * n > cues else 0.5 if 2 * n == cues else 0.0) for n, p in enumerate(chances))


@dataclass(frozen=True)
class Ceiling:
    """Share of right acts of the best driver.

    Args:
      remembering: at each junction, by one who remembers all cues of the trip [junctions].
      forgetting: over the trip, by one who sees the cues of the present junction alone and no clock.
    """

    remembering: np.ndarray
    forgetting: float


def ceiling(rule: Rule, cues: int, reliability: float, junctions: int) -> Ceiling:
    """The exact ceiling of a rule: a forward filter over all histories of cues, those of one belief taken together.

    Raises:
      ConfigurationError: where there are too many histories to be counted.
    """
    likely = likelihoods(rule, cues, reliability)  # [patterns, states]
    demanded = np.eye(rule.n_acts)[rule.demands]  # [states, acts]
    weights, marginal = rule.prior[None, :], rule.prior
    remembering = np.zeros(junctions)
    pooled = np.zeros((len(likely), rule.n_acts))
    for t in range(junctions):
        if len(weights) * len(likely) > MOST_HISTORIES:
            raise ConfigurationError(
                f"junctions = {junctions}, cues = {cues}: their exact ceiling asks for more than {MOST_HISTORIES} "
                "histories; take fewer cues or junctions, or renewal = 1.0"
            )
        joint = (weights[:, None, :] * likely[None]).reshape(-1, len(rule.prior))
        remembering[t] = (joint @ demanded).max(axis=1).sum()
        pooled += (marginal * likely) @ demanded
        weights, marginal = _merged(joint @ rule.moves), marginal @ rule.moves
    return Ceiling(remembering, float(pooled.max(axis=1).sum() / junctions))


def likelihoods(rule: Rule, cues: int, reliability: float) -> np.ndarray:
    """Probability of each pattern of cues (how many of each proposition say it is true) in each state.
    [patterns, states]"""
    true = np.array([comb(cues, n) * reliability**n * (1 - reliability) ** (cues - n) for n in range(cues + 1)])
    by_state = np.where(rule.shows[None] == 1, true[:, None, None], true[::-1, None, None])  # [counts, states, props]
    patterns = product(range(cues + 1), repeat=rule.shows.shape[1])
    return np.array([np.prod([by_state[n, :, p] for p, n in enumerate(pattern)], axis=0) for pattern in patterns]) * (
        np.ones(len(rule.prior))
    )


def _merged(weights: np.ndarray) -> np.ndarray:
    """Histories after which the same is believed are one."""
    total = weights.sum(axis=1, keepdims=True)
    there = total[:, 0] > 0
    beliefs = np.round(weights[there] / total[there], _DIGITS)
    _, first, which = np.unique(beliefs, axis=0, return_index=True, return_inverse=True)
    summed = np.bincount(which.ravel(), total[there, 0])
    return (weights[there] / total[there])[first] * summed[:, None]
