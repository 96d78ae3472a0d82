"""The genes of everybody at any tick: replayed where exchanges are on record, else those of birth. NumPy, no jax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mesocosm.instruments.ancestry import Lives, by_replicate
from mesocosm.record import Record

if TYPE_CHECKING:
    from mesocosm.instruments.replayed import Replayed


def replays(record: Record, everybody: Sequence[Lives], ticks: Sequence[Sequence[int]]) -> list[Replayed] | None:
    """Every genome at the ends of these ticks, of each replicate; None where exchanges are not on record, or parameters
    were changed on the way.

    Args:
      ticks: of each replicate; of one without ticks nothing is replayed.
    """
    if "exchanges" not in record.header["logs"] or record.header.get("interventions"):
        return None
    from mesocosm.instruments.replayed import Replayed, replay  # jax

    rows = by_replicate(record.log("exchanges"), record.replicates)
    each = zip(everybody, rows, ticks, strict=True)
    return [replay(record, who, r, of, at) if len(at) else Replayed({}, 0) for r, (who, of, at) in enumerate(each)]


def told(is_replayed: bool) -> str:
    """Of which genes is spoken, as a sentence."""
    if is_replayed:
        return "Every genome was replayed from the logs of births and exchanges."
    return "Exchanges are not on record (--log-exchanges True), so genes are those of birth."
