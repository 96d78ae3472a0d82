"""What an array ends with, computed once.

The places of a world that nobody has taken are at the end of its arrays, and hold the same id. So what many operations
make of an array of ids, and of single numbers, is made of its first part only, up to where all numbers are equal; the
rest has the result of the last of these. XLA knows shapes before it runs and cannot do that, ONNX Runtime can.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from onnx import NodeProto, helper, numpy_helper

from mesocosm.artefacts.onnx.graph import Graph, Scope, in_order, needed, read_by, type_of
from mesocosm.artefacts.onnx.tables import COSTS

_LONG = 1024
_RESULT, _ALL = 5.0, 10.0
"""Microseconds that a result, and all of them, must cost to be worth it."""
_EACH = {*COSTS} - {"ReduceSum", "GatherElements"}


@dataclass
class _Search:
    """What is known of the nodes.

    Args:
      single: names of single numbers.
      made_of: by name, the array of which it is made, one by one.
    """

    g: Graph
    maker: dict[str, NodeProto] = field(default_factory=dict)
    single: set[str] = field(default_factory=set)
    made_of: dict[str, str] = field(default_factory=dict)


def shortened(g: Graph, nodes: Sequence[NodeProto], outputs: Sequence[str]) -> list[NodeProto]:
    """The nodes; where it is worth it, with shorter arrays."""
    s, readers = _searched(g, nodes), {name: 0 for name in outputs}
    for node in nodes:
        for name in read_by(node):
            is_own = s.made_of.get(node.output[0]) is not None
            readers[name] = readers.get(name, 0) + (not is_own)
    results = [name for name in s.made_of if name in readers and (readers[name] or name in outputs)]
    out = list(nodes)
    for root in dict.fromkeys(s.made_of.values()):
        own = {name: _upstream(s, name) for name in results if s.made_of[name] == root}
        worth = {name: chain for name, chain in own.items() if _cost(s, chain) > _RESULT}
        chain = list(dict.fromkeys(name for names in worth.values() for name in names))
        if _cost(s, chain) > _ALL:
            gone = {id(s.maker[name]) for name in worth}
            out = [node for node in out if id(node) not in gone] + _short(s, root, chain, list(worth))
    return needed(in_order(out), outputs)


def _searched(g: Graph, nodes: Sequence[NodeProto]) -> _Search:
    s = _Search(g)
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in g.constants.values()}
    s.single = {name for name, array in constants.items() if array.ndim == 0}
    s.single |= {name for name, value in g.bounded.items() if value.held == ()}
    for node in nodes:
        s.maker |= dict.fromkeys(node.output, node)
        name, op = node.output[0], node.op_type
        if op == "Reshape" and node.input[1] in constants and not constants[node.input[1]].size:
            s.single.add(name)
        if op not in _EACH or len(node.output) != 1 or name in s.single:
            continue
        arrays = {s.made_of.get(own, own) for own in node.input if own not in s.single}
        if not arrays:
            s.single.add(name)
        elif len(arrays) == 1 and _is_line(g, root := arrays.pop()):
            s.made_of[name] = root
    return s


def _is_line(g: Graph, name: str) -> bool:
    value = g.bounded.get(name)
    return value is not None and len(value.held) == 1 and value.held[0] >= _LONG


def _upstream(s: _Search, name: str) -> list[str]:
    """What it is made of, itself last."""
    out: dict[str, None] = {}
    waiting = [name]
    while waiting:
        own = waiting.pop()
        if own in s.made_of and own not in out:
            out[own] = None
            waiting += s.maker[own].input
    return list(out)


def _cost(s: _Search, names: Iterable[str]) -> float:
    return sum(COSTS[s.maker[name].op_type] for name in names)


def _short(s: _Search, root: str, chain: Sequence[str], results: Sequence[str]) -> list[NodeProto]:
    """The chain for the first part of the array, and its results as long as they were."""
    g, n = s.g, s.g.bounded[root].held[0]
    outer, g.scope = g.scope, Scope()
    try:
        length = _length(g, root, n)
        zero, first = g.stored(np.zeros(1, np.int64)), g.fresh()
        g.scope.nodes.append(helper.make_node("Slice", [root, zero, length, zero], [first]))
        names = {root: first} | {name: g.fresh() for name in chain}
        for name in chain:
            node = NodeProto()
            node.CopyFrom(s.maker[name])
            node.input[:] = [names.get(own, own) for own in node.input]
            node.output[:] = [names[name]]
            g.scope.nodes.append(node)
        (rest,) = g.node("Sub", [g.stored(np.array([n], np.int64)), length])
        (sizes,) = g.node("Concat", [zero, rest], axis=0)
        pads = [helper.make_node("Pad", [names[name], sizes], [name], mode="edge") for name in results]
        return [*g.scope.nodes, *pads]
    finally:
        g.scope = outer


def _length(g: Graph, root: str, n: int) -> str:
    """How many numbers there are until all are equal, the first of the equal ones among them [1]."""
    (last,) = g.node("Gather", [root, g.stored(np.array(n - 1, np.int64))], axis=0)
    (equal,) = g.node("Equal", [root, last])
    (other,) = g.node("Not", [equal])
    (number,) = g.node("Cast", [other], to=type_of(np.float32))
    (place,) = g.node("Mul", [number, g.stored(np.arange(1, n + 1, dtype=np.float32))])
    (most,) = g.node("ReduceMax", [place, g.stored(np.zeros(1, np.int64))], keepdims=1)
    (whole,) = g.node("Cast", [most], to=type_of(np.int64))
    (length,) = g.node("Add", [whole, g.stored(np.ones(1, np.int64))])
    return length
