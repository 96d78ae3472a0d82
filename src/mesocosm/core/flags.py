"""What a user's own settings of jax must not change: types, random bits, and the precision of products.

A process may have double precision switched on for its own work, or stop at the first NaN; here a NaN is the status
of a replicate, and a world has the same bits whoever runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

import jax

P = ParamSpec("P")
T = TypeVar("T")


@contextmanager
def pinned() -> Iterator[None]:
    """Jax as it comes, within this block and thread; what the user has set holds again afterwards."""
    with ExitStack() as stack:
        for setting in (
            jax.enable_x64(False),
            jax.debug_nans(False),
            jax.debug_infs(False),
            jax.disable_jit(False),
            jax.default_matmul_precision(None),
            jax.default_prng_impl("threefry2x32"),
            jax.threefry_partitionable(True),
        ):
            stack.enter_context(setting)
        yield


def as_it_comes(function: Callable[P, T]) -> Callable[P, T]:
    """The same function, within `pinned`."""

    @wraps(function)
    def within(*args: P.args, **kwargs: P.kwargs) -> T:
        with pinned():
            return function(*args, **kwargs)

    return within


__all__ = ["as_it_comes", "pinned"]
