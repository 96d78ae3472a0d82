"""Operations on numbers one by one. Whole numbers wrap as in XLA; what ONNX Runtime has not for a type is composed."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from mesocosm.artefacts.onnx.choice import either
from mesocosm.artefacts.onnx.graph import Graph, NotExpressible, type_of
from mesocosm.artefacts.onnx.values import Number, Value, at_corners, is_one, within

Lowered = Callable[..., Value]
"""`(graph, values, parameters of the primitive) -> value`."""

_MANY, _NEAR = 1024, 1 << 14
"""Numbers from which on, and differences up to which, tables are made."""
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
    if out.ndim and is_one(out):
        out = out.reshape(-1)[0]
    return Value(shape, out.dtype, np.shape(out), constant=np.asarray(out))


def plain(name: str) -> Lowered:
    op, of_numpy = _PLAIN[name]
    f: Any = {"add": plus, "add_any": plus, "sub": minus, "mul": operator.mul, "max": max, "min": min}[name]

    def lower(g: Graph, values: list[Value], _: Any) -> Value:
        a, b = values
        if a.dtype == bool:  # `max` and `min` of truth values
            return known(of_numpy, a, b) or g.each("Or" if name == "max" else "And", a, b)
        if (there := known(of_numpy, a, b)) is not None:
            return there
        if a.dtype.kind == "f":
            return g.each(op, a, b)
        shape = np.broadcast_shapes(a.shape, b.shape)
        for one, other in ((a, b), (b, a)):
            if one.shape == shape and (one is a or name != "sub") and _changes_nothing(name, one, other):
                return one
        if name == "sub" and (beyond := _beyond(g, a, b)) is not None:
            return beyond
        out = _summed(g, name, a, b)
        if name == "mul" and a.name == b.name:
            low, high = a.bounds
            return within(out, 0 if low <= 0 <= high else min(low * low, high * high), max(low * low, high * high))
        return at_corners(out, f, a, b)

    return lower


def _beyond(g: Graph, a: Value, b: Value) -> Value | None:
    """`max(b, c) - b` of many numbers as `max(c - b, 0)`: both ways round of one difference, which has few values."""
    made = g.how(a)
    if made.op != "Max" or a.dtype != np.int32 or not b.name or np.prod(a.held, dtype=int) < _MANY:
        return None
    for one, other in (made.inputs, made.inputs[::-1]):
        if (one.name, one.held) == (b.name, b.held) == (b.name, other.held) and other.name:
            first, second = sorted((one, other), key=g.age_of)
            low, high = first.bounds[0] - second.bounds[1], first.bounds[1] - second.bounds[0]
            if max(-low, high) < _NEAR:
                apart = g.told(plain("sub")(g, [first, second], {}))
                more = apart if other is first else negated(g, [apart], {})
                return plain("max")(g, [more, g.constant(0, np.int32)], {})
    return None


def plus(a: Number, b: Number) -> Number:
    return a + b


def minus(a: Number, b: Number) -> Number:
    return a - b


def _changes_nothing(name: str, one: Value, other: Value) -> bool:
    if name in ("max", "min"):
        (low, high), (least, most) = one.bounds, other.bounds
        return low >= most if name == "max" else high <= least
    return other.one == (1 if name == "mul" else 0)


def _summed(g: Graph, name: str, a: Value, b: Value) -> Value:
    """Sums of whole numbers in the order that adds small arrays first; a difference from a known number is a sum."""
    if name == "sub" and b.constant is not None and a.dtype.kind == "i":
        with np.errstate(over="ignore"):
            return g.plus(a, Value(b.shape, b.dtype, b.held, constant=np.asarray(np.negative(b.constant))))
    return g.plus(a, b) if name in ("add", "add_any") else g.each(_PLAIN[name][0], a, b)


def compared(name: str) -> Lowered:
    op, of_numpy = _COMPARED[name]

    def lower(g: Graph, values: list[Value], _: Any) -> Value:
        a, b = values
        if name.endswith("_to") and a.dtype.kind == "f":
            raise NotExpressible("a total order of floats (jax's sorting of them) has no ONNX; sort whole numbers")
        if (there := known(of_numpy, a, b)) is not None:
            return there
        if (decided := _decided(name.removesuffix("_to"), a, b)) is not None:
            return g.constant(decided, bool, np.broadcast_shapes(a.shape, b.shape))
        if name == "eq" and (truth := _asked(g, a, b)) is not None:
            return truth
        if name != "eq" and a.dtype == bool:
            a, b = g.cast(a, np.int32), g.cast(b, np.int32)
        if name == "eq" and a.dtype == bool:
            return g.each("Not", g.each("Xor", a, b))
        return g.each(op, a, b, dtype=bool)

    return lower


def _asked(g: Graph, a: Value, b: Value) -> Value | None:
    """Whether numbers that were made of truth values are 0 or 1: these, or their opposites."""
    for one, other in ((a, b), (b, a)):
        number, truth = other.one, g.truth_of(one)
        if number in (0, 1) and truth is not None and one.dtype != bool:
            truth = replace(truth, shape=np.broadcast_shapes(a.shape, b.shape))
            return truth if number else g.each("Not", truth)
    return None


def _decided(name: str, a: Value, b: Value) -> bool | None:
    """What bounds alone say of a comparison."""
    if not (a.is_finite and b.is_finite):
        return None
    (low_a, high_a), (low_b, high_b) = a.bounds, b.bounds
    if name == "eq":
        return False if high_a < low_b or high_b < low_a else None
    if name in ("gt", "le"):
        is_more = True if low_a > high_b else False if high_a <= low_b else None
        return is_more if name == "gt" or is_more is None else not is_more
    is_less = True if high_a < low_b else False if low_a >= high_b else None
    return is_less if name == "lt" or is_less is None else not is_less


def not_equal(g: Graph, values: list[Value], _: Any) -> Value:
    a, b = values
    if (there := known(np.not_equal, a, b)) is not None:
        return there
    if _decided("eq", a, b) is False:
        return g.constant(True, bool, np.broadcast_shapes(a.shape, b.shape))
    if (truth := _asked(g, a, b)) is not None:
        return g.each("Not", truth)
    if a.dtype == bool and b.one is not None:
        return g.each("Not", a) if b.one else a
    if a.dtype == bool:
        return g.each("Xor", a, b)
    return g.each("Not", g.each("Equal", a, b, dtype=bool))


def negated(g: Graph, values: list[Value], _: Any) -> Value:
    (a,) = values
    if (there := known(np.negative, a)) is not None:
        return there
    if a.dtype.kind == "u":
        return g.each("Sub", g.constant(0, a.dtype), a)
    low, high = a.bounds
    return within(g.each("Neg", a), -high, -low)


def divided(g: Graph, values: list[Value], _: Any) -> Value:
    a, b = values
    if a.dtype.kind == "f":
        out = g.each("Div", a, b)
        if not (a.is_finite and b.is_finite) or b.bounds[0] < 1:
            return out
        kind = a.dtype.type
        return at_corners(out, lambda x, y: float(kind(x) / kind(y)), a, b)  # rounding keeps the order
    return _whole_quotient(g, a, b)[0]


def remainder(g: Graph, values: list[Value], _: Any) -> Value:
    a, b = values
    if a.dtype.kind == "f":
        return g.each("Mod", a, b, fmod=1)
    q, divisor = _whole_quotient(g, a, b)
    if (there := known(np.fmod, a, b)) is not None and b.constant is not None and (b.constant != 0).all():
        return there
    out = g.each("Sub", a, g.each("Mul", q, divisor))
    most = max(map(abs, b.bounds)) - 1
    return within(out, 0 if a.bounds[0] >= 0 else -most, most) if _is_never_zero(b) else out


def _is_never_zero(a: Value) -> bool:
    return a.bounds[0] > 0 or a.bounds[1] < 0


def _whole_quotient(g: Graph, a: Value, b: Value) -> tuple[Value, Value]:
    """Towards zero, and the divisor. By zero a processor may refuse; XLA says all ones (and a remainder of `a`)."""
    if b.bounds[0] > 0 or (b.constant is not None and (b.constant != 0).all() and (b.constant != -1).all()):
        if a.constant is not None and b.constant is not None:
            wide = a.constant.astype(np.int64), b.constant.astype(np.int64)
            q = np.where(wide[0] < 0, -(-wide[0] // abs(wide[1])), wide[0] // abs(wide[1])) * np.sign(wide[1])
            return g.constant(q.astype(a.dtype), shape=np.broadcast_shapes(a.shape, b.shape)), b
        out = g.each("Div", a, b)
        return (at_corners(out, _towards_zero, a, b) if _is_never_zero(b) else out), b  # of both signs: not monotone
    is_zero = g.each("Equal", b, g.constant(0, b.dtype), dtype=bool)
    wide = g.cast(either(g, is_zero, g.constant(1, b.dtype), b), np.int64)
    q = g.cast(g.each("Div", g.cast(a, np.int64), wide), a.dtype)
    ones = g.constant(np.array(-1).astype(a.dtype))
    return either(g, is_zero, ones, q), b


def _towards_zero(a: Number, b: Number) -> Number:
    return (abs(a) // abs(b)) * (1 if (a < 0) == (b < 0) else -1)


def chosen(g: Graph, values: list[Value], _: Any) -> Value:
    """`select_n`: which of the cases, one by one."""
    which, *cases = values
    if which.dtype == bool:
        return either(g, which, cases[1], cases[0])
    out = cases[-1]
    for k in range(len(cases) - 2, -1, -1):
        out = either(g, g.each("LessOrEqual", which, g.constant(k, which.dtype), dtype=bool), cases[k], out)
    return out


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
    if a.is_finite and low <= a.bounds[0] and a.bounds[1] <= high:
        (name,) = g.node("Cast", [g.name(a)], to=type_of(dtype))
        return within(Value(a.shape, dtype, a.held, name), *map(int, a.bounds))
    number = either(g, g.each("IsNaN", a, dtype=bool), g.constant(0, a.dtype), a)
    inner = g.each("Max", g.each("Min", number, g.constant(high, a.dtype)), g.constant(low, a.dtype))
    (name,) = g.node("Cast", [g.name(inner)], to=type_of(dtype))
    is_beyond = g.each("Greater", number, g.constant(high, a.dtype), dtype=bool)
    return either(g, is_beyond, g.constant(info.max, dtype), Value(a.shape, dtype, inner.held, name))


def clamped(g: Graph, values: list[Value], _: Any) -> Value:
    least, x, most = values
    return plain("min")(g, [plain("max")(g, [x, least], _), most], _)


def of_one(name: str) -> Lowered:
    def lower(g: Graph, values: list[Value], _: Any) -> Value:
        (a,), ends = values, values[0].bounds
        out = g.each(_OF_ONE[name], a)
        if name == "sqrt" and a.is_finite and ends[0] >= 0:
            return within(out, *(float(np.sqrt(a.dtype.type(end))) for end in ends))  # rounding keeps the order
        if name == "abs" and a.is_finite and ends[0] > -(2**31):  # |-2^31| is -2^31: nothing is known where it may be
            return within(out, max(0, ends[0], -ends[1]), max(map(abs, ends)))
        return out

    return lower


def signs(g: Graph, values: list[Value], _: Any) -> Value:
    (a,), (low, high) = values, values[0].bounds
    if a.dtype.kind in "iu" and (low > 0 or high < 0):
        return g.constant(1 if low > 0 else -1, a.dtype, a.shape)
    if (there := known(np.sign, a)) is not None:
        return there
    return (
        within(g.each("Sign", a), (low > 0) - (low < 0), (high > 0) - (high < 0))
        if a.dtype.kind in "iu"
        else g.each("Sign", a)
    )


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
    **{name: of_one(name) for name in _OF_ONE},
    "ne": not_equal,
    "neg": negated,
    "sign": signs,
    "div": divided,
    "rem": remainder,
    "select_n": chosen,
    "convert_element_type": converted,
    "clamp": clamped,
    "exp2": two_to_the_power,
    "rsqrt": reciprocal_root,
    "square": squared,
    "integer_pow": powered,
    "pow": to_the_power,
    "expm1": less_one,
    "log1p": log_of_more,
    "is_finite": is_finite,
}
