"""Operations that move numbers or sum them up: axes, slices, reductions, products, sorting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from string import ascii_letters
from typing import Any

import numpy as np

from mesocosm.artefacts.onnx import bits
from mesocosm.artefacts.onnx.choice import either
from mesocosm.artefacts.onnx.graph import Graph, Made, NotExpressible, type_of
from mesocosm.artefacts.onnx.values import Shape, Value, like, padded, stripped, within


def ints(g: Graph, numbers: Sequence[int]) -> str:
    """The name of a constant list of places or sizes."""
    return g.stored(np.array(list(numbers), np.int64))


def spread(g: Graph, values: list[Value], parameters: Any) -> Value:
    """`broadcast_in_dim`: nothing is copied."""
    a, shape, where = values[0], tuple(parameters["shape"]), parameters["broadcast_dimensions"]
    held = [1] * len(shape)
    for at, size in zip(where, padded(a.held, len(a.shape)), strict=True):
        held[at] = size
    return g.as_held(a, stripped(held), shape)


def stretched(g: Graph, a: Value, shape: Shape) -> Value:
    """As numpy broadcasts."""
    first = len(shape) - len(a.shape)
    return spread(g, [a], {"shape": shape, "broadcast_dimensions": range(first, len(shape))})


def reshaped(g: Graph, values: list[Value], parameters: Any) -> Value:
    a, shape = values[0], tuple(parameters["new_sizes"])
    if a.held == ():
        return g.as_held(a, (), shape)
    if np.prod(a.held, dtype=int) != np.prod(shape, dtype=int):
        a = like(g.given(g.whole(a), a.shape, a.dtype), a)
    return g.as_held(a, stripped(shape), shape)


def squeezed(g: Graph, values: list[Value], parameters: Any) -> Value:
    a, gone = values[0], {d % len(values[0].shape) for d in parameters["dimensions"]}
    kept = [k for k in range(len(a.shape)) if k not in gone]
    held = padded(a.held, len(a.shape))
    return g.as_held(a, stripped([held[k] for k in kept]), tuple(a.shape[k] for k in kept))


def expanded(g: Graph, values: list[Value], parameters: Any) -> Value:
    a, rank = values[0], len(values[0].shape) + len(parameters["dimensions"])
    new = {d % rank for d in parameters["dimensions"]}
    held, own = iter(padded(a.held, len(a.shape))), iter(a.shape)
    pairs = [(1, 1) if k in new else (next(held), next(own)) for k in range(rank)]
    return g.as_held(a, stripped([h for h, _ in pairs]), tuple(s for _, s in pairs))


def transposed(g: Graph, values: list[Value], parameters: Any) -> Value:
    return turned(g, values[0], parameters["permutation"])


def turned(g: Graph, a: Value, order: Sequence[int]) -> Value:
    """Axes in another order."""
    held, shape = padded(a.held, len(a.shape)), tuple(a.shape[k] for k in order)
    now = [k for k in order if held[k] != 1]
    target = stripped([held[k] for k in order])
    if now == sorted(now):
        return g.as_held(a, target, shape)
    if a.constant is not None:
        moved = np.transpose(a.constant.reshape(held), order)
        return Value(shape, a.dtype, target, constant=moved.reshape(target))
    made = g.how(a)
    if made.op == "Transpose" and len(made.axes) == len(order):  # turned before: once is enough
        return replace(turned(g, made.inputs[0], [made.axes[k] for k in order]), shape=shape)
    first = g.name(g.as_held(a, held))
    (name,) = g.node("Transpose", [first], perm=list(order))
    if held == a.held and target == tuple(held[k] for k in order):
        g.made[name] = Made("Transpose", (a,), tuple(order))
    return like(g.as_held(Value(shape, a.dtype, tuple(held[k] for k in order), name), target, shape), a)


def sliced(g: Graph, values: list[Value], parameters: Any) -> Value:
    """Along axes of which only one number is held there is nothing to cut."""
    a, strides = values[0], parameters["strides"] or (1,) * len(values[0].shape)
    cut = list(zip(parameters["start_indices"], parameters["limit_indices"], strides, strict=True))
    return _cut(g, a, cut)


def _cut(g: Graph, a: Value, cut: list[tuple[int, int, int]]) -> Value:
    held = padded(a.held, len(a.shape))
    shape = tuple(len(range(*c)) for c in cut)
    axes = [k for k, (size, c) in enumerate(zip(held, cut, strict=True)) if size != 1 and c != (0, size, 1)]
    target = tuple(shape[k] if held[k] != 1 else 1 for k in range(len(held)))
    if a.constant is not None:
        array = a.constant.reshape(held)[tuple(slice(*c) if k in axes else slice(None) for k, c in enumerate(cut))]
        return Value(shape, a.dtype, stripped(target), constant=array.reshape(stripped(target)))
    if not axes:
        return g.as_held(a, stripped(target), shape)
    skip = len(held) - len(a.held)
    lists = [[cut[k][j] for k in axes] for j in (0, 1)] + [[k - skip for k in axes], [cut[k][2] for k in axes]]
    (name,) = g.node("Slice", [a.name, *(ints(g, numbers) for numbers in lists)])
    if len(axes) == 1:
        g.made[name] = Made("Slice", (a,), (axes[0] - skip, cut[axes[0]][0], cut[axes[0]][2]))
    return like(g.as_held(Value(shape, a.dtype, target[skip:], name), stripped(target), shape), a)


def split(g: Graph, values: list[Value], parameters: Any) -> list[Value]:
    a, axis, out, start = values[0], parameters["axis"], [], 0
    for size in parameters["sizes"]:
        cut = [(0, n, 1) if k != axis else (start, start + size, 1) for k, n in enumerate(a.shape)]
        out.append(_cut(g, a, cut))
        start += size
    return out


def joined(g: Graph, values: list[Value], parameters: Any) -> Value:
    axis = parameters["dimension"]
    shape = list(values[0].shape)
    shape[axis] = sum(v.shape[axis] for v in values)
    if all(v.constant is not None for v in values):
        arrays = [np.broadcast_to(v.constant, v.shape) for v in values if v.constant is not None]
        return g.constant(np.concatenate(arrays, axis))
    out = like(g.op("Concat", [g.whole(v) for v in values], tuple(shape), values[0].dtype, axis=axis), *values)
    g.made[out.name] = Made("Concat", tuple(values), (axis,))
    return out


def stacked(g: Graph, values: list[Value], parameters: Any) -> Value:
    axis = parameters["axis"]
    axis %= len(values[0].shape) + 1
    return joined(g, [expanded(g, [v], {"dimensions": (axis,)}) for v in values], {"dimension": axis})


def padded_out(g: Graph, values: list[Value], parameters: Any) -> Value:
    a, filling = values
    config = [tuple(int(n) for n in c) for c in parameters["padding_config"]]
    if any(inner for _, _, inner in config):
        raise NotExpressible("padding between numbers is not translated to ONNX")
    cut = [(max(0, -low), n - max(0, -high), 1) for n, (low, high, _) in zip(a.shape, config, strict=True)]
    a = _cut(g, a, cut)
    config = [(max(0, low), max(0, high), 0) for low, high, _ in config]
    if not any(low or high for low, high, _ in config):
        return a
    shape = tuple(n + low + high for n, (low, high, _) in zip(a.shape, config, strict=True))
    sizes = ints(g, [low for low, _, _ in config] + [high for _, high, _ in config])
    return like(g.op("Pad", [g.whole(a), sizes, g.whole(filling)], shape, a.dtype), a, filling)


def tiled(g: Graph, values: list[Value], parameters: Any) -> Value:
    a, times = values[0], parameters["reps"]
    shape = tuple(n * k for n, k in zip(a.shape, times, strict=True))
    return g.op("Tile", [g.whole(a), ints(g, times)], shape, a.dtype)


def counted(g: Graph, values: list[Value], parameters: Any) -> Value:
    """`iota`."""
    shape, axis = tuple(parameters["shape"]), parameters["dimension"]
    line = np.arange(shape[axis]).astype(parameters["dtype"])
    held = stripped([n if k == axis else 1 for k, n in enumerate(shape)])
    return Value(shape, line.dtype, held, constant=line.reshape(held))


def reversed_(g: Graph, values: list[Value], parameters: Any) -> Value:
    a, axes = values[0], parameters["dimensions"]
    n = len(axes)
    starts, ends = ints(g, [-1] * n), ints(g, [-(2**31)] * n)
    return like(g.op("Slice", [g.whole(a), starts, ends, ints(g, axes), ints(g, [-1] * n)], a.shape, a.dtype), a)


def _counting(dtype: np.dtype, wraps: bool) -> np.dtype:
    """A type in which ONNX Runtime reduces, multiplies and sorts: of the same bits where it wraps, else a wider one."""
    if dtype.kind not in "iu" or dtype.itemsize > 4:
        return dtype
    return np.dtype(np.int64 if dtype == np.uint32 and not wraps else np.int32)


def reduced(op: str) -> Callable[..., Value]:
    def lower(g: Graph, values: list[Value], parameters: Any) -> Value:
        a, axes = values[0], tuple(parameters["axes"])
        shape = tuple(n for k, n in enumerate(a.shape) if k not in axes)
        if all(a.shape[k] == 1 for k in axes):
            return reshaped(g, values, {"new_sizes": shape})
        if op in ("ReduceSum", "ReduceProd") and a.dtype.kind in "iub":
            return _summed(g, a, axes, shape) if op == "ReduceSum" else _product(g, a, axes, shape)
        dtype = _counting(a.dtype, wraps=False)
        if a.dtype == bool:
            dtype = a.dtype
        out = g.op(op, [g.whole(g.cast(a, dtype)), ints(g, axes)], shape, dtype, keepdims=0)
        return g.cast(like(out, a) if op in ("ReduceMax", "ReduceMin") and a.is_finite else out, a.dtype)

    return lower


def _summed(g: Graph, a: Value, axes: Sequence[int], shape: Shape) -> Value:
    """A sum of whole numbers; in floats where that is exact, since ONNX Runtime is four to ten times faster at it.

    What may wrap is summed where it does not, and wraps afterwards: ONNX Runtime stops at the ends of a type (1.32).
    """
    n, (low, high) = int(np.prod([a.shape[k] for k in axes], dtype=int)), a.bounds
    dtype, most = _counting(a.dtype, wraps=True), n * max(abs(low), abs(high))
    is_long = np.prod(a.shape, dtype=int) >= _MANY
    if most > 1 << 52 and a.dtype.itemsize <= 4:
        return _summed_apart(g, a, axes, shape)
    if is_long and most <= 1 << 52:
        dtype = np.dtype(np.float32 if most <= 1 << 24 else np.float64)
    elif most >= 1 << 31:
        dtype = np.dtype(np.int64)
    name = g.whole(g.cast(a, dtype))
    out = within(g.op("ReduceSum", [name, ints(g, axes)], shape, dtype, keepdims=0), n * low, n * high)
    return within(_wrapped(g, out, a.dtype), n * low, n * high) if dtype.kind == "f" else g.cast(out, a.dtype)


def _summed_apart(g: Graph, a: Value, axes: Sequence[int], shape: Shape) -> Value:
    """A sum that may be beyond 2^53, low and high bits apart: ONNX Runtime adds int64 as float64 (1.32)."""
    word, sixteen = g.cast(a, np.uint32), g.constant(16, np.uint32)
    low = bits.bitwise("and")(g, [word, g.constant(0xFFFF, np.uint32)], {})
    high = bits.shifted_right(g, [word, sixteen], {})
    low, high = (_summed(g, half, axes, shape) for half in (low, high))
    return g.cast(g.each("Add", bits.shifted_left(g, [high, sixteen], {}), low), a.dtype)


def _wrapped(g: Graph, a: Value, dtype: np.dtype) -> Value:
    """A whole number, held as a float, as the type wraps it. By itself a cast stops at the ends (or does anything),
    and so it does after one to int64, which ONNX Runtime leaves out (1.32)."""
    info = np.iinfo(dtype)
    if not info.min <= a.bounds[0] <= a.bounds[1] <= info.max:
        size = g.constant(2.0**info.bits, np.float64)
        a = replace(g.cast(a, np.float64), least=None, most=None)
        turns = g.each(
            "Mul", g.each("Sub", a, g.constant(info.min, np.float64)), g.constant(0.5**info.bits, np.float64)
        )
        a = g.each("Sub", a, g.each("Mul", g.each("Floor", turns), size))
    (name,) = g.node("Cast", [g.name(a)], to=type_of(dtype))
    return replace(a, dtype=dtype, name=name, least=None, most=None)


def _product(g: Graph, a: Value, axes: Sequence[int], shape: Shape) -> Value:
    """A product of whole numbers, which wraps: half of them by the other half, until one is left."""
    out = g.cast(a, _counting(a.dtype, wraps=True))
    for axis in axes:
        while (n := out.shape[axis]) > 1:
            ends = ((0, n // 2), (n // 2, n // 2 * 2), (n // 2 * 2, n))
            first, second, odd = (
                _cut(g, out, [(*end, 1) if k == axis else (0, size, 1) for k, size in enumerate(out.shape)])
                for end in ends
            )
            out = g.each("Mul", first, second)
            out = joined(g, [out, odd], {"dimension": axis}) if n % 2 else out
    if 0 in a.shape:
        return g.constant(1, a.dtype, shape)
    return g.cast(reshaped(g, [out], {"new_sizes": shape}), a.dtype)


_MANY = 256
"""Numbers from which on it is worth two casts."""


def placed(op: str) -> Callable[..., Value]:
    """`argmax`, `argmin`: the first place of several."""

    def lower(g: Graph, values: list[Value], parameters: Any) -> Value:
        a, (axis,) = values[0], parameters["axes"]
        dtype = np.dtype(np.int32) if a.dtype == bool else _counting(a.dtype, wraps=False)
        shape = tuple(n for k, n in enumerate(a.shape) if k != axis)
        out = g.op(op, [g.whole(g.cast(a, dtype))], shape, np.int64, axis=axis, keepdims=0)
        if a.dtype.kind == "f":  # the first that is no number comes before all
            odd = g.whole(g.cast(g.each("IsNaN", a, dtype=bool), np.int32))
            first = g.op("ArgMax", [odd], shape, np.int64, axis=axis, keepdims=0)
            most = g.op("ReduceMax", [odd, ints(g, [axis])], shape, np.int32, keepdims=0)
            out = either(g, g.cast(most, np.bool_), first, out)
        return g.cast(within(out, 0, max(0, a.shape[axis] - 1)), parameters["index_dtype"])

    return lower


def accumulated(g: Graph, values: list[Value], parameters: Any) -> Value:
    a = values[0]
    dtype = _counting(a.dtype, wraps=True)
    axis = g.stored(np.array(parameters["axis"], np.int64))
    out = g.op("CumSum", [g.whole(g.cast(a, dtype)), axis], a.shape, dtype, reverse=int(parameters["reverse"]))
    if dtype.kind in "iu":
        (low, high), n = a.bounds, a.shape[parameters["axis"]]
        out = within(out, min(low, n * low), max(high, n * high))
    return g.cast(out, a.dtype)


def ordered(g: Graph, values: list[Value], parameters: Any) -> list[Value]:
    """`sort`, from the least on, no number last; of equal ones the first comes first (TopK keeps them so)."""
    if parameters["num_keys"] != 1:
        raise NotExpressible("a sort by several keys is not translated to ONNX")
    key, *others = values
    axis, n = parameters["dimension"], values[0].shape[parameters["dimension"]]
    wide = g.cast(key, np.int32 if key.dtype == bool else _counting(key.dtype, wraps=False))
    if is_open := key.dtype.kind == "f" and not key.is_finite:
        wide, others = _ranks(g, key), values
    names = g.node("TopK", [g.whole(wide), ints(g, [n])], 2, axis=axis, largest=0, sorted=1)
    out = [] if is_open else [g.cast(like(g.given(names[0], key.shape, wide.dtype), wide), key.dtype)]
    return out + [like(g.op("GatherElements", [g.whole(v), names[1]], v.shape, v.dtype, axis=axis), v) for v in others]


def _ranks(g: Graph, a: Value, zeros: bool = False) -> Value:
    """Floats in an order in which nothing is left open, in float64: no number after all others, and -0 before 0."""

    def number(x: float) -> Value:
        return g.constant(x, np.float64)

    wide, beyond = g.cast(a, np.float64), float(np.finfo(np.float64).max)
    out = either(g, g.each("IsNaN", wide, dtype=bool), number(np.inf), g.each("Min", wide, number(beyond)))
    if not zeros:
        return out
    is_zero = g.each("Equal", wide, number(0.0), dtype=bool)
    is_below = g.each("Less", g.each("Reciprocal", wide), number(0.0), dtype=bool)
    return either(g, g.each("And", is_zero, is_below), number(-np.finfo(np.float64).tiny), out)


def largest(g: Graph, values: list[Value], parameters: Any) -> list[Value]:
    """`top_k`: the k largest, from the largest on, and their places; of equal ones the first comes first.

    Of floats -0 is less than 0, and what is no number is the largest; jax takes it for the least if its sign is
    negative, which ONNX cannot see.
    """
    (a,), axis, k = values, parameters["axis"], parameters["k"]
    is_open = a.dtype.kind == "f" and not (a.is_finite and a.bounds[0] > 0)
    wide = _ranks(g, a, zeros=True) if is_open else g.cast(a, _counting(a.dtype, wraps=False))
    names = g.node("TopK", [g.whole(wide), ints(g, [k])], 2, axis=axis, largest=1, sorted=1)
    shape = (*a.shape[:axis], k, *a.shape[axis + 1 :])
    place = within(g.cast(g.given(names[1], shape, np.int64), np.int32), 0, a.shape[axis] - 1)
    if is_open:
        return [like(g.op("GatherElements", [g.whole(a), names[1]], shape, a.dtype, axis=axis), a), place]
    return [g.cast(like(g.given(names[0], shape, wide.dtype), wide), a.dtype), place]


def multiplied(g: Graph, values: list[Value], parameters: Any) -> Value:
    """`dot_general`, as Einstein's sum."""
    wanted = np.dtype(parameters.get("preferred_element_type") or values[0].dtype)
    dtype = _counting(wanted, wraps=True)
    a, b = (g.cast(v, dtype) for v in values)
    (of_a, of_b), (batch_a, batch_b) = parameters["dimension_numbers"]
    letters = iter(ascii_letters)
    first = [next(letters) for _ in a.shape]
    second = [next(letters) for _ in b.shape]
    for i, j in (*zip(of_a, of_b, strict=True), *zip(batch_a, batch_b, strict=True)):
        second[j] = first[i]
    result = [first[i] for i in batch_a]
    result += [x for i, x in enumerate(first) if i not in (*of_a, *batch_a)]
    result += [x for j, x in enumerate(second) if j not in (*of_b, *batch_b)]
    sizes = dict(zip(first, a.shape, strict=True)) | dict(zip(second, b.shape, strict=True))
    shape: Shape = tuple(sizes[x] for x in result)
    equation = f"{''.join(first)},{''.join(second)}->{''.join(result)}"
    return g.cast(g.op("Einsum", [g.whole(a), g.whole(b)], shape, dtype, equation=equation), wanted)


TABLE: dict[str, Callable[..., Any]] = {
    "broadcast_in_dim": spread,
    "reshape": reshaped,
    "squeeze": squeezed,
    "expand_dims": expanded,
    "transpose": transposed,
    "slice": sliced,
    "split": split,
    "concatenate": joined,
    "stack": stacked,
    "pad": padded_out,
    "tile": tiled,
    "iota": counted,
    "rev": reversed_,
    "reduce_sum": reduced("ReduceSum"),
    "reduce_max": reduced("ReduceMax"),
    "reduce_min": reduced("ReduceMin"),
    "reduce_prod": reduced("ReduceProd"),
    "reduce_or": reduced("ReduceMax"),
    "reduce_and": reduced("ReduceMin"),
    "argmax": placed("ArgMax"),
    "argmin": placed("ArgMin"),
    "cumsum": accumulated,
    "sort": ordered,
    "top_k": largest,
    "dot_general": multiplied,
}
