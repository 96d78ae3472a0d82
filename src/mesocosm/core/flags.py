"""What a user's own settings of jax must not change: types, random bits, and the precision of products.

A process may have double precision switched on for its own work, or stop at the first NaN; here a NaN is the status
of a replicate, and a world has the same bits whoever runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import jax

P = ParamSpec("P")
T = TypeVar("T")
_config: Any = jax.config  # its settings are found when it runs


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


def called_as_it_comes(program: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What a compiled program gives. Of what `pinned` sets, only the search for NaN is asked for at each call."""
    if _config.jax_debug_nans or _config.jax_debug_infs:  # pinning takes longer than a small net does
        with pinned():
            return program(*args, **kwargs)
    return program(*args, **kwargs)


__all__ = ["as_it_comes", "called_as_it_comes", "pinned"]
