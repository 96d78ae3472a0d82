"""Do later minds win against earlier ones, or do they only chase each other? All times of a run of `mirror` meet.

Progress and chase are the two parts of the matrix of scores (`findings/tournament.py`). Rivals that are alike look
transitive whatever the game (A. Strang, K. Abbott and P. Thomas, "The network HHD", SIAM Review 64, 2022), so the chase
of each world stands beside the spread of its traits over time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np

from mesocosm.findings.claim import Finding
from mesocosm.findings.tournament import HALVES, from_pairs
from mesocosm.protocol.blocks import who_beats_whom
from mesocosm.protocol.catalogue import Analysis, Result, arrays, log
from mesocosm.record import FolderError, Record
from mesocosm.record.configuration import Range


@dataclass(frozen=True)
class Settings:
    """Who meets, for how long."""

    snapshots: Annotated[int, Range(2, 16, "snapshots")] = 5
    """How many of the kept times, evenly spaced; the last is among them."""
    ticks: Annotated[int, Range(1, 4096, "ticks")] = 40
    """Length of a match."""
    strand: Literal["evolved", "shadow"] = "evolved"
    """Which genome plays; the shadow's is what chance alone would do."""


def compute(record: Record, settings: Settings) -> dict[str, Any]:
    kept = record.log("minds")
    ticks = np.unique(kept["tick"])
    if len(ticks) < 2:
        raise FolderError(f"{record.folder}: kept minds of {len(ticks)} times; past needs 2: lower keep_every")
    ticks = ticks[np.unique(np.linspace(0, len(ticks) - 1, settings.snapshots).round().astype(int))]
    genes = kept["genome"].reshape(-1, 2, 4)[:, int(settings.strand == "shadow")]
    people = [[genes[(kept["replicate"] == r) & (kept["tick"] == t)] for t in ticks] for r in range(record.replicates)]
    won = _matches(record, people, settings.ticks)  # [halves, 2, pairs, replicates]
    found = from_pairs((ticks + 1) / 1000, won[:, 0], won[:, 1], None, "1000 ticks", "quanta a round")
    spread = np.array([_spread(times) for times in people])
    split = found.split()
    there = np.isfinite(spread) & np.isfinite(split.cyclic)
    return found.to_dict() | {
        "chase": [None if not ok else float(c) for ok, c in zip(there, split.cyclic, strict=True)],
        "spread": [None if not ok else float(s) for ok, s in zip(there, spread, strict=True)],
        "rank_correlation": _rank_correlation(spread[there], split.cyclic[there]),
        "strand": settings.strand,
    }


def _spread(times: list[np.ndarray]) -> float:
    """How far the mean genes of a world lie apart over its times: root of their summed variance; NaN where it ended."""
    if any(len(people) == 0 for people in times):
        return float("nan")
    return float(np.sqrt(np.array([people.mean(axis=0) for people in times]).var(axis=0).sum()))


FEW = 10
"""Worlds, below which a correlation over them is not told."""


def _rank_correlation(x: np.ndarray, y: np.ndarray) -> float | None:
    if x.size < FEW or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    from scipy.stats import rankdata

    return float(np.corrcoef(rankdata(x), rankdata(y))[0, 1])  # Spearman


def _matches(record: Record, people: list[list[np.ndarray]], ticks: int) -> np.ndarray:
    """What the first of each pair wins of the second, in either assignment of places. [halves, 2, pairs, worlds]"""
    import jax.numpy as jnp

    from mesocosm.core.flags import pinned
    from mesocosm.core.random import seed_words
    from mesocosm.instruments.revived import revived
    from mesocosm.worlds.mirror.match import frozen, longest, won

    with pinned():
        law: Any = frozen(revived(record).experiment)  # type: ignore[arg-type]  # whoever logs `minds` has this law
        ticks = min(ticks, longest(law))
        i, j = np.triu_indices(len(people[0]), 1)
        scores = np.full((HALVES, 2, len(i), len(people)), np.nan)
        for r, times in enumerate(people):
            if any(len(living) == 0 for living in times):
                continue
            for half in range(HALVES):
                rng = np.random.default_rng([int(record.header["seed"]) % 2**63, r, half])
                stood = np.stack([living[rng.integers(0, len(living), law.n)].T for living in times]).astype(np.int32)
                first, second = (jnp.asarray(stood[k]) for k in (i, j))
                seed = seed_words((int(record.header["seed"]) + 1 + half) % 2**64)
                where = seed, jnp.uint32(r), jnp.int32(ticks)
                scores[half, 0, :, r] = np.asarray(won(law, first, second, *where))
                scores[half, 1, :, r] = np.asarray(won(law, second, first, *where))
    return scores


def show(record: Record, values: Mapping[str, Any]) -> Result:
    rank = values["rank_correlation"]
    said = (
        f"Whether worlds with more varied minds chase more is not told: fewer than {FEW} worlds, or all alike."
        if rank is None
        else f"Over worlds, how much is chase goes with how varied minds are by the rank correlation {rank:+.2f}."
    )
    sentence = f"{values['sentence']} {said}"
    alt = f"What minds of each time (row) win of those of each other one (column), means over worlds. {sentence}"
    figure = who_beats_whom(values, alt, row="minds", column="opponents")
    return Result(sentence, values, tuple(map(Finding.from_dict, values["findings"])), (figure,))


ANALYSIS = Analysis(
    "past", "whether later minds win against earlier ones, or only chase them", compute, show, Settings,
    needs=(log("minds", "keep_every = 500"), arrays("state.tables", "state.genome")),
)  # fmt: skip
