"""Functions of one whole number that has few values, as tables.

ONNX Runtime looks 4,096 numbers up in the time of four sums, and calls a kernel for each operation. So what several
operations make of a number between known bounds is computed now, for each value of it, by ONNX Runtime itself, and
looked up; and so is what is a sum of such functions of two numbers, like the cell of a place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np
from onnx import NodeProto, helper, numpy_helper

from mesocosm.artefacts.onnx.graph import IR, OPSET, Graph, needed, read_by, type_of

_LONG, _MOST = 1024, 1 << 15
"""Numbers from which on kernels cost more than their calls; entries of a table."""
_SUMS = ("Add", "Sub", "Neg", "Mul")
_COMPARED = ("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual")
COSTS = {
    **dict.fromkeys(_SUMS, 0.5),
    **dict.fromkeys(("Min", "Max", "Abs", *_COMPARED), 0.6),
    **dict.fromkeys(("BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot"), 1.5),
    **dict.fromkeys(("And", "Or", "Xor", "Not"), 0.3),
    **{"Cast": 0.5, "BitShift": 1.4, "Div": 2.3, "Sqrt": 1.3, "Where": 3.3, "ReduceSum": 2.2, "GatherElements": 2.3},
}
"""Microseconds for 4,096 numbers (ONNX Runtime 1.32, one core), of what gives a number the same result in any array."""
_LOOKED_UP, _GAIN = 2.4, 0.5
_CALLED, _LOOKED_UP_FEW = 0.2, 0.35
"""Microseconds of an operation, and of looking up, of few numbers."""


@dataclass(frozen=True)
class _Known:
    """What is a function of one number, or the sum of functions of two.

    Args:
      roots: names of these numbers.
      dtype: of the result.
      lead: its axes before the one of the numbers.
    """

    roots: tuple[str, ...]
    dtype: np.dtype
    lead: tuple[int, ...] = ()


@dataclass
class _Search:
    """What is known of the nodes.

    Args:
      maker: by name, the node.
      readers: by name, the first outputs of the nodes that read it.
      gone: first outputs of nodes that are not needed any more, or replaced.
      alone: by the name of a sum of functions of two numbers: a sum with few values of which it is a function itself.
    """

    g: Graph
    outputs: set[str]
    constants: dict[str, np.ndarray]
    known: dict[str, _Known] = field(default_factory=dict)
    maker: dict[str, NodeProto] = field(default_factory=dict)
    readers: dict[str, set[str]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    alone: dict[str, str] = field(default_factory=dict)


def tabulated(g: Graph, nodes: Sequence[NodeProto], outputs: Sequence[str]) -> list[NodeProto]:
    """The nodes, with tables in place of what they are cheaper than."""
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in g.constants.values()}
    s = _Search(g, set(outputs), constants)
    for node in nodes:
        for name in read_by(node):
            s.readers.setdefault(name, set()).add(node.output[0])
        s.maker |= dict.fromkeys(node.output, node)
        if (found := _function(s, node)) is not None:
            s.known[node.output[0]] = found
    written = {name: own for name in _chosen(s) if (own := _looked_up(s, name)) is not None}
    return needed([new for node in nodes for new in written.get(node.output[0], [node])], outputs)


# -- what is a function of what ----------------------------------------------------------------------------------------


def _of(s: _Search, name: str) -> _Known | None:
    """A number as a function of what it is made of, or of itself."""
    return s.known.get(name) or _itself(s, name)


def _itself(s: _Search, name: str) -> _Known | None:
    """A number that has few values."""
    value = s.g.bounded.get(name)
    if value is None or len(value.held) != 1 or value.dtype != np.int32:
        return None
    low, high = value.bounds
    return _Known((name,), value.dtype) if 0 <= high < _MOST and high - min(low, 0) < _MOST else None


def _function(s: _Search, node: NodeProto) -> _Known | None:
    op, names = node.op_type, list(node.input)
    if op not in COSTS or len(node.output) != 1:
        return None
    if op in ("ReduceSum", "GatherElements"):
        (own, other) = names if op == "ReduceSum" else names[::-1]
        known = _of(s, own) if other in s.constants else None
        return known and (_reduced(s, node, known) if op == "ReduceSum" else _taken(s, node, known))
    fixed = [s.constants[name] for name in names if name in s.constants]
    own = [name for name in names if name not in s.constants]
    found = [one for one in (_of(s, name) for name in own) if one is not None]
    if not found or len(found) < len(own) or any(array.ndim and array.shape[-1] != 1 for array in fixed):
        return None
    if op == "Div" and not (names[1] in s.constants and s.constants[names[1]].all()):
        return None
    if len(_roots(found)) > 1 and not _is_sum(node, found, fixed):  # a sum may have few values itself
        found = [_alone(s, name, one) for name, one in zip(own, found, strict=True)]
    roots = _roots(found)
    if len(roots) > 1 and not _is_sum(node, found, fixed):
        return None
    if len(roots) > 1:
        _keep_alone(s, node.output[0], own)
    lead = np.broadcast_shapes(*(one.lead for one in found), *(array.shape[:-1] for array in fixed))
    return _Known(roots, _type(node, found, fixed), lead)


def _alone(s: _Search, name: str, known: _Known) -> _Known:
    """As a function of one number, if it is one of two."""
    return replace(known, roots=(s.alone[name],)) if len(known.roots) > 1 and name in s.alone else known


def _keep_alone(s: _Search, name: str, own: Sequence[str]) -> None:
    """What is made of one sum with few values goes back to that, so that there is one table for all that is made."""
    if len(own) == 1 and own[0] in s.alone:
        s.alone[name] = s.alone[own[0]]
    elif _itself(s, name) is not None:
        s.alone[name] = name


def _roots(found: Sequence[_Known]) -> tuple[str, ...]:
    return tuple(sorted({root for one in found for root in one.roots}))


def _is_sum(node: NodeProto, found: Sequence[_Known], fixed: Sequence[np.ndarray]) -> bool:
    """Whether it makes of sums of functions such a sum: whole numbers, which wrap."""
    few = len(_roots(found)) == 2
    whole = all(one.dtype in (np.int32, np.uint32) for one in found)
    return few and whole and node.op_type in _SUMS and (node.op_type != "Mul" or len(fixed) == 1)


def _type(node: NodeProto, found: Sequence[_Known], fixed: Sequence[np.ndarray]) -> np.dtype:
    if node.op_type == "Cast":
        return helper.tensor_dtype_to_np_dtype(next(a.i for a in node.attribute if a.name == "to"))
    if node.op_type in _COMPARED:
        return np.dtype(bool)
    types = {one.dtype for one in found} | {array.dtype for array in fixed}
    return (types - {np.dtype(bool)} or types).pop()  # of a Where that of what is chosen


def _reduced(s: _Search, node: NodeProto, known: _Known) -> _Known | None:
    """A sum along all leading axes."""
    axes, keeps = s.constants[node.input[1]].tolist(), next((a.i for a in node.attribute if a.name == "keepdims"), 1)
    is_all = known.lead and sorted(axes) == list(range(len(known.lead)))
    return _Known(known.roots, known.dtype) if is_all and not keeps and len(known.roots) == 1 else None


def _taken(s: _Search, node: NodeProto, known: _Known) -> _Known | None:
    """From a table that is there already."""
    return _Known(known.roots, s.constants[node.input[0]].dtype) if not known.lead and len(known.roots) == 1 else None


# -- what is worth a table ---------------------------------------------------------------------------------------------


def _chosen(s: _Search) -> list[str]:
    """Names to look up, each time the one that spares most."""
    out: list[str] = []
    candidates = {name for name, known in s.known.items() if not known.lead}
    while candidates:
        gains = {name: _gain(s, name) for name in candidates}
        best = max(sorted(gains), key=gains.__getitem__)
        if gains[best] < _GAIN:
            break
        s.gone |= _unneeded(s, best)
        out.append(best)
        candidates = {name for name in candidates if name not in s.gone and gains[name] > 0}
    return out


def _gain(s: _Search, name: str) -> float:
    roots = len(s.known[name].roots)
    unneeded = _unneeded(s, name)
    if s.g.bounded[s.known[name].roots[0]].held[0] < _LONG:
        return (len(unneeded) - (roots - 1)) * _CALLED - roots * _LOOKED_UP_FEW
    spared = sum(COSTS[s.maker[own].op_type] * prod(s.known[own].lead) for own in unneeded)
    return spared - roots * _LOOKED_UP - (roots - 1) * COSTS["Add"]


def _unneeded(s: _Search, name: str) -> set[str]:
    """What nobody reads any more where this is looked up; itself too."""
    out, waiting, kept = {name}, [name], s.outputs.union(s.known[name].roots)
    while waiting:
        for own in s.maker[waiting.pop()].input:
            read = s.readers.get(own, set()) - s.gone - out
            if own in s.known and own not in kept and own not in s.gone | out and not read:
                out.add(own)
                waiting.append(own)
    return out


# -- tables ------------------------------------------------------------------------------------------------------------


def _looked_up(s: _Search, name: str) -> list[NodeProto] | None:
    """Nodes that look it up; nothing where ONNX Runtime does not compute the table."""
    roots = s.known[name].roots
    lines = [_line(s, root) for root in roots]
    tables = []
    for k, line in enumerate(lines):  # of a sum of two: first with the other one 0, then what this one adds to that
        given = {root: line if j == k else np.zeros_like(line) for j, root in enumerate(roots)}
        if (table := _computed(s, name, given)) is None:
            return None
        with np.errstate(over="ignore"):
            tables.append(table - table[:1] if k else table)
    names = [name] if len(roots) == 1 else [s.g.fresh() for _ in roots]
    pairs = zip(tables, roots, names, strict=True)
    nodes = [helper.make_node("GatherElements", [s.g.stored(t), root], [own], axis=0) for t, root, own in pairs]
    return nodes if len(roots) == 1 else [*nodes, helper.make_node("Add", names, [name])]


def _line(s: _Search, root: str) -> np.ndarray:
    """All values, each where it is looked up: those below 0 from the end."""
    low, high = s.g.bounded[root].bounds
    return np.concatenate([np.arange(high + 1), np.arange(min(low, 0), 0)]).astype(np.int32)


def _computed(s: _Search, name: str, given: dict[str, np.ndarray]) -> np.ndarray | None:
    """By ONNX Runtime, of these numbers."""
    import onnxruntime

    nodes: dict[int, NodeProto] = {}
    waiting = [name]
    while waiting:
        node = s.maker[waiting.pop()]
        nodes[id(node)] = node
        waiting += [own for own in node.input if own in s.known and own not in given]
    order = [node for node in dict.fromkeys(map(id, s.maker.values())) if node in nodes]
    fixed = {own for node in nodes.values() for own in node.input if own in s.constants}
    infos = [helper.make_tensor_value_info(root, type_of(a.dtype), list(a.shape)) for root, a in given.items()]
    found = helper.make_tensor_value_info(name, type_of(s.known[name].dtype), None)
    constants = [numpy_helper.from_array(s.constants[own], own) for own in fixed]
    graph = helper.make_graph([nodes[k] for k in order], "table", infos, [found], initializer=constants)
    model: Any = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        (table,) = session.run([name], given)
    except Exception:  # a place outside a table that is there, for a value that never comes
        return None
    return np.asarray(table)
