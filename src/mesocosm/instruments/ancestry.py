"""Who descends from whom, read from the logs of births and deaths: NumPy only, no jax."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
    return _lives(_of(record.log("births"), replicate), _of(record.log("deaths"), replicate))


def all_lives(record: Record) -> list[Lives]:
    """The lives of every replicate; the logs are read once.

    Raises:
      FolderError: if the run keeps no log of births and deaths.
    """
    births, deaths = (_by_replicate(record.log(name), record.replicates) for name in ("births", "deaths"))
    return [_lives(born, dead) for born, dead in zip(births, deaths, strict=True)]


def _by_replicate(log: Log, replicates: int) -> Iterator[Log]:
    """The rows of each replicate, in their order."""
    order = np.argsort(log["replicate"], kind="stable")
    ends = np.searchsorted(log["replicate"][order], np.arange(replicates + 1))
    for low, high in pairwise(ends):
        yield {name: column[order[low:high]] for name, column in log.items()}


def _of(log: Log, replicate: int) -> Log:
    mine = log["replicate"] == replicate
    return {name: column[mine] for name, column in log.items()}


def _lives(births: Log, deaths: Log) -> Lives:
    """From the rows of one replicate."""
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


@dataclass(frozen=True)
class Entries:
    """Which element came into which body when, at birth or at touch, in one replicate; ordered by body, then tick.

    Args:
      id, tick, strain: [n]; strain 0 is a body born without one.
      genes: [n, 2, loci]; the second strand is the shadow.
    """

    id: np.ndarray
    tick: np.ndarray
    strain: np.ndarray
    genes: np.ndarray

    def at(self, tick: int, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What these bodies carry at the end of a tick in which they live: strain [n], genes [n, 2, loci]."""
        known = np.flatnonzero(self.tick <= tick)
        last = known[np.searchsorted(self.id[known], ids, side="right") - 1]
        return self.strain[last], self.genes[last]


def entries(record: Record, replicate: int) -> Entries | None:
    """All entries of elements into bodies of one replicate; None where there are no elements, or no logs of them."""
    return next(_entries(record, [replicate]), None)


def all_entries(record: Record) -> list[Entries] | None:
    """The entries of every replicate; the logs are read once."""
    return list(_entries(record, range(record.replicates))) or None


def _entries(record: Record, replicates: Iterable[int]) -> Iterator[Entries]:
    if "passes" not in record.header["logs"]:
        return
    parts = [part for part in (record.log("births"), record.log("passes")) if part["tick"].size]
    names = ("replicate", "id", "tick", "element", "element_genes")
    replicate, *columns = (np.concatenate([part[name] for part in parts]) for name in names)
    for r in replicates:
        mine = np.flatnonzero(replicate == r)
        order = mine[np.lexsort([columns[1][mine], columns[0][mine]])]
        yield Entries(*(column[order] for column in columns))
