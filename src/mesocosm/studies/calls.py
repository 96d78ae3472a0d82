"""The task `call`: any Python function of a seed. What stands in the slot `subject` makes it; the other parts are its
keyword arguments. No jax.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mesocosm.record import ConfigurationError
from mesocosm.studies.cell import Cell, Row
from mesocosm.studies.component import Skipped, find
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
        return {SLOT: find(SLOT, parts[SLOT])[0].source}

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
            except Skipped as reason:
                row = Row("skipped", cause=str(reason))
            except Exception as error:
                row = Row("error", cause=told(error), cost=meter.cost())
            yield cell, row


def told(error: BaseException) -> str:
    """An error as the cause of a row: its words, and where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {str(error)[:400]}{where}"


def task(instance: str) -> Task:
    """`call/ANYTHING`: the instance is a name only."""
    return Calls()
