"""One recorded world, as plain arrays: what the player is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Panel:
    """One recorded world for the replay: columns of rows, one row a body and frame, ordered by tick, then id.

    Args:
      side: of the torus, in cells.
      bodies: `tick` and `id`, `x`, `y` (1/256 cell), and columns by name (`act`, `energy`, `lineage`...), all integers.
      sources: the same for sources: `tick`, `x`, `y`.
      fields: by name the values `[frames, height, width]` and the ticks of these frames `[frames]`.
      ticks: of all frames, ascending; None stands for the ticks that occur among bodies and sources. Needed where
        nobody is alive in a frame.
      words: what the values of a column are called: `{"act": ("run", "tumble")}`.
      units: of columns and fields: `{"energy": "quanta", "odour": "quanta in a cell"}`.
      curves: by name an array of numbers for each frame: `[frames, ...]`.
      series: measures over time, for the charts beneath the timeline: by name ticks and values.
      bounds: `(left, top, right, bottom)` where the world is no torus but a plane: what x and y of 0 and of `256 side`
        stand for.
      population: what the bodies are called; None where there is nobody, and no world to draw.
    """

    title: str
    side: int
    bodies: Mapping[str, np.ndarray]
    sources: Mapping[str, np.ndarray] = field(default_factory=dict)
    fields: Mapping[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    ticks: np.ndarray | None = None
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    curves: Mapping[str, np.ndarray] = field(default_factory=dict)
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]] = field(default_factory=dict)
    bounds: tuple[float, float, float, float] | None = None
    population: str | None = "bodies"

    @property
    def frame_ticks(self) -> np.ndarray:
        """Ticks of the frames, ascending: [frames]."""
        if self.ticks is not None:
            return np.asarray(self.ticks, np.int64)
        seen = [np.asarray(rows["tick"], np.int64) for rows in (self.bodies, self.sources) if "tick" in rows]
        return np.unique(np.concatenate(seen)) if seen else np.zeros(0, np.int64)


@dataclass(frozen=True)
class Replay:
    """Worlds that are watched side by side, in step."""

    caption: str
    panels: Sequence[Panel]
