"""Fields do what fields do: conserve, spread at the right rate, decay to nothing, and never freeze."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mesocosm.core.random import Bits, seed_words
from mesocosm.worlds.petri.fields import address, age, as_grid

SIDE = 64


def _split(grid):
    side = grid.shape[-1]
    return jnp.asarray(grid.reshape(side // 2, 2, side // 2, 2).transpose(1, 3, 0, 2))


def _evolve(grid, ticks, diffusion, decay=0, seed=0):
    @jax.jit
    def go(v):
        def one(t, carry):
            v, lost = carry
            words = Bits.at(seed_words(seed), jnp.uint32(0), t).of(jnp.uint32(0), 6)
            v, decayed = age(v, jnp.int32(diffusion), jnp.int32(decay), words, t)
            return v, lost + decayed

        return jax.lax.fori_loop(0, ticks, one, (v, jnp.int32(0)))

    v, lost = go(_split(grid))
    return np.asarray(as_grid(v)), int(lost)


def test_storage_in_sublattices_is_a_permutation():
    grid = np.arange(SIDE * SIDE, dtype=np.int32).reshape(SIDE, SIDE)
    assert np.array_equal(as_grid(_split(grid)), grid)
    row, column = np.divmod(np.arange(SIDE * SIDE, dtype=np.int32), SIDE)
    flat = np.asarray(_split(grid)).ravel()
    assert np.array_equal(flat[np.asarray(address(jnp.asarray(row), jnp.asarray(column), SIDE))], grid.ravel())


@pytest.mark.parametrize("value", [0, 1, 7, 32767])
def test_a_uniform_field_stays_uniform(value):
    after, _ = _evolve(np.full((SIDE, SIDE), value, np.int32), 50, 128)
    assert np.all(after == value)


def test_diffusion_conserves_sums_and_stays_within_extremes():
    rng = np.random.default_rng(0)
    before = rng.integers(0, 32768, (SIDE, SIDE)).astype(np.int32)
    after, _ = _evolve(before, 101, 100)
    assert after.sum() == before.sum()
    assert after.min() >= before.min() and after.max() <= before.max()


@pytest.mark.parametrize("diffusion", [32, 100, 128])
def test_a_point_spreads_with_the_variance_of_the_page(diffusion):
    """p / (2 (1 - p)) cells^2 a tick along each axis; exact in the mean, so 20,000 quanta come close."""
    grid = np.zeros((SIDE, SIDE), np.int32)
    grid[32, 32] = 20000
    ticks = 120
    after, _ = _evolve(grid, ticks, diffusion)
    p = diffusion / 256
    expected = ticks * p / (2 * (1 - p))
    place = np.arange(SIDE) - 32
    for axis in (0, 1):
        mass = after.sum(axis=1 - axis)
        variance = (mass * place**2).sum() / mass.sum() - ((mass * place).sum() / mass.sum()) ** 2
        assert variance == pytest.approx(expected, rel=0.08)


def test_single_quanta_are_not_frozen():
    """Below the divisor of every rounding: one quantum a cell in a sparse field still moves."""
    grid = np.zeros((SIDE, SIDE), np.int32)
    grid[::8, ::8] = 1
    after, _ = _evolve(grid, 40, 64)
    assert after.sum() == grid.sum()
    assert (after[::8, ::8] > 0).mean() < 0.7


def test_decay_books_what_it_takes_at_the_exact_mean_rate_and_ends_at_zero():
    grid = np.full((SIDE, SIDE), 3, np.int32)
    after, lost = _evolve(grid, 400, 64, decay=2000)
    assert after.sum() + lost == grid.sum()
    survive = (1 - 2000 / 65536) ** 100
    spread = np.sqrt(survive * (1 - survive) / grid.sum())  # as if every quantum decayed on its own
    assert after.sum() / grid.sum() == pytest.approx(survive, abs=4 * spread)
    after, lost = _evolve(grid, 2000, 64, decay=30000)
    assert after.sum() == 0 and lost == grid.sum()
