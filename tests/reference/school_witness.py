"""The witness of the accidents and of the taste of `school`: NumPy, written from docs/worlds/school.md alone."""

from __future__ import annotations

import numpy as np

from tests.reference.literal_petri import threefry

ACCIDENT = 0x50000


def struck(seed: int, replicate: int, tick: int, ids: np.ndarray, threshold: int) -> np.ndarray:
    """Section "Accidents": whom one befalls in this tick, of living bodies with these ids."""
    key = threefry(seed & 0xFFFFFFFF, seed >> 32, replicate, tick)
    return np.array([threefry(*key, int(i), ACCIDENT)[0] & 65535 < threshold for i in ids])


def taste(food: np.ndarray, x: np.ndarray, y: np.ndarray, bite: int) -> np.ndarray:
    """Section "Taste, wires, inputs": the level of bodies at these places of 256 a cell; food is [side, side]."""
    under = food[y >> 8, x >> 8]
    return (under > 0).astype(int) + (under >= bite)
