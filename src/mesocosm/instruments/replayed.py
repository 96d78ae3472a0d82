"""Genomes at any tick, replayed from the logs of births and exchanges, and whether the logs agree with themselves.

A child's genome is its parent's, with mutations; two bodies that meet swap genes, or the first copies some of the
last. Who was born of whom and who met whom is on record, and the random bits have addresses (docs/worlds/petri.md,
sections 3 to 5), so that every genome of every tick follows from those of the founders. It must come to what the log
says of each newborn, and to what the state holds at the end: a record that was lost or altered shows. NumPy; the
generator is written anew (J. K. Salmon et al. 2011).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mesocosm.core.random import threshold16
from mesocosm.heredity.genomes import EXCHANGE, GENE
from mesocosm.instruments.ancestry import Lives
from mesocosm.record import Record
from mesocosm.record.configuration import resolved


@dataclass(frozen=True)
class Replayed:
    """Of one replicate.

    Args:
      genomes: at the end of each tick that was asked for, of everybody: who is no more has that of his last tick, who
        is not yet zeros. [n, 2, loci] each
      faults: newborns whose genome is not what follows, and exchanges with somebody who did not live.
    """

    genomes: Mapping[int, np.ndarray]
    faults: int


def replay(
    record: Record, who: Lives, replicate: int, exchanges: Mapping[str, np.ndarray], ticks: Sequence[int]
) -> Replayed:
    """The genomes of one replicate.

    Args:
      exchanges: the rows of this replicate: tick, id, partner.
      ticks: at whose ends genomes are asked for.
    """
    heredity = resolved(record)["heredity"]
    loci, last = who.genome.shape[2], max(ticks)
    gives = resolved(record).get("exchange", "swap") != "copy"  # of a copy the last one of the pair keeps its own
    words = _Words(int(record.header["seed"]), replicate)
    born = np.flatnonzero((who.born > 0) & (who.born <= last))
    mutant, gene = words.mutations(who.born[born], who.id[born], loci, float(heredity["mutation_probability"]))
    met = (exchanges["tick"] > 0) & (exchanges["tick"] <= last)
    when, first, other = (exchanges[name][met].astype(np.int64) for name in ("tick", "id", "partner"))
    swaps = words.swaps(when, first, loci)
    a, b = (_places(who, ids) for ids in (first, other))
    is_met = (a >= 0) & (b >= 0) & (who.died[a] >= when) & (who.died[b] >= when) & (who.born[a] <= when)
    faults = int((~is_met).sum())
    parents = _places(who, who.parent[born])
    now = np.where((who.born <= 0)[:, None, None], who.genome, np.int8(0))
    out, wanted = {}, sorted(set(ticks))
    for tick in range(last + 1):
        of_born, of_met = _at(who.born[born], tick), _at(when, tick)
        if of_born.size:
            new = born[of_born]
            now[new] = np.where(mutant[of_born], gene[of_born], now[parents[of_born]])
        if of_met.size:
            pairs = of_met[is_met[of_met]]
            x, y, swap = now[a[pairs]], now[b[pairs]], swaps[pairs]
            now[a[pairs]], now[b[pairs]] = np.where(swap, y, x), np.where(swap & gives, x, y)
        if of_born.size:
            faults += int((now[new] != who.genome[new]).any(axis=(1, 2)).sum())
            now[new] = who.genome[new]
        if wanted and tick == wanted[0]:
            out[wanted.pop(0)] = now.copy()
    return Replayed(out, faults)


def _at(ticks: np.ndarray, tick: int) -> np.ndarray:
    """Where a sorted column has this tick."""
    low, high = np.searchsorted(ticks, [tick, tick + 1])
    return np.arange(low, high)


def _places(who: Lives, ids: np.ndarray) -> np.ndarray:
    """Where these ids are among all lives; -1 where they are not."""
    at = np.minimum(np.searchsorted(who.id, ids), max(who.id.size - 1, 0))
    return np.where(who.id[at] == ids, at, -1) if who.id.size else np.full(ids.shape, -1)


@dataclass(frozen=True)
class _Words:
    """Random bits of one replicate by their addresses."""

    seed: int
    replicate: int

    def _of(self, ticks: np.ndarray, ids: np.ndarray, purposes: np.ndarray) -> np.ndarray:
        """Two words of each event and purpose. [2, events, purposes]"""
        low, high = (np.asarray(self.seed >> shift & 0xFFFFFFFF, np.uint32) for shift in (0, 32))
        k0, k1 = threefry(low, high, np.full(ticks.shape, self.replicate, np.uint32), ticks.astype(np.uint32))
        index, purpose = ids.astype(np.uint32)[:, None], purposes.astype(np.uint32)[None, :]
        return np.stack(threefry(k0[:, None], k1[:, None], *np.broadcast_arrays(index, purpose)))

    def mutations(self, ticks: np.ndarray, ids: np.ndarray, loci: int, chance: float) -> tuple[np.ndarray, np.ndarray]:
        """Which genes of newborns are replaced, and by what. [events, 2, loci] each"""
        words = self._of(ticks, ids, GENE + np.arange(loci)).transpose(1, 0, 2)
        gene = ((words >> np.uint32(24)).astype(np.int32) - 128).astype(np.int8)
        return (words & np.uint32(0xFFFF)).astype(np.int64) < threshold16(chance), gene

    def swaps(self, ticks: np.ndarray, ids: np.ndarray, loci: int) -> np.ndarray:
        """Which genes a pair swaps. [events, 2, loci] booleans"""
        locus = np.arange(loci)
        words = self._of(ticks, ids, EXCHANGE + np.arange((loci + 31) // 32)).transpose(1, 0, 2)
        return (words[:, :, locus >> 5] >> (locus & 31).astype(np.uint32)) & np.uint32(1) == 1


def threefry(k0: np.ndarray, k1: np.ndarray, c0: np.ndarray, c1: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Threefry-2x32 with 20 rounds: two words of key, two of counter, two of random bits; shapes broadcast."""
    with np.errstate(over="ignore"):  # words wrap
        keys = (np.uint32(k0), np.uint32(k1), np.uint32(k0) ^ np.uint32(k1) ^ np.uint32(0x1BD11BDA))
        x, y = c0 + keys[0], c1 + keys[1]
        for block in range(5):
            for turn in ((13, 15, 26, 6), (17, 29, 16, 24))[block % 2]:
                x = x + y
                y = (y << np.uint32(turn) | y >> np.uint32(32 - turn)) ^ x
            x, y = x + keys[(block + 1) % 3], y + keys[(block + 2) % 3] + np.uint32(block + 1)
    return x, y
