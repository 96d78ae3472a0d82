"""From a name and a configuration to a run in a folder: what the command line and the Python interface share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mesocosm.protocol.declaration import AfterConfiguration, FollowUp, RunConfiguration
from mesocosm.protocol.derived import follow_ups_declared, values_of
from mesocosm.protocol.kept import analyse
from mesocosm.protocol.preparing import arm, prepare
from mesocosm.protocol.reading import claims_of, configuration_of, difference, folder_of, is_to_be_judged
from mesocosm.protocol.registry import Entry, entry_of, find
from mesocosm.protocol.trust import marked
from mesocosm.record import ConfigurationError, FolderError, Intervention, Record, Writer, load
from mesocosm.record import branch as branch_record
from mesocosm.record.configuration import check
from mesocosm.record.files import remove_tree
from mesocosm.record.folder import ASSAYS, held, is_locked, is_unborn, refuse_links, versions
from mesocosm.record.header import HEADER, write_header
from mesocosm.record.status import RunStatus

if TYPE_CHECKING:
    from mesocosm.core import Progress, Steering
    from mesocosm.findings.claim import Claim


def start(
    name: str,
    configuration: RunConfiguration,
    folder: Path | None = None,
    progress: Callable[[Progress], None] | None = None,
    ready: Callable[[], None] | None = None,
    only: Collection[str] | None = None,
) -> Record:
    """Run an experiment with its assays; a finished run of the same configuration is returned as it is.

    Args:
      ready: called when nothing is refused any more, before a new run is compiled.
      only: the arms that follow it, by name, instead of all that would; then nothing is judged.

    Raises:
      ConfigurationError: for what is not permitted.
      FolderError: if the folder holds an unfinished run (the message names `resume`), or another one.
    """
    folder = folder or folder_of(name, configuration)
    record = begin(name, configuration, folder, progress, ready=ready)
    if only is None:
        return conclude(record, progress)
    entry = entry_of(record)
    for arm_name in only:
        what = arm(entry, configuration, entry.declaration.arms[arm_name])
        follow(record, arm_name, what, progress)
    return record


def begin(
    name: str,
    configuration: RunConfiguration,
    folder: Path,
    progress: Callable[[Progress], None] | None = None,
    steering: Steering | None = None,
    ready: Callable[[], None] | None = None,
) -> Record:
    """The run alone, without assays. Arguments and errors as of `start`; `steering` says how far each chunk goes."""
    check(configuration)
    if _is_taken(folder):
        return _existing(name, configuration, folder)
    from mesocosm.core import run

    setup, plan = prepare(name, configuration)
    with find(name).blamed("running it", is_all_theirs=False):
        return run(setup, plan, folder, progress=progress, steering=steering, ready=ready)


def conclude(record: Record, progress: Callable[[Progress], None] | None = None) -> Record:
    """Analyse a finished run and, where it claims anything, run what follows it and judge; what is there is not
    repeated."""
    refuse_links(record.folder)
    entry, is_open = entry_of(record), is_to_be_judged(record)
    # Under a lock from the first: who looks at the run sees that it is not over, nor cut off.
    with held(record.folder / ASSAYS) if is_open else nullcontext():
        with entry.blamed("analysing it"):
            analyse(record)
        return _judged(entry, record, claims_of(record), progress) if is_open else record


def _judged(
    entry: Entry, record: Record, claims: Sequence[Claim], progress: Callable[[Progress], None] | None
) -> Record:
    """A finished run with its findings: what follows it is run first."""
    declared = entry.declaration
    from mesocosm.core import Interrupted
    from mesocosm.findings.verdicts import judge

    own = configuration_of(record)
    wanted = {name: arm(entry, own, changes) for name, changes in declared.arms.items()}
    with entry.blamed("follow_ups"):
        wanted |= follow_ups_declared(declared, record)
    try:
        assays = {name: follow(record, name, what, progress) for name, what in wanted.items()}
    except Interrupted:
        raise Interrupted(record.folder, record.tick) from None  # it is the run that is resumed, with what follows it
    survived = sum(s.status == "alive" for s in record.statuses)
    with entry.blamed("the statistic of a claim"):
        values = values_of(declared, record, assays)
    found = judge(claims, values, record.replicates, survived, record.header["seed"])
    with Writer.reopen(record.folder) as writer:
        writer.conclude([finding.to_dict() for finding in found])
    return load(record.folder)


def branch(folder: Path, into: Path, interventions: Sequence[Intervention] = ()) -> Path:
    """A run that goes on from the newest checkpoint of another one, with more interventions; `go_on` runs it.

    Args:
      folder: of the run that is branched from; it stays as it is.
      into: folder of the branch, which may not be there yet.
      interventions: added to those of the run, at its present tick or later.

    Raises:
      ConfigurationError: for what is not permitted, or lies in the past.
      FolderError: if the folder is no run or is being written, or `into` is there.
    """
    record = load(folder)
    past = [i for i in interventions if i.tick < record.tick]
    if past:
        raise ConfigurationError(
            f"interventions: {past[0]} lies in the past; this run has come to tick {record.tick}, name that or a later "
            "one"
        )
    configuration = configuration_of(record)
    every = sorted((*configuration.parsed_interventions(), *interventions), key=lambda i: i.tick)
    configuration = replace(configuration, interventions=tuple(map(str, every)))
    setup, plan = prepare(entry_of(record).reference, configuration)
    from mesocosm.core import check_interventions

    check_interventions(setup, plan)
    branch_record(folder, into, plan.identity(), plan.config)
    return into


_GROWS = ("source", "ticks", "every", "frames_every", "frames_of")
"""What may differ in a run that was to follow the same one when it was shorter: how long it is, who is filmed."""


def follow(record: Record, name: str, what: FollowUp, progress: Callable[[Progress], None] | None = None) -> Record:
    """A run that comes after a finished one, in a sub-folder of it: begun, gone on with, or returned as it is.

    One that was made when the run was shorter says nothing of what there is now, and is made anew.

    Raises:
      ConfigurationError: for what is not permitted.
      FolderError: if the sub-folder holds another run.
    """
    folder = record.folder / ASSAYS / name
    if (folder / HEADER).exists() and isinstance(what.configuration, AfterConfiguration):
        there, wanted = configuration_of(load(folder)), what.configuration
        is_of_before = type(there) is type(wanted) and there.source != wanted.source
        is_outgrown = (
            is_of_before and replace(there, **{n: getattr(wanted, n) for n in _GROWS if hasattr(wanted, n)}) == wanted
        )
        if is_outgrown:
            remove_tree(folder)
    return start_or_go_on(what.experiment, what.configuration, folder, progress)


def start_or_go_on(
    name: str,
    configuration: RunConfiguration,
    folder: Path,
    progress: Callable[[Progress], None] | None = None,
) -> Record:
    """A run that belongs to another: begun, gone on with where it was cut off, or returned as it is. Nothing follows
    it.

    Raises:
      ConfigurationError: for what is not permitted.
      FolderError: if the folder holds another run.
    """
    if folder.is_symlink():
        raise FolderError(f"{folder}: is a link, which mesocosm does not follow; remove it")
    if not (folder / HEADER).exists():
        return begin(name, configuration, folder, progress)
    there = load(folder)
    own = configuration_of(there)
    if own.ticks < configuration.ticks and replace(own, ticks=configuration.ticks) == configuration:
        return proceed(folder, configuration.ticks, progress)  # what it belongs to was made longer
    if there.status == RunStatus.FINISHED or own != configuration:
        return begin(name, configuration, folder, progress)  # returns what is there, or refuses
    return proceed(folder, progress=progress, configuration=configuration)


def _is_taken(folder: Path) -> bool:
    try:
        if not folder.exists():
            return False
    except OSError as error:
        raise FolderError(f"{folder}: cannot be made ({error.strerror}); choose another place with --out") from None
    if (folder / HEADER).exists():
        return True
    if not is_unborn(folder):
        raise FolderError(f"{folder}: is there already and is no run folder; choose another with --out")
    return False


def _existing(name: str, configuration: RunConfiguration, folder: Path) -> Record:
    entry = find(name)
    record = _adopted(load(folder), entry)
    _refuse_other_code(record, entry)
    there = configuration_of(record)
    if record.header["experiment"] != entry.declaration.name or there != configuration:
        raise FolderError(f"{folder}: holds another run ({difference(there, configuration)}); choose another --out")
    there, here = record.header["versions"].get("mesocosm"), versions()["mesocosm"]
    if there != here:
        raise FolderError(f"{folder}: was begun with mesocosm {there}, this is {here}; choose another --out")
    if record.status == RunStatus.RUNNING:
        raise FolderError(f"{folder}: is being run by another process now; `mesocosm show {folder}` looks at it")
    if record.status != RunStatus.FINISHED:
        raise FolderError(
            f"{folder}: was {record.status} at tick {record.tick}; `mesocosm resume {folder}` goes on from there"
        )
    return record


def _adopted(record: Record, entry: Entry) -> Record:
    """A run whose very code the user has named, from where it lies now: the folder may have been moved, or received."""
    then, now = record.header.get("code") or {}, marked(entry.code)
    if not now or then == now or then.get("digest") != now["digest"] or is_locked(record.folder):
        return record
    write_header(record.folder, {**record.header, "code": now})
    return load(record.folder)


def go_on(
    folder: Path,
    ticks: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    configuration: RunConfiguration | None = None,
    ready: Callable[[], None] | None = None,
) -> Record:
    """Resume a run that was interrupted or killed; with more `ticks`, make a finished one longer. Then its assays.

    Args:
      configuration: of the run, where what enters no identity (where files lie) has changed; default: the folder's own.
      ready: called when nothing is refused any more, before the run is compiled; not where it has come to its end.

    Raises:
      FolderError: if the folder is no run, or cannot be continued by this version.
    """
    return conclude(proceed(folder, ticks, progress, configuration=configuration, ready=ready), progress)


def proceed(
    folder: Path,
    ticks: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    steering: Steering | None = None,
    configuration: RunConfiguration | None = None,
    ready: Callable[[], None] | None = None,
) -> Record:
    """The run alone, without assays. Arguments and errors as of `go_on`; `steering` says how far each chunk goes."""
    record = load(folder)
    wanted = configuration or configuration_of(record)
    if ticks is not None:
        wanted = replace(wanted, ticks=ticks)
    if record.status == RunStatus.FINISHED and wanted.ticks == record.tick:
        return record
    entry = entry_of(record)
    _refuse_other_code(record, entry)
    setup, plan = prepare(entry.reference, wanted)
    from mesocosm.core import resume

    with entry.blamed("running it", is_all_theirs=False):
        return resume(setup, plan, folder, progress=progress, steering=steering, ready=ready)


def _refuse_other_code(record: Record, entry: Entry) -> None:
    """A run goes on under the code that it was begun with."""
    then, now = (record.header.get("code") or {}).get("digest", ""), entry.code.get("digest", "")
    if then != now and record.header["experiment"] == entry.declaration.name:
        raise FolderError(
            f"{record.folder}: {entry.place} has changed since this run was begun (its digest was {then or 'none'}, it "
            f"is {now or 'none'}); bring the old code back, or run it anew with another --out"
        )
