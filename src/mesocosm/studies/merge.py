"""Several studies as one: each treatment of each is an entry, compared where all were tried alike. No jax.

Nothing is measured anew: the rows that the studies share by task, context and seed are scored as those of one study.
A treatment that two studies have in common (the same cells) is one entry.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mesocosm.record import ConfigurationError
from mesocosm.studies.cell import Cell, Row, spelt_treatment
from mesocosm.studies.study import Study

SLOT = "entry"
ALIKE = ("metric", "unit", "direction", "floor", "minimal_effect")
"""What must be the same in all, or their numbers mean different things."""

Rows = Sequence[tuple[Cell, Row]]


@dataclass(frozen=True)
class Merged:
    """The study that all of them make, its rows, and sentences about what was left out."""

    study: Study
    rows: list[tuple[Cell, Row]]
    notes: list[str]


def merge(several: Sequence[tuple[Study, Rows]], against: str | None = None) -> Merged:
    """One study out of several.

    Args:
      against: the entry that others are compared with; by default the control of the last study.

    Raises:
      ConfigurationError: if they cannot be compared, or there is no such entry; names what.
    """
    studies = [study for study, _ in several]
    names = _names(studies)
    last = studies[-1]
    joined = _joined(
        studies, tuple(dict.fromkeys(names.values())), names[last.name, _control(last)] if against is None else against
    )
    kept, n_left = _rows(several, names, joined)
    notes = [f"{n_left} rows of tasks, contexts or seeds that not all studies have are left out."] if n_left else []
    budgets = {json.dumps(dict(s.budget), sort_keys=True): s for s in studies}
    if len(budgets) > 1:
        told = "; ".join(f"{s.name} {', '.join(f'{v:g} {k}' for k, v in s.budget.items())}" for s in budgets.values())
        notes.append(f"Budgets of a cell differ: {told}.")
    return Merged(joined, kept, notes)


def _joined(studies: Sequence[Study], entries: tuple[str, ...], control: str) -> Study:
    """The study whose one slot holds every entry."""
    first = studies[0]
    _refuse_unlike(studies)
    if control not in entries:
        near = difflib.get_close_matches(control, entries, n=3, cutoff=0.3)
        raise ConfigurationError(
            f"--against {control}: there is no such entry; {'near are' if near else 'there are'} "
            f"{'; '.join(near or entries[:8])}"
        )
    return Study(
        name="-and-".join(study.name for study in studies),
        question=" ".join(dict.fromkeys(study.question for study in studies)),
        tasks=_shared_tasks(studies),
        seeds=_shared_seeds(studies),
        budget=first.budget,
        minimal_effect=first.minimal_effect,
        vary={SLOT: entries},
        contexts=_shared_contexts(studies),
        cluster=first.cluster if all(s.cluster == first.cluster for s in studies) else (),
        against={SLOT: control},
        metric=first.metric,
        unit=first.unit,
        direction=first.direction,
        floor=first.floor,
    )


def _refuse_unlike(studies: Sequence[Study]) -> None:
    first = studies[0]
    for name in ALIKE:
        for other in studies[1:]:
            if getattr(first, name) != getattr(other, name):
                raise ConfigurationError(
                    f"{first.name} and {other.name} cannot be compared: {name} is {getattr(first, name)!r} and "
                    f"{getattr(other, name)!r}; it must be the same"
                )


def _control(study: Study) -> str:
    return _key(_treatments(study)[0])


def _treatments(study: Study) -> list[dict[str, Any]]:
    """Its treatments, the control first; of crossed slots every combination."""
    return replace(study, cross={}, vary=study.cross or study.vary).treatments


def _key(values: Mapping[str, Any]) -> str:
    return json.dumps(values, sort_keys=True)


def _names(studies: Sequence[Study]) -> dict[tuple[str, str], str]:
    """What each treatment of each study is called; the study's name stands before words that would mean two things."""
    if len({study.name for study in studies}) < len(studies):
        raise ConfigurationError(f"studies: two are named alike ({', '.join(s.name for s in studies)})")
    meant: dict[str, set[str]] = {}
    listed = [(s, t, spelt_treatment(t) if t else s.name) for s in studies for t in _treatments(s)]
    for study, treatment, words in listed:
        meant.setdefault(words, set()).add(_meaning(study, treatment))
    return {(s.name, _key(t)): words if len(meant[words]) == 1 else f"{s.name}: {words}" for s, t, words in listed}


def _meaning(study: Study, treatment: Mapping[str, Any]) -> str:
    return _key({"parts": {**study.fixed, **treatment}, "budget": dict(study.budget)})


def _shared_tasks(studies: Sequence[Study]) -> tuple[str, ...]:
    tasks = tuple(name for name in studies[0].tasks if all(name in other.tasks for other in studies))
    if not tasks:
        raise ConfigurationError(f"{', '.join(s.name for s in studies)}: have no task in common, so nothing is paired")
    return tasks


def _shared_contexts(studies: Sequence[Study]) -> dict[str, tuple[Any, ...]]:
    first = studies[0]
    for other in studies[1:]:
        if set(other.contexts) != set(first.contexts):
            raise ConfigurationError(
                f"{first.name} and {other.name} cannot be compared: their contexts are "
                f"{', '.join(first.contexts) or 'tasks alone'} and {', '.join(other.contexts) or 'tasks alone'}"
            )
    out = {
        slot: tuple(v for v in values if all(v in other.contexts[slot] for other in studies))
        for slot, values in first.contexts.items()
    }
    if empty := next((slot for slot, values in out.items() if not values), None):
        raise ConfigurationError(f"{empty}: the studies have no value of it in common")
    return out


def _shared_seeds(studies: Sequence[Study]) -> int | dict[str, int]:
    counts = [study.seeds for study in studies]
    whole = [n for n in counts if isinstance(n, int)]
    if len(whole) == len(counts):
        return min(whole)
    tables = [n for n in counts if not isinstance(n, int)]
    if whole or any(set(n) != set(tables[0]) for n in tables):
        raise ConfigurationError("seeds: one study numbers them, another draws them by part; they share no pairs")
    return {part: min(n[part] for n in tables) for part in tables[0]}


def _rows(
    several: Sequence[tuple[Study, Rows]], names: Mapping[tuple[str, str], str], joined: Study
) -> tuple[list[tuple[Cell, Row]], int]:
    """Rows whose only treatment is the entry, each cell once; and how many have no place."""
    from mesocosm.studies import task

    seeds = {_key(seed) for name in joined.tasks for seed in joined.seeds_of(task.find(name).seed_parts)}
    grid = {_key(context) for context in joined.grid}
    out: dict[str, tuple[Cell, Row]] = {}
    n_left = 0
    for study, rows in several:
        slots = study.cross or study.vary
        for cell, row in rows:
            context = {slot: cell.parts[slot] for slot in joined.contexts}
            if cell.task not in joined.tasks or _key(cell.seed) not in seeds or _key(context) not in grid:
                n_left += 1
                continue
            entry = names[study.name, _key({slot: cell.parts[slot] for slot in slots})]
            out[f"{entry} {cell.identity}"] = replace(cell, parts={SLOT: entry, **context}), row
    return list(out.values()), n_left
