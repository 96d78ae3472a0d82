"""A law alone, as the loop has it: worlds side by side, tick after tick."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from mesocosm.core import Bits
from mesocosm.core.arrays import LANES
from mesocosm.core.random import seed_words

SEED = seed_words(0)


@partial(jax.jit, static_argnames=("ticks", "flow"))
def lived(law: Any, states: Any, first: Any, *, ticks: int, flow: str) -> Any:
    """The states after so many ticks, and the sum of a flow over worlds and ticks."""
    worlds = jax.tree.leaves(states)[0].shape[0]

    def world(replicate: Any, state: Any, t: Any) -> Any:
        state, tick = law.tick(Bits.at(SEED, replicate, t), state)
        return state, tick.flows[flow]

    def one(t: Any, carry: Any) -> Any:
        lanes = jax.vmap(world, (0, 0, None), axis_name=LANES)
        states, steps = lanes(jnp.arange(worlds, dtype=jnp.uint32), carry[0], t)
        return states, carry[1] + jnp.sum(steps, dtype=jnp.int32)

    return jax.lax.fori_loop(first, first + ticks, one, (states, jnp.int32(0)))


def timed(law: Any, states: Any, first: int, *, ticks: int, flow: str) -> tuple[Any, float]:
    """The states after so many ticks, and the flow a second of the processor."""
    began = time.process_time()
    states, steps = jax.block_until_ready(lived(law, states, jnp.int32(first), ticks=ticks, flow=flow))
    return states, int(steps) / (time.process_time() - began)
