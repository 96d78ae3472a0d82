"""The process in which `mesocosm check` tries a component: a part may hang, leak or end it, and nothing else is hurt.

What is asked of a part depends on its slot (`TRIALS`): made with its defaults it is tried on a small problem, and the
trial gives one number for a seed. Reports go over a pipe, a line each.
"""

from __future__ import annotations

import gc
import inspect
import json
import math
import os
import random
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from mesocosm.record import MesocosmError
from mesocosm.studies import component
from mesocosm.studies.cell import Row
from mesocosm.studies.failure import told
from mesocosm.studies.processes import adopt_orphans, family

SEEDS, STEPS = 4, 20
MOST_TRIALS, LEAST_TRIALS, CPU_SECONDS = 40, 6, 2.0
LEAK = 8 << 20
"""Bytes that the resident memory may grow over the trials after the first ones."""

Report = Callable[..., None]


class Broken(Exception):
    """A part does not do what its slot asks. Says what is wrong, and how it is mended."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what)
        self.mend = mend


def main() -> None:
    """`python -m mesocosm.studies.trial FD TARGET [SLOT NAME]`: lists what TARGET names, or tries one of them."""
    adopt_orphans()
    pipe, target, *one = sys.argv[1:]
    os.set_inheritable(int(pipe), False)

    def report(**what: Any) -> None:
        os.write(int(pipe), (json.dumps(what) + "\n").encode())

    try:
        report(step="loading it")
        found, taken = load(target)
        if not one:
            report(found=[(c.slot, c.name) for c in found], taken=[f"{slot} {name}" for slot, name in taken])
        else:
            (part,) = (c for c in found if [c.slot, c.name] == one)
            _try(part, report)
    except Broken as broken:
        report(fault=str(broken), mend=broken.mend)
    except MesocosmError as error:
        report(fault=str(error), mend="mend what the message names; the file must load alone, from any folder")
    except (Exception, SystemExit) as error:
        report(fault=f"loading it fails: {told(error)}", mend="the module must load alone, and do nothing but define")
    report(done=True)
    time.sleep(60)  # to be ended with all that it has started, which would be nobody's if it left first


def load(target: str) -> tuple[list[component.Component], list[tuple[str, str]]]:
    """The components that `file.py`, `file.py:name`, `module:name`, `name` or `slot/name` stands for.

    Returns:
      Them, and (slot, name) of those that were there before under the same name.

    Raises:
      MesocosmError: if the target cannot be loaded.
    """
    import_module("mesocosm.studies.learners")
    component.names("")  # entry points
    before = dict(component.known())
    place, _, name = target.rpartition(":")
    if target.endswith(".py"):
        place, name = target, ""
    if place.endswith(".py"):
        component.load_file(Path(place))
    elif place:
        import_module(place)
    else:
        slot, _, name = name.rpartition("/")
        return [c for c in before.values() if c.name == name and slot in ("", c.slot)], []
    new = {key: c for key, c in component.known().items() if before.get(key) is not c}
    if not new:  # an entry point had it already
        new = {key: c for key, c in before.items() if c.make.__module__ == place}
        before = {}
    wanted = name.replace("_", "-")
    found = {key: c for key, c in new.items() if not name or wanted == c.name}
    return list(found.values()), [key for key in found if key in before]


def _try(part: component.Component, report: Report) -> None:
    _arguments(part)
    trial = TRIALS.get(part.slot, _anything)
    report(step="importing what its slot needs")
    if part.slot in NEED_JAX:
        import jax  # noqa: F401
        import optax  # noqa: F401
    report(step="making it", ready=True)
    try:
        part.make()
        made = part.make()
    except (Exception, SystemExit) as error:
        raise Broken(
            f"making it with its defaults fails: {told(error)}", "let every default be one that works"
        ) from None
    if made is None:
        raise Broken("making it gives None", "return what the slot asks for; a `return` may be missing")
    report(step="the first trial")
    values = [_once(trial, made, seed) for seed in range(SEEDS)]
    report(step="the same trial again", values=values)
    again = [_once(trial, part.make(), seed) for seed in range(SEEDS)]
    for seed, (a, b) in enumerate(zip(values, again, strict=True)):
        if a != b:
            mend = "draw what is random from the seed alone: random.Random(seed), np.random.default_rng(seed)"
            raise Broken(f"not deterministic: seed {seed} gave {a!r}, then {b!r}", mend)
    if part.slot == "subject" and len(set(values)) == 1:
        report(note=f"gives {values[0]!r} for every seed: more seeds would tell nothing more")
    if n := sum(pid != os.getpid() for pid in family(os.getpid())):
        mend = "wait for what you start, or do not start it; a runner ends what is left"
        raise Broken(f"leaves processes behind: {n} after {2 * SEEDS} trials", mend)
    report(step="many trials")
    _leaks(trial, made)
    if (n := threading.active_count()) > 1:
        report(note=f"leaves {n - 1} thread{'s' if n > 2 else ''} running")
    if left := sorted(p.name for p in Path().iterdir()):
        report(note=f"leaves files where it runs ({', '.join(left[:3])}): cells run beside each other")


def _arguments(part: component.Component) -> None:
    for argument in inspect.signature(part.make).parameters.values():
        if argument.kind in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD):
            mend = "name every parameter: names are checked, and become part of the identity of cells"
            raise Broken(f"takes {argument}", mend)
        if argument.default is argument.empty:
            raise Broken(f"its parameter {argument.name} has no default", f"give one: `{argument.name}=...`")
        try:
            json.dumps(argument.default, allow_nan=False)
        except (TypeError, ValueError):
            mend = "take a number, a text, true or false, or a list of them, and make the object inside"
            what = f"its parameter {argument.name} = {argument.default!r:.80} cannot be written into a study"
            raise Broken(what, mend) from None


def _once(trial: Callable[[Any, int], Any], made: Any, seed: int) -> float:
    """One trial under another state of the global generators, which a part must not use."""
    random.seed(time.perf_counter_ns())
    np.random.seed(time.perf_counter_ns() % 2**32)
    try:
        value = trial(made, seed)
    except (Broken, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        mend = "let it work on the smallest problem; if it fails on purpose, that is a row with its cause"
        raise Broken(f"a trial with seed {seed} fails: {told(error)}", mend) from None
    try:
        row = Row.of(value)
    except TypeError as error:
        raise Broken(str(error), "return one number for each seed") from None
    if row.final is None:
        raise Broken(f"gives {float(value)} with seed {seed}", "return a finite number; where there is none, raise why")
    return row.final


def _leaks(trial: Callable[[Any, int], Any], made: Any) -> None:
    """Whether resident memory grows from trial to trial, once caches are warm."""
    resident, began = [], time.process_time()
    while len(resident) < MOST_TRIALS and (len(resident) < LEAST_TRIALS or time.process_time() - began < CPU_SECONDS):
        _once(trial, made, len(resident) % SEEDS)
        gc.collect()
        resident.append(family(os.getpid()).get(os.getpid(), 0))
    steps = np.diff(resident[len(resident) // 3 :])
    if steps.sum() > LEAK and (steps > 0).mean() > 0.7:
        what = f"leaks: {steps.mean() / 2**20:.1f} MB more resident after each trial ({len(steps)} trials)"
        raise Broken(what, "keep nothing between calls: no list that grows, no cache without an end")


def _subject(made: Any, seed: int) -> Any:
    if not callable(made):
        raise Broken(f"made {type(made).__name__}, not a function", "return a function of (seed, budget)")
    asked = [p for p in list(inspect.signature(made).parameters.values())[2:] if p.default is p.empty]
    if named := [p.name for p in asked if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]:
        mend = "give them defaults"
        raise Broken(f"its function asks for {', '.join(named)}, which only a study could give", mend)
    return made(seed, 1)


def _optimiser(made: Any, seed: int) -> Any:
    """Distance from the minimum of a parabola after some steps."""
    import jax
    import jax.numpy as jnp
    import optax

    if not all(callable(getattr(made, name, None)) for name in ("init", "update")):
        raise Broken(f"made {type(made).__name__} without init and update", "return an optax.GradientTransformation")
    weights = {"w": jax.random.normal(jax.random.key(seed), (3, 2)), "b": jnp.ones(2)}

    def step(carry: Any, _: None) -> tuple[Any, None]:
        weights, state = carry
        with jax.numpy_dtype_promotion("standard"):
            updates, state = made.update(jax.tree.map(lambda x: 2 * x, weights), state, weights)
        shapes = [[(x.shape, x.dtype) for x in jax.tree.leaves(tree)] for tree in (updates, weights)]
        if shapes[0] != shapes[1]:
            mend = "updates must have the shapes and types of the gradients"
            raise Broken(f"updates are {shapes[0]} for weights {shapes[1]}", mend)
        return (optax.apply_updates(weights, updates), state), None

    (weights, _), _ = jax.jit(lambda c: jax.lax.scan(step, c, None, length=STEPS))((weights, made.init(weights)))
    return float(sum(jnp.sum(x**2) for x in jax.tree.leaves(weights)))


def _learner(made: Any, seed: int) -> Any:
    """Accuracy on two clouds that do not overlap."""
    from mesocosm.studies.nets import Split, Trained

    if not callable(made):
        raise Broken(f"made {type(made).__name__}, not a function", "return a function of (split, steps, seeds)")
    rng = np.random.default_rng(seed)
    y = np.arange(80, dtype=np.int32) % 2
    x = (rng.normal(size=(80, 4)) + 4 * y[:, None]).astype(np.float32)
    seeds = {name: np.array([seed]) for name in ("data", "initial", "order")}
    trained = made(Split(x[None, :50], y[None, :50], x[None, 50:], y[None, 50:], 2), STEPS, seeds)
    if not isinstance(trained, Trained):
        raise Broken(f"learning gives {type(trained).__name__}", "return a mesocosm.studies.nets.Trained")
    accuracy = np.asarray(trained.accuracy)
    if accuracy.ndim != 2 or len(accuracy) != 1:
        raise Broken(f"accuracy has shape {accuracy.shape} for one seed", "it must be [seeds, points of the curve]")
    last = float(accuracy[0, -1])
    if math.isfinite(last) and not 0 <= last <= 1:
        raise Broken(f"accuracy is {last:g}", "give the share of right answers, 0 ... 1")
    return last


def _anything(made: Any, seed: int) -> Any:
    """A slot that only some task knows: that the part can be made is all that is seen."""
    return 0.0


TRIALS: dict[str, Callable[[Any, int], Any]] = {"subject": _subject, "optimiser": _optimiser, "learner": _learner}
NEED_JAX = ("optimiser", "learner")


if __name__ == "__main__":
    main()
