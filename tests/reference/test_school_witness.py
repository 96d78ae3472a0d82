"""Accidents and taste of `school` against their witness, body by body."""

from __future__ import annotations

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

from mesocosm.core.random import Bits, seed_words, threshold16
from mesocosm.ecology.ecology import Ecology
from mesocosm.experiments.school.accidents import Accidents
from mesocosm.experiments.school.declaration import SchoolConfiguration
from mesocosm.experiments.school.system import build
from mesocosm.experiments.school.taste import TASTE
from mesocosm.layers.book import Book
from mesocosm.record.configuration import from_dict
from mesocosm.worlds.petri.fields import as_grid
from mesocosm.worlds.petri.state import Bodies, PetriState, Sources
from tests.reference import school_witness as witness

SIDE, N = 16, 400


@pytest.mark.parametrize(("seed", "replicate", "tick"), [(0, 0, 0), (2**63 + 5, 3, 70_000)])
@pytest.mark.parametrize("chance", [1 / 256, 0.3])
def test_accidents_befall_the_same_bodies(seed, replicate, tick, chance):
    draw = np.random.default_rng(4)
    ids = np.where(draw.random(N) < 0.8, draw.permutation(10 * N)[:N] + 1, 0).astype(np.int32)
    energy = np.where(ids > 0, draw.integers(1, 5000, N), 0).astype(np.int32)
    bodies = SimpleNamespace(id=jnp.asarray(ids), alive=jnp.asarray(ids > 0), energy=jnp.asarray(energy))
    state = SimpleNamespace(world=SimpleNamespace(bodies=bodies), with_energy=np.asarray)
    bits = Bits.at(seed_words(seed), jnp.uint32(replicate), jnp.int32(tick))
    left, book = Accidents(chance).die(bits, state, Book(None, {}, jnp.uint32(0)))
    befallen = (ids > 0) & witness.struck(seed, replicate, tick, ids, threshold16(chance))
    np.testing.assert_array_equal(left, np.where(befallen, 0, energy))
    assert int(book.flows["accidents"]) == energy[befallen].sum() and 0 < befallen.sum() < N


def test_bodies_taste_what_lies_under_them():
    draw = np.random.default_rng(5)
    law = build(from_dict(SchoolConfiguration, {"world": {"side": SIDE}})).experiment
    assert isinstance(law, Ecology) and TASTE.read is not None
    food = jnp.asarray(draw.choice([0, 1, 63, 64, 65, 900], (2, 2, SIDE // 2, SIDE // 2)), jnp.int32)
    x, y = draw.integers(0, 256 * SIDE, (2, N))
    ids, zero = jnp.arange(1, N + 1, dtype=jnp.int32), jnp.zeros(N, jnp.int32)
    x32, y32 = jnp.asarray(x, jnp.int32), jnp.asarray(y, jnp.int32)
    bodies = Bodies(ids, x32, y32, zero, zero, zero, zero, zero, ids, zero)
    state = PetriState(jnp.int32(N + 1), {"food": food}, Sources(zero, zero, zero), bodies)
    levels = np.asarray(TASTE.read(law.world, state))
    np.testing.assert_array_equal(levels, witness.taste(as_grid(np.asarray(food)), x, y, bite=64))
    assert set(levels.tolist()) == {0, 1, 2}
