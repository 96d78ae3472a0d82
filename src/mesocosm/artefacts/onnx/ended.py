"""Long lists of which the end changes nothing: whoever is dead adds nothing to a field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from mesocosm.artefacts.onnx.graph import Graph, type_of
from mesocosm.artefacts.onnx.values import Number, Value

_LONG = 1024
Neutral = Callable[[Number], bool]


def without_end(g: Graph, a: Value, at: Value, given: Value, reduction: str) -> tuple[Value, Value]:
    """Places [n] and what is put there, up to the last that may change the array; their `shape` stays the longest.

    What is put is often nothing outside a mask. Of several masks the first that was made is taken, since others will
    find its length there.
    """
    masks = _masks(g, given, _neutral(reduction, a)) if at.shape[0] >= _LONG else []
    masks = [mask for mask in masks if mask.held == at.shape]
    if not masks or at.held != at.shape or given.held != given.shape:
        return at, given
    line, first = g.constant(np.arange(1, at.shape[0] + 1), np.float32), g.stored(np.zeros(1, np.int64))
    number = g.each("Mul", g.cast(min(masks, key=g.age_of), np.float32), line)
    (most,) = g.node("ReduceMax", [number.name, first], keepdims=1)
    (length,) = g.node("Cast", [most], to=type_of(np.int64))
    short = [replace(v, name=g.node("Slice", [g.name(v), first, length, first])[0], constant=None) for v in (at, given)]
    return short[0], short[1]


def _neutral(reduction: str, a: Value) -> Neutral:
    """Which numbers change nothing of the array."""
    low, high = a.bounds
    return {
        "add": lambda number: number == 0,
        "mul": lambda number: number == 1,
        "max": lambda number: number <= low,
        "min": lambda number: number >= high,
    }[reduction]


def _masks(g: Graph, value: Value, is_neutral: Neutral) -> list[Value]:
    """Truth values outside of which numbers are neutral."""
    if value.dtype.kind not in "iu":
        return []
    if (truth := g.truth_of(value)) is not None:
        return _wider(g, truth) if is_neutral(0) else []
    made = g.how(value)
    if made.op == "Add":
        for one, other in (made.inputs, made.inputs[::-1]):
            if one.one is not None and is_neutral(one.one):
                return _masks(g, other, lambda number: number == 0)
    if made.op in ("Mul", "Neg") and is_neutral(0):
        return [mask for own in made.inputs for mask in _masks(g, own, lambda number: number == 0)]
    return []


def _wider(g: Graph, mask: Value) -> list[Value]:
    """A mask, and those of which it is a part."""
    made = g.how(mask)
    return [mask, *(wider for own in made.inputs for wider in _wider(g, own))] if made.op == "And" else [mask]
