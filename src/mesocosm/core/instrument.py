"""What watches a run: folds give a row a window, logs a row for each event, cameras frames. None changes anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int32

from mesocosm.core.arrays import shaped
from mesocosm.core.experiment import Events, Experiment, Points, Scene, Tick
from mesocosm.core.random import Bits
from mesocosm.record.about import LOOKS, PLANE, About, FieldAbout, GraphAbout, PopulationAbout, SceneAbout, in_order
from mesocosm.record.configuration import ConfigurationError


class Fold(eqx.Module):
    """A measure over a window of ticks. Subclasses are final.

    `init` begins a window from the scene at its start; `update` sees every tick; `read` gives the row's columns, from
    what was folded and the scene at the window's end. Integers stay integers in the record.
    """

    def init(self, scene: Scene) -> Any:
        """What a window begins with."""
        return ()

    def update(self, folded: Any, tick: Tick) -> Any:
        """What is folded, with one more tick."""
        return folded

    def read(self, folded: Any, scene: Scene) -> dict[str, Array]:
        """The columns of a row, scalars by name, at the end of a window."""
        raise NotImplementedError


class Numbers(Fold):
    """What is recorded where an experiment names no folds: every flow, summed over the window, and every number of the
    scene's curves at its end (a vector of at most 16 as `name_0`, `name_1`...).

    Args:
      flows: names and types, as the experiment's `shapes` tell.
    """

    flows: tuple[tuple[str, str], ...] = eqx.field(static=True)

    def init(self, scene: Scene) -> dict[str, Array]:
        return {name: jnp.zeros((), dtype) for name, dtype in self.flows}

    def update(self, folded: dict[str, Array], tick: Tick) -> dict[str, Array]:
        return {name: total + tick.flows[name].astype(total.dtype) for name, total in folded.items()}

    def read(self, folded: dict[str, Array], scene: Scene) -> dict[str, Array]:
        out = dict(folded)
        if twice := set(folded) & set(scene.curves):
            raise ConfigurationError(f"{min(twice)} is the name of a flow and of a curve; each needs a name of its own")
        for name, values in scene.curves.items():
            values = jnp.asarray(values)
            if values.ndim == 0:
                out[name] = values
            elif values.ndim == 1 and values.shape[0] <= 16:
                out |= {f"{name}_{k}": values[k] for k in range(values.shape[0])}
        return out


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
        """The rows of a tick, as events: which happened, and their columns."""
        events = tick.events[self.event]
        return Events(events.happened, {name: events.columns[source] for name, source in self.columns})


class Shutter(eqx.Module):
    """When and whom a camera takes: parameters, so that opening it compiles nothing.

    Args:
      start, every: takes the ticks start, start + every, ...; 0 is never.
      replicate: whom; -1 is everybody.
      is_of_one: whether it is one replicate, whichever: then nothing is computed or kept of any other.
    """

    every: Int32[Array, ""]
    start: Int32[Array, ""]
    replicate: Int32[Array, ""]
    is_of_one: bool = eqx.field(static=True)

    def __init__(self, every: int = 0, start: int = 0, replicate: int = -1):
        self.is_of_one = replicate >= 0
        self.every, self.start, self.replicate = jnp.int32(every), jnp.int32(start), jnp.int32(replicate)

    def is_open(self, clock: Array, replicate: Array) -> Array:
        """Whether a frame is taken at this tick of this replicate."""
        due = (clock >= self.start) & ((clock - self.start) % jnp.maximum(self.every, 1) == 0)
        mine = (self.replicate < 0) | (replicate.astype(jnp.int32) == self.replicate)
        return (self.every > 0) & due & mine


class Camera(eqx.Module):
    """Frames for the replay, where its shutter is open: points or bonds of the scene (a row each), a field, a curve
    or a picture (a row a frame).

    Frames are a view, no part of what the record says: they lie in a folder of their own and enter no digest.

    Args:
      name: of the frames; a file name.
      source: a population of points, a field, a curve, a picture or a graph of the scene.
      columns: of the points; the first orders rows. For a field, a curve or a picture, one name.
      most: longest side of a field that is taken; a larger one is summed over blocks of cells, where they divide it.
    """

    is_view: ClassVar[bool] = True

    name: str = eqx.field(static=True)
    source: str = eqx.field(static=True)
    columns: tuple[tuple[str, str], ...] = eqx.field(static=True)
    shutter: Shutter
    most: int = eqx.field(static=True, default=32)

    def emit(self, tick: Tick | None, scene: Scene, clock: Array, replicate: Array) -> Events:
        """What is seen in a tick, as rows; none where the shutter is closed."""
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
        if self.source in scene.images:
            return Events(is_open[None], {self.columns[0][0]: scene.images[self.source].values[..., None]})
        if self.source in scene.graphs:
            graph = scene.graphs[self.source]
            number = jnp.arange(graph.alive.size, dtype=jnp.int32)
            return Events(graph.alive & is_open, {"bond": number, "source": graph.ends[0], "target": graph.ends[1]})
        points = scene.points[self.source]
        number = jnp.arange(1, points.alive.size + 1, dtype=jnp.int32)
        columns = {name: number if column == PLACE else points.columns[column] for name, column in self.columns}
        return Events(points.alive & is_open, columns)


PLACE = "(place)"
"""Stands for the place of a point, counted from 1, where a population has no ids."""


def block_of(side: int, most: int) -> int:
    """Cells along a block, so that a side of a field has `most` blocks at most; 1 where no size divides it into half as
    many at least."""
    smallest = next(size for size in range(-(-side // most), side + 1) if side % size == 0)
    return smallest if 2 * (side // smallest) >= min(side, most) else 1


def cameras_of(scene: Scene, every: int, replicate: int) -> tuple[Camera, ...]:
    """A camera for each thing that a scene names, as `points`, `field_field`, `curve_curve`, `graph_graph` ...

    Args:
      scene: or its shapes.
      every, replicate: when and whom; see `Shutter`.
    """
    shutter = Shutter(every, replicate=replicate)

    def columns(seen: Points) -> tuple[tuple[str, str], ...]:
        own = ((name, name) for name in seen.columns if name != "id")
        return ("id", "id" if "id" in seen.columns else PLACE), *own  # the first orders rows

    points = [Camera(name, name, columns(seen), shutter) for name, seen in scene.points.items()]
    fields = [
        Camera(f"{name}_field", name, ((name, name),), shutter, most=max(field.values.shape))
        for name, field in scene.fields.items()
    ]
    ends = (("bond", "bond"), ("source", "source"), ("target", "target"))
    whole = {"curve": scene.curves, "image": scene.images}
    others = [Camera(f"{n}_{kind}", n, ((n, n),), shutter) for kind, named in whole.items() for n in named]
    graphs = [Camera(f"{name}_graph", name, ends, shutter) for name in scene.graphs]
    return (*points, *fields, *others, *graphs)


def about_scene(experiment: Experiment) -> SceneAbout:
    """What the scene of an experiment shows, apart from its numbers. Computes nothing.

    Raises:
      ValueError: naming what a scene must not have.
    """
    scene = shapes(experiment)[2]
    _refuse_names_that_stand_twice(scene)
    populations = tuple(
        PopulationAbout(n, p.about, p.look, p.motion, "id" in p.columns) for n, p in scene.points.items()
    )
    graphs = tuple(GraphAbout(n, g.source, g.target or g.source, g.unit, g.called) for n, g in scene.graphs.items())
    for population in populations:
        if population.look not in LOOKS:
            raise ValueError(f"points {population.name}: look = {population.look!r} must be one of {', '.join(LOOKS)}")
        if len(population.motion) not in (0, 2):
            raise ValueError(f"points {population.name}: motion has two words, one for who moves, one for who stays")
    for graph in graphs:
        for end in (graph.source, graph.target):
            if end not in scene.points:
                raise ValueError(
                    f"graph {graph.name}: there are no points {end!r}; there are {', '.join(scene.points)}"
                )
    fields = []
    for name, field in scene.fields.items():
        if field.values.ndim != 2:
            raise ValueError(
                f"field {name}: has {field.values.ndim} dimensions; a field has two (curves may have others)"
            )
        about = replace(field.about, unit=field.unit or field.about.unit)
        fields.append(FieldAbout(name, about, *field.values.shape))
    said = dict(scene.about)  # in its order: that of `scene.curves` is alphabetical once it was traced
    curves = tuple((name, said.get(name, About())) for name in in_order(scene.curves, scene.about))
    for name, image in scene.images.items():
        if image.values.ndim != 2 and (image.values.ndim != 3 or image.values.shape[2] != 3):
            raise ValueError(f"image {name}: must be [height, width] or [height, width, 3], not {image.values.shape}")
    images = tuple((name, image.about) for name, image in scene.images.items())
    space = scene.space or PLANE
    return SceneAbout(space, populations, tuple(fields), curves, images, graphs, experiment.genomes())


def _refuse_names_that_stand_twice(scene: Scene) -> None:
    for one, other in combinations(("points", "fields", "curves", "images", "graphs"), 2):
        if twice := sorted(getattr(scene, one).keys() & getattr(scene, other).keys()):
            raise ValueError(f"{twice[0]!r} names both {one} and {other}: what is shown under one name is one thing")


def shapes(experiment: Experiment) -> tuple[Any, Tick, Scene]:
    """The state, tick and scene of an experiment as shapes and dtypes; computes nothing. Errors as of `check_law`."""
    return shaped(_one_step, experiment, Bits.shapes())


def check_law(experiment: Experiment) -> None:
    """Refuse a law whose tick gives a state of another form than it was given: no loop could go on with it.

    Raises:
      ConfigurationError: naming the array, its shape and type before and after.
    """
    shapes(experiment)


def _same_form(before: Any, after: Any) -> None:
    (old, old_form), (new, new_form) = (jax.tree_util.tree_flatten_with_path(s) for s in (before, after))
    if old_form != new_form:
        raise ConfigurationError(f"its tick gives a state of another structure: {new_form} after {old_form}")
    for (path, a), (_, b) in zip(old, new, strict=True):
        if (jnp.shape(a), jnp.result_type(a)) != (jnp.shape(b), jnp.result_type(b)):
            name = jax.tree_util.keystr(path) or "the state"
            was, is_now = (f"{jnp.result_type(x)}{list(jnp.shape(x))}" for x in (a, b))
            raise ConfigurationError(
                f"its tick changes {name}: {was} before, {is_now} after; return the shape and type that init gives "
                "(`.astype`, `jnp.int32(...)`)"
            )


def _one_step(experiment: Experiment, bits: Bits) -> tuple[Any, Tick, Scene]:
    founded = experiment.init(bits)
    state, tick = experiment.tick(bits, founded)
    _same_form(founded, state)
    return state, tick, experiment.scene(state)


def shown_after(experiment: Experiment, state: Any) -> tuple[Tick, Scene]:
    """The tick and scene of an experiment from a state of these shapes, as shapes."""
    return shaped(_another_step, experiment, Bits.shapes(), state)


def _another_step(experiment: Experiment, bits: Bits, state: Any) -> tuple[Tick, Scene]:
    state, tick = experiment.tick(bits, state)
    return tick, experiment.scene(state)


def emitted(log: Log | Camera, tick: Tick, scene: Scene) -> Events:
    """What a log emits, as shapes."""
    clock, replicate = jax.ShapeDtypeStruct((), jnp.int32), jax.ShapeDtypeStruct((), jnp.uint32)
    return shaped(_emitted, log, tick, scene, clock, replicate)


def _emitted(log: Log | Camera, *seen: Any) -> Events:
    return log.emit(*seen)


def _row(fold: Fold, tick: Tick, scene: Scene) -> dict[str, Array]:
    """The columns of a window of one tick."""
    return fold.read(fold.update(fold.init(scene), tick), scene)


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
            shown = (tick.flows, tick.events, scene.points, scene.fields, scene.curves, scene.graphs, scene.images)
            offered = [name for named in shown for name in named]
            raise ValueError(
                f"instrument {name}: needs {missing}, which is not shown here; shown are {', '.join(offered)}"
            ) from None

    for name, fold in folds.items():
        row = needs(name, shaped, _row, fold, tick, scene)
        if twice := set(row) & set(columns):
            raise ValueError(f"instrument {name}: the measure {min(twice)} is given by another instrument too")
        columns.update(row)
    for log in logs:
        needs(log.name, emitted, log, tick, scene)
    return columns
