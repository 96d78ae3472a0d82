"""The task `experiment/NAME`: slots are fields of its configuration, the metric is the statistic of one of its claims.

One cell is one replicate. Cells of one configuration are the replicates of one run: the seed of a run is the number
of the block, and a replicate is the same alone or among others, so that more seeds can be added later.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mesocosm.protocol.measure import runs_read
from mesocosm.protocol.registry import declaration_of, find
from mesocosm.record import ConfigurationError
from mesocosm.record.configuration import check, digest, from_dict, to_dict
from mesocosm.studies import component
from mesocosm.studies.cell import Cell, Row
from mesocosm.studies.meter import Meter
from mesocosm.studies.task import Task

if TYPE_CHECKING:
    from mesocosm.protocol.declaration import RunConfiguration
    from mesocosm.record import Record

BLOCK = 16
"""Seeds 0 ... 15 are replicates of the run with seed 0, 16 ... 31 of that with seed 1, and so on."""

STATISTIC = "statistic"
"""The part that names which claim or measure is the metric; by default the first claim."""

FOLLOW = "follow"
"""The part that names the arms that a cell runs beside itself, where it is not to run all that follows a run: a metric
that reads none of them need not pay for them."""

_OWN = ("seed", "replicates", "ticks", "interventions", "assays")
_FAILED = {"extinct": "extinct", "diverged": "diverged", "overflow": "error"}


class Ecology:
    """A registered experiment as a task."""

    version, seed_parts, unit = "2", ("world",), "ticks"

    def __init__(self, name: str) -> None:
        self.entry = find(name)
        self.declared = self.entry.declaration

    def check(self, parts: Mapping[str, Any], budget: Mapping[str, float]) -> None:
        """Refuse what is no field of the configuration, what the study sets itself, and what contradicts itself."""
        statistic = parts.get(STATISTIC)
        claims = [claim.name for claim in self.declared.claims]
        if not claims and statistic is None:
            raise ConfigurationError(f"{self.declared.name} claims nothing: name a measure as {STATISTIC}")
        configuration = self.configuration(parts, budget, 0, 1)
        there = claims + [measure.name for measure in self.declared.measures_under(to_dict(configuration))]
        if there and statistic is not None and statistic not in there:
            raise ConfigurationError(f"{STATISTIC} = {statistic}: {self.declared.name} has {', '.join(there)}")
        if FOLLOW in parts:
            self._check_followed(parts[FOLLOW], statistic or claims[0], configuration)

    def _check_followed(self, follow: Any, statistic: str, configuration: RunConfiguration) -> None:
        """Refuse what is no list of arms, and a statistic that reads other runs than these."""
        declared, arms = self.declared, ", ".join(self.declared.arms) or "none"
        if not isinstance(follow, list | tuple) or not all(isinstance(name, str) for name in follow):
            raise ConfigurationError(
                f"{FOLLOW} = {follow!r:.80}: must be a list of names of arms, [] for none; {declared.name} has {arms}"
            )
        if unknown := [name for name in follow if name not in declared.arms]:
            raise ConfigurationError(f"{FOLLOW}: there is no arm {unknown[0]!r}; {declared.name} has {arms}")
        claim = next((c for c in declared.claims_under(configuration) if c.name == statistic), None)
        if claim is None:
            if statistic in [c.name for c in declared.claims]:
                raise ConfigurationError(f"{STATISTIC} = {statistic}: is not claimed of this configuration")
            return
        reads = runs_read(claim, declared)
        if reads is None:
            raise ConfigurationError(
                f"{FOLLOW}: {STATISTIC} = {statistic} does not say which runs it reads; leave {FOLLOW} out"
            )
        for run in reads:
            if run not in declared.arms:
                raise ConfigurationError(
                    f"{FOLLOW}: {STATISTIC} = {statistic} reads the run {run}, which is no arm; leave {FOLLOW} out"
                )
            if run not in follow:
                there = ", ".join(f'"{name}"' for name in dict.fromkeys((*follow, *reads)))
                raise ConfigurationError(
                    f"{FOLLOW} = {list(follow)}: {STATISTIC} = {statistic} reads the run {run}; set it to [{there}]"
                )

    def is_difference(self, parts: Mapping[str, Any]) -> bool:
        """Of a claim that is held against something; not of a measure."""
        statistic = parts.get(STATISTIC)
        named = [claim for claim in self.declared.claims if statistic in (None, claim.name)]
        return bool(named) and named[0].is_difference

    def configuration(
        self, parts: Mapping[str, Any], budget: Mapping[str, float], seed: int, replicates: int
    ) -> RunConfiguration:
        """The configuration of the run whose replicates are the cells.

        Raises:
          ConfigurationError: for what is not permitted.
        """
        values: dict[str, Any] = {}
        for path, value in parts.items():
            if path in (STATISTIC, FOLLOW):
                continue
            if path in _OWN:
                raise ConfigurationError(f"{path}: is set by the study (seeds and budget); leave it out of the parts")
            _put(values, path.split("."), value)
        if self.unit not in budget:
            raise ConfigurationError(f"budget = {dict(budget)}: must be given in {self.unit}")
        values |= {"seed": seed, "replicates": replicates, "ticks": int(budget[self.unit])}
        made = from_dict(self.declared.configuration, values)
        check(made)
        return made

    def versions(self, parts: Mapping[str, Any]) -> dict[str, str]:
        out = {"declaration": digest(self.declared.to_dict())[:16]}
        if code := self.entry.code:  # an experiment of the user's own has no version but its source
            out["source"] = code["digest"]
        return {**component.versions(parts, {}), **out}

    def batch(self, cell: Cell) -> str:
        """One configuration and one block of seeds."""
        return f"{sorted({**cell.fixed, **cell.parts}.items())} {dict(cell.budget)} {cell.seed['world'] // BLOCK}"

    def measure(self, cells: Sequence[Cell], work: Path) -> Iterator[tuple[Cell, Row]]:
        """Run the block, what follows it, and read the statistic of each replicate that was asked for."""
        from mesocosm.core.flops import compile_seconds, device_peak
        from mesocosm.protocol.launch import start

        first, numbers = cells[0], [cell.seed["world"] % BLOCK for cell in cells]
        parts, block = {**first.fixed, **first.parts}, first.seed["world"] // BLOCK
        configuration = self.configuration(parts, first.budget, block, max(numbers) + 1)
        statistic, follow = parts.get(STATISTIC) or self.declared.claims[0].name, parts.get(FOLLOW)
        meter, compiled = Meter(), compile_seconds()
        record = start(self.entry.reference, configuration, work / "run", only=follow)
        values = statistics(record) if follow is None else self._alone(record, configuration, statistic)
        cost = meter.cost(len(cells)) | device_peak()
        cost["compile_seconds"] = (compile_seconds() - compiled) / len(cells)
        cost["seconds"] -= cost["compile_seconds"]
        if statistic not in values:
            raise ConfigurationError(f"{STATISTIC} = {statistic}: {self.declared.name} measures {', '.join(values)}")
        arms = self._arms(record)
        for cell, r in zip(cells, numbers, strict=True):
            metrics = {name: _number(column[r]) for name, column in values.items()}
            row = _row(values[statistic][r], _failed(record, r))
            if row.status == "diverged":  # perhaps for want of the twin that it is held against
                row = next((f for name, arm in arms.items() if (f := _failed(arm, r, f"{name}: "))), row)
            yield cell, replace(row, metrics=metrics, cost=cost)

    def _alone(self, record: Record, configuration: RunConfiguration, statistic: str) -> dict[str, Any]:
        """The measures, and the one claim that is asked, which may read no other runs than those that followed."""
        from mesocosm.protocol.measure import measures_of, value_of

        out = {measure.name: measure.reduced(record) for measure in measures_of(self.declared, record)}
        claim = next((c for c in self.declared.claims_under(configuration) if c.name == statistic), None)
        if claim is not None:
            out[statistic] = value_of(claim, self.declared, record, _Followed(self._arms(record)))
        return out

    def _arms(self, record: Record) -> dict[str, Record]:
        if not self.declared.arms:
            return {}
        from mesocosm.protocol.reading import follow_ups_of

        return {name: run for name, run in follow_ups_of(record).items() if name in self.declared.arms}


class _Followed(dict[str, "Record"]):
    """The runs that followed; one that did not is refused by name."""

    def __missing__(self, name: str) -> Record:
        there = ", ".join(self) or "none"
        raise ConfigurationError(f"{FOLLOW}: the run {name} is read, and did not follow; there are {there}")


def _row(value: Any, ended: Row | None) -> Row:
    """The row of a replicate; `ended`: how it came to no end that counts. A claim counts the dead that have a value, in
    the run as in its arms: so does its statistic here."""
    row = Row.of(value)
    if ended is None or (row.status == "ok" and ended.status == "extinct"):
        return row if ended is None else replace(row, cause=ended.cause)
    return ended


def _failed(record: Record, replicate: int, whose: str = "") -> Row | None:
    """The row of a replicate that came to no end that counts; None where it lived."""
    status = record.statuses[replicate]
    if status.status not in _FAILED:
        return None
    cause = f"{whose}{status.status} at tick {status.tick}" + (f": {status.cause}" if status.cause else "")
    return Row(_FAILED[status.status], cause=cause)


def statistics(record: Record) -> dict[str, Any]:
    """The statistic of each claim in each replicate; every measure at the end where nothing is claimed. [replicates]"""
    from mesocosm.protocol.derived import statistics_of

    return statistics_of(declaration_of(record), record)


def _put(values: dict[str, Any], path: list[str], value: Any) -> None:
    for name in path[:-1]:
        values = values.setdefault(name, {})
    values[path[-1]] = value


def _number(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None


@cache
def task(instance: str) -> Task:
    """`experiment/NAME`.

    Raises:
      ConfigurationError: if there is no such experiment.
    """
    return Ecology(instance)
