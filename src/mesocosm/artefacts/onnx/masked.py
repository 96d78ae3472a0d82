"""What counts nowhere but under a mask, computed up to the last place that the mask holds.

The places of a world that nobody has taken are at the end of its arrays. What bodies do there is set to 0, or is put
nowhere. So operations are made of the first part of arrays, if all that reads them does so under the mask, or reads
the first part only; where more is read, what is 0 behind that part is filled up. For the rounds of a loop that often
makes none the whole is computed besides, in a branch (`sunk`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from onnx import NodeProto, helper, numpy_helper

from mesocosm.artefacts.onnx.graph import Graph, Scope, in_order, needed, read_by
from mesocosm.artefacts.onnx.tables import COSTS

_EACH = {*COSTS} - {"ReduceSum"}
_SHARE, _PAD, _SLICE, _WORTH = 0.75, 1.0, 0.4, 3.0
"""Which part of the cost is spared; microseconds of a filling, of a cut, and what must be spared at least."""


@dataclass
class _Search:
    """What is known.

    Args:
      mask, length: names: truth values, and behind how many of them all are false [1].
      n: places.
      long, single, whole: names of arrays of that length, of single numbers, and of whole numbers.
      zero: names of arrays that are 0 behind that length.
      own: outputs of nodes that are made shorter.
    """

    g: Graph
    outputs: set[str]
    nodes: list[NodeProto]
    mask: str
    length: str
    n: int
    maker: dict[str, NodeProto] = field(default_factory=dict)
    readers: dict[str, list[NodeProto]] = field(default_factory=dict)
    long: set[str] = field(default_factory=set)
    single: set[str] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)
    zero: set[str] = field(default_factory=set)
    own: set[str] = field(default_factory=set)


def masked(g: Graph, nodes: Sequence[NodeProto], outputs: Sequence[str]) -> list[NodeProto]:
    """The nodes; where it is worth it, with shorter arrays."""
    out = list(nodes)
    for mask, length, n in _lengths(g, out):
        s = _Search(g, set(outputs), out, mask, length, n)
        _know(s)
        _choose(s)
        if s.own:
            out = needed(in_order(_written(s)), outputs)
    return out


def _lengths(g: Graph, nodes: Sequence[NodeProto]) -> list[tuple[str, str, int]]:
    """Masks, the names of their lengths as `ended` writes these, and how long they are."""
    lines = {t.name: numpy_helper.to_array(t) for t in g.constants.values() if t.data_type == 1 and len(t.dims) == 1}
    maker = {name: node for node in nodes for name in node.output}
    found = []
    for node in nodes:
        chain = [node]
        for op in ("Cast", "ReduceMax", "Mul", "Cast"):
            chain = [*chain, maker.get(chain[-1].input[0])] if chain[-1] is not None and chain[-1].op_type == op else []
            if not chain:
                break
        line = lines.get(chain[2].input[1]) if len(chain) == 5 else None
        if line is not None and np.array_equal(line, np.arange(1, line.size + 1)):
            found.append((chain[3].input[0], node.output[0], line.size))
    return found


def _know(s: _Search) -> None:
    constants = {t.name: numpy_helper.to_array(t) for t in s.g.constants.values()}
    s.single = {name for name, array in constants.items() if array.ndim == 0}
    s.whole = {name for name, array in constants.items() if array.dtype.kind in "iu"} | {*s.g.bounded}
    s.single |= {name for name, value in s.g.bounded.items() if value.held == ()}
    s.long = {name for name, value in s.g.bounded.items() if value.held == (s.n,)}
    s.long |= {name for name, array in constants.items() if array.shape == (s.n,)} | {s.mask}
    s.zero = {s.mask}
    for node in s.nodes:
        s.maker |= dict.fromkeys(node.output, node)
        for name in read_by(node):
            s.readers.setdefault(name, []).append(node)
        if node.op_type in _EACH and len(node.output) == 1:
            _know_one(s, node)


def _know_one(s: _Search, node: NodeProto) -> None:
    name, op, read = node.output[0], node.op_type, _each_of(node)
    if all(own in s.single for own in read):
        s.single.add(name)
    elif all(own in s.single or own in s.long for own in read):
        s.long.add(name)
    if op == "Cast":
        kind = helper.tensor_dtype_to_np_dtype(next(a.i for a in node.attribute if a.name == "to")).kind
        s.whole |= {name} if kind in "iu" else set()
    elif op in ("Add", "Sub", "Mul", "Neg", "Min", "Max") and s.whole.intersection(read):
        s.whole.add(name)
    is_either_enough = op == "And" or (op == "Mul" and name in s.whole)
    needs_all = op in ("Cast", "Neg", "Add", "Sub", "Or") and s.zero.issuperset(read)
    if needs_all or (is_either_enough and s.zero.intersection(read)):
        s.zero.add(name)


def _each_of(node: NodeProto) -> list[str]:
    """What it reads one by one: of a table only the places in it."""
    return list(node.input)[1:] if node.op_type == "GatherElements" else list(node.input)


def _is_cut(s: _Search, node: NodeProto) -> bool:
    return node.op_type == "Slice" and node.input[2] == s.length and node.input[1] == node.input[3]  # both [0]


def _choose(s: _Search) -> None:
    """All that can be shorter, and of that what is worth it."""
    before, waiting = set(), [s.length]
    while waiting:
        node = s.maker.get(waiting.pop())
        if node is not None and id(node) not in before:
            before.add(id(node))
            waiting += read_by(node)
    can = {node.output[0] for node in s.nodes if id(node) not in before and _is_each(s, node)}
    s.own = can
    while odd := {name for name in s.own if name not in s.zero and (name in s.outputs or _is_read_whole(s, name))}:
        s.own = s.own - odd
    s.own = {name for part in _parts(s) if _gain(s, part) > _WORTH for name in part}


def _is_each(s: _Search, node: NodeProto) -> bool:
    name = node.output[0]
    return len(node.output) == 1 and node.op_type in _EACH and name in s.long and name not in s.single


def _is_read_whole(s: _Search, name: str) -> bool:
    read = [node for node in s.readers.get(name, ()) if not _is_cut(s, node) and not _is_rare(node, name)]
    return any(not _reads_short(s, node, name) for node in read)


def _is_rare(node: NodeProto, name: str) -> bool:
    """Whether it reads that in its rounds alone, and often makes none: a loop for which `sunk` computes the whole."""
    return node.op_type == "Loop" and not node.input[0] and bool(node.input[1]) and name not in node.input


def _reads_short(s: _Search, node: NodeProto, name: str) -> bool:
    return node.output[0] in s.own and (node.op_type != "GatherElements" or node.input[0] != name)


def _parts(s: _Search) -> list[set[str]]:
    """What hangs together."""
    parts: list[set[str]] = []
    for name in sorted(s.own):
        near = {name, *s.own.intersection(_each_of(s.maker[name]))}
        joined = [part for part in parts if part & near]
        parts = [part for part in parts if not part & near] + [near.union(*joined)]
    return parts


def _gain(s: _Search, part: Iterable[str]) -> float:
    names = set(part)
    spared = [name for name in names if any(_is_cut(s, node) for node in s.readers.get(name, ()))]
    cuts = {own for name in names for own in _each_of(s.maker[name])} & s.long - names
    pads = [name for name in names if name in s.outputs or _is_read_whole(s, name)]
    cost = _SHARE * sum(COSTS[s.maker[name].op_type] for name in names)
    return cost - _SLICE * (len(cuts) - len(spared)) - _PAD * len(pads)


def _written(s: _Search) -> list[NodeProto]:
    """All nodes, with these for the first part; and as they were, for loops that may need the whole."""
    g = s.g
    outer, g.scope = g.scope, Scope()
    try:
        zero = g.stored(np.zeros(1, np.int64))
        cut = {node.input[0]: node.output[0] for node in s.nodes if _is_cut(s, node)}
        short = {name: cut.get(name) or g.fresh() for name in sorted(s.own)}
        pads = [name for name in short if name in s.outputs or _is_read_whole(s, name)]
        nodes = [
            node for node in s.nodes if node.output[0] not in pads and not (_is_cut(s, node) and node.input[0] in short)
        ]
        for name in sorted(s.own):
            node = NodeProto()
            node.CopyFrom(s.maker[name])
            first = len(node.input) - len(_each_of(node))
            for k, own in enumerate(node.input):
                if k >= first and own not in s.single:
                    if own not in short and own not in cut:
                        (cut[own],) = g.node("Slice", [own, zero, s.length, zero])
                    node.input[k] = short.get(own) or cut[own]
            node.output[:] = [short[name]]
            nodes.append(node)
        (rest,) = g.node("Sub", [g.stored(np.array([s.n], np.int64)), s.length])
        (sizes,) = g.node("Concat", [zero, rest], axis=0)
        fills = [helper.make_node("Pad", [short[name], sizes], [name]) for name in pads]
        return [*nodes, *g.scope.nodes, *fills]
    finally:
        g.scope = outer
