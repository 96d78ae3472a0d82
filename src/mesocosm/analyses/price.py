"""What selection changed in the genes of a run and what inheritance did, against the shadow (G. R. Price 1970)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any

import numpy as np

from mesocosm.findings.claim import Claim
from mesocosm.findings.outcomes import plain_lists
from mesocosm.instruments.ancestry import Lives, all_lives
from mesocosm.instruments.price import Terms, window
from mesocosm.protocol.blocks import median_of
from mesocosm.protocol.catalogue import Analysis, Result, arrays, births
from mesocosm.protocol.story import Axis, Strips, Table
from mesocosm.record import Record
from mesocosm.record.configuration import Range

STRANDS = ("evolved", "shadow")
PARTS = ("change", "selection", "transmission", "between")

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
    """Over which windows."""

    windows: Annotated[int, Range(1, 1000, "windows")] = 32
    """How many, of equal length up to the end. Who lives when one begins are the ancestors of its end. Few long windows
    hold few ancestors with many heirs each, by chance: what selection does is then lost in what luck does."""


def compute(record: Record, settings: Settings) -> dict[str, Any]:
    n = min(settings.windows, record.tick)
    edges = [record.tick * k // n - (k > 0) for k in range(n + 1)]  # ends of ticks; founders stand at that of tick 0
    everybody, last = all_lives(record), _last_census(record)
    loci = next((who.genome.shape[2] for who in everybody if who.id.size), 0)
    terms = np.full((len(PARTS), 2, record.replicates, loci), np.nan)
    intensity = np.full((2, record.replicates), np.nan)
    unaccounted = 0
    for r, ids in last.items():
        who = everybody[r]
        unaccounted += int(np.setdiff1d(ids, who.id).size)
        for strand in (0, 1):
            found = [
                _of_window(
                    who, strand, since, until, np.isin(who.id, ids) if until == edges[-1] else who.alive_at(until)
                )
                for since, until in pairwise(edges)
            ]
            plain = np.array([[[float(getattr(t, p) / t.fitness) for t in of] for p in PARTS] for of, _ in found])
            terms[:, strand, r] = plain.sum(axis=0)
            intensity[strand, r] = _squared(plain[:, 1], np.array([spread for _, spread in found]))
            unaccounted += sum(t.residual != 0 for of, _ in found for t in of)
    return {
        "edges": edges,
        "parts": list(PARTS),
        "terms": plain_lists(terms),
        "intensity": plain_lists(intensity),
        "unaccounted": unaccounted,
    }


def _of_window(who: Lives, strand: int, since: int, until: int, census: np.ndarray) -> tuple[list[Terms], np.ndarray]:
    """The terms of each locus, and its spread among the ancestors.

    Args:
      census: who lives at the end. [n] booleans
    """
    genes = who.genome[:, strand].astype(np.int64)
    terms = window(who, genes, since, until, genes[census], who.founder)
    return terms, genes[who.alive_at(since)].std(axis=0)


def _last_census(record: Record) -> dict[int, np.ndarray]:
    """The ids of all who live at the end, by the state and not by the log; of worlds that are not empty."""
    ids = record.state["state.world.bodies.id"]
    census = {int(r): ids[lane].ravel() for lane, r in enumerate(record.state["replicate"])}
    return {r: of[of > 0] for r, of in census.items() if (of > 0).any()}


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
        "the books close to the last fraction" if not lost else f"{lost} books do not close: a birth is not on record"
    )
    sentence = (
        f"Selection on expressed genes against their shadows, over {len(values['edges']) - 1} windows: "
        f"{finding.words('worlds')}; {books}."
    )
    said = f"Mean squared intensity {np.nanmean(own):.3g}, of the shadows {np.nanmean(shadow):.3g}." if survived else ""
    strips = Strips(
        "Intensity of selection",
        said or "Nobody lives at the end.",
        list(STRANDS),
        Axis("mean squared intensity"),
        np.stack([own, shadow]),
        paired=True,
    )
    return Result(sentence, values, (finding,), (strips, _table(own - shadow, values)))


def _table(advantage: np.ndarray, values: Mapping[str, Any]) -> Table:
    """Each locus of the median world: by how much it changed, and through what."""
    terms = np.array(values["terms"], float)  # parts, strands, replicates, loci
    r = median_of(advantage)
    rows = [
        [f"locus {k}", *(round(float(x), 3) for x in (*terms[:, 0, r, k], terms[1, 1, r, k]))]
        for k in range(terms.shape[3])
        if np.isfinite(terms[:, :, r, k]).all()
    ]
    columns = ["", "change", "by selection", "by transmission", "selection between clans", "selection on the shadow"]
    return Table(f"Genes of world {r}, the median of all: sums over windows, in units of the gene", columns, rows)


ANALYSIS = Analysis(
    "price",
    "what selection changed in the genes, and what inheritance did, against the shadow",
    compute,
    show,
    Settings,
    needs=(births, arrays("state.world.bodies.id", "state.genomes")),
)
