"""What a task must offer to be studied, and which there are: `family/instance`, a family being a module. No jax."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from mesocosm.record import ConfigurationError
from mesocosm.studies.cell import Cell, Row

FAMILIES = {
    name: f"mesocosm.studies.{m}" for name, m in (("experiment", "ecologies"), ("call", "calls"), ("swap", "swap"))
}
"""Families of tasks, each a module with a function `task(instance) -> Task`."""


class Task(Protocol):
    """A measurement with slots."""

    version: str
    """Changes whenever the same cell would be measured differently."""
    seed_parts: tuple[str, ...]
    """What is drawn at random, by name."""
    unit: str
    """Of the budget."""

    def check(self, parts: Mapping[str, Any], budget: Mapping[str, float]) -> None:
        """Refuse what the task has no slot for, or a value that is not permitted (`ConfigurationError`)."""
        ...

    def versions(self, parts: Mapping[str, Any]) -> dict[str, str]:
        """Versions of the components among the parts."""
        ...

    def is_difference(self, parts: Mapping[str, Any]) -> bool | None:
        """Whether the metric is held against a control already, so that 0 says "as the control"; None: not known here,
        it is if the study names a control."""
        ...

    def batch(self, cell: Cell) -> str:
        """Cells with the same word here are measured in one call: one program, several seeds."""
        ...

    def measure(self, cells: Sequence[Cell], work: Path) -> Iterator[tuple[Cell, Row]]:
        """Measure the cells of one batch; `work` is an empty folder to write into, which is removed afterwards."""
        ...


def find(name: str) -> Task:
    """The task of this name.

    Raises:
      ConfigurationError: if there is no such family or instance.
    """
    family, _, instance = name.partition("/")
    if family not in FAMILIES:
        near = difflib.get_close_matches(family, FAMILIES, n=1, cutoff=0.4)
        hint = f"Did you mean {near[0]}/...?" if near else f"Families are {', '.join(FAMILIES)}."
        raise ConfigurationError(f"task = {name}: there is no such family of tasks. {hint}")
    return import_module(FAMILIES[family]).task(instance)


def versions_of(cell: Cell) -> dict[str, str]:
    """What the task of a cell and its parts are now: the field `versions` of a cell that is made now."""
    found = find(cell.task)
    return {"task": found.version, **found.versions({**cell.fixed, **cell.parts})}
