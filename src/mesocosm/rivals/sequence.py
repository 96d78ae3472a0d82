"""Several tasks in a row: what is kept of the first ones, and what is learnt faster when a task comes back.

Each task brings classes of its own, and the answer is one of all classes that were named so far (class-incremental
learning: G. van de Ven, A. Tolias, "Three scenarios for continual learning", 2019). Rivals are softmax regression by
gradient, one step an example, and the same with replay: a reservoir of examples (J. Vitter, 1985), some of which are
learnt again after each new one. Their rate is chosen on other streams. NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from mesocosm.tasks.arrays import DataSet
from mesocosm.tasks.images import standardised

RATES = tuple(round(10 ** (-3.5 + i / 2), 6) for i in range(10))
"""Of gradient rivals, for inputs of length 1."""


class Pupil(Protocol):
    """What can be taught."""

    def learn(self, x: np.ndarray, y: np.ndarray) -> object: ...
    def predict(self, x: np.ndarray) -> np.ndarray: ...


@dataclass
class Softmax:
    """Softmax regression on inputs of length 1, one gradient step an example, in one pass.

    Args:
      rate: of a step.
      stored: examples in the reservoir; 0: nothing is replayed.
      replayed: of these, how many after each new one.
      look: what is done to inputs first.
    """

    classes: int
    rate: float
    stored: int = 0
    replayed: int = 5
    look: Callable[[np.ndarray], np.ndarray] | None = None
    seed: int = 0
    _weights: np.ndarray | None = None
    _kept: list[tuple[np.ndarray, int]] = field(default_factory=list)
    _met: int = 0

    def learn(self, x: np.ndarray, y: np.ndarray) -> Softmax:
        rng = np.random.default_rng([self.seed, self._met])
        for one, label in zip(self._seen(x), y.tolist(), strict=True):
            self._step(one, label)
            if not self.stored:
                continue
            for k in rng.integers(0, max(len(self._kept), 1), self.replayed if self._kept else 0):
                self._step(*self._kept[k])
            self._keep(one, label, rng)
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        assert self._weights is not None, "it has learnt nothing yet"
        return (self._seen(x) @ self._weights).argmax(axis=1)

    def _keep(self, one: np.ndarray, label: int, rng: np.random.Generator) -> None:
        self._met += 1
        if len(self._kept) < self.stored:
            self._kept.append((one, label))
        elif (k := int(rng.integers(0, self._met))) < self.stored:
            self._kept[k] = (one, label)

    def _step(self, one: np.ndarray, label: int) -> None:
        if self._weights is None:
            self._weights = np.zeros((one.size, self.classes))
        odds = one @ self._weights
        share = np.exp(odds - odds.max())
        wanted = np.eye(self.classes)[label] - share / share.sum()
        self._weights += self.rate * np.outer(one, wanted)

    def _seen(self, x: np.ndarray) -> np.ndarray:
        x = np.asarray(x if self.look is None else self.look(x), np.float64)
        return np.column_stack([x / (np.linalg.norm(x, axis=1, keepdims=True) + 1e-9), np.ones(len(x))])


def in_a_row(
    made: Callable[[int], Pupil], data: DataSet, tasks: int, each: int, tests: int, streams: Sequence[int]
) -> np.ndarray:
    """Accuracy [streams, after, on] on every task after every task; NaN where it did not come yet.

    Args:
      made: a new pupil for so many classes.
      each: examples of a task; its classes are an even share of those of the data, in an order drawn for each stream.
      streams: seeds.
    """
    share = data.n_classes // tasks
    out = np.full((len(streams), tasks, tasks), np.nan)
    x = standardised(data.inputs)
    for s, seed in enumerate(streams):
        rng = np.random.default_rng(seed)
        names = rng.permutation(data.n_classes)
        parts = []
        for task in range(tasks):
            own = np.flatnonzero(np.isin(data.labels, names[task * share : (task + 1) * share]))
            rows = rng.permutation(own)[: each + tests]
            parts.append((rows[:each], rows[each:]))
        pupil = made(share * tasks)
        labels = np.argsort(names)[data.labels]
        for after, (shown, _) in enumerate(parts):
            pupil.learn(x[shown], labels[shown])
            for on, (_, asked) in enumerate(parts[: after + 1]):
                out[s, after, on] = np.mean(pupil.predict(x[asked]) == labels[asked])
    return out


def kept(found: np.ndarray) -> dict[str, np.ndarray]:
    """For each stream: accuracy over all tasks at the end, and forgetting, the mean loss since a task was learnt."""
    tasks = found.shape[1]
    first = found[:, np.arange(tasks), np.arange(tasks)]
    return {"at the end": found[:, -1].mean(axis=1), "forgotten": (first - found[:, -1])[:, :-1].mean(axis=1)}


def tuned_rate(made: Callable[[float, int], Pupil], data: DataSet, tasks: int, each: int, tests: int) -> float:
    """The rate of `RATES` that is best at the end, on streams of their own."""
    ends = [
        kept(in_a_row(lambda n, r=r: made(r, n), data, tasks, each, tests, range(1000, 1004)))["at the end"].mean()
        for r in RATES
    ]
    return RATES[int(np.argmax(ends))]


__all__ = ["RATES", "Pupil", "Softmax", "in_a_row", "kept", "tuned_rate"]
