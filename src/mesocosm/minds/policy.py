"""Fixed-point policies, written with operators that NumPy and jax arrays share; this module imports neither."""

from __future__ import annotations

from typing import Any


def softmax_weight(gap: Any, sharpness: Any) -> Any:
    """The weight `2^(-sharpness * gap / 256)` of a choice, as an integer, largest 12288 (petri.md, 5.5).

    Args:
      gap: how far the preference lies below the largest of its row, int32, any shape.
      sharpness: 1/256 halvings of the odds per unit of preference.

    Returns:
      int32 of the same shape; at most 0.35 % from the exact exponential while e < 256.
    """
    e = gap * sharpness
    f, i = e & 255, (e >> 8).clip(0, 31)
    return (12288 - 32 * f + ((f * f) >> 5)) >> i
