"""What a rule is told by hand: examples and their labels as people have them, refused or made ready. NumPy, no jax."""

from __future__ import annotations

from typing import Any

import numpy as np

from mesocosm.record import given
from mesocosm.record.errors import MesocosmError

_LEAST = 16
"""Examples of the smallest program; others hold a power of two."""

_MOST = 1e18
"""What an answer may be: its square is still a number in float32, in which a rule learns."""


class RuleError(MesocosmError, ValueError):
    """A rule file that cannot be used, or examples that cannot be learnt from: says why, and what to do."""

    exit_code = 2


def lessons(output: str, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Examples float32 [n, numbers] (of pairs both, one after the other), and what is told of each.

    That is int32 [n] of classes, float64 [n, outputs] of numbers, float64 [n, 1] of order: 1 or 0.

    Raises:
      RuleError: for shapes that do not fit, values that are not finite, labels out of range, no examples.
    """
    if output == "order":
        x = _pairs(x)
        return x, _above(y, len(x))
    x = heard(x)
    return x, (_classes if output == "classes" else _measured)(y, len(x))


def heard(x: Any) -> np.ndarray:
    """Float32 [examples, numbers], each example with mean 0 and standard deviation 1 (a constant one is zero).

    Raises:
      RuleError: for what is no number, missing or not finite, and shapes that do not fit.
    """
    array = _numbers(x, "x")
    return given.standardised(array.reshape(array.shape[0], -1))


def padded(values: np.ndarray, dtype: Any) -> np.ndarray:
    """With zeros behind, up to a power of two: there are few programs, however many examples come at a time."""
    size = max(_LEAST, 1 << (len(values) - 1).bit_length())
    out = np.zeros((size, *values.shape[1:]), dtype)
    out[: len(values)] = values
    return out


def _numbers(x: Any, name: str) -> np.ndarray:
    try:
        return given.numbers(x, name)
    except ValueError as error:
        raise RuleError(str(error)) from None


def _pairs(x: Any) -> np.ndarray:
    array = _numbers(x, "x")
    if array.ndim < 3 or array.shape[1] != 2:
        raise RuleError(f"x: has shape {array.shape}; a rule that puts things in order learns from [pairs, 2, numbers]")
    one_by_one = given.standardised(array.reshape(2 * len(array), -1))
    return one_by_one.reshape(len(array), -1)


def _measured(y: Any, n: int) -> np.ndarray:
    try:
        column = np.asanyarray(y)  # masks stay
    except (ValueError, TypeError, OverflowError):
        column = None  # what is wrong with it is said below
    array = _numbers(column[:, None] if column is not None and column.ndim == 1 else y, "y")
    if len(array) != n or array.ndim != 2:
        raise RuleError(f"y: has shape {np.shape(y)}; needed is a number, or a row of them, for each of {n} examples")
    beyond = np.abs(array).max(axis=1) > _MOST
    if beyond.any():
        k = int(np.argmax(beyond))
        raise RuleError(
            f"y: example {k} holds {np.abs(array[k]).max():.3g}; a rule learns numbers up to {_MOST:.0e} in size: give "
            "them in other units"
        )
    return array


def _above(y: Any, n: int) -> np.ndarray:
    array = _measured(y, n)
    if array.shape[1] != 1 or not np.isin(array, (0, 0.5, 1)).all():
        raise RuleError(
            "y: must be 1 where the first of a pair is above the second, 0 where it is below, 0.5 of equals"
        )
    return array


def _classes(y: Any, n: int) -> np.ndarray:
    """Int32 [examples], from 0."""
    try:
        array = given.labels(y, "y", n)
    except ValueError as error:
        raise RuleError(str(error)) from None
    how = "number the classes from 0: np.unique(y, return_inverse=True)[1]"
    if array.dtype.kind not in "iu":
        raise RuleError(f"y: holds {array.dtype}, the first is {array[0]!r}; whole numbers are needed: {how}")
    odd = (array < 0) | (array >= given.MOST_CLASSES)
    if odd.any():
        k = int(np.argmax(odd))
        raise RuleError(f"y: example {k} has the label {array[k]}; labels are 0 ... {given.MOST_CLASSES - 1}: {how}")
    return array.astype(np.int32)


__all__ = ["RuleError", "heard", "lessons", "padded"]
