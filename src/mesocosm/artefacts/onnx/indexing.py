"""Gather, scatter and slices whose place is computed.

Indices [..., k] point into k axes of an array. What lies outside is handled as jax says: clipped, or read as a filling
number and not written. A window larger than one becomes indices of all its places.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mesocosm.artefacts.onnx.elementwise import either
from mesocosm.artefacts.onnx.graph import Graph, NotExpressible, Value
from mesocosm.artefacts.onnx.shapes import expanded, ints, joined, spread, turned


def _mode(parameters: Any) -> str:
    return str(parameters["mode"]).rpartition(".")[2].upper()


def _columns(g: Graph, indices: Value) -> list[Value]:
    """The last axis of indices, as a list of arrays [...]."""
    k = indices.shape[-1]
    if k == 1:
        held = indices.held[:-1] if indices.held else ()
        return [g.as_held(indices, held, indices.shape[:-1])]
    name = g.whole(indices)
    axis = len(indices.shape) - 1
    return [
        g.op("Gather", [name, g.stored(np.array(j, np.int64))], indices.shape[:-1], indices.dtype, axis=axis)
        for j in range(k)
    ]


def _bounded(g: Graph, index: Value, most: int) -> tuple[Value, Value]:
    """Indices within 0 ... most, and which of them were so before."""
    unsigned = index.dtype.kind == "u"
    index = g.cast(index, np.int64 if unsigned else index.dtype)
    last = g.constant(most, index.dtype)
    inside = g.each("LessOrEqual", index, last, dtype=bool)
    if not unsigned:
        inside = g.each("And", inside, g.each("GreaterOrEqual", index, g.constant(0, index.dtype), dtype=bool))
    return g.each("Min", g.each("Max", index, g.constant(0, index.dtype)), last), inside


def gathered(g: Graph, values: list[Value], parameters: Any) -> Value:
    """`gather`: one axis by Gather, several by GatherND."""
    a, indices = values
    d, sizes, mode = parameters["dimension_numbers"], parameters["slice_sizes"], _mode(parameters)
    axes, collapsed = tuple(d.start_index_map), (*d.collapsed_slice_dims, *d.operand_batching_dims)
    columns, inside = _columns(g, indices), []
    if mode not in ("PROMISE_IN_BOUNDS", "ONE_HOT"):
        bounded = [_bounded(g, c, a.shape[axis] - sizes[axis]) for c, axis in zip(columns, axes, strict=True)]
        columns = [c for c, _ in bounded]
        inside = [i for _, i in bounded] if mode == "FILL_OR_DROP" else []
    windows = [axis for axis in axes if axis not in collapsed]
    batch = indices.shape[:-1]
    columns += _of_the_batch(g, batch, d.start_indices_batching_dims, indices.dtype)
    axes += tuple(d.operand_batching_dims)
    columns = _with_windows(g, columns, axes, windows, sizes, batch)
    shape_at = batch + tuple(sizes[axis] for axis in windows)
    a = _cut_to(g, a, [n if k not in axes else a.shape[k] for k, n in enumerate(sizes)])
    others = [k for k in range(len(a.shape)) if k not in axes]
    out = _taken(g, a, columns, axes, shape_at)  # [batch..., windows..., others...]
    order = _order_of_gather(len(batch), windows, others, d.offset_dims, a, collapsed)
    out = turned(g, out, order)
    return _filled(g, out, inside, batch, d.offset_dims, parameters) if inside else out


def _of_the_batch(g: Graph, batch: Any, where: Sequence[int], dtype: Any) -> list[Value]:
    """Of arrays in a batch: each index points into its own."""
    return [
        Value(tuple(batch), line.dtype, line.held, constant=line.constant)
        for line in (
            g.constant(np.arange(batch[at]).reshape([-1] + [1] * (len(batch) - at - 1)), dtype) for at in where
        )
    ]


def _with_windows(
    g: Graph, columns: list[Value], axes: Sequence[int], windows: Sequence[int], sizes: Sequence[int], batch: Any
) -> list[Value]:
    """Indices of all places of the windows: [batch..., windows...]."""
    if not windows:
        return columns
    out, rank = [], len(batch) + len(windows)
    shape = tuple(batch) + tuple(sizes[axis] for axis in windows)
    for column, axis in zip(columns, axes, strict=True):
        wide = spread(g, [column], {"shape": shape, "broadcast_dimensions": range(len(batch))})
        if axis in windows:
            at = len(batch) + windows.index(axis)
            line = np.arange(sizes[axis]).reshape([-1 if k == at else 1 for k in range(rank)])
            wide = g.each("Add", wide, g.constant(line, wide.dtype, shape if line.size == 1 else None))
        out.append(Value(shape, wide.dtype, wide.held, wide.name, wide.constant))
    return out


def _cut_to(g: Graph, a: Value, sizes: Sequence[int]) -> Value:
    axes = [k for k, (n, size) in enumerate(zip(a.shape, sizes, strict=True)) if n != size]
    if not axes:
        return a
    starts, ends = ints(g, [0] * len(axes)), ints(g, [sizes[k] for k in axes])
    return g.op("Slice", [g.whole(a), starts, ends, ints(g, axes)], tuple(sizes), a.dtype)


def _taken(g: Graph, a: Value, columns: list[Value], axes: Sequence[int], shape_at: Any) -> Value:
    """Numbers at places: [places..., other axes...]."""
    others = [k for k in range(len(a.shape)) if k not in axes]
    shape = tuple(shape_at) + tuple(a.shape[k] for k in others)
    if len(axes) == 1:
        index = g.whole(Value(tuple(shape_at), columns[0].dtype, columns[0].held, columns[0].name, columns[0].constant))
        index = index if columns[0].dtype != np.uint32 else g.node("Cast", [index], to=7)[0]
        first = turned(g, a, [*axes, *others])
        return g.op("Gather", [g.whole(first), index], shape, a.dtype, axis=0)
    name = _together(g, columns, shape_at)
    return g.op("GatherND", [g.whole(turned(g, a, [*axes, *others])), name], shape, a.dtype)


def _together(g: Graph, columns: list[Value], shape_at: Any) -> str:
    """Columns of indices as one array [places..., k] of int64."""
    wide = []
    for c in columns:
        c = g.cast(c, np.int64)
        c = Value(tuple(shape_at), c.dtype, c.held, c.name, c.constant)
        wide.append(expanded(g, [c], {"dimensions": (len(shape_at),)}))
    return g.whole(wide[0] if len(wide) == 1 else joined(g, wide, {"dimension": len(shape_at)}))


def _order_of_gather(
    n_batch: int, windows: list[int], others: list[int], offset: Any, a: Value, collapsed: Any
) -> list[int]:
    """From [batch, windows, others] to where jax has them: offset axes in the order of the operand."""
    kept = [k for k in range(len(a.shape)) if k not in collapsed]
    at = {axis: n_batch + j for j, axis in enumerate([*windows, *others])}
    inner, outer = iter(at[k] for k in kept), iter(range(n_batch))
    return [next(inner) if k in offset else next(outer) for k in range(n_batch + len(kept))]


def _filled(g: Graph, out: Value, inside: list[Value], batch: Any, offset: Any, parameters: Any) -> Value:
    """A filling number where an index was outside."""
    filling = parameters.get("fill_value")
    if filling is None:
        kind = out.dtype.kind
        filling = np.nan if kind == "f" else True if kind == "b" else _extreme(out.dtype)
    where = [k for k in range(len(out.shape)) if k not in offset]
    all_in = inside[0]
    for one in inside[1:]:
        all_in = g.each("And", all_in, one)
    all_in = Value(tuple(batch), all_in.dtype, all_in.held, all_in.name, all_in.constant)
    mask = spread(g, [all_in], {"shape": out.shape, "broadcast_dimensions": where})
    return either(g, mask, out, g.constant(filling, out.dtype))


def _extreme(dtype: Any) -> int:
    info = np.iinfo(dtype)
    return info.min if dtype.kind == "i" else info.max


def scattered(reduction: str) -> Callable[..., Value]:
    """`scatter` and its kin, by ScatterND; what is outside lands in a row that is cut off again."""

    def lower(g: Graph, values: list[Value], parameters: Any) -> Value:
        a, indices, updates = values
        d, mode = parameters["dimension_numbers"], _mode(parameters)
        axes = (*d.scatter_dims_to_operand_dims, *d.operand_batching_dims)
        inserted = (*d.inserted_window_dims, *d.operand_batching_dims)
        sizes = _window_sizes(a, updates, d, inserted)
        if not axes:  # one window that is all of it
            op = {"add": "Add", "mul": "Mul", "min": "Min", "max": "Max"}.get(reduction)
            return g.each(op, a, updates) if op else updates
        others = [k for k in range(len(a.shape)) if k not in axes]
        if any(sizes[k] != a.shape[k] for k in others):
            raise NotExpressible("a scatter of part of an axis is not translated to ONNX")
        windows = [axis for axis in axes if axis not in inserted]
        batch = indices.shape[:-1]
        columns, drops = _columns(g, indices), mode == "FILL_OR_DROP"
        columns += _of_the_batch(g, batch, d.scatter_indices_batching_dims, indices.dtype)
        rows = turned(g, a, [*axes, *others])
        if mode == "CLIP":
            bounds = [a.shape[axis] - sizes[axis] for axis in axes]
            columns = [_bounded(g, c, most)[0] for c, most in zip(columns, bounds, strict=True)]
        elif drops:
            most = [a.shape[k] - sizes[k] for k in axes]
            columns, rows = _outside_in_rows(g, columns, rows, most, a.shape[axes[0]], sizes[axes[0]])
        columns = _with_windows(g, columns, axes, windows, sizes, batch)
        shape_at = tuple(batch) + tuple(sizes[axis] for axis in windows)
        given = turned(g, updates, _order_of_scatter(len(updates.shape), d, inserted, windows, others, a))
        inputs = [g.whole(rows), _together(g, columns, shape_at), g.whole(given)]
        out = _written(g, inputs, rows, reduction)
        if drops:
            out = _cut_to(g, out, [a.shape[axes[0]], *out.shape[1:]])
        back = np.argsort([*axes, *others]).tolist()
        return turned(g, out, back)

    return lower


def _written(g: Graph, inputs: list[str], rows: Value, reduction: str) -> Value:
    """ScatterND; truth values have no reduction there."""
    if reduction == "none" or rows.dtype != bool:
        return g.op("ScatterND", inputs, rows.shape, rows.dtype, reduction=reduction)
    raise NotExpressible("a scatter that reduces truth values is not translated to ONNX")


def _window_sizes(a: Value, updates: Value, d: Any, inserted: Any) -> list[int]:
    own = iter(updates.shape[k] for k in d.update_window_dims)
    return [1 if k in inserted else next(own) for k in range(len(a.shape))]


def _outside_in_rows(
    g: Graph, columns: list[Value], rows: Value, most: list[int], row: int, window: int
) -> tuple[list[Value], Value]:
    """More rows at the end of the first axis, as many as a window has, to which all goes that is outside."""
    bounded = [_bounded(g, c, m) for c, m in zip(columns, most, strict=True)]
    all_in = bounded[0][1]
    for _, one in bounded[1:]:
        all_in = g.each("And", all_in, one)
    aim = [row, *[0] * (len(columns) - 1)]
    out = [either(g, all_in, c, g.constant(k, c.dtype)) for (c, _), k in zip(bounded, aim, strict=True)]
    extra = g.constant(np.zeros((), rows.dtype), shape=(window, *rows.shape[1:]))
    return out, joined(g, [rows, extra], {"dimension": 0})


def _order_of_scatter(rank: int, d: Any, inserted: Any, windows: list[int], others: list[int], a: Value) -> list[int]:
    """Updates as [batch, windows, others]."""
    batch = [k for k in range(rank) if k not in d.update_window_dims]
    kept = [k for k in range(len(a.shape)) if k not in inserted]
    at = dict(zip(kept, d.update_window_dims, strict=True))
    return [*batch, *(at[k] for k in windows), *(at[k] for k in others)]


def sliced_at(g: Graph, values: list[Value], parameters: Any) -> Value:
    """`dynamic_slice`: the place is clipped so that the slice is inside."""
    a, *starts = values
    sizes, out = parameters["slice_sizes"], a
    for axis, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        n = a.shape[axis]
        if size == n:
            continue
        first = g.cast(_bounded(g, start, n - size)[0], np.int64)
        shape = (*out.shape[:axis], size, *out.shape[axis + 1 :])
        begin = g.whole(spread(g, [first], {"shape": (1,), "broadcast_dimensions": ()}))
        if size == 1:
            out = g.op("Gather", [g.whole(out), begin], shape, a.dtype, axis=axis)
            continue
        end = g.whole(
            spread(g, [g.each("Add", first, g.constant(size, np.int64))], {"shape": (1,), "broadcast_dimensions": ()})
        )
        out = g.op("Slice", [g.whole(out), begin, end, ints(g, [axis])], shape, a.dtype)
    return out


def put_at(g: Graph, values: list[Value], _: Any) -> Value:
    """`dynamic_update_slice`, along one axis."""
    a, update, *starts = values
    axes = [k for k in range(len(a.shape)) if a.shape[k] != update.shape[k]]
    if not axes:
        return update
    if len(axes) > 1:
        raise NotExpressible("putting a block into an array along several axes is not translated to ONNX")
    (axis,) = axes
    first = _bounded(g, starts[axis], a.shape[axis] - update.shape[axis])[0]
    line = g.constant(np.arange(update.shape[axis]), first.dtype, (update.shape[axis],))
    places = _together(g, [g.each("Add", first, line)], (update.shape[axis],))
    order = [axis, *(k for k in range(len(a.shape)) if k != axis)]
    rows, new = turned(g, a, order), turned(g, update, order)
    out = g.op("ScatterND", [g.whole(rows), places, g.whole(new)], rows.shape, a.dtype)
    return turned(g, out, np.argsort(order).tolist())


TABLE: dict[str, Callable[..., Any]] = {
    "gather": gathered,
    "scatter": scattered("none"),
    "scatter-add": scattered("add"),
    "scatter_add": scattered("add"),
    "scatter-mul": scattered("mul"),
    "scatter_mul": scattered("mul"),
    "scatter-min": scattered("min"),
    "scatter_min": scattered("min"),
    "scatter-max": scattered("max"),
    "scatter_max": scattered("max"),
    "dynamic_slice": sliced_at,
    "dynamic_update_slice": put_at,
}
