"""Minds of `mirror`: agent-steps (a living body in a round) a second of the processor, beside the plain witness."""

from __future__ import annotations

import time
from dataclasses import asdict

import jax
import jax.numpy as jnp

from benchmarks.lanes import SEED, timed
from mesocosm.core import Bits
from mesocosm.worlds.mirror.law import Mirror
from mesocosm.worlds.mirror.parameters import MirrorParameters
from tests.reference.mirror_witness import World

WORLDS, TICKS, ROUNDS = 2, 100, 5


def rates(orders: int = 3) -> tuple[list[float], list[float]]:
    """Agent-steps a second of the processor, of ours and of the witness, by turns."""
    parameters = MirrorParameters(orders=orders)
    law = Mirror.of(parameters)
    founded = jax.vmap(lambda r: law.init(Bits.founding(SEED, r)))(jnp.arange(WORLDS, dtype=jnp.uint32))
    states, _ = timed(law, founded, 0, ticks=TICKS, flow="steps")
    ours, theirs = [], []
    for k in range(ROUNDS):
        states, rate = timed(law, states, TICKS * (k + 1), ticks=TICKS, flow="steps")
        ours.append(rate)
        world = World(asdict(parameters), 0, k)
        began = time.process_time()
        world.tick()
        theirs.append(parameters.side**2 * parameters.rounds / (time.process_time() - began))
    return ours, theirs
