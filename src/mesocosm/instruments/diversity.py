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
        kin = " Hardly any two bodies share an ancestor."
        if np.isfinite(self.coalescence).any():
            kin = f" Two bodies last shared an ancestor {np.nanmean(self.coalescence):.0f} ticks ago on average."
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
        for strand in range(len(STRANDS)):
            of_kind, _ = living_counts(who, ticks, genotypes(who.genome[:, strand]))
            measures[:, strand, r] = _of_counts(of_kind, *living_counts(who, ticks, alleles(who.genome[:, strand])))
        if r in alive:
            descent[:, r] = (*coalescence(who, record.tick - 1), generation(who))
    return Diversity(ticks, *measures, *descent)


def with_genomes(record: Record) -> list[Lives]:
    """The lives of every replicate, with genomes.

    Raises:
      FolderError: if the run keeps no births.
    """
    if "births" not in record.header["logs"]:
        raise FolderError(f"{record.folder}: keeps no births; run it with --log-births-and-deaths True")
    return all_lives(record)


def of_genomes(genomes: np.ndarray) -> tuple[float, float, float, float]:
    """Genotypes, their effective number, alleles a locus, heterozygosity of bodies [n, loci]; NaN for none.

    >>> of_genomes(np.array([[1, 5], [1, 5], [2, 5], [3, 5]], np.int8))[:3]
    (3.0, 2.6666666666666665, 2.0)
    """
    of_kind = np.bincount(genotypes(genomes).ravel(), minlength=1)
    which, of_allele = np.unique(alleles(genomes), return_counts=True)
    kinds, effective, per_locus, differ = (
        measure.item() for measure in _of_counts(of_kind[None], of_allele[None], which)
    )
    return kinds, effective, per_locus, differ


def _of_counts(of_kind: np.ndarray, of_allele: np.ndarray, which: np.ndarray) -> tuple[np.ndarray, ...]:
    """The measures of `of_genomes` at each time, from how many bodies have each genotype, each allele.

    Args:
      which: [different], the alleles, rising.
    """
    n = of_kind.sum(axis=1)
    first = np.unique(which // ALLELES, return_index=True)[1]  # of each locus
    if not first.size:
        return (np.full(n.size, np.nan),) * 4
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = n**2 / (of_kind**2).sum(axis=1)
        same = np.add.reduceat(of_allele * (of_allele - 1), first, axis=1) / (n * (n - 1))[:, None]
    there = np.where(n > 0, 1.0, np.nan)
    per_locus = (of_allele > 0).sum(axis=1) / first.size
    return there * (of_kind > 0).sum(axis=1), effective, there * per_locus, 1 - same.mean(axis=1)


ALLELES = 256
"""Values that a gene can have."""


def alleles(genomes: np.ndarray) -> np.ndarray:
    """The number of each allele of bodies [n, loci]: 256 a locus, allele g at g + 128."""
    return genomes.astype(np.int64) + 128 + ALLELES * np.arange(genomes.shape[1])


def genotypes(genomes: np.ndarray) -> np.ndarray:
    """The number of the genotype of each body [n, loci]: [n, 1]; equal genomes have the same."""
    width = max(1, genomes.dtype.itemsize * genomes.shape[1])
    rows = np.ascontiguousarray(genomes).view(np.dtype((np.void, width))).ravel()
    return np.unique(rows, return_inverse=True)[1].reshape(-1, 1)


def living_counts(who: Lives, ticks: np.ndarray, kinds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many of those who live at the end of each tick are of each kind [times, different], and the kinds.

    Each body counts from the first time after its birth to the last before its death: two sums, whatever the times.

    Args:
      ticks: [times], rising; the living are those of `Lives.alive_at(tick - 1)`.
      kinds: [n, k], the numbers of the kinds of which each body is.
    """
    is_there = np.bincount(kinds.ravel()) > 0
    which = np.flatnonzero(is_there)
    column = (np.cumsum(is_there) - 1)[kinds]
    changes = np.zeros((ticks.size + 1) * which.size, np.int64)
    for sign, when in ((1, who.born), (-1, who.died)):
        at = np.searchsorted(ticks - 1, when)
        changes += sign * np.bincount((at[:, None] * which.size + column).ravel(), minlength=changes.size)
    return changes.reshape(ticks.size + 1, -1)[:-1].cumsum(axis=0), which


def coalescence(who: Lives, tick: int) -> tuple[float, float]:
    """Mean ticks since the last common ancestor of two who live at the end of a tick, and the share of pairs with one.

    Descent by division: going back, the line of a child joins that of its parent in the tick of its birth.
    """
    n_living = who.alive_at(tick).astype(np.int64).tolist()
    parent, born = np.searchsorted(who.id, who.parent).tolist(), who.born.tolist()
    has_parent = (who.parent > 0).tolist()
    pairs, waited = 0, 0
    # The youngest first: all children of a body have joined it, the later before the earlier, when its own turn comes.
    for k in range(who.id.size - 1, -1, -1):
        mine = n_living[k]
        if mine and has_parent[k]:
            joined = mine * n_living[parent[k]]
            pairs += joined
            waited += joined * (tick + 1 - born[k])
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
