"""An experiment in one of its small configurations, ready to be run many times."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from types import new_class
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from mesocosm.core import Experiment, Plan, Setup, chunk, run
from mesocosm.core.instrument import Fold
from mesocosm.core.random import Bits, seed_words
from mesocosm.protocol.launch import prepare
from mesocosm.protocol.registry import Entry, find
from mesocosm.record import Record, load
from mesocosm.record.configuration import from_dict

BASE: dict[str, Any] = {"replicates": 3, "ticks": 60, "every": 20}

MIDST = 5
"""Which chunk is the last before arrays grow in the midst of a run: there are rows and events already."""


@dataclass(frozen=True)
class Case:
    """A setup and a plan, to be run into a folder."""

    setup: Setup
    plan: Plan

    def run(self, folder: Path, **options: Any) -> Record:
        return run(self.setup, self.plan, folder, **options)

    def with_ticks(self, ticks: int) -> Plan:
        return replace(self.plan, ticks=ticks)


@dataclass(frozen=True)
class Subject:
    """An experiment with one of the small configurations that it declares for its trial."""

    entry: Entry
    name: str = ""

    @property
    def title(self) -> str:
        """How it is named in a list."""
        return f"{self.entry.declaration.name}{self.name and f', {self.name}'}"

    @property
    def changes(self) -> Mapping[str, Any]:
        """What its case sets."""
        return self.entry.declaration.trial.cases[self.name]

    @cached_property
    def is_exact(self) -> bool:
        """Whether its law computes in whole numbers, so that bits must agree."""
        return bool(self.case().setup.experiment.exact)

    def case(self, **changes: Any) -> Case:
        """The small configuration with changes to the plan (seed, replicates, ticks, every, interventions).

        It is watched by `Traces` besides its own instruments.
        """
        values = {**BASE, **self.changes, **changes}
        setup, plan = prepare(self.entry.reference, from_dict(self.entry.declaration.configuration, values))
        return Case(_counted(setup), plan)

    def baseline(self, folder: Path) -> Record:
        """The unbroken run of the plain case, made once under this folder."""
        return self._once(folder, "baseline", lambda there: self.case().run(there))

    def fine(self, folder: Path) -> Record:
        """The same with a row for each tick."""
        return self._once(folder, "fine", lambda there: self.case(every=1).run(there))

    def crowded(self, folder: Path) -> Record:
        """Seven replicates on one device, with small buffers, a row for each tick, and arrays that grow in the midst.

        One run, for four rules: where what is said of the first three is as in `fine`, all four hold.
        """

        def make(there: Path) -> Record:
            case = self.case(replicates=7, every=1)
            with small_buffers(), growth_in_the_midst(case.setup):
                return case.run(there, devices=jax.devices()[:1])

        return self._once(folder, "crowded", make)

    def alone(self, folder: Path) -> str:
        """The digest of replicate 1 after all ticks, by `tick` alone: no loop, no batch, nobody who watches.

        Empty where it has ended before.
        """
        there = folder / f"{self._named('alone')}.txt"
        if not there.exists():
            there.parent.mkdir(parents=True, exist_ok=True)
            there.write_text(_alone(self.case()))
        return there.read_text()

    def _named(self, what: str) -> str:
        return f"{what}-{hashlib.sha256(self.title.encode()).hexdigest()[:12]}"

    def _once(self, folder: Path, name: str, make: Callable[[Path], Record]) -> Record:
        there = folder / self._named(name)
        return load(there) if (there / "run.json").exists() else make(there)


class Traces(Fold):
    """A measure that counts how often it is traced, and the law with it."""

    count: ClassVar[list[int]] = []

    def read(self, folded: Any, scene: Any) -> dict[str, Any]:
        self.count.append(1)
        return {"traces": jnp.int32(0)}


class _Roomy(Experiment):
    """The same law, founded in arrays of the next size class; of each law a subclass, which has its endings."""

    exact: ClassVar[bool] = True
    inner: Experiment

    def init(self, bits: Bits) -> Any:
        return self.inner.grow(self.inner.init(bits))

    def tick(self, bits: Bits, state: Any) -> Any:
        return self.inner.tick(bits, state)

    def scene(self, state: Any) -> Any:
        return self.inner.scene(state)

    def status(self, state: Any) -> Any:
        return self.inner.status(state)

    def has_room(self, state: Any) -> Any:
        return self.inner.has_room(state)

    def grow(self, state: Any) -> Any:
        return self.inner.grow(state)

    def canonical(self, state: Any) -> Any:
        return self.inner.canonical(state)


@cache
def _roomy(law: type[Experiment]) -> type[_Roomy]:
    return new_class(f"Roomy{law.__name__}", (_Roomy,), exec_body=lambda own: own.update(endings=law.endings))


def can_grow(law: Experiment) -> bool:
    """Whether a law says how its arrays grow."""
    return type(law).grow is not Experiment.grow


def in_larger_arrays(setup: Setup) -> Setup:
    """The same setup, of an exact law that is founded in arrays of the next size class; itself where none can grow."""
    law = setup.experiment
    return replace(setup, experiment=_roomy(type(law))(law)) if can_grow(law) else setup


def has_grown(setup: Setup, record: Record) -> bool:
    """Whether a record ends in other arrays than those in which this setup is founded."""
    founded = jax.tree.leaves(jax.eval_shape(setup.experiment.init, Bits.shapes()))
    return any(a.shape[1:] != s.shape for a, s in zip(_arrays(setup, record)[0], founded, strict=True))


def _counted(setup: Setup) -> Setup:
    """The same setup, and after every intervention, with `Traces` among its instruments."""
    change = setup.reconfigure
    again = change and (lambda applied: _counted(change(applied)))
    return replace(setup, folds={**setup.folds, "traces": Traces()}, reconfigure=again)


def _alone(case: Case) -> str:
    experiment, seed = case.setup.experiment, seed_words(case.plan.seed)
    tick = jax.jit(lambda state, t: experiment.tick(Bits.at(seed, jnp.uint32(1), t), state)[0])
    ended = jax.jit(lambda state: experiment.status(state))
    state = jax.jit(lambda: experiment.init(Bits.founding(seed, jnp.uint32(1))))()
    for t in range(case.plan.ticks):
        if ended(state) != 0:
            return ""
        while not experiment.has_room(state):
            state = experiment.grow(state)
        state = tick(state, jnp.int32(t))
    return digest(experiment.canonical(jax.tree.map(np.asarray, state)))


@contextmanager
def small_buffers() -> Iterator[None]:
    """Rows and logs leave the device as often as can be."""
    kept = chunk.LOG_ROWS, chunk.MAX_ROWS
    chunk.LOG_ROWS, chunk.MAX_ROWS = 0, 3
    try:
        yield
    finally:
        chunk.LOG_ROWS, chunk.MAX_ROWS = kept


@contextmanager
def growth_in_the_midst(setup: Setup) -> Iterator[None]:
    """After some chunks the loop is told once that there is no room: all arrays of a law that can grow do."""
    kept, calls = chunk.run_chunk, 0

    def cramped(*args: Any, **options: Any) -> Any:
        nonlocal calls
        lanes, statuses, rooms = kept(*args, **options)
        calls += 1
        return lanes, statuses, rooms & (calls != MIDST)

    if can_grow(setup.experiment):
        chunk.run_chunk = cramped
    try:
        yield
    finally:
        chunk.run_chunk = kept


def subjects(reference: str) -> list[Subject]:
    """Every small configuration that an experiment declares for its trial."""
    entry = find(reference)
    return [Subject(entry, name) for name in entry.declaration.trial.cases]


def _arrays(setup: Setup, record: Record) -> tuple[list[np.ndarray], Any]:
    """The arrays of the state at the end of a record, [living replicates, ...] each, and how they form a state."""
    template = jax.eval_shape(setup.experiment.init, Bits.shapes())
    paths, treedef = jax.tree_util.tree_flatten_with_path({"state": template})
    return [record.state[jax.tree_util.keystr(p, simple=True, separator=".")] for p, _ in paths], treedef


def worlds(setup: Setup, record: Record) -> dict[int, str]:
    """A digest of the canonical state of each living replicate at the end of a record."""
    arrays, treedef = _arrays(setup, record)
    out = {}
    for lane, replicate in enumerate(record.state["replicate"]):
        state = treedef.unflatten([a[lane] for a in arrays])["state"]
        out[int(replicate)] = digest(setup.experiment.canonical(state))
    return out


def digest(tree: Any) -> str:
    """SHA-256 over the arrays of a pytree, with their names."""
    total = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
        array = np.asarray(leaf)
        wide = array.astype("<i8") if array.dtype.kind in "iub" else array
        total.update(f"{jax.tree_util.keystr(path)}{array.shape}".encode())
        total.update(np.ascontiguousarray(wide).tobytes())
    return total.hexdigest()


def said_of_first(record: Record, n: int) -> str:
    """A digest of all rows, events and statuses of the first n replicates of a record."""
    tables = {"metrics": record.metrics, **{name: record.log(name) for name in record.header.get("logs", [])}}
    rows = {t: {name: c[columns["replicate"] < n] for name, c in columns.items()} for t, columns in tables.items()}
    statuses = [(s.replicate, s.status, s.tick, s.cause) for s in record.statuses if s.replicate < n]
    return digest(rows) + hashlib.sha256(repr(statuses).encode()).hexdigest()
