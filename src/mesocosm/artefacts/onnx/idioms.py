"""Functions that are translated as a whole, since ONNX has a shorter way to say what they are.

They are known by the name of their call, and taken only if what is called is what this project or jax means by it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mesocosm.artefacts.onnx import bits, elementwise
from mesocosm.artefacts.onnx.drawn import addressed
from mesocosm.artefacts.onnx.graph import Graph, type_of
from mesocosm.artefacts.onnx.shapes import ints, joined, stretched
from mesocosm.artefacts.onnx.values import Value, like, within
from mesocosm.core.arrays import first_true, one_of, promised, quotient, root
from mesocosm.core.random import threefry2x32

_MANY = 1024
"""Look-ups that cost less than as many comparisons as there are cases."""
Idiom = Callable[[Graph, list[Value], Any], list[Value] | None]


def translated(g: Graph, parameters: dict[str, Any], values: list[Value], outvars: Any) -> list[Value] | None:
    """A call as an idiom, if it is one."""
    name = parameters.get("name", "")
    if name not in _IDIOMS:
        return None
    meant, idiom = _IDIOMS[name]
    avals = tuple((v.shape, v.dtype.name) for v in values)
    wanted = _body_of(meant, avals, tuple(outvars[0].aval.shape))
    return idiom(g, values, outvars[0].aval) if wanted == str(parameters["jaxpr"]) else None


@lru_cache(maxsize=256)
def _body_of(meant: Callable[..., Any], avals: tuple[Any, ...], out: tuple[int, ...]) -> str | None:
    """What is called where this function is called with such arrays, as text."""
    try:
        outer = jax.make_jaxpr(partial(meant, out=out))(*(jax.ShapeDtypeStruct(*aval) for aval in avals))
    except (TypeError, ValueError):
        return None
    return str(outer.jaxpr.eqns[-1].params.get("jaxpr")) if outer.jaxpr.eqns else None


def _first(g: Graph, values: list[Value], aval: Any) -> list[Value]:
    """`first_true`: of equal numbers TopK takes the first, so that the largest are the true ones in their order."""
    (mask,), (size,) = values, aval.shape
    n = mask.shape[0]
    k = min(n, size)
    truth = g.cast(mask, np.int32)
    names = g.node("TopK", [g.whole(truth), ints(g, [k])], 2, axis=0, largest=1, sorted=1)
    is_true = like(g.given(names[0], (k,), np.int32), truth)
    place = within(g.cast(g.given(names[1], (k,), np.int64), np.int32), 0, n - 1)
    before = g.each("Mul", is_true, g.plus(place, g.constant(-n, np.int32)))
    out = within(g.plus(before, g.constant(n, np.int32)), 0, n)
    if k < size:
        out = joined(g, [out, g.constant(n, np.int32, (size - k,))], {"dimension": 0})
    return [out]


def _quotient(g: Graph, values: list[Value], aval: Any) -> list[Value] | None:
    """`floor_divide` of whole numbers by what is positive."""
    a, b = (stretched(g, v, aval.shape) for v in values)
    if b.bounds[0] <= 0 or a.dtype != np.int32:
        return None
    if (shift := _power(b)) is not None:
        return [bits.shifted_with_sign(g, [a, g.constant(shift, np.int32)], {})]
    return [elementwise.divided(g, [a, b], {})] if a.bounds[0] >= 0 else None


def _rest(g: Graph, values: list[Value], aval: Any) -> list[Value] | None:
    """`remainder` of whole numbers by what is positive, which has the sign of the divisor."""
    a, b = (stretched(g, v, aval.shape) for v in values)
    if b.bounds[0] <= 0 or a.dtype != np.int32:
        return None
    if _power(b) is not None:
        return [bits.bitwise("and")(g, [a, g.constant(int(b.one or 1) - 1, np.int32)], {})]
    return [elementwise.remainder(g, [a, b], {})] if a.bounds[0] >= 0 else None


def _promised(g: Graph, values: list[Value], aval: Any) -> list[Value] | None:
    """`promised`: what the law knows of its numbers."""
    x, *ends = values
    low, high = (end.one for end in ends)
    if low is None or high is None:
        return None
    return [within(x, max(low, x.bounds[0]), min(high, x.bounds[1]))]


def _one_of(g: Graph, values: list[Value], aval: Any) -> list[Value] | None:
    """`one_of` for each of many, from a table [case, each]: looked up."""
    k, cases = values
    n_cases, n = cases.shape
    if n < _MANY or not 0 <= k.bounds[0] <= k.bounds[1] < n_cases or k.held != (n,):
        return None
    rows, first, step = _rows(g, cases)
    places = g.constant(np.arange(first * n, first * n + n, dtype=np.int32))
    at, size = g.plus(g.each("Mul", k, g.constant(step * n, np.int32)), places), int(np.prod(rows.held, dtype=int))
    line = g.as_held(replace(rows, shape=(size,)), (size,))
    out = g.op("GatherElements", [g.whole(line), g.whole(at)], (n,), cases.dtype, axis=0)
    return [like(out, cases)]


def _rows(g: Graph, cases: Value) -> tuple[Value, int, int]:
    """Of rows that were cut out of an array: the array, the number of the first in it, and how many to the next."""
    first, step, n = 0, 1, cases.shape[-1]
    while (made := g.how(cases)).op in ("Reshape", "Slice") and made.inputs[0].held[-1:] == cases.held[-1:] == (n,):
        (whole,) = made.inputs
        if made.op == "Slice":
            (axis, start, stride), each = made.axes, int(np.prod(whole.held[1:-1], dtype=int))
            if axis != 0 or len(whole.held) < 2 or (stride > 1 and each > 1) or whole.held[0] * each * n >= 1 << 31:
                break
            first, step = start * each + stride * first, stride * step
        cases = whole
    return cases, first, step


def _share(g: Graph, values: list[Value], aval: Any) -> list[Value]:
    """`quotient` of 0 <= a < 2^15: the float is nearer to the whole number below than its rounding reaches."""
    a, b = (g.cast(stretched(g, v, aval.shape), np.float32) for v in values)
    return [_floored(g, g.each("Div", a, b), 0, (1 << 15) - 1)]


def _root(g: Graph, values: list[Value], aval: Any) -> list[Value] | None:
    """`root` of a <= 2^22: that of k^2 - 1 is 1 / 2k or more below k, and float32 has numbers between."""
    (a,) = values
    if not 0 <= a.bounds[0] <= a.bounds[1] <= 1 << 22:
        return None
    return [_floored(g, g.each("Sqrt", g.cast(a, np.float32)), 0, math.isqrt(int(a.bounds[1])))]


def _floored(g: Graph, a: Value, low: int, high: int) -> Value:
    """What is not below 0, cut to a whole number."""
    (name,) = g.node("Cast", [a.name], to=type_of(np.int32))
    return within(Value(a.shape, np.dtype(np.int32), a.held, name), low, high)


def _power(b: Value) -> int | None:
    number = int(b.one or 0)
    return number.bit_length() - 1 if number > 0 and number & (number - 1) == 0 else None


_IDIOMS: dict[str, tuple[Callable[..., Any], Idiom]] = {
    "threefry2x32": (lambda a, b, c, d, out: threefry2x32((a, b), (c, d)), addressed),
    "first_true": (lambda mask, out: first_true(mask, out[0]), _first),
    "promised": (lambda x, low, high, out: promised(x, low, high), _promised),
    "one_of": (lambda k, cases, out: jax.vmap(one_of, (0, 1))(k, cases), _one_of),
    "quotient": (lambda a, b, out: quotient(a, b), _share),
    "root": (lambda a, out: root(a), _root),
    "floor_divide": (lambda a, b, out: jnp.floor_divide(a, b), _quotient),
    "remainder": (lambda a, b, out: jnp.remainder(a, b), _rest),
}
