"""The jax-free half of every experiment: what is asked, what is varied, and what a record of it says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Protocol

from mesocosm.findings.claim import Claim
from mesocosm.protocol.measure import Measure
from mesocosm.record.configuration import ConfigurationError, Intervention, Range

if TYPE_CHECKING:
    from mesocosm.core import Setup
    from mesocosm.protocol.blocks import Block, Told
    from mesocosm.protocol.story import Replay
    from mesocosm.record import Record


MOST_INTERVENTIONS = 1000
"""Each is tried on top of all before it, before the run begins."""


@dataclass(frozen=True)
class RunConfiguration:
    """What every run has. Experiments add their own fields."""

    seed: Annotated[int, Range(0, 2**64 - 1)] = 0
    """The same seed gives the same run, everywhere."""
    replicates: Annotated[int, Range(1, 1 << 20, "replicates", "size")] = 32
    """Independently founded worlds (or games, or searches)."""
    ticks: Annotated[int, Range(1, 2**31 - 1, "ticks")] = 1000
    """Length of the run, a multiple of `every`."""
    every: Annotated[int, Range(1, 2**31 - 1, "ticks", "switch")] = 100
    """Ticks in a window: each window is a row of the metrics."""
    interventions: tuple[str, ...] = ()
    """Changes of parameters, TICK:FIELD=VALUE, in order: 1000:world.jump_probability=0.0"""
    frames_every: Annotated[int, Range(0, 2**20, "ticks")] = field(default=0, compare=False)
    """Ticks between frames kept for the replay; 0 keeps none."""
    frames_of: Annotated[int, Range(-1, 2**31 - 1, "replicate")] = field(default=0, compare=False)
    """Whose frames are kept; -1 is everybody's."""

    def contradictions(self):
        """A sentence for each contradiction between fields."""
        if self.ticks % self.every:
            nearest = max(1, round(self.ticks / self.every)) * self.every
            yield f"ticks = {self.ticks}: must be a multiple of every = {self.every}, for example {nearest}"
        if len(self.interventions) > MOST_INTERVENTIONS:
            yield f"interventions: are {len(self.interventions)}; must be at most {MOST_INTERVENTIONS}"
            return
        ticks = [i.tick for i in self.parsed_interventions()]
        if ticks != sorted(ticks) or any(not 0 <= t < self.ticks for t in ticks):
            yield f"interventions at ticks {ticks}: must be in order and within 0 ... {self.ticks - 1}"

    def parsed_interventions(self) -> tuple[Intervention, ...]:
        """The interventions, each with its tick, field and value."""
        return tuple(Intervention.parse(text) for text in self.interventions)


@dataclass(frozen=True)
class AfterConfiguration(RunConfiguration):
    """What every run has that asks something of another, finished one."""

    of: str = field(default="", compare=False)
    """Folder of the run that it follows."""
    source: str = ""
    """Digest of that run's record; filled in."""


@dataclass(frozen=True)
class FollowUp:
    """A run that comes after another one and lies in its folder: a control, an assay of its bodies.

    Args:
      experiment: which one it is a run of.
      configuration: complete, and checked when it is begun.
    """

    experiment: str
    configuration: RunConfiguration


@dataclass(frozen=True)
class Summary:
    """The short table at the end of a run.

    Args:
      sentence: what is seen, in words.
      columns: headings.
      rows: one a replicate; then `total` over replicates.
      notes: what a reader must know: units, what was left out.
    """

    sentence: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    total: list[tuple[Any, ...]] = field(default_factory=list)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trial:
    """What the suite of eight rules must know to try an experiment (`mesocosm check`, `mesocosm.testing`).

    Args:
      cases: small configurations by name, each run many times; the empty name is the first.
      interventions: TICK:FIELD=VALUE, each tried alone on the first case, at a tick below 60.
      replicates_differ: whether two replicates must end in different states.
      law_of: the experiment whose law this is, with other parameters: what is asked of the law alone is asked there.
    """

    cases: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {"": {}})
    interventions: tuple[str, ...] = ()
    replicates_differ: bool = True
    law_of: str = ""


class Results(Protocol):
    """What an experiment has besides its declaration to get from a record to a page, loaded when it is needed.

    A module with any of these; what it lacks is taken from the declaration, or derives from measures and findings.

        follow_ups(record) -> runs that come after a finished one, by name
        values(record, runs) -> statistics of the claims that do not say how they are computed, [replicates] each;
            NaN where it has none
        BLOCKS -> the blocks of its page, in order
        replay(told) -> what moves on top of the page, or None
    """


@dataclass(frozen=True)
class Declaration:
    """What an experiment says of itself before it is run.

    Args:
      name: one word of letters, digits and `-`: of its run folders.
      question: in one sentence.
      prediction: with its sign.
      control: against what.
      configuration: the dataclass of all that can be set.
      build: from a configuration to the law of motion and what watches it; our own experiments leave it to the
        function of this name in `system.py` beside the declaration.
      measures: numbers of each replicate in each window, or a function from the plain configuration to them; the first
        one is shown while it runs. Tables, figures and what studies can ask for derive from them. Where none is
        declared, every recorded column is one.
      summarise: from a record to the short table, its sentence and its notes, where rows are no replicates.
      claims: what is claimed, each with its statistic and minimal effect.
      presets: named changes of the configuration.
      arms: controls that are whole runs of their own, beside the run and with its seed: what each sets, by name.
      results: loads what else it has for findings and page, see `Results`.
      answers: the answer to its question by the verdict of the claim that is asked first: "supported", "refuted",
        "equivalent", "undecided".
      asks_first: which claim that is; the first one where nothing is said.
      analyses: what of the catalogue is worked out when a run is finished, by name, where the record allows.
      analyse: what needs jax or takes long and belongs to this experiment alone, worked out of a finished run and kept
        beside it: plain values, finite numbers.
      under: the claims as a configuration can be asked them, where that depends on it.
      noun: what a replicate is called, in the plural.
      trial: what the suite of eight rules must know.
      follow_ups: the runs that come after a finished one, by name, beside the arms.
      report: the blocks of its page, in order; measures over time and the short table where none is named.
      replay: what moves on top of the page, where something was recorded.
      about: for somebody who never heard of it: what lives here and what the control is.
      seen: what marks, lines, colours and curves of its picture are, in a sentence or two for who watches it.
      columns: what each column of the metrics and of the logs (`births.id`) says, with its unit; `visits_*` is said of
        all that begin so. What is a measure, too, needs no words here.
    """

    name: str
    title: str
    question: str
    prediction: str
    control: str
    configuration: type[RunConfiguration]
    summarise: Callable[[Record], Summary] | None = None
    claims: tuple[Claim, ...] = ()
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    arms: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    results: Callable[[], Any] | None = None
    analyse: Callable[[Record], dict[str, Any]] | None = None
    under: Callable[[Any], tuple[Claim, ...]] | None = None
    noun: str = "replicates"
    build: Callable[[Any], Setup] | None = None
    measures: tuple[Measure, ...] | Callable[[Mapping[str, Any]], tuple[Measure, ...]] = ()
    trial: Trial = field(default_factory=Trial)
    follow_ups: Callable[[Record], dict[str, FollowUp]] | None = None
    report: tuple[Block, ...] = ()
    replay: Callable[[Told], Replay | None] | None = None
    about: str = ""
    seen: str = ""
    analyses: tuple[str, ...] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    asks_first: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)

    def explained(self, column: str, measures: tuple[Measure, ...] = ()) -> str:
        """What a column says: by its name, by the longest beginning that fits, or as a measure; or nothing."""
        fitting = [name for name in self.columns if name.endswith("*") and column.startswith(name[:-1])]
        if column in self.columns or fitting:
            return self.columns[column if column in self.columns else max(fitting, key=len)]
        like = [m for m in measures if m.of == column] + [m for m in measures if m.name == column]
        of = next(iter(like), None)
        return "" if of is None else f"{of.label}{f', in {of.unit}' if of.unit else ''}"

    def __post_init__(self) -> None:
        for sentence in self._wrong():
            raise ConfigurationError(f"the declaration of {self.name or 'an experiment'}: {sentence}")

    def _wrong(self) -> Iterator[str]:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", self.name or ""):
            yield f"name = {self.name!r}: must be one word of letters, digits and -"
        if not (isinstance(self.configuration, type) and issubclass(self.configuration, RunConfiguration)):
            yield f"configuration = {self.configuration!r}: must be a dataclass that extends RunConfiguration"
        fixed = () if callable(self.measures) else self.measures
        for what, things in (("claims", self.claims), ("measures", fixed)):
            names = [thing.name for thing in things]
            if twice := [name for name in names if names.count(name) > 1]:
                yield f"{what}: {twice[0]} stands there twice"
        measures = [measure.name for measure in fixed]
        if self.asks_first and self.asks_first not in [claim.name for claim in self.claims]:
            yield f"asks_first = {self.asks_first!r}: there is no such claim"
        if wrong := sorted(set(self.answers) - {"supported", "refuted", "equivalent", "undecided"}):
            yield f"answers: {wrong[0]!r} is no verdict; they are supported, refuted, equivalent and undecided"
        plan = {"seed", "replicates", "ticks", "interventions"}
        for name, changes in self.trial.cases.items():
            if fixed_here := sorted(plan & set(changes)):
                yield f"trial.cases[{name!r}]: {fixed_here[0]} is set by the suite of rules; leave it out"
        for claim in self.claims if measures else ():
            if (wanted := getattr(claim.value, "measure", None)) is not None and wanted not in measures:
                there = ", ".join(measures) or "none"
                yield f"the claim {claim.name} names the measure {wanted!r}; declared are {there}"
            elif getattr(claim.value, "against", None) == "control" and self._has_no_control(wanted, fixed):
                yield f"the claim {claim.name} is held against the control of {wanted}, which declares none"

    @staticmethod
    def _has_no_control(name: str | None, measures: tuple[Measure, ...]) -> bool:
        return any(measure.name == name and measure.control is None for measure in measures)

    def measures_under(self, configuration: Mapping[str, Any]) -> tuple[Measure, ...]:
        """The measures of a run with this configuration, as plain values."""
        return self.measures(configuration) if callable(self.measures) else self.measures

    def part(self, name: str) -> Any:
        """What `results` has under this name; None where it has nothing."""
        return None if self.results is None else getattr(self.results(), name, None)

    def claims_under(self, configuration: RunConfiguration) -> tuple[Claim, ...]:
        """What is claimed of a run with this configuration; what was not declared of such a run is exploratory."""
        return self.claims if self.under is None else self.under(configuration)

    def to_dict(self, configuration: RunConfiguration | None = None) -> dict[str, Any]:
        """What is declared (of a run, where one is named), as plain values: part of the identity of every run."""
        claims = self.claims if configuration is None else self.claims_under(configuration)
        words = {name: getattr(self, name) for name in ("question", "prediction", "control")}
        return {**words, "claims": [claim.to_dict() for claim in claims]}
