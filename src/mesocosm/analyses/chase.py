"""Elements of one time meet hosts of another: who is ahead in the chase? Computed, not simulated. NumPy, no jax.

A *time-shift* experiment (S. Gandon, A. Buckling, E. Decaestecker and T. Day, J. Evol. Biol. 21, 2008). The success of
elements on hosts is the probability that one of them, met by one of the hosts, would enter it (docs/worlds/symbiont.md,
4.3, hosts without an element): with E_ij that of the elements of time i on the hosts of time j, snapshot i scores
`E_ij - E_ji` against snapshot j. Where keys and locks chase each other, scores go in circles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from mesocosm.ecology.assay.population import Population
from mesocosm.ecology.assay.snapshots import pairs_of, snapshots
from mesocosm.findings.claim import Finding
from mesocosm.findings.tournament import HALVES, Tournament, from_pairs
from mesocosm.layers.elements.entries import Logged
from mesocosm.layers.elements.parameters import GERM, KEY, N_LOCI, VIRULENCE
from mesocosm.protocol.catalogue import Analysis, Result, births, configured
from mesocosm.record import Record
from mesocosm.record.configuration import Range

_BODIES = 2048
"""Places to which the living of a snapshot are spread: in each half every body counts about equally."""


def chase(record: Record, ticks: Sequence[int]) -> Tournament:
    """The tournament of the symbioses of a run at these ticks, in each of its worlds.

    The two halves of the matches are two halves of the bodies. A snapshot in which nobody lives, or nobody of a half
    carries an element, has no score.

    Raises:
      FolderError: if the run keeps no births.
      ConfigurationError: for a tick that the run has not reached.
    """
    element = record.header["configuration"]["element"]
    taken = snapshots(record, ticks, 0, _BODIES, (Logged(),))
    keys, locks = (np.zeros((HALVES, len(taken), record.replicates, 2 ** element["lock_bits"])) for _ in range(2))
    for k, there in enumerate(taken):
        for half in range(HALVES):
            part = slice(half, None, HALVES)
            for r in range(record.replicates):
                strain, genes = _carried(there, r, part)
                keys[half, k, r] = _keys(strain, genes, element)
                locks[half, k, r] = _locks(there.genomes[r, -1, part].astype(int), element)
                if not there.is_there[r]:
                    keys[half, k, r] = locks[half, k, r] = np.nan
    success = element["reach"] * np.einsum("hirk,hjrk->hijr", keys, locks)
    i, j = np.array(pairs_of(len(taken))).T
    won = success[:, i, j] - success[:, j, i]
    return from_pairs(np.array(ticks) / 1000, won, -won, time_unit="1000 ticks", score_unit="per meeting")


def _carried(there: Population, replicate: int, part: slice) -> tuple[np.ndarray, np.ndarray]:
    """Strain and acting genes of what some bodies carry: [bodies], [loci, bodies]; strain 0 is nothing."""
    own = there.carried.get(Logged.name)
    if own is None:
        nobody = np.zeros(there.genomes.shape[2], int)[part]
        return nobody, np.zeros((N_LOCI, nobody.size), int)
    return own["strain"][replicate, part], own["genes"][replicate, 0][:, part].astype(int)


def _keys(strain: np.ndarray, genes: np.ndarray, element: dict) -> np.ndarray:
    """Mean effort of the elements, shared out over what their keys open: [keys]; NaN without elements."""
    n_keys, carried = 2 ** element["lock_bits"], strain > 0
    levels = genes[:, carried] + 128
    rivalry = int(256 * element["rivalry"] + 0.5)
    effort = (levels[VIRULENCE] * (256 - ((levels[GERM] * rivalry) >> 8))) >> 8
    if not carried.any():
        return np.full(n_keys, np.nan)
    return np.bincount(genes[KEY, carried] % n_keys, effort / 256, n_keys) / carried.sum()


def _locks(genes: np.ndarray, element: dict) -> np.ndarray:
    """Share of the hosts that each key opens: [keys]."""
    n_keys = 2 ** element["lock_bits"]
    return np.bincount(genes % n_keys if element["lock_bits"] else genes * 0, minlength=n_keys) / genes.size


@dataclass(frozen=True)
class Settings:
    """When symbioses are looked at."""

    snapshots: Annotated[int, Range(2, 256, "snapshots")] = 12
    """How many, evenly spaced from the founders to the end."""


def compute(record: Record, settings: Settings) -> dict[str, Any]:
    ticks = np.arange(settings.snapshots) * record.tick // (settings.snapshots - 1)
    return chase(record, ticks.tolist()).to_dict()


def show(record: Record, values: Mapping[str, Any]) -> Result:
    return Result(values["sentence"], values, tuple(map(Finding.from_dict, values["findings"])))


ANALYSIS = Analysis(
    "chase",
    "who is ahead where elements and hosts of different times meet",
    compute,
    show,
    Settings,
    needs=(births, configured("element", "elements")),
)
