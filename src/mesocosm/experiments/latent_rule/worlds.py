"""Rules that an expert drives by, as data: what is hidden, how it changes, what it demands. NumPy, no jax.

A rule is a finite hidden Markov chain. Each junction has a hidden state, which makes propositions true or false ("it is
raining"), which cues show, and demands one act. Left is act 0, right is act 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

LEFT, RIGHT = 0, 1
DOORS = 5


@dataclass(frozen=True)
class Rule:
    """What is hidden and what it demands.

    Args:
      prior: of the hidden state at the first junction [states].
      moves: probability of each state at the next junction [states, states].
      shows: which propositions are true in a state, 0 or 1 [states, propositions].
      demands: the act that the rule demands in a state [states].
      n_acts: how many acts there are.
      is_settled: whether `prior` stays what it is under `moves`, so that there is a junction before the first one.
      is_told: whether a driver is told, after each act, if that was right: there the acts themselves bring evidence.
    """

    prior: np.ndarray
    moves: np.ndarray
    shows: np.ndarray
    demands: np.ndarray
    n_acts: int = 2
    is_settled: bool = False
    is_told: bool = False


def rain(renewal: float) -> Rule:
    """Left if it is raining, right otherwise."""
    moves = _renewed(np.array([0.5, 0.5]), renewal)
    return Rule(np.array([0.5, 0.5]), moves, np.array([[0], [1]]), np.array([RIGHT, LEFT]), is_settled=True)


def conjunction(renewal: float) -> Rule:
    """Left if it is raining and dark, each of which is so with probability 1/sqrt 2: both at half of the junctions."""
    once = np.array([1 - np.sqrt(0.5), np.sqrt(0.5)])
    prior = np.kron(once, once)  # states: rain * 2 + dark
    moves = np.kron(_renewed(once, renewal), _renewed(once, renewal))
    shows = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    return Rule(prior, moves, shows, np.where(shows.all(axis=1), LEFT, RIGHT), is_settled=True)


COUNTED = 3


def count(renewal: float) -> Rule:
    """Left once it has rained at three junctions of the trip, this one included."""
    weather = _renewed(np.array([0.5, 0.5]), renewal)
    n = COUNTED + 1  # states: rain * n + junctions at which it has rained
    moves = np.zeros((2 * n, 2 * n))
    for now in range(2):
        for seen in range(n):
            for later in range(2):
                moves[now * n + seen, later * n + min(COUNTED, seen + later)] = weather[now, later]
    prior = np.zeros(2 * n)
    prior[[0, n + 1]] = 0.5
    seen = np.tile(np.arange(n), 2)
    return Rule(prior, moves, np.repeat([[0], [1]], n, axis=0), np.where(seen == COUNTED, LEFT, RIGHT))


def plan(renewal: float) -> Rule:
    """A plan of three steps, left, right, left, begun when it rains and finished whatever the weather; else right."""
    weather = _renewed(np.array([0.5, 0.5]), renewal)
    moves = np.zeros((8, 8))  # states: rain * 4 + step of the plan (0: none)
    for now in range(2):
        for step in range(4):
            for later in range(2):
                following = step + 1 if step in (1, 2) else later
                moves[now * 4 + step, later * 4 + following] = weather[now, later]
    prior = np.zeros(8)
    prior[[0, 4 + 1]] = 0.5
    step = np.tile(np.arange(4), 2)
    return Rule(prior, moves, np.repeat([[0], [1]], 4, axis=0), np.where(step % 2 == 1, LEFT, RIGHT))


def doors(renewal: float) -> Rule:
    """One of five doors is the right one for the whole trip, and nothing shows which: after each act a driver is told,
    not always truly, whether it was right (G. Swamy et al. 2022)."""
    once = np.full(DOORS, 1 / DOORS)
    none = np.zeros((DOORS, 0), int)
    return Rule(once, _renewed(once, renewal), none, np.arange(DOORS), DOORS, is_settled=True, is_told=True)


RULES: Mapping[str, Callable[[float], Rule]] = {f.__name__: f for f in (rain, conjunction, count, plan, doors)}
"""Rules by name: each takes the probability that the weather is drawn anew between two junctions."""


def _renewed(prior: np.ndarray, renewal: float) -> np.ndarray:
    """A chain that stays what it is, and with probability `renewal` is drawn anew from its prior."""
    return (1 - renewal) * np.eye(len(prior)) + renewal * np.tile(prior, (len(prior), 1))
