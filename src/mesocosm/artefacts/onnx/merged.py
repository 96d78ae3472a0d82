"""Branchings by the same truth value as one: all fields of a world are diffused by the number of the tick.

ONNX Runtime makes a frame for each branch that it takes, which costs as much as some small operations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from onnx import GraphProto, NodeProto, helper

from mesocosm.artefacts.onnx.graph import Graph, in_order, otherwise, read_by, rename


def merged(g: Graph, nodes: Sequence[NodeProto], outputs: Sequence[str]) -> list[NodeProto]:
    """The nodes; branchings of which none needs the other are one, and those within them too."""
    out = list(nodes)
    while pair := _pair(out):
        first, second = pair
        both = _both(g, first, second)
        out = in_order([both if node is first else node for node in out if node is not second])
    return out


def _pair(nodes: Sequence[NodeProto]) -> tuple[NodeProto, NodeProto] | None:
    """Two of them, the first that come."""
    for k, first in enumerate(nodes):
        if first.op_type != "If":
            continue
        after = set(first.output)
        for node in nodes[k + 1 :]:
            if not after.isdisjoint(read_by(node)):
                after.update(node.output)
            elif node.op_type == "If" and node.input[0] == first.input[0]:
                return first, node
    return None


def _both(g: Graph, first: NodeProto, second: NodeProto) -> NodeProto:
    branches = [{a.name: a.g for a in node.attribute} for node in (first, second)]
    graphs: dict[str, Any] = {name: _of_both(g, graph, branches[1][name]) for name, graph in branches[0].items()}
    return helper.make_node("If", list(first.input), [*first.output, *second.output], **graphs)


def _of_both(g: Graph, first: GraphProto, second: GraphProto) -> GraphProto:
    """Both branches; what both compute is computed once, their conditions among it."""
    outputs = [*first.output, *second.output]
    names = [info.name for info in outputs]
    kept, there = [], {}
    for node in (*first.node, *second.node):
        key = otherwise(node)
        if key in there and len(node.output) == 1 and node.output[0] not in names:
            rename([*first.node, *second.node], {node.output[0]: there[key]})
        else:
            kept.append(node)
            there.setdefault(key, node.output[0])
    return helper.make_graph(merged(g, kept, names), g.fresh("g"), [], outputs)
