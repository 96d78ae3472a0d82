"""The loop's programs compiled as users have them, in a process whose other programs are compiled quickly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import jax
import pytest

from mesocosm.core import chunk

AS_USERS = {
    "xla_backend_optimization_level": 3,
    "xla_llvm_disable_expensive_passes": False,
    "xla_cpu_use_fusion_emitters": True,
}
"""What conftest.py sets otherwise for XLA, as jax has it."""

SHARDY = "jax_use_shardy_partitioner"


@contextmanager
def as_users(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Within it, what founds and runs is compiled as users have it."""
    compile_with(patch, **AS_USERS)
    before = getattr(jax.config, SHARDY, None)  # jax may have dropped it
    if before is not None:
        jax.config.update(SHARDY, True)
    try:
        yield
    finally:
        if before is not None:
            jax.config.update(SHARDY, before)


def compile_with(patch: pytest.MonkeyPatch, **options: bool | int) -> None:
    """From now on, until the patch is undone, what founds and runs is compiled with these options of XLA."""
    compiled = partial(jax.jit, compiler_options=options)
    well = {
        "run_chunk": partial(compiled, static_argnames=("mesh",), donate_argnames=("lanes",)),
        "found": partial(compiled, static_argnames=("mesh",)),
        "grown": compiled,
    }
    for name, jit in well.items():
        patch.setattr(chunk, name, jit(getattr(chunk, name).__wrapped__))
