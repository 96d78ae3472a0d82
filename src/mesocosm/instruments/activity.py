"""Evolutionary activity: how much of what is new persists and is used, beyond what the shadow genes do by chance.

M. A. Bedau and N. H. Packard, "Measurement of evolutionary activity, teleology, and life", Artificial Life II, 1992;
M. A. Bedau, E. Snyder and N. H. Packard, "A classification of long-term evolutionary dynamics", Artif. Life VI, 1998.
Theirs is a second run, a *neutral shadow*; here every body carries one: shadow and run share births, deaths and times.

A component is an allele at a locus. Its activity grows by its share of the living at each sample, and ends with it. An
allele that was not lost counts on. Read from the log of births: NumPy, no jax.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mesocosm.findings.claim import Claim, Finding
from mesocosm.findings.outcomes import plain, plain_lists
from mesocosm.findings.verdicts import judge
from mesocosm.instruments.diversity import STRANDS, alleles, living_counts, sampled, with_genomes
from mesocosm.record import Record

SAMPLES = 60
QUANTILE = 0.95
"""Of all activities of shadow alleles of a run: what lies above is taken for adaptive, which drift is in 1 of 20."""


@dataclass(frozen=True)
class Activity:
    """Statistics of evolutionary activity of each replicate, [strands, replicates, times]; NaN where nobody lives.

    Args:
      ticks: [times], when the living were looked at.
      diversity: components that are there.
      mean: cumulative activity of a component, in ticks of the whole population (at 1000, an allele may have been
        carried by everybody for 1000 ticks).
      new: components that rise above `threshold` at this time.
      threshold: activity that 5 of 100 shadow alleles exceed, over all replicates and times.
    """

    ticks: np.ndarray
    diversity: np.ndarray
    mean: np.ndarray
    new: np.ndarray
    threshold: float

    def rates(self) -> np.ndarray:
        """New activity per 1000 ticks over the second half of the run: [strands, replicates]."""
        late = self.ticks > self.ticks[-1] / 2
        span = self.ticks[-1] - self.ticks[~late][-1] if (~late).any() else self.ticks[-1]
        return 1000 * self.new[:, :, late].sum(axis=2) / span

    def finding(self) -> Finding:
        """Whether adaptive components go on arising in the second half, paired with the shadow. Exploratory."""
        claim = Claim(
            "activity",
            "alleles go on rising above what drift does",
            control="the shadow alleles",
            statistic="new activity in the second half of the run, evolved less shadow",
            delta=0.0,
            unit="components per 1000 ticks",
            declared=False,
        )
        own, shadow = self.rates()
        return judge([claim], {"activity": own - shadow}, own.size)[0]

    def sentence(self) -> str:
        """What is seen, in words."""
        own, shadow = self.rates()
        there = np.isfinite(own) & np.isfinite(shadow)
        if not there.any():
            return "There is no activity to measure: nobody lives at the end."
        verdict = self.finding().verdict
        said = {
            "supported": "Adaptive alleles go on arising (supported, exploratory)",
            "refuted": "Fewer alleles rise than by drift (refuted, exploratory)",
            "equivalent": "No more alleles rise than by drift",
            "undecided": "Whether adaptive alleles go on arising is undecided",
        }[verdict]
        return (
            f"{said}: {own[there].mean():.2f} per 1000 ticks in the second half, {shadow[there].mean():.2f} by shadows."
        )

    def to_dict(self) -> dict[str, Any]:
        """All numbers as plain values; what is not there is None."""
        lines = {name: plain_lists(getattr(self, name)) for name in ("diversity", "mean", "new")}
        return {
            "sentence": self.sentence(),
            "ticks": self.ticks.tolist(),
            "strands": list(STRANDS),
            "threshold": plain(self.threshold),
            "finding": self.finding().to_dict(),
            **lines,
        }


def activity(record: Record, samples: int = SAMPLES) -> Activity:
    """Evolutionary activity of the alleles of every replicate, with that of their shadows.

    Raises:
      FolderError: if the run keeps no births with genomes.
    """
    ticks = sampled(record, samples)
    everybody = with_genomes(record)

    def shares(replicate: int) -> np.ndarray:
        who = everybody[replicate]
        both = [living_counts(who, ticks, alleles(who.genome[:, strand])) for strand in range(len(STRANDS))]
        n_living = np.array([who.alive_at(tick - 1).sum() for tick in ticks])
        known = np.union1d(*(which for _, which in both))
        out = np.zeros((len(STRANDS), ticks.size, known.size))
        for own, (counts, which) in zip(out, both, strict=True):
            own[:, np.searchsorted(known, which)] = counts / np.maximum(n_living, 1)[:, None]
        return out

    return of_shares(ticks, shares, record.replicates)


def of_shares(ticks: np.ndarray, shares: Callable[[int], np.ndarray], replicates: int) -> Activity:
    """Activity from shares of the living at each time.

    Args:
      ticks: [times].
      shares: of a replicate, [strands, times, components]; all 0 where nobody lives. Asked for twice, so that not all
        have to be kept.

    >>> of_shares(np.array([10, 20, 30, 40]), lambda r: np.ones((2, 4, 1)), 1).mean[0, 0].tolist()
    [10.0, 20.0, 30.0, 40.0]
    """
    of_shadows = [_grown(ticks, own[1])[own[1] > 0] for own in map(shares, range(replicates))]
    there = np.concatenate([np.zeros(0), *of_shadows])
    threshold = float(np.quantile(there, QUANTILE)) if there.size else 0.0
    rows = np.full((3, len(STRANDS), replicates, ticks.size), np.nan)
    for r in range(replicates):
        for strand, own in enumerate(shares(r)):
            grown, n = _grown(ticks, own), (own > 0).sum(axis=1)
            above = grown > threshold
            rises = above & ~np.concatenate([np.zeros_like(above[:1]), above[:-1]])
            lives = n > 0
            each = (n, grown.sum(axis=1) / np.maximum(n, 1), rises.sum(axis=1))
            rows[:, strand, r, lives] = [measure[lives] for measure in each]
    n_there, mean, new = rows
    return Activity(ticks, n_there, mean, new, threshold)


def _grown(ticks: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Cumulative activity [times, components]; 0 where a component is not there."""
    out = np.zeros(shares.shape)
    now = np.zeros(shares.shape[1])
    for k, step in enumerate(np.diff(ticks, prepend=0)):
        now = np.where(shares[k] > 0, now + step * shares[k], 0)
        out[k] = now
    return out
