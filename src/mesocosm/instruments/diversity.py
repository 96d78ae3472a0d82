"""How different the living are, and how far back their common ancestors lie: read from the logs. NumPy, no jax.

Heterozygosity and effective numbers: M. Nei, Molecular Evolutionary Genetics, 1987; L. Jost, Oikos 113, 2006. Everybody
has the genome of birth; exchanges later in life move genes between bodies and leave the counts of alleles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mesocosm.findings.outcomes import plain_lists
from mesocosm.instruments.ancestry import Lives, all_lives
from mesocosm.record import FolderError, Record

STRANDS = ("evolved", "shadow")
SAMPLES = 40
"""Times at which the living are looked at."""


@dataclass(frozen=True)
class Diversity:
    """Measures of each replicate; NaN where nobody lives, or nothing can be said.

    Args:
      ticks: [times], the ends of the sampled ticks.
      genotypes, effective: [strands, replicates, times], different genotypes, and the effective number of them:
        1 / sum of squared shares, never more than there are.
      alleles, heterozygosity: [strands, replicates, times], different alleles a locus, and the probability that two
        bodies differ at a locus; means over loci.
      coalescence: [replicates], mean ticks since two bodies at the end had their last common ancestor by division, over
        the pairs that have one.
      related: [replicates], share of pairs that have one.
      generation: [replicates], mean age of a parent at a birth, in ticks.
    """

    ticks: np.ndarray
    genotypes: np.ndarray
    effective: np.ndarray
    alleles: np.ndarray
    heterozygosity: np.ndarray
    coalescence: np.ndarray
    related: np.ndarray
    generation: np.ndarray

    @property
    def effective_size(self) -> np.ndarray:
        """Bodies of the Wright-Fisher population in which two bodies are as closely related: [replicates].

        Mean coalescence in generations, which is the size there. Selection and unrelated pairs make it an estimate from
        below; NaN where fewer than 95 of 100 pairs are related.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.related >= 0.95, self.coalescence / self.generation, np.nan)

    def sentence(self) -> str:
        """What is seen, in words."""
        last = self.heterozygosity[:, :, -1]
        both = np.isfinite(last).all(axis=0)
        if not both.any():
            return "There is no diversity to measure: nobody lives at the end."
        own, shadow = last[:, both].mean(axis=1)
        n, size = self.genotypes[0, both, -1].mean(), self.effective_size
        kin = f" Two bodies last shared an ancestor {np.nanmean(self.coalescence):.0f} ticks ago on average."
        kin = kin if np.isfinite(self.coalescence).any() else " Hardly any two bodies share an ancestor."
        known = np.isfinite(size)
        bodies = f" Effective size {size[known].mean():.0f} bodies ({known.sum()} worlds)." if known.any() else ""
        return (
            f"Two bodies differ at a locus with probability {own:.2f}, by their shadows {shadow:.2f} "
            f"({both.sum()} worlds; {n:.0f} genotypes in each).{kin}{bodies}"
        )

    def to_dict(self) -> dict[str, Any]:
        """All numbers as plain values; what is not there is None."""
        return {
            "sentence": self.sentence(),
            "ticks": self.ticks.tolist(),
            "strands": list(STRANDS),
            **{
                name: plain_lists(getattr(self, name))
                for name in (
                    *("genotypes", "effective", "alleles", "heterozygosity"),
                    *("coalescence", "related", "generation", "effective_size"),
                )
            },
        }


def sampled(record: Record, samples: int = SAMPLES) -> np.ndarray:
    """Evenly spaced ticks up to the end of a run: [times]."""
    if samples < 1:
        raise ValueError(f"samples = {samples}: must be 1 or more")
    n = min(samples, record.tick)
    return np.arange(1, n + 1) * record.tick // n


def diversity(record: Record, samples: int = SAMPLES) -> Diversity:
    """Diversity of genotypes and alleles over time, and descent at the end, of every replicate.

    Raises:
      FolderError: if the run keeps no births with genomes.
    """
    ticks = sampled(record, samples)
    everybody = with_genomes(record)
    alive = {s.replicate for s in record.statuses if s.status == "alive"}
    shape = (len(STRANDS), record.replicates, ticks.size)
    measures = np.full((4, *shape), np.nan)
    descent = np.full((3, record.replicates), np.nan)
    for r, who in enumerate(everybody):
        for k, tick in enumerate(ticks):
            living = who.genome[who.alive_at(int(tick) - 1)]
            for strand in range(len(STRANDS)):
                measures[:, strand, r, k] = of_genomes(living[:, strand])
        if r in alive:
            descent[:, r] = (*coalescence(who, record.tick - 1), generation(who))
    return Diversity(ticks, *measures, *descent)


def with_genomes(record: Record) -> list[Lives]:
    """The lives of every replicate, with genomes.

    Raises:
      FolderError: if the run keeps no births.
    """
    if "births" not in record.header["logs"]:
        raise FolderError(f"{record.folder}: keeps no births; run it with log_births_and_deaths = true")
    return all_lives(record)


def of_genomes(genomes: np.ndarray) -> tuple[float, float, float, float]:
    """Genotypes, their effective number, alleles a locus, heterozygosity of bodies [n, loci]; NaN for none.

    >>> of_genomes(np.array([[1, 5], [1, 5], [2, 5], [3, 5]], np.int8))[:3]
    (3.0, 2.6666666666666665, 2.0)
    """
    n = genomes.shape[0]
    if n == 0:
        return np.nan, np.nan, np.nan, np.nan
    rows = np.ascontiguousarray(genomes).view(np.dtype((np.void, genomes.dtype.itemsize * genomes.shape[1]))).ravel()
    shares = np.unique(rows, return_counts=True)[1] / n
    counts = allele_counts(genomes)
    same = (counts.astype(float) * (counts - 1)).sum(axis=1) / max(1, n * (n - 1))
    differ = float(1 - same.mean()) if n > 1 else np.nan
    return float(shares.size), float(1 / (shares**2).sum()), float((counts > 0).sum(axis=1).mean()), differ


def allele_counts(genomes: np.ndarray) -> np.ndarray:
    """How many bodies [n, loci] have each allele: [loci, 256], allele g at g + 128."""
    loci = genomes.shape[1]
    flat = (genomes.astype(np.int64) + 128) + 256 * np.arange(loci)
    return np.bincount(flat.ravel(), minlength=256 * loci).reshape(loci, 256)


def coalescence(who: Lives, tick: int) -> tuple[float, float]:
    """Mean ticks since the last common ancestor of two who live at the end of a tick, and the share of pairs with one.

    Descent by division: going back, the line of a child joins that of its parent in the tick of its birth.
    """
    n_living = who.alive_at(tick).astype(np.int64)
    parent = np.searchsorted(who.id, who.parent)
    pairs, waited = 0, 0
    # The youngest first: all children of a body have joined it, the later before the earlier, when its own turn comes.
    for k in range(who.id.size - 1, -1, -1):
        mine = int(n_living[k])
        if who.parent[k] > 0 and mine:
            joined = mine * int(n_living[parent[k]])
            pairs += joined
            waited += joined * (tick + 1 - int(who.born[k]))
            n_living[parent[k]] += mine
    n = int(who.alive_at(tick).sum())
    return (waited / pairs if pairs else np.nan), (pairs / (n * (n - 1) / 2) if n > 1 else np.nan)


def generation(who: Lives) -> float:
    """Mean age of a parent at a birth, in ticks; NaN without births.

    A body that divides goes on as the parent: its age counts from its own birth.
    """
    born = who.parent > 0
    ages = who.born[born] - who.born[np.searchsorted(who.id, who.parent[born])]
    return float(ages.mean()) if ages.size else np.nan
