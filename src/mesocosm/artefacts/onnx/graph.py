"""A graph of ONNX that is being written: values, constants, nodes, and the scopes of its branches and loops.

A value may be held smaller than it is (`held`, in the sense of broadcasting): ONNX broadcasts by itself, so what jax
spreads out explicitly costs a node only where an operation needs all of it. Equal nodes are written once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

from mesocosm.artefacts.onnx.values import Number, Shape, Value, is_one, stripped, within
from mesocosm.record.errors import MesocosmError

OPSET, IR = 20, 9
"""Of the operators (bitwise ones from 18, reductions of truth values from 20), and of the file."""


class NotExpressible(MesocosmError, ValueError):
    """A program with an operation that ONNX has not, or that is not translated."""

    exit_code = 2


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


@dataclass(frozen=True)
class Made:
    """An operation, the values it read, and its axis or axes."""

    op: str = ""
    inputs: tuple[Value, ...] = ()
    axes: tuple[int, ...] = ()


UNKNOWN = Made()


class Graph:
    """What is written so far.

    Args:
      finish: makes of the nodes of a complete scope those of a file (`drawn.written_out`).
    """

    def __init__(self, finish: Callable[[Graph, Sequence[NodeProto]], list[NodeProto]]) -> None:
        self._finish = finish
        self.scope = Scope()
        self.constants: dict[Any, TensorProto] = {}
        self.made: dict[str, Made] = {}
        """How values were made, by name; of what is worth knowing."""
        self.bounded: dict[str, Value] = {}
        """What is known of the numbers of values, by name."""
        self.draws: dict[str, tuple[tuple[Value, ...], Shape]] = {}
        """Key and counter of random bits, and the shape of these, by the name of their first word."""
        self._n = 0

    def fresh(self, stem: str = "v") -> str:
        self._n += 1
        return f"{stem}{self._n}"

    # -- values ----------------------------------------------------------------------------------------------------

    def constant(self, array: Any, dtype: Any = None, shape: Shape | None = None) -> Value:
        """A known array, held as small as it can be if it is the same number everywhere."""
        array = np.asarray(array, dtype)
        full = tuple(array.shape) if shape is None else shape
        if array.ndim and is_one(array):
            array = array.reshape(-1)[0]
        array = np.asarray(array)
        held = stripped(array.shape)
        return Value(full, array.dtype, held, constant=array.reshape(held))

    def given(
        self, name: str, shape: Shape, dtype: Any, bounds: tuple[Number | None, Number | None] = (None, None)
    ) -> Value:
        """An input of this name, which has all its axes; its least and its most number, where they are known."""
        value = Value(shape, np.dtype(dtype), shape, name, None, *bounds)
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
        made = self.how(value)
        first = made.inputs[0] if made.op == "Reshape" else value  # what was reshaped is taken as it was before
        for known in (value, first):
            if known.held == held:
                return replace(value, shape=shape, held=held, name=known.name)
        (name,) = self.node("Reshape", [first.name, self.stored(np.array(held, np.int64))])
        self.made[name] = Made("Reshape", (first,))
        return replace(value, shape=shape, held=held, name=name)

    def told(self, value: Value) -> Value:
        """The value, noted as what is known of the numbers of its name."""
        if value.name and value.dtype.kind in "iu":
            before = self.bounded.get(value.name, value).bounds
            low, high = max(before[0], value.bounds[0]), min(before[1], value.bounds[1])
            self.bounded[value.name] = replace(value, least=low, most=high)
        return value

    def how(self, value: Value) -> Made:
        """How it was made, as far as that is known."""
        return self.made.get(value.name, UNKNOWN)

    def age_of(self, value: Value) -> int:
        """Which of the names it has."""
        return int(value.name[1:]) if value.name[:1] == "v" and value.name[1:].isdigit() else 0

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
        """An operation on numbers one by one; shapes broadcast.

        Last axes of one number are left away: ONNX Runtime goes through [n, 1] and a single number row by row.
        """
        kept, last = self._without_last(values)
        held = np.broadcast_shapes(*(v.held for v in kept))
        shape = np.broadcast_shapes(*(v.shape for v in values))
        (name,) = self.node(op, [self.name(v) for v in kept], **attributes)
        out = Value(shape, np.dtype(dtype or values[0].dtype), stripped(held), name)
        self.made.setdefault(name, Made(op, kept))
        return self.as_held(out, stripped((*held, *(1,) * last))) if last else out

    def _without_last(self, values: Sequence[Value]) -> tuple[tuple[Value, ...], int]:
        """Without the last axes of one number that all of them have, and how many these are."""
        held = np.broadcast_shapes(*(v.held for v in values))
        last = 0
        while last < len(held) and held[-1 - last] == 1:
            last += 1
        return tuple(self.as_held(v, v.held[: max(0, len(v.held) - last)]) for v in values) if last else tuple(
            values
        ), last

    def plus(self, a: Value, b: Value) -> Value:
        """A sum of whole numbers, which wrap: of a sum and a smaller array, the smaller ones are added first."""
        shape = np.broadcast_shapes(a.shape, b.shape)
        for one, other in ((a, b), (b, a)):
            if other.one == 0 and one.shape == shape:
                return one
        (first, second), last = self._without_last((a, b))
        if last:
            held = np.broadcast_shapes(a.held, b.held)
            out = self.plus(first, second)
            return self.as_held(out, stripped(held), shape)
        for one, other in ((a, b), (b, a)):
            made = self.how(one)
            if made.op != "Add" or one.held != stripped(np.broadcast_shapes(*(v.held for v in made.inputs))):
                continue
            large, small = sorted(made.inputs, key=lambda v: -np.prod(v.held, dtype=int))
            if large.held == one.held and _is_smaller(small, large) and _is_smaller(other, large):
                return self.each("Add", large, self._both(small, other))
        return self.each("Add", a, b)

    def _both(self, a: Value, b: Value) -> Value:
        if a.constant is None or b.constant is None:
            return self.each("Add", a, b)
        with np.errstate(over="ignore"):
            out = np.asarray(a.constant + b.constant, a.dtype)
        return Value(np.broadcast_shapes(a.shape, b.shape), a.dtype, out.shape, constant=out)

    def cast(self, value: Value, dtype: Any) -> Value:
        """As another type; whole numbers wrap. Floats that become whole numbers are a matter of `elementwise`."""
        dtype = np.dtype(dtype)
        if value.dtype == dtype:
            return value
        assert value.dtype.kind != "f" or dtype.kind not in "iu", (value.dtype, dtype)
        if value.constant is not None:
            with np.errstate(all="ignore"):
                return Value(value.shape, dtype, value.held, constant=value.constant.astype(dtype))
        source = self._before_cast(value, dtype)
        if source.dtype == dtype:
            return replace(source, shape=value.shape)
        (name,) = self.node("Cast", [source.name], to=type_of(dtype))
        self.made[name] = Made("Cast", (source,))
        low, high = value.bounds
        if dtype.kind == "b":
            low, high = int(low > 0 or high < 0), int(low != 0 or high != 0)
        elif dtype.kind == "f":
            with np.errstate(over="ignore"):
                low, high = float(dtype.type(low)), float(dtype.type(high))  # rounding keeps the order
        return within(Value(value.shape, dtype, value.held, name), low, high)

    def _before_cast(self, value: Value, dtype: np.dtype) -> Value:
        """What was made another type of before, where the type between lost nothing that this one keeps."""
        if dtype.kind == "f" and (truth := self.truth_of(value)) is not None:
            return truth
        made = self.how(value)
        if made.op != "Cast" or made.inputs[0].held != value.held or {value.dtype.kind, dtype.kind} - set("iu"):
            return value
        (source,) = made.inputs
        if source.dtype.kind == "f" or (value.dtype.itemsize < dtype.itemsize and source.bounds != value.bounds):
            return value
        return source

    def truth_of(self, value: Value) -> Value | None:
        """The truth values of which these numbers, all 0 or 1, were made."""
        while value.dtype.kind in "iu" and (made := self.how(value)).op == "Cast" and made.inputs[0].held == value.held:
            (value,) = made.inputs
        return value if value.dtype == bool else None

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
        return helper.make_graph(self.finished(scope, names), self.fresh("g"), list(inputs), infos)

    def finished(self, scope: Scope, outputs: Sequence[str]) -> list[NodeProto]:
        """The nodes of a scope that its outputs need, as they are written."""
        return self._finish(self, needed(scope.nodes, outputs))


def _is_smaller(a: Value, b: Value) -> bool:
    return (a.dtype.kind in "iu" and np.prod(a.held, dtype=int) < np.prod(b.held, dtype=int)) or (
        a.constant is not None and a.held == () and b.constant is None
    )


def needed(nodes: Sequence[NodeProto], outputs: Sequence[str]) -> list[NodeProto]:
    """The nodes without which the outputs would not be there, in their order."""
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            if node.op_type == "If":
                _ask_for(node, wanted)
            kept.append(node)
            wanted |= read_by(node)
    return kept[::-1]


def _ask_for(node: NodeProto, wanted: set[str]) -> None:
    """What nobody reads of a branching is not computed in its branches."""
    unread = [k for k, name in enumerate(node.output) if name not in wanted]
    for attribute in node.attribute if unread else ():
        graph = attribute.g
        for k in reversed(unread):
            del graph.output[k]
        kept = needed(list(graph.node), [output.name for output in graph.output])
        del graph.node[:]
        graph.node.extend(kept)
    for k in reversed(unread):
        del node.output[k]


def read_by(node: NodeProto) -> set[str]:
    """Names that a node reads, in its branches and bodies too."""
    names = set(node.input)
    for attribute in node.attribute:
        if attribute.HasField("g"):
            names |= {name for inner in attribute.g.node for name in read_by(inner)}
            names |= {output.name for output in attribute.g.output}
    return names


def otherwise(node: NodeProto) -> Any:
    """What a node is but for the names of its outputs."""
    return node.op_type, tuple(node.input), tuple(sorted(a.SerializeToString() for a in node.attribute))


def rename(nodes: Iterable[NodeProto], names: dict[str, str]) -> None:
    """Other names for values, in branches and bodies too."""
    for node in nodes:
        for own in (node.input, node.output):
            own[:] = [names.get(name, name) for name in own]
        for attribute in node.attribute:
            if attribute.HasField("g"):
                rename(attribute.g.node, names)
                for output in attribute.g.output:
                    output.name = names.get(output.name, output.name)


def in_order(nodes: Sequence[NodeProto]) -> list[NodeProto]:
    """In an order in which each finds what it reads."""
    maker = {name: k for k, node in enumerate(nodes) for name in node.output}
    order: list[int] = []
    state = [0] * len(nodes)
    for first in range(len(nodes)):
        stack = [first]
        while stack:
            k = stack[-1]
            if state[k] == 0:
                state[k] = 1
                needs = sorted({maker[name] for name in read_by(nodes[k]) if name in maker} - {k}, reverse=True)
                stack += [j for j in needs if state[j] == 0]
            else:
                stack.pop()
                if state[k] == 1:
                    state[k] = 2
                    order.append(k)
    return [nodes[k] for k in order]
