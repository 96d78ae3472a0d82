"""Many ticks of a world of ONNX as one program: its tick in a Loop, which does not come back to Python in between."""

from __future__ import annotations

from typing import Any

import numpy as np

from mesocosm.artefacts.program import NEXT

TICKS, BEGIN, AFTER = "ticks", "begin.", "after."
"""How many, an input; and before the names of what the first tick begins with, and of what the last leaves."""


def looped(onnx: Any, model: Any) -> Any:
    """The model of a tick as one of ticks until the world ends.

    Inputs are `ticks`, those of the tick that stay as they are, and `begin.` and the names of the others; outputs are
    `after.` and the names of these, and of `status`.
    """
    make, graph = onnx.helper, model.graph
    inputs = {info.name: info for info in graph.input}
    outputs = {info.name: info for info in graph.output}
    own = [name for name in inputs if NEXT + name in outputs]
    carried = ["tick", *own]
    scalars = ("round", np.int64), ("goes on", bool), ("status before", np.int32)
    counter, flag, before = (_scalar(onnx, *own) for own in scalars)
    given = [counter, flag, *(inputs[name] for name in carried), before]
    found = [_scalar(onnx, "is alive", bool), _scalar(onnx, "next tick", np.int32)]
    found += [*(outputs[NEXT + name] for name in own), outputs["status"]]
    body = make.make_graph([*graph.node, *_counting(make)], "a tick", given, found)
    begins = [BEGIN + name for name in carried]
    ends = [AFTER + name for name in (*carried, "status")]
    loop = make.make_node("Loop", [TICKS, "", *begins, "zero"], ends, body=body)
    infos = [_renamed(onnx, inputs[name], BEGIN + name) for name in carried]
    given = [_scalar(onnx, TICKS, np.int64), *(inputs[n] for n in inputs if n not in carried), *infos]
    found = [_renamed(onnx, inputs[name], AFTER + name) for name in carried]
    found.append(_scalar(onnx, AFTER + "status", np.int32))
    fixed = [onnx.numpy_helper.from_array(np.array(k, np.int32), name) for k, name in enumerate(("zero", "one"))]
    whole = make.make_graph([loop], "ticks", given, found, initializer=[*graph.initializer, *fixed])
    return make.make_model(whole, opset_imports=model.opset_import, ir_version=model.ir_version)


def _counting(make: Any) -> list[Any]:
    """Nodes that count the tick, and ask whether the world goes on."""
    return [
        make.make_node("Add", ["tick", "one"], ["next tick"]),
        make.make_node("Equal", ["status", "zero"], ["is alive"]),
    ]


def _scalar(onnx: Any, name: str, dtype: Any) -> Any:
    return onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), [])


def _renamed(onnx: Any, info: Any, name: str) -> Any:
    out = onnx.ValueInfoProto()
    out.CopyFrom(info)
    out.name = name
    return out
