"""Records as tidy tables: one observation a row, one variable a column, one gene a column. For pandas and xarray.

    mc.load(folder).to_pandas()             metrics: replicate, tick, a column each measure
    mc.load(folder).to_pandas("births")     a log; `genome` becomes genome_evolved_0, genome_shadow_0, ...
    mc.load(folder).to_pandas("bodies")     what a camera took of individuals, frame by frame
    mc.load(folder).agents()                the same as Mesa's data collector gives it
    mc.load(folder).to_xarray()             metrics over (replicate, tick)
    mc.study("swap").to_pandas()            a row a cell: task, parts, seeds, status, value, cost

References: H. Wickham, Tidy data, Journal of Statistical Software 59, 2014.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mesocosm.record import FolderError, Record, needs

if TYPE_CHECKING:
    import pandas
    import xarray

STRANDS = ("evolved", "shadow")
"""What the first axis of a genome in two strands is called."""


def table(record: Record, what: str = "metrics") -> dict[str, Any]:
    """Columns by name: of the metrics, the statuses, the findings, or a log.

    Raises:
      FolderError: if the record has no such table; names those that it has.
    """
    if what == "metrics":
        return dict(record.metrics)
    if what == "statuses":
        rows = [(s.replicate, s.status, s.tick, s.cause) for s in record.statuses]
        return dict(zip(("replicate", "status", "tick", "cause"), map(list, zip(*rows, strict=True)), strict=True))
    if what == "findings":
        return {name: [f[name] for f in record.findings] for name in (record.findings[0] if record.findings else ())}
    logs, cameras = record.header.get("logs", []), record.header.get("frames", [])
    if what in cameras and not what.endswith("_field"):
        return dict(record.frames(what))
    if what not in logs:
        raise FolderError(
            f"{record.folder}: has no table {what!r:.60}; it has metrics, statuses, findings"
            + "".join(f", {name}" for name in logs)
        )
    return dict(record.log(what))


def spread(columns: Mapping[str, Any]) -> dict[str, Any]:
    """The same with one number a column: an array [row, strand, locus] becomes a column for each strand and locus."""
    out: dict[str, Any] = {}
    for name, column in columns.items():
        values = np.asarray(column)
        if values.ndim < 2:
            out[name] = column
            continue
        for place in np.ndindex(*values.shape[1:]):
            words = [str(i) for i in place]
            if values.ndim == 3 and values.shape[1] == len(STRANDS):
                words[0] = STRANDS[place[0]]
            out["_".join([name, *words])] = values[(slice(None), *place)]
    return out


def to_pandas(record: Record, what: str = "metrics") -> pandas.DataFrame:
    """A table of a record as a data frame; `attrs` say of which run it is."""
    with needs("to_pandas", "frames"):
        import pandas
    frame = pandas.DataFrame(spread(table(record, what)))
    frame.attrs.update(_about(record))
    return frame


def agents(record: Record) -> pandas.DataFrame:
    """Individuals as data collectors of Mesa give agents: an index (RunId, Step, AgentID), a column each variable.

    J. Kazil, D. Masad and A. Crooks, "Utilizing Python for agent-based modeling: the Mesa framework", 2020.

    Raises:
      FolderError: if the run kept no frames of individuals.
    """
    cameras = record.header.get("frames", [])
    for name in cameras:
        if not name.endswith("_field") and "id" in record.frames(name):
            renamed = {"replicate": "RunId", "tick": "Step", "id": "AgentID"}
            return to_pandas(record, name).rename(columns=renamed).set_index(list(renamed.values()))
    raise FolderError(
        f"{record.folder}: kept no frames of individuals; run it again with frames_every = 10 and frames_of = -1, "
        "which is everybody's"
    )


def to_xarray(record: Record, what: str = "metrics") -> xarray.Dataset:
    """A table of a record as a data set: metrics over (replicate, tick), NaN where a replicate had ended; of all else
    a dimension `row`, and of genomes `strand` and `locus`."""
    with needs("to_xarray", "frames"):
        import xarray
    columns = table(record, what)
    if what == "metrics":
        return _over_replicates_and_ticks(xarray, columns, _about(record))
    data = {name: (_dims(np.asarray(values)), values) for name, values in columns.items()}
    return xarray.Dataset(data, attrs=_about(record))


def _dims(values: np.ndarray) -> tuple[str, ...]:
    return {1: ("row",), 2: ("row", "locus"), 3: ("row", "strand", "locus")}.get(
        values.ndim, ("row", *(f"axis_{k}" for k in range(1, values.ndim)))
    )


def _over_replicates_and_ticks(xarray: Any, columns: Mapping[str, Any], about: Mapping[str, Any]) -> Any:
    replicates, i = np.unique(columns["replicate"], return_inverse=True)
    ticks, j = np.unique(columns["tick"], return_inverse=True)
    data = {}
    for name, values in columns.items():
        if name not in ("replicate", "tick"):
            grid = np.full((replicates.size, ticks.size), np.nan)
            grid[i, j] = values
            data[name] = (("replicate", "tick"), grid)
    return xarray.Dataset(data, {"replicate": replicates, "tick": ticks}, attrs=dict(about))


def _about(record: Record) -> dict[str, Any]:
    header = record.header
    return {"experiment": header["experiment"], "seed": header["seed"], "run": record.folder.name}


def cells_table(rows: Sequence[tuple[Any, Any]]) -> dict[str, list[Any]]:
    """A row a cell of a study: task, each part, each seed, status, value, what else was measured, cost."""
    told = [_cell(cell, row) for cell, row in rows]
    names = dict.fromkeys(name for row in told for name in row)
    return {name: [row.get(name) for row in told] for name in names}


def _cell(cell: Any, row: Any) -> dict[str, Any]:
    parts = {name: value if isinstance(value, str | int | float) else str(value) for name, value in cell.parts.items()}
    seeds = {f"seed_{name}": seed for name, seed in cell.seed.items()}
    more = {f"metric_{k}": v for k, v in row.metrics.items()} | {f"cost_{k}": v for k, v in row.cost.items()}
    return {"task": cell.task, **parts, **seeds, "status": row.status, "value": row.final, "cause": row.cause, **more}
