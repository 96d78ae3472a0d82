"""What is there at a tick, as NumPy arrays, whether it runs or was recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Seen:
    """A population. The last axis of every column is the place.

    Args:
      alive: which places count; None: all.
      is_by_place: whether whoever lives on has the same place in the next snapshot; else ids ascend.
    """

    columns: Mapping[str, np.ndarray]
    alive: np.ndarray | None = None
    is_by_place: bool = False

    def here(self) -> np.ndarray | slice:
        """The places that count."""
        return slice(None) if self.alive is None else np.flatnonzero(self.alive)

    def ids(self) -> np.ndarray:
        """Of all places: [places] int32; counted from 1 where the population has none."""
        if "id" in self.columns:
            return self.columns["id"].astype(np.int32, copy=False)
        n = next(iter(self.columns.values())).shape[-1] if self.columns else self.here().size  # type: ignore[union-attr]
        return np.arange(1, n + 1, dtype=np.int32)


@dataclass(frozen=True)
class Snapshot:
    """All that a scene names, at one tick. Bonds are pairs of ids, [2, bonds]."""

    tick: int
    points: Mapping[str, Seen] = field(default_factory=dict)
    fields: Mapping[str, np.ndarray] = field(default_factory=dict)
    curves: Mapping[str, np.ndarray] = field(default_factory=dict)
    images: Mapping[str, np.ndarray] = field(default_factory=dict)
    graphs: Mapping[str, np.ndarray] = field(default_factory=dict)


def snapshot_of(scene: Any, tick: int) -> Snapshot:
    """A scene of a running world, in NumPy arrays."""
    return Snapshot(
        tick,
        {name: Seen(points.columns, points.alive, is_by_place=True) for name, points in scene.points.items()},
        {name: field.values for name, field in scene.fields.items()},
        scene.curves,
        {name: image.values for name, image in scene.images.items()},
        {name: graph.ends[:, np.flatnonzero(graph.alive)] for name, graph in scene.graphs.items()},
    )
