"""Random bits: Threefry-2x32 of many addresses at once.

Each of its rounds is five operations, whatever the number of addresses, and an operation costs ONNX Runtime more than
some hundred numbers do. So all addresses of one key that do not depend on one another's bits are put into one array.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import NodeProto, helper

from mesocosm.artefacts.onnx.graph import Graph, Scope, in_order, read_by
from mesocosm.artefacts.onnx.values import Shape, Value, stripped
from mesocosm.core.random import PARITY, ROTATIONS

DRAW = "Draw"
"""Stands in a scope for a call of Threefry until the scope is complete; in no file."""


def addressed(g: Graph, values: list[Value], _: Any) -> list[Value] | None:
    """`threefry2x32`: two words of key and two of counter to two of random bits."""
    if any(key.held != () for key in values[:2]):
        return None
    held = stripped(np.broadcast_shapes(*(v.held for v in values)))
    shape = np.broadcast_shapes(*(v.shape for v in values))
    names = g.node(DRAW, [g.name(v) for v in values], 2)
    g.draws[names[0]] = (tuple(values), held)
    return [Value(shape, np.dtype(np.uint32), held, name) for name in names]


def written_out(g: Graph, nodes: Sequence[NodeProto]) -> list[NodeProto]:
    """Nodes of a scope without `Draw`s, in an order in which each finds what it reads."""
    groups: dict[Any, list[NodeProto]] = {}
    for node, level in zip(nodes, _levels(nodes), strict=True):
        if node.op_type == DRAW:
            groups.setdefault((level, *node.input[:2]), []).append(node)
    if not groups:
        return list(nodes)
    out = [node for node in nodes if node.op_type != DRAW]
    for group in groups.values():
        out += _of_group(g, group)
    return in_order(out)


def _levels(nodes: Sequence[NodeProto]) -> list[int]:
    """By how many `Draw`s in a row a node comes after."""
    after: dict[str, int] = {}
    levels = []
    for node in nodes:
        level = max((after.get(name, 0) for name in read_by(node)), default=0)
        levels.append(level)
        for name in node.output:
            after[name] = level + (node.op_type == DRAW)
    return levels


def _of_group(g: Graph, group: Sequence[NodeProto]) -> list[NodeProto]:
    """One Threefry for all, cut into what each asked for."""
    asked = [g.draws[node.output[0]] for node in group]
    keys = asked[0][0][:2]
    outer, g.scope = g.scope, Scope()
    try:
        sizes = [int(np.prod(held, dtype=int)) for _, held in asked]
        counters = [_line(g, [values[k] for values, _ in asked], [held for _, held in asked]) for k in (2, 3)]
        words = _rounds(g, keys, counters)
        for k, word in enumerate(words):
            _hand_out(g, word, [node.output[k] for node in group], [held for _, held in asked], sizes)
        return g.scope.nodes
    finally:
        g.scope = outer


def _hand_out(g: Graph, word: Value, outputs: Sequence[str], shapes: Sequence[Shape], sizes: Sequence[int]) -> None:
    """To each call its bits."""
    if len(outputs) == 1:
        maker = next(node for node in g.scope.nodes if node.output[0] == word.name)
        maker.output[0] = outputs[0]
        return
    lines = [name if len(held) == 1 else g.fresh() for name, held in zip(outputs, shapes, strict=True)]
    cut = g.stored(np.array(sizes, np.int64))
    g.scope.nodes.append(helper.make_node("Split", [g.whole(word), cut], lines, axis=0))
    for line, name, held in zip(lines, outputs, shapes, strict=True):
        if line != name:
            g.scope.nodes.append(helper.make_node("Reshape", [line, g.stored(np.array(held, np.int64))], [name]))


def _line(g: Graph, values: Sequence[Value], shapes: Sequence[Shape]) -> Value:
    """Counters of all addresses [addresses]; of one call in its own shape."""
    if len(values) == 1:
        return values[0]
    parts, known = [], []
    for value, held in zip(values, shapes, strict=True):
        if value.constant is not None:
            known.append(np.broadcast_to(value.constant, held).ravel())
            continue
        if known:
            parts, known = [*parts, g.stored(np.concatenate(known))], []
        n = int(np.prod(held, dtype=int))
        op = "Reshape" if np.prod(value.held, dtype=int) == n else "Expand"
        name = value.name
        if op == "Expand" and len(held) > 1:
            (name,) = g.node(op, [name, g.stored(np.array(held, np.int64))])
            op = "Reshape"
        parts += [name] if value.held == (n,) else g.node(op, [name, g.stored(np.array([n], np.int64))])
    n = sum(int(np.prod(held, dtype=int)) for held in shapes)
    if known and not parts:
        line = np.concatenate(known)
        return g.constant(line) if (line == line[0]).all() else Value((n,), line.dtype, (n,), constant=line)
    parts += [g.stored(np.concatenate(known))] if known else []
    return Value((n,), np.dtype(np.uint32), (n,), parts[0] if len(parts) == 1 else g.node("Concat", parts, axis=0)[0])


def _rounds(g: Graph, keys: Sequence[Value], counters: Sequence[Value]) -> list[Value]:
    """Sums and products are cheaper than operations on bits: what is rotated is multiplied, shifted and added."""

    def number(n: int) -> Value:
        return g.constant(n & 0xFFFFFFFF, np.uint32)

    k0, k1 = keys
    schedule = (k0, k1, g.each("BitwiseXor", g.each("BitwiseXor", k0, k1), number(PARITY)))
    a, b = g.each("Add", counters[0], k0), g.each("Add", counters[1], k1)
    for i in range(5):
        for r in ROTATIONS[i % 2]:
            a = g.each("Add", a, b)
            right = g.each("BitShift", b, number(32 - r), direction="RIGHT")
            b = g.each("BitwiseXor", g.each("Add", g.each("Mul", b, number(1 << r)), right), a)
        a = g.each("Add", a, schedule[(i + 1) % 3])
        b = g.each("Add", b, g.each("Add", schedule[(i + 2) % 3], number(i + 1)))
    return [a, b]
