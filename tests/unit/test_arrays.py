"""The array operations of the laws against plain NumPy."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesocosm.core.arrays import (
    deposit,
    first_true,
    gather_cells,
    highest_in,
    lowest,
    lowest_in,
    materialise,
    next_power_of_two,
    order_of,
    shaped,
)

masks = st.integers(0, 2**32 - 1).map(lambda seed: np.random.default_rng(seed))


@settings(max_examples=30)
@given(masks, st.sampled_from([32, 64, 8192]), st.sampled_from([0.0, 0.01, 0.5, 1.0]))
def test_first_true_lists_places_in_order(rng, n, density):
    mask = rng.random(n) < density
    places = np.asarray(first_true(jnp.asarray(mask), 16))
    expected = np.flatnonzero(mask)[:16]
    assert places.tolist() == expected.tolist() + [n] * (16 - expected.size)


@settings(max_examples=30)
@given(masks, st.integers(0, 70))
def test_lowest_takes_the_k_lowest_ranks(rng, k):
    rank = rng.permutation(2**16)[:64].astype(np.uint32) * np.uint32(65537)
    mask = rng.random(64) < 0.7
    taken = np.asarray(lowest(jnp.asarray(mask), jnp.asarray(rank), jnp.int32(k)))
    expected = [i for i in np.argsort(rank) if mask[i]][:k]
    assert sorted(np.flatnonzero(taken).tolist()) == sorted(expected)


@settings(max_examples=20)
@given(masks)
def test_order_of_counts_those_below(rng):
    keys, valid = rng.permutation(100)[:20].astype(np.uint32), rng.random(20) < 0.6
    order = np.asarray(order_of(jnp.asarray(keys), jnp.asarray(valid)))
    ranked = sorted(k for k, v in zip(keys, valid, strict=True) if v)
    assert all(order[i] == ranked.index(keys[i]) for i in range(20) if valid[i])


@pytest.mark.parametrize("batched", [(True, True), (True, False), (False, True)])
def test_gather_and_deposit_in_a_batch_equal_one_at_a_time(batched):
    rng = np.random.default_rng(1)
    fields, cells = rng.integers(0, 99, (3, 50)).astype(np.int32), rng.integers(0, 50, (3, 20)).astype(np.int32)
    field = jnp.asarray(fields if batched[0] else fields[0])
    cell = jnp.asarray(cells if batched[1] else cells[0])
    axes = tuple(0 if b else None for b in batched)
    values = jnp.ones(20, jnp.int32)
    for together, alone in [
        (jax.vmap(gather_cells, axes)(field, cell), lambda f, c: f[c]),
        (jax.vmap(lambda f, c: deposit(f, c, values), axes)(field, cell), _added),
        (jax.vmap(lambda f, c: lowest_in(f, c, values), axes)(field, cell), _minimum),
        (jax.vmap(lambda f, c: highest_in(f, c, 50 * values), axes)(field, cell), _maximum),
    ]:
        for r in range(3):
            f, c = fields[r if batched[0] else 0], cells[r if batched[1] else 0]
            assert np.array_equal(np.asarray(together)[r], alone(f, c))


def _added(field, cells):
    out = field.copy()
    np.add.at(out, cells, 1)
    return out


def _minimum(field, cells):
    out = field.copy()
    np.minimum.at(out, cells, 1)
    return out


def _maximum(field, cells):
    out = field.copy()
    np.maximum.at(out, cells, 50)
    return out


def test_materialise_computes_what_it_is_given():
    for tick in (-1, 0, 5):
        assert int(materialise(jnp.int32(tick), lambda x: x * 3, jnp.int32(7))) == 21


@pytest.mark.parametrize(("n", "size"), [(1, 32), (32, 32), (33, 64), (1000, 1024), (1024, 1024)])
def test_size_classes_are_powers_of_two(n, size):
    assert next_power_of_two(n) == size


def _doubled(x):
    return 2 * x, jnp.zeros(3)


def test_shapes_are_those_of_jax_whatever_was_traced_before():
    """Under another width of numbers, and of a plain number after an array."""
    for arg in (jnp.float32(1), 1.0, np.ones(2), jax.ShapeDtypeStruct((2,), jnp.float32)):
        for is_wide in (False, True, False):
            with jax.enable_x64(is_wide):
                assert shaped(_doubled, arg) == jax.eval_shape(_doubled, arg), (arg, is_wide)
