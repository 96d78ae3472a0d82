"""A run from its beginning, or gone on with: what is checked before, and what is written of it first."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from mesocosm.core import chunk
from mesocosm.core.chunk import DEVICES, Watch
from mesocosm.core.flags import as_it_comes
from mesocosm.core.instrument import Camera, Log, about_scene, check_instruments, emitted, shapes
from mesocosm.core.loop import Loop
from mesocosm.core.memory import check_memory
from mesocosm.core.plan import Plan, Progress, Setup
from mesocosm.core.programs import devices as all_devices
from mesocosm.core.programs import make_room
from mesocosm.core.random import seed_words
from mesocosm.core.steering import Steering
from mesocosm.record.configuration import ConfigurationError
from mesocosm.record.errors import FolderError
from mesocosm.record.reader import Record, load
from mesocosm.record.writer import Writer


@as_it_comes
def run(
    setup: Setup,
    plan: Plan,
    folder: Path,
    *,
    devices: Sequence[Any] | None = None,
    progress: Callable[[Progress], None] | None = None,
    checkpoint_seconds: float = 10.0,
    steering: Steering | None = None,
    ready: Callable[[], None] | None = None,
) -> Record:
    """Run from the beginning into a new folder.

    Args:
      devices: where to run; replicates are shared out over them (default: all there are).
      progress: called between chunks.
      checkpoint_seconds: time between checkpoints; changes no bit of the record.
      steering: says how far each chunk goes (default: to the end as fast as it computes).
      ready: called when nothing is refused any more, before anything is compiled.

    Raises:
      ConfigurationError: for more replicates than the machine can hold.
      ValueError: for an instrument that needs what the experiment does not show.
      FolderError: if the folder exists or cannot be made.
      StorageError: if the record can no longer be written; `resume` goes on from what is there.
      Interrupted: after Ctrl-C, or where the steering stops, with a checkpoint written.
    """
    make_room()
    shown = shapes(setup.experiment)
    check_memory(plan.replicates, shown[0])
    columns = check_instruments(shown, setup.folds, setup.logs)
    check_interventions(setup, plan)
    measures = {name: "INTEGER" if c.dtype.kind in "iub" else "REAL" for name, c in columns.items()}
    with Writer.create(folder, _header(setup, plan, shown, devices), measures, plan.config) as writer:
        if ready is not None:
            ready()
        loop = Loop(setup, plan, writer, devices, progress, checkpoint_seconds, steering, shown, columns)
        loop.found()
        loop.to_the_end()
    return load(folder)


@as_it_comes
def resume(
    setup: Setup,
    plan: Plan,
    folder: Path,
    *,
    devices: Sequence[Any] | None = None,
    progress: Callable[[Progress], None] | None = None,
    checkpoint_seconds: float = 10.0,
    steering: Steering | None = None,
    ready: Callable[[], None] | None = None,
) -> Record:
    """Go on with a run that was interrupted or killed, or make a finished one longer (a plan with more ticks).

    Arguments and errors as of `run`; besides, `FolderError` if the folder holds a run of another identity.
    """
    make_room()
    check_interventions(setup, plan)
    with Writer.reopen(folder) as writer:
        there, asked = dict(writer.header), plan.identity()
        for key, value in asked.items():
            if key != "ticks" and there.get(key) != value:
                raise FolderError(f"{folder}: holds another run: {key} is {there.get(key)} there, {value} was asked")
        loop = Loop(setup, plan, writer, devices, progress, checkpoint_seconds, steering)
        if not setup.experiment.exact:
            _warn_of_devices(folder, there.get("devices"), loop.mesh.size)
        if has_begun := writer.has_begun():
            loop.restore()
        if plan.ticks < loop.tick:
            raise FolderError(f"{folder}: has {loop.tick} ticks already, more than the {plan.ticks} asked for")
        if ready is not None:
            ready()
        if not has_begun:
            loop.found()
        writer.go_on(loop.tick, plan.ticks, plan.config)
        loop.to_the_end()
    return load(folder)


def _header(setup: Setup, plan: Plan, shown: Any, devices: Sequence[Any] | None) -> dict[str, Any]:
    """What a new record says of itself: the identity of the run, and how what is in it is to be read."""
    return {
        **plan.identity(),
        "exact": setup.experiment.exact,
        "logs": [log.name for log in setup.logs if not log.is_view],
        "frames": [log.name for log in setup.logs if log.is_view],
        "scene": replace(about_scene(setup.experiment), says=plan.says).plain(),
        **({"code": plan.code} if plan.code else {}),
        "columns": {log.name: _columns(log, shown) for log in setup.logs},
        "devices": len(devices if devices is not None else jax.devices()),
    }


def _columns(log: Log | Camera, shown: Any) -> dict[str, list[Any]]:
    """Type and shape of each column of a log: what it has if nothing ever happens."""
    events = emitted(log, shown[1], shown[2])
    own = {name: [column.dtype.name, *column.shape[:-1]] for name, column in events.columns.items()}
    return {"replicate": ["int32"], "tick": ["int32"], **own}


def _warn_of_devices(folder: Path, before: Any, now: int) -> None:
    """One device and several are compiled otherwise: the same sum may be rounded otherwise."""
    if isinstance(before, int) and (before == 1) != (now == 1):
        warnings.warn(
            f"{folder}: began on {before} devices and goes on on {now}; in floating point the last digits of what "
            "follows may differ from those of an unbroken run",
            stacklevel=3,
        )


@as_it_comes
def founders(setup: Setup, seed: int, replicates: int, every: int) -> Any:
    """The founding states of a run, batched by replicate. Compiles nothing where such a run was just founded."""
    mesh = Mesh(np.array(all_devices()), (DEVICES,))
    watch = Watch(setup.folds, setup.logs, jnp.int32(every))
    number = jnp.asarray(np.arange(replicates + -replicates % mesh.size) % replicates, jnp.uint32)
    state, _ = chunk.found(setup.experiment, setup.founding, watch, seed_words(seed), number, mesh=mesh)
    return jax.tree.map(lambda x: x[:replicates], state)


def check_interventions(setup: Setup, plan: Plan) -> None:
    """Every intervention must change parameters, and nothing else; found out before the run begins."""
    before = setup
    for k, intervention in enumerate(plan.interventions, 1):
        if setup.reconfigure is None:
            raise ConfigurationError(f"{plan.name}: takes no interventions")
        after = setup.reconfigure(plan.interventions[:k])
        (leaves, form), (changed, form_after) = (jax.tree.flatten((s.experiment, s.folds)) for s in (before, after))
        shapes_stay = [jnp.shape(x) for x in leaves] == [jnp.shape(x) for x in changed]
        if (
            form != form_after
            or not shapes_stay
            or [log.name for log in before.logs] != [log.name for log in after.logs]
        ):
            raise ConfigurationError(
                f"interventions: {intervention.field} is a size or a switch; only parameters can change"
            )
        if all(np.array_equal(x, y) for x, y in zip(leaves, changed, strict=True)):
            raise ConfigurationError(
                f"interventions: {intervention} changes nothing here; name a parameter of the law and another value"
            )
        before = after
