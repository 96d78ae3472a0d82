"""What depends on nothing but the number of the tick, for many ticks at once.

Keys, and what is drawn for the world and for no body, are single numbers, or few. ONNX Runtime needs as long for an
operation on one of them as on those of 128 ticks. So before these ticks they are computed as tables [tick, ...], and
each tick looks its own up.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, helper, numpy_helper, shape_inference

from mesocosm.artefacts.onnx.graph import read_by
from mesocosm.artefacts.onnx.tables import COSTS

_EACH = {*COSTS} - {"ReduceSum", "GatherElements"}
_MOST = 256
"""Numbers of a value and tick; larger ones would not be cheaper together."""
_TABLE, _AXES = " by tick", " for all ticks"
"""What a table is called after its value; and where it has more axes."""


@dataclass
class _Search:
    """What is known.

    Args:
      shapes: of values of one tick.
      constants: in the file.
      fixed: values that are the same in all ticks, constants among them.
      tables: values that have one.
      before: nodes of tables.
    """

    shapes: dict[str, tuple[int, ...]]
    constants: dict[str, np.ndarray]
    fixed: set[str]
    tables: set[str]
    before: list[NodeProto] = field(default_factory=list)
    stored: dict[str, np.ndarray] = field(default_factory=dict)


def ahead(
    model: ModelProto,
    nodes: Sequence[NodeProto],
    fixed: Collection[str],
    tick: str,
    number: str,
    outputs: Sequence[str],
) -> tuple[list[NodeProto], list[NodeProto], dict[str, np.ndarray]]:
    """Nodes of a tick, parted.

    Args:
      fixed: inputs that are the same in all ticks.
      tick: the input that counts; its table `tick by tick` [ticks] is what the first nodes begin with.
      number: the name of the number of the tick within the tables.
      outputs: of the tick.

    Returns: nodes that make the tables; nodes of a tick, which look up what they need; and constants of the former.
    """
    given = {info.name for info in model.graph.input}
    constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer if t.name not in given}
    s = _Search(_shapes(model), constants, {*fixed, *constants}, {tick})
    inside = [node for node in nodes if not _is_written(s, node)]
    wanted = {name for node in inside for name in read_by(node)}.union(outputs) & s.tables - {tick}
    asked = [helper.make_node("Gather", [name + _TABLE, number], [name], axis=0) for name in sorted(wanted)]
    return s.before, asked + inside, s.stored


def _shapes(model: ModelProto) -> dict[str, tuple[int, ...]]:
    """Of values of which all sizes are known."""
    graph = shape_inference.infer_shapes(model).graph
    infos = [*graph.value_info, *graph.input, *graph.output]
    out = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for info in infos:
        kind = info.type.tensor_type
        if kind.HasField("shape") and all(d.HasField("dim_value") for d in kind.shape.dim):
            out[info.name] = tuple(d.dim_value for d in kind.shape.dim)
    return out


def _is_written(s: _Search, node: NodeProto) -> bool:
    """Whether the node is one of those before the ticks now."""
    names = [name for name in node.input if name]
    if not all(name in s.fixed or name in s.tables for name in names) or not all(o in s.shapes for o in node.output):
        return False
    if any(prod(s.shapes[name]) > _MOST for name in (*names, *node.output) if name not in s.constants):
        return False
    if not s.tables.intersection(names):
        return _is_fixed(s, node)
    rule = _RULES.get("Each" if node.op_type in _EACH else node.op_type)
    if rule is None or not rule(s, node):
        return False
    s.tables.update(node.output)
    return True


def _is_fixed(s: _Search, node: NodeProto) -> bool:
    """What is the same in all ticks is computed once."""
    if node.op_type not in {*_EACH, *_RULES}:
        return False
    s.before.append(node)
    s.fixed.update(node.output)
    return True


def _add(s: _Search, node: NodeProto, inputs: Sequence[str], **changed: int) -> bool:
    """The node for all ticks."""
    attributes: dict[str, Any] = {a.name: helper.get_attribute_value(a) for a in node.attribute} | changed
    outputs = [name + _TABLE for name in node.output]
    s.before.append(helper.make_node(node.op_type, inputs, outputs, **attributes))
    return True


def _store(s: _Search, numbers: Sequence[int]) -> str:
    name = f"{list(numbers)}{_TABLE}"
    s.stored[name] = np.array(numbers, np.int64)
    return name


def _each(s: _Search, node: NodeProto) -> bool:
    """Numbers one by one: those with fewer axes than others are given them."""
    rank = max(len(s.shapes[name]) for name in node.input)
    inputs = []
    for name in node.input:
        shape = s.shapes[name]
        if name in s.tables and len(shape) < rank:
            whole = f"{name}{_AXES} {rank}"
            if not any(whole in done.output for done in s.before):
                target = _store(s, [-1, *(1,) * (rank - len(shape)), *shape])
                s.before.append(helper.make_node("Reshape", [name + _TABLE, target], [whole]))
            inputs.append(whole)
        else:
            inputs.append(name + _TABLE if name in s.tables else name)
    return _add(s, node, inputs)


def _reshape(s: _Search, node: NodeProto) -> bool:
    return _add(s, node, [node.input[0] + _TABLE, _store(s, [-1, *s.shapes[node.output[0]]])])


def _slice(s: _Search, node: NodeProto) -> bool:
    if len(node.input) < 4 or not all(name in s.constants for name in node.input[1:]):
        return False
    axes = s.constants[node.input[3]]
    if (axes < 0).any():
        return False
    first, starts, ends, _, *steps = node.input
    return _add(s, node, [first + _TABLE, starts, ends, _store(s, [int(k) + 1 for k in axes]), *steps])


def _split(s: _Search, node: NodeProto) -> bool:
    axis = next((a.i for a in node.attribute if a.name == "axis"), 0)
    if axis < 0 or len(node.input) != 2 or node.input[1] not in s.constants:
        return False
    return _add(s, node, [node.input[0] + _TABLE, node.input[1]], axis=axis + 1)


_RULES = {"Each": _each, "Reshape": _reshape, "Slice": _slice, "Split": _split}
