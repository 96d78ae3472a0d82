"""The task `swap/SET`: classify a data set with whatever stands in the slots of a learner; the metric is test accuracy.

Sets: the names of `tabular` (`swap/iris`), `digits8`, and random clouds by number (`swap/clouds-3`, `mesocosm.tasks`).
At most 1,000 examples to learn from and 1,000 to be tested on, split anew for each seed of `data`, inputs standardised
by those to learn from. What is tested is never looked at before.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from mesocosm.record import ConfigurationError
from mesocosm.studies import component, learners, tabular
from mesocosm.studies.cell import Cell, Row
from mesocosm.studies.component import find, read
from mesocosm.studies.meter import Meter
from mesocosm.studies.tabular import Columns
from mesocosm.studies.task import Task
from mesocosm.tasks.arrays import DataSet

SLOT, INNER = "learner", ("optimiser", "activation", "width", "depth", "rule")
MOST = 1000
MOST_STEPS = 10_000_000
"""Every step has a key of eight bytes."""
CLOUDS, CLOUD_INPUTS = 600, 32
_LEARNERS = (learners.__name__,)


class Swap:
    """A data set as a task. Slots: `learner`, and the parts of a net, which other learners do not look at."""

    version, seed_parts, unit = "2", ("data", "initial", "order"), "steps"

    def __init__(self, name: str) -> None:
        self.name = name

    def check(self, parts: Mapping[str, Any], budget: Mapping[str, float]) -> None:
        for slot in parts:
            if slot != SLOT and slot not in INNER:
                raise ConfigurationError(f"{slot}: swap has no such slot; it has {', '.join((SLOT, *INNER))}")
        if set(budget) != {self.unit} or not 5 <= budget[self.unit] <= MOST_STEPS:
            raise ConfigurationError(f"budget = {dict(budget)}: must be given in {self.unit}, 5 ... {MOST_STEPS}")
        _, arguments = find(SLOT, self._learner(parts))
        if "optimiser" in arguments:
            find("optimiser", arguments["optimiser"])

    def _learner(self, parts: Mapping[str, Any]) -> dict[str, Any]:
        """The learner with the other slots as its arguments, where it is a net."""
        name, arguments = read(parts.get(SLOT, "net")) or ("", {})
        inner = {slot: value for slot, value in parts.items() if slot in INNER} if name == "net" else {}
        return {"component": name, **inner, **arguments}

    def versions(self, parts: Mapping[str, Any]) -> dict[str, str]:
        learner = self._learner(parts)
        named: dict[str, Any] = {SLOT: learner}
        if learner["component"] == "net":
            named["optimiser"] = learner.get("optimiser", "adam")
        return component.versions(parts, named)

    def is_difference(self, parts: Mapping[str, Any]) -> bool:
        """An accuracy is none."""
        return False

    def batch(self, cell: Cell) -> str:
        return str(sorted({**cell.fixed, **cell.parts}.items(), key=str))

    def measure(self, cells: Sequence[Cell], work: Path) -> Iterator[tuple[Cell, Row]]:
        """Train all seeds at once."""
        from mesocosm.studies.nets import Split

        parts, steps = {**cells[0].fixed, **cells[0].parts}, int(cells[0].budget[self.unit])
        splits = [split(data_set(self.name), cell.seed["data"]) for cell in cells]
        stacked = [np.stack(column) for column in zip(*splits, strict=True)]
        x, y, x_test, y_test = stacked
        given = Split(x, y, x_test, y_test, data_set(self.name).n_classes)
        seeds = {part: np.array([cell.seed[part] for cell in cells]) for part in self.seed_parts}
        found, arguments = find(SLOT, self._learner(parts))
        meter = Meter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a rival that has not converged is as good as its score
            trained = found.make(**arguments)(given, steps, seeds)
        n = len(cells)
        cost = meter.cost(n) | {"seconds": trained.seconds / n, "compile_seconds": trained.compile_seconds / n}
        if np.isfinite(trained.flops):
            cost["flops"] = trained.flops
        if np.isfinite(trained.device_bytes):
            cost["device_bytes"] = trained.device_bytes
        for cell, accuracy in zip(cells, trained.accuracy, strict=True):
            points = zip(trained.steps.tolist(), accuracy.tolist(), strict=True)
            curve = tuple((x, y) for x, y in points if np.isfinite(x) and np.isfinite(y))
            yield cell, Row.of(accuracy[-1], curve=curve, cost=cost)


@cache
def data_set(name: str) -> Columns:
    """A set by its name.

    Raises:
      DataError: if it is unknown or its file is missing.
    """
    if name == "digits8":
        from mesocosm.tasks.sets import load

        return _columns(load(name))
    kind, _, number = name.partition("-")
    if kind == "clouds" and number.isdecimal():
        import jax

        from mesocosm.tasks.procedural import draw_clouds

        classes = 2 + int(number) % 9
        drawn = draw_clouds(jax.random.key(int(number)), CLOUDS, classes, CLOUD_INPUTS)
        return _columns(DataSet.of(np.asarray(drawn.inputs), np.asarray(drawn.labels), name))
    return tabular.load(name)


def _columns(data: DataSet) -> Columns:
    return Columns(data.inputs.astype(np.float64), data.labels)


def split(data: Columns, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Inputs and classes to learn from, and to be tested on: 60 % and 40 %, at most 1,000 each.

    Inputs are filled up and standardised, whatever their unit, by what is seen of the examples to learn from alone.
    """
    order = np.random.default_rng([seed, 20]).permutation(len(data.labels))
    first = min(MOST, round(0.6 * order.size))
    train, test = order[:first], order[first : first + MOST]
    seen = np.ma.masked_invalid(data.inputs[train])
    mean, sd = seen.mean(axis=0).filled(0.0), seen.std(axis=0).filled(0.0)
    varies = sd > 1e-9 * np.abs(seen).max(axis=0).filled(0.0)  # by more than rounding
    x = (np.where(np.isfinite(data.inputs), data.inputs, mean) - mean) / np.where(varies, sd, np.inf)
    x = np.clip(x, -10, 10).astype(np.float32)
    return x[train], data.labels[train], x[test], data.labels[test]


@cache
def task(instance: str) -> Task:
    """`swap/SET`; that the set is there is seen when it is measured."""
    return Swap(instance)
