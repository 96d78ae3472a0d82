"""Which element came into which body when, read from the logs of births and of passes: NumPy only, no jax."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from mesocosm.record import Record, load


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


def all_entries(record: Record) -> list[Entries]:
    """The entries of every replicate, empty where none are logged; read once for all who ask for a finished run."""
    return _all_entries(str(record.folder), record.digest())


@lru_cache(maxsize=2)
def _all_entries(folder: str, digest: str) -> list[Entries]:
    record = load(Path(folder))
    return list(_entries(record, range(record.replicates)))


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


class Logged:
    """What bodies carried, out of the logs, as assays ask for it."""

    name: ClassVar[str] = "elements"

    def at(self, record: Record, replicate: int, tick: int, ids: np.ndarray) -> Mapping[str, np.ndarray] | None:
        """Of these bodies at the end of a tick: `strain` [n], `genes` [2, loci, n]; None where nothing is logged."""
        everybody = all_entries(record)
        if not everybody:
            return None
        strain, genes = everybody[replicate].at(tick, ids)
        return {"strain": strain.astype(np.int32), "genes": np.moveaxis(genes, 0, -1)}

    def of_strand(self, own: Mapping[str, np.ndarray], strand: int) -> Mapping[str, np.ndarray]:
        """With this strand of the genes in the place of both."""
        return {"strain": own["strain"], "genes": np.repeat(own["genes"][strand][None], 2, axis=0)}
