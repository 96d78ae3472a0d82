"""From a run folder to `report.html`. No jax."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mesocosm.protocol.derived import tell
from mesocosm.protocol.kept import REPORT, is_report, made_of
from mesocosm.protocol.reading import configuration_of, differences, findings_of, folder_of
from mesocosm.protocol.registry import declaration_of, entry_of, trouble_with
from mesocosm.protocol.story import Story
from mesocosm.record import FolderError, Record
from mesocosm.record.files import kind_of, write_whole
from mesocosm.record.status import RunStatus
from mesocosm.reports.page import Trust, render


def report(record: Record) -> Path:
    """Write the report of a finished run into its folder.

    Raises:
      FolderError: if the run is not finished, or cannot be read, or somebody else's page is in the way.
      StorageError: if the page cannot be written.
    """
    path = record.folder / REPORT
    if kind_of(path) not in ("nothing", "link") and not is_report(path):
        raise FolderError(f"{path}: is there already, and is no report of mesocosm; move it")
    write_whole(path, page(record).encode(errors="replace"))  # a folder name may hold what is no text
    return path


def page(record: Record) -> str:
    """The report of a finished run: one HTML file.

    Raises:
      FolderError: if the run is not finished, or cannot be read.
    """
    if record.status == RunStatus.RUNNING:
        raise FolderError(f"{record.folder}: is being run by another process, at tick {record.tick}; wait for its end")
    if record.status != RunStatus.FINISHED:
        raise FolderError(
            f"{record.folder}: was {record.status} at tick {record.tick}; `mesocosm resume {record.folder}` finishes it"
        )
    declared = declaration_of(record)
    claims = record.header.get("declaration", {}).get("claims", [])
    is_asked = not claims or any(claim.get("declared", True) for claim in claims)
    findings = findings_of(record)
    story = story_of(record)
    return render(
        story,
        title=declared.title,
        question=declared.question if is_asked else "",
        findings=[finding.to_dict() for finding in findings],  # type: ignore[misc]
        trust=trust(record),
        noun=declared.noun,
        verdict=next((f.verdict for f in findings if f.name == story.claim or not story.claim), None),
        data={"metrics": record.metrics, "statuses": _columns(record)},
        made_of=made_of(record),
    )


def story_of(record: Record) -> Story:
    """What an experiment tells of a run."""
    declared = declaration_of(record)
    return tell(declared, record, findings_of(record))


def trust(record: Record) -> Trust:
    """What a reader needs to repeat the run."""
    header = record.header
    residual = [abs(int(x)) for x in record.metrics["residual"]] if "residual" in record.metrics else None
    warnings = (
        ["Parameters were changed during the run; nothing is declared any more."] if header.get("interventions") else []
    ) + record.changes_of_versions
    if trouble := trouble_with(record):
        warnings.append(trouble)
    host: Mapping[str, Any] = header.get("host", {})
    changed, command, folder = _to_repeat(record)
    return Trust(
        seed=int(header["seed"]),
        versions=header["versions"],
        host=", ".join(f"{v} cores" if k == "cores" else str(v) for k, v in host.items()),
        command=command,
        folder=folder,
        begun=f"{header['begun']}, as {header['command']}",
        differences=changed,
        warnings=warnings,
        digest=record.digest(),
        residual=sum(residual) if residual is not None else None,
    )


def _to_repeat(record: Record) -> tuple[list[tuple[str, Any, Any]], str, str]:
    """In what the run differs from the default, the command that repeats it, and the folder that this makes."""
    try:
        reference, configuration = entry_of(record).reference, configuration_of(record)
    except FolderError:  # its code is gone: what was typed is all there is
        return [], record.header["command"], record.folder.name
    changed = [(name, own, default) for name, default, own in differences(type(configuration)(), configuration)]
    return changed, _command(reference, changed), str(folder_of(reference, configuration))


def _command(name: str, differences: Sequence[tuple[str, Any, Any]]) -> str:
    """The command that repeats a run from anywhere: all that is not as by default, as flags."""
    words = ["mesocosm", "run", name]
    for field, value, _ in differences:
        values = value if isinstance(value, list) else [value]
        words += [f"--{field.replace('_', '-')}", *map(str, values)]
    return shlex.join(words)


def _columns(record: Record) -> dict[str, list[Any]]:
    statuses = record.statuses
    return {
        "replicate": [s.replicate for s in statuses],
        "status": [s.status for s in statuses],
        "tick": np.array([s.tick for s in statuses]).tolist(),
        "cause": [s.cause for s in statuses],
    }
