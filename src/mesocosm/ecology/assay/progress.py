"""Does a run get anywhere? Its present plays its past: a tournament of snapshots, by assays. No jax."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from mesocosm.ecology.assay.analysis import contest_ticks, outcomes
from mesocosm.ecology.assay.call import assay
from mesocosm.ecology.assay.declaration import ASSAY_SEEDS, Strand
from mesocosm.ecology.assay.snapshots import pairs_of
from mesocosm.record import ConfigurationError, Record
from mesocosm.record.configuration import digest

if TYPE_CHECKING:
    from mesocosm.core import Progress
    from mesocosm.findings.tournament import Tournament

SNAPSHOTS = 6
"""Of a run, from its founders to its end: fifteen pairs."""
WORLDS = 96
"""Most worlds in one part of a tournament; many more at once are slower, for they leave the caches of a CPU."""
_HALF = 0x68616C66 << 8
"""Differs the seed of the second half from that of the first."""


_AMONG_THEM = {"kind": "competition", "population": "snapshots", "against": "snapshots"}


def progress(
    source: Record,
    snapshots: int | Sequence[int] = SNAPSHOTS,
    strand: Strand = "evolved",
    horizon: int = 0,
    changes: Sequence[str] = (),
    report: Callable[[Progress], None] | None = None,
) -> Tournament:
    """All pairs of snapshots of each replicate compete 1:1, marks swapped, twice over in independent worlds.

    Matches are replicates of one program, in parts of equal size that are kept in the run's folder; a part that is
    there is not played again. A match has the same world under both assignments of the marks; no two others share one.

    Args:
      source: a finished run of an ecology that kept its births.
      snapshots: ticks of the run, or how many, evenly spaced from the founders to the end.
      strand: "evolved", or "shadow" for the null.
      horizon: ticks of a match; 0: twice what reserves last in this world (`contest_ticks`).
      changes: to the world in which they meet, FIELD=VALUE.
      report: called between chunks.

    Returns:
      Scores are the change of ln((a + 1/2)/(b + 1/2)) per 100 ticks, until one population is gone; times are in 1000
      ticks. Statuses: met, tie, fixed (one died out), both died, absent (a snapshot in which nobody lives).

    Raises:
      ConfigurationError: for fewer than two snapshots, or ticks that the run has not.
      FolderError: if the run is not finished, keeps no births, or has no bodies.
    """
    from mesocosm.findings.tournament import HALVES, from_pairs

    ticks = _ticks(source, snapshots)
    if horizon < 0:
        raise ConfigurationError(f"horizon = {horizon}: must be 1 or more, or 0 for twice what reserves last")
    horizon = horizon or contest_ticks(source)
    n_pairs, n_worlds = len(pairs_of(len(ticks))), source.replicates
    together = max(d for d in range(1, n_pairs + 1) if n_pairs % d == 0 and (d == 1 or d * n_worlds <= WORLDS))
    what = {"snapshots": ticks, "strand": strand, "ticks": horizon, "changes": tuple(changes)}
    under = f"tournament-{strand}-{digest({**what, 'source': source.digest()})[:8]}"
    scores = np.zeros((HALVES, 2, n_pairs, n_worlds))
    counted: Counter[str] = Counter()
    for half, is_swapped, first in product(range(HALVES), (False, True), range(0, n_pairs, together)):
        name = f"{under}/{half}{'-swapped' if is_swapped else ''}-{first:04d}"
        seed = (int(source.header["seed"]) + ASSAY_SEEDS + half * _HALF + first) % 2**64
        part = {"first_pair": first, "marks_swapped": is_swapped, "replicates": together * n_worlds, "seed": seed}
        won, statuses = outcomes(assay(source, name, report, **_AMONG_THEM, **what, **part, every=_window(horizon)))
        scores[half, int(is_swapped), first : first + together] = 100 * won.reshape(together, n_worlds)
        counted.update(statuses.tolist())
    # `selection` of an assay is that of its first population under either assignment.
    statuses, units = dict(sorted(counted.items())), ("1000 ticks", "per 100 ticks")
    return from_pairs(np.array(ticks) / 1000, scores[:, 0], -scores[:, 1], statuses, *units)


_MOST_SNAPSHOTS = 1000
"""Every pair of them meets."""


def _ticks(source: Record, snapshots: int | Sequence[int]) -> tuple[int, ...]:
    if not isinstance(snapshots, int):
        ticks = tuple(int(t) for t in snapshots)
        if len(ticks) < 2 or list(ticks) != sorted(set(ticks)) or ticks[0] < 0:
            raise ConfigurationError(f"snapshots = {ticks}: must be two ticks of the run or more, in order")
        return ticks
    most = min(source.tick + 1, _MOST_SNAPSHOTS)
    if not 2 <= snapshots <= most:
        raise ConfigurationError(f"snapshots = {snapshots}: must be 2 ... {most}, or a list of ticks")
    return tuple(int(t) for t in np.arange(snapshots) * source.tick // (snapshots - 1))


def _window(horizon: int) -> int:
    """The longest window of 50 ticks at most that divides the horizon."""
    return max(w for w in range(1, min(50, horizon) + 1) if horizon % w == 0)
