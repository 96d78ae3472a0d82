"""Predictions by programs that are compiled once and then only called, as a service needs them.

A call of a jitted function flattens its arguments, compares what is static in them and looks at jax's flags each time,
which takes longer than a small net does. A learner is looked at once here, and nets of one kind share a program.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from threading import Lock
from typing import Any

import jax
import numpy as np

from mesocosm.core.flags import as_it_comes

Program = Callable[[Any, np.ndarray], Any]
"""`(state, inputs [examples, numbers]) -> logits [examples, classes]`."""

_MOST = 1024
_by_learner: OrderedDict[Any, tuple[Any, Program]] = OrderedDict()
_by_kind: OrderedDict[Any, Any] = OrderedDict()
_lock = Lock()


def program_of(learner: Any, state: Any, inputs: np.ndarray) -> Program:
    """What predicts for this learner from inputs of this shape; compiled where there is none yet.

    Args:
      learner: has `predict(state, example)`; it is kept, so that its identity is its own.
    """
    key = id(learner), inputs.shape, inputs.dtype
    with _lock:
        kept = _by_learner.get(key)
    if kept is None:
        kept = learner, _prepared(learner, state, inputs)
        with _lock:
            _by_learner[key] = kept
            while len(_by_learner) > _MOST:
                _by_learner.popitem(last=False)
    return kept[1]


@as_it_comes
def _prepared(learner: Any, state: Any, inputs: np.ndarray) -> Program:
    leaves, treedef = jax.tree.flatten(learner)
    own = [isinstance(leaf, jax.Array | np.ndarray) for leaf in leaves]
    numbers = [leaf for leaf, is_array in zip(leaves, own, strict=True) if is_array]
    others = tuple(None if is_array else leaf for leaf, is_array in zip(leaves, own, strict=True))
    told = [(x.shape, str(x.dtype)) for x in (*numbers, *jax.tree.leaves(state), inputs)]
    kind = treedef, others, jax.tree.structure(state), tuple(told)
    with _lock:
        compiled = _by_kind.get(kind)
    if compiled is None:

        def predict(numbers: list[Any], state: Any, inputs: Any) -> Any:
            given = iter(numbers)
            own_learner = treedef.unflatten(
                [next(given) if is_array else leaf for leaf, is_array in zip(others, own, strict=True)]
            )
            one = partial(own_learner.predict, state)
            return jax.lax.map(one, inputs, batch_size=min(64, inputs.shape[0]))

        compiled = jax.jit(predict).lower(numbers, state, inputs).compile()
        with _lock:
            _by_kind[kind] = compiled
            while len(_by_kind) > _MOST:
                _by_kind.popitem(last=False)
    return partial(compiled, numbers)
