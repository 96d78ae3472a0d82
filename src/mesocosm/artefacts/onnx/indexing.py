"""Gather, scatter and slices whose place is computed.

Indices [..., k] point into k axes of an array. What lies outside is handled as jax says: clipped, or read as a filling
number and not written. A window larger than one becomes indices of all its places.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mesocosm.artefacts.onnx.bits import bitwise
from mesocosm.artefacts.onnx.choice import either
from mesocosm.artefacts.onnx.elementwise import clamped, compared, plain
from mesocosm.artefacts.onnx.ended import without_end
from mesocosm.artefacts.onnx.graph import Graph, NotExpressible
from mesocosm.artefacts.onnx.shapes import ints, joined, reshaped, spread, squeezed, turned
from mesocosm.artefacts.onnx.values import Value, like, stripped, within

both = bitwise("and")


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
    made = g.how(indices)
    if made.op == "Concat" and made.axes == (axis,) and len(made.inputs) == k:  # they were put together before
        return [squeezed(g, [v], {"dimensions": (axis,)}) for v in made.inputs]
    return [
        like(
            g.op("Gather", [name, g.stored(np.array(j, np.int64))], indices.shape[:-1], indices.dtype, axis=axis),
            indices,
        )
        for j in range(k)
    ]


def _bounded(g: Graph, index: Value, most: int) -> tuple[Value, Value]:
    """Indices within 0 ... most, and which of them were so before."""
    index = g.cast(index, _index_type(index))
    first, last = g.constant(0, index.dtype), g.constant(most, index.dtype)
    inside = both(g, [compared("le")(g, [index, last], {}), compared("ge")(g, [index, first], {})], {})
    return clamped(g, [first, index, last], {}), inside


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
    out, layout = _taken(g, a, columns, axes, shape_at)
    order = _order_of_gather(len(batch), windows, others, d.offset_dims, a, collapsed)
    out = like(turned(g, out, [layout[k] for k in order]), a)
    return _filled(g, out, inside, batch, d.offset_dims, parameters) if inside else out


def _of_the_batch(g: Graph, batch: Any, where: Sequence[int], dtype: Any) -> list[Value]:
    """Of arrays in a batch: each index points into its own."""
    return [
        replace(line, shape=tuple(batch))
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
            low, high = wide.bounds
            wide = within(
                g.each("Add", wide, g.constant(line, wide.dtype, shape if line.size == 1 else None)),
                low,
                high + sizes[axis] - 1,
            )
        out.append(replace(wide, shape=shape))
    return out


def _cut_to(g: Graph, a: Value, sizes: Sequence[int]) -> Value:
    axes = [k for k, (n, size) in enumerate(zip(a.shape, sizes, strict=True)) if n != size]
    if not axes:
        return a
    starts, ends = ints(g, [0] * len(axes)), ints(g, [sizes[k] for k in axes])
    return like(g.op("Slice", [g.whole(a), starts, ends, ints(g, axes)], tuple(sizes), a.dtype), a)


def _taken(g: Graph, a: Value, columns: list[Value], axes: Sequence[int], shape_at: Any) -> tuple[Value, list[int]]:
    """Numbers at places; and where in it the axes [places..., other axes...] are."""
    pairs = sorted(zip(columns, axes, strict=True), key=lambda pair: pair[1])  # in their order nothing is transposed
    columns, axes = [c for c, _ in pairs], [int(k) for _, k in pairs]
    others = [k for k in range(len(a.shape)) if k not in axes]
    index, n = _flat(g, a, columns, axes, shape_at), int(np.prod(shape_at, dtype=int))
    if not others and n > 1:  # ONNX Runtime takes single numbers five times faster than rows of one number
        line = reshaped(g, [a], {"new_sizes": (int(np.prod(a.shape, dtype=int)),)})
        at = g.whole(reshaped(g, [index], {"new_sizes": (n,)}))
        out = g.op("GatherElements", [g.whole(line), at], (n,), a.dtype, axis=0)
        return g.as_held(out, stripped(shape_at), tuple(shape_at)), list(range(len(shape_at)))
    if len(axes) > 1:
        a = _as_rows(g, a, axes)
    axis = axes[0] if len(axes) == 1 else 0
    shape = (*a.shape[:axis], *shape_at, *a.shape[axis + 1 :])
    out = g.op("Gather", [g.whole(a), g.whole(index)], shape, a.dtype, axis=axis)
    places = [axis + k for k in range(len(shape_at))]
    return out, [*places, *(k for k in range(len(shape)) if k not in places)]


def _flat(g: Graph, a: Value, columns: list[Value], axes: Sequence[int], shape_at: Any) -> Value:
    """Places [places...] in the axes of an array as if they were one."""
    if len(columns) == 1:
        column = columns[0]
        index = g.cast(column, _index_type(column))
        return replace(index, shape=tuple(shape_at))
    at, out = 1, g.constant(0, np.int32, tuple(shape_at))
    for column, axis in reversed(list(zip(columns, axes, strict=True))):
        scaled = plain("mul")(g, [g.cast(column, np.int32), g.constant(at, np.int32)], {})
        out = replace(plain("add")(g, [scaled, out], {}), shape=tuple(shape_at))
        at *= a.shape[axis]
    return out


def _index_type(index: Value) -> type:
    return np.int32 if index.bounds[1] < 2**31 and index.dtype != np.int64 else np.int64


def _as_rows(g: Graph, a: Value, axes: Sequence[int]) -> Value:
    """These axes as one, which is the first."""
    others = [k for k in range(len(a.shape)) if k not in axes]
    size = int(np.prod([a.shape[k] for k in axes], dtype=int))
    first = turned(g, a, [*axes, *others])
    return reshaped(g, [first], {"new_sizes": (size, *(a.shape[k] for k in others))})


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
    all_in = _all(g, inside, batch)
    mask = spread(g, [all_in], {"shape": out.shape, "broadcast_dimensions": where})
    return either(g, mask, out, g.constant(filling, out.dtype))


def _all(g: Graph, truths: list[Value], shape: Any) -> Value:
    out = truths[0]
    for one in truths[1:]:
        out = both(g, [out, one], {})
    return replace(out, shape=tuple(shape))


def _extreme(dtype: Any) -> int:
    info = np.iinfo(dtype)
    return info.min if dtype.kind == "i" else info.max


def scattered(reduction: str) -> Callable[..., Value]:
    """`scatter` and its kin. What is outside changes nothing, or lands in a row that is cut off again."""

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
        if reduction != "none" and a.dtype == bool:
            raise NotExpressible("a scatter that reduces truth values is not translated to ONNX")
        windows, batch = [axis for axis in axes if axis not in inserted], indices.shape[:-1]
        columns, inside = _columns(g, indices), []
        if mode in ("CLIP", "FILL_OR_DROP"):
            most = [a.shape[axis] - sizes[axis] for axis in d.scatter_dims_to_operand_dims]
            bounded = [_bounded(g, c, m) for c, m in zip(columns, most, strict=True)]
            columns = [c for c, _ in bounded]
            inside = [i for _, i in bounded if i.one is not True] if mode == "FILL_OR_DROP" else []
        columns += _of_the_batch(g, batch, d.scatter_indices_batching_dims, indices.dtype)
        columns = _with_windows(g, columns, axes, windows, sizes, batch)
        shape_at = tuple(batch) + tuple(sizes[axis] for axis in windows)
        pairs = sorted(zip(columns, axes, strict=True), key=lambda pair: pair[1])
        at = _flat(g, a, [c for c, _ in pairs], axes := [int(k) for _, k in pairs], shape_at)
        given = turned(g, updates, _order_of_scatter(len(updates.shape), d, inserted, windows, others, a))
        all_in = _all(g, inside, batch) if inside else None
        return _put(g, a, axes, at, given, all_in, reduction)

    return lower


def _put(
    g: Graph, a: Value, axes: Sequence[int], at: Value, given: Value, inside: Value | None, reduction: str
) -> Value:
    """`given` [places..., other axes...] into the array, where it is inside."""
    others = [k for k in range(len(a.shape)) if k not in axes]
    n, shape = int(np.prod(at.shape, dtype=int)), tuple(a.shape[k] for k in others)
    if inside is not None:
        inside = spread(g, [inside], {"shape": at.shape, "broadcast_dimensions": range(len(inside.shape))})
        inside = reshaped(g, [inside], {"new_sizes": (n,)})
    at, given = reshaped(g, [at], {"new_sizes": (n,)}), reshaped(g, [given], {"new_sizes": (n, *shape)})
    rows = a if len(axes) == 1 else _as_rows(g, a, axes)
    axis = axes[0] if len(axes) == 1 else 0
    size = rows.shape[axis]
    neutral = _neutral(reduction, a.dtype)
    if inside is not None and neutral is not None and given.dtype.kind in "iu":
        mask = spread(g, [inside], {"shape": given.shape, "broadcast_dimensions": (0,)})
        given, inside = either(g, mask, given, g.constant(neutral, given.dtype)), None
    if inside is not None:
        at = either(g, inside, at, g.constant(size, at.dtype))
        extra = g.constant(np.zeros((), a.dtype), shape=(*rows.shape[:axis], 1, *rows.shape[axis + 1 :]))
        rows = joined(g, [rows, extra], {"dimension": axis})
    if not shape and reduction != "none":
        at, given = without_end(g, a, at, given, reduction)
    places = spread(g, [at], {"shape": (*at.shape, *shape), "broadcast_dimensions": (0,)})
    order = [*range(1, axis + 1), 0, *range(axis + 1, len(rows.shape))]
    inputs = [g.whole(v) for v in (rows, turned(g, places, order), turned(g, given, order))]
    out = g.op("ScatterElements", inputs, rows.shape, a.dtype, axis=axis, reduction=reduction)
    out = like(out, rows, given) if reduction in ("none", "min", "max") else out
    out = _cut_to(g, out, [*rows.shape[:axis], size, *rows.shape[axis + 1 :]])
    if len(axes) == 1:
        return out
    turned_shape = tuple(a.shape[k] for k in (*axes, *others))
    return turned(g, reshaped(g, [out], {"new_sizes": turned_shape}), np.argsort([*axes, *others]).tolist())


def _neutral(reduction: str, dtype: np.dtype) -> int | None:
    """What a reduction does nothing with."""
    if dtype.kind not in "iu":
        return None
    info = np.iinfo(dtype)
    return {"add": 0, "mul": 1, "min": int(info.max), "max": int(info.min)}.get(reduction)


def _window_sizes(a: Value, updates: Value, d: Any, inserted: Any) -> list[int]:
    own = iter(updates.shape[k] for k in d.update_window_dims)
    return [1 if k in inserted else next(own) for k in range(len(a.shape))]


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
    at = g.cast(plain("add")(g, [first, line], {}), _index_type(first))
    order = [axis, *(k for k in range(len(a.shape)) if k != axis)]
    return like(_put(g, a, [axis], replace(at, shape=line.shape), turned(g, update, order), None, "none"), a, update)


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
