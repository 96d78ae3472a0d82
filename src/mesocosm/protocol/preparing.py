"""From a name and a configuration to a law of motion and a plan: all that is refused is refused here. Loads jax."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from importlib import import_module
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from mesocosm.protocol.declaration import Declaration, FollowUp, RunConfiguration
from mesocosm.protocol.measure import runs_read
from mesocosm.protocol.reading import after
from mesocosm.protocol.registry import Entry, find
from mesocosm.protocol.trust import marked
from mesocosm.record import ConfigurationError, Intervention, MesocosmError
from mesocosm.record.configuration import check, from_dict, replace_at, to_dict, to_toml

if TYPE_CHECKING:
    from mesocosm.core import Plan, Setup


def prepare(name: str, configuration: RunConfiguration) -> tuple[Setup, Plan]:
    """Check a configuration and build what is to be run. Loads jax.

    Raises:
      ConfigurationError: for what is not permitted.
    """
    entry = find(name)
    check_plan(entry, configuration)
    interventions = configuration.parsed_interventions()
    from mesocosm.core import Plan
    from mesocosm.core.programs import devices

    devices()  # before anything is computed: an experiment is built of arrays
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
        says=_seen(entry, setup),
    )
    return setup, plan


def _seen(entry: Entry, setup: Setup) -> str:
    """What is to be seen of a run; of an assay, of the run that is assayed."""
    of = setup.facts.get("experiment") if "resolved" in setup.facts else None
    if entry.declaration.seen or of is None:
        return entry.declaration.seen
    try:
        return find(of).declaration.seen
    except MesocosmError:  # its code is gone
        return ""


def check_plan(entry: Entry, configuration: RunConfiguration) -> None:
    """Refuse all that can be refused without building the law: fields, interventions, arms. Loads no jax.

    Raises:
      ConfigurationError: for what is not permitted.
    """
    check(configuration)
    check_together(configuration, configuration.parsed_interventions())
    check_what_follows(entry, configuration)


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


def arm(entry: Entry, own: RunConfiguration, changes: Mapping[str, Any]) -> FollowUp:
    """A declared control of a run: the same configuration and seed, some of it changed.

    An arm shorter than its run has those interventions that fall within it, besides any of its own.
    """
    alone = replace(own, assays=False) if hasattr(own, "assays") else own  # part of the identity of arms of ecologies
    configuration = from_dict(type(own), dict(changes), alone)
    added = configuration.interventions if "interventions" in changes else ()
    within = [i for i in own.interventions if "ticks" not in changes or _tick_of(i) < configuration.ticks]
    ordered = tuple(sorted((*within, *added), key=_tick_of))
    return FollowUp(entry.reference, replace(configuration, interventions=ordered))


def _tick_of(intervention: str) -> int:
    return Intervention.parse(intervention).tick


def check_what_follows(entry: Entry, configuration: RunConfiguration) -> None:
    """Refuse arms that cannot be run and claims on runs that will not be, before anything is run.

    Raises:
      ConfigurationError: naming the arm, or the claim.
    """
    declared = entry.declaration
    for name, changes in declared.arms.items():
        try:
            check(arm(entry, configuration, changes).configuration)
        except ConfigurationError as error:
            raise ConfigurationError(f"{entry.place}: the arm {name} cannot be run: {error}") from None
    if declared.follow_ups is not None or declared.part("follow_ups") is not None:
        return  # which runs these are is known from a finished run
    for claim, run in _runs_asked_for(declared):
        if run not in declared.arms:
            there = ", ".join(declared.arms) or "none"
            raise ConfigurationError(
                f"{entry.place}: the claim {claim} asks for the run {run!r}, which nothing declares; arms are {there}"
            )


def _runs_asked_for(declared: Declaration) -> Iterator[tuple[str, str]]:
    """Claims and the runs besides the run itself that their statistics name."""
    for claim in declared.claims:
        yield from ((claim.name, run) for run in runs_read(claim, declared) or ())
