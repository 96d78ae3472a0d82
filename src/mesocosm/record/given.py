"""Arrays as people hand them over: looked at as they are, before anything is cast. NumPy, no jax.

`np.asarray` alone makes the word "nan" of a missing label, forgets what a masked array hides, and wraps large numbers.
Every message says which example is meant, what it holds, and what to do.
"""

from __future__ import annotations

import math
import numbers as abstract
from typing import Any

import numpy as np

_KINDS = {"U": "text", "S": "bytes", "M": "dates", "m": "spans of time", "c": "complex numbers", "O": "objects"}
MOST_CLASSES = 10_000
"""Classes that are told apart: a net has an output for each."""
MOST_FRACTIONS = 20
"""Labels with a fraction that are different: more are measurements."""


def numbers(values: Any, name: str) -> np.ndarray:
    """Float64 [examples, ...], finite, at least two axes.

    Raises:
      ValueError: for what is no number, missing, masked or not finite (naming the first), and shapes that do not fit.
    """
    array = _unmasked(values, name)
    if array.dtype.kind == "O":
        array = _from_objects(array, name)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name}: holds {_KINDS.get(array.dtype.kind, array.dtype)}; numbers are needed")
    if array.ndim < 2 or array.size == 0:
        raise ValueError(f"{name}: has shape {array.shape}; needed is [examples, numbers], one of each at least")
    array = array.astype(np.float64)
    bad = ~np.isfinite(array.reshape(array.shape[0], -1)).all(axis=1)
    if bad.any():
        raise ValueError(
            f"{name}: {int(bad.sum())} of {bad.size} examples hold NaN or infinity, the first is number "
            f"{int(np.argmax(bad))}; drop or repair them"
        )
    return array


def labels(values: Any, name: str, n: int | None = None) -> np.ndarray:
    """Labels [examples] of one kind: numbers, texts, dates; none is missing.

    Args:
      n: how many there must be.

    Raises:
      ValueError: for another shape, what is missing, masked or of another kind than the rest (naming the first).
    """
    if isinstance(values, str | bytes):
        raise ValueError(f"{name}: labels are one text; a list with one for each example is needed")
    is_list = isinstance(values, list | tuple)
    array = _objects(values) if is_list else _unmasked(values, name, "labels")
    if array.ndim != 1 or (n is not None and array.size != n):
        hint = "; of one-hot labels take argmax(axis=1)" if array.ndim == 2 and array.shape[0] == n else ""
        needed = "[examples]" if n is None else f"one for each of {n} examples"
        raise ValueError(f"{name}: labels have shape {array.shape}; needed is {needed}{hint}")
    if array.dtype.kind == "O":
        array = _of_one_kind(array, name)
    missing = np.isnat(array) if array.dtype.kind in "mM" else np.zeros(array.size, bool)
    if array.dtype.kind == "f":
        missing = ~np.isfinite(array)
    if missing.any():
        _refuse_missing(name, int(np.argmax(missing)), array[np.argmax(missing)])
    if array.dtype.kind == "c":
        raise ValueError(f"{name}: labels hold complex numbers; give numbers, texts or dates")
    return array


def classes(values: Any, name: str, n: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The different labels in order, and each example's place among them, int32 [examples].

    Raises:
      ValueError: as of `labels`, and for labels that are measurements or names of rows, not classes.
    """
    array = labels(values, name, n)
    found, numbered = np.unique(array, return_inverse=True)
    is_measured = array.dtype.kind == "f" and bool((array != np.floor(array)).any())
    if (is_measured and found.size > MOST_FRACTIONS) or (found.size == array.size > 2):
        what = "measurements" if is_measured else "a name for each row"
        raise ValueError(
            f"{name}: {found.size} different labels in {array.size} examples are {what}, not classes; "
            "sort the examples into classes first"
        )
    if found.size > MOST_CLASSES:
        raise ValueError(f"{name}: {found.size} classes are more than the {MOST_CLASSES} that can be told apart")
    return found, numbered.astype(np.int32)


def float32(array: np.ndarray, name: str) -> np.ndarray:
    """Numbers [examples, numbers] in single precision.

    Raises:
      ValueError: if it cannot hold them, or cannot tell apart what is different; names the column.
    """
    most = float(np.finfo(np.float32).max)
    beyond = np.abs(array).max(axis=1) > most
    if beyond.any():
        raise ValueError(
            f"{name}: {int(beyond.sum())} of {beyond.size} examples hold numbers beyond {most:.2g}, which float32 "
            f"cannot hold, the first is number {int(np.argmax(beyond))}; give them in other units"
        )
    cast = array.astype(np.float32)
    lost = np.abs(array - cast).max(axis=0)
    spread = array.max(axis=0) - array.min(axis=0)
    varies = spread > 64 * np.finfo(np.float64).eps * np.abs(array).max(axis=0)  # by more than rounding
    if (blurred := varies & (lost > 1e-3 * spread)).any():
        k = int(np.argmax(blurred))
        kept, there = np.unique(cast[:, k]).size, np.unique(array[:, k]).size
        low, high = array[:, k].min(), array[:, k].max()
        raise ValueError(
            f"{name}: of {there} different numbers in column {k}, {low:.15g} ... {high:.15g}, "
            f"float32 keeps {kept}; subtract what they have in common, or give them in other units"
        )
    return cast


def standardised(array: np.ndarray) -> np.ndarray:
    """Float32 [examples, numbers], each example with mean 0 and standard deviation 1; a constant one becomes zeros.

    Whatever the unit: each example is first scaled by a power of two, which changes no digit.
    """
    size = np.abs(array).max(axis=1, keepdims=True)
    scaled = np.ldexp(array, -np.frexp(size)[1])
    centred = scaled - scaled.mean(axis=1, keepdims=True)
    spread = centred.std(axis=1, keepdims=True)
    flat = 8 * np.finfo(array.dtype).eps  # what rounding leaves of a constant
    return np.where(spread > flat, centred / np.maximum(spread, flat), 0).astype(np.float32)


def areas(old: int, new: int) -> np.ndarray:
    """[new, old]: how much of each new pixel each old one covers."""
    edges = np.linspace(0, old, new + 1)
    low, high = edges[:-1, None], edges[1:, None]
    pixel = np.arange(old)[None, :]
    cover = np.clip(np.minimum(high, pixel + 1) - np.maximum(low, pixel), 0, None)
    return (cover / cover.sum(axis=1, keepdims=True)).astype(np.float32)


def _unmasked(values: Any, name: str, what: str = "examples") -> np.ndarray:
    """As an array, whatever it was; nothing that was masked."""
    if isinstance(values, np.ma.MaskedArray):
        hidden = np.ma.getmaskarray(values)
        if values.ndim and hidden.any():
            first = int(np.argwhere(hidden)[0][0])
            rows = hidden.reshape(hidden.shape[0], -1).any(axis=1)
            raise ValueError(
                f"{name}: {int(np.sum(rows))} {what} hold masked values, the first is number {first}; drop or fill them"
            )
        return np.asarray(values.data)
    try:
        return np.asarray(values)
    except (ValueError, TypeError, OverflowError):
        raise ValueError(f"{name}: {_unlike(values)}") from None


def _unlike(values: Any) -> str:
    """What is wrong with lists of different length."""
    try:
        lengths = [len(row) for row in values]
        k = next(i for i, length in enumerate(lengths) if length != lengths[0])
        return f"example {k} has {lengths[k]} numbers, example 0 has {lengths[0]}; each needs as many"
    except (TypeError, StopIteration):
        return "is no array of numbers [examples, numbers]"


def _objects(values: Any) -> np.ndarray:
    """A list as it is, without a common type."""
    if any(isinstance(v, list | tuple | np.ndarray) and np.ndim(v) for v in values):
        try:
            return np.asarray(values)
        except ValueError:
            return np.empty((len(values), 0))
    array = np.empty(len(values), object)
    array[:] = values
    return array


def _from_objects(array: np.ndarray, name: str) -> np.ndarray:
    """Numbers that a table holds as objects (nullable columns)."""
    for k, value in enumerate(array.ravel()):
        if not isinstance(value, abstract.Real | np.number | np.bool_):
            example = k // max(1, array[0].size if array.ndim > 1 else 1)
            if _is_missing(value):
                raise ValueError(f"{name}: example {example} lacks a value ({value!r:.40}); drop or fill it")
            raise ValueError(f"{name}: example {example} holds {value!r:.40}; numbers are needed")
    try:
        return array.astype(np.float64)
    except OverflowError:
        raise ValueError(f"{name}: holds whole numbers of more than 1024 bits; give them in other units") from None


def _of_one_kind(array: np.ndarray, name: str) -> np.ndarray:
    """Labels that a list or a table holds as objects, as an array of their own type."""
    kinds: dict[str, int] = {}
    for k, value in enumerate(array):
        if _is_missing(value):
            _refuse_missing(name, k, value)
        is_number = isinstance(value, abstract.Real | np.number)
        is_text = isinstance(value, str | bytes)
        kinds.setdefault("number" if is_number else "text" if is_text else type(value).__name__, k)
    if len(kinds) > 1:
        (a, i), (b, k) = list(kinds.items())[:2]
        raise ValueError(
            f"{name}: labels mix {a} and {b}: example {i} is {array[i]!r:.40}, example {k} is {array[k]!r:.40}; "
            "give all of one kind"
        )
    plain = np.asarray(array.tolist())
    if plain.dtype.kind == "O" or plain.ndim != 1:
        if kinds.keys() <= {"number"}:
            raise ValueError(f"{name}: labels hold numbers of more than 64 bits; number the classes from 0")
        if kinds.keys() <= {"date", "datetime", "Timestamp"}:
            return plain.astype("datetime64[us]")
        kind = next(iter(kinds))
        raise ValueError(f"{name}: labels hold {kind}, example 0 is {array[0]!r:.40}; give numbers, texts or dates")
    return plain


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType", "MaskedConstant"):
        return True
    return isinstance(value, float | np.floating) and not math.isfinite(value)


def _refuse_missing(name: str, k: int, value: Any) -> None:
    raise ValueError(f"{name}: the label of example {k} is missing ({value}); drop that example")


__all__ = ["MOST_CLASSES", "areas", "classes", "float32", "labels", "numbers", "standardised"]
