"""Populations of a run at several times, out of its log of births: who meets whom in a tournament. NumPy, no jax.

Whoever lives at a tick is there with the genome of its birth (for founders: of the first tick): exchanges later in life
are not in the log of births. A swap between two of the living moves genes between them and leaves their counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from mesocosm.instruments.ancestry import lives
from mesocosm.record import ConfigurationError, FolderError, Record, load


def pairs_of(n: int) -> list[tuple[int, int]]:
    """All pairs i < j of n snapshots, in the order (0, 1), (0, 2) ... (n - 2, n - 1)."""
    return [(i, j) for i in range(n) for j in range(i + 1, n)]


def snapshots(record: Record, ticks: Sequence[int], strand: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Genomes of n bodies that live after so many ticks, evenly spaced by id (again and again where fewer live).

    Args:
      ticks: 0 is the founders.
      strand: 0 the expressed genome, 1 the shadow.

    Returns:
      Genomes [ticks, replicates, loci, n], int8, zeros where nobody lives; whether somebody does [ticks, replicates].

    Raises:
      FolderError: if the run keeps no log of births with genomes.
      ConfigurationError: for a tick that the run has not reached.
    """
    if max(ticks) > record.tick:
        raise ConfigurationError(f"snapshots: tick {max(ticks)} is after the end of the run, {record.tick}")
    if "births" not in record.header["logs"] or "genome" not in record.log("births"):
        raise FolderError(f"{record.folder}: keeps no births with genomes; run it with log_births_and_deaths = true")
    loci = record.log("births")["genome"].shape[2]
    out = np.zeros((len(ticks), record.replicates, loci, n), np.int8)
    is_there = np.zeros((len(ticks), record.replicates), bool)
    for r in range(record.replicates):
        who = lives(record, r)
        for k, tick in enumerate(ticks):
            living = np.flatnonzero(who.alive_at(tick - 1) if tick else who.parent == 0)
            if living.size:
                chosen = np.arange(n) * living.size // n if living.size >= n else np.arange(n) % living.size
                out[k, r], is_there[k, r] = who.genome[living[chosen], strand].T, True
    return out, is_there


def meetings(
    record: Record, ticks: Sequence[int], strand: int, n: int, first_pair: int, matches: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Both populations of so many matches: genomes [matches, loci, n] and who is there [matches].

    Match m is pair first_pair + m // replicates of replicate m % replicates: snapshots meet those of their own world.
    """
    genomes, is_there = _snapshots_once(str(record.folder), record.digest(), tuple(ticks), strand, n)
    pairs = pairs_of(len(ticks))[first_pair:]
    sides = zip(*pairs[: -(-matches // record.replicates)], strict=True)
    return [
        (np.concatenate(genomes[list(side)])[:matches], np.concatenate(is_there[list(side)])[:matches])
        for side in sides
    ]


@lru_cache(maxsize=1)
def _snapshots_once(folder: str, digest: str, ticks: tuple[int, ...], strand: int, n: int):
    """The parts of one tournament ask for the same populations again and again."""
    return snapshots(load(folder), ticks, strand, n)
