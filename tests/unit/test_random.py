"""Random bits: known answers, addresses that never collide, and fair statistics."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesocosm.core.random import FOUNDING, Bits, mix32, seed_words, threefry2x32, threshold16, unmix32

ONES = 0xFFFFFFFF
KNOWN_ANSWERS = [  # Random123, kat_vectors, threefry2x32 with 20 rounds
    ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
    ((ONES, ONES), (ONES, ONES), (0x1CB996FC, 0xBB002BE7)),
    ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
]


@pytest.mark.parametrize(("key", "counter", "answer"), KNOWN_ANSWERS)
def test_threefry_gives_the_published_vectors(key, counter, answer):
    words = threefry2x32(tuple(map(jnp.uint32, key)), tuple(map(jnp.uint32, counter)))
    assert tuple(map(int, words)) == answer


def test_bits_equal_jax_own_threefry():
    import jax

    key = jax.random.wrap_key_data(jnp.array([7, 9], jnp.uint32), impl="threefry2x32")
    expected = jax.random.key_data(jax.random.fold_in(key, 5))
    assert [int(w) for w in threefry2x32((jnp.uint32(7), jnp.uint32(9)), (jnp.uint32(0), jnp.uint32(5)))] == [
        int(w) for w in expected
    ]


def test_addresses_of_seeds_replicates_ticks_bodies_and_purposes_are_all_different():
    seen = set()
    ids = jnp.arange(50, dtype=jnp.int32)
    for seed in (0, 1, 2**32):
        for replicate in (0, 1):
            bits = [Bits.founding(seed_words(seed), jnp.uint32(replicate))]
            bits += [Bits.at(seed_words(seed), jnp.uint32(replicate), jnp.int32(t)) for t in (0, 1)]
            for b in bits:
                for purpose in (0, 1, 0x10000):
                    words = np.stack(b.of(ids, purpose)).astype(np.uint64)
                    seen.update((words[0] << np.uint64(32) | words[1]).tolist())
    assert len(seen) == 3 * 2 * 3 * 3 * 50


def test_founding_has_an_address_that_no_tick_has():
    assert FOUNDING >= 2**31


def test_bits_are_fair_in_every_position():
    bits = Bits.at(seed_words(3), jnp.uint32(0), jnp.int32(0))
    words = np.stack(bits.of(jnp.arange(1, 20001, dtype=jnp.int32), 0))
    ones = [((words >> np.uint32(k)) & 1).mean() for k in range(32)]
    assert np.abs(np.array(ones) - 0.5).max() < 5 * 0.5 / np.sqrt(40000)


@given(st.integers(0, ONES))
def test_mix_is_a_bijection(z):
    assert int(unmix32(mix32(jnp.uint32(z)))) == z


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_beyond_64_bits_is_refused(seed):
    with pytest.raises(ValueError, match="seed"):
        seed_words(seed)


@given(st.floats(0, 1))
def test_threshold_is_the_nearest_of_65536(p):
    assert abs(threshold16(p) / 65536 - p) <= 0.5 / 65536


def test_keys_for_float_experiments_come_from_the_same_address():
    import jax

    a, b = (Bits.at(seed_words(1), jnp.uint32(r), jnp.int32(4)) for r in (0, 1))
    assert float(jax.random.uniform(a.key(3))) == float(jax.random.uniform(a.key(3)))
    assert float(jax.random.uniform(a.key(3))) != float(jax.random.uniform(b.key(3)))


def test_normal_numbers_are_normal_and_of_their_address():
    from scipy import stats

    drawn = [np.asarray(Bits.at(seed_words(s), jnp.uint32(0), jnp.int32(4)).normals(3, 20001)) for s in (1, 1, 2)]
    assert np.array_equal(drawn[0], drawn[1]) and drawn[0].shape == (20001,) and drawn[0].dtype == np.float32
    assert stats.kstest(drawn[0], "norm").pvalue > 0.01 and np.isfinite(drawn[0]).all()
    pairs = drawn[0][:10000], drawn[0][10001:20001]  # both numbers of an address; and those of another seed
    for a, b in (pairs, (drawn[0], drawn[2]), (drawn[0][:-1], drawn[0][1:])):
        assert abs(np.corrcoef(a, b)[0, 1]) < 0.03
