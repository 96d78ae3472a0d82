"""The soup against its Numba witness: pairs of tapes a second of the processor, random and taken over."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numba import njit

from mesocosm.core import Bits
from mesocosm.core.random import seed_words
from mesocosm.worlds.soup.law import Soup
from mesocosm.worlds.soup.machine import run_pairs
from mesocosm.worlds.soup.parameters import SoupParameters
from tests.reference import soup_witness as witness

ROUNDS, TAPES, SOUPS, EPOCHS, STEPS = 9, 512, 8, 8, 8192
SEED = seed_words(0)
REGIMES = {"random": (0, 20), "taken over": (32, 150)}
"""Sown replicators, and the epochs before it is measured."""
REPLICATES = jnp.arange(SOUPS, dtype=jnp.uint32)


@njit(cache=True)
def witnessed(pairs: np.ndarray, sources: np.ndarray, steps: int) -> int:
    reads = 0
    for k in range(pairs.shape[0]):
        reads += witness.run(pairs[k], sources[k], steps)
    return reads


@jax.jit
def epochs(law: Soup, state: Any, first: Any, n: Any) -> Any:
    """As the loop has it: soups side by side, epoch after epoch."""

    def one(t, state):
        return jax.vmap(lambda r, own: law.tick(Bits.at(SEED, r, t), own)[0])(REPLICATES, state)

    return jax.lax.fori_loop(first, first + n, one, state)


def sides(sown: int, before: int) -> tuple[dict[str, tuple[Callable[[], Any], int]], float]:
    """Whole epochs of ours, their runs alone, and the witness's, with the pairs of each; and the reads of a pair."""
    law = Soup.of(SoupParameters(tapes=TAPES, seeded=sown))
    state = jax.jit(jax.vmap(lambda r: law.init(Bits.founding(SEED, r))))(REPLICATES)
    first = jnp.int32(before)
    state = epochs(law, state, jnp.int32(0), first)
    order = jax.jit(jax.vmap(lambda r: law.meet(Bits.at(SEED, r, first))))(REPLICATES)
    pairs = np.take_along_axis(np.asarray(state.bytes), np.asarray(order)[:, :, None], axis=1).reshape(-1, 128)
    sources = np.tile(np.arange(128), (len(pairs), 1))
    cells = jnp.asarray((pairs | sources << 8).astype(np.uint32))
    runs = jax.jit(run_pairs)
    _, reads = runs(cells, law.table, law.steps)
    assert int(np.asarray(reads).sum()) == witnessed(pairs.copy(), sources.copy(), STEPS), "the same runs"
    n = len(pairs)
    return {
        "ours, whole epochs": (lambda: jax.block_until_ready(epochs(law, state, first, jnp.int32(EPOCHS))), n * EPOCHS),
        "ours, runs alone": (lambda: jax.block_until_ready(runs(cells, law.table, law.steps)), n),
        "Numba, runs alone": (lambda: witnessed(pairs.copy(), sources.copy(), STEPS), n),
    }, float(np.asarray(reads).mean())


def rates(regime: str) -> tuple[dict[str, np.ndarray], float]:
    """Million pairs a second of the processor, a round each; sides take turns."""
    each, reads = sides(*REGIMES[regime])
    for side, _ in each.values():
        side()
    found: dict[str, list[float]] = {name: [] for name in each}
    for _ in range(ROUNDS):
        for name, (side, pairs) in each.items():
            began = time.process_time()
            side()
            found[name].append(pairs / (time.process_time() - began) / 1e6)
    return {name: np.array(values) for name, values in found.items()}, reads
