"""From a record of `chemotaxis` (or `trend`) to its findings: the declared assays and statistics. NumPy, no jax."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mesocosm.ecology.analysis import by_level, direction
from mesocosm.ecology.assay.analysis import distance, intake, selection_under_both_marks, tumbling, under_both_marks
from mesocosm.ecology.assay.call import follow_ups_from
from mesocosm.record import Record

if TYPE_CHECKING:
    from mesocosm.findings.claim import Finding
    from mesocosm.protocol.declaration import FollowUp
    from mesocosm.protocol.story import Story

GARDENS = ("evolved", "shadow", "founders")
_GARDEN_TICKS, _COMPETITION_TICKS = 600, 400


def follow_ups(record: Record) -> dict[str, FollowUp]:
    """Common gardens of the evolved, their shadows and the founders; a competition under both assignments of marks."""
    frames = {"frames_every": 1, "frames_of": median_replicate(record)}
    out: dict[str, dict[str, Any]] = {}
    for population in GARDENS:
        filmed = frames if population != "shadow" else {}
        out[f"garden-{population}"] = {"kind": "garden", "population": population, "ticks": _GARDEN_TICKS, **filmed}
    return follow_ups_from(record, out | under_both_marks("competition-founders", "founders", _COMPETITION_TICKS))


def values(record: Record, assays: Mapping[str, Record]) -> dict[str, np.ndarray]:
    """The statistic of each claim in each replicate; NaN where a replicate has died out. [replicates]"""
    effect = _contrast(assays["garden-evolved"]) - _contrast(assays["garden-shadow"])
    evolved, founders = assays["garden-evolved"], assays["garden-founders"]
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = np.log(intake(evolved) / intake(founders))
    return {
        "follows": effect,
        "sign": np.where(np.isfinite(effect), effect > 0, np.nan),
        "intake": gain,
        "distance": distance(evolved) - distance(founders),
        "selection": selection_under_both_marks(assays, "competition-founders"),
    }


def tell(record: Record, assays: Mapping[str, Record], findings: Sequence[Finding]) -> Story:
    from mesocosm.experiments.chemotaxis.telling import tell

    return tell(record, assays, findings)


def _contrast(garden: Record) -> np.ndarray:
    """P(tumble) at one end of the first sense less that at the other, in the predicted direction. [replicates]"""
    levels = tumbling(garden)
    return direction(garden.header["configuration"]["resolved"]["world"]["senses"]) * (levels[:, -1] - levels[:, 0])


def median_replicate(record: Record) -> int:
    """The surviving replicate whose behaviour differs from its shadow's as in the median of all; 0 if none lives."""
    senses = record.header["configuration"]["world"]["senses"]
    evolved, shadow = (by_level(record, strand, senses) for strand in ("evolved", "shadow"))
    effects = {
        s.replicate: (evolved[s.replicate][-1] - evolved[s.replicate][0])
        - (shadow[s.replicate][-1] - shadow[s.replicate][0])
        for s in record.statuses
        if s.status == "alive" and s.replicate in evolved
    }
    ordered = sorted(effects, key=lambda r: (effects[r], r))
    return ordered[len(ordered) // 2] if ordered else 0
