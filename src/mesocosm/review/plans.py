"""Where plans are found: an experiment by its name, a declaration in a Python file, a study or facts in TOML, a run."""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from scipy.special import stdtrit

from mesocosm.findings.claim import Claim, Finding
from mesocosm.protocol.declaration import Declaration
from mesocosm.protocol.registry import declaration, is_known, names
from mesocosm.record import ConfigurationError, MesocosmError, Record, load
from mesocosm.record.header import HEADER
from mesocosm.review.design import Design, Planned, of_facts, of_prose, read_toml
from mesocosm.studies import component
from mesocosm.studies.cell import spelt, spelt_treatment
from mesocosm.studies.study import Study, from_dict

STUDY = ("tasks", "seeds", "budget", "minimal_effect")
"""What a TOML file holds if it is a study, and not facts about one."""


def read_design(name: str) -> Design:
    """The plan of this name, or in this file or run folder.

    Raises:
      ConfigurationError: if there is none, or it cannot be read; names what is wrong.
    """
    path = Path(name)
    if name in names():
        return design_of(declaration(name))
    for folder in (path, Path("runs") / name):
        if (folder / HEADER).is_file():
            return design_of_run(load(folder))
    if is_known(name):
        return design_of(declaration(name))
    if not path.is_file():
        raise ConfigurationError(
            f"{name}: is neither a file nor an experiment; name a study in TOML, a Python file with a Declaration, "
            f"a run folder, or one of {', '.join(names())}"
        )
    if path.suffix in (".md", ".txt"):
        return of_prose(path)
    values = read_toml(path)
    if "tasks" in values and sum(word in values for word in STUDY) >= len(STUDY) - 1:  # a word may be misspelt
        return design_of_study(from_dict(values, str(path)))
    return of_facts(path, values)


def design_of(declared: Declaration, replicates: int | None = None) -> Design:
    """The plan of an experiment as it is declared; pairing, correction, failures and unit are the house's own rules."""
    try:
        configuration = declared.configuration()
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"{declared.name}: its configuration has no default ({error})") from None
    n = replicates or configuration.replicates
    words = (declared.question, declared.prediction, declared.control)
    return _of_claims(declared.name, words, declared.claims, n, f"{configuration.ticks:,} ticks")


def design_of_run(run: Record) -> Design:
    """The plan of a run as it was declared, with the spread that it showed."""
    said = run.header.get("declaration", {})
    words = tuple(said.get(word, "") for word in ("question", "prediction", "control"))
    claims = [Claim.from_dict(values) for values in said.get("claims", [])]
    design = _of_claims(run.folder.name, words, claims, run.replicates, f"{run.tick:,} ticks")
    found = next((f for f in map(Finding.from_dict, run.findings) if claims and f.name == claims[0].name), None)
    if found is None:
        return design
    return replace(design, sd=_spread(found), lost=(found.n_started - found.n_used, found.n_started))


def _spread(found: Finding) -> float | None:
    """Between replicates, out of the width of the interval; of logarithms for a ratio."""
    if found.kind == "fraction" or found.low is None or found.high is None or found.n_used < 2:
        return None
    ends = [math.log(v) if found.kind == "ratio" else v for v in (found.low, found.high)]
    half = float(stdtrit(found.n_used - 1, (1 + found.confidence) / 2))
    return (ends[1] - ends[0]) / 2 / half * math.sqrt(found.n_used) or None


def _of_claims(name: str, words: Sequence[str], claims: Sequence[Claim], n: int, length: str) -> Design:
    first = claims[0] if claims else None
    planned = [
        Planned(
            c.name, c.kind, c.delta, c.replicates, c.direction, c.unit, c.sentence, c.control, c.statistic, c.expects
        )
        for c in claims
    ]
    return Design(
        name=name,
        question=words[0],
        prediction=words[1],
        control=words[2],
        statistic=first.statistic if first else None,
        minimal_effect=first.delta if first else None,
        claims=tuple(planned),
        n=n,
        unit="replicate",
        comparisons=len(claims) or None,
        correction="simultaneous intervals, Holm",
        failures="rows with a status",
        stopping="fixed",
        is_paired=True,
        direction=first.direction if first else 1,
        cells=n,
        length=length,
    )


def design_of_study(study: Study) -> Design:
    """The plan of a study; pairing, failures, and Holm within each table are the house's own rules."""
    views = list(study.views.values())
    is_map = not (study.vary or study.cross)
    n_seeds = study.seeds if isinstance(study.seeds, int) else math.prod(study.seeds.values())
    n_contexts = len(study.tasks) * len(study.grid)
    n_treatments = math.prod(len(values) for values in (study.cross or study.vary).values())
    control = study.control or "; ".join(spelt_treatment(view.treatments[0]) for view in views if view.vary)
    metric = study.metric
    claim = Planned("effect", "mean", study.minimal_effect, 0, study.direction, study.unit, metric, control, metric)
    return Design(
        name=study.name,
        question=study.question,
        prediction=study.prediction or None,
        control=control or None,
        statistic=metric,
        minimal_effect=study.minimal_effect,
        claims=(claim,),
        n=_n_independent(study),
        unit="task" if study.independent == ("task",) else "context",
        comparisons=n_contexts if is_map else sum(len(view.treatments) - 1 for view in views),
        correction=None if is_map else "Holm, within each table",
        floor=study.floor,
        failures="score the floor" if study.floor is not None else "rows with a status, counted and not scored",
        budget_unit=", ".join(study.budget),
        stopping="fixed",
        data_sets=len(study.tasks) if all(name.startswith("swap/") for name in study.tasks) else None,
        seeds=tuple(range(study.seeds)) if isinstance(study.seeds, int) else (),
        is_paired=True,
        metrics=(metric,),
        primary=metric,
        treatments=_alone(study) if len(study.vary) == 1 else _crossed(views),  # crossed slots are not confounded
        direction=study.direction,
        axes=study.contexts if is_map else {},
        is_map=is_map,
        in_each=n_seeds,
        cells=n_contexts * n_treatments * n_seeds,
        length=", ".join(f"{v:,g} {k}" for k, v in study.budget.items()),
        own_budgets=dict(_own_budgets(study)),
        tasks=study.tasks,
    )


def _n_independent(study: Study) -> int:
    slots = study.independent
    return math.prod(len(study.tasks) if slot == "task" else len(study.contexts[slot]) for slot in slots)


def _crossed(views: Sequence[Study]) -> dict[str, dict[str, Any]] | None:
    """Each value of each slot under its slot's name, the control of each slot left out."""
    out = {f"{s} {spelt(v)}": {s: v} for w in views for t in w.treatments[1:] for s, v in t.items()}
    return out or None


def _alone(study: Study) -> dict[str, dict[str, Any]]:
    """What each treatment of the one slot sets; another part in place of the control's is one change."""
    base = _flat(study.treatments[0])
    (slot,) = study.vary
    out = {}
    for treatment in study.treatments:
        own = _flat(treatment)
        if _with_defaults(slot, treatment) == _with_defaults(slot, study.treatments[0]):
            own = base  # written otherwise, the same part
        out[spelt_treatment(treatment)] = own if own[slot] == base[slot] else {**base, slot: own[slot]}
    return out


def _with_defaults(slot: str, treatment: Mapping[str, Any]) -> Any:
    """A part with all that it takes, where it is known here; else as it is written."""
    import_module("mesocosm.studies.learners")  # those that come with the project are known by it
    value = treatment[slot]
    try:
        part, given = component.find(slot, value)
        taken = inspect.signature(part.make).bind(**given)
        taken.apply_defaults()
        return part.name, dict(taken.arguments)
    except (MesocosmError, TypeError, ValueError):
        return value


def _flat(treatment: Mapping[str, Any]) -> dict[str, Any]:
    """What a treatment sets: a part and its arguments, or a plain value."""
    ((slot, value),) = treatment.items()
    if isinstance(value, Mapping) and "component" in value:
        return {slot: value["component"], **{k: v for k, v in value.items() if k != "component"}}
    return {slot: value}


def _own_budgets(study: Study) -> Sequence[tuple[str, str]]:
    """Parts that take a budget as an argument, beside that of the study."""
    values = itertools.chain.from_iterable({**study.vary, **study.cross}.values())
    out = []
    for value in values:
        arguments = value.items() if isinstance(value, Mapping) else ()
        out += [(spelt(value), f"{k} = {spelt(v)}") for k, v in arguments if any(u in k for u in _UNITS)]
    return out


_UNITS = ("seconds", "minutes", "hours", "steps", "epochs", "trials", "evaluations", "iterations", "budget")
