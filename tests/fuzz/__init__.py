"""Anything that can be thrown at the laboratory, by seed: the outcome is right, or refused in one line of our own.

    python -m tests.fuzz 100000                     all targets, in turns
    python -m tests.fuzz 1000 --only folders        one of them
    python -m tests.fuzz --only folders --trial 77  what went wrong again, with its traceback

A target is a module in this folder with

    IN_SUITE: int                                 trials in the test suite: a second or two
    def prepare(folder: Path) -> Any              what all trials share; the folder is empty
    def once(ready: Any, random: Random) -> None  one trial

A trial draws all that it does from `random`. It ends quietly where the outcome is right, raises `AssertionError` where
it is wrong, and lets a `MesocosmError` pass where something was refused. Every other exception is a fault, as is a
refusal of several lines. A silent change is the worst outcome: compare with what is right wherever that is known.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from random import Random
from types import ModuleType
from typing import Any

from mesocosm.record import MesocosmError


@dataclass(frozen=True)
class Fault:
    """A trial that went wrong, and where."""

    target: str
    trial: int
    seed: int
    trace: str

    def __str__(self) -> str:
        again = f"python -m tests.fuzz --only {self.target} --seed {self.seed} --trial {self.trial}"
        return f"{again}\n{self.trace}"


def targets() -> dict[str, ModuleType]:
    """The targets by name."""
    names = sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_"))
    return {name: import_module(f"{__name__}.{name}") for name in names}


def trial(target: ModuleType, ready: Any, number: int, seed: int) -> bool:
    """One trial; whether it was refused."""
    try:
        target.once(ready, Random(f"{seed}-{number}"))
    except MesocosmError as refused:
        said = str(refused)
        assert said.strip() and "\n" not in said and len(said) < 2000, f"not one plain line: {said!r}"
        return True
    return False


def faults(target: ModuleType, folder: Path, numbers: range, seed: int) -> Iterator[Fault | None]:
    """A fault or None for each of these trials."""
    ready = target.prepare(folder)
    for number in numbers:
        try:
            trial(target, ready, number, seed)
            yield None
        except Exception:
            yield Fault(target.__name__.rsplit(".", 1)[-1], number, seed, traceback.format_exc())
