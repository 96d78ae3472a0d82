"""A graph of ONNX that is being written: values, constants, nodes, and the scopes of its branches and loops.

A value may be held smaller than it is (`held`, in the sense of broadcasting): ONNX broadcasts by itself, so what jax
spreads out explicitly costs a node only where an operation needs all of it. Equal nodes are written once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

from mesocosm.record.errors import MesocosmError

OPSET, IR = 20, 9
"""Of the operators (bitwise ones from 18, reductions of truth values from 20), and of the file."""

Shape = tuple[int, ...]


class NotExpressible(MesocosmError, ValueError):
    """A program with an operation that ONNX has not, or that is not translated."""

    exit_code = 2


@dataclass(frozen=True, eq=False)
class Value:
    """An array of the program.

    Args:
      shape, dtype: as the program has it.
      held: the shape that is in the graph; broadcasts to `shape`, and has no leading ones.
      name: in the graph; empty for a constant that has not been needed yet.
      constant: its numbers [held], where they are known.
      least: a bound of its numbers that the caller promises.
    """

    shape: Shape
    dtype: np.dtype
    held: Shape
    name: str = ""
    constant: np.ndarray | None = None
    least: int | None = None


def stripped(shape: Sequence[int]) -> Shape:
    """A shape without its leading ones."""
    shape = tuple(shape)
    while shape and shape[0] == 1:
        shape = shape[1:]
    return shape


def padded(held: Shape, rank: int) -> Shape:
    """A held shape with leading ones, as long as the rank."""
    return (1,) * (rank - len(held)) + held


def type_of(dtype: Any) -> int:
    return helper.np_dtype_to_tensor_dtype(np.dtype(dtype))


@dataclass
class Scope:
    """Nodes of the graph, or of a branch or body within it."""

    parent: Scope | None = None
    nodes: list[NodeProto] = field(default_factory=list)
    made: set[str] = field(default_factory=set)
    known: dict[Any, list[str]] = field(default_factory=dict)

    def seen(self, key: Any) -> list[str] | None:
        """The outputs of an equal node here, or around here."""
        return self.known.get(key) or (self.parent.seen(key) if self.parent else None)


class Graph:
    """What is written so far."""

    def __init__(self) -> None:
        self.scope = Scope()
        self.constants: dict[Any, TensorProto] = {}
        self._n = 0

    def fresh(self, stem: str = "v") -> str:
        self._n += 1
        return f"{stem}{self._n}"

    # -- values ----------------------------------------------------------------------------------------------------

    def constant(self, array: Any, dtype: Any = None, shape: Shape | None = None) -> Value:
        """A known array, held as small as it can be if it is the same number everywhere."""
        array = np.asarray(array, dtype)
        full = tuple(array.shape) if shape is None else shape
        if array.size and array.ndim and (array.reshape(-1)[:1] == array).all():
            array = array.reshape(-1)[0]
        array = np.asarray(array)
        held = stripped(array.shape)
        return Value(full, array.dtype, held, constant=array.reshape(held))

    def given(self, name: str, shape: Shape, dtype: Any, least: int | None = None) -> Value:
        """An input of this name, which has all its axes."""
        value = Value(shape, np.dtype(dtype), shape, name, least=least)
        return self.as_held(value, stripped(shape)) if stripped(shape) != shape else value

    def name(self, value: Value) -> str:
        """The name of what is held."""
        if value.name:
            return value.name
        assert value.constant is not None
        return self.stored(value.constant)

    def stored(self, array: np.ndarray) -> str:
        """The name of a constant in the file."""
        array = np.ascontiguousarray(array).reshape(np.shape(array))
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self.constants:
            self.constants[key] = numpy_helper.from_array(array, self.fresh("c"))
        return self.constants[key].name

    def whole(self, value: Value) -> str:
        """The name of the array in its own shape."""
        if value.held == value.shape:
            return self.name(value)
        if value.constant is not None:
            return self.stored(np.broadcast_to(value.constant, value.shape))
        op = "Reshape" if np.prod(value.held, dtype=int) == np.prod(value.shape, dtype=int) else "Expand"
        (name,) = self.node(op, [value.name, self.stored(np.array(value.shape, np.int64))])
        return name

    def as_held(self, value: Value, held: Shape, shape: Shape | None = None) -> Value:
        """The same numbers in the same order, held in another shape."""
        shape = value.shape if shape is None else shape
        if value.constant is not None:
            return Value(shape, value.dtype, held, constant=value.constant.reshape(held))
        if value.held == held:
            return Value(shape, value.dtype, held, value.name, least=value.least)
        (name,) = self.node("Reshape", [value.name, self.stored(np.array(held, np.int64))])
        return Value(shape, value.dtype, held, name, least=value.least)

    def is_here(self, name: str) -> bool:
        return name in self.scope.made

    # -- nodes -----------------------------------------------------------------------------------------------------

    def node(self, op: str, inputs: Sequence[str], n_outputs: int = 1, **attributes: Any) -> list[str]:
        """A node, or an equal one that is there; the names of its outputs."""
        plain = all(not isinstance(v, GraphProto) for v in attributes.values())
        key = (op, tuple(inputs), n_outputs, repr(sorted(attributes.items()))) if plain else None
        if key and (found := self.scope.seen(key)):
            return found
        outputs = [self.fresh() for _ in range(n_outputs)]
        self.scope.nodes.append(helper.make_node(op, list(inputs), outputs, **attributes))
        self.scope.made.update(outputs)
        if key:
            self.scope.known[key] = outputs
        return outputs

    def op(self, op: str, inputs: Sequence[str], shape: Shape, dtype: Any, **attributes: Any) -> Value:
        """A node with one output of this shape."""
        (name,) = self.node(op, inputs, **attributes)
        return self.given(name, tuple(shape), dtype)

    def each(self, op: str, *values: Value, dtype: Any = None, **attributes: Any) -> Value:
        """An operation on numbers one by one; shapes broadcast."""
        held = np.broadcast_shapes(*(v.held for v in values))
        shape = np.broadcast_shapes(*(v.shape for v in values))
        (name,) = self.node(op, [self.name(v) for v in values], **attributes)
        return Value(shape, np.dtype(dtype or values[0].dtype), stripped(held), name)

    def cast(self, value: Value, dtype: Any) -> Value:
        """As another type; whole numbers wrap. Floats that become whole numbers are a matter of `elementwise`."""
        dtype = np.dtype(dtype)
        if value.dtype == dtype:
            return value
        assert value.dtype.kind != "f" or dtype.kind not in "iu", (value.dtype, dtype)
        if value.constant is not None:
            with np.errstate(all="ignore"):
                return Value(value.shape, dtype, value.held, constant=value.constant.astype(dtype))
        (name,) = self.node("Cast", [value.name], to=type_of(dtype))
        holds_all = dtype.kind == value.dtype.kind == "i" and dtype.itemsize >= value.dtype.itemsize
        return Value(value.shape, dtype, value.held, name, least=value.least if holds_all else None)

    # -- scopes ----------------------------------------------------------------------------------------------------

    @contextmanager
    def within(self) -> Iterator[Scope]:
        """A branch or a body: its nodes see what is outside, nobody outside sees its nodes."""
        outer, self.scope = self.scope, Scope(self.scope)
        try:
            yield self.scope
        finally:
            self.scope = outer

    def closed(self, scope: Scope, inputs: Sequence[Any], outputs: Sequence[Value]) -> GraphProto:
        """A scope as a graph; called while it is open."""
        infos, names = [], []
        for value in outputs:
            name = self.whole(value)
            if not self.is_here(name) or name in names:
                scope.nodes.append(helper.make_node("Identity", [name], [fresh := self.fresh()]))
                name = fresh
            names.append(name)
            infos.append(helper.make_tensor_value_info(name, type_of(value.dtype), list(value.shape)))
        return helper.make_graph(needed(scope.nodes, names), self.fresh("g"), list(inputs), infos)


def needed(nodes: Sequence[NodeProto], outputs: Sequence[str]) -> list[NodeProto]:
    """The nodes without which the outputs would not be there, in their order."""
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            kept.append(node)
            wanted |= read_by(node)
    return kept[::-1]


def read_by(node: NodeProto) -> set[str]:
    """Names that a node reads, in its branches and bodies too."""
    names = set(node.input)
    for attribute in node.attribute:
        if attribute.HasField("g"):
            names |= {name for inner in attribute.g.node for name in read_by(inner)}
            names |= {output.name for output in attribute.g.output}
    return names
