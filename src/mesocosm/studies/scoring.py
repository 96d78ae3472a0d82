"""From rows to a table: a pure function with a version. NumPy and SciPy, no jax.

A *context* is a task with what stands in its other slots. A *cluster* is what is counted as independent: the contexts
that agree in `Study.independent`, by default the task where there are several, else each context alone. In each context
a treatment is compared with the control seed by seed.

Two intervals stand beside each effect. The one over *fixed contexts* says how well the mean over these very contexts
is known, only seeds being drawn (degrees of freedom after Satterthwaite, 1946). The other, the headline, takes clusters
for a sample of those that could have been chosen: the interval of `findings` over the means of clusters.
What is said of two treatments never depends on a third; only the adjusted p and the Hodge scores do, and say so.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import stdtrit

from mesocosm.findings import Claim, Finding, holm, judge
from mesocosm.findings.hodge import hodge, square_without_noise
from mesocosm.findings.intervals import in_unit, unit_of
from mesocosm.findings.outcomes import plain
from mesocosm.studies import task
from mesocosm.studies.cell import STATUSES, Cell, Row, spelt, spelt_treatment
from mesocosm.studies.shares import shares
from mesocosm.studies.study import Study
from mesocosm.studies.table import ContextEffect, Effect, LevelEffect, Ranking, Table

VERSION = 5
"""Changes whenever the same rows would give another table."""


def _key(parts: Mapping[str, Any]) -> str:
    return json.dumps(parts, sort_keys=True)


@dataclass(frozen=True)
class _Grid:
    """Values as arrays.

    Args:
      values: [contexts, treatments, seeds]; NaN where there is none.
      rows: [contexts, treatments, seeds], whether a row is there.
      failed: [contexts, treatments, seeds], index into STATUSES, -1 without a row.
      contexts: task and parts.
    """

    values: np.ndarray
    rows: np.ndarray
    status: np.ndarray
    contexts: list[dict[str, Any]]
    treatments: list[dict[str, Any]]


def _grid(study: Study, rows: Sequence[tuple[Cell, Row]]) -> _Grid:
    """Rows that the study asks for, in the order in which it asks; a cell that is there twice counts once."""
    contexts = [{"task": name, **context} for name in study.tasks for context in study.grid]
    treatments = study.treatments
    where = {_key(c): i for i, c in enumerate(contexts)}
    which = {_key(t): i for i, t in enumerate(treatments)}
    seeds: dict[str, int] = {}
    for name in study.tasks:
        for seed in study.seeds_of(task.find(name).seed_parts):
            seeds.setdefault(_key(seed), len(seeds))
    shape = (len(contexts), len(treatments), len(seeds))
    total, count, status = np.zeros(shape), np.zeros(shape), np.full(shape, -1)
    for cell, row in rows:
        context = {"task": cell.task} | {s: v for s, v in cell.parts.items() if s in study.contexts}
        at = (
            where.get(_key(context)),
            which.get(_key({s: v for s, v in cell.parts.items() if s in study.vary})),
            seeds.get(_key(cell.seed)),
        )
        if None in at:
            continue  # of another study
        status[at] = max(status[at], STATUSES.index(row.status))
        has_none = row.final is None and row.status != "skipped"  # what could not be had has not failed
        value = study.floor if has_none else row.final
        if value is not None:
            total[at] += value
            count[at] += 1
    with np.errstate(invalid="ignore"):
        values = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return _Grid(values, status >= 0, status, contexts, treatments)


def scores(study: Study, rows: Sequence[tuple[Cell, Row]]) -> dict[str, Table]:
    """The table of each view of a study: of itself, or of each crossed slot."""
    return {name: score(view, rows) for name, view in study.views.items()}


def score(study: Study, rows: Sequence[tuple[Cell, Row]]) -> Table:
    """The table of one comparison from the rows that are there, in whatever order."""
    grid = _grid(study, rows)
    cluster, clusters = _clusters(study, grid)
    if study.vary:
        names = map(spelt_treatment, grid.treatments)
        compared = [(name, _less(grid.values[:, k], grid.values[:, 0])) for k, name in enumerate(names)][1:]
        index = list(range(1, len(grid.treatments)))
    else:
        compared, index = [(study.metric, grid.values[:, 0])], [0]
    n_all = len(grid.contexts) * len(compared)
    effects = [_effect(study, grid, clusters, *pair, k, n_all) for pair, k in zip(compared, index, strict=True)]
    adjusted = holm([1.0 if e.finding.p is None else e.finding.p for e in effects]) if effects else []
    effects = [
        dataclasses.replace(e, p_adjusted=None if e.finding.p is None else float(a))
        for e, a in zip(effects, adjusted, strict=True)
    ]
    statuses = {s: int((grid.status == k).sum()) for k, s in enumerate(STATUSES) if (grid.status == k).any()}
    had = _had(grid)
    factors = {"task": len(study.tasks)} if len(study.tasks) > 1 else {}
    factors |= {slot: len(values) for slot, values in {**study.contexts, **study.vary}.items()}
    if len(study.vary) == 1:
        factors[next(iter(study.vary))] = len(had.treatments)
    found, notes = shares(_ordered(study, had), factors)
    if absent := [spelt_treatment(t) for t in grid.treatments if t not in had.treatments]:
        notes.append(f"Skipped everywhere, so neither ranked nor part of the variance: {', '.join(absent)}.")
    if not grid.rows.all():
        notes = [f"{int((~grid.rows).sum())} of {grid.rows.size} cells are not measured yet.", *notes]
    if study.floor is None and (n := int((grid.rows & ~np.isfinite(grid.values)).sum())):
        notes.append(f"{n} of {int(grid.rows.sum())} rows have no value (extinct, failed): counted, not scored.")
    if cluster == "cluster":
        words = " and ".join(study.independent)
        notes.append(f"Counted as independent: combinations of {words}; contexts that agree in them are one cluster.")
    if not study.vary and cluster == "context":
        notes.append("Contexts are a grid chosen beforehand: the interval over contexts speaks of these levels only.")
    ranking = _ranking(study, had) if len(had.treatments) > 1 else None
    n_clusters = len(set(clusters.tolist()))
    n = grid.rows.size
    return Table(VERSION, n, int(grid.rows.sum()), statuses, cluster, n_clusters, effects, found, ranking, notes)


def _had(grid: _Grid) -> _Grid:
    """Without treatments of which every row was skipped: they could not be had, and say nothing of the others."""
    kept = ~(grid.status == STATUSES.index("skipped")).all(axis=(0, 2))
    if not kept.any():
        return grid
    treatments = [t for t, keep in zip(grid.treatments, kept, strict=True) if keep]
    return _Grid(grid.values[:, kept], grid.rows[:, kept], grid.status[:, kept], grid.contexts, treatments)


@dataclass(frozen=True)
class Pair:
    """Treatment `a` less treatment `b` over clusters; `wins` as in `Effect`; p after Holm over all pairs."""

    a: str
    b: str
    finding: Finding
    wins: float | None


def pairs(study: Study, rows: Sequence[tuple[Cell, Row]]) -> list[Pair]:
    """Every treatment against every later one, in the order of the study."""
    grid = _grid(study, rows)
    clusters = _clusters(study, grid)[1]
    out = []
    for a, b in itertools.combinations(range(len(grid.treatments)), 2):
        own, other = spelt_treatment(grid.treatments[a]), spelt_treatment(grid.treatments[b])
        claim = dataclasses.replace(_claim(study, own, other), declared=False)
        difference = _less(grid.values[:, a], grid.values[:, b])
        finding = _over_clusters(claim, np.array([_mean(row) for row in difference]), clusters)
        won = [w for row in difference if (w := _wins(row, study.direction)) is not None]
        out.append(Pair(own, other, finding, float(np.mean(won)) if won else None))
    adjusted = holm([1.0 if pair.finding.p is None else pair.finding.p for pair in out]).tolist()
    told = [None if pair.finding.p is None else p for pair, p in zip(out, adjusted, strict=True)]
    return [
        dataclasses.replace(pair, finding=dataclasses.replace(pair.finding, p_adjusted=p))
        for pair, p in zip(out, told, strict=True)
    ]


def _less(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a - b; NaN where it leaves the range of floats, as where there is none."""
    with np.errstate(over="ignore", invalid="ignore"):
        difference = a - b
    return np.where(np.isfinite(difference), difference, np.nan)


def _wins(difference: np.ndarray, direction: int) -> float | None:
    """Share of the values above 0 in this direction, ties half."""
    used = difference[np.isfinite(difference)]
    return float(np.mean(np.where(used == 0, 0.5, direction * used > 0))) if used.size else None


def _clusters(study: Study, grid: _Grid) -> tuple[str, np.ndarray]:
    """What a cluster is called, and the cluster of each context [contexts]."""
    slots = study.independent
    keys = [_key({slot: context[slot] for slot in slots}) for context in grid.contexts]
    numbers = {key: k for k, key in enumerate(dict.fromkeys(keys))}
    is_all = set(study.contexts) <= set(slots) and (len(study.tasks) == 1 or "task" in slots)
    name = "task" if slots == ("task",) else "context" if is_all else "cluster"
    return name, np.array([numbers[key] for key in keys])


def _ordered(study: Study, grid: _Grid) -> np.ndarray:
    """Values [contexts, treatments in the order in which `vary` lists them, seeds]."""
    listed = [_key(dict(zip(study.vary, v, strict=True))) for v in itertools.product(*study.vary.values())]
    place = {_key(t): k for k, t in enumerate(grid.treatments)}
    return grid.values[:, [place[k] for k in listed if k in place]]


def _effect(
    study: Study, grid: _Grid, clusters: np.ndarray, name: str, difference: np.ndarray, treatment: int, n_all: int
) -> Effect:
    """One treatment; `difference` [contexts, seeds]; `n_all` contexts and treatments are judged together."""
    claim = _claim(study, name, _control(study))
    contexts = [_context(study, claim, grid, i, difference[i], treatment, n_all) for i in range(len(grid.contexts))]
    means = np.array([np.nan if c.mean is None else c.mean for c in contexts])
    finding = _over_clusters(claim, means, clusters)
    low, high = _fixed_interval(difference)
    wins = [c.wins for c in contexts if c.wins is not None]
    known = [c for c in contexts if c.mean is not None]
    worst = min(known, key=lambda c: (study.direction * (c.mean or 0.0), _key(c.context)), default=None)
    status = grid.status[:, treatment]
    failures = {s: int((status == k).sum()) for k, s in enumerate(STATUSES) if s != "ok" and (status == k).any()}
    estimate = _mean(means)
    effect = Effect(
        name,
        finding,
        None,
        None if math.isnan(estimate) else estimate,
        low,
        high,
        float(np.mean(wins)) if wins else None,
        failures,
        contexts,
        worst,
        _levels(study, claim, grid, clusters, means),
    )
    return _level(effect) if _is_level(study) else effect


def _is_level(study: Study) -> bool:
    """Whether what is mapped is held against nothing."""
    if study.vary:
        return False
    asked = ((task.find(name), {**study.fixed, **context}) for name in study.tasks for context in study.grid)
    known = (found.is_difference(parts) for found, parts in asked)
    return not all(bool(study.control) if one is None else one for one in known)


LEVEL = "A mean level: nothing is varied, and the metric is no difference, so there is nothing to be above."


def _level(effect: Effect) -> Effect:
    """The mean and its intervals, and nothing that would take a comparison."""

    def bare(finding: Finding) -> Finding:
        note = f"{LEVEL} {finding.note}".strip()
        none: dict[str, Any] = dict.fromkeys(("n_right", "p", "p_adjusted", "still_needed"))
        return dataclasses.replace(finding, control="nothing", verdict="undecided", note=note, **none)

    def alone(context: ContextEffect) -> ContextEffect:
        return dataclasses.replace(context, wins=None, verdict="undecided", over_all="undecided")

    return dataclasses.replace(
        effect,
        finding=bare(effect.finding),
        wins=None,
        contexts=[alone(context) for context in effect.contexts],
        worst=None if effect.worst is None else alone(effect.worst),
        levels=[dataclasses.replace(level, finding=bare(level.finding)) for level in effect.levels],
        is_level=True,
    )


def _over_clusters(claim: Claim, means: np.ndarray, clusters: np.ndarray) -> Finding:
    """A claim over the means of clusters, from those of contexts."""
    of_cluster = np.array([_mean(means[clusters == k]) for k in sorted(set(clusters.tolist()))])
    return judge([claim], {"effect": of_cluster}, of_cluster.size)[0]


def _levels(study: Study, claim: Claim, grid: _Grid, clusters: np.ndarray, means: np.ndarray) -> list[LevelEffect]:
    one, out = dataclasses.replace(claim, declared=False), []
    for slot, values in study.contexts.items():
        if slot in study.independent or len(values) < 2:
            continue
        for value in values:
            here = np.array([context[slot] == value for context in grid.contexts])
            out.append(LevelEffect(slot, spelt(value), _over_clusters(one, means[here], clusters[here])))
    return out


def _claim(study: Study, name: str, control: str) -> Claim:
    return Claim("effect", name, control, study.metric, study.minimal_effect, study.direction, unit=study.unit)


def _control(study: Study) -> str:
    return spelt_treatment(study.treatments[0]) if study.vary else study.control or "nothing"


def _context(
    study: Study, claim: Claim, grid: _Grid, number: int, difference: np.ndarray, treatment: int, n_all: int
) -> ContextEffect:
    used = difference[np.isfinite(difference)]
    one = dataclasses.replace(claim, declared=False)
    found = judge([one], {"effect": difference}, difference.size)[0]
    over_all = judge([claim], {"effect": difference}, difference.size, n_declared=n_all)[0].verdict
    wins = _wins(difference, study.direction)
    started = int(grid.rows[number, treatment].sum())
    return ContextEffect(
        grid.contexts[number], found.estimate, found.low, found.high, wins, used.size, started, found.verdict, over_all
    )


def _mean(values: np.ndarray) -> float:
    values = values[np.isfinite(values)]
    return float((values / values.size).sum()) if values.size > 1 else float(values[0]) if values.size else math.nan


def _fixed_interval(difference: np.ndarray) -> tuple[float | None, float | None]:
    """95 % for the mean over these contexts, of which each has at least two seeds; else nothing."""
    rows = [row[np.isfinite(row)] for row in difference]
    rows = [row for row in rows if row.size]
    if not rows or any(row.size < 2 for row in rows):
        return None, None
    unit = unit_of(np.concatenate(rows))  # squares of huge values leave the range of floats
    rows = [in_unit(row, unit) for row in rows]
    parts = np.array([row.var(ddof=1) / row.size for row in rows])
    freedom = np.array([row.size - 1 for row in rows])
    total = parts.sum()
    mean = float(np.mean([row.mean() for row in rows]))
    if total <= 0:
        return None, None
    half = stdtrit(total**2 / (parts**2 / freedom).sum(), 0.975) * math.sqrt(total) / len(rows)
    with np.errstate(over="ignore", under="ignore"):
        return plain(np.ldexp(mean - float(half), unit)), plain(np.ldexp(mean + float(half), unit))


def _ranking(study: Study, grid: _Grid) -> Ranking | None:
    """Who beats whom, on the same context and seed; every pair of treatments counts what both have."""
    v = study.direction * grid.values
    a, b = v[:, :, None, :], v[:, None, :, :]
    seen = np.isfinite(a) & np.isfinite(b)
    beats = np.where(a > b, 1.0, np.where(a < b, -1.0, 0.0))  # a difference may leave the range of floats
    n = seen.sum(axis=-1)
    a = np.where(seen, beats, 0).sum(axis=-1) / np.maximum(n, 1)  # [contexts, i, j]
    a = a[(n > 0).all(axis=(1, 2))]
    if not len(a):
        return None
    g, c = hodge(a)
    names = [spelt_treatment(t) for t in grid.treatments]
    mean_a, mean_g = a.mean(axis=0), g.mean(axis=0)
    scores = dict(zip(names, mean_a.mean(axis=1).tolist(), strict=True))
    squared = float((mean_a**2).sum())
    raw = float((mean_g**2).sum()) / squared if squared > 0 else math.nan
    return Ranking(scores, square_without_noise(g), square_without_noise(c), raw if math.isfinite(raw) else 0.0)
