"""What a face costs: one step of the PettingZoo environment beside one tick of the same law (bar: 500 bodies in 2 ms).

`python -m benchmarks.faces`: both sides in one process, in turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from mesocosm.core.random import Bits, seed_words
from mesocosm.faces import parallel_env
from mesocosm.faces.led import founded


def _seconds(call: Callable[[], None], times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - began) / times


def main(rounds: int = 15, times: int = 20) -> None:
    env = parallel_env("chemotaxis", budget=1 << 20, ticks=1 << 20, world={"ceiling": 512})
    env.reset(seed=0)
    law, seed, random = env.world.law, seed_words(0), np.random.default_rng(0)
    tick = jax.jit(lambda t, state: law.tick(Bits.at(seed, jnp.uint32(0), t), state)[0])
    world = {"state": founded(law, None, seed), "t": 0}

    def alone() -> None:
        world["state"] = jax.block_until_ready(tick(np.int32(world["t"]), world["state"]))
        world["t"] += 1

    def face() -> None:
        env.step(dict(zip(env.agents, random.integers(2, size=len(env.agents)).tolist(), strict=True)))

    for side in (alone, face):
        _seconds(side, times)
    pairs = np.array([(_seconds(alone, times), _seconds(face, times)) for _ in range(rounds)])
    low, middle, high = np.quantile(pairs[:, 1] / pairs[:, 0], [0.1, 0.5, 0.9])
    tick_ms, step_ms = 1e3 * np.median(pairs, axis=0)
    print(f"{len(env.agents)} bodies: a step {step_ms:.2f} ms, a tick of the law {tick_ms:.2f} ms")
    print(f"a step is {middle:.2f} [{low:.2f}, {high:.2f}] ticks")


if __name__ == "__main__":
    main()
