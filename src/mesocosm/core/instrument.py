"""What watches a run: folds give one row a window, logs give a row for each event. Neither can change anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array

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

    name: str = eqx.field(static=True)
    event: str = eqx.field(static=True)
    columns: tuple[tuple[str, str], ...] = eqx.field(static=True)

    def emit(self, tick: Tick) -> Events:
        events = tick.events[self.event]
        return Events(events.happened, {name: events.columns[source] for name, source in self.columns})


def shapes(experiment: Experiment) -> tuple[Any, Tick, Scene]:
    """The state, tick and scene of an experiment as shapes and dtypes; computes nothing."""

    def one_step(bits):
        state, tick = experiment.tick(bits, experiment.init(bits))
        return state, tick, experiment.scene(state)

    return jax.eval_shape(one_step, Bits.shapes())


def check_instruments(experiment: Experiment, folds: dict[str, Fold], logs: tuple[Log, ...]) -> dict[str, Any]:
    """Refuse an instrument that needs what the experiment does not show. Returns the columns of a row, as shapes.

    Raises:
      ValueError: naming the instrument and what is missing.
    """
    _, tick, scene = shapes(experiment)
    columns: dict[str, Any] = {}

    def needs(name: str, call: Callable[..., Any], *args: Any) -> Any:
        try:
            return jax.eval_shape(call, *args)
        except KeyError as missing:
            offered = [*tick.flows, *tick.events, *scene.points, *scene.fields, *scene.curves]
            raise ValueError(
                f"instrument {name}: needs {missing}, which is not shown here; shown are {', '.join(offered)}"
            ) from None

    for name, fold in folds.items():
        folded = needs(name, fold.init, scene)
        folded = needs(name, fold.update, folded, tick)
        row = needs(name, fold.read, folded, scene)
        if twice := set(row) & set(columns):
            raise ValueError(f"instrument {name}: the measure {min(twice)} is given by another instrument too")
        columns.update(row)
    for log in logs:
        needs(log.name, log.emit, tick)
    return columns
