"""Searchers: each goes downhill, keeps its types, survives members that cannot be judged, and refuses what it must."""

import importlib
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mesocosm.evolution import borrowed, cma
from mesocosm.evolution.build import build_searcher
from mesocosm.evolution.parameters import SearchParameters
from mesocosm.evolution.searcher import worst_last
from mesocosm.record.configuration import ConfigurationError, check

SEARCHERS = ("meta-gradient", "cma-es", "ga", "sep-cma-es", "snes", "openai-es")
D = 12
every_searcher = pytest.mark.parametrize("name", SEARCHERS)


def made(name, dimension=D, **changes):
    return build_searcher(SearchParameters(name, population=16, sigma=0.3, rate=0.05, **changes), dimension)


def bowl(members):
    return jnp.sum((members - 1.0) ** 2 * jnp.linspace(1.0, 3.0, D)[None, :], axis=1)


def walk(searcher, losses, steps, seed=0, state=None, start=0):
    state = searcher.found(jnp.zeros(D)) if state is None else state

    @jax.jit
    def many(state, generations):
        def one(state, t):
            return searcher.step(jax.random.fold_in(jax.random.key(seed), t), state, losses)

        return jax.lax.scan(one, state, generations)

    return many(state, start + jnp.arange(steps))


@every_searcher
def test_it_goes_downhill(name):
    searcher = made(name)
    state, found = walk(searcher, bowl, 150)
    begun, ended = bowl(jnp.zeros((1, D)))[0], bowl(searcher.centre(state)[None, :])[0]
    assert ended < 0.1 * begun
    assert found.shape == (150, searcher.population)


@every_searcher
def test_members_that_cannot_be_judged_are_survived(name):
    def patchy(members):  # a quarter of space gives NaN
        return jnp.where((members[:, 0] < -0.1) & (members[:, 1] < 0.5), jnp.nan, bowl(members))

    searcher = made(name)
    state, _ = walk(searcher, patchy, 150)
    assert all(np.all(np.isfinite(x)) for x in jax.tree.leaves((searcher.centre(state),)))
    assert bowl(searcher.centre(state)[None, :])[0] < 0.1 * bowl(jnp.zeros((1, D)))[0]


@every_searcher
def test_a_generation_that_cannot_be_judged_changes_nothing_that_matters(name):
    searcher = made(name)
    before, _ = walk(searcher, bowl, 5)
    after, found = walk(searcher, lambda members: jnp.full(members.shape[0], jnp.nan) + 0 * bowl(members), 1, 0, before)
    assert np.all(np.isnan(found))
    if name != "meta-gradient":  # Adam's momentum goes on
        assert np.array_equal(searcher.centre(before), searcher.centre(after))
    assert np.all(np.isfinite(searcher.centre(after)))


@every_searcher
def test_a_search_in_two_parts_equals_one(name):
    searcher = made(name)
    whole, _ = walk(searcher, bowl, 20)
    half, _ = walk(searcher, bowl, 10)
    second, _ = walk(searcher, bowl, 10, state=jax.tree.map(np.asarray, half), start=10)
    for a, b in zip(jax.tree.leaves(whole), jax.tree.leaves(second), strict=True):
        assert np.array_equal(a, b)


@every_searcher
def test_a_step_keeps_structure_and_types(name):
    searcher = made(name)
    state = jax.eval_shape(searcher.found, jax.ShapeDtypeStruct((D,), jnp.float32))
    after = jax.eval_shape(lambda s: searcher.step(jax.random.key(0), s, bowl)[0], state)
    kinds = [[(x.shape, x.dtype, x.weak_type) for x in jax.tree.leaves(tree)] for tree in (state, after)]
    assert kinds[0] == kinds[1] and jax.tree.structure(state) == jax.tree.structure(after)
    assert not any(weak for *_, weak in kinds[1])


def test_the_centre_is_no_lucky_draw():
    """Under noise alone the best draw looks good; the centre must not move far."""
    for name in ("cma-es", "snes", "ga"):
        searcher = made(name)

        def noisy(members):
            return jnp.sin(1e4 * jnp.sum(members, axis=1))

        state, found = walk(searcher, noisy, 30)
        assert float(np.min(found)) < -0.99
        assert np.linalg.norm(searcher.centre(state)) < 8


def test_full_covariance_is_refused_where_it_cannot_work():
    with pytest.raises(ConfigurationError, match=r"1001 dimensions.*sep-cma-es or snes"):
        made("cma-es", 1001)
    made("snes", 1001)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"searcher": "cma-es", "population": 3}, "needs 4 or more"),
        ({"searcher": "openai-es", "population": 15}, "even"),
        ({"searcher": "nothing"}, "searcher = 'nothing'"),
    ],
)
def test_parameters_that_are_not_permitted_are_refused(changes, message):
    with pytest.raises(ConfigurationError, match=message):
        check(SearchParameters(**changes))


@pytest.mark.parametrize(("name", "library"), [("snes", "evosax.algorithms"), ("meta-gradient", "optax")])
def test_a_missing_library_is_named_with_its_extra(name, library, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    borrowed._strategy.cache_clear()
    with pytest.raises(ConfigurationError, match=r"mesocosm\[learn\]"):
        made(name)


def test_nothing_borrowed_is_loaded_before_it_is_asked_for():
    source = importlib.util.find_spec("mesocosm.evolution.build").loader.get_source("mesocosm.evolution.build")
    assert "\nimport evosax" not in source and "\nimport optax" not in source


def test_what_cannot_be_judged_ranks_last():
    ranked, any_finite = worst_last(jnp.array([1.0, jnp.nan, 3.0, jnp.inf, -2.0]))
    assert any_finite and np.all(np.isfinite(ranked))
    assert set(np.argsort(ranked)[-2:].tolist()) == {1, 3}
    ranked, any_finite = worst_last(jnp.full(3, jnp.nan))
    assert not any_finite and np.all(np.isfinite(ranked))


@pytest.mark.parametrize("spoilt", ["flat", "negative", "zero", "huge", "nan"])
def test_a_covariance_without_a_root_is_made_one_that_has(spoilt):
    rng = np.random.default_rng(0)
    turned = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    spectra = {
        "flat": [1e-14, 1e-9, 1, 1, 1, 1],
        "negative": [-0.1, 1, 1, 1, 1, 1],
        "zero": [0] * 6,
        "huge": [1e38] * 6,
    }
    covariance = (turned * spectra.get(spoilt, [np.nan] * 6)) @ turned.T
    again, root, inverse = (np.asarray(x) for x in cma._roots(jnp.asarray(covariance, jnp.float32)))
    assert all(np.isfinite(x).all() for x in (again, root, inverse))
    assert np.allclose(root @ inverse, np.eye(6), atol=0.1)


@pytest.mark.parametrize("name", ["cma-es", "sep-cma-es"])
def test_a_search_that_has_nothing_to_go_by_goes_on(name):
    """Without the repair nobody can be judged after some 400 steps, for ever."""

    def plateau(members):
        return jnp.floor(jnp.sum(members**2, axis=1) * 10) / 10

    searcher = made(name)
    state, found = walk(searcher, plateau, 1500)
    assert np.isfinite(found).all() and np.isfinite(searcher.centre(state)).all()
