"""Who gains by a gene: its bearer, or bearers of the same gene nearby? Hamilton's rule in its regression form.

    w / w_bar = 1 - c z + b z_near + rest,    selection of z = (r b - c) var(z)

(W. D. Hamilton, J. Theor. Biol. 7, 1964; D. C. Queller, Evolution 46, 1992). `w` counts who lives at a window's end and
descends from a body, itself included; `z_near` is the mean gene of the others in its neighbourhood when the window
begins; `r` is the regression of `z_near` on `z`, so relatedness as it was measured and not assumed. Genes that nobody
reads have the same fitness and the same neighbours: what is not selection is in both.

What is compared are squared effects, and noise squared is no zero: so the effect in every second window is multiplied
with that in the others, which is zero in the mean where there is none, whatever the relatedness. NumPy, no jax.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any

import numpy as np

from mesocosm.findings.claim import Claim
from mesocosm.findings.intervals import finite_interval, show_mean
from mesocosm.findings.outcomes import plain_lists
from mesocosm.instruments.ancestry import Lives, all_lives
from mesocosm.instruments.genes import replays, told
from mesocosm.instruments.places import Places, filmed, places
from mesocosm.instruments.price import hamilton, heirs
from mesocosm.protocol.blocks import median_of
from mesocosm.protocol.catalogue import Analysis, Result, births
from mesocosm.protocol.story import Axis, Strips, Table
from mesocosm.record import Record
from mesocosm.record.configuration import Range

PARTS = ("direct", "indirect", "relatedness")

CLAIMS = tuple(
    Claim(
        name,
        f"expressed genes act on {whom} fitness more than chance lets genes that nobody reads do",
        control="the shadow genes of the same bodies",
        statistic=f"squared {name} effect of one standard deviation of a gene on relative fitness ({form}; one half of "
        "the windows times the other), mean over loci, less that of the shadows",
        delta=0.0,
        declared=False,
    )
    for name, whom, form in (("direct", "their bearer's", "c"), ("indirect", "their bearer's kin's", "r b"))
)


@dataclass(frozen=True)
class Settings:
    """Over which windows, and who is near."""

    windows: Annotated[int, Range(1, 1000, "windows")] = 16
    """How many, each from a frame to a frame."""
    neighbourhood: Annotated[int, Range(1, 2**15, "cells")] = 8
    """Side of the squares whose bodies are neighbours."""


def compute(record: Record, settings: Settings) -> dict[str, Any]:
    everybody, film = all_lives(record), places(record) or []
    loci = next((who.genome.shape[2] for who in everybody if who.id.size), 0)
    out = np.full((len(PARTS), 2, record.replicates, loci), np.nan)
    crossed = np.full((2, 2, record.replicates, loci), np.nan)
    samples = np.zeros(record.replicates)
    edges = [of.ends(settings.windows) for of in film]
    replayed = replays(record, everybody, edges) if film else None
    for r, (who, of) in enumerate(zip(everybody, film, strict=False)):
        lived = replayed[r].genomes if replayed else dict.fromkeys(edges[r], who.genome)
        for strand in (0, 1):
            rows = _rows(who, of, {tick: genome[:, strand] for tick, genome in lived.items()}, settings.neighbourhood)
            window, *rest = rows
            samples[r] = len(window)
            halves = [window % 2 == half for half in (0, 1)]
            if all(half.sum() > 2 for half in halves):
                out[:, strand, r] = _effects(*rest)
                one, other = (_effects(*(x[half] for x in rest)) for half in halves)
                crossed[:, strand, r] = one[:2] * other[:2]
    return {
        "parts": list(PARTS),
        "effects": plain_lists(out),
        "squared": plain_lists(crossed),
        "samples": plain_lists(samples),
        "is_replayed": replayed is not None,
    }


def _rows(who: Lives, film: Places, genes: Mapping[int, np.ndarray], cells: int) -> tuple[np.ndarray, ...]:
    """The window [n], relative fitness [n], genes [n, loci] and mean genes of the others near [n, loci], each less its
    mean in the window; of all windows, and of bodies that had a neighbour.

    Args:
      genes: of everybody at each end of a window, by its tick. [everybody, loci] each
    """
    none = np.zeros((0, who.genome.shape[2]))
    windows, fitness, own, near = [np.zeros(0, int)], [np.zeros(0)], [none], [none]
    for k, (since, until) in enumerate(pairwise(genes)):
        of = heirs(who, since, until)
        if not of.last.size:
            continue
        z = genes[since][of.first].astype(float)
        group = film.groups(since, who.id[of.first], cells)["neighbourhoods"]
        others, has = mean_of_others(z, group)
        if has.sum() < 3:
            continue
        for rows, values in zip((fitness, own, near), (of.w / of.w.mean(), z, others), strict=True):
            rows.append(values[has] - values[has].mean(axis=0))
        windows.append(np.full(int(has.sum()), k))
    return tuple(np.concatenate(rows) for rows in (windows, fitness, own, near))


def mean_of_others(z: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean of z [n, traits] over the others of one's group, and who has any. [n, traits], [n] booleans"""
    _, place = np.unique(group, return_inverse=True)
    n = np.bincount(place)
    sums = np.zeros((n.size, z.shape[1]))
    np.add.at(sums, place, z)
    has = n[place] > 1
    return (sums[place] - z) / np.maximum(n[place] - 1, 1)[:, None], has


def _effects(fitness: np.ndarray, own: np.ndarray, near: np.ndarray) -> np.ndarray:
    """-c and r b for one standard deviation of each gene, and r. [3, loci]"""
    out = np.full((len(PARTS), own.shape[1]), np.nan)
    for k in range(own.shape[1]):
        benefit, cost, related = hamilton(fitness, own[:, k], near[:, k])
        spread = own[:, k].std()
        out[:, k] = -cost * spread, related * benefit * spread, related
    return out


def show(record: Record, values: Mapping[str, Any]) -> Result:
    from mesocosm.findings.verdicts import judge

    effects, squared = (
        np.array(values[name], float) for name in ("effects", "squared")
    )  # parts, strands, worlds, loci
    finite = np.isfinite(np.concatenate([effects, squared]))
    varies = np.logical_and.reduce(finite, axis=(0, 1), keepdims=True)
    n = np.maximum(varies.sum(axis=3)[0, 0], 1)
    there = np.logical_or.reduce(varies[0, 0], axis=1)
    if not there.any():
        words = "In no world had bodies neighbours, heirs and genes that vary: there is nothing to compare."
        return Result(words, values)
    means = np.where(there, np.where(varies, [*squared, effects[2]], 0).sum(axis=3) / n, np.nan)
    advantage: dict[str, np.ndarray] = {"direct": means[0, 0] - means[0, 1], "indirect": means[1, 0] - means[1, 1]}
    findings = judge(CLAIMS, advantage, record.replicates, int(there.sum()))
    sentence = (
        f"Bodies of one neighbourhood are related by {show_mean(means[2, 1][there])} (regression on genes that nobody "
        f"reads: 0 as strangers, 1 as copies). {told(values['is_replayed'])}"
    )
    conditions = ["by genes that are read", "by their shadows"]
    both = means[2]
    figure = Strips(
        title="Relatedness of neighbours",
        alt=sentence,
        conditions=conditions,
        y_axis=Axis("regression of the others' genes on one's own"),
        values=both,
        intervals=[finite_interval(row) for row in both],
        paired=True,
    )
    return Result(sentence, values, tuple(findings), (figure, _table(effects, advantage["direct"])))


def _table(effects: np.ndarray, advantage: np.ndarray) -> Table:
    """Each locus of the median world."""
    r = median_of(advantage)
    rows = [
        [f"locus {k}", *(round(float(x), 4) for x in (*effects[:, 0, r, k], *effects[:2, 1, r, k]))]
        for k in range(effects.shape[3])
        if np.isfinite(effects[:, :, r, k]).all()
    ]
    columns = ["", "direct: -c", "through kin: r b", "relatedness r", "shadow, direct", "shadow, through kin"]
    return Table(f"Genes of world {r}, the median of all: relative fitness for one standard deviation", columns, rows)


ANALYSIS = Analysis(
    "kin",
    "who gains by a gene, its bearer or kin nearby: Hamilton's rule with relatedness as measured",
    compute,
    show,
    Settings,
    needs=(births, filmed),
)
