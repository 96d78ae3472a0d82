"""What was bought with how much compute: curves at equal cost, cost to a target, software against hardware. No jax.

A curve is a list of (cost, metric), cost ascending, in the unit of the budget or any other that is known. Time to a
target splits into a sum: `time = FLOPs to target / (utilisation x peak)`, so the logarithm of a ratio of times is that
of FLOPs (software), less those of utilisation and of peak (hardware), exactly.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mesocosm.findings.claim import factor
from mesocosm.studies.cell import Cell, Row, spelt_treatment
from mesocosm.studies.study import Study

Curve = Sequence[tuple[float, float]]


def curve_in(row: Row, cost: str) -> list[tuple[float, float]]:
    """The curve of a row in a cost of its whole (`flops`, `seconds`...), each step of the budget costing the same.

    Raises:
      ValueError: if the row has no curve, or that cost is not known.
    """
    if not row.curve or cost not in row.cost:
        known = ", ".join(sorted(row.cost)) or "none"
        raise ValueError(f"{cost}: a row needs a curve and this cost; it has {len(row.curve)} points, costs {known}")
    return [(row.cost[cost] * x / row.curve[-1][0], y) for x, y in row.curve]


def cost_to(curve: Curve, target: float, direction: int = 1) -> float | None:
    """The cost at which a curve first reaches a target, straight lines between its points; None if it never does.

    >>> cost_to([(10, 0.5), (20, 0.7)], 0.6)
    15.0
    """
    before: tuple[float, float] | None = None
    for cost, metric in curve:
        if direction * (metric - target) >= 0:
            if before is None or metric == before[1]:
                return float(cost)
            part = (target - before[1]) / (metric - before[1])
            return float(before[0] + part * (cost - before[0]))
        before = cost, metric
    return None


def metric_at(curve: Curve, cost: float, direction: int = 1) -> float | None:
    """The best that a curve had reached when it had cost so much; None before its first point, or beyond its last.

    >>> metric_at([(10, 0.5), (20, 0.7), (30, 0.6)], 30)
    0.7
    """
    if not curve or cost < curve[0][0] or cost > curve[-1][0] * (1 + 1e-9):
        return None
    return direction * max(direction * metric for spent, metric in curve if spent <= cost * (1 + 1e-9))


def multiplier(curve: Curve, rival: Curve, direction: int = 1) -> float | None:
    """How many times the cost of the rival a curve needs to be as good as the rival was in the end; None if never.

    "Would yesterday's method with today's compute be a million times worse, or a hundred?"

    >>> multiplier([(10, 0.5), (40, 0.9)], [(10, 0.9)])
    4.0
    """
    if not curve or not rival:
        return None
    best = metric_at(rival, rival[-1][0], direction)
    assert best is not None
    own, others = cost_to(curve, best, direction), cost_to(rival, best, direction)
    return None if own is None or not others else own / others


def matched(curves: Mapping[str, Curve], direction: int = 1) -> tuple[float, dict[str, float]] | None:
    """All at the largest cost that each of them has reached: (cost, metric by name); None if they share none.

    >>> matched({"a": [(1, 0.1), (2, 0.3)], "b": [(1, 0.2), (4, 0.9)]})
    (2.0, {'a': 0.3, 'b': 0.2})
    """
    if not curves or not all(curves.values()):
        return None
    cost = min(curve[-1][0] for curve in curves.values())
    found = {name: metric_at(curve, cost, direction) for name, curve in curves.items()}
    known = {name: value for name, value in found.items() if value is not None}
    return (float(cost), known) if len(known) == len(found) else None


@dataclass(frozen=True)
class Machine:
    """What a program needed to reach a target, and what it ran on.

    Args:
      flops: operations up to the target.
      seconds: up to the target.
      peak: operations a second that the device could do at most.
    """

    flops: float
    seconds: float
    peak: float

    def __post_init__(self) -> None:
        for name in ("flops", "seconds", "peak"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} = {value}: must be a finite number above 0")

    @property
    def utilisation(self) -> float:
        """The share of the peak that was reached."""
        return self.flops / (self.seconds * self.peak)


@dataclass(frozen=True)
class Gain:
    """The natural logarithm of how many times faster the new reaches the target, and its parts, which add up to it.

    Args:
      software: fewer operations to the target.
      utilisation: more of the peak used.
      hardware: a higher peak.
    """

    total: float
    software: float
    utilisation: float
    hardware: float

    def words(self) -> str:
        """In factors and shares.

        >>> gain(Machine(1e12, 100, 1e11), Machine(1e11, 1, 1e12)).words()
        '100 times faster: software x 10, utilisation x 1, hardware x 10'
        """
        parts = ("software", "utilisation", "hardware")
        told = ", ".join(f"{name} x {factor(getattr(self, name)):.3g}" for name in parts)
        return f"{factor(self.total):.3g} times faster: {told}"


def gain(old: Machine, new: Machine) -> Gain:
    """From old to new, as a sum of log-ratios."""
    return Gain(
        math.log(old.seconds) - math.log(new.seconds),
        math.log(old.flops) - math.log(new.flops),
        _log_utilisation(new) - _log_utilisation(old),
        math.log(new.peak) - math.log(old.peak),
    )


def _log_utilisation(machine: Machine) -> float:
    return math.log(machine.flops) - math.log(machine.seconds) - math.log(machine.peak)


@dataclass(frozen=True)
class Match:
    """What a treatment must spend to be as good as the control is in the end, cell by cell on the same seed.

    Args:
      treatment: in words.
      reached: share of cells that are as good within their own budget, of `n` that have a curve beside the control's.
      times: median over those of how many times the control's cost it took, by cost.
    """

    treatment: str
    reached: float
    n: int
    times: Mapping[str, float]


MATCHED_IN = ("flops", "seconds")


def _is_sound(row: Row) -> bool:
    """Whether a row has a curve whose costs rise from above 0, and costs of the whole."""
    spent = [x for x, _ in row.curve]
    rises = all(a < b for a, b in itertools.pairwise(spent)) and bool(spent) and spent[0] > 0
    numbers = [*spent, *(y for _, y in row.curve), *(row.cost.get(name, math.nan) for name in MATCHED_IN)]
    return rises and all(map(math.isfinite, numbers)) and all(row.cost[name] > 0 for name in MATCHED_IN)


def matches(study: Study, rows: Sequence[tuple[Cell, Row]]) -> list[Match]:
    """Each treatment of one comparison against its control; empty where rows have no curves and costs."""
    by_place: dict[str, dict[str, Row]] = {}
    names = [spelt_treatment(t) for t in study.treatments]
    for cell, row in rows:
        parts = {slot: cell.parts[slot] for slot in study.vary}
        rest = {slot: v for slot, v in cell.parts.items() if slot not in study.vary}
        place = f"{cell.task} {sorted(rest.items(), key=str)} {sorted(cell.seed.items())}"
        by_place.setdefault(place, {})[spelt_treatment(parts)] = row
    out = []
    for name in names[1:]:
        pairs = [(there[name], there[names[0]]) for there in by_place.values() if name in there and names[0] in there]
        pairs = [pair for pair in pairs if all(map(_is_sound, pair))]
        if not pairs:
            continue
        found = {
            cost: [multiplier(curve_in(a, cost), curve_in(b, cost), study.direction) for a, b in pairs]
            for cost in MATCHED_IN
        }
        known = {cost: [v for v in values if v is not None and math.isfinite(v)] for cost, values in found.items()}
        reached = len(known["flops"]) / len(pairs)
        times = {cost: statistics.median(values) for cost, values in known.items() if values}
        out.append(Match(name, reached, len(pairs), times))
    return out
