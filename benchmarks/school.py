"""Minds of `school`, nets of 8-8-2: agent-steps (a living body in a tick, its world included) a second of the
processor, beside the plain witness of the mind alone."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mesocosm.core import Bits
from mesocosm.core.arrays import LANES
from mesocosm.core.random import seed_words
from mesocosm.ecology.ecology import Ecology
from mesocosm.experiments.school.declaration import SchoolConfiguration
from mesocosm.experiments.school.system import build
from tests.reference.pupil_witness import Body

WORLDS, TICKS, ROUNDS, LIFE = 4, 100, 5, 2000
SEED = seed_words(0)


@jax.jit
def ticks(law: Ecology, states: Any, first: Any) -> Any:
    """As the loop has it: worlds side by side, tick after tick. The states, and agent-steps."""

    def world(replicate: Any, state: Any, t: Any) -> Any:
        state, tick = law.tick(Bits.at(SEED, replicate, t), state)
        return state, tick.flows["agent_ticks"]

    def one(t: Any, carry: Any) -> Any:
        lanes = jax.vmap(world, (0, 0, None), axis_name=LANES)
        states, steps = lanes(jnp.arange(WORLDS, dtype=jnp.uint32), carry[0], t)
        return states, carry[1] + jnp.sum(steps, dtype=jnp.int32)

    return jax.lax.fori_loop(first, first + TICKS, one, (states, jnp.int32(0)))


def witness_rate(genome: np.ndarray) -> float:
    """Acts and lessons a second of one body in plain Python."""
    body = Body(genome, (4, 2, 3), 8, 2, 0, 0, 64, 2**31 - 1)
    seen = np.random.default_rng(0).integers(0, 24, LIFE + 1).tolist()
    began = time.process_time()
    for now, then in pairwise(seen):
        body.learn(now, body.act(now, 40000), 64 * (now % 3 // 2), now % 2, then)
    return LIFE / (time.process_time() - began)


def rates() -> tuple[list[float], list[float]]:
    """Agent-steps a second of the processor, of ours (world and mind) and of the witness (mind alone), by turns."""
    law = build(SchoolConfiguration()).experiment
    assert isinstance(law, Ecology)

    def founded(replicate: Any) -> Any:
        state = law.init(Bits.founding(SEED, replicate))
        return law.grow(state)

    states = jax.vmap(founded, axis_name=LANES)(jnp.arange(WORLDS, dtype=jnp.uint32))
    states, _ = jax.block_until_ready(ticks(law, states, jnp.int32(0)))
    ours, theirs = [], []
    for k in range(ROUNDS):
        began = time.process_time()
        states, steps = jax.block_until_ready(ticks(law, states, jnp.int32(TICKS * (k + 1))))
        ours.append(int(steps) / (time.process_time() - began))
        theirs.append(witness_rate(np.asarray(states.genomes)[0, 0, :, 0]))
    return ours, theirs
