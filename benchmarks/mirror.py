"""Minds of `mirror`: agent-steps (a living body in a round) a second of the processor, beside the plain witness."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

import jax
import jax.numpy as jnp

from mesocosm.core import Bits
from mesocosm.core.random import seed_words
from mesocosm.worlds.mirror.law import Mirror
from mesocosm.worlds.mirror.parameters import MirrorParameters
from tests.reference.mirror_witness import World

WORLDS, TICKS, ROUNDS = 2, 100, 5
SEED = seed_words(0)


@jax.jit
def ticks(law: Mirror, states: Any, first: Any) -> Any:
    """As the loop has it: worlds side by side, tick after tick. The states, and agent-steps."""

    def world(replicate: Any, state: Any, t: Any) -> Any:
        state, tick = law.tick(Bits.at(SEED, replicate, t), state)
        return state, tick.flows["steps"]

    def one(t: Any, carry: Any) -> Any:
        states, steps = jax.vmap(world, (0, 0, None))(jnp.arange(WORLDS, dtype=jnp.uint32), carry[0], t)
        return states, carry[1] + jnp.sum(steps, dtype=jnp.int32)

    return jax.lax.fori_loop(first, first + TICKS, one, (states, jnp.int32(0)))


def rates(orders: int = 3) -> tuple[list[float], list[float]]:
    """Agent-steps a second of the processor, of ours and of the witness, by turns."""
    parameters = MirrorParameters(orders=orders)
    law = Mirror.of(parameters)
    founded = jax.vmap(lambda r: law.init(Bits.founding(SEED, r)))(jnp.arange(WORLDS, dtype=jnp.uint32))
    states, _ = jax.block_until_ready(ticks(law, founded, jnp.int32(0)))
    ours, theirs = [], []
    for k in range(ROUNDS):
        began = time.process_time()
        states, steps = jax.block_until_ready(ticks(law, states, jnp.int32(TICKS * (k + 1))))
        ours.append(int(steps) / (time.process_time() - began))
        world = World(asdict(parameters), 0, k)
        began = time.process_time()
        world.tick()
        theirs.append(parameters.side**2 * parameters.rounds / (time.process_time() - began))
    return ours, theirs
