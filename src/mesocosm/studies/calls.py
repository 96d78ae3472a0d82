"""The task `call`: any Python function of a seed. What stands in the slot `subject` makes it; the other parts are its
keyword arguments. No jax.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mesocosm.record import ConfigurationError
from mesocosm.studies import component
from mesocosm.studies.cell import Cell, Row
from mesocosm.studies.component import find
from mesocosm.studies.failure import failed
from mesocosm.studies.meter import Meter
from mesocosm.studies.task import Task

SLOT = "subject"


class Calls:
    """`subject(**arguments)` makes a function; `function(seed, budget, **other parts) -> number` is the measurement."""

    version, seed_parts, unit = "1", ("seed",), "calls"

    def check(self, parts: Mapping[str, Any], budget: Mapping[str, float]) -> None:
        if SLOT not in parts:
            raise ConfigurationError(f"call: needs a part for the slot {SLOT}: a component of that slot")
        find(SLOT, parts[SLOT])

    def versions(self, parts: Mapping[str, Any]) -> dict[str, str]:
        return component.versions(parts, {SLOT: parts[SLOT]})

    def is_difference(self, parts: Mapping[str, Any]) -> None:
        """What a function gives, its author knows."""

    def batch(self, cell: Cell) -> str:
        return str(sorted({**cell.fixed, **cell.parts}.items()))

    def measure(self, cells: Sequence[Cell], work: Path) -> Iterator[tuple[Cell, Row]]:
        for cell in cells:
            parts = {**cell.fixed, **cell.parts}
            meter = Meter()
            try:
                made, arguments = find(SLOT, parts.pop(SLOT))
                value = made.make(**arguments)(cell.seed["seed"], cell.budget[self.unit], **parts)
                row = Row.of(value, cost=meter.cost())
            except Exception as error:
                row = failed(error, cost=meter.cost())
            yield cell, row


def task(instance: str) -> Task:
    """`call/ANYTHING`: the instance is a name only."""
    return Calls()
