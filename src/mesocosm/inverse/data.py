"""From what was watched to a world: transitions as they were counted, what was never seen, and how Markov it is.

What a body senses is no state of the world: buckets forget. `memory` says how much the state and act before would tell
of the next state besides the present ones, in bits: I(S'; S-, A- | S, A), 0 where the process is Markov.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mesocosm.findings.information import Information, codes, mutual
from mesocosm.inverse.mdp import World

Episode = tuple[np.ndarray, np.ndarray, bool]
"""States and acts of one life that was watched, and whether it ended by death (else it was cut off)."""


@dataclass(frozen=True)
class Watched:
    """What was seen of one individual and its like.

    Args:
      world: transitions as counted; where a state was seen but an act was not, as its other acts have it.
      counts: how often each act was taken in each state; of the absorbing state nothing. [S, A]
      states: which states of those that there are were seen, by number; the others are no part of `world`. [S - 1]
      unknown: states and acts of `world` whose transitions were never seen. [S, A] booleans
      has_deaths: whether anybody died.
    """

    world: World
    counts: np.ndarray
    states: np.ndarray
    unknown: np.ndarray
    has_deaths: bool

    def notes(self, n_states: int) -> list[str]:
        """What was not seen, in plain sentences."""
        said = []
        if not self.has_deaths:
            said.append("nobody died while they were watched, so that of death nothing can be said")
        if (missing := n_states - self.states.size) > 0:
            said.append(f"{missing} of {n_states} states were never visited, and are left out")
        if self.unknown.any():
            said.append(
                f"{int(self.unknown.sum())} of {self.counts[:-1].size} acts were never tried where they could be"
            )
        return said


def watched(visits: np.ndarray, discount: float) -> Watched:
    """A world from counts of transitions.

    Args:
      visits: how often s, a led to s'; the last s' is death. [S, A, S + 1]
      discount: of the next step.

    Raises:
      ValueError: where nothing was seen.
    """
    visits = np.asarray(visits, float)
    n_states, n_acts, _ = visits.shape
    is_seen = visits.sum(axis=(1, 2)) > 0
    # a state that was entered and never left (cut off there) is not known
    states = np.flatnonzero(is_seen)
    if not states.size:
        raise ValueError("visits: nothing was seen; there is no world to make of it")
    kept = np.append(states, n_states)
    n = visits[states][:, :, kept]
    of_state = n.sum(axis=1, keepdims=True)
    leads_nowhere = of_state.sum(axis=2, keepdims=True) == 0
    stays = np.eye(states.size, states.size + 1)[:, None, :]
    of_state = np.where(leads_nowhere, stays, of_state)
    total = n.sum(axis=2, keepdims=True)
    p = np.zeros((kept.size, n_acts, kept.size))
    p[:-1] = np.where(total > 0, n / np.where(total > 0, total, 1), of_state / of_state.sum(axis=2, keepdims=True))
    p[-1, :, -1] = 1
    counts = np.zeros((kept.size, n_acts))
    counts[:-1] = visits[states].sum(axis=2)
    begins = np.append(counts[:-1].sum(axis=1), 0.0)
    absorbing = np.arange(kept.size) == states.size
    world = World(p, discount, begins / begins.sum(), absorbing)
    unknown = np.zeros(counts.shape, bool)
    unknown[:-1] = total[:, :, 0] == 0
    return Watched(world, counts, states, unknown, bool(visits[:, :, -1].sum() > 0))


def of_episodes(episodes: Sequence[Episode], n_states: int, n_acts: int) -> np.ndarray:
    """Counts of transitions from episodes of any length; the last act of one that was cut off leads nowhere known.

    Returns:
      [S, A, S + 1].
    """
    out = np.zeros((n_states, n_acts, n_states + 1))
    for states, acts, died in episodes:
        np.add.at(out, (states[:-1], acts[: len(states) - 1], states[1:]), 1)
        if died and len(states):
            out[states[-1], acts[len(states) - 1], n_states] += 1
    return out


def memory(episodes: Sequence[Episode], draws: int = 100, seed: int = 0) -> Information:
    """I(S'; S-, A- | S, A): what one step of memory would tell of the next state, death included."""
    rows = [_steps(*episode) for episode in episodes]
    rows = np.concatenate([r for r in rows if len(r)] or [np.zeros((0, 5), int)])
    if not len(rows):
        return mutual(rows[:, 0], rows[:, 0])
    return mutual(codes(rows[:, 0], rows[:, 1]), rows[:, 4], codes(rows[:, 2], rows[:, 3]), draws, seed)


def _steps(states: np.ndarray, acts: np.ndarray, died: bool) -> np.ndarray:
    """State and act before, state, act, next state (-1: death). [steps, 5]"""
    states, acts = np.asarray(states, int), np.asarray(acts, int)[: len(states)]
    after = np.append(states[1:], -1)
    known = np.arange(1, len(states) - (0 if died else 1))
    return np.stack([states[known - 1], acts[known - 1], states[known], acts[known], after[known]], axis=1)
