"""Minds of `school`, nets of 8-8-2: agent-steps (a living body in a tick, its world included) a second of the
processor, beside the plain witness of the mind alone."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.lanes import SEED, timed
from mesocosm.core import Bits
from mesocosm.core.arrays import LANES
from mesocosm.ecology.ecology import Ecology
from mesocosm.experiments.school.declaration import SchoolConfiguration
from mesocosm.experiments.school.system import build
from tests.reference.pupil_witness import Body

WORLDS, TICKS, ROUNDS, LIFE = 4, 100, 5, 2000


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
    states, _ = timed(law, states, 0, ticks=TICKS, flow="agent_ticks")
    ours, theirs = [], []
    for k in range(ROUNDS):
        states, rate = timed(law, states, TICKS * (k + 1), ticks=TICKS, flow="agent_ticks")
        ours.append(rate)
        theirs.append(witness_rate(np.asarray(states.genomes)[0, 0, :, 0]))
    return ours, theirs
