"""What a record is a run of: its configuration, its claims, in what it differs from another. No jax."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from mesocosm.findings.claim import Claim, Finding
from mesocosm.protocol.declaration import RunConfiguration
from mesocosm.protocol.registry import entry_of, find
from mesocosm.record import ConfigurationError, FolderError, Intervention, Record, load
from mesocosm.record.configuration import digest, from_toml, replace_at, to_dict
from mesocosm.record.folder import ASSAYS, is_locked
from mesocosm.record.header import HEADER
from mesocosm.record.status import RunStatus

C = TypeVar("C")

RUNS = Path("runs")
"""Where runs go unless a folder is named."""


def folder_of(name: str, configuration: RunConfiguration, under: Path = RUNS) -> Path:
    """`<experiment>-<seed>-<hash of the configuration>`; the code of an experiment from outside enters the hash."""
    entry = find(name)
    values = to_dict(configuration)
    if code := entry.code:
        values |= {"code": code["digest"]}
    return under / f"{entry.declaration.name}-{configuration.seed}-{digest(values)[:10]}"


def configuration_of(record: Record) -> Any:
    """The configuration that a run folder holds.

    Raises:
      FolderError: if it is not one that this version knows.
    """
    cls = entry_of(record).declaration.configuration
    try:
        configuration = from_toml(cls, record.config, f"{record.folder}/config.toml")
    except (ConfigurationError, OSError, UnicodeDecodeError) as error:
        raise FolderError(f"{record.folder}: its configuration cannot be read ({error})") from None
    # A run that was made longer says so in its header only.
    return replace(configuration, ticks=int(record.header["ticks"]))


def follow_ups_of(source: Record) -> dict[str, Record]:
    """The finished runs that follow a run, in its folder, by name."""
    under = source.folder / ASSAYS
    found = (load(path.parent) for path in sorted(under.glob(f"*/{HEADER}")))
    return {record.folder.name: record for record in found if record.status == RunStatus.FINISHED}


def is_followed(record: Record) -> bool:
    """Whether a process is running what follows this finished run now: controls, assays, the verdict."""
    return record.status == RunStatus.FINISHED and is_locked(record.folder / ASSAYS)


def is_to_be_judged(record: Record) -> bool:
    """Whether what was claimed of a finished run waits for its verdict. Of a follow-up nothing is asked."""
    is_asked = record.header["configuration"].get("assays", True) and record.folder.absolute().parent.name != ASSAYS
    return record.status == RunStatus.FINISHED and bool(is_asked and claims_of(record)) and not record.findings


def standing(record: Record) -> str:
    """The status of a run with all that follows it: `running` while its controls go on, `interrupted` where they were
    cut off."""
    if is_followed(record):
        return RunStatus.RUNNING
    return RunStatus.INTERRUPTED if is_to_be_judged(record) else record.status


def is_cut_short(record: Record) -> bool:
    """Whether a run came to its end, and what was to follow it did not."""
    return record.status == RunStatus.FINISHED and standing(record) == RunStatus.INTERRUPTED


def told_seconds(record: Record) -> str:
    """How long a run took, and what followed it: `27 s, and 45 s for what followed`."""
    own, after = record.seconds, sum(follow_up.seconds for follow_up in follow_ups_of(record).values())
    return f"{own:,.0f} s" + (f", and {after:,.0f} s for what followed" if after >= 0.5 else "")


def after(configuration: C, interventions: Sequence[Intervention]) -> C:
    """The configuration after these interventions, checked at each."""
    for intervention in interventions:
        configuration = replace_at(configuration, intervention.field, intervention.value)
    return configuration


def claims_of(record: Record) -> tuple[Claim, ...]:
    """What was claimed before the run. After interventions nothing is declared any more: a person has interfered."""
    kept = record.header.get("declaration", {}).get("claims", [])
    try:
        claims = [Claim.from_dict(values) for values in (kept if isinstance(kept, list) else [kept])]
    except FolderError as error:
        raise FolderError(f"{record.folder}: {error}") from None
    if record.header.get("interventions"):
        return tuple(replace(claim, declared=False) for claim in claims)
    return tuple(claims)


def findings_of(record: Record) -> list[Finding]:
    """What was found, in the order in which it was claimed; empty before the run is judged."""
    try:
        return [Finding.from_dict(values) for values in record.findings]
    except FolderError as error:
        raise FolderError(f"{record.folder}: {error}") from None


def difference(a: Any, b: Any) -> str:
    """In what two configurations differ, in words."""
    if type(a) is not type(b):
        return "it is another experiment"
    return ", ".join(f"{name} is {there} there, {here} here" for name, there, here in differences(a, b))


def differences(a: Any, b: Any) -> list[tuple[str, Any, Any]]:
    """The fields in which two configurations differ, with the value in each; None where there is no such field."""

    def flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key, value in values.items():
            out |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
        return out

    x, y = flat(to_dict(a)), flat(to_dict(b))
    return [(k, x.get(k), y.get(k)) for k in x | y if x.get(k) != y.get(k)]
