"""Operations on numbers one by one. Whole numbers wrap as in XLA; what ONNX Runtime has not for a type is composed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mesocosm.artefacts.onnx.graph import Graph, NotExpressible, Value, type_of

Lowered = Callable[..., Value]
"""`(graph, values, parameters of the primitive) -> value`."""

_PLAIN = {
    "add": ("Add", np.add),
    "add_any": ("Add", np.add),
    "sub": ("Sub", np.subtract),
    "mul": ("Mul", np.multiply),
    "max": ("Max", np.maximum),
    "min": ("Min", np.minimum),
}
_COMPARED = {
    "eq": ("Equal", np.equal),
    "lt": ("Less", np.less),
    "gt": ("Greater", np.greater),
    "le": ("LessOrEqual", np.less_equal),
    "ge": ("GreaterOrEqual", np.greater_equal),
    "lt_to": ("Less", np.less),
    "le_to": ("LessOrEqual", np.less_equal),
}
_LOGICAL = {"and": ("And", np.logical_and), "or": ("Or", np.logical_or), "xor": ("Xor", np.logical_xor)}
_BITWISE = {
    "and": ("BitwiseAnd", np.bitwise_and),
    "or": ("BitwiseOr", np.bitwise_or),
    "xor": ("BitwiseXor", np.bitwise_xor),
}
_OF_ONE = {
    "exp": "Exp",
    "log": "Log",
    "tanh": "Tanh",
    "logistic": "Sigmoid",
    "sqrt": "Sqrt",
    "abs": "Abs",
    "sign": "Sign",
    "floor": "Floor",
    "ceil": "Ceil",
    "sin": "Sin",
    "cos": "Cos",
    "erf": "Erf",
    "is_finite": "",
}


def known(f: Callable[..., Any], *values: Value) -> Value | None:
    """The result, if all numbers are known now."""
    if any(v.constant is None for v in values):
        return None
    with np.errstate(all="ignore"):
        out = np.asarray(f(*(v.constant for v in values)))
    shape = np.broadcast_shapes(*(v.shape for v in values))
    return Value(shape, out.dtype, out.shape, constant=out)


def plain(name: str) -> Lowered:
    op, of_numpy = _PLAIN[name]

    def lower(g: Graph, values: list[Value], _: Any) -> Value:
        a, b = values
        if a.dtype == bool:  # `max` and `min` of truth values
            return bitwise("or" if name == "max" else "and")(g, values, _)
        zero = {"add": 0, "add_any": 0, "sub": 0, "mul": 1}.get(name)
        for one, other in ((a, b), (b, a)):
            is_neutral = other.constant is not None and other.held == () and other.constant == zero
            keeps_shape = one.shape == np.broadcast_shapes(a.shape, b.shape)
            if is_neutral and keeps_shape and a.dtype.kind in "iu" and (one is a or name != "sub"):
                return one
        return known(of_numpy, a, b) or g.each(op, a, b)

    return lower


def compared(name: str) -> Lowered:
    op, of_numpy = _COMPARED[name]

    def lower(g: Graph, values: list[Value], _: Any) -> Value:
        a, b = values
        if name.endswith("_to") and a.dtype.kind == "f":
            raise NotExpressible("a total order of floats (jax's sorting of them) has no ONNX; sort whole numbers")
        if name not in ("eq", "ne") and a.dtype == bool:
            a, b = g.cast(a, np.int32), g.cast(b, np.int32)
        if name == "ge" and a.least is not None and b.constant is not None and (b.constant <= a.least).all():
            return g.constant(np.True_, shape=np.broadcast_shapes(a.shape, b.shape))
        if name == "eq" and a.dtype == bool:
            return g.each("Not", g.each("Xor", a, b))
        return known(of_numpy, a, b) or g.each(op, a, b, dtype=bool)

    return lower


def bitwise(name: str) -> Lowered:
    def lower(g: Graph, values: list[Value], _: Any) -> Value:
        op, of_numpy = (_LOGICAL if values[0].dtype == bool else _BITWISE)[name]
        return known(of_numpy, *values) or g.each(op, *values)

    return lower


def not_equal(g: Graph, values: list[Value], _: Any) -> Value:
    a, b = values
    if a.dtype == bool:
        return known(np.not_equal, a, b) or g.each("Xor", a, b)
    return known(np.not_equal, a, b) or g.each("Not", g.each("Equal", a, b, dtype=bool))


def inverted(g: Graph, values: list[Value], _: Any) -> Value:
    (a,) = values
    return known(np.invert, a) or g.each("Not" if a.dtype == bool else "BitwiseNot", a)


def negated(g: Graph, values: list[Value], _: Any) -> Value:
    (a,) = values
    if (there := known(np.negative, a)) is not None:
        return there
    return g.each("Sub", g.constant(0, a.dtype), a) if a.dtype.kind == "u" else g.each("Neg", a)


def shifted_left(g: Graph, values: list[Value], _: Any) -> Value:
    a, by = values
    if (there := known(np.left_shift, a, by)) is not None:
        return there
    return _shifted(g, a, by, "LEFT")


def shifted_right(g: Graph, values: list[Value], _: Any) -> Value:
    a, by = values
    if a.dtype.kind == "u" and (there := known(np.right_shift, a, by)) is not None:
        return there
    return _shifted(g, a, by, "RIGHT")


def _shifted(g: Graph, a: Value, by: Value, direction: str) -> Value:
    """Bits are shifted as unsigned; from 32 on nothing is left."""
    unsigned = np.dtype(f"u{a.dtype.itemsize}")
    out = g.each("BitShift", g.cast(a, unsigned), g.cast(by, unsigned), direction=direction)
    bits = 8 * a.dtype.itemsize
    if by.constant is None or (by.constant >= bits).any():
        few = g.each("Less", g.cast(by, unsigned), g.constant(bits, unsigned), dtype=bool)
        out = either(g, few, out, g.constant(0, unsigned))
    return g.cast(out, a.dtype)


def shifted_with_sign(g: Graph, values: list[Value], parameters: Any) -> Value:
    """Of signed numbers: moved up into the unsigned ones, shifted, and moved down by what that has become."""
    a, by = values
    if (there := known(np.right_shift, a, by)) is not None:
        return there
    if a.dtype.kind == "u":
        return shifted_right(g, values, parameters)
    if a.dtype != np.int32:
        raise NotExpressible(f"a shift of {a.dtype} that keeps the sign is not translated to ONNX; take int32")
    few = g.cast(by, np.uint32)
    few = known(np.minimum, few, g.constant(31, np.uint32)) or g.each("Min", few, g.constant(31, np.uint32))
    half = g.constant(2**31, np.uint32)
    moved = g.each("BitShift", g.each("BitwiseXor", g.cast(a, np.uint32), half), few, direction="RIGHT")
    down = known(np.right_shift, half, few) or g.each("BitShift", half, few, direction="RIGHT")
    return g.each("Sub", g.cast(moved, np.int32), g.cast(down, np.int32))


def divided(g: Graph, values: list[Value], _: Any) -> Value:
    a, b = values
    if a.dtype.kind == "f":
        return g.each("Div", a, b)
    return _whole_quotient(g, a, b)[0]


def remainder(g: Graph, values: list[Value], _: Any) -> Value:
    a, b = values
    if a.dtype.kind == "f":
        return g.each("Mod", a, b, fmod=1)
    q, divisor = _whole_quotient(g, a, b)
    return g.each("Sub", a, g.each("Mul", q, divisor))


def _whole_quotient(g: Graph, a: Value, b: Value) -> tuple[Value, Value]:
    """Towards zero, and the divisor. By zero a processor may refuse; XLA says all ones (and a remainder of `a`)."""
    if b.constant is not None and (b.constant != 0).all() and (b.constant != -1).all():
        return g.each("Div", a, b), b
    is_zero = g.each("Equal", b, g.constant(0, b.dtype), dtype=bool)
    wide = g.cast(either(g, is_zero, g.constant(1, b.dtype), b), np.int64)
    q = g.cast(g.each("Div", g.cast(a, np.int64), wide), a.dtype)
    ones = g.constant(np.array(-1).astype(a.dtype))
    return either(g, is_zero, ones, q), b


def chosen(g: Graph, values: list[Value], _: Any) -> Value:
    """`select_n`: which of the cases, one by one."""
    which, *cases = values
    if which.dtype == bool:
        return either(g, which, cases[1], cases[0])
    out = cases[-1]
    for k in range(len(cases) - 2, -1, -1):
        out = either(g, g.each("LessOrEqual", which, g.constant(k, which.dtype), dtype=bool), cases[k], out)
    return out


def either(g: Graph, which: Value, yes: Value, no: Value) -> Value:
    """One of two numbers, one by one."""
    if which.constant is not None and which.held == ():
        return yes if which.constant else no
    if yes.dtype == bool:
        both = g.each("And", which, yes), g.each("And", g.each("Not", which), no)
        return g.each("Or", *both)
    held = _WHERE_AS.get(yes.dtype.name)
    if held:
        return g.cast(g.each("Where", which, g.cast(yes, held), g.cast(no, held), dtype=held), yes.dtype)
    return g.each("Where", which, yes, no, dtype=yes.dtype)


_WHERE_AS = {"int8": "uint8", "int16": "int32", "uint16": "int32", "uint32": "int32", "uint64": "int64"}
"""Types for which ONNX Runtime, or its build for the web, has no Where: a type of the same bits, or a wider one."""


def converted(g: Graph, values: list[Value], parameters: Any) -> Value:
    (a,), dtype = values, np.dtype(parameters["new_dtype"])
    return _as_whole(g, a, dtype) if a.dtype.kind == "f" and dtype.kind in "iu" else g.cast(a, dtype)


def _as_whole(g: Graph, a: Value, dtype: np.dtype) -> Value:
    """Towards zero; at the ends of the type if beyond them, and 0 for what is no number. ONNX leaves these open."""
    info, kind = np.iinfo(dtype), a.dtype.type
    with np.errstate(over="ignore"):
        low, high = (max(kind(info.min), np.finfo(kind).min), kind(info.max))
        if not np.isfinite(high) or int(high) > info.max:
            high = np.nextafter(high, kind(0))
    if a.constant is not None:
        inner = np.where(np.isnan(a.constant), 0, np.clip(a.constant, low, high)).astype(dtype)
        whole = np.where(a.constant > high, info.max, inner).astype(dtype)
        return Value(a.shape, dtype, whole.shape, constant=whole)
    number = either(g, g.each("IsNaN", a, dtype=bool), g.constant(0, a.dtype), a)
    inner = g.each("Max", g.each("Min", number, g.constant(high, a.dtype)), g.constant(low, a.dtype))
    (name,) = g.node("Cast", [g.name(inner)], to=type_of(dtype))
    is_beyond = g.each("Greater", number, g.constant(high, a.dtype), dtype=bool)
    return either(g, is_beyond, g.constant(info.max, dtype), Value(a.shape, dtype, inner.held, name))


def clamped(g: Graph, values: list[Value], _: Any) -> Value:
    least, x, most = values
    return g.each("Min", g.each("Max", x, least), most)


_BITS_OF = np.array([bin(k).count("1") for k in range(1 << 16)], np.uint8)


def population_count(g: Graph, values: list[Value], _: Any) -> Value:
    """From a table of all words of 16 bits."""
    (a,) = values
    if a.dtype != np.uint32:
        raise NotExpressible(f"population_count of {a.dtype} is not translated to ONNX; take uint32")
    table = g.stored(_BITS_OF)
    low = g.each("BitwiseAnd", a, g.constant(0xFFFF, np.uint32))
    high = g.each("BitShift", a, g.constant(16, np.uint32), direction="RIGHT")
    halves = [
        Value(a.shape, np.dtype(np.uint8), h.held, g.node("Gather", [table, g.name(g.cast(h, np.int32))])[0])
        for h in (low, high)
    ]
    return g.cast(g.each("Add", *halves), np.uint32)


def leading_zeros(g: Graph, values: list[Value], parameters: Any) -> Value:
    """`clz`: the highest bit is smeared downwards, and what is left is counted."""
    (a,) = values
    word = g.cast(a, np.uint32)
    for k in (1, 2, 4, 8, 16):
        moved = g.each("BitShift", word, g.constant(k, np.uint32), direction="RIGHT")
        word = g.each("BitwiseOr", word, moved)
    return g.cast(g.each("Sub", g.constant(32, np.uint32), population_count(g, [word], parameters)), a.dtype)


def of_one(name: str) -> Lowered:
    def lower(g: Graph, values: list[Value], _: Any) -> Value:
        return g.each(_OF_ONE[name], values[0])

    return lower


def signs(g: Graph, values: list[Value], _: Any) -> Value:
    return known(np.sign, values[0]) or g.each("Sign", values[0])


def reciprocal_root(g: Graph, values: list[Value], _: Any) -> Value:
    return g.each("Reciprocal", g.each("Sqrt", values[0]))


def squared(g: Graph, values: list[Value], _: Any) -> Value:
    return g.each("Mul", values[0], values[0])


def powered(g: Graph, values: list[Value], parameters: Any) -> Value:
    """A whole power, by squaring; so that whole numbers stay exact."""
    (a,), k = values, parameters["y"]
    if k < 0:
        return g.each("Reciprocal", powered(g, values, {"y": -k}))
    out, square = g.constant(1, a.dtype, a.shape), a
    while k:
        out = (square if out.constant is not None else g.each("Mul", out, square)) if k & 1 else out
        k >>= 1
        square = g.each("Mul", square, square) if k else square
    return out


def to_the_power(g: Graph, values: list[Value], _: Any) -> Value:
    return g.each("Pow", *values)


def two_to_the_power(g: Graph, values: list[Value], _: Any) -> Value:
    return g.each("Pow", g.constant(2, values[0].dtype), values[0])


def less_one(g: Graph, values: list[Value], _: Any) -> Value:
    """exp(x) - 1 = tanh(x / 2) (exp(x) + 1), which loses nothing near 0."""
    (x,) = values
    half = g.each("Mul", x, g.constant(0.5, x.dtype))
    return g.each("Mul", g.each("Tanh", half), g.each("Add", g.each("Exp", x), g.constant(1, x.dtype)))


def log_of_more(g: Graph, values: list[Value], _: Any) -> Value:
    """log(1 + x); where 1 + x is rounded, by what the rounding left (D. Goldberg, 1991, theorem 4)."""
    (x,), one = values, g.constant(1, values[0].dtype)
    more = g.each("Add", x, one)
    log = g.each("Log", more)
    near = g.each("Mul", log, g.each("Div", x, g.each("Sub", more, one)))
    is_near = g.each("Less", g.each("Abs", x), one, dtype=bool)
    is_one = g.each("Equal", more, one, dtype=bool)
    return either(g, is_one, x, either(g, is_near, near, log))


def is_finite(g: Graph, values: list[Value], _: Any) -> Value:
    (a,) = values
    odd = g.each("Or", g.each("IsNaN", a, dtype=bool), g.each("IsInf", a, dtype=bool))
    return g.each("Not", odd)


TABLE: dict[str, Lowered] = {
    **{name: plain(name) for name in _PLAIN},
    **{name: compared(name) for name in _COMPARED},
    **{name: bitwise(name) for name in _BITWISE},
    **{name: of_one(name) for name in _OF_ONE},
    "ne": not_equal,
    "not": inverted,
    "neg": negated,
    "sign": signs,
    "shift_left": shifted_left,
    "shift_right_logical": shifted_right,
    "shift_right_arithmetic": shifted_with_sign,
    "div": divided,
    "rem": remainder,
    "select_n": chosen,
    "convert_element_type": converted,
    "clamp": clamped,
    "population_count": population_count,
    "clz": leading_zeros,
    "exp2": two_to_the_power,
    "rsqrt": reciprocal_root,
    "square": squared,
    "integer_pow": powered,
    "pow": to_the_power,
    "expm1": less_one,
    "log1p": log_of_more,
    "is_finite": is_finite,
}
