"""What an array ends with, computed once.

The places of a world that nobody has taken are at the end of its arrays, and hold the same id. So what many operations
make of an array of ids, and of single numbers, is made of its first part only, up to where all numbers are equal; the
rest has the result of the last of these. XLA knows shapes before it runs and cannot do that, ONNX Runtime can.

Where a mask says which numbers are above 0, and none is below, all are 0 behind the last that it holds: its length,
which `ended` and `masked` ask for too, is one less. What is read up to there only is not made long again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import NodeProto, helper, numpy_helper

from mesocosm.artefacts.onnx.graph import Graph, Scope, in_order, needed, otherwise, read_by, type_of
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
      masks: by name of an array, truth values that hold where it is not 0.
      same: names of outputs, by what nodes are otherwise.
    """

    g: Graph
    maker: dict[str, NodeProto] = field(default_factory=dict)
    single: set[str] = field(default_factory=set)
    made_of: dict[str, str] = field(default_factory=dict)
    masks: dict[str, str] = field(default_factory=dict)
    same: dict[Any, str] = field(default_factory=dict)


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
            length, mask_length = _length(s, root, s.g.bounded[root].held[0])
            short, names = _short(s, root, length, chain, list(worth))
            out = [_read_short(s, node, names, mask_length) for node in out if id(node) not in gone] + short
    return needed(in_order(out), outputs)


def _searched(g: Graph, nodes: Sequence[NodeProto]) -> _Search:
    s = _Search(g)
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in g.constants.values()}
    s.single = {name for name, array in constants.items() if array.ndim == 0}
    s.single |= {name for name, value in g.bounded.items() if value.held == ()}
    for node in nodes:
        s.maker |= dict.fromkeys(node.output, node)
        if len(node.output) == 1:
            s.same[otherwise(node)] = node.output[0]
        if node.op_type == "Greater" and node.input[1] in constants and not constants[node.input[1]].any():
            value = g.bounded.get(node.input[0])
            s.masks |= {node.input[0]: node.output[0]} if value is not None and value.bounds[0] >= 0 else {}
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


def _read_short(s: _Search, node: NodeProto, names: dict[str, str], mask_length: str) -> NodeProto:
    """A node; if it cuts a result to the length of the mask, it cuts the short one."""
    zero = s.g.stored(np.zeros(1, np.int64))
    if node.op_type != "Slice" or node.input[0] not in names or list(node.input[1:]) != [zero, mask_length, zero]:
        return node
    return helper.make_node("Slice", [names[node.input[0]], *node.input[1:]], list(node.output))


def _short(
    s: _Search, root: str, length: Sequence[NodeProto], chain: Sequence[str], results: Sequence[str]
) -> tuple[list[NodeProto], dict[str, str]]:
    """The chain for the first part of the array, and its results as long as they were; and names of these before."""
    g, n = s.g, s.g.bounded[root].held[0]
    outer, g.scope = g.scope, Scope()
    try:
        g.scope.nodes += length
        (end,) = length[-1].output
        zero, first = g.stored(np.zeros(1, np.int64)), g.fresh()
        g.scope.nodes.append(helper.make_node("Slice", [root, zero, end, zero], [first]))
        names = {root: first} | {name: g.fresh() for name in chain}
        for name in chain:
            node = NodeProto()
            node.CopyFrom(s.maker[name])
            node.input[:] = [names.get(own, own) for own in node.input]
            node.output[:] = [names[name]]
            g.scope.nodes.append(node)
        (rest,) = g.node("Sub", [g.stored(np.array([n], np.int64)), end])
        (sizes,) = g.node("Concat", [zero, rest], axis=0)
        pads = [helper.make_node("Pad", [names[name], sizes], [name], mode="edge") for name in results]
        return [*g.scope.nodes, *pads], names
    finally:
        g.scope = outer


def _length(s: _Search, root: str, n: int) -> tuple[list[NodeProto], str]:
    """Nodes that find how many numbers there are until all are equal, the first of the equal ones among them [1]; and
    the name of the length of the mask, if there is one."""
    g, nodes, mask = s.g, [], s.masks.get(root)

    def node(op: str, *names: str, **attributes: Any) -> str:
        made = helper.make_node(op, names, [g.fresh()], **attributes)
        there = s.same.get(otherwise(made)) if mask else None
        nodes.extend([] if there else [made])
        return there or made.output[0]

    if mask is None:
        last = node("Gather", root, g.stored(np.array(n - 1, np.int64)), axis=0)
        other = node("Not", node("Equal", root, last))
    number = node("Cast", mask or other, to=type_of(np.float32))
    place = node("Mul", number, g.stored(np.arange(1, n + 1, dtype=np.float32)))
    most = node("ReduceMax", place, g.stored(np.zeros(1, np.int64)), keepdims=1)
    whole = length = node("Cast", most, to=type_of(np.int64))
    if mask:
        whole = node("Min", length, g.stored(np.array([n - 1], np.int64)))
    node("Add", whole, g.stored(np.ones(1, np.int64)))
    return nodes, length if mask else ""
