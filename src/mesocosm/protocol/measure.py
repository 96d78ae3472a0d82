"""Measures and statistics as data: written once, read by tables, figures, progress, studies, claims. NumPy, no jax.

A *measure* is a function of the columns of a record, elementwise, so that the same function gives a window, a running
number, or a whole stretch (columns summed over windows first). A *statistic* is one number a replicate: a measure
reduced over windows, in the run or in one that follows it, held against a control. Claims name statistics.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from mesocosm.record import ConfigurationError
from mesocosm.record.configuration import resolved

if TYPE_CHECKING:
    import numpy as np

    from mesocosm.protocol.declaration import Declaration
    from mesocosm.record import Record

Columns = Mapping[str, Any]
"""Columns of the metrics by name, arrays of one shape; `ticks` among them: how many each value stands for."""

Over = Literal["last", "mean", "pooled", "late"]
"""How the windows of a replicate become one number: the last one, their mean, or the measure of the columns summed over
all windows (`pooled`) or over those of the second half (`late`)."""

Values = Callable[["Record", Mapping[str, "Record"]], "np.ndarray"]
"""From a record and the runs that follow it, by name, to one number a replicate [replicates]; NaN where it has none."""


@dataclass(frozen=True)
class Measure:
    """A number of each replicate in each window.

    Args:
      name: one word, by which statistics, figures and studies name it.
      of: a column of the metrics, or a function of the columns, elementwise.
      words: what it is, for axes and headings; the name where nothing is said.
      unit: of its values.
      low, high: fixed ends of its axis.
      control: the same of the control, where it lives in the same world; `control_words` names it in the plural.
      per: a column by which it is divided: 0 of it gives NaN.
      in_table: whether it is a column of the short table.
    """

    name: str
    of: str | Callable[[Columns], Any]
    words: str = ""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    control: str | Callable[[Columns], Any] | None = None
    control_words: str = "controls"
    per: str = ""
    in_table: bool = True

    @property
    def label(self) -> str:
        """What it is called on axes and in headings."""
        return self.words or self.name

    def at(self, columns: Columns, of_control: bool = False) -> np.ndarray:
        """Its values at these columns, in floating point.

        Raises:
          ConfigurationError: for a column that is not recorded.
        """
        import numpy as np

        of = self.control if of_control else self.of
        try:
            values = columns[of] if isinstance(of, str) else of(columns)  # type: ignore[misc]
            values = np.asarray(values, float)
            if not self.per:
                return values
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.where(
                    np.asarray(columns[self.per]) > 0, values / np.asarray(columns[self.per], float), np.nan
                )
        except KeyError as error:
            there = ", ".join(c for c in columns if c not in ("replicate", "tick")) or "none"
            raise ConfigurationError(
                f"the measure {self.name} reads the column {error.args[0]!r}, which is not recorded; there are {there}"
            ) from None
        except (TypeError, ValueError, IndexError, AttributeError) as error:
            raise ConfigurationError(f"the measure {self.name} fails: {type(error).__name__}: {error}") from error

    def windows(self, record: Record, of_control: bool = False) -> np.ndarray:
        """Its value in each window. [replicates, windows], NaN where a replicate has ended."""
        import numpy as np

        columns = {**record.metrics, "ticks": np.full(record.metrics["tick"].shape, int(record.header["every"]))}
        return in_windows(record, self.at(columns, of_control))

    def reduced(self, record: Record, over: Over = "last", of_control: bool = False) -> np.ndarray:
        """One number a replicate. [replicates], NaN where it has none."""
        import numpy as np

        if over in ("pooled", "late"):
            first = record.tick // 2 if over == "late" else 0
            values = self.at(summed(record, first), of_control)
            return np.where(_has_rows(record), values, np.nan)
        lines = self.windows(record, of_control)
        if over == "last":
            return lines[:, -1]
        there = np.isfinite(lines)
        total = np.where(there, lines, 0.0).sum(axis=1)
        return np.where(there.any(axis=1), total / np.maximum(there.sum(axis=1), 1), np.nan)

    def newest(self, row: Columns, every: int = 1) -> float:
        """Its median over the replicates that have one, in the newest window: what a run shows while it goes on.

        Args:
          every: ticks in a window.
        """
        import numpy as np

        values = self.at({**row, "ticks": np.full(np.shape(next(iter(row.values()), ())), every)})
        values = values[np.isfinite(values)]
        return float(np.median(values)) if values.size else float("nan")


@dataclass(frozen=True)
class Statistic:
    """One number a replicate: a measure, reduced, and held against what it is compared with.

    Args:
      measure: by name.
      over: how windows become one number.
      run: the run that follows (by name) in which it is measured; empty: the run itself.
      against: the same in another of these runs; "control": of the control in the same run; a number; nothing.
      ratio: the natural logarithm of the ratio instead of the difference.
      sign: multiplied by it.
    """

    measure: str
    over: Over = "last"
    run: str = ""
    against: str | float | None = None
    ratio: bool = False
    sign: int = 1

    def values(self, declared: Declaration, record: Record, follow_ups: Mapping[str, Record]) -> np.ndarray:
        """[replicates]; NaN where a replicate has none.

        Raises:
          ConfigurationError: for a measure, a run or a column that is not there.
        """
        import numpy as np

        measure = measure_named(declared, record, self.measure)
        own = measure.reduced(_run_of(self.run, record, follow_ups), self.over)
        if self.against is None:
            return self.sign * own
        if self.against == "control":
            other = measure.reduced(_run_of(self.run, record, follow_ups), self.over, of_control=True)
        elif isinstance(self.against, str):
            other = measure.reduced(_run_of(self.against, record, follow_ups), self.over)
        else:
            other = np.full_like(own, float(self.against))
        if not self.ratio:
            return self.sign * (own - other)
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.sign * np.log(own / other)


@dataclass(frozen=True)
class Holds:
    """Whether the statistic of another claim is positive, in each replicate: for claims of kind `fraction`."""

    claim: str

    def values(self, declared: Declaration, record: Record, follow_ups: Mapping[str, Record]) -> np.ndarray:
        """1 where it holds, 0 where not [replicates], NaN where there is nothing to judge."""
        import numpy as np

        claim = next((c for c in declared.claims if c.name == self.claim), None)
        if claim is None:
            raise ConfigurationError(f"{declared.name}: there is no claim {self.claim!r} that could hold")
        effect = value_of(claim, declared, record, follow_ups)
        return np.where(np.isfinite(effect), effect > 0, np.nan)


def runs_read(claim: Any, declared: Declaration) -> tuple[str, ...] | None:
    """The runs besides the run itself that the statistic of a claim reads, by name; None where it does not say.

    A function says it by an attribute `reads`.
    """
    how = claim.value
    if isinstance(how, Holds):
        of = next((c for c in declared.claims if c.name == how.claim), None)
        return None if of is None else runs_read(of, declared)
    if isinstance(how, Statistic):
        beside = how.against if isinstance(how.against, str) and how.against != "control" else ""
        return tuple(run for run in (how.run, beside) if run)
    return getattr(how, "reads", None)


def value_of(claim: Any, declared: Declaration, record: Record, follow_ups: Mapping[str, Record]) -> np.ndarray:
    """The statistic of a claim. [replicates], NaN where a replicate has none.

    Raises:
      ConfigurationError: if it gives another number of values than there are replicates.
    """
    import numpy as np

    how = claim.value
    if how is None:
        raise ConfigurationError(f"the claim {claim.name} says of no statistic how it is computed; give it a `value`")
    values = how.values(declared, record, follow_ups) if hasattr(how, "values") else how(record, follow_ups)
    values = np.asarray(values, float)
    if values.shape != (record.replicates,):
        raise ConfigurationError(
            f"the claim {claim.name} gives values of shape {values.shape}; it must give one for each of "
            f"{record.replicates} replicates"
        )
    return values


def measures_of(declared: Declaration, record: Record) -> tuple[Measure, ...]:
    """The measures of a run, or of an assay of one: the declared ones, else a measure for each recorded column."""
    own = declared.measures_under(resolved(record))
    return own or tuple(Measure(name, name) for name in record.metrics if name not in ("replicate", "tick"))


def measure_named(declared: Declaration, record: Record, name: str) -> Measure:
    """A measure of a run by its name.

    Raises:
      ConfigurationError: if there is none of this name.
    """
    measures = measures_of(declared, record)
    for measure in measures:
        if measure.name == name:
            return measure
    there = ", ".join(m.name for m in measures) or "none"
    raise ConfigurationError(f"{declared.name}: there is no measure {name!r}; declared are {there}")


def in_windows(record: Record, values: np.ndarray) -> np.ndarray:
    """A column of the metrics as [replicates, windows]; NaN where a replicate has ended."""
    import numpy as np

    every, metrics = int(record.header["every"]), record.metrics
    out = np.full((record.replicates, max(1, record.tick // every)), np.nan)
    out[metrics["replicate"].astype(int), metrics["tick"].astype(int) // every - 1] = values
    return out


def summed(record: Record, after: int = 0) -> dict[str, np.ndarray]:
    """Every column added up over the windows that end after this tick. [replicates] each; 0 where there is none."""
    import numpy as np

    metrics = record.metrics
    late = metrics["tick"] > after
    replicate = metrics["replicate"].astype(int)[late]
    counted = {name: column for name, column in metrics.items() if name not in ("replicate", "tick")}
    counted["ticks"] = np.full(metrics["tick"].shape, int(record.header["every"]))
    return {
        name: np.bincount(replicate, np.asarray(column, float)[late], record.replicates)
        for name, column in counted.items()
    }


def _has_rows(record: Record) -> np.ndarray:
    import numpy as np

    out = np.zeros(record.replicates, bool)
    out[record.metrics["replicate"].astype(int)] = True
    return out


def _run_of(name: str, record: Record, follow_ups: Mapping[str, Record]) -> Record:
    if not name:
        return record
    if name not in follow_ups:
        there = ", ".join(sorted(follow_ups)) or "none"
        raise ConfigurationError(f"there is no run {name!r} that follows {record.folder}; there are {there}")
    return follow_ups[name]
