"""What is planned, as plain facts: what they are, and how they are read from a TOML file that says them.

What a file does not say is None, and what rests on it is not checked.
"""

from __future__ import annotations

import difflib
import itertools
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, NamedTuple

from mesocosm.findings.claim import ALPHA
from mesocosm.record import ConfigurationError
from mesocosm.record.configuration import text_of
from mesocosm.record.kinds import is_finite
from mesocosm.review.amounts import number_of
from mesocosm.review.kinds import MOST, NUMBERS, of_kind
from mesocosm.review.prose import ANSWERED, DECLARED, facts_of
from mesocosm.review.reader import Reading, readings
from mesocosm.review.sentences import beyond


class Planned(NamedTuple):
    """A claim: its words where it has any, and for how many replicates it is stated (0: for any number)."""

    name: str
    kind: str
    delta: float
    replicates: int = 0
    direction: int = 1
    unit: str = ""
    sentence: str = ""
    control: str = ""
    statistic: str = ""
    expects: str = "supported"


@dataclass(frozen=True)
class Design:
    """A planned experiment. None: not said.

    Args:
      claims: what is declared; at least the claim that the minimal effect belongs to.
      n: independent replicates, or contexts where there are several; what a test counts.
      effect, sd: what is expected, and the spread between replicates, both in the unit of the minimal effect.
      unit: what is counted as independent.
      comparisons: tests that are made; `correction` is how their number is paid for.
      tuned_on, tested_on: data or worlds; `tuning` is trials by treatment.
      baseline, floor, ceiling: of the metric: what the control reaches, and the ends of the scale.
      failures: what becomes of extinct, diverged and timed-out replicates.
      measured, claimed: (low, high) of what is varied, and of what is spoken about.
      budget: by treatment; `budget_unit` what it counts.
      stopping: when no more replicates are added; `looks` at the outcome, that which judges it among them.
      data_sets: how many there are.
      seeds, tuning_seeds: those used for the outcome, and those that were used to tune.
      is_paired: whether treatment and control share seeds.
      metrics, primary: what is measured, and which of it decides.
      treatments: what each sets, by name; compared with the `control`.
      direction: 1 if more of the metric is better, -1 if less.
      axes: what is varied over contexts, each with its values; `is_map`: nothing else is, and each context is judged.
      in_each: seeds in each context; `cells` of the whole plan; `length` of one, in words.
      own_budgets: treatments that have a budget of their own, and which.
      tasks: what is learnt or lived in, by name.
      lost: (replicates without a value, started), of a run that there is; `sd` is then what it showed.
      worlds: how many there are that were founded (trained, drawn) independently, where `n` counts something else.
      unread: what a file says that is no fact known here, or is too long.
      declared: of prose, the facts that stand in lines of their own; the others are read from sentences, doubtfully.
        None where all are declared.
      texts: all that a file says in words, under which heading; read by the frames of `wording`.
      readings: what is read of each fault: of prose surely or doubtfully, of a file's words surely.
      answered: facts that were asked back; what was read in their place no longer counts.
    """

    name: str
    question: str | None = None
    prediction: str | None = None
    control: str | None = None
    statistic: str | None = None
    minimal_effect: float | None = None
    claims: tuple[Planned, ...] = ()
    n: int | None = None
    effect: float | None = None
    sd: float | None = None
    unit: str | None = None
    comparisons: int | None = None
    correction: str | None = None
    tuned_on: tuple[str, ...] = ()
    tested_on: tuple[str, ...] = ()
    tuning: Mapping[str, float] | None = None
    baseline: float | None = None
    floor: float | None = None
    ceiling: float | None = None
    failures: str | None = None
    measured: tuple[float, float] | None = None
    claimed: tuple[float, float] | None = None
    budget: Mapping[str, float] | None = None
    budget_unit: str | None = None
    stopping: str | None = None
    looks: int | None = None
    worlds: int | None = None
    data_sets: int | None = None
    seeds: tuple[int, ...] = ()
    tuning_seeds: tuple[int, ...] = ()
    is_paired: bool | None = None
    metrics: tuple[str, ...] = ()
    primary: str | None = None
    treatments: Mapping[str, Mapping[str, Any]] | None = None
    direction: int = 1
    axes: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    is_map: bool = False
    in_each: int | None = None
    cells: int | None = None
    length: str = ""
    own_budgets: Mapping[str, str] = field(default_factory=dict)
    tasks: tuple[str, ...] = ()
    lost: tuple[int, int] | None = None
    unread: tuple[str, ...] = ()
    declared: frozenset[str] | None = None
    texts: tuple[tuple[str, str], ...] = ()
    readings: tuple[Reading, ...] = ()
    answered: frozenset[str] = frozenset()

    def is_doubtful(self, fact: str) -> bool:
        """Whether a fact was read from a sentence, not from a line of its own."""
        return self.declared is not None and not {fact, *ALIASES.get(fact, ())} & self.declared

    def in_lines(self) -> Design:
        """Of prose, what stands in lines of their own, or was answered."""
        doubtful = {fact: None for fact in FACTS if getattr(self, fact) is not None and self.is_doubtful(fact)}
        doubtful = {fact: () if isinstance(getattr(self, fact), tuple) else None for fact in doubtful}
        texts = tuple((heading, text) for heading, text in self.texts if heading in FACTS and heading not in doubtful)
        claims = () if "minimal_effect" in doubtful else self.claims
        return replace(self, **doubtful, texts=texts, claims=claims)

    @property
    def n_declared(self) -> int:
        """Among how many claims the 5 % are shared."""
        return max(1, len(self.claims))

    @property
    def confidence(self) -> float:
        """Of each interval, the 5 % shared among what is declared."""
        return 1 - ALPHA / self.n_declared

    @property
    def unsaid(self) -> list[str]:
        """Facts that the plan does not give; of prose, where most are read otherwise, those that a file needs."""
        names = FACTS if self.declared is None else ("prediction", "control", "minimal_effect", "n", "unit")
        return [name for name in names if name != "worlds" and getattr(self, name) in (None, ())]


_NO_FACTS = (
    "name",
    "claims",
    "direction",
    "axes",
    "is_map",
    "in_each",
    "cells",
    "length",
    "own_budgets",
    "tasks",
    "lost",
    "unread",
    "declared",
    "texts",
    "readings",
    "answered",
)
FACTS = tuple(f.name for f in fields(Design) if f.name not in _NO_FACTS)
"""What a TOML file can say, by name: all but its name, its claims, and what only a study or a run has."""


ALIASES: dict[str, tuple[str, ...]] = {
    "question": ("asks", "research_question"),
    "prediction": ("hypothesis", "predicted", "expectation", "expected_outcome"),
    "control": ("comparator", "comparison", "against", "reference", "control_condition", "control_group"),
    "statistic": ("outcome",),
    "minimal_effect": (
        *("delta", "smallest_effect", "smallest_effect_of_interest", "sesoi", "margin", "min_effect"),
        *("minimum_effect", "minimal_difference", "smallest_difference", "smallest_effect_that_matters"),
    ),
    "n": (
        "contexts",
        "replicates",
        "n_replicates",
        "n_seeds",
        "sample_size",
        "samples",
        "number_of_replicates",
        "seeds",
    ),
    "effect": ("expected_effect", "effect_size"),
    "sd": ("spread", "standard_deviation", "std"),
    "unit": (
        *("unit_of_replication", "replication", "unit_of_analysis", "experimental_unit", "replicate", "replicate_unit"),
        *("independent_unit", "independent"),
    ),
    "comparisons": ("tests", "n_tests", "hypotheses", "n_comparisons", "n_hypotheses", "number_of_tests"),
    "correction": ("multiplicity", "multiple_testing", "multiple_comparisons", "adjustment"),
    "tuned_on": ("validation", "tune_on", "tuned_with", "selected_on", "chosen_on", "tuning_data"),
    "tested_on": ("test_on", "test_data", "test_set", "evaluated_on"),
    "failures": ("exclusions", "exclusion", "exclusion_criteria", "missing", "missing_data", "dropouts", "extinctions"),
    "stopping": ("stopping_rule", "stop", "stop_when", "stop_rule", "when_to_stop", "termination"),
    "looks": ("interim_looks", "peeks", "interim_analyses"),
    "data_sets": ("datasets", "data_set", "dataset"),
    "is_paired": ("paired",),
    "metrics": ("measures", "outcomes", "endpoints"),
    "primary": ("primary_metric", "primary_outcome", "primary_endpoint", "primary_measure"),
    "treatments": ("vary", "varies", "arms", "conditions"),
    "worlds": ("n_worlds", "runs", "n_runs", "populations", "trainings", "colonies", "independent_runs"),
}
"""Other words for a fact; the first that a file holds counts."""


def read_toml(path: Path) -> dict[str, Any]:
    """What a TOML file holds.

    Raises:
      ConfigurationError: if it cannot be read.
    """
    try:
        return tomllib.loads(text_of(path, str(path)))
    except (ValueError, RecursionError) as error:  # a TOMLDecodeError is a ValueError
        raise ConfigurationError(f"{path}: cannot be read as TOML ({error})") from None


def of_facts(path: Path, values: Mapping[str, Any]) -> Design:
    """The plan that a TOML file says. A fact may stand at the top or in a table of any name; the outermost counts.

    Raises:
      ConfigurationError: if a fact is of the wrong kind.
    """
    facts: dict[str, Any] = {"name": path.stem}
    declared, answered = values.get(DECLARED), frozenset(values.get(ANSWERED, ()))
    values = _put_right({k: v for k, v in values.items() if k not in (DECLARED, ANSWERED)})
    texts = _texts(values)
    for name in FACTS:
        for word in (name, *ALIASES.get(name, ())):
            value = _found(values, word)
            if value is not None:
                facts[name] = of_kind(path, word, name, value)
                break
    facts["claims"] = _claims(path, values, facts.get("minimal_effect"))
    said = frozenset(declared) if isinstance(declared, list) else None
    if said is None:
        read = tuple(r for r in readings(*(t for head, t in texts if head != "question")) if r.is_sure)
    else:
        read = tuple(readings(str(values.get("text", ""))))
    unread = _unread(path, values) + tuple(filter(None, (beyond(*each) for each in texts)))
    return Design(**facts, unread=unread, declared=said, texts=texts, readings=read, answered=answered)


def facts(name: str = "plan", **values: Any) -> Design:
    """A plan from Python, the same facts as in a file: `review(facts(question="...", n=32)).words()`.

    Raises:
      ConfigurationError: if a fact is of the wrong kind, or nearly one.
    """
    return of_facts(Path(name), values)


def of_prose(path: Path) -> Design:
    """The plan that a text in plain words says.

    Raises:
      ConfigurationError: if a line gives a fact of the wrong kind.
    """
    said = facts_of(text_of(path, str(path)), WORDS)
    return of_facts(path, {k: _plain(k, v) for k, v in said.items()})


def _plain(word: str, value: Any) -> Any:
    """A line of prose as the number that a fact needs, where it is one."""
    name = next((name for name in FACTS if word in (name, *ALIASES.get(name, ()))), word)
    if isinstance(value, str) and name in NUMBERS and (found := re.match(r"[-+]?\d+(?:\.\d+)?", value)):
        return float(found[0])
    return value


def value_of(fact: str, said: str) -> Any:
    """What a person types, as the kind of value that a fact has: a number where one is needed, else words."""
    if fact in NUMBERS and (found := re.match(r"\s*([-+]?\d*\.?\d+)\s*(%?)", said)):
        return float(found[1]) / (100 if found[2] else 1)
    if fact in ("n", "looks", "comparisons", "worlds", "data_sets") and (n := number_of(said)) is not None:
        return n
    return said


def _put_right(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """A baseline that is named is the control; a count with its noun (`32 worlds`) tells the unit, too."""
    out = dict(values)
    if isinstance(out.get("baseline"), str):
        out.setdefault("control", out.pop("baseline"))
    for word in ("n", *ALIASES["n"]):
        said = out.get(word)
        if isinstance(said, str) and (n := number_of(said)) is not None:
            out[word] = n
            if noun := re.sub(r"^\W*(?:n ?= ?)?[\w,]+\s*", "", said).strip(" ."):
                out.setdefault("unit", noun)
    for word in ("looks", *ALIASES["looks"], "comparisons", *ALIASES["comparisons"], "worlds", *ALIASES["worlds"]):
        if isinstance(out.get(word), str):
            if (n := number_of(out[word])) is not None:
                out[word] = n
            else:  # in words alone: it is read as such
                del out[word]
    return out


def _texts(values: Mapping[str, Any], heading: str = "") -> tuple[tuple[str, str], ...]:
    """All that is said in words: under the fact that it is said of, or the word that the author chose."""
    out: list[tuple[str, str]] = []
    for word, value in values.items():
        name = next((name for name in FACTS if word in (name, *ALIASES.get(name, ()))), heading or str(word))
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str):
                out.append((name, text))
            elif isinstance(text, Mapping):
                out += _texts(text, name)
    return tuple(out)


def _unread(path: Path, values: Mapping[str, Any]) -> tuple[str, ...]:
    """What is said under words that are no facts.

    Raises:
      ConfigurationError: for a word that is nearly one: a fact that is not read is taken for one that is not given.
    """
    known = {*WORDS, *_OPEN, "name", "title", "tasks"}
    out = []
    for word, value in values.items():
        if word in known or (word in PROSE and not isinstance(value, Mapping)):
            continue
        if near := difflib.get_close_matches(word.lower().replace("-", "_"), known, n=1, cutoff=0.8):
            raise ConfigurationError(f"{path}: {word}: there is no such fact. Did you mean {near[0]}?")
        out += _unread(path, value) if isinstance(value, Mapping) else [word]
    return tuple(out)


def _found(values: Mapping[str, Any], word: str) -> Any:
    """The value under a word: here, or else in the first table that has it."""
    if word in values:
        return values[word]
    inner = (_found(v, word) for k, v in values.items() if isinstance(v, Mapping) and k not in _OPEN)
    return next((v for v in inner if v is not None), None)


WORDS = {*FACTS, *itertools.chain.from_iterable(ALIASES.values())}
"""All words under which a fact can be said."""
PROSE = (
    *(
        "text",
        "description",
        "design",
        "method",
        "methods",
        "analysis",
        "procedure",
        "protocol",
        "plan",
        "notes",
        "note",
    ),
    *("background", "details", "preprocessing", "evaluation", "experiment", "setup", "remarks", "limits", "conclusion"),
    *("treatment", "intervention", "scope", "sampling", "data", "model", "training", "selection", "reporting"),
)
"""Headings of what is told in words; it is read as such."""
_OPEN = ("treatments", "vary", "varies", "arms", "contexts", "budget", "tuning", "claims")
"""Tables whose keys are names given by the author, not facts."""


def _claims(path: Path, values: Mapping[str, Any], delta: float | None) -> tuple[Planned, ...]:
    listed = values.get("claims", [])
    rows = listed.items() if isinstance(listed, Mapping) else enumerate(listed) if isinstance(listed, list) else ()
    out = []
    for key, row in rows:
        if not isinstance(row, Mapping):
            row = {"name": str(row)}
        bound = row.get("delta", delta if delta is not None else 0.0)
        if not is_finite(bound):
            raise ConfigurationError(f"{path}: claims.{key}.delta = {bound!r}: must be a finite number")
        n = row.get("replicates", 0)
        if not isinstance(n, int) or not 0 <= n <= MOST:
            raise ConfigurationError(
                f"{path}: claims.{key}.replicates = {n!r:.40}: must be a whole number in 0 ... {MOST}"
            )
        words = {k: str(row[k]) for k in ("unit", "sentence", "control", "statistic") if k in row}
        direction = -1 if row.get("direction") == -1 else 1
        out.append(
            Planned(str(row.get("name", key)), str(row.get("kind", "mean")), float(bound), n, direction, **words)
        )
    return tuple(out) or ((Planned("effect", "mean", delta),) if delta is not None else ())
