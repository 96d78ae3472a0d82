"""Who says how far a run goes between chunks, and looks at where it is. Steering changes no bit of what happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import jax
import numpy as np
from jaxtyping import Array, Int32

from mesocosm.core.experiment import Experiment, Scene
from mesocosm.core.plan import Progress

CHUNK_SECONDS = 0.5
"""What a chunk takes where nobody looks: the host answers interrupts and reports progress between chunks."""


def chunk_ticks(done: int, seconds: float, wished: float) -> int:
    """Ticks of a chunk that should take the seconds that are wished, after one that did `done` in `seconds`.

    One at least, and at most four times as many as before.
    """
    return int(np.clip(done * min(4.0, wished / seconds), 1, 1 << 20))


@dataclass(frozen=True)
class Turn:
    """How the run goes on.

    Args:
      until: the tick that the next chunk does not pass; never before the present one.
      seconds: what a chunk should take at most.
    """

    until: int
    seconds: float = CHUNK_SECONDS


@dataclass(frozen=True)
class Present:
    """Where a run is, between two chunks.

    Args:
      scene: of a replicate, the tick it has reached and what is there then, in NumPy arrays; None where the replicate
        has ended and was taken out.
    """

    progress: Progress
    scene: Callable[[int], tuple[int, Scene] | None]


@runtime_checkable
class Steering(Protocol):
    """Asked before each chunk, and once more at the end."""

    def turn(self, present: Present) -> Turn | None:
        """How to go on. May wait as long as it likes; None interrupts the run, after a checkpoint."""
        ...


class ToTheEnd:
    """Nobody steers."""

    def turn(self, present: Present) -> Turn:
        return Turn(present.progress.ticks)


@jax.jit
def _scene(experiment: Experiment, state: Any, lane: Int32[Array, ""]) -> Scene:
    return experiment.scene(jax.tree.map(lambda x: x[lane], state))


def scene_of(experiment: Experiment, state: Any, lane: int) -> Scene:
    """What is there in one lane, as NumPy arrays."""
    return jax.tree.map(np.asarray, _scene(experiment, state, np.int32(lane)))
