"""Numbers over time, for the charts beneath the timeline. Bounded: where there are many, every second one goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

MOST = 2000
"""Points of a series."""


class Series:
    """Values by name, each at its tick."""

    def __init__(self) -> None:
        self.points: dict[str, list[tuple[int, float]]] = {}

    def add(self, tick: int, values: Mapping[str, float]) -> None:
        """Values at a tick; what was known of later ticks is forgotten."""
        for name, value in values.items():
            points = self.points.setdefault(name, [])
            while points and points[-1][0] >= tick:
                points.pop()
            points.append((tick, value))
            if len(points) > MOST:
                del points[1:-1:2]

    def plain(self) -> dict[str, Any]:
        """By name two lists, ticks and values."""
        return {name: [[t for t, _ in points], [v for _, v in points]] for name, points in self.points.items()}


def thinned(ticks: np.ndarray, values: np.ndarray) -> list[list[float]]:
    """Two lists with at most `MOST` points, without what is not finite."""
    good = np.isfinite(values)
    ticks, values = ticks[good], values[good]
    stride = max(1, -(-ticks.size // MOST))
    return [ticks[::stride].tolist(), values[::stride].tolist()]
