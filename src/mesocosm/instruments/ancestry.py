"""Who descends from whom, read from the logs of births and deaths: NumPy only, no jax."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mesocosm.record import Record

Log = Mapping[str, np.ndarray]


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
    return lives_from(_of(record.log("births"), replicate), _of(record.log("deaths"), replicate))


def all_lives(record: Record) -> list[Lives]:
    """The lives of every replicate; the logs are read once.

    Raises:
      FolderError: if the run keeps no log of births and deaths.
    """
    births, deaths = (by_replicate(record.log(name), record.replicates) for name in ("births", "deaths"))
    return [lives_from(born, dead) for born, dead in zip(births, deaths, strict=True)]


def by_replicate(log: Log, replicates: int) -> Iterator[Log]:
    """The rows of each replicate, in their order."""
    order = np.argsort(log["replicate"], kind="stable")
    ends = np.searchsorted(log["replicate"][order], np.arange(replicates + 1))
    for low, high in pairwise(ends):
        yield {name: column[order[low:high]] for name, column in log.items()}


def _of(log: Log, replicate: int) -> Log:
    mine = log["replicate"] == replicate
    return {name: column[mine] for name, column in log.items()}


def lives_from(births: Log, deaths: Log) -> Lives:
    """From the rows of one replicate; a founder is born of nobody (0)."""
    if not births["tick"].size:
        nothing = np.zeros(0, np.int64)
        return Lives(nothing, nothing, nothing, nothing, nothing, np.zeros((0, 2, 0), np.int8))
    order = np.argsort(births["id"], kind="stable")
    ids = births["id"][order].astype(np.int64)
    parent = births["parent"][order].astype(np.int64)
    died = np.full(ids.size, 2**62)
    if deaths["tick"].size:
        died[np.searchsorted(ids, deaths["id"])] = deaths["tick"]
    genome = births["genome"][order] if "genome" in births else np.zeros((0, 2, 0), np.int8)
    return Lives(ids, parent, ids[_roots(ids, parent)], births["tick"][order].astype(np.int64), died, genome)


def _roots(ids: np.ndarray, parent: np.ndarray) -> np.ndarray:
    """The place of the founder of each individual, by leaps over twice as many ancestors every time. [n]"""
    at = np.where(parent > 0, np.searchsorted(ids, parent), np.arange(ids.size))
    while not np.array_equal(further := at[at], at):
        at = further
    return at


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
