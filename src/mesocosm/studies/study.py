"""What is asked across many cells: what is swapped, in which contexts, with which seeds, and how it is judged. No jax.

In Python a `Study`; as a file the same fields in TOML. Either is refused by name and value before anything runs.
"""

from __future__ import annotations

import itertools
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from mesocosm.record import ConfigurationError
from mesocosm.record.configuration import digest
from mesocosm.record.kinds import is_finite
from mesocosm.studies import component, content, task
from mesocosm.studies.cell import Cell

MOST_CELLS = 1_000_000
"""Above this a grid is taken for a slip of the pen: its cells would fill gigabytes."""
MOST_SEEDS = 100_000
LONGEST_NAME = 100
"""Bytes: the name of a table is that of a file."""


@dataclass(frozen=True)
class Study:
    """A question put to a grid of cells.

    Args:
      name: one word; names the tables.
      question, prediction, control: in words, before anything is run.
      tasks: `family/instance` each; what is counted as independent where there are several (data sets, experiments).
      vary: the treatments: for each slot its values. Empty where the effect is the metric itself, mapped over contexts.
      contexts: the other slots, each with its values: the grid in which every treatment is tried.
      cross: instead of `vary`: slots of which each in turn is swapped while all others range over contexts.
      cluster: slots (or `task`) in which contexts must differ to be independent; by default the task where there are
        several, else the slots of `contexts`. Contexts that agree in them, whatever else they are, count once.
      fixed: parts that all cells have.
      against: the treatment that others are compared with, by slot; the first values if not given.
      seeds: a number, or a number by part (`{data = 2, initial = 5}`, crossed).
      budget: by unit, `{ticks = 1500}`.
      minimal_effect: the smallest difference in the metric that matters.
      direction: 1 if more is better, -1 if less.
      floor: the value of a cell that failed; without one it has none, and is counted.
      metric: what is measured, in words, and its `unit`.
      limits: for one batch: `seconds` of wall time (a safety net) and `megabytes` resident.
      components: Python files that define components, beside the study.
    """

    name: str
    question: str
    tasks: tuple[str, ...]
    seeds: int | Mapping[str, int]
    budget: Mapping[str, float]
    minimal_effect: float
    vary: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    contexts: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    cross: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    cluster: tuple[str, ...] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict)
    against: Mapping[str, Any] = field(default_factory=dict)
    prediction: str = ""
    control: str = ""
    metric: str = "the metric"
    unit: str = ""
    direction: int = 1
    floor: float | None = None
    limits: Mapping[str, float] = field(default_factory=dict)
    components: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for sentence in itertools.chain(self._wrong(), self._wrong_in_the_grid()):
            raise ConfigurationError(sentence)

    def _wrong(self) -> Iterator[str]:
        is_word = self.name and all(c.isalnum() or c in "-_" for c in self.name) and self.name[0].isalpha()
        if not is_word or len(self.name.encode()) > LONGEST_NAME:
            yield f"name = {self.name!r:.80}: must be one word of letters, digits, - and _, {LONGEST_NAME} at most"
        if not self.question:
            yield "question: is missing; say in one sentence what is asked"
        if not self.tasks:
            yield "tasks = []: must name at least one task, for example experiment/chemotaxis"
        if len(set(self.tasks)) < len(self.tasks):
            yield f"tasks = {list(self.tasks)!r:.200}: names a task twice"
        for counted, n in self.seeds.items() if isinstance(self.seeds, Mapping) else [("", self.seeds)]:
            if not isinstance(n, int) or isinstance(n, bool) or not 1 <= n <= MOST_SEEDS:
                yield f"seeds{'.' * bool(counted)}{counted} = {n!r:.40}: must be a whole number in 1 ... {MOST_SEEDS}"
        for unit, amount in self.budget.items():
            if not is_finite(amount) or amount <= 0:
                yield f"budget.{unit} = {amount!r:.60}: must be a number above 0"
        if not is_finite(self.minimal_effect) or self.minimal_effect < 0:
            yield f"minimal_effect = {self.minimal_effect!r:.60}: must be a number, 0 or more"
        if self.direction not in (1, -1):
            yield f"direction = {self.direction!r}: must be 1 (more is better) or -1"
        if self.floor is not None and not is_finite(self.floor):
            yield f"floor = {self.floor!r:.60}: must be a finite number, or left out"
        for name, amount in self.limits.items():
            if name not in ("seconds", "megabytes") or not is_finite(amount) or amount <= 0:
                yield f"limits.{name} = {amount!r:.60}: limits are seconds and megabytes, each a number above 0"

    def _wrong_in_the_grid(self) -> Iterator[str]:
        for where in ("vary", "contexts", "cross"):
            for slot, values in getattr(self, where).items():
                if not isinstance(values, tuple | list) or not values:
                    yield f"{where}.{slot} = {values!r:.80}: must be a list of values, at least one"
                elif len({repr(v) for v in values}) < len(values):
                    yield f"{where}.{slot} = {list(values)!r:.200}: names a value twice"
        for where in ("vary", "contexts", "cross", "fixed", "against"):
            for slot, value in getattr(self, where).items():
                if not _is_plain(value):
                    yield f"{where}.{slot} = {value!r:.80}: must be finite numbers, texts, true, false, or lists"
        twice = [s for s in {*self.vary, *self.contexts, *self.cross, *self.fixed} if self._places(s) > 1]
        if twice:
            yield f"{sorted(twice)[0]}: stands in more than one of vary, contexts, cross and fixed; it has one place"
        if self.cross and self.vary:
            yield "vary and cross: a study has one of them; what is varied under either is a treatment"
        swapped = {**self.vary, **self.cross}
        for slot, value in self.against.items():
            if slot not in swapped or value not in list(swapped[slot]):
                yield f"against.{slot} = {value!r:.80}: must be one of the values under vary.{slot} or cross.{slot}"
        if (n := self.n_cells) > MOST_CELLS:
            yield f"the grid has {n} cells: must be at most {MOST_CELLS}; take fewer values"
        for slot in self.cluster:
            if slot != "task" and slot not in self.contexts:
                yield f"cluster = {slot}: must be task or a slot under contexts ({', '.join(self.contexts) or 'none'})"

    @property
    def n_cells(self) -> int:
        """How many cells the grid has, without making them."""
        n_seeds = self.seeds if isinstance(self.seeds, int) else math.prod(self.seeds.values())
        slots = [*self.vary.values(), *self.contexts.values(), *self.cross.values()]
        return len(self.tasks) * math.prod(map(len, slots)) * n_seeds

    def _places(self, slot: str) -> int:
        return sum(slot in where for where in (self.vary, self.contexts, self.cross, self.fixed))

    @property
    def independent(self) -> tuple[str, ...]:
        """The slots of a context, `task` among them, that tell clusters apart."""
        return self.cluster or (("task",) if len(self.tasks) > 1 else tuple(self.contexts))

    @cached_property
    def views(self) -> dict[str, Study]:
        """The comparisons that this study makes: itself, or one for each crossed slot, all on the same cells."""
        if not self.cross:
            return {self.name: self}
        out = {}
        for slot, values in self.cross.items():
            others = {s: v for s, v in self.cross.items() if s != slot}
            changes: dict[str, Any] = {"cross": {}, "vary": {slot: values}, "contexts": {**self.contexts, **others}}
            changes["against"] = {s: v for s, v in self.against.items() if s == slot}
            out[slot] = replace(self, name=f"{self.name}-{slot.split('.')[-1]}", cluster=self.independent, **changes)
        return out

    @property
    def treatments(self) -> list[dict[str, Any]]:
        """Every combination of what is varied; the one that others are compared with comes first."""
        grid = [dict(zip(self.vary, values, strict=True)) for values in itertools.product(*self.vary.values())]
        first = {slot: self.against.get(slot, values[0]) for slot, values in self.vary.items()}
        return sorted(grid, key=lambda treatment: treatment != first)

    @property
    def grid(self) -> list[dict[str, Any]]:
        """Every combination of the contexts' slots, tasks aside."""
        return [dict(zip(self.contexts, values, strict=True)) for values in itertools.product(*self.contexts.values())]

    def seeds_of(self, parts: Sequence[str]) -> list[dict[str, int]]:
        """The seeds of a task whose parts are drawn separately.

        Raises:
          ConfigurationError: for a part that the task does not have.
        """
        if isinstance(self.seeds, int):
            return [dict.fromkeys(parts, i) for i in range(self.seeds)]
        for name in self.seeds:
            if name not in parts:
                raise ConfigurationError(f"seeds.{name}: there is no such part; there are {', '.join(parts)}")
        ranges = [range(self.seeds.get(name, 1)) for name in parts]
        return [dict(zip(parts, values, strict=True)) for values in itertools.product(*ranges)]

    @cached_property
    def cells(self) -> list[Cell]:
        """All cells, in order of task, context, treatment, seed.

        Raises:
          ConfigurationError: for a task, slot, component or value that is not permitted.
        """
        if self.cross:
            return next(iter(self.views.values())).cells
        out = []
        for name in self.tasks:
            found = task.find(name)
            for context, treatment in itertools.product(self.grid, self.treatments):
                parts = {**context, **treatment}
                found.check({**self.fixed, **parts}, self.budget)
                one = Cell(name, parts, {}, self.budget, fixed=self.fixed)
                one = replace(one, versions=task.versions_of(one))
                out += [replace(one, seed=seed) for seed in self.seeds_of(found.seed_parts)]
        return out

    def to_dict(self) -> dict[str, Any]:
        """All fields as plain values."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}

    @property
    def identity(self) -> str:
        """SHA-256 of all that is declared; what it costs to run (limits) aside."""
        return digest({k: v for k, v in self.to_dict().items() if k not in ("limits", "components")})


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, tuple | list) else value


def _is_plain(value: Any, depth: int = 0) -> bool:
    """What JSON can hold, and with it the identity of a cell."""
    if depth > 16:
        return False
    if isinstance(value, Mapping):
        return all(isinstance(k, str) and _is_plain(v, depth + 1) for k, v in value.items())
    if isinstance(value, list | tuple):
        return all(_is_plain(v, depth + 1) for v in value)
    return value is None or isinstance(value, str | bool) or is_finite(value)


_KINDS: dict[str, tuple[type | tuple[type, ...], str]] = {
    **dict.fromkeys(("name", "question", "prediction", "control", "metric", "unit"), (str, "a text")),
    **dict.fromkeys(("tasks", "components", "cluster"), (list, "a list of texts")),
    **dict.fromkeys(("vary", "contexts", "cross", "fixed", "against", "budget", "limits"), (dict, "a table")),
    "seeds": ((int, dict), "a whole number, or a table of them by part"),
}


def from_dict(values: Mapping[str, Any], source: str = "study") -> Study:
    """A study from plain values; `source` names the file in messages.

    Raises:
      ConfigurationError: for a field that is unknown, missing, or of the wrong kind.
    """
    import difflib

    known = [f.name for f in fields(Study)]
    for key, value in values.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            hint = f"Did you mean {near[0]}?" if near else f"Known here: {', '.join(known)}."
            raise ConfigurationError(f"{source}: {key}: there is no such field. {hint}")
        kind, words = _KINDS.get(key, (object, ""))
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ConfigurationError(f"{source}: {key} = {value!r:.80}: must be {words or 'a number'}")
        if kind is list and not all(isinstance(item, str) for item in value):
            raise ConfigurationError(f"{source}: {key} = {value!r:.80}: must be a list of texts")
    for key in ("name", "question", "tasks", "seeds", "budget", "minimal_effect"):
        if key not in values:
            raise ConfigurationError(f"{source}: {key}: is missing")
    given: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
    for key in ("vary", "contexts", "cross"):
        table = given.get(key, {})
        given[key] = {slot: tuple(v) if isinstance(v, list) else v for slot, v in table.items()}
    try:
        return Study(**given)
    except ConfigurationError as error:
        raise ConfigurationError(f"{source}: {error}") from None


def read(path: Path) -> Study:
    """The study in a TOML file; the components that it names are loaded.

    Raises:
      ConfigurationError: if it cannot be read, or says what is not permitted.
    """
    try:
        raw = content.read_plain(path, follow=True)
        values = tomllib.loads(raw.decode("utf-8-sig"))  # some editors begin with a byte order mark
    except (OSError, ValueError, RecursionError) as error:  # a TOMLDecodeError is a ValueError
        raise ConfigurationError(f"{path}: cannot be read as TOML ({error})") from None
    study = from_dict(values, str(path))
    for file in study.components:
        component.load_file(path.parent / file)
    return study
