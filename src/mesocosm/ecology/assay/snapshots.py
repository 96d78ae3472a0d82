"""Populations of a run at several times, out of its log of births: who meets whom in a tournament. NumPy, no jax.

Whoever lives at a tick is there with the genome of its birth (for founders: of the first tick): exchanges later in life
are not in the log of births. A swap between two of the living moves genes between them and leaves their counts. An
element that was passed to a body later in its life is in a log of its own, so bodies carry what they carried.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from mesocosm.ecology.assay.population import Population
from mesocosm.instruments.ancestry import all_entries, all_lives
from mesocosm.record import ConfigurationError, FolderError, Record, load


def pairs_of(n: int) -> list[tuple[int, int]]:
    """All pairs i < j of n snapshots, in the order (0, 1), (0, 2) ... (n - 2, n - 1)."""
    return [(i, j) for i in range(n) for j in range(i + 1, n)]


def snapshots(record: Record, ticks: Sequence[int], strand: int, n: int) -> list[Population]:
    """n bodies that live after so many ticks, evenly spaced by id (again and again where fewer live); one a tick.

    Args:
      ticks: 0 is the founders.
      strand: 0 the expressed genome, 1 the shadow.

    Raises:
      FolderError: if the run keeps no log of births with genomes.
      ConfigurationError: for a tick that the run has not reached.
    """
    if max(ticks) > record.tick:
        raise ConfigurationError(f"snapshots: tick {max(ticks)} is after the end of the run, {record.tick}")
    if "births" not in record.header["logs"] or "genome" not in record.log("births"):
        raise FolderError(f"{record.folder}: keeps no births with genomes; run it with log_births_and_deaths = true")
    everybody, entered, replicates = all_lives(record), all_entries(record), record.replicates
    loci = everybody[0].genome.shape[2]
    out = [Population.of(np.zeros((replicates, loci, n), np.int8), np.zeros(replicates, bool)) for _ in ticks]
    for r, who in enumerate(everybody):
        for there, tick in zip(out, ticks, strict=True):
            living = np.flatnonzero(who.alive_at(tick - 1) if tick else who.parent == 0)
            if living.size:
                chosen = living[np.arange(n) * living.size // n if living.size >= n else np.arange(n) % living.size]
                there.genomes[r], there.is_there[r] = who.genome[chosen, strand].T, True
                if entered is not None:
                    strain, genes = entered[r].at(max(0, tick - 1), who.id[chosen])
                    there.strain[r], there.genes[r] = strain, genes[:, strand].T
    return out


def meetings(
    record: Record, ticks: Sequence[int], strand: int, n: int, first_pair: int, matches: int
) -> list[Population]:
    """Both populations of so many matches.

    Match m is pair first_pair + m // replicates of replicate m % replicates: snapshots meet those of their own world.
    """
    there = _snapshots_once(str(record.folder), record.digest(), tuple(ticks), strand, n)
    pairs = pairs_of(len(ticks))[first_pair:]
    sides = zip(*pairs[: -(-matches // record.replicates)], strict=True)
    return [_joined([there[k] for k in side], matches) for side in sides]


def _joined(populations: Sequence[Population], matches: int) -> Population:
    columns = zip(*(vars(p).values() for p in populations), strict=True)
    return Population(*(np.concatenate(parts)[:matches] for parts in columns))


@lru_cache(maxsize=1)
def _snapshots_once(folder: str, digest: str, ticks: tuple[int, ...], strand: int, n: int):
    """The parts of one tournament ask for the same populations again and again."""
    return snapshots(load(folder), ticks, strand, n)
