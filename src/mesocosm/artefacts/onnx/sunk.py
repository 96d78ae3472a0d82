"""What only a loop reads that often makes no round: computed where it makes one.

Whom somebody meets is looked for in a loop that goes on while somebody waits. Where nobody waits, a Loop that begins
with a condition reads nothing, but what it would read has been computed. So the Loop and that are put into a branch.
"""

from __future__ import annotations

from collections.abc import Sequence

from onnx import NodeProto, ValueInfoProto, helper

from mesocosm.artefacts.onnx.graph import Graph, read_by

_FEW = 4
"""Nodes that cost less than a branch."""


def sunk(g: Graph, nodes: Sequence[NodeProto], outputs: Sequence[str]) -> list[NodeProto]:
    """The nodes, with loops in branches where it is worth it."""
    out = list(nodes)
    for loop in nodes:
        if loop.op_type != "Loop" or loop.input[0] or not loop.input[1] or len(loop.input) - 2 != len(loop.output):
            continue
        alone = _only_for(loop, out, outputs)
        if len(alone) >= _FEW:
            gone = {id(node) for node in alone}
            out = [_branch(g, loop, alone) if node is loop else node for node in out if id(node) not in gone]
    return out


def _only_for(loop: NodeProto, nodes: Sequence[NodeProto], outputs: Sequence[str]) -> list[NodeProto]:
    """Nodes that nobody needs but the rounds of the loop: not its condition, nor what it begins with."""
    wanted = {*outputs, *loop.input}
    alone = []
    for node in reversed(nodes):
        if node is loop:
            continue
        if wanted.intersection(node.output):
            wanted |= read_by(node)
        else:
            alone.append(node)
    return alone[::-1]


def _branch(g: Graph, loop: NodeProto, alone: Sequence[NodeProto]) -> NodeProto:
    """Rounds, if there is one."""
    rounds = NodeProto()
    rounds.CopyFrom(loop)
    rounds.output[:] = [g.fresh() for _ in loop.output]
    kept = [helper.make_node("Identity", [name], [g.fresh()]) for name in loop.input[2:]]
    infos = [info for a in loop.attribute if a.name == "body" for info in a.g.output[1:]]
    graphs = [
        helper.make_graph(
            nodes, g.fresh("g"), [], [_named(info, name) for info, name in zip(infos, names, strict=True)]
        )
        for nodes, names in (
            ([*alone, rounds], rounds.output),
            (kept, [node.output[0] for node in kept]),
        )
    ]
    return helper.make_node("If", [loop.input[1]], list(loop.output), then_branch=graphs[0], else_branch=graphs[1])


def _named(info: ValueInfoProto, name: str) -> ValueInfoProto:
    out = ValueInfoProto()
    out.CopyFrom(info)
    out.name = name
    return out
