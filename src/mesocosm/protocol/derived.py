"""What derives from a declaration's measures and claims: the short table, statistics, the headline, the page.

NumPy, no jax. An experiment that says nothing more than its measures has all of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from mesocosm.findings.claim import show_interval
from mesocosm.protocol.blocks import Block, OverTime, Told, at_the_end, sentence_case
from mesocosm.protocol.declaration import Declaration, FollowUp, Summary
from mesocosm.protocol.measure import measures_of, value_of
from mesocosm.protocol.reading import claims_of, configuration_of, follow_ups_of, is_to_be_judged, told_seconds
from mesocosm.protocol.scenes import replay_of
from mesocosm.protocol.story import Story
from mesocosm.record import ConfigurationError, MesocosmError, Record
from mesocosm.record.configuration import to_dict

if TYPE_CHECKING:
    from mesocosm.findings.claim import Finding


def follow_ups_declared(declared: Declaration, record: Record) -> dict[str, FollowUp]:
    """The runs that are to come after a finished one, arms aside."""
    make = declared.part("follow_ups") or declared.follow_ups
    return make(record) if make is not None else {}


def values_of(declared: Declaration, record: Record, runs: Mapping[str, Record]) -> dict[str, np.ndarray]:
    """The statistic of each claim in each replicate, NaN where it has none. [replicates] each

    Those that the experiment works out together (`values`), and of all other claims what they say themselves.
    """
    values = declared.part("values")
    out = {} if values is None else {name: np.asarray(v, float) for name, v in values(record, runs).items()}
    claims = declared.claims if declared.under is None else declared.claims_under(configuration_of(record))
    own = [c for c in claims if values is None or (c.name not in out and c.value is not None)]
    return out | {claim.name: value_of(claim, declared, record, runs) for claim in own}


def statistics_of(declared: Declaration, record: Record) -> dict[str, np.ndarray]:
    """What a study or a comparison can ask for: every claim's statistic, every measure at the end. [replicates] each"""
    runs = follow_ups_of(record)
    claims = values_of(declared, record, runs) if declared.claims else {}
    measures = () if claims and not declared.measures else measures_of(declared, record)
    return {**{measure.name: measure.reduced(record) for measure in measures}, **claims}


def newest(declared: Declaration, configuration: Mapping[str, Any] | None = None) -> tuple[str, Any]:
    """The number that is shown while a run goes on: its name, and the function from the newest rows.

    Args:
      configuration: of the run, as plain values (default: the experiment's own).
    """
    configuration = configuration or to_dict(declared.configuration())
    if measures := declared.measures_under(configuration):
        first, every = measures[0], int(configuration.get("every", 1))
        return first.label, lambda row: first.newest(row, every)

    def median(row: dict[str, Any]) -> float:
        column = next((v for k, v in row.items() if k not in ("replicate", "tick")), np.zeros(0))
        return float(np.median(column)) if np.size(column) else float("nan")

    return "median", median


def summary_of(declared: Declaration, record: Record) -> Summary:
    """The short table: a row a replicate with every measure at the end (and its control's), mean and spread below."""
    if declared.summarise is not None:
        with said_of(declared, "its short table"):
            return declared.summarise(record)
    columns: dict[str, np.ndarray] = {}
    for measure in (m for m in measures_of(declared, record) if m.in_table):
        columns[measure.name] = measure.reduced(record)
        if measure.control is not None:
            columns[f"{measure.control_words.split()[0]} {measure.name}"] = measure.reduced(record, of_control=True)
    rows = [
        (s.replicate, s.status, s.tick, *(_number(column[s.replicate]) for column in columns.values()))
        for s in record.statuses
    ]
    there = {name: column[np.isfinite(column)] for name, column in columns.items()}
    with np.errstate(over="ignore", invalid="ignore"):  # of values near the end of what a float holds there is no mean
        means = (_number(c.mean()) if c.size else None for c in there.values())
        total: list[tuple[Any, ...]] = [("mean", "", "", *means)]
        if record.replicates > 1:
            spreads = (_number(c.std(ddof=1)) if c.size > 1 else None for c in there.values())
            total.append(("sd", "", "", *spreads))
    return Summary(
        _state(declared, record), ("replicate", "status", "ticks", *columns), rows, total, _legend(declared, record)
    )


def _legend(declared: Declaration, record: Record) -> tuple[str, ...]:
    """What the columns of the short table are, and whether the ledger closes."""
    said = [
        f"{m.name}: {m.words}{m.unit and f', {m.unit}'}"
        for m in measures_of(declared, record)
        if m.words and m.in_table
    ]
    out = [f"{'; '.join(said)}."] if said else []
    if "residual" in record.metrics:
        residual = sum(abs(int(x)) for x in record.metrics["residual"])
        out.append(f"Energy ledger: residual {residual} quanta over {record.metrics['tick'].size} windows.")
    return tuple(out)


def headline(told: Told) -> str:
    """The answer, from the findings: that of the claim that is asked first, with its interval; the state of things
    where there is none. The counts follow in the introduction."""
    finding = asked_first(told)
    if finding is None and told.declared.summarise is not None:
        return summary_of(told.declared, told.record).sentence
    if finding is None or not told.alive:
        return _state(told.declared, told.record)
    answer = answer_of(told)
    if finding.estimate is None or finding.low is None:
        return f"{answer}. {finding.note}".strip()
    effect = finding.words(told.noun).partition(": ")[2].partition(" (")[0].partition(", stated")[0]
    return f"{answer}: {effect}."


def answer_of(told: Told) -> str:
    """The answer alone, or what was claimed, by the finding that is asked first; empty where there is none."""
    finding = asked_first(told)
    if finding is None or not told.alive:
        return ""
    return (told.declared.answers.get(finding.verdict) if finding.declared else "") or sentence_case(finding.sentence)


def figures_of(told: Told) -> str:
    """Estimate and interval of that finding, or how many it holds of; empty where it has none."""
    finding = asked_first(told)
    if finding is None or finding.estimate is None or not told.alive:
        return ""
    if finding.kind == "fraction":
        return f"{round(finding.estimate * finding.n_started)} of {finding.n_started} {told.noun}"
    low, high, _ = finding.shown
    is_ratio = finding.kind == "ratio"
    times = " times" if is_ratio else ""
    unit = f" {finding.unit}" if finding.unit else ""
    return show_interval(finding.estimate, low, high, unit, not is_ratio, is_ratio) + times


def asked_first(told: Told) -> Finding | None:
    """The finding that answers the question of the experiment."""
    by_name = {finding.name: finding for finding in told.findings}
    return by_name.get(told.declared.asks_first) or next(iter(told.findings), None)


def _state(declared: Declaration, record: Record) -> str:
    """How many live, and where the first measure stands."""
    alive = sum(s.status == "alive" for s in record.statuses)
    if not alive:
        how = ", ".join(sorted({s.status for s in record.statuses}))
        return f"All {record.replicates} {declared.noun} ended early ({how}): nothing is left to see."
    said = f"{alive} of {record.replicates} {declared.noun} {'lives' if alive == 1 else 'live'}"
    measures = measures_of(declared, record)
    if not measures:
        return f"{said}."
    ends = measures[0].reduced(record)
    ends = ends[np.isfinite(ends)]
    value = f"{measures[0].label} is {ends.mean():.4g} {measures[0].unit}".rstrip() if ends.size else ""
    return f"{said}; {value} in the mean." if value else f"{said}; none has a value of {measures[0].label}."


def tell(declared: Declaration, record: Record, findings: Sequence[Finding]) -> Story:
    """What the report shows of a finished run: the blocks of its experiment, under the answer."""
    told = Told(declared, record, follow_ups_of(record), findings)
    blocks: tuple[Block, ...] = declared.part("BLOCKS") or declared.report or (OverTime(), at_the_end)
    with said_of(declared, "a block of its page"):
        sections = [section for block in blocks if (section := block(told)) is not None]
    replay = declared.part("replay") or declared.replay
    first = asked_first(told)
    return Story(
        sentence=headline(told),
        chips=chips(told),
        replay=replay(told) if replay is not None and told.alive else replay_of(record),
        sections=[s for s in sections if s.figures or s.text],
        notes=notes(told),
        introduction=introduction(told),
        claim=first.name if first else "",
        answer=answer_of(told),
        figures=figures_of(told),
    )


@contextmanager
def said_of(declared: Declaration, what: str) -> Iterator[None]:
    """What the code of an experiment raises while it is shown becomes one sentence; `--debug` tells where."""
    try:
        yield
    except MesocosmError:
        raise
    except Exception as error:
        raise ConfigurationError(f"{declared.name}: {what} fails: {type(error).__name__}: {error}") from error


def chips(told: Told) -> list[tuple[str, str]]:
    """Short facts of a run."""
    record = told.record
    out = [(f"{told.noun} started", str(record.replicates)), ("alive at the end", str(told.alive))]
    out += [("ticks", f"{record.tick:,}"), ("time to run", told_seconds(record))]
    if "residual" in record.metrics:
        out.append(("energy unaccounted for", f"{sum(abs(int(x)) for x in record.metrics['residual'])} quanta"))
    return out


def introduction(told: Told) -> str:
    """The first finding in full; what lives here; what was predicted, and what brackets hold."""
    first = asked_first(told)
    counts = f"{sentence_case(first.sentence)}: {first.words(told.noun)}." if first else ""
    levels = sorted({round(100 * f.shown[2], 1) for f in told.findings})
    held = f"Brackets hold {' or '.join(f'{x:g}' for x in levels)} % intervals over {told.noun}." if levels else ""
    asked = f"Predicted: {told.declared.prediction}. Control: {told.declared.control}."
    parts = [counts, told.declared.about, f"{asked} {held}".strip()]
    return "\n\n".join(part for part in parts if part)


def notes(told: Told) -> list[str]:
    """What a reader must know: the unit, what ended early, what was changed, what was not declared."""
    record, noun = told.record, told.noun
    if told.declared.summarise is not None:
        out = list(summary_of(told.declared, record).notes)
    else:
        out = [f"What is counted is {noun}, independent of each other; nothing within one of them is counted as more."]
    if ended := [s for s in record.statuses if s.status != "alive"]:
        first = ended[0]
        out.append(
            f"{len(ended)} of {record.replicates} {noun} ended early (number {first.replicate}: {first.status} at tick "
            f"{first.tick}, {first.cause}); they count in every denominator."
        )
    if record.header.get("interventions"):
        out.append("Parameters were changed during the run: every finding is exploratory.")
    elif told.findings and not any(f.declared for f in told.findings):
        out.append("The claims were declared for another configuration: here every finding is exploratory.")
    elif is_to_be_judged(record):
        out.append(
            "What follows this run, its controls and the verdict on what was claimed, was cut off or goes on still: "
            "nothing here is judged. To finish it: mesocosm resume, and its folder."
        )
    elif not told.findings and claims_of(record):
        out.append("What was claimed of this run was not judged: it was run without its controls.")
    elif not told.findings:
        out.append("Nothing was claimed of this run: what is shown is exploratory.")
    return out


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
