"""From a name and a configuration to a run in a folder: what the command line and the Python interface share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mesocosm.protocol.declaration import AfterConfiguration, FollowUp, RunConfiguration
from mesocosm.protocol.derived import follow_ups_declared, values_of
from mesocosm.protocol.kept import analyse
from mesocosm.protocol.reading import after, claims_of, configuration_of, difference, folder_of
from mesocosm.protocol.registry import Entry, entry_of, find
from mesocosm.protocol.trust import marked
from mesocosm.record import ConfigurationError, FolderError, Intervention, Record, Writer, load
from mesocosm.record import branch as branch_record
from mesocosm.record.configuration import check, from_dict, replace_at, to_dict, to_toml
from mesocosm.record.files import remove_tree
from mesocosm.record.folder import ASSAYS, is_locked, is_unborn, refuse_links, versions
from mesocosm.record.header import HEADER, write_header
from mesocosm.record.status import RunStatus

if TYPE_CHECKING:
    from mesocosm.core import Plan, Progress, Setup, Steering


def prepare(name: str, configuration: RunConfiguration) -> tuple[Setup, Plan]:
    """Check a configuration and build what is to be run. Loads jax.

    Raises:
      ConfigurationError: for what is not permitted.
    """
    check(configuration)
    interventions = configuration.parsed_interventions()
    check_together(configuration, interventions)
    from mesocosm.core import Plan
    from mesocosm.core.programs import devices

    devices()  # before anything is computed: an experiment is built of arrays
    entry = find(name)
    setup = _built(entry, configuration)
    if interventions:
        setup = replace(setup, reconfigure=lambda applied: _built(entry, after(configuration, applied)))
    aside = _PLAN_FIELDS | {f.name for f in fields(configuration) if not f.compare}
    own = {k: v for k, v in to_dict(configuration).items() if k not in aside}
    plan = Plan(
        entry.declaration.name,
        configuration.seed,
        configuration.replicates,
        configuration.ticks,
        configuration.every,
        interventions,
        configuration=own | setup.facts,
        declaration=entry.declaration.to_dict(configuration),
        config=to_toml(configuration),
        code=marked(entry.code),
    )
    return setup, plan


_PLAN_FIELDS = {"seed", "replicates", "ticks", "every", "interventions"}


def law_of(entry: Entry, configuration: Any) -> Setup:
    """The law of motion of an experiment from a configuration, and what watches it; loads jax.

    Raises:
      ConfigurationError: where the experiment's own code fails, or gives something else.
    """
    from mesocosm.core import Setup

    build = entry.declaration.build
    if build is None and entry.module is not None:
        raise ConfigurationError(f"{entry.place}: declares no `build`, the function from its configuration to a Setup")
    if build is None:
        build = import_module(f"{entry.folder}.system").build
    from mesocosm.core.flags import pinned

    with entry.blamed("build"), pinned():
        setup = build(configuration)
    if not isinstance(setup, Setup):
        raise ConfigurationError(f"{entry.place}: build gives {type(setup).__name__}; it must give a Setup")
    return setup


def _built(entry: Entry, configuration: RunConfiguration) -> Setup:
    """The experiment and what watches it: where it has none of its own, cameras for all that its scene names, and a
    measure for each number in it."""
    setup = law_of(entry, configuration)
    from mesocosm.core.flags import pinned

    with entry.blamed("its law"), pinned():
        from mesocosm.core.instrument import Numbers, about_scene, cameras_of, check_instruments, shapes

        shown = shapes(setup.experiment)
        try:
            about_scene(setup.experiment)
        except ValueError as error:
            raise ConfigurationError(f"{entry.place}: its scene cannot be shown: {error}") from None
    _, tick, scene = shown
    if not setup.folds:
        whole = [name for name, flow in tick.flows.items() if flow.dtype.kind in "iub"]
        flows = tuple((name, "int32" if name in whole else str(flow.dtype)) for name, flow in tick.flows.items())
        setup = replace(setup, folds={"numbers": Numbers(flows)})
    _check_measures(entry, configuration, lambda: check_instruments(shown, setup.folds, ()))
    if configuration.frames_every and not any(log.is_view for log in setup.logs):
        cameras = cameras_of(scene, configuration.frames_every, configuration.frames_of)
        setup = replace(setup, logs=(*setup.logs, *cameras))
    return setup


def _check_measures(entry: Entry, configuration: Any, columns: Callable[[], Mapping[str, Any]]) -> None:
    """Refuse measures that read what will not be recorded, before anything is run."""
    measures = entry.declaration.measures_under(to_dict(configuration))
    if not measures:
        return
    import numpy as np

    row = {
        "replicate": np.zeros(1),
        "tick": np.ones(1),
        "ticks": np.ones(1),
        **{name: np.ones(1) for name in columns()},
    }
    for measure in measures:
        for of_control in (False, True)[: 1 + (measure.control is not None)]:
            with entry.blamed(f"the measure {measure.name}"), np.errstate(all="ignore"):
                measure.at(row, of_control)


def check_together(configuration: RunConfiguration, interventions: Sequence[Intervention]) -> None:
    """Refuse interventions in what belongs to the plan, and values that could overflow one after the other.

    What was gathered under one value may still be there under the next: sums are safe if they are with the largest.
    """
    for intervention in interventions:
        if intervention.field.split(".")[0] in _PLAN_FIELDS:
            raise ConfigurationError(
                f"interventions: {intervention.field} belongs to the plan; only parameters can change"
            )
    after(configuration, interventions)
    largest = configuration
    for intervention in interventions:
        raised = _raised(attrgetter(intervention.field)(largest), intervention.value)
        if raised is not None:
            try:
                largest = replace_at(largest, intervention.field, raised)
            except ConfigurationError as error:
                raise ConfigurationError(
                    f"interventions: {intervention} on top of what was before it: {error}"
                ) from None


def _raised(before: Any, value: Any) -> Any:
    """What of a value (a number, or a table of them) is above what was there before; None if nothing is."""
    if isinstance(value, dict):
        inner = {name: _raised(getattr(before, name), one) for name, one in value.items()}
        return {name: one for name, one in inner.items() if one is not None} or None
    if isinstance(before, tuple) and before and len(before) == len(value) and _are_numbers((*before, *value)):
        return [max(pair) for pair in zip(before, value, strict=True)]
    return value if _are_numbers((before, value)) and value > before else None


def _are_numbers(values: Sequence[Any]) -> bool:
    return all(isinstance(value, int | float) for value in values)


def start(
    name: str,
    configuration: RunConfiguration,
    folder: Path | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Record:
    """Run an experiment with its assays; a finished run of the same configuration is returned as it is.

    Raises:
      ConfigurationError: for what is not permitted.
      FolderError: if the folder holds an unfinished run (the message names `resume`), or another one.
    """
    folder = folder or folder_of(name, configuration)
    return conclude(begin(name, configuration, folder, progress), progress)


def begin(
    name: str,
    configuration: RunConfiguration,
    folder: Path,
    progress: Callable[[Progress], None] | None = None,
    steering: Steering | None = None,
) -> Record:
    """The run alone, without assays. Arguments and errors as of `start`; `steering` says how far each chunk goes."""
    check(configuration)
    if _is_taken(folder):
        return _existing(name, configuration, folder)
    from mesocosm.core import run

    setup, plan = prepare(name, configuration)
    with find(name).blamed("running it", is_all_theirs=False):
        return run(setup, plan, folder, progress=progress, steering=steering)


def conclude(record: Record, progress: Callable[[Progress], None] | None = None) -> Record:
    """Analyse a finished run and, where it claims anything, run what follows it and judge; what is there is not
    repeated."""
    refuse_links(record.folder)
    entry = entry_of(record)
    declared = entry.declaration
    with entry.blamed("analysing it"):
        analyse(record)
    claims, is_asked = claims_of(record), record.header["configuration"].get("assays", True)
    if not claims or record.findings or not is_asked:
        return record
    from mesocosm.core import Interrupted
    from mesocosm.findings.verdicts import judge

    wanted = {name: _arm(record, changes) for name, changes in declared.arms.items()}
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


def _arm(record: Record, changes: Mapping[str, Any]) -> FollowUp:
    """A declared control of a finished run: the same configuration and seed, some of it changed."""
    own = configuration_of(record)
    alone = replace(own, assays=False) if hasattr(own, "assays") else own  # part of the identity of arms of ecologies
    return FollowUp(entry_of(record).reference, from_dict(type(own), dict(changes), alone))


def follow(record: Record, name: str, what: FollowUp, progress: Callable[[Progress], None] | None = None) -> Record:
    """A run that comes after a finished one, in a sub-folder of it: begun, gone on with, or returned as it is.

    One that was made when the run was shorter says nothing of what there is now, and is made anew.

    Raises:
      ConfigurationError: for what is not permitted.
      FolderError: if the sub-folder holds another run.
    """
    folder = record.folder / ASSAYS / name
    if (folder / HEADER).exists() and isinstance(what.configuration, AfterConfiguration):
        there = configuration_of(load(folder))
        is_outgrown = (
            there != what.configuration and replace(there, source=what.configuration.source) == what.configuration
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
) -> Record:
    """Resume a run that was interrupted or killed; with more `ticks`, make a finished one longer. Then its assays.

    Args:
      configuration: of the run, where what enters no identity (where files lie) has changed; default: the folder's own.

    Raises:
      FolderError: if the folder is no run, or cannot be continued by this version.
    """
    return conclude(proceed(folder, ticks, progress, configuration=configuration), progress)


def proceed(
    folder: Path,
    ticks: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    steering: Steering | None = None,
    configuration: RunConfiguration | None = None,
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
        return resume(setup, plan, folder, progress=progress, steering=steering)


def _refuse_other_code(record: Record, entry: Entry) -> None:
    """A run goes on under the code that it was begun with."""
    then, now = (record.header.get("code") or {}).get("digest", ""), entry.code.get("digest", "")
    if then != now and record.header["experiment"] == entry.declaration.name:
        raise FolderError(
            f"{record.folder}: {entry.place} has changed since this run was begun (its digest was {then or 'none'}, it "
            f"is {now or 'none'}); bring the old code back, or run it anew with another --out"
        )
