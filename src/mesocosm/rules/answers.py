"""Predictions by programs that are compiled once and then only called, as a service needs them.

A call of a jitted function flattens its arguments, compares what is static in them and looks at jax's flags each time,
which takes longer than a small net does. A learner is looked at once here, and nets of one kind share a program.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from itertools import count
from threading import Lock
from typing import Any
from weakref import ReferenceType, ref

import jax
import numpy as np

from mesocosm.core.flags import as_it_comes, called_as_it_comes
from mesocosm.core.programs import also_forgets

_MOST = 32
"""Kinds of nets whose programs are kept: each takes some 20 memory maps."""


class Program:
    """A compiled program, and when it was used last."""

    def __init__(self, compiled: Any) -> None:
        self.compiled = compiled
        self.used = 0


_by_kind: dict[Hashable, Program] = {}
_lock, _clock = Lock(), count(1)


class Answers:
    """What a learner answers: its numbers, and the programs of its kind, of which it keeps none alive.

    Args:
      learner: has `predict(state, example)`.
    """

    def __init__(self, learner: Any) -> None:
        self.learner = learner
        self._ready: dict[Any, tuple[list[Any], ReferenceType[Program]]] = {}

    def __reduce__(self) -> tuple[type[Answers], tuple[Any]]:
        return Answers, (self.learner,)

    def __call__(self, state: Any, inputs: np.ndarray) -> Any:
        """Inputs [examples, numbers] to logits [examples, classes]; compiled where there is no program yet."""
        kept = self._ready.get(key := (inputs.shape, inputs.dtype))
        program = kept[1]() if kept else None
        if kept is None or program is None:
            numbers, program = _prepared(self.learner, state, inputs)
            kept = self._ready[key] = numbers, ref(program)
        program.used = next(_clock)
        return called_as_it_comes(program.compiled, kept[0], state, inputs)


@also_forgets
def _forget() -> None:
    with _lock:
        _by_kind.clear()


@as_it_comes
def _prepared(learner: Any, state: Any, inputs: np.ndarray) -> tuple[list[Any], Program]:
    """Its numbers, and the program of its kind."""
    leaves, treedef = jax.tree.flatten(learner)
    own = [isinstance(leaf, jax.Array | np.ndarray) for leaf in leaves]
    numbers = [leaf for leaf, is_array in zip(leaves, own, strict=True) if is_array]
    others = tuple(None if is_array else leaf for leaf, is_array in zip(leaves, own, strict=True))
    told = [(x.shape, str(x.dtype)) for x in (*numbers, *jax.tree.leaves(state), inputs)]
    kind = treedef, others, jax.tree.structure(state), tuple(told)
    with _lock:
        program = _by_kind.get(kind)
    if program is None:

        def predict(numbers: list[Any], state: Any, inputs: Any) -> Any:
            given = iter(numbers)
            own_learner = treedef.unflatten(
                [next(given) if is_array else leaf for leaf, is_array in zip(others, own, strict=True)]
            )
            one = partial(own_learner.predict, state)
            return jax.lax.map(one, inputs, batch_size=min(64, inputs.shape[0]))

        program = _kept(kind, jax.jit(predict).lower(numbers, state, inputs).compile())
    return numbers, program


def _kept(kind: Hashable, compiled: Callable[..., Any]) -> Program:
    """The program, kept in the place of the one that was used longest ago."""
    program = Program(compiled)
    program.used = next(_clock)
    with _lock:
        _by_kind[kind] = program
        while len(_by_kind) > _MOST:
            del _by_kind[min(_by_kind, key=lambda k: _by_kind[k].used)]
    return program
