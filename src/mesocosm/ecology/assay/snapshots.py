"""Populations of a run at several times, out of its log of births: who meets whom in a tournament. NumPy, no jax.

Whoever lives at a tick is there with the genome of its birth (for founders: of the first tick): exchanges later in life
are not in the log of births. A swap between two of the living moves genes between them and leaves their counts. What
layers have of bodies they read from logs of their own (`Layer.at`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mesocosm.ecology.assay.population import OfLayer, Population
from mesocosm.instruments.ancestry import all_lives
from mesocosm.record import ConfigurationError, FolderError, Record


def pairs_of(n: int) -> list[tuple[int, int]]:
    """All pairs i < j of n snapshots, in the order (0, 1), (0, 2) ... (n - 2, n - 1)."""
    return [(i, j) for i in range(n) for j in range(i + 1, n)]


def snapshots(
    record: Record, ticks: Sequence[int], strand: int, n: int, layers: Sequence[OfLayer] = ()
) -> list[Population]:
    """n bodies that live after so many ticks, evenly spaced by id (again and again where fewer live); one a tick.

    Args:
      ticks: 0 is the founders.
      strand: 0 the expressed genome, 1 the shadow.
      layers: what bodies are taken with.

    Raises:
      FolderError: if the run keeps no log of births with genomes.
      ConfigurationError: for a tick that the run has not reached.
    """
    if max(ticks) > record.tick:
        raise ConfigurationError(f"snapshots: tick {max(ticks)} is after the end of the run, {record.tick}")
    if "births" not in record.header["logs"] or "genome" not in record.log("births"):
        raise FolderError(f"{record.folder}: keeps no births with genomes; run it with --log-births-and-deaths True")
    everybody, replicates = all_lives(record), record.replicates
    loci = everybody[0].genome.shape[2]
    out = [Population.of_nobody(replicates, loci, n) for _ in ticks]
    for r, who in enumerate(everybody):
        for there, tick in zip(out, ticks, strict=True):
            living = np.flatnonzero(who.alive_at(tick - 1) if tick else who.parent == 0)
            if not living.size:
                continue
            chosen = living[np.arange(n) * living.size // n if living.size >= n else np.arange(n) % living.size]
            there.fill(r, who.genome[chosen, strand].T)
            for layer in layers:
                own = layer.at(record, r, max(0, tick - 1), who.id[chosen])
                if own is not None:
                    there.give(layer.name, r, layer.of_strand(own, strand))
    return out


def meetings(
    record: Record, ticks: Sequence[int], strand: int, n: int, first_pair: int, matches: int, layers: Sequence[OfLayer]
) -> list[Population]:
    """Both populations of so many matches.

    Match m is pair first_pair + m // replicates of replicate m % replicates: snapshots meet those of their own world.
    """
    asked = (str(record.folder), record.digest(), tuple(ticks), strand, n)
    if asked not in _LAST:  # the parts of one tournament ask for the same populations again and again
        _LAST.clear()
        _LAST[asked] = snapshots(record, ticks, strand, n, layers)
    there = _LAST[asked]
    pairs = pairs_of(len(ticks))[first_pair:]
    sides = zip(*pairs[: -(-matches // record.replicates)], strict=True)
    return [_joined([there[k] for k in side], matches) for side in sides]


_LAST: dict[tuple[object, ...], list[Population]] = {}


def _joined(populations: Sequence[Population], matches: int) -> Population:
    genomes, is_there = (
        np.concatenate([getattr(p, k) for p in populations])[:matches] for k in ("genomes", "is_there")
    )
    out = Population(genomes, is_there)
    for layer in sorted({layer for p in populations for layer in p.carried}):
        shapes = {name: own for p in populations for name, own in p.carried.get(layer, {}).items()}
        for name, like in shapes.items():
            parts = [p.carried.get(layer, {}).get(name, np.zeros_like(like)) for p in populations]
            out.carried.setdefault(layer, {})[name] = np.concatenate(parts)[:matches]
    return out
