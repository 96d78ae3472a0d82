"""One of two numbers, one by one: of whole numbers by arithmetic, which ONNX Runtime does faster than to choose."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mesocosm.artefacts.onnx.graph import Graph
from mesocosm.artefacts.onnx.values import Value, like


def either(g: Graph, which: Value, yes: Value, no: Value) -> Value:
    """One of two numbers, one by one; of whole numbers `no + which * (yes - no)`, which is faster than to choose."""
    shape = np.broadcast_shapes(which.shape, yes.shape, no.shape)
    if which.one is not None:
        out = yes if which.one else no
        return replace(out, shape=shape)
    if yes.dtype == bool:
        return _either_truth(g, which, yes, no)
    if yes.dtype in (np.int32, np.uint32, np.int64, np.uint64, np.uint8):
        return like(_blended(g, which, yes, no), yes, no)
    held = _WHERE_AS.get(yes.dtype.name)
    if yes.dtype == np.int8:
        out = g.cast(_blended(g, which, g.cast(yes, held), g.cast(no, held)), yes.dtype)
        return like(out, yes, no)
    if held:
        out = g.cast(g.each("Where", which, g.cast(yes, held), g.cast(no, held), dtype=held), yes.dtype)
    else:
        out = g.each("Where", which, yes, no, dtype=yes.dtype)
    return like(out, yes, no)


def _blended(g: Graph, which: Value, yes: Value, no: Value) -> Value:
    truth = g.cast(which, yes.dtype)
    if yes.one == 0 and no.one != 0:
        return g.each("Sub", no, g.each("Mul", truth, no))
    difference = _difference(g, yes, no)
    number = None if difference.one is None else int(difference.one)
    if number == -1:
        return g.each("Sub", no, truth)
    scaled = truth if number == 1 else g.each("Mul", truth, difference)
    return scaled if no.one == 0 else g.each("Add", no, scaled)


def _difference(g: Graph, yes: Value, no: Value) -> Value:
    """What has to be added; known if one of the two was made from the other."""
    if no.one == 0:
        return yes
    if no.constant is not None and no.dtype.kind == "i":
        with np.errstate(over="ignore"):
            less = np.asarray(np.negative(no.constant))
            if yes.constant is not None:
                return g.constant(yes.constant + less, yes.dtype, np.broadcast_shapes(yes.shape, no.shape))
        return g.plus(yes, replace(no, constant=less))
    for one, other, sign in ((yes, no, 1), (no, yes, -1)):
        made = g.how(one)
        if made.op != "Add" or not other.name or one.dtype.kind != "i":
            continue
        first, number = made.inputs[0], made.inputs[1].one
        if number is not None and (first.name, first.held) == (other.name, other.held):
            return g.constant(np.asarray(sign * int(number)).astype(one.dtype), shape=other.shape)  # -2^31 is its own
    return g.each("Sub", yes, no)


def _either_truth(g: Graph, which: Value, yes: Value, no: Value) -> Value:
    if no.one is False:
        return which if yes.one is True else g.each("And", which, yes)
    if yes.one is True:
        return g.each("Or", which, no)
    first = g.each("Not", which) if yes.one is False else None
    if first is not None:
        return first if no.one is True else g.each("And", first, no)
    both = g.each("And", which, yes), g.each("And", g.each("Not", which), no)
    return g.each("Or", *both)


_WHERE_AS = {"int8": "uint8", "int16": "int32", "uint16": "int32"}
"""Types for which ONNX Runtime, or its build for the web, has no Where: a type of the same bits, or a wider one."""
