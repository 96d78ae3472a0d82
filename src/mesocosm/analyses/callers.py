"""Whom does calling in food pay: the caller, its kin nearby, or strangers? Price's selection of a trait, in parts.

    w / w_bar = 1 + s z + k x_kin + u x_strangers + crowd + rest
    Cov(w / w_bar, z) = s Var(z) + k Cov(x_kin, z) + u Cov(x_strangers, z) + Cov(crowd, z)

(neighbour-modulated fitness, W. D. Hamilton, J. Theor. Biol. 7, 1964; D. C. Queller, Evolution 46, 1992; contextual
analysis, I. L. Heisler and J. Damuth, Am. Nat. 130, 1987.) `z` is how likely a body's genome emits in food, stimuli
weighted by how often they were met; `w` counts who lives at a window's end and descends from a body, itself included.
`x_kin` and `x_strangers` are the sums of z, less its mean in the window, over the others of a body's square that
descend from its founder and over those that do not, each over the number of all others there: together they are the
mean of the others, as `kin` has it. `crowd` is how many the others are (its logarithm) and what share of them is kin,
so that company is not taken for what it does. By least squares the second line is exact. The same selection splits
exactly into what lies between groups and within.

Neighbours stand where one stands: bodies that stay in food have callers about them and eat, whoever hears. So `k` and
`u` are what calls pay only as far as they are above the same in worlds in which nobody hears. NumPy, no jax.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any

import numpy as np

from mesocosm.ecology.analysis import GRAIN, senses_of
from mesocosm.findings.intervals import finite_interval, show_mean
from mesocosm.findings.outcomes import plain_lists
from mesocosm.instruments.ancestry import Lives, all_lives
from mesocosm.instruments.genes import replays, told
from mesocosm.instruments.places import Places, filmed, places
from mesocosm.instruments.price import heirs
from mesocosm.minds.policy import softmax_weight
from mesocosm.protocol.catalogue import Analysis, Result, births
from mesocosm.protocol.story import Axis, Strips, Table
from mesocosm.record import Record
from mesocosm.record.configuration import Range, resolved
from mesocosm.worlds.petri.senses import digit, n_stimuli

SOURCES = ("self", "kin", "strangers", "crowd")
EMIT, N_ACTS = 2, 4


@dataclass(frozen=True)
class Settings:
    """Over which windows, and who is near."""

    windows: Annotated[int, Range(1, 1000, "windows")] = 8
    """How many, each from a frame to a frame."""
    neighbourhood: Annotated[int, Range(1, 2**15, "cells")] = 8
    """Side of the squares whose bodies are neighbours."""


def signals(record: Record) -> str:
    """A need: that bodies notice food and can emit, by a table of preferences."""
    world = resolved(record).get("world", {})
    has = "emit_evolved_0" in record.metrics and "odour" in world.get("senses", ())
    return "" if has else "has no bodies that can emit and notice food (signalling, calling)"


def compute(record: Record, settings: Settings) -> dict[str, Any]:
    everybody, film = all_lives(record), places(record) or []
    slopes, parts = (np.full((len(SOURCES), record.replicates), np.nan) for _ in range(2))
    of_groups = np.full((3, record.replicates), np.nan)  # all of selection; between squares, between clans
    edges = [of.ends(settings.windows) for of in film]
    replayed = replays(record, everybody, edges)
    for r, (who, of) in enumerate(zip(everybody, film, strict=True)):
        lived = replayed[r].genomes if replayed else dict.fromkeys(edges[r], who.genome)
        traits = {tick: emits_in_food(record, r, genome[:, 0]) for tick, genome in lived.items()}
        rows, of_groups[:, r] = _rows(who, of, traits, settings.neighbourhood)
        slopes[:, r], parts[:, r] = partition(*rows)
    return {
        "sources": list(SOURCES),
        "slopes": plain_lists(slopes),
        "parts": plain_lists(parts),
        "groups": ["all", "between squares", "between clans"],
        "selection": plain_lists(of_groups),
        "is_replayed": replayed is not None,
    }


def emits_in_food(record: Record, replicate: int, genomes: np.ndarray) -> np.ndarray:
    """How likely each genome emits in food, in 1/1024, as the columns of the record count it. [n, loci] to [n]"""
    senses = senses_of(record)
    step, levels = digit(senses, "odour")
    food = [s for s in range(n_stimuli(senses)) if s // step % levels > 0]
    mine = record.metrics["replicate"] == replicate
    visits = np.array([record.metrics[f"visits_{s}"][mine].sum() for s in food], float)
    visits = visits if visits.sum() else np.ones(len(food))
    chance = np.stack([chance_to_emit(genomes, s, resolved(record)) for s in food], axis=1)
    return np.rint(chance @ (visits / visits.sum())).astype(np.int64)


def chance_to_emit(genomes: np.ndarray, stimulus: int, configuration: Mapping[str, Any]) -> np.ndarray:
    """Of each genome under one stimulus, in 1/1024, in whole numbers as the world's own count. [n, loci] to [n]"""
    rows = genomes[:, stimulus * N_ACTS : (stimulus + 1) * N_ACTS].astype(np.int64)
    rows = rows - np.where(np.arange(N_ACTS) & EMIT, int(configuration.get("reticence", 0)), 0)
    if configuration["mind"]["policy"] == "argmax":
        return GRAIN * (rows.argmax(axis=1) & EMIT > 0)
    weights = softmax_weight(rows.max(axis=1, keepdims=True) - rows, int(configuration["mind"]["sharpness"]))
    return weights[:, np.arange(N_ACTS) & EMIT > 0].sum(axis=1) * GRAIN // weights.sum(axis=1)


def _rows(
    who: Lives, film: Places, traits: Mapping[int, np.ndarray], cells: int
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Relative fitness [n] and what it is regressed on [n, 5], each less its mean in the window, of all windows and of
    bodies that had a neighbour; and selection by window in the mean: all, between squares, between clans. [3]

    Args:
      traits: of everybody at each end of a window, in 1/1024, by its tick. [everybody] each
    """
    fitness, own, selection = [np.zeros(0)], [np.zeros((0, 5))], []
    for since, until in pairwise(traits):
        of = heirs(who, since, until)
        if not of.last.size:
            continue
        square = film.groups(since, who.id[of.first], cells)["neighbourhoods"]
        clan, z = who.founder[of.first], traits[since]
        total = (of.w / of.w.mean() * (z[of.first] - z[of.first].mean())).mean()
        lies = [of.between(z[:, None], group)[0] for group in (square, clan)]
        selection.append(np.array([total, *lies]) / GRAIN)
        columns, has = neighbours(z[of.first] / GRAIN, square, clan)
        if has.sum() > columns.shape[1]:
            w = of.w[has] / of.w.mean()
            fitness.append(w - w.mean())
            own.append(columns[has] - columns[has].mean(axis=0))
    mean = np.mean(selection, axis=0) if selection else np.full(3, np.nan)
    return (np.concatenate(fitness), np.concatenate(own)), mean


def neighbours(z: np.ndarray, square: np.ndarray, clan: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A body's trait, those of kin and of strangers in its square over the number of all others there, the share of kin
    among these and the logarithm of how many they are; and who has any. z, square, clan [n] to [n, 5], [n] booleans"""
    _, here = np.unique(square, return_inverse=True)
    _, ours = np.unique(here * (int(clan.max(initial=0)) + 1) + clan, return_inverse=True)
    z = z - z.mean()
    n_all, n_kin = np.bincount(here)[here] - 1, np.bincount(ours)[ours] - 1
    kin = np.bincount(ours, z)[ours] - z
    strangers = np.bincount(here, z)[here] - z - kin
    n = np.maximum(n_all, 1)
    return np.stack([z, kin / n, strangers / n, n_kin / n, np.log(n)], axis=1), n_all > 0


def partition(w: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What a unit of each source is worth in relative fitness, and what it adds to the selection of the trait.

    Args:
      w: relative fitness [n], x: the columns of `neighbours` [n, 5], each less its mean.

    Returns:
      [4] and [4], as in `SOURCES`; the parts add up to Cov(w, z). The crowd has no slope. NaN where a trait does not
      vary, of oneself, of kin or of strangers.
    """
    blank = np.full(len(SOURCES), np.nan)
    if len(w) <= x.shape[1] or np.any(x[:, :3].std(axis=0) < 1e-9):
        return blank, blank
    slopes = np.linalg.lstsq(x, w, rcond=None)[0]
    parts = slopes * (x * x[:, :1]).mean(axis=0)
    return np.append(slopes[:3], np.nan), np.append(parts[:3], parts[3:].sum())


def show(record: Record, values: Mapping[str, Any]) -> Result:
    slopes, parts = (np.array(values[name], float) for name in ("slopes", "parts"))
    selection = np.array(values["selection"], float)
    n = int(np.isfinite(slopes[0]).sum())
    if not n:
        return Result("In no world had bodies heirs, kin and strangers nearby, and genes that differ.", values)
    worth = ", ".join(f"{name} {show_mean(of)}" for name, of in zip(SOURCES[:3], slopes[:3], strict=True))
    adds = ", ".join(f"{name} {show_mean(of)}" for name, of in zip(SOURCES, parts, strict=True))
    groups = ", ".join(f"{name} {show_mean(of)}" for name, of in zip(values["groups"], selection, strict=True))
    sentence = (
        f"In {n} worlds calling always in food, and not never, is worth in relative fitness a window: {worth}. "
        f"Selection of it: {adds}. By groups: {groups}. {told(values['is_replayed'])} What neighbours seem to give is "
        "also where they stand: compare it with a world in which nobody hears."
    )
    figure = Strips(
        title="Whom calling in food pays",
        alt=sentence,
        conditions=list(SOURCES[:3]),
        y_axis=Axis("relative fitness of a window for calling always in food"),
        values=slopes[:3],
        intervals=[finite_interval(row) for row in slopes[:3]],
        paired=True,
    )
    rows = [
        [str(r), *(round(float(v), 4) for v in (*slopes[:3, r], *parts[:, r], *selection[:, r]))]
        for r in np.flatnonzero(np.isfinite(slopes[0]))
    ]
    columns = ["world", *(f"worth: {s}" for s in SOURCES[:3]), *(f"selection: {s}" for s in SOURCES), *values["groups"]]
    return Result(sentence, values, (), (figure, Table("Each world", columns, rows)))


ANALYSIS = Analysis(
    "callers",
    "whom calling in food pays: the caller, its kin nearby, or strangers; between groups and within",
    compute,
    show,
    Settings,
    needs=(births, filmed, signals),
)
