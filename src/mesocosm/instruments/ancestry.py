"""Who descends from whom, read from the logs of births and deaths: NumPy only, no jax."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mesocosm.record import Record


@dataclass(frozen=True)
class Lives:
    """All individuals of one replicate, in the order of their ids.

    Args:
      id, parent, founder: [n]; the parent of a founder is 0. Descent is by division; exchanged genes do not count.
      born, died: [n] ticks; founders were born in tick 0, and who lives has died at the end of time (2^62).
      genome: [n, 2, loci], as at the end of the first tick of life; the second strand is the shadow.
    """

    id: np.ndarray
    parent: np.ndarray
    founder: np.ndarray
    born: np.ndarray
    died: np.ndarray
    genome: np.ndarray

    def alive_at(self, tick: int) -> np.ndarray:
        """Who lives at the end of a tick: [n] booleans."""
        return (self.born <= tick) & (self.died > tick)


def lives(record: Record, replicate: int) -> Lives:
    """The lives of one replicate.

    Raises:
      FolderError: if the run keeps no log of births and deaths.
    """
    births, deaths = record.log("births"), record.log("deaths")
    mine = births["replicate"] == replicate
    order = np.argsort(births["id"][mine], kind="stable") if mine.any() else np.zeros(0, int)
    ids = births["id"][mine][order].astype(np.int64)
    parent = births["parent"][mine][order].astype(np.int64)
    died = np.full(ids.size, 2**62)
    if deaths["tick"].size:
        dead = deaths["replicate"] == replicate
        died[np.searchsorted(ids, deaths["id"][dead])] = deaths["tick"][dead]
    founder = ids.copy()
    at = np.searchsorted(ids, parent)
    for k in np.flatnonzero(parent > 0):  # parents have smaller ids, so theirs is known by now
        founder[k] = founder[at[k]]
    genome = births["genome"][mine][order] if "genome" in births else np.zeros((0, 2, 0), np.int8)
    return Lives(ids, parent, founder, births["tick"][mine][order].astype(np.int64), died, genome)


def lineage_shares(who: Lives, ticks: np.ndarray, most: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the living that descend from each of the founders who once had most; and those founders.

    Returns:
      shares [most, ticks] and founders [most]; fewer rows where fewer lineages ever were.
    """
    founders = np.unique(who.founder)
    counts = np.zeros((founders.size, len(ticks)))
    row = np.searchsorted(founders, who.founder)
    for k, tick in enumerate(ticks):
        counts[:, k] = np.bincount(row[who.alive_at(int(tick))], minlength=founders.size)
    shares = counts / np.maximum(counts.sum(axis=0), 1)
    top = np.argsort(-shares.max(axis=1, initial=0), kind="stable")[:most]
    top = top[np.argsort(-shares[top, -1], kind="stable")] if len(ticks) else top
    return shares[top], founders[top]
