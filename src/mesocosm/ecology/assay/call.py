"""Assays as calls: from a finished run to the record of an assay in a sub-folder of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from mesocosm.ecology.assay.declaration import ASSAY_SEEDS, AssayConfiguration
from mesocosm.protocol.declaration import FollowUp
from mesocosm.protocol.launch import follow
from mesocosm.record import FolderError, Record
from mesocosm.record.configuration import digest, from_dict, to_dict
from mesocosm.record.status import RunStatus

if TYPE_CHECKING:
    from mesocosm.core import Progress


def assay(
    source: Record,
    name: str | None = None,
    progress: Callable[[Progress], None] | None = None,
    **changes: Any,
) -> Record:
    """Assay the bodies of a finished run; an assay that was cut off goes on, one that is there is returned.

    Args:
      name: of the sub-folder of `assays/` in the run's folder (default: kind, population and a hash).
      changes: fields of `AssayConfiguration`.

    Raises:
      ConfigurationError: for what is not permitted.
      FolderError: if the run is not finished, has no bodies, or the sub-folder holds another assay.
    """
    what = _follow_up(source, source.digest(), changes)
    return follow(source, name or _name(what.configuration), what, progress)


def follow_ups_from(source: Record, wanted: Mapping[str, Mapping[str, Any]]) -> dict[str, FollowUp]:
    """Declared assays by name, from what each sets in `AssayConfiguration`; errors as of `assay`."""
    digest = source.digest()
    return {name: _follow_up(source, digest, changes) for name, changes in wanted.items()}


def _follow_up(source: Record, source_digest: str, changes: Mapping[str, Any]) -> FollowUp:
    if source.status != RunStatus.FINISHED:
        raise FolderError(
            f"{source.folder}: is {source.status}; only the bodies of a finished run can be tried in fresh worlds"
        )
    given = {
        "of": str(source.folder),
        "source": source_digest,
        "seed": (int(source.header["seed"]) + ASSAY_SEEDS) % 2**64,
        "replicates": source.replicates,
        **changes,
    }
    return FollowUp("assay", from_dict(AssayConfiguration, given))


def _name(configuration: Any) -> str:
    plain = {f.name for f in fields(configuration) if f.compare}
    own = {k: v for k, v in to_dict(replace(configuration, frames_every=0)).items() if k in plain}
    who = [configuration.kind, configuration.population]
    who += [configuration.against] if configuration.kind == "competition" else []
    return "-".join([*who, digest(own)[:8]])
