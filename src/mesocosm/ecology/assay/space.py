"""The space in which a best genotype is sought: what its numbers are called, and from where to where they go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mesocosm.ecology.analysis import senses_of, stimulus_names
from mesocosm.minds.parameters import WEIGHTS
from mesocosm.record import FolderError, Record

TUMBLING = "P(tumble)"


def mirrored(points: Any) -> np.ndarray:
    """Points of a space without ends as points 0 ... 1: what leaves these comes back as in a mirror."""
    return 1 - np.abs(1 - np.asarray(points, float) % 2)


def in_units(points: np.ndarray, of: str) -> np.ndarray:
    """Points 0 ... 1 in the unit of what is sought."""
    return points if of == TUMBLING else np.round(255 * points - 128)


def spelt(values: np.ndarray, of: str) -> str:
    """As `genotypes` of an assay take it."""
    return ",".join(f"{v:.4f}" if of == TUMBLING else f"{v:.0f}" for v in values)


def rounded(values: Sequence[float] | np.ndarray) -> tuple[float, ...]:
    """To four places."""
    return tuple(round(float(v), 4) for v in values)


def space(source: Record) -> tuple[tuple[str, ...], str]:
    """What a genotype of the run says: names, and what is said of each.

    Raises:
      FolderError: of minds whose genomes say something else.
    """
    if "senses" not in source.header["configuration"].get("world", {}):
        raise FolderError(f"{source.folder}: is a run of {source.header['experiment']}, which has no bodies to assay")
    mind = source.header["configuration"].get("mind", {})
    if mind.get("kind") in ("planner", "lifetime"):
        return WEIGHTS, "Reward map"
    if "policy" not in mind:
        raise FolderError(
            f"{source.folder}: minds of {source.header['experiment']} are neither tables nor reward maps, and the best "
            "one is sought among these alone"
        )
    return tuple(stimulus_names(senses_of(source))), TUMBLING


__all__ = ["TUMBLING", "in_units", "mirrored", "rounded", "space", "spelt"]
