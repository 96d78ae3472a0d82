"""A population over processes: the same search, bit for bit, whatever their number, and though one dies."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mesocosm.evolution.genetic import GA
from mesocosm.evolution.islands import Islands
from mesocosm.experiments.digits.declaration import DigitsConfiguration
from mesocosm.record import ConfigurationError, MesocosmError
from mesocosm.record.configuration import from_dict
from tests.unit import island_judges as judges

CENTRE = np.arange(3, dtype=np.float32)


def searched(judge, n):
    """Six generations of ten members in blocks of four: the last block is not full."""
    searcher = GA(3, 10, jnp.float32(0.3))
    state = searcher.found(jnp.zeros(3))
    with Islands(judge, n, block=4) as islands:
        for k in range(6):
            state, losses = searcher.step(jax.random.key(k), state, islands.losses(CENTRE))
            assert losses.shape == (10,) and losses.dtype == jnp.float32
    return np.asarray(searcher.centre(state)), np.asarray(losses)


def test_a_search_over_two_processes_is_that_of_one_and_a_death_changes_nothing(tmp_path):
    alone, apart, bereft = (
        searched(judge, n)
        for judge, n in ((judges.sphere, 0), (judges.sphere, 2), (judges.DiesOnce(str(tmp_path / "mark")), 1))
    )
    assert np.sum((alone[0] - CENTRE) ** 2) < 0.7 * np.sum(CENTRE**2), "it gets nearer"
    for other in (apart, bereft):
        assert all(np.array_equal(a, b) for a, b in zip(alone, other, strict=True))
    assert (tmp_path / "mark").exists()


def test_what_goes_wrong_on_an_island_is_a_sentence():
    members = np.zeros((4, 3), np.float32)
    with Islands(judges.dies, 1, block=4) as islands, pytest.raises(MesocosmError, match="an island died 3 times"):
        islands.judged(members, CENTRE)
    with pytest.raises(MesocosmError, match=r"losses of the shape \(3,\) for 4 members"):
        Islands(judges.one_too_few, 0, block=4).judged(members, CENTRE)
    with pytest.raises(ValueError, match="n = -1"):
        Islands(judges.sphere, -1)


def test_a_searcher_that_follows_a_gradient_stays_at_home():
    from mesocosm.experiments.digits.islands import evolved

    with pytest.raises(ConfigurationError, match=r"meta-gradient: follows the gradient.*take cma-es"):
        evolved(DigitsConfiguration(), islands=2)


@pytest.mark.slow
def test_a_rule_evolved_on_two_islands_is_the_one_evolved_on_none():
    from mesocosm.experiments.digits.islands import evolved

    small = {
        "ticks": 2,
        "every": 1,
        "form": {"cell": "bilinear"},
        "search": {"searcher": "cma-es", "population": 8},
        "schooling": {"examples": 10, "tasks": 2, "shown": [1, 10]},
    }
    configuration = from_dict(DigitsConfiguration, small)
    alone, apart = (evolved(configuration, islands=n, block=4) for n in (0, 2))
    leaves = [jax.tree.leaves(rule.genome) for rule in (alone, apart)]
    assert all(np.array_equal(a, b) for a, b in zip(*leaves, strict=True))
