"""What a childhood of many tasks leaves in synapses: differences within a class are suppressed, those between kept.

Two Hebbian averages are enough, both local: products of the differences between drawings of one class (within), and
of the differences between classes (between), over tasks that are thrown away after use. In the coordinates in which the
first is the identity (what anti-Hebbian lateral synapses come to), each direction counts by the share of it that tells
classes apart, b / (1 + b), to a power. NumPy.

R. Fisher, "The use of multiple measurements in taxonomic problems", 1936; S. Ioffe, "Probabilistic linear discriminant
analysis", 2006 (the shares).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

_LEAST = 1e-3
"""What counts a direction that tells nothing apart."""


@dataclass(frozen=True)
class Childhood:
    """Averages over tasks of one kind: what is usual [n], and scatter [n, n] within and between classes."""

    usual: np.ndarray
    within: np.ndarray
    between: np.ndarray

    @staticmethod
    def of(tasks: Iterable[tuple[np.ndarray, np.ndarray]]) -> Childhood:
        """From what is heard [examples, n] of the examples of each task, and their labels [examples].

        Raises:
          ValueError: where no class comes twice, so that there is nothing to overlook.
        """
        sums: list[np.ndarray] = []
        for x, y in tasks:
            one_hot = np.eye(int(y.max()) + 1)[y]
            counts = one_hot.sum(axis=0)
            one_hot, counts = one_hot[:, counts > 0], counts[counts > 0]
            means = one_hot.T @ x / counts[:, None]
            rest, apart = x - one_hot @ means, means - means.mean(axis=0)
            if (spare := len(x) - len(counts)) == 0:
                continue
            within = rest.T @ rest / spare
            between = apart.T @ apart / max(len(counts) - 1, 1) - within * np.mean(1 / counts)
            part = np.stack([within, between]), means.mean(axis=0)
            sums = [a + b for a, b in zip(sums, (*part, 1), strict=True)] if sums else [*part, np.array(1)]
        if not sums:
            raise ValueError("tasks: no class has two examples; there is no difference within a class to learn from")
        scatter, usual, n = sums
        return Childhood(usual / n, scatter[0] / n, scatter[1] / n)


def innate(
    childhoods: Sequence[Childhood], features: int, floor: float = 0.03, power: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    """What is usual [n] and the synapses [n, features] that kinds of tasks leave, all kinds alike; the best come last.

    Args:
      floor: added to each variance within classes, as a share of their mean.
      power: of the share of a direction that tells classes apart; 0: all count alike.
    """
    within = np.mean([c.within for c in childhoods], axis=0)
    variance, axes = np.linalg.eigh(within)
    white = (axes / np.sqrt(variance + floor * variance.mean())) @ axes.T
    between = white @ np.mean([c.between for c in childhoods], axis=0) @ white
    apart, directions = np.linalg.eigh((between + between.T) / 2)
    apart = np.maximum(apart, _LEAST)
    strengths = white @ (directions * (apart / (1 + apart)) ** power)
    return np.mean([c.usual for c in childhoods], axis=0), strengths[:, -features:]


__all__ = ["Childhood", "innate"]
