"""One (context, treatment, seed), what came of it, and the identity under which it is kept. No jax."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, get_args

from mesocosm.record.configuration import digest

Status = Literal["ok", "extinct", "diverged", "timeout", "memory", "error", "skipped"]
STATUSES: tuple[str, ...] = get_args(Status)
"""`ok` has a value; every other is a row all the same, and counts in every denominator."""

COSTS = ("seconds", "compile_seconds", "cpu_seconds", "flops", "peak_bytes", "device_bytes")
"""What a cell cost: wall time without compiling, and that of compiling; processor time; floating-point operations; the
most memory resident while its batch was measured, and the most held on the device. What is not known is left out."""


@dataclass(frozen=True)
class Cell:
    """What is to be measured once.

    Args:
      task: `family/instance`, for example `experiment/chemotaxis`.
      parts: what stands in each slot, plain values; a slot that is not named has its default.
      seed: by part (`world`, or `data`, `initial`, `order`). What is swapped does not enter it, so that treatments are
        paired.
      budget: by unit, `{"ticks": 1500}`; a budget that decides a status is counted in steps or FLOPs.
      scale: of the task, where it has several.
      fixed: what all cells of the study have alike, beyond the defaults of the task.
      versions: of the task and of every component (its source): a changed component is another cell.
    """

    task: str
    parts: Mapping[str, Any]
    seed: Mapping[str, int]
    budget: Mapping[str, float]
    scale: float = 1.0
    fixed: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def identity(self) -> str:
        """SHA-256 of the canonical JSON of all fields: the name of its folder.

        What is set in every cell and what varies are one thing here: two studies that ask for the same measurement
        share it.
        """
        values = self.to_dict()
        values["parts"] = dict(values.pop("fixed")) | dict(values["parts"])
        return digest(values)

    def to_dict(self) -> dict[str, Any]:
        """All fields as plain values."""
        return {
            "task": self.task,
            "parts": dict(self.parts),
            "seed": dict(self.seed),
            "budget": dict(self.budget),
            "scale": self.scale,
            "fixed": dict(self.fixed),
            "versions": dict(self.versions),
        }

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Cell:
        """The inverse.

        Raises:
          TypeError: for a field that is missing, unknown or of another kind.
        """
        _refuse_kinds(values, _CELL)
        return Cell(**values)


@dataclass(frozen=True)
class Row:
    """What came of a cell.

    Args:
      status: one of `STATUSES`.
      final: the metric at the end of the budget; None unless the status is `ok`.
      curve: (cost in units of the budget, metric).
      metrics: what else was measured, by name.
      cost: by name, of `COSTS`: what is known.
      cause: why there is no value, in words; or how a replicate ended that has one all the same.
      from_outside: the cause lies outside the cell (missing data or package, a disk, a killed worker): it is no result,
        and the next call measures the cell again.
      environment: versions and host: recorded, no part of the identity.
    """

    status: str
    final: float | None = None
    curve: tuple[tuple[float, float], ...] = ()
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    cost: Mapping[str, float] = field(default_factory=dict)
    cause: str = ""
    from_outside: bool = False
    environment: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise ValueError(f"status = {self.status!r}: must be one of {', '.join(STATUSES)}")
        if (self.status == "ok") != (self.final is not None):
            raise ValueError(f"final = {self.final!r}: exactly the rows with status ok have a value, not {self.status}")
        if self.final is not None and not math.isfinite(self.final):
            raise ValueError(f"final = {self.final}: must be finite; a row that is not is diverged")

    @staticmethod
    def of(value: Any, **more: Any) -> Row:
        """The row of a measured number; one that is not finite is `diverged`.

        Raises:
          TypeError: if it is not one number: names its type, and its shape if it has one.
        """
        shape = getattr(value, "shape", ())
        if shape not in ((), (1,)) or isinstance(value, str | bytes | bool | complex | list | tuple | dict):
            what = f"an array of shape {shape}" if shape else f"{type(value).__name__} {value!r:.60}"
            raise TypeError(f"the metric must be one number, not {what}")
        try:
            number = float(value.item() if hasattr(value, "item") else value)
        except (TypeError, ValueError):
            raise TypeError(f"the metric must be one number, not {type(value).__name__} {value!r:.60}") from None
        if not math.isfinite(number):
            return Row("diverged", cause=f"the metric is {number}", **more)
        return Row("ok", number, **more)

    def to_dict(self) -> dict[str, Any]:
        """All fields as plain values; valid JSON."""
        values = {name: getattr(self, name) for name in ("status", "final", "cause", "from_outside")}
        metrics = {k: v if v is None or math.isfinite(v) else None for k, v in self.metrics.items()}
        curve = [list(point) for point in self.curve]
        return {
            **values,
            "curve": curve,
            "metrics": metrics,
            "cost": dict(self.cost),
            "environment": dict(self.environment),
        }

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Row:
        """The inverse.

        Raises:
          TypeError, ValueError: for a field that is missing, unknown or of another kind, and numbers that are none.
        """
        _refuse_kinds(values, _ROW)
        for name in ("metrics", "cost"):
            if not all(_is_number(v) or (v is None and name == "metrics") for v in values[name].values()):
                raise TypeError(f"{name} holds what is no number")
        versions = values["environment"].get("versions", {})
        if not isinstance(versions, dict) or not all(isinstance(v, str) for v in versions.values()):
            raise TypeError("environment.versions holds what is no text")
        curve = tuple((float(x), float(y)) for x, y in values["curve"])
        return Row(**{**values, "curve": curve})


_CELL = {
    "task": str,
    "parts": dict,
    "seed": dict,
    "budget": dict,
    "scale": (int, float),
    "fixed": dict,
    "versions": dict,
}
_ROW = {"status": str, "final": (int, float, type(None)), "curve": list, "metrics": dict, "cost": dict, "cause": str}
_ROW |= {"from_outside": bool, "environment": dict}


def _refuse_kinds(values: Any, kinds: Mapping[str, Any]) -> None:
    if not isinstance(values, Mapping) or set(values) != set(kinds):
        raise TypeError(f"the fields must be {', '.join(kinds)}")
    for name, kind in kinds.items():
        if not isinstance(values[name], kind) or (isinstance(values[name], bool) and kind is not bool):
            raise TypeError(f"{name} = {values[name]!r:.60} is of the wrong kind")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def spelt(value: Any) -> str:
    """A part in a table: `adam`, `adam(rate=0.01)`, `0.05`.

    >>> spelt({"component": "adam", "rate": 0.01})
    'adam(rate=0.01)'
    """
    if isinstance(value, Mapping) and "component" in value:
        rest = ", ".join(f"{k}={spelt(v)}" for k, v in value.items() if k != "component")
        return f"{value['component']}({rest})" if rest else str(value["component"])
    if isinstance(value, bool) or value is None or isinstance(value, Mapping):
        return json.dumps(value)
    if isinstance(value, list | tuple):
        return "+".join(map(spelt, value)) or "none"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def spelt_treatment(parts: Mapping[str, Any]) -> str:
    """A treatment in words: the values of its slots, with the slots' names; a component alone says what it is."""
    only = next(iter(parts.values()), None)
    if len(parts) == 1 and (isinstance(only, str) or (isinstance(only, Mapping) and "component" in only)):
        return spelt(only)
    return ", ".join(f"{slot} {spelt(value)}" for slot, value in parts.items())
