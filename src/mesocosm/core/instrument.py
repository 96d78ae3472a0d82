"""What watches a run: folds give a row a window, logs a row for each event, cameras frames. None changes anything."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int32

from mesocosm.core.experiment import Events, Experiment, Scene, Tick
from mesocosm.core.random import Bits


class Fold(eqx.Module):
    """A measure over a window of ticks. Subclasses are final.

    `init` begins a window from the scene at its start; `update` sees every tick; `read` gives the row's columns, from
    what was folded and the scene at the window's end. Integers stay integers in the record.
    """

    def init(self, scene: Scene) -> Any:
        return ()

    def update(self, folded: Any, tick: Tick) -> Any:
        return folded

    def read(self, folded: Any, scene: Scene) -> dict[str, Array]:
        raise NotImplementedError


class Log(eqx.Module):
    """A record of every event of one type, with the columns asked for.

    Args:
      name: of the log; a file name.
      event: which events of a tick.
      columns: which of their columns, by the name in the log -> name in the event. The first orders rows within a tick.
    """

    is_view: ClassVar[bool] = False

    name: str = eqx.field(static=True)
    event: str = eqx.field(static=True)
    columns: tuple[tuple[str, str], ...] = eqx.field(static=True)

    def emit(self, tick: Tick, scene: Scene, clock: Array, replicate: Array) -> Events:
        events = tick.events[self.event]
        return Events(events.happened, {name: events.columns[source] for name, source in self.columns})


class Shutter(eqx.Module):
    """When and whom a camera takes: parameters, so that opening it compiles nothing.

    Args:
      start, every: takes the ticks start, start + every, ...; 0 is never.
      replicate: whom; -1 is everybody.
    """

    every: Int32[Array, ""]
    start: Int32[Array, ""]
    replicate: Int32[Array, ""]

    def __init__(self, every: int = 0, start: int = 0, replicate: int = -1):
        self.every, self.start, self.replicate = jnp.int32(every), jnp.int32(start), jnp.int32(replicate)

    def is_open(self, clock: Array, replicate: Array) -> Array:
        due = (clock >= self.start) & ((clock - self.start) % jnp.maximum(self.every, 1) == 0)
        mine = (self.replicate < 0) | (replicate.astype(jnp.int32) == self.replicate)
        return (self.every > 0) & due & mine


class Camera(eqx.Module):
    """Frames for the replay, where its shutter is open: points of the scene (a row each), a field or a curve (a row a
    frame).

    Frames are a view, no part of what the record says: they lie in a folder of their own and enter no digest.

    Args:
      name: of the frames; a file name.
      source: a population of points, a field, or a curve, of the scene.
      columns: of the points; the first orders rows. For a field or a curve, one name.
      most: longest side of a field that is taken; a larger one is summed over blocks of cells, where they divide it.
    """

    is_view: ClassVar[bool] = True

    name: str = eqx.field(static=True)
    source: str = eqx.field(static=True)
    columns: tuple[tuple[str, str], ...] = eqx.field(static=True)
    shutter: Shutter
    most: int = eqx.field(static=True, default=32)

    def emit(self, tick: Tick, scene: Scene, clock: Array, replicate: Array) -> Events:
        is_open = self.shutter.is_open(clock, replicate)
        if self.source in scene.fields:
            values = scene.fields[self.source].values
            height, width = (block_of(side, self.most) for side in values.shape)
            blocks = values.reshape(values.shape[0] // height, height, values.shape[1] // width, width)
            whole = jnp.issubdtype(values.dtype, jnp.integer)
            summed = jnp.sum(blocks, axis=(1, 3), dtype=jnp.int32 if whole else values.dtype)
            return Events(is_open[None], {self.columns[0][0]: summed[..., None]})
        if self.source in scene.curves:
            return Events(is_open[None], {self.columns[0][0]: scene.curves[self.source][..., None]})
        points = scene.points[self.source]
        return Events(points.alive & is_open, {name: points.columns[column] for name, column in self.columns})


def block_of(side: int, most: int) -> int:
    """Cells along a block, so that a side of a field has `most` blocks at most; 1 where no size divides it into half as
    many at least."""
    smallest = next(size for size in range(-(-side // most), side + 1) if side % size == 0)
    return smallest if 2 * (side // smallest) >= min(side, most) else 1


def cameras_of(scene: Scene, every: int, replicate: int) -> tuple[Camera, ...]:
    """A camera for each thing that a scene names, as `points`, `field_field` and `curve_curve`.

    Args:
      scene: or its shapes.
      every, replicate: when and whom; see `Shutter`.
    """
    shutter = Shutter(every, replicate=replicate)
    points = [
        Camera(name, name, tuple((column, column) for column in sorted(seen.columns, key=lambda c: c != "id")), shutter)
        for name, seen in scene.points.items()
    ]
    fields = [
        Camera(f"{name}_field", name, ((name, name),), shutter, most=max(field.values.shape))
        for name, field in scene.fields.items()
    ]
    curves = [Camera(f"{name}_curve", name, ((name, name),), shutter) for name in scene.curves]
    return (*points, *fields, *curves)


def shapes(experiment: Experiment) -> tuple[Any, Tick, Scene]:
    """The state, tick and scene of an experiment as shapes and dtypes; computes nothing.

    Traces the law once for all experiments of a form: many short runs of one, as in a tournament, would spend most of
    their time on it.
    """
    leaves, form = jax.tree.flatten(experiment)
    return _shapes(form, tuple((jnp.shape(x), jnp.result_type(x)) for x in leaves))


@lru_cache(maxsize=32)
def _shapes(form: Any, parameters: tuple[tuple[tuple[int, ...], Any], ...]) -> tuple[Any, Tick, Scene]:
    def one_step(experiment, bits):
        state, tick = experiment.tick(bits, experiment.init(bits))
        return state, tick, experiment.scene(state)

    experiment = jax.tree.unflatten(form, [jax.ShapeDtypeStruct(*p) for p in parameters])
    return jax.eval_shape(one_step, experiment, Bits.shapes())


def emitted(log: Log | Camera, tick: Tick, scene: Scene) -> Events:
    """What a log emits, as shapes."""
    clock, replicate = jax.ShapeDtypeStruct((), jnp.int32), jax.ShapeDtypeStruct((), jnp.uint32)
    return jax.eval_shape(log.emit, tick, scene, clock, replicate)


def check_instruments(
    shown: tuple[Any, Tick, Scene], folds: dict[str, Fold], logs: tuple[Log | Camera, ...]
) -> dict[str, Any]:
    """Refuse an instrument that needs what the experiment does not show. Returns the columns of a row, as shapes.

    Args:
      shown: the experiment's `shapes`.

    Raises:
      ValueError: naming the instrument and what is missing.
    """
    _, tick, scene = shown
    columns: dict[str, Any] = {}

    def needs(name: str, call: Callable[..., Any], *args: Any) -> Any:
        try:
            return call(*args)
        except KeyError as missing:
            offered = [*tick.flows, *tick.events, *scene.points, *scene.fields, *scene.curves]
            raise ValueError(
                f"instrument {name}: needs {missing}, which is not shown here; shown are {', '.join(offered)}"
            ) from None

    for name, fold in folds.items():
        folded = needs(name, partial(jax.eval_shape, fold.init), scene)
        folded = needs(name, partial(jax.eval_shape, fold.update), folded, tick)
        row = needs(name, partial(jax.eval_shape, fold.read), folded, scene)
        if twice := set(row) & set(columns):
            raise ValueError(f"instrument {name}: the measure {min(twice)} is given by another instrument too")
        columns.update(row)
    for log in logs:
        needs(log.name, emitted, log, tick, scene)
    return columns
