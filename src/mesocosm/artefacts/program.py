"""What is exported: a function of named arrays, what it begins with, and what it gave when it was tried."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import numpy as np

from mesocosm.artefacts import ArtefactError

Arrays = dict[str, np.ndarray]
GOLDEN_TICKS = 50
CASES = 8
"""Test vectors of what is no exact world."""
COINS = 6
"""Directions, besides up and down, in which the last bits of inputs are moved."""
MOST_TOLERANCE = 0.1
TOLERANCE = 2e-6
"""Of floats, relative to 1 or to the number, if that is larger. Whole numbers must be equal.

Where the last bit of the inputs moves the outputs further than that, no two machines agree to it: what is permitted is
then twice that far, in the worst of a few directions, and stands in the manifest.
"""
NEXT = "next."
"""Before the name of an output that is the same input of the next step."""
SCENE = "scene."
"""Before the name of an output that is drawn, and is no part of the law."""


@dataclass(frozen=True)
class Program:
    """A step of something, ready to be written.

    Args:
      kind: `tick` of a world; `learn`, `predict` of a rule; `act`, `learn` of a mind.
      compute: from arrays, in the order of `begins`, to a list of arrays, in the order of `outputs`.
      begins: inputs by name, with the values that a file holds.
      outputs: names; those with `next.` before the name of an input go on.
      about: what it is, plain values.
      exact: whether it computes in whole numbers.
      least, most: bounds of inputs, which whoever runs it keeps to.
      tried: inputs [cases, ...] of test vectors, other than those that are as in `begins`.
    """

    kind: str
    compute: Callable[..., Any]
    begins: Arrays
    outputs: tuple[str, ...]
    about: dict[str, Any]
    exact: bool = True
    least: dict[str, int] = field(default_factory=dict)
    tried: Arrays = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)

    @cached_property
    def step(self) -> Callable[[Arrays], Arrays]:
        """The program by jax itself, compiled once."""
        compiled = jax.jit(self.compute)

        def step(given: Arrays) -> Arrays:
            found = compiled(*(given[name] for name in self.begins))
            return dict(zip(self.outputs, map(np.asarray, found), strict=True))

        return step


def digest_of(outputs: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of all but what is drawn: of each array name, type, shape and bytes, little-endian, in order of names."""
    total = hashlib.sha256()
    for name in sorted(n for n in outputs if not n.startswith(SCENE)):
        array = np.asarray(outputs[name], order="C")
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        total.update(f"{name} {array.dtype.name} {list(array.shape)}\n".encode())
        total.update(array.tobytes())
    return total.hexdigest()


def played(step: Callable[[Arrays], Arrays], begins: Arrays, ticks: int) -> Iterator[Arrays]:
    """Outputs tick by tick, each going on from the one before; until the world ends."""
    given = dict(begins)
    for _ in range(ticks):
        out = step(given)
        yield out
        if int(out.get("status", 0)):
            return
        given = after(given, out)


@dataclass(frozen=True)
class Golden:
    """What a program gave when it was exported.

    Args:
      digests: of an exact world, tick by tick.
      given, found: test vectors [cases, ...]; inputs that are not given are those that it begins with.
      tolerance: of floats.
    """

    digests: tuple[str, ...] = ()
    given: Arrays = field(default_factory=dict)
    found: Arrays = field(default_factory=dict)
    tolerance: float = TOLERANCE


def golden(program: Program) -> Golden:
    """Try a program by jax.

    Raises:
      ArtefactError: where the last bit of the inputs moves the outputs by a tenth of themselves.
    """
    step = program.step
    if program.kind == "tick" and program.exact:
        return Golden(tuple(digest_of(out) for out in played(step, program.begins, GOLDEN_TICKS)))
    tried = program.tried or _along(program)
    n = len(next(iter(tried.values())))
    cases = [program.begins | {name: array[k] for name, array in tried.items()} for k in range(n)]
    out = [step(case) for case in cases]
    moved = [_moved(program, case, own) for case, own in zip(cases, out, strict=True)]
    tolerance = max(TOLERANCE, 2 * max(moved))
    if tolerance > MOST_TOLERANCE:
        raise ArtefactError(
            f"{program.kind}: the last bit of its inputs moves its outputs by {tolerance / 2:.2g} of themselves, "
            "so that no two machines agree to it; export it from another state"
        )
    found = {name: np.stack([own[name] for own in out]) for name in program.outputs}
    return Golden((), tried, found, tolerance)


def _moved(program: Program, case: Arrays, own: Arrays) -> float:
    """How far the last bits of the inputs move an output: of all up, of all down, of each by a coin of its own."""
    rng, far = np.random.default_rng(0), [0.0]
    for direction in (1, -1, *[0] * COINS):
        nudged = {}
        for name, value in case.items():
            sign = direction or rng.choice([-1, 1], np.shape(value))
            nudged[name] = (value * (1 + sign * 2.0**-23)).astype(value.dtype) if value.dtype.kind == "f" else value
        found = program.step(nudged)
        far += [difference(found[name], own[name]) for name in program.outputs if own[name].dtype.kind == "f"]
    return max(gap for gap in far if np.isfinite(gap))


def _along(program: Program) -> Arrays:
    """What the first steps begin with, each from the one before."""
    cases, given = [program.begins], dict(program.begins)
    for out in played(program.step, program.begins, CASES - 1):
        given = after(given, out)
        cases.append(given)
    return {name: np.stack([case[name] for case in cases]) for name in given}


def after(given: Arrays, out: Arrays) -> Arrays:
    """What the next step begins with."""
    given = given | {name: out[f"{NEXT}{name}"] for name in given if f"{NEXT}{name}" in out}
    return given | ({"tick": np.asarray(given["tick"] + 1, given["tick"].dtype)} if "tick" in given else {})


def difference(found: np.ndarray, wanted: np.ndarray) -> float:
    """The largest difference of two arrays, as `TOLERANCE` counts; of whole numbers nothing or infinite."""
    if found.shape != wanted.shape or found.dtype != wanted.dtype:
        return float("inf")
    if wanted.dtype.kind != "f":
        return 0.0 if np.array_equal(found, wanted) else float("inf")
    if not wanted.size:
        return 0.0
    with np.errstate(invalid="ignore"):
        gap = np.abs(found - wanted) / np.maximum(1, np.abs(wanted))
    same = (found == wanted) | (np.isnan(found) & np.isnan(wanted))
    return float(np.where(same, 0.0, np.where(np.isnan(gap), np.inf, gap)).max())
