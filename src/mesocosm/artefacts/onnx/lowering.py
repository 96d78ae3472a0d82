"""From a program of jax to one of ONNX, operation by operation: `lower(function, examples, names)`.

A program is traced to a jaxpr (jax's intermediate form), and each of its operations has a rule here or in
`elementwise`, `shapes` and `indexing`. Calls are written out; branches become If (nested, where there are more than
two), loops become Loop. What has no rule is refused by name: nothing is approximated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np
from jax.extend import core
from onnx import ModelProto, helper

from mesocosm.artefacts import ON_ITS_HOST
from mesocosm.artefacts.onnx import bits, elementwise, idioms, indexing, shapes
from mesocosm.artefacts.onnx.drawn import written_out
from mesocosm.artefacts.onnx.graph import IR, OPSET, Graph, NotExpressible, read_by, rename, type_of
from mesocosm.artefacts.onnx.masked import masked
from mesocosm.artefacts.onnx.merged import merged
from mesocosm.artefacts.onnx.shortened import shortened
from mesocosm.artefacts.onnx.sunk import sunk
from mesocosm.artefacts.onnx.tables import tabulated
from mesocosm.artefacts.onnx.values import Number, Value, like, within
from mesocosm.artefacts.program import NEXT

Ends = tuple[Number | None, Number | None]
"""The least and the most, where they are known."""
_SAME = ("optimization_barrier", "copy", "copy_p", "device_put", "stop_gradient", "pvary")
_CALLS = (
    "jit",
    "pjit",
    "closed_call",
    "core_call",
    "remat",
    "remat2",
    "checkpoint",
    "custom_jvp_call",
    "custom_vjp_call",
    "custom_vjp_call_jaxpr",
    "custom_vmap_call",
)
_RULES: dict[str, Callable[..., Any]] = {**elementwise.TABLE, **bits.TABLE, **shapes.TABLE, **indexing.TABLE}


def lower(
    function: Callable[..., Sequence[Any]],
    examples: Sequence[Any],
    inputs: Sequence[str],
    outputs: Sequence[str],
    least: dict[str, int] | None = None,
    most: dict[str, int] | None = None,
) -> ModelProto:
    """A function of arrays, of flat lists of them, as a model of ONNX.

    Args:
      function: from arrays to a list of arrays.
      examples: arrays, or their shapes and types.
      inputs, outputs: names.
      least, most: by input, bounds that whoever runs the model keeps to. An output `next.NAME` keeps to those of the
        input NAME, so that what it begins with is enough.

    Raises:
      NotExpressible: naming the operation that has no translation.
    """
    closed = jax.make_jaxpr(function)(*examples)
    if re.search(r"\w_callback\[", str(closed)):  # wherever in it: nobody is sent from one language to the other
        raise NotExpressible(ON_ITS_HOST)
    g, ends = Graph(written_out), {name: ((least or {}).get(name), (most or {}).get(name)) for name in inputs}
    given = [
        g.told(g.given(name, tuple(v.aval.shape), v.aval.dtype, ends[name]))
        for name, v in zip(inputs, closed.jaxpr.invars, strict=True)
    ]
    kept = {
        variable: ends[name.removeprefix(NEXT)]
        for name, variable in zip(outputs, closed.jaxpr.outvars, strict=True)
        if name.startswith(NEXT) and name.removeprefix(NEXT) in ends and not isinstance(variable, core.Literal)
    }
    results = _evaluated(g, closed.jaxpr, [g.constant(np.asarray(c)) for c in closed.consts], given, kept)
    return _as_model(g, (inputs, given), (outputs, results))


def _as_model(
    g: Graph, begins: tuple[Sequence[str], list[Value]], ends: tuple[Sequence[str], list[Value]]
) -> ModelProto:
    """What is written, from named inputs to named outputs."""
    outputs, results = ends
    named: dict[str, str] = {}
    for name, value in zip(outputs, results, strict=True):
        whole = g.whole(value)
        if g.is_here(whole) and whole not in named:
            named[whole] = name
        else:  # an input, a constant, or the output of two names
            g.scope.nodes.append(helper.make_node("Identity", [whole], [name]))
    infos = [
        [helper.make_tensor_value_info(name, type_of(v.dtype), list(v.shape)) for name, v in zip(*own, strict=True)]
        for own in (begins, ends)
    ]
    nodes = g.finished(g.scope, [*outputs, *named])
    for rewritten in (tabulated, masked, shortened, merged, sunk):
        nodes = rewritten(g, nodes, [*outputs, *named])
    rename(nodes, named)
    wanted = {name for node in nodes for name in read_by(node)}
    constants = [constant for constant in g.constants.values() if constant.name in wanted]
    graph = helper.make_graph(nodes, "mesocosm", *infos, initializer=constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)


def _evaluated(
    g: Graph, jaxpr: Any, constants: Sequence[Value], given: Sequence[Value], kept: Mapping[Any, Ends] | None = None
) -> list[Value]:
    """Walk through a jaxpr; of some of its variables it is known what they keep to."""
    there: dict[Any, Value] = dict(zip((*jaxpr.constvars, *jaxpr.invars), (*constants, *given), strict=True))

    def read(atom: Any) -> Value:
        if isinstance(atom, core.Literal):
            aval: Any = atom.aval
            return g.constant(np.asarray(atom.val, aval.dtype))
        return there[atom]

    for equation in jaxpr.eqns:
        values = [read(atom) for atom in equation.invars]
        results = _one(g, equation.primitive.name, values, equation.params, equation.outvars)
        for variable, value in zip(equation.outvars, results, strict=True):
            value = _as_told(g, equation.primitive.name, value, variable.aval)
            there[variable] = g.told(_narrowed(value, kept[variable]) if kept and variable in kept else value)
    return [read(atom) for atom in jaxpr.outvars]


def _narrowed(value: Value, ends: Ends) -> Value:
    """The value with these bounds too."""
    (low, high), (least, most) = value.bounds, ends
    return within(value, low if least is None else max(low, least), high if most is None else min(high, most))


def _as_told(g: Graph, name: str, value: Value, aval: Any) -> Value:
    """The value in the type that jax gives it; a shape of its own would be a fault of a rule."""
    if str(aval.dtype) in ("float16", "bfloat16"):
        raise NotExpressible(
            f"{name!r} gives {aval.dtype}, which ONNX Runtime computes in float32 and rounds elsewhere; take float32"
        )
    if value.shape != tuple(aval.shape):
        assert np.broadcast_shapes(value.shape, aval.shape) == tuple(aval.shape), (name, value.shape, aval.shape)
        value = replace(value, shape=tuple(aval.shape))
    return g.cast(value, aval.dtype)


def _one(g: Graph, name: str, values: list[Value], parameters: dict[str, Any], outvars: Any) -> list[Value]:
    if name in _SAME:
        return values
    if name in _CALLS:
        if (found := idioms.translated(g, parameters, values, outvars)) is not None:
            return found
        return _called(g, _body_of(parameters), values)
    if name == "cond":
        return _branched(g, values, parameters)
    if name == "while":
        return _looped(g, values, parameters)
    if name == "scan":
        return _scanned(g, values, parameters)
    if name.startswith("reduce_") and parameters.get("axes") == ():
        return values  # ONNX would take no axes for all
    if name == "reduce" or (name in _FOLDS and values[0].dtype != bool):
        return [_folded(g, name, values, parameters)]
    if name not in _RULES:
        raise NotExpressible(
            f"the operation {name!r} has no translation to ONNX here; --to stablehlo keeps the program as it is"
        )
    out = _RULES[name](g, values, parameters)
    return list(out) if isinstance(out, list | tuple) else [out]


_LONGEST_FOLD = 64
_FOLDS = {"reduce_and": ("and", ~0), "reduce_or": ("or", 0), "reduce_xor": ("xor", 0)}


def _folded(g: Graph, name: str, values: list[Value], parameters: dict[str, Any]) -> Value:
    """Reductions for which ONNX has no operator (of bits, by a function of two numbers): written out along an axis."""
    a = values[0]
    if name == "reduce":
        steps = getattr(parameters["jaxpr"], "jaxpr", parameters["jaxpr"]).eqns
        (axis, *more), out = parameters["dimensions"] or (0, 1), values[-1]
        more = more or len(values) != 2 or len(steps) != 1
        op = steps[0].primitive.name
    else:
        op, neutral = _FOLDS[name]
        (axis, *more), out = parameters["axes"], g.constant(np.array(neutral).astype(a.dtype))
    if more or op not in _RULES or a.shape[axis] > _LONGEST_FOLD:
        raise NotExpressible(
            f"a reduction of bits, or by a function of one's own, is translated along one axis up to {_LONGEST_FOLD}"
        )
    shape, whole = a.shape[:axis] + a.shape[axis + 1 :], g.whole(a)
    for k in range(a.shape[axis]):
        own = g.op("Gather", [whole, g.stored(np.array(k, np.int64))], shape, a.dtype, axis=axis)
        out = _RULES[op](g, [out, own], {})
    return out


def _body_of(parameters: dict[str, Any]) -> Any:
    for name in ("jaxpr", "call_jaxpr", "call", "fun_jaxpr"):
        if name in parameters:
            return parameters[name]
    raise NotExpressible(f"a call with the parameters {', '.join(parameters)} is not understood")


def _called(g: Graph, body: Any, values: Sequence[Value]) -> list[Value]:
    jaxpr = getattr(body, "jaxpr", body)
    constants = [g.constant(np.asarray(c)) for c in getattr(body, "consts", ())]
    return _evaluated(g, jaxpr, constants, values)


def _branched(g: Graph, values: list[Value], parameters: dict[str, Any]) -> list[Value]:
    """`cond` and `switch`: branch number k, the number being clipped."""
    which, *operands = values
    branches = parameters["branches"]
    if which.constant is not None:
        k = int(np.clip(int(which.constant), 0, len(branches) - 1))
        return _called(g, branches[k], operands)
    avals = branches[0].out_avals if hasattr(branches[0], "out_avals") else [v.aval for v in branches[0].jaxpr.outvars]
    return _one_of(g, which, list(branches), operands, avals)


def _one_of(g: Graph, which: Value, branches: list[Any], operands: list[Value], avals: Sequence[Any]) -> list[Value]:
    """The first branch if the number is 0 or less, else one of the others."""
    if len(branches) == 1:
        return _called(g, branches[0], operands)
    with g.within() as scope:
        one = _cast_to(g, _called(g, branches[0], operands), avals)
        first = g.closed(scope, [], one)
    with g.within() as scope:
        left = g.each("Sub", g.cast(which, np.int32), g.constant(1, np.int32)) if len(branches) > 2 else which
        others = _cast_to(g, _one_of(g, left, branches[1:], operands, avals), avals)
        second = g.closed(scope, [], others)
    if which.dtype == bool:
        is_first = g.each("Not", which)
    else:
        is_first = g.each("LessOrEqual", which, g.constant(0, which.dtype), dtype=bool)
    names = g.node("If", [g.whole(is_first)], len(avals), then_branch=first, else_branch=second)
    either = [g.given(name, tuple(a.shape), a.dtype) for name, a in zip(names, avals, strict=True)]
    return [like(value, *pair) for value, pair in zip(either, zip(one, others, strict=True), strict=True)]


def _cast_to(g: Graph, values: list[Value], avals: Sequence[Any]) -> list[Value]:
    return [_as_told(g, "a branch", value, aval) for value, aval in zip(values, avals, strict=True)]


def _looped(g: Graph, values: list[Value], parameters: dict[str, Any]) -> list[Value]:
    """`while_loop`: the condition is asked before the loop, and at the end of every round."""
    n, m = parameters["cond_nconsts"], parameters["body_nconsts"]
    of_condition, of_body, carried = values[:n], values[n : n + m], values[n + m :]
    condition, body = parameters["cond_jaxpr"], parameters["body_jaxpr"]
    avals = [v.aval for v in body.jaxpr.outvars]
    (begins,) = _called(g, condition, [*of_condition, *carried])

    def rounds(_: Value, inner: list[Value]) -> tuple[Value, list[Value], list[Value]]:
        inner = _cast_to(g, _called(g, body, [*of_body, *inner]), avals)
        return _called(g, condition, [*of_condition, *inner])[0], inner, []

    return _loop(g, "", g.whole(begins), carried, avals, [], rounds)


def _scanned(g: Graph, values: list[Value], parameters: dict[str, Any]) -> list[Value]:
    """`scan`: a loop of known length that reads a row and leaves a row in every round."""
    n, m, length = parameters["num_consts"], parameters["num_carry"], parameters["length"]
    constants, carried, rows = values[:n], values[n : n + m], values[n + m :]
    body, is_reversed = parameters["jaxpr"], parameters["reverse"]
    outs = [v.aval for v in body.jaxpr.outvars]

    def rounds(k: Value, inner: list[Value]) -> tuple[Value, list[Value], list[Value]]:
        at = g.each("Sub", g.constant(length - 1, np.int64), k) if is_reversed else k
        own = [g.op("Gather", [g.whole(r), g.whole(at)], r.shape[1:], r.dtype, axis=0) for r in rows]
        results = _cast_to(g, _called(g, body, [*constants, *inner, *own]), outs)
        return g.constant(np.True_), results[:m], results[m:]

    found = _loop(g, g.stored(np.array(length, np.int64)), "", carried, outs[:m], outs[m:], rounds, length)
    kept, left = found[:m], found[m:]
    return kept + ([shapes.reversed_(g, [y], {"dimensions": (0,)}) for y in left] if is_reversed else left)


def _loop(
    g: Graph,
    most: str,
    begins: str,
    carried: Sequence[Value],
    avals: Sequence[Any],
    left: Sequence[Any],
    rounds: Callable[[Value, list[Value]], tuple[Value, list[Value], list[Value]]],
    length: int = 0,
) -> list[Value]:
    """A Loop; `rounds(k, carried)` writes its body and gives (goes on, carried, row left behind).

    What is carried keeps to the bounds with which it begins, if a round that is written as if it did says so itself;
    else the round is written again, without them.
    """
    begin = _cast_to(g, list(carried), avals)
    ends: list[Ends] = [value.bounds if value.dtype.kind in "iu" else (None, None) for value in begin]
    while True:
        with g.within() as scope:
            infos, inner = _carried(g, avals, ends)
            go, after, row = rounds(inner[0], inner[1:])
            wider = [k for k, value in enumerate(after) if ends[k] != (None, None) and not _is_within(value, ends[k])]
            if wider:
                ends = [(None, None) if k in wider else own for k, own in enumerate(ends)]
                continue
            body = g.closed(scope, infos, [go, *after, *row])
        break
    inputs = [most, begins, *(g.whole(value) for value in begin)]
    outputs = g.node("Loop", inputs, len(avals) + len(left), body=body)
    kept = [
        g.told(g.given(name, tuple(a.shape), a.dtype, own)) for name, a, own in zip(outputs, avals, ends, strict=False)
    ]
    rows = [g.given(name, (length, *a.shape), a.dtype) for name, a in zip(outputs[len(avals) :], left, strict=True)]
    return kept + rows


def _carried(g: Graph, avals: Sequence[Any], ends: Sequence[Ends]) -> tuple[list[Any], list[Value]]:
    """What the body of a loop is given: the number of the round, whether it goes on, and what is carried."""
    names = [g.fresh("k"), g.fresh("go"), *(g.fresh("x") for _ in avals)]
    infos = [helper.make_tensor_value_info(names[0], type_of(np.int64), [])]
    infos.append(helper.make_tensor_value_info(names[1], type_of(bool), []))
    infos += [
        helper.make_tensor_value_info(name, type_of(a.dtype), list(a.shape))
        for name, a in zip(names[2:], avals, strict=True)
    ]
    inner = [g.given(name, tuple(a.shape), a.dtype, own) for name, a, own in zip(names[2:], avals, ends, strict=True)]
    return infos, [g.given(names[0], (), np.int64), *inner]


def _is_within(value: Value, ends: Ends) -> bool:
    (low, high), (least, most) = value.bounds, ends
    return least is not None and most is not None and least <= low and high <= most


__all__ = ["NotExpressible", "lower"]
