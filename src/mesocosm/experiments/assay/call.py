"""Assays as calls: from a finished run to the record of an assay in a sub-folder of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from mesocosm.experiments.assay.declaration import ASSAY_SEEDS, AssayConfiguration
from mesocosm.experiments.launch import start_or_go_on
from mesocosm.experiments.reading import configuration_of
from mesocosm.record import FolderError, Record, load
from mesocosm.record.configuration import digest, from_dict, to_dict
from mesocosm.record.folder import ASSAYS, HEADER
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
    if source.status != RunStatus.FINISHED:
        raise FolderError(f"{source.folder}: is {source.status}; only a finished run can be assayed")
    given = {
        "of": str(source.folder),
        "source": source.digest(),
        "seed": (int(source.header["seed"]) + ASSAY_SEEDS) % 2**64,
        "replicates": source.replicates,
        **changes,
    }
    configuration = from_dict(AssayConfiguration, given)
    folder = source.folder / ASSAYS / (name or _name(configuration))
    return start_or_go_on("assay", configuration, folder, progress)


def forget_outgrown(source: Record, names: Sequence[str]) -> None:
    """Remove assays of these names that were made when the run was shorter: they say nothing of its present bodies."""
    for folder in (source.folder / ASSAYS / name for name in names):
        if (folder / HEADER).exists() and configuration_of(load(folder)).source != source.digest():
            shutil.rmtree(folder)


def _name(configuration: AssayConfiguration) -> str:
    plain = {f.name for f in fields(configuration) if f.compare}
    own = {k: v for k, v in to_dict(replace(configuration, frames_every=0)).items() if k in plain}
    who = [configuration.kind, configuration.population]
    who += [configuration.against] if configuration.kind == "competition" else []
    return "-".join([*who, digest(own)[:8]])
