"""What selection changed in the genes of a run and what inheritance did, against the shadow (G. R. Price 1970).

The books of every log are held against what was counted elsewhere: who lives at the end against the state, and who is
born, lives and dies in each window against the census. Where exchanges are on record, every genome of every tick is
replayed from the logs, must come to what the log says of each newborn and the state of the end, and is the gene that is
asked of; else a gene is that of birth, and what was exchanged in life up to the end is a column of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, Literal

import numpy as np

from mesocosm.findings.claim import Claim
from mesocosm.findings.outcomes import plain_lists
from mesocosm.instruments.ancestry import Lives, all_lives
from mesocosm.instruments.genes import replays, told
from mesocosm.instruments.places import Places, demes, places
from mesocosm.instruments.price import Heirs, heirs, indicators
from mesocosm.protocol.blocks import median_of
from mesocosm.protocol.catalogue import Analysis, Result, arrays, births
from mesocosm.protocol.story import Axis, Strips, Table
from mesocosm.record import Record
from mesocosm.record.configuration import Range

STRANDS = ("evolved", "shadow")
PARTS = ("change", "selection", "transmission")
MOST_KINDS = 8
"""Genotypes that are followed, the commonest."""

SELECTION = Claim(
    "selection",
    "selection acts on expressed genes more than chance does on genes that nobody reads",
    control="the shadow genes of the same bodies",
    statistic="squared intensity of selection, Cov(w, z)^2 / (mean of w, spread of z)^2, mean over loci and windows, "
    "less that of the shadows",
    delta=0.0,
    declared=False,
)
"""Whoever bears a gene bears its shadow, so both have the same fitness, and drift moves both alike."""


@dataclass(frozen=True)
class Settings:
    """Of what, and over which windows."""

    windows: Annotated[int, Range(1, 1000, "windows")] = 32
    """How many, of equal length up to the end. Who lives when one begins are the ancestors of its end. Few long windows
    hold few ancestors with many heirs each, by chance: what selection does is then lost in what luck does. Where bodies
    were filmed, windows begin with a frame."""
    of: Literal["genes", "genotypes"] = "genes"
    """genes: the number at each locus; genotypes: the shares of the commonest genomes, as categories."""
    neighbourhood: Annotated[int, Range(1, 2**15, "cells")] = 8
    """Side of the squares whose bodies are neighbours, where bodies were filmed."""


@dataclass
class _Found:
    """What is told of a run, filled replicate by replicate; NaN of those in which nobody lived to the end.

    Args:
      terms: [parts, strands, replicates, traits].
      between: the selection that lies between groups. [groups, strands, replicates, traits]
      since_birth: [strands, replicates, traits].
      intensity: of selection. [strands, replicates]
      kinds: of each replicate, the genotypes that were followed.
      unaccounted: individuals of whom the record does not say all.
    """

    terms: np.ndarray
    between: np.ndarray
    since_birth: np.ndarray
    intensity: np.ndarray
    kinds: list[list[list[int]] | None]
    unaccounted: int


def compute(record: Record, settings: Settings) -> dict[str, Any]:
    everybody, last, film = all_lives(record), last_census(record), places(record)
    edges = _edges(record, settings.windows, film)
    traits = next((who.genome.shape[2] for who in everybody if who.id.size), 0)
    traits = MOST_KINDS if settings.of == "genotypes" else traits
    groups = ("clans", *(("neighbourhoods",) if film else ()), *(("demes",) if demes(record) > 1 and film else ()))
    shape = (2, record.replicates, traits)
    found = _Found(
        terms=np.full((len(PARTS), *shape), np.nan),
        between=np.full((len(groups), *shape), np.nan),
        since_birth=np.full(shape, np.nan),
        intensity=np.full(shape[:2], np.nan),
        kinds=[None] * record.replicates,
        unaccounted=books_that_do_not_close(record, everybody),
    )
    replayed = replays(record, everybody, [edges] * record.replicates) if settings.of == "genes" else None
    for r, (ids, genes) in last.items():
        who, lived = everybody[r], replayed[r] if replayed else None
        found.unaccounted += int(np.setdiff1d(ids, who.id).size) + (lived.faults if lived else 0)
        windows = _windows(who, edges, film[r] if film else None, settings.neighbourhood)
        for strand in (0, 1):
            z, followed = _traits(who, strand, edges, settings.of)
            at_end = z[np.isin(who.id, ids)] if lived is None else genes[strand]
            each = [z] * len(edges) if lived is None else [lived.genomes[e][:, strand] for e in edges]
            sums, k = _summed(who, each, edges, at_end, windows, groups), z.shape[1]
            found.terms[:, strand, r, :k], found.between[:, strand, r, :k] = sums.terms, sums.between
            found.intensity[strand, r] = sums.intensity
            found.unaccounted += sums.unaccounted
            if settings.of == "genes":
                found.since_birth[strand, r] = _since_birth(who, ids, genes[strand], strand)
            elif strand == 0:
                found.kinds[r] = followed.tolist()
    return _plain(found, edges, settings.of, groups) | {"is_replayed": replayed is not None}


def _plain(found: _Found, edges: list[int], of: str, groups: tuple[str, ...]) -> dict[str, Any]:
    """What is written down of it; valid JSON."""
    return {
        "edges": edges,
        "of": of,
        "parts": list(PARTS),
        "groups": list(groups),
        "terms": plain_lists(found.terms),
        "between": plain_lists(found.between),
        "since_birth": plain_lists(found.since_birth),
        "kinds": found.kinds,
        "intensity": plain_lists(found.intensity),
        "unaccounted": found.unaccounted,
    }


def _edges(record: Record, windows: int, film: list[Places] | None) -> list[int]:
    """Ends of ticks; founders stand at that of tick 0. Where there are frames, the nearest ones."""
    n = min(windows, record.tick)
    edges = [record.tick * k // n - (k > 0) for k in range(n + 1)]
    if film:  # the camera's schedule: a world that has ended was filmed no longer
        taken = np.unique(np.concatenate([one.ticks for one in film]))
        edges = [int(taken[np.abs(taken - e).argmin()]) for e in edges[:-1]] + edges[-1:]
    return sorted(set(edges))


def _traits(who: Lives, strand: int, edges: list[int], of: str) -> tuple[np.ndarray, np.ndarray]:
    """What is followed, of each individual [n, traits]; and, of genotypes, which. [traits, loci]"""
    genes = who.genome[:, strand].astype(np.int64)
    if of == "genes":
        return genes, np.zeros((0, 0))
    genotypes, labels = np.unique(genes, axis=0, return_inverse=True)
    labels = labels.ravel()
    most = np.zeros(len(genotypes))
    for edge in edges:
        living = who.alive_at(edge)
        most = np.maximum(most, np.bincount(labels[living], minlength=len(genotypes)) / max(int(living.sum()), 1))
    kinds = np.argsort(-most, kind="stable")[:MOST_KINDS]
    return indicators(labels, kinds), genotypes[kinds]


@dataclass(frozen=True)
class _Told:
    terms: np.ndarray
    between: np.ndarray
    intensity: float
    unaccounted: int


_Window = tuple[Heirs, dict[str, np.ndarray]]
"""Who lived when it began and what became of them; and the group of each ancestor, by kind of group."""


def _windows(who: Lives, edges: list[int], film: Places | None, cells: int) -> list[_Window]:
    out = []
    for since, until in pairwise(edges):
        of = heirs(who, since, until)
        near = film.groups(since, who.id[of.first], cells) if film else {}
        out.append((of, {"clans": who.founder[of.first], **near}))
    return out


def _summed(
    who: Lives,
    z: Sequence[np.ndarray],
    edges: list[int],
    at_end: np.ndarray,
    windows: list[_Window],
    groups: tuple[str, ...],
) -> _Told:
    """Sums over windows of the three parts [3, traits] and of selection between groups [groups, traits]; the mean
    squared intensity; and how many books do not close.

    Args:
      z: of each individual at each edge. [n, traits] each
      at_end: of all who live at the end, by the state and not by the log. [m, traits]
    """
    parts, between, spread, lost = [], [], [], 0
    blank = np.full(z[0].shape[1], np.nan)
    for k, (of, there) in enumerate(windows):
        now, then = z[k], z[k + 1]
        sums = of.sums(now, at_end if k + 1 == len(windows) else then[who.alive_at(edges[k + 1])], then)
        lost += int((~sums.closes).sum())
        parts.append(sums.relative())
        between.append([of.between(now, there[g]) if g in there else blank for g in groups])
        spread.append(now[of.first].std(axis=0))
    selection = np.array([part[1] for part in parts])
    return _Told(np.sum(parts, axis=0), np.sum(between, axis=0), _squared(selection, np.array(spread)), lost)


def books_that_do_not_close(record: Record, everybody: Sequence[Lives]) -> int:
    """Windows of the metrics in which who lives, is born and dies by the census is not what the logs say."""
    metrics, lost = record.metrics, 0
    every = int(record.header["every"])
    for r, who in enumerate(everybody):
        mine = metrics["replicate"] == r
        ends = metrics["tick"][mine].astype(int)
        edges = np.append(ends - every, ends[-1:]) if ends.size else ends
        alive = np.array([who.alive_at(int(t) - 1).sum() for t in ends])
        is_child = who.parent > 0
        born = np.histogram(who.born[is_child], edges - 0.5)[0] if ends.size else ends
        died = np.histogram(who.died, edges - 0.5)[0] if ends.size else ends
        counted = zip(("population", "births", "deaths"), (alive, born, died), strict=True)
        lost += int(sum((metrics[name][mine] != seen).sum() for name, seen in counted if name in metrics))
    return lost


def last_census(record: Record) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Ids [m] and genes [strands, m, loci] of all who live at the end, by the state and not by the log; of worlds that
    are not empty."""
    ids, genomes = record.state["state.world.bodies.id"], record.state["state.genomes"]
    out = {}
    for lane, r in enumerate(record.state["replicate"]):
        alive = ids[lane].ravel() > 0
        if alive.any():
            out[int(r)] = (ids[lane].ravel()[alive], genomes[lane][:, :, alive].transpose(0, 2, 1).astype(np.int64))
    return out


def _since_birth(who: Lives, ids: np.ndarray, genes: np.ndarray, strand: int) -> np.ndarray:
    """By how much the mean of each gene has become another since the births of those who live: exchange. [loci]"""
    place = np.minimum(np.searchsorted(who.id, ids), max(who.id.size - 1, 0))
    is_known = who.id[place] == ids
    if not is_known.any():
        return np.full(genes.shape[1], np.nan)
    return (genes[is_known] - who.genome[place[is_known], strand]).mean(axis=0)


def _squared(selection: np.ndarray, spread: np.ndarray) -> float:
    """Mean squared intensity over windows and loci that vary. [windows, loci] each"""
    varies = spread > 0
    return float(np.mean((selection[varies] / spread[varies]) ** 2)) if varies.any() else np.nan


def show(record: Record, values: Mapping[str, Any]) -> Result:
    from mesocosm.findings.verdicts import judge

    own, shadow = np.array(values["intensity"], float)
    survived = int(np.isfinite(own).sum())
    (finding,) = judge([SELECTION], {"selection": own - shadow}, record.replicates, survived)
    lost = values["unaccounted"]
    books = (
        "every birth and every death is accounted for"
        if not lost
        else f"in {lost} places a birth or a death is not on record"
    )
    what = "genes" if values["of"] == "genes" else "genotypes"
    windows = f"over {len(values['edges']) - 1} windows"
    said = f"Nobody lives at the end, so that nothing can be said of selection; {books}."
    if survived:
        first, second = float(np.nanmean(own)), float(np.nanmean(shadow))
        strong = f"{first / second:.2g} times as strong as" if second > 0 else "there, and not"
        said = (
            f"{windows[0].upper()}{windows[1:]}, selection on {what} that act was {strong} on their shadows, which "
            f"nobody reads: {first:.3g} and {second:.3g}. (What selection moves the mean of a gene by, in the spread "
            f"of that gene, squared; the mean over genes and windows. Chance alone gives what the shadows have.) "
            f"{books[0].upper()}{books[1:]}."
        )
        said += f" {told(values['is_replayed'])}" if values["of"] == "genes" else ""
    strips = Strips(
        "Intensity of selection",
        said,
        list(STRANDS),
        Axis("squared change by selection, in spreads"),
        np.stack([own, shadow]),
        paired=True,
    )
    return Result(said, values, (finding,), (strips, _table(own - shadow, values)))


def _table(advantage: np.ndarray, values: Mapping[str, Any]) -> Table:
    """Each trait of the median world: by how much it changed, and through what."""
    terms, between = np.array(values["terms"], float), np.array(values["between"], float)
    since_birth = np.array(values["since_birth"], float)  # strands, replicates, traits
    r, is_genes = median_of(advantage), values["of"] == "genes"
    digits = 3 if is_genes else 4
    rows = []
    for k in range(terms.shape[3]):
        if np.isfinite(terms[:, 0, r, k]).all():
            told = [*terms[:, 0, r, k], *between[:, 0, r, k], terms[1, 1, r, k]]
            told += [since_birth[0, r, k]] if is_genes else []
            name = f"locus {k}" if is_genes else " ".join(f"{g:d}" for g in values["kinds"][r][k])
            rows.append([name, *(round(float(x), digits) if np.isfinite(x) else None for x in told)])
    columns = ["", "change", "by selection", "by transmission"]
    columns += [f"selection between {g}" for g in values["groups"]]
    columns += ["selection on the shadow", *(["exchanged since birth"] if is_genes else [])]
    unit = "units of the gene" if is_genes else "shares of the population"
    what = "Genes" if is_genes else "The commonest genotypes"
    return Table(f"{what} of world {r}, the median of all: sums over windows, in {unit}", columns, rows)


ANALYSIS = Analysis(
    "price",
    "what selection changed in the genes, and what inheritance did, against the shadow",
    compute,
    show,
    Settings,
    needs=(births, arrays("state.world.bodies.id", "state.genomes")),
)
