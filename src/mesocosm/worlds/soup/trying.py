"""Two tapes that meet outside any soup: for trying a program."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from mesocosm.record.configuration import ConfigurationError
from mesocosm.worlds.soup.language import TAPE, actions, written
from mesocosm.worlds.soup.machine import PAIR, run_pairs

_run = jax.jit(run_pairs)


def met(first: bytes, second: bytes = b"", steps: int = 8192, copying: bool = True) -> tuple[bytes, bytes, int]:
    """What two tapes are after they have met, and how many bytes were read.

    Args:
      first, second: at most 64 bytes each; the rest is zero.
      steps: reads at which the pair is stopped.
      copying: whether the two instructions that copy do so.

    Raises:
      ConfigurationError: for a longer tape, or for steps that are no number of 1 ... 65,535.

    >>> met(b"<+")[1][-1]
    1
    """
    for name, tape in (("first", first), ("second", second)):
        if len(tape) > TAPE:
            raise ConfigurationError(f"{name}: has {len(tape)} bytes; a tape has {TAPE}")
    if not 1 <= steps <= 65535:
        raise ConfigurationError(f"steps = {steps}: must be 1 ... 65,535")
    cells = np.concatenate([written(first), written(second)]).astype(np.uint32)
    cells |= np.arange(PAIR, dtype=np.uint32) << 8
    out, reads = _run(jnp.asarray(cells[None]), jnp.asarray(actions(copying)), jnp.int32(steps))
    after = np.asarray(out[0] & 255).astype(np.uint8).tobytes()
    return after[:TAPE], after[TAPE:], int(reads[0])
