"""The same worlds once more with bodies that sense nothing: how much of where a colony is do its senses do? No jax."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mesocosm.protocol.preparing import arm
from mesocosm.protocol.reading import configuration_of
from mesocosm.protocol.registry import entry_of
from mesocosm.record import Record

if TYPE_CHECKING:
    from mesocosm.protocol.declaration import FollowUp


def beside_blind(record: Record, follow: Mapping[str, FollowUp], **changes: Any) -> dict[str, FollowUp]:
    """What follows a run, and the run `blind` where its configuration asks for it (`blind`).

    Args:
      changes: of the blind run besides, such as what cannot be asked of bodies that sense nothing.
    """
    if not record.header["configuration"].get("blind", False):
        return dict(follow)
    senseless = {"world": {"senses": ()}, "blind": False, "log_births_and_deaths": False, **changes}
    return {**follow, "blind": arm(entry_of(record), configuration_of(record), senseless)}


__all__ = ["beside_blind"]
