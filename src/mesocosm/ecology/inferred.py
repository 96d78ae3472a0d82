"""Clones whose rewards are known, as cases for methods that infer rewards. NumPy and SciPy, no jax."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mesocosm.ecology.clones import Clones, clones
from mesocosm.inverse.mdp import World, world
from mesocosm.inverse.methods import Case, case, without_noise
from mesocosm.minds.parameters import WEIGHTS
from mesocosm.protocol.reading import follow_ups_of
from mesocosm.record import FolderError, Record

N_RANDOM = 100
"""Random reward maps that are a baseline."""


def followed_by(*names: str):
    """A need of an analysis: that these runs follow."""

    def need(record: Record) -> str:
        there = follow_ups_of(record)
        missing = [name for name in names if name not in there]
        return (
            f"is not followed by {missing[0]} (a run of `rewards` with planners and assays = true is)"
            if missing
            else ""
        )

    return need


@dataclass(frozen=True)
class Known:
    """One clone: what was seen of it, and what is true of it.

    Args:
      k: its place among the clones; replicate: of the run.
      weights: its true rewards. [5]
      others: the mean of the true rewards of the other worlds; NaN where there is no other. [5]
    """

    k: int
    replicate: int
    weights: np.ndarray
    others: np.ndarray
    case: Case

    @property
    def truth(self) -> np.ndarray:
        """r(s, a), as the events were seen. [S, A]"""
        return self.case.reward(self.weights)


def known(there: Clones) -> list[Known]:
    """Every clone of which anything was seen."""
    out = []
    total = there.weights.sum(axis=0)
    for k, replicate in enumerate(there.replicate):
        if not there.visits[k].sum():
            continue
        n_others = len(there.replicate) - 1
        others = (total - there.weights[k]) / n_others if n_others else np.full(len(WEIGHTS), np.nan)
        of = case(there.visits[k], there.events[k], there.discount, there.exploration)
        out.append(Known(k, int(replicate), there.weights[k].astype(float), others, of))
    return out


def both(record: Record) -> tuple[Clones, Clones, list[tuple[Known, Known]]]:
    """The clones here and elsewhere, and those that were seen in both worlds."""
    here, there = clones(record, "clones"), clones(record, "clones-elsewhere")
    away = {of.replicate: of for of in known(there)}
    return here, there, [(of, away[of.replicate]) for of in known(here) if of.replicate in away]


def own_model(there: Clones, k: int) -> tuple[World, np.ndarray]:
    """The world as the mind itself had it, and the events that it expected. Features [S + 1, A, 5]

    Raises:
      FolderError: where minds have no model.
    """
    if there.model is None or there.model_events is None:
        raise FolderError("these minds do not plan, and have no model of the world")
    s, a = len(there.stimuli), len(there.acts)
    p, features = np.zeros((s + 1, a, s + 1)), np.zeros((s + 1, a, len(WEIGHTS)))
    p[:-1], features[:-1] = there.model[k], there.model_events[k]
    p[-1, :, -1] = 1
    return world(p, there.discount, absorbing=np.arange(s + 1) == s), features


def ceiling(there: Clones, k: int) -> Case:
    """Infinite data of a mind that has the true rewards and the very model that it plans on."""
    of, features = own_model(there, k)
    return without_noise(of, features, there.weights[k], there.temperature)


def baselines(of: Known, seed: int = 0) -> Mapping[str, np.ndarray]:
    """Rewards that know nothing of what was seen: weights [5], of the random ones [100, 5]."""
    random = np.random.default_rng([seed, of.replicate]).normal(size=(N_RANDOM, len(WEIGHTS)))
    food = np.eye(len(WEIGHTS))[WEIGHTS.index("food")]
    return {"random": random, "food only": food, "other worlds": of.others}


__all__ = ["Known", "baselines", "both", "ceiling", "followed_by", "known", "own_model"]
