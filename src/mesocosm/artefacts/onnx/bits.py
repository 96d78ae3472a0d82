"""Operations on bits, and on truth values.

A sum takes ONNX Runtime a quarter of the time of an operation on bits, so that where bits are disjoint they are added,
and what is shifted left is multiplied.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mesocosm.artefacts.onnx.choice import either
from mesocosm.artefacts.onnx.elementwise import Lowered, known
from mesocosm.artefacts.onnx.graph import Graph, NotExpressible, type_of
from mesocosm.artefacts.onnx.values import Value, within

_EXACT = 1 << 24
"""Up to here each whole number is one of float32."""
_FEW = 1024
"""Numbers for which two more nodes cost more than they spare."""
_LOGICAL = {"and": ("And", np.logical_and), "or": ("Or", np.logical_or), "xor": ("Xor", np.logical_xor)}
_BITWISE = {
    "and": ("BitwiseAnd", np.bitwise_and),
    "or": ("BitwiseOr", np.bitwise_or),
    "xor": ("BitwiseXor", np.bitwise_xor),
}


def bitwise(name: str) -> Lowered:
    def lower(g: Graph, values: list[Value], _: Any) -> Value:
        a, b = values
        op, of_numpy = (_LOGICAL if a.dtype == bool else _BITWISE)[name]
        if (there := known(of_numpy, a, b)) is not None:
            return there
        shape = np.broadcast_shapes(a.shape, b.shape)
        for one, other in ((a, b), (b, a)):
            if one.shape == shape and (simpler := _simpler(g, name, one, other)) is not None:
                return simpler
        return _bounded(g.each(op, a, b), name, a, b)

    return lower


def _simpler(g: Graph, name: str, one: Value, other: Value) -> Value | None:
    """An operation with a known number, or on bits of which no two meet, as something cheaper."""
    number = other.one
    if one.dtype == bool and number is not None:
        if name == "xor":
            return g.each("Not", one) if number else one
        return one if number == (name == "and") else g.constant(number, bool, one.shape)
    if one.dtype == bool:
        return None
    if number == 0:
        return g.constant(0, one.dtype, one.shape) if name == "and" else one
    if name == "and" and number is not None and _keeps_all(one, int(number)):
        return one
    top = 1 << (8 * one.dtype.itemsize - 1)
    if name == "xor" and number is not None and abs(int(number)) == top and one.dtype.itemsize >= 4:
        return g.each("Add", one, other)  # what is carried out of the highest bit is lost
    if name in ("or", "xor") and one.dtype.itemsize >= 4 and other.bounds[0] >= 0 and _step(g, one) > other.bounds[1]:
        return _bounded(g.each("Add", one, other), name, one, other)
    return None


def _keeps_all(a: Value, mask: int) -> bool:
    low, high = a.bounds
    return low >= 0 and mask & (ones := (1 << int(high).bit_length()) - 1) == ones


def _step(g: Graph, a: Value) -> int:
    """A power of two of which all its numbers are multiples."""
    made = g.how(a)
    factor = made.inputs[1].one if made.op == "Mul" else None
    return int(factor) & -int(factor) if factor and float(factor).is_integer() else 1


def _bounded(out: Value, name: str, a: Value, b: Value) -> Value:
    (low_a, high_a), (low_b, high_b) = a.bounds, b.bounds
    if name == "and":
        tops = [high for low, high in (a.bounds, b.bounds) if low >= 0]
        return within(out, 0, min(tops)) if tops else out
    if low_a < 0 or low_b < 0:
        return out
    return within(out, 0, (1 << int(max(high_a, high_b)).bit_length()) - 1)


def inverted(g: Graph, values: list[Value], _: Any) -> Value:
    (a,) = values
    if (there := known(np.invert, a)) is not None:
        return there
    made = g.how(a)
    if made.op == "Not" and made.inputs[0].held == a.held:
        return replace(made.inputs[0], shape=a.shape)
    return g.each("Not" if a.dtype == bool else "BitwiseNot", a)


def shifted_left(g: Graph, values: list[Value], _: Any) -> Value:
    a, by = values
    if (there := known(np.left_shift, a, by)) is not None:
        return there
    number = by.one
    if number is not None and 0 <= number < 8 * a.dtype.itemsize and a.dtype in (np.int32, np.uint32):
        low, high = a.bounds
        factor = g.constant(np.array(1 << int(number)).astype(a.dtype))
        return within(g.each("Mul", a, factor), int(low) << int(number), int(high) << int(number))
    return _shifted(g, a, by, "LEFT")


def shifted_right(g: Graph, values: list[Value], _: Any) -> Value:
    a, by = values
    if a.dtype.kind == "u" and (there := known(np.right_shift, a, by)) is not None:
        return there
    if a.bounds[0] >= 0 and (out := _halved(g, a, by)) is not None:
        return out
    return _shifted(g, a, by, "RIGHT")


def _halved(g: Graph, a: Value, by: Value) -> Value | None:
    """What is not negative, divided by a power of two; as a float where that is exact: to divide has no SIMD."""
    number, (low, high) = by.one, a.bounds
    if number is None or not 0 <= number < 8 * a.dtype.itemsize:
        return None
    if a.dtype == np.int32 and high < _EXACT and np.prod(a.held, dtype=int) > _FEW:
        scaled = g.each("Mul", g.cast(a, np.float32), g.constant(0.5**number, np.float32))
        (name,) = g.node("Cast", [scaled.name], to=type_of(np.int32))
        out = Value(a.shape, a.dtype, a.held, name)
    elif a.dtype == np.int32 and number < 31:
        out = g.each("Div", a, g.constant(1 << int(number), np.int32))
    elif a.dtype == np.uint32:
        out = g.each("BitShift", a, g.constant(int(number), np.uint32), direction="RIGHT")
    else:
        return None
    return within(out, int(low) >> int(number), int(high) >> int(number))


def _shifted(g: Graph, a: Value, by: Value, direction: str) -> Value:
    """Bits are shifted as unsigned; from 32 on nothing is left."""
    unsigned = np.dtype(f"u{a.dtype.itemsize}")
    out = g.each("BitShift", g.cast(a, unsigned), g.cast(by, unsigned), direction=direction)
    bits = 8 * a.dtype.itemsize
    low, high = by.bounds
    if by.constant is not None and (by.constant >= 0).all() and (by.constant < bits).all():
        if direction == "RIGHT" and by.one is not None:
            out = within(out, 0, ((1 << bits) - 1) >> int(by.one))
    elif low < 0 or high >= bits:
        few = g.each("Less", g.cast(by, unsigned), g.constant(bits, unsigned), dtype=bool)
        out = either(g, few, out, g.constant(0, unsigned))
    return g.cast(out, a.dtype)


def shifted_with_sign(g: Graph, values: list[Value], parameters: Any) -> Value:
    """Of signed numbers: moved up to what is not negative, shifted, and moved down by what that has become."""
    a, by = values
    if (there := known(np.right_shift, a, by)) is not None:
        return there
    if a.dtype.kind == "u":
        return shifted_right(g, values, parameters)
    if a.dtype != np.int32:
        raise NotExpressible(f"a shift of {a.dtype} that keeps the sign is not translated to ONNX; take int32")
    if (near := _moved_up(g, a, by)) is not None:
        return near
    few = g.cast(by, np.uint32)
    few = known(np.minimum, few, g.constant(31, np.uint32)) or g.each("Min", few, g.constant(31, np.uint32))
    half = g.constant(2**31, np.uint32)
    moved = g.each("BitShift", g.each("Add", g.cast(a, np.uint32), half), few, direction="RIGHT")
    down = known(np.right_shift, half, few) or g.each("BitShift", half, few, direction="RIGHT")
    out = g.each("Sub", g.cast(moved, np.int32), g.cast(down, np.int32))
    low, high = a.bounds
    return out if by.one is None else within(out, int(low) >> int(few.one or 0), int(high) >> int(few.one or 0))


def _moved_up(g: Graph, a: Value, by: Value) -> Value | None:
    """In int32, where there is room above."""
    number, (low, high) = by.one, a.bounds
    if number is None or not 0 <= number < 31:
        return None
    step = 1 << int(number)
    up = -(-max(0, -int(low)) // step) * step
    if high + up > 2**31 - 1:
        return None
    moved = within(g.plus(a, g.constant(up, np.int32)), low + up, high + up) if up else a
    out = _halved(g, moved, by)
    return None if out is None else within(g.plus(out, g.constant(-(up // step), np.int32)), low // step, high // step)


_BITS_OF = np.array([bin(k).count("1") for k in range(1 << 16)], np.uint8)


def population_count(g: Graph, values: list[Value], _: Any) -> Value:
    """From a table of all words of 16 bits."""
    (a,) = values
    if a.dtype != np.uint32:
        raise NotExpressible(f"population_count of {a.dtype} is not translated to ONNX; take uint32")
    table, halves = g.stored(_BITS_OF), [a]
    if a.bounds[1] >= 1 << 16:
        low = bitwise("and")(g, [a, g.constant(0xFFFF, np.uint32)], {})
        halves = [low, shifted_right(g, [a, g.constant(16, np.uint32)], {})]
    counts = [
        Value(a.shape, np.dtype(np.uint8), h.held, g.node("Gather", [table, g.name(g.cast(h, np.int32))])[0])
        for h in halves
    ]
    return within(g.cast(counts[0] if len(counts) == 1 else g.each("Add", *counts), np.uint32), 0, 16 * len(counts))


def leading_zeros(g: Graph, values: list[Value], parameters: Any) -> Value:
    """`clz`: the highest bit is smeared downwards, and what is left is counted."""
    (a,) = values
    word = g.cast(a, np.uint32)
    for k in (1, 2, 4, 8, 16):
        moved = g.each("BitShift", word, g.constant(k, np.uint32), direction="RIGHT")
        word = g.each("BitwiseOr", word, moved)
    return g.cast(g.each("Sub", g.constant(32, np.uint32), population_count(g, [word], parameters)), a.dtype)


TABLE: dict[str, Lowered] = {
    **{name: bitwise(name) for name in _BITWISE},
    "not": inverted,
    "shift_left": shifted_left,
    "shift_right_logical": shifted_right,
    "shift_right_arithmetic": shifted_with_sign,
    "population_count": population_count,
    "clz": leading_zeros,
}
