"""The rules one by one: each runs a subject in another way, and says in one sentence what came out otherwise.

Numbers are those of docs/explanation/reproducibility.md. A rule that holds returns; one that does not raises `Broken`,
and one that has nothing to ask of a subject raises `NotAsked`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

from mesocosm.core import Interrupted, Setup, Turn, chunk, resume
from mesocosm.core.instrument import check_law
from mesocosm.record import MesocosmError, branch, load
from mesocosm.testing.subject import (
    Subject,
    Traces,
    can_grow,
    growth_in_the_midst,
    has_grown,
    in_larger_arrays,
    said_of_first,
    small_buffers,
    worlds,
)


class Broken(AssertionError):
    """A rule does not hold: what was done, and what came out otherwise."""


class NotAsked(MesocosmError):
    """A rule cannot be broken here: why."""


@dataclass(frozen=True)
class Rule:
    """One rule.

    Args:
      number: of the rule in docs/explanation/reproducibility.md.
      check: given a subject, an empty folder, and a folder in which baselines are shared between rules.
      for_exact: whether it is asked of experiments made of integers only.
      of_laws: whether it is about the law alone: it is not asked of another experiment's law under other parameters.
    """

    number: int
    name: str
    check: Callable[[Subject, Path, Path], None]
    for_exact: bool = False
    of_laws: bool = False

    def not_asked(self, subject: Subject, is_exact: bool | None = None) -> str:
        """Why this rule is not for such a subject; empty where it is.

        Args:
          is_exact: whether its law computes in whole numbers, where that is known; else it is built and asked.
        """
        if self.of_laws and (law := subject.entry.declaration.trial.law_of):
            return f"the law is that of {law}, where it is asked"
        if not self.for_exact or (subject.is_exact if is_exact is None else is_exact):
            return ""
        return "its law is not exact"


class TickByTick:
    """Steering: one tick a chunk."""

    def turn(self, present: Any) -> Turn:
        return Turn(present.progress.tick + 1)


class _Looks:
    """Steering that looks at the scene before steps of uneven length, and stops."""

    def __init__(self, stop_at: int):
        self.stop_at, self.seen = stop_at, []

    def turn(self, present: Any) -> Turn | None:
        tick, scene = present.scene(1)
        for name, values in scene.curves.items():
            expect(bool(np.isfinite(values).all()), f"the curve {name} is not finite at tick {tick}")
        self.seen.append(tick)
        done = present.progress.tick
        return None if done >= self.stop_at else Turn(done + 1 + done % 5)


def _alike(a: np.ndarray, b: np.ndarray) -> bool:
    return np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def _programs() -> int:
    """How many programs the loop has compiled in this process."""
    return chunk.run_chunk._cache_size()  # type: ignore[attr-defined]  # of jax.jit


def expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Broken(otherwise)


# -- 1: same address, same bits ----------------------------------------------------------------------------------------


def a_tick_keeps_structure_and_types(subject: Subject, folder: Path, shared: Path) -> None:
    check_law(subject.case().setup.experiment)


def two_halves_equal_the_whole(subject: Subject, folder: Path, shared: Path) -> None:
    case, expected = subject.case(), subject.baseline(shared)
    replace(case, plan=case.with_ticks(40)).run(folder / "half")
    continued = resume(case.setup, case.plan, folder / "half")
    expect(continued.digest() == expected.digest(), "40 ticks and 20 more leave another record than 60")
    expect(
        worlds(case.setup, continued) == worlds(case.setup, expected),
        "40 ticks and 20 more end in another state than 60",
    )


def length_of_a_chunk_changes_nothing(subject: Subject, folder: Path, shared: Path) -> None:
    found = subject.case().run(folder / "short", steering=TickByTick())
    expect(found.digest() == subject.baseline(shared).digest(), "one tick a chunk leaves another record")


def looking_changes_nothing(subject: Subject, folder: Path, shared: Path) -> None:
    """Steps of any length, a look before each, a stop and a branch of the same plan: the record of an unbroken run."""
    case, expected = subject.case(), subject.baseline(shared).digest()
    first, second = _Looks(17), _Looks(1000)
    try:
        case.run(folder / "steered", steering=first)
    except Interrupted:
        pass
    else:
        raise Broken("a run that was told to stop at tick 17 went on to its end")
    branch(folder / "steered", folder / "branch", case.plan.identity(), case.plan.config)
    found = resume(case.setup, case.plan, folder / "branch", steering=second).digest()
    expect(found == expected, "a run that is looked at, stopped and branched leaves another record")
    expect(first.seen[-1] == second.seen[0] >= 17 and second.seen[-1] == 60, "a branch begins at another tick")
    parent = load(folder / "branch").header["parent"]
    expect(parent == {"run": "steered", "tick": second.seen[0]}, "a branch does not say where it comes from")
    expect(
        resume(case.setup, case.plan, folder / "steered").digest() == expected,
        "a run goes on otherwise after it was branched from",
    )


def record_interval_changes_no_state(subject: Subject, folder: Path, shared: Path) -> None:
    setup = subject.case().setup
    found, expected = worlds(setup, subject.fine(shared)), worlds(setup, subject.baseline(shared))
    expect(found == expected, "how often a row is recorded changes the state")


def replicates_beside_it_change_nothing(subject: Subject, folder: Path, shared: Path) -> None:
    """Seven replicates in one batch; seldom another program than that of three more rules."""
    few, many = worlds(subject.case().setup, subject.baseline(shared)), subject.crowded(shared)
    found = worlds(subject.case().setup, many)
    if not _holds(few, found):  # was it those beside it, the one device, the buffers, or the growth?
        found = worlds(subject.case().setup, subject.case(replicates=7).run(folder / "7"))
    expect(_holds(few, found), "a replicate among seven ends in another state than among three")
    if subject.entry.declaration.trial.replicates_differ:
        expect(
            len(set(found.values())) == len(found), "two replicates end in the same state: do they draw the same bits?"
        )


def _holds(few: dict[int, str], many: dict[int, str]) -> bool:
    """Whether the replicates that live among few are in the same state among many."""
    return {r: many.get(r) for r in few} == few


def _crowds_change_nothing(subject: Subject, shared: Path) -> bool:
    """Whether the record of `crowded` says of its first three what it says of them alone."""
    return said_of_first(subject.crowded(shared), 3) == said_of_first(subject.fine(shared), 3)


def alone_equals_in_a_batch(subject: Subject, folder: Path, shared: Path) -> None:
    """`tick` called for one replicate, without the loop, follows the same law."""
    alone = subject.alone(shared)
    in_batch = worlds(subject.case().setup, subject.baseline(shared)).get(1, "")
    expect(alone == in_batch, "a replicate alone ends in another state than in a batch")


def slots_allocated_change_nothing(subject: Subject, folder: Path, shared: Path) -> None:
    """Arrays grow in the midst of a run; where that changes something, is it their size or that they grew?"""
    case, expected = subject.case(), subject.baseline(shared)
    if not can_grow(case.setup.experiment):
        raise NotAsked("its arrays have one size: it has no `grow` of its own")
    crowded = subject.crowded(shared)
    expect(has_grown(case.setup, crowded), "it has a `grow` of its own, and no array was seen to grow in a run")
    before = worlds(case.setup, expected)
    if _crowds_change_nothing(subject, shared) and _holds(before, worlds(case.setup, crowded)):
        return
    roomy = replace(case, setup=in_larger_arrays(case.setup))
    record = roomy.run(folder / "roomy")
    expect(record.digest() == expected.digest(), "larger arrays leave another record")
    expect(worlds(roomy.setup, record) == before, "larger arrays end in another state")
    with small_buffers(), growth_in_the_midst(case.setup):
        grown = subject.case(every=1).run(folder / "grown")
    expect(grown.digest() == subject.fine(shared).digest(), "growth in the midst of a run leaves another record")
    expect(worlds(case.setup, grown) == before, "growth in the midst of a run ends in another state")


def seeds_give_different_worlds_and_each_the_same(subject: Subject, folder: Path, shared: Path) -> None:
    again = subject.case(seed=0).run(folder / "again").digest()
    expect(again == subject.baseline(shared).digest(), "the same seed leaves another record the second time")
    if subject.entry.declaration.trial.replicates_differ:
        others = {subject.case(seed=s).run(folder / str(s)).digest() for s in (1, 2**64 - 1)}
        expect(len(others | {again}) == 3, "two seeds leave the same record")


# -- 2: watching changes nothing ---------------------------------------------------------------------------------------


def watching_changes_nothing(subject: Subject, folder: Path, shared: Path) -> None:
    case = subject.case()
    expected = worlds(case.setup, subject.baseline(shared))
    if subject.is_exact and subject.alone(shared) == expected.get(1):
        return  # alone nobody watched it
    bare = replace(case, setup=Setup(case.setup.experiment, reconfigure=case.setup.reconfigure))
    found = worlds(case.setup, bare.run(folder / "unwatched"))
    expect(found == expected, "without its instruments it ends in another state")


# -- 3: killing changes nothing ----------------------------------------------------------------------------------------


class _Stop(Exception):
    """A crash between two chunks."""


def stopped_at_any_chunk_it_goes_on_to_the_same_record(subject: Subject, folder: Path, shared: Path) -> None:
    case, there = subject.case(), folder / "stopped"
    often: dict[str, Any] = {"steering": TickByTick(), "checkpoint_seconds": 0.0}

    def crash_at(tick: int) -> Callable[[Any], None]:
        def progress(p: Any) -> None:
            if p.tick >= tick:
                raise _Stop

        return progress

    for tick in (13, 14, 39):
        try:
            if tick == 13:
                case.run(there, progress=crash_at(tick), **often)
            else:
                resume(case.setup, case.plan, there, progress=crash_at(tick), **often)
        except _Stop:
            continue
    found = resume(case.setup, case.plan, there).digest()
    expect(found == subject.baseline(shared).digest(), "stopped and resumed three times, it leaves another record")


# -- 4: nothing is compiled twice --------------------------------------------------------------------------------------


def a_second_chunk_and_another_seed_compile_nothing(subject: Subject, folder: Path, shared: Path) -> None:
    case = subject.case(seed=5, ticks=20, every=10)  # too short for a replicate to end: another batch may compile
    Traces.count.clear()
    case.run(folder / "first", checkpoint_seconds=0.0, steering=TickByTick())
    programs, traced = _programs(), len(Traces.count)
    again = replace(case, plan=replace(case.plan, seed=6, every=5))
    again.run(folder / "second")
    expect(_programs() == programs, "a second run of the same form compiles its law anew")
    expect(len(Traces.count) == traced, "a second run of the same form traces its law anew")
    expect(traced <= 6, f"its law was traced {traced} times in one run: does it read what is no array or field?")


# -- 5: every core works -----------------------------------------------------------------------------------------------


def replicates_are_shared_out_over_devices(subject: Subject, folder: Path, shared: Path) -> None:
    devices = jax.devices()
    if len(devices) < 2:
        raise NotAsked("there is one device")
    if subject.is_exact and _crowds_change_nothing(subject, shared):
        return
    case = subject.case(replicates=3)
    one = case.run(folder / "one", devices=devices[:1])
    two = case.run(folder / "two", devices=devices)
    if subject.is_exact:
        expect(one.digest() == two.digest(), "on two devices it leaves another record than on one")
        return
    for name, column in one.metrics.items():
        close = np.allclose(column, two.metrics[name], rtol=1e-3, atol=1e-3, equal_nan=True)
        expect(close, f"on two devices the measure {name} differs from that on one by more than a thousandth")


# -- 6: no allocation binds --------------------------------------------------------------------------------------------


def buffers_that_hold_little_change_nothing(subject: Subject, folder: Path, shared: Path) -> None:
    if _crowds_change_nothing(subject, shared):
        return
    with small_buffers():  # was it the buffers, the one device, the growth, or those beside it?
        found = subject.case(every=1).run(folder / "cramped").digest()
    expect(found == subject.fine(shared).digest(), "small buffers leave another record")


# -- 8: interventions are data -----------------------------------------------------------------------------------------


def interventions_act_from_their_tick_on(subject: Subject, folder: Path, shared: Path) -> None:
    if subject.name:
        raise NotAsked("interventions are tried on the first case")
    if not subject.entry.declaration.trial.interventions:
        raise NotAsked("its trial names no intervention")
    for k, text in enumerate(subject.entry.declaration.trial.interventions):
        changed = subject.case(every=10, interventions=[text])
        tick = int(text.split(":")[0])
        a, b = subject.case(every=10).run(folder / f"plain-{k}"), changed.run(folder / f"changed-{k}")
        before = a.metrics["tick"] <= tick
        same = all(_alike(a.metrics[c][before], b.metrics[c][b.metrics["tick"] <= tick]) for c in a.metrics)
        expect(same, f"{text} acts before its tick")
        expect(a.digest() != b.digest(), f"{text} changes nothing")
        replace(changed, plan=changed.with_ticks(40)).run(folder / f"half-{k}")
        found = resume(changed.setup, changed.plan, folder / f"half-{k}").digest()
        expect(found == b.digest(), f"with {text}, 40 ticks and 20 more leave another record than 60")


RULES = (
    Rule(1, "a tick keeps structure and types", a_tick_keeps_structure_and_types),
    Rule(1, "two halves equal the whole", two_halves_equal_the_whole),
    Rule(1, "the length of a chunk changes nothing", length_of_a_chunk_changes_nothing),
    Rule(1, "how often a row is recorded changes no state", record_interval_changes_no_state),
    Rule(1, "seeds give different worlds, and each the same", seeds_give_different_worlds_and_each_the_same),
    Rule(1, "replicates beside it change nothing", replicates_beside_it_change_nothing, for_exact=True, of_laws=True),
    Rule(1, "alone it is as in a batch", alone_equals_in_a_batch, for_exact=True, of_laws=True),
    Rule(1, "slots allocated change nothing", slots_allocated_change_nothing, for_exact=True, of_laws=True),
    Rule(2, "watching changes nothing", watching_changes_nothing, of_laws=True),
    Rule(2, "looking, stopping and branching change nothing", looking_changes_nothing, of_laws=True),
    Rule(3, "stopped at any chunk, it goes on to the same record", stopped_at_any_chunk_it_goes_on_to_the_same_record),
    Rule(4, "nothing is compiled twice", a_second_chunk_and_another_seed_compile_nothing, of_laws=True),
    Rule(5, "replicates are shared out over devices", replicates_are_shared_out_over_devices, of_laws=True),
    Rule(
        6,
        "buffers that hold little change nothing",
        buffers_that_hold_little_change_nothing,
        for_exact=True,
        of_laws=True,
    ),
    Rule(8, "interventions act from their tick on", interventions_act_from_their_tick_on),
)
"""Rule 7, a status for each replicate, is the loop's own and has tests of its own."""
