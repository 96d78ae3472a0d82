"""Many ticks of a world of ONNX as one program: its tick in a Loop, which does not come back to Python in between."""

from __future__ import annotations

from typing import Any

import numpy as np

from mesocosm.artefacts.program import NEXT

TICKS, BEGIN, AFTER = "ticks", "begin.", "after."
"""How many, an input; and before the names of what the first tick begins with, and of what the last leaves."""
_BLOCK = 128
"""Ticks for which what depends on their number alone is computed at once."""


def looped(onnx: Any, model: Any) -> Any:
    """The model of a tick as one of ticks until the world ends.

    Inputs are `ticks`, those of the tick that stay as they are, and `begin.` and the names of the others; outputs are
    `after.` and the names of these, and of `status`.
    """
    from mesocosm.artefacts.onnx.graph import read_by

    model = _copied(model)
    make, graph = onnx.helper, model.graph
    inputs = {info.name: info for info in graph.input}
    outputs = {info.name: info for info in graph.output}
    own = [name for name in inputs if NEXT + name in outputs]
    carried = ["tick", *own]
    stays = [info for name, info in inputs.items() if name not in carried]
    before, body, stored = _a_tick(onnx, model, own)
    block = _a_block(onnx, before, body, [inputs[name] for name in carried])
    ends = [AFTER + name for name in (*carried, "status")]
    nodes = [
        make.make_node("Add", [TICKS, "block - 1"], ["ticks up"]),
        make.make_node("Div", ["ticks up", "block"], ["blocks"]),
        make.make_node("Loop", ["blocks", "", *(BEGIN + name for name in carried), "zero"], ends, body=block),
    ]
    given = [_scalar(onnx, TICKS, np.int64), *stays, *(_renamed(inputs[name], BEGIN + name) for name in carried)]
    found = [_renamed(inputs[name], AFTER + name) for name in carried]
    found.append(_scalar(onnx, AFTER + "status", np.int32))
    fixed = {"zero": np.int32(0), "one": np.int32(1), "block": np.int64(_BLOCK), "block - 1": np.int64(_BLOCK - 1)}
    fixed |= {"rounds": np.arange(_BLOCK, dtype=np.int32), **stored}
    constants = [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in fixed.items()]
    wanted = {name for node in nodes for name in read_by(node)}.union(info.name for info in given)
    constants += [tensor for tensor in graph.initializer if tensor.name in wanted]
    whole = make.make_graph(nodes, "ticks", given, found, initializer=constants)
    return make.make_model(whole, opset_imports=model.opset_import, ir_version=model.ir_version)


def _a_tick(onnx: Any, model: Any, own: list[str]) -> tuple[list[Any], Any, dict[str, np.ndarray]]:
    """Nodes that make tables for a block of ticks, the body of the loop of these, and constants of the former.

    What a tick tells of its flows is not computed: nobody asks for it.
    """
    from mesocosm.artefacts.onnx.ahead import ahead
    from mesocosm.artefacts.onnx.graph import needed

    make, graph = onnx.helper, model.graph
    inputs = {info.name: info for info in graph.input}
    outputs = {info.name: info for info in graph.output}
    found = [_scalar(onnx, "is alive", bool), _scalar(onnx, "next tick", np.int32)]
    found += [*(outputs[NEXT + name] for name in own), outputs["status"]]
    names = [info.name for info in found]
    counting = [
        make.make_node("Add", ["tick", "one"], ["next tick"]),
        make.make_node("Equal", ["status", "zero"], ["is alive"]),
    ]
    fixed = [name for name in inputs if name not in ("tick", *own)]
    before, nodes, stored = ahead(model, needed(graph.node, names), fixed, "tick", "round", names)
    given = [_scalar(onnx, "round", np.int64), _scalar(onnx, "goes on", bool)]
    given += [*(inputs[name] for name in ("tick", *own)), _scalar(onnx, "status before", np.int32)]
    return before, make.make_graph([*nodes, *counting], "a tick", given, found), stored


def _a_block(onnx: Any, before: list[Any], body: Any, carried: list[Any]) -> Any:
    """Ticks for which tables are made first."""
    make = onnx.helper
    names = [*(info.name for info in carried), "status"]
    infos = [*carried, _scalar(onnx, "status", np.int32)]
    first, last = ([f"block {end} {name}" for name in names] for end in ("begins with", "leaves"))
    nodes = [
        make.make_node("Mul", ["number", "block"], ["done"]),
        make.make_node("Sub", [TICKS, "done"], ["left"]),
        make.make_node("Min", ["left", "block"], ["long"]),
        make.make_node("Add", ["rounds", first[0]], ["tick by tick"]),
        *before,
        make.make_node("Loop", ["long", "", *first], last, body=body),
        make.make_node("Equal", [last[-1], "zero"], ["block is alive"]),
    ]
    given = [_scalar(onnx, "number", np.int64), _scalar(onnx, "goes on with", bool)]
    given += [_renamed(info, name) for info, name in zip(infos, first, strict=True)]
    found = [_renamed(info, name) for info, name in zip(infos, last, strict=True)]
    return make.make_graph(nodes, "a block", given, [_scalar(onnx, "block is alive", bool), *found])


def _scalar(onnx: Any, name: str, dtype: Any) -> Any:
    return onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), [])


def _copied(message: Any) -> Any:
    out = type(message)()
    out.CopyFrom(message)
    return out


def _renamed(info: Any, name: str) -> Any:
    out = _copied(info)
    out.name = name
    return out
