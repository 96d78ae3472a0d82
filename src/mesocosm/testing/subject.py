"""An experiment in one of its small configurations, ready to be run many times."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
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
        """Seven replicates on one device, in larger arrays, with small buffers, and a row for each tick.

        One program, for four rules: where what is said of the first three is as in `fine`, all four hold.
        """

        def make(there: Path) -> Record:
            case = self.case(replicates=7, every=1)
            with small_buffers():
                return replace(case, setup=in_larger_arrays(case.setup)).run(there, devices=jax.devices()[:1])

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
    """The same law, founded in arrays of the next size class."""

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


def in_larger_arrays(setup: Setup) -> Setup:
    """The same setup, of an exact law that is founded in arrays of the next size class; itself where there is one."""
    law = setup.experiment
    founded, grown = (jax.eval_shape(f, Bits.shapes()) for f in (law.init, lambda bits: law.grow(law.init(bits))))
    if jax.tree.map(lambda s: s.shape, founded) == jax.tree.map(lambda s: s.shape, grown):
        return setup
    _Roomy.endings = type(law).endings
    return replace(setup, experiment=_Roomy(law))


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


def subjects(reference: str) -> list[Subject]:
    """Every small configuration that an experiment declares for its trial."""
    entry = find(reference)
    return [Subject(entry, name) for name in entry.declaration.trial.cases]


def worlds(setup: Setup, record: Record) -> dict[int, str]:
    """A digest of the canonical state of each living replicate at the end of a record."""
    template = jax.eval_shape(setup.experiment.init, Bits.shapes())
    paths, treedef = jax.tree_util.tree_flatten_with_path({"state": template})
    arrays = [record.state[jax.tree_util.keystr(p, simple=True, separator=".")] for p, _ in paths]
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
