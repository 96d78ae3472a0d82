"""Lyapunov exponents where they are known, and a detector of chaos that is silent where there is none."""

from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mesocosm.games.find import game_named, learner_named
from mesocosm.games.game import MatrixGame, single
from mesocosm.games.learner import Flow, Payoff
from mesocosm.instruments.lyapunov import courses, is_chaotic, spectrum

pytestmark = pytest.mark.xdist_group("games")


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


def logistic(x, beside, t):
    return beside[0] * x * (1 - x)


def cat(x, beside, t):
    return jnp.stack([2 * x[0] + x[1], x[0] + x[1]]) % 1.0


def henon(x, beside, t):
    return jnp.stack([1 - 1.4 * x[0] ** 2 + x[1], 0.3 * x[0]])


def lorenz(x, beside, t):
    """The step of the experiment, in float64."""

    def v(p):
        return jnp.stack([10 * (p[1] - p[0]), p[0] * (28 - p[2]) - p[1], p[0] * p[1] - 8 / 3 * p[2]])

    h = 0.01
    k1 = v(x)
    k2 = v(x + h / 2 * k1)
    k3 = v(x + h / 2 * k2)
    k4 = v(x + h * k3)
    return x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


@pytest.fixture(scope="module")
def known():
    """What each law does: places, growth."""
    with jax.enable_x64(True):
        return {
            "logistic": courses(logistic, jnp.array([0.3]), (jnp.float64(4.0), ()), 200, 100, 1),
            "cat": courses(cat, jnp.array([0.2, 0.7]), (), 50, 20, 2),
            "henon": courses(henon, jnp.array([0.1, 0.1]), (), 100, 20, 2),
            "lorenz": courses(lorenz, jnp.array([1.0, 1.0, 20.0]), (), 100, 200, 3),
        }


@pytest.mark.parametrize(
    ("law", "time", "expected", "within"),
    [
        ("logistic", 20000, [np.log(2)], 0.01),
        ("cat", 1000, [0.962424, -0.962424], 1e-6),
        ("henon", 2000, [0.42, -1.62], 0.05),
        ("lorenz", 200, [0.906, 0, -14.572], 0.06),
    ],
)
def test_spectra(known, law, time, expected, within):
    assert np.allclose(spectrum(np.asarray(known[law][1]), time), expected, atol=within)
    assert is_chaotic(np.asarray(known[law][0]), np.asarray(known[law][1])[:, 0])


def test_sums_are_the_rates_at_which_volume_shrinks(known):
    assert spectrum(np.asarray(known["henon"][1]), 2000).sum() == pytest.approx(np.log(0.3), abs=1e-9)
    assert spectrum(np.asarray(known["lorenz"][1]), 200).sum() == pytest.approx(-(10 + 1 + 8 / 3), abs=3e-4)  # -13.6667
    assert spectrum(np.asarray(known["cat"][1]), 1000).sum() == pytest.approx(0, abs=1e-9)


@lru_cache
def _program(step, windows, steps):
    return jax.jit(jax.vmap(lambda x, b, all_: courses(step, x, (b, all_), windows, steps, 1), in_axes=(0, 0, None)))


def many(step, starts, beside, windows, steps, shared=()):
    """Whether each of many courses is chaotic. The step is given what is its own, and what all share."""
    places, grown = _program(step, windows, steps)(starts, beside, shared)
    return [is_chaotic(p, g[:, 0]) for p, g in zip(np.asarray(places), np.asarray(grown), strict=True)]


def spread(n, low, high, seed=0):
    return jnp.asarray(np.random.default_rng(seed).uniform(low, high, n))


@lru_cache
def flow(learner, rate):
    who = single(learner_named(learner), jnp.float64)
    return lambda z, beside, t: who.step(beside[1], z, (), jnp.float64(rate))[0]


def game(name):
    return single(game_named(name), jnp.float64)


def test_it_is_silent_on_periodic_orbits_of_the_logistic_map():
    """Periods 1, 2, 4 (r < 3.55), 3 (the window from 1 + sqrt 8) and 5, sixty orbits."""
    r = jnp.concatenate([spread(40, 1.5, 3.55), spread(15, 3.829, 3.84), spread(5, 3.7385, 3.741)])
    assert not any(many(logistic, spread(60, 0.1, 0.9)[:, None], r, 100, 20))


def test_it_is_silent_on_rotations_and_shears():
    """Forty orbits of a twist, (turn, height) -> (turn + height, height): neighbours part in proportion to time."""
    heights = spread(40, 0.1, 3.0)

    def twist(x, beside, t):
        return jnp.stack([jnp.mod(x[0] + x[1], 1.0), x[1]])

    assert not any(many(twist, jnp.stack([spread(40, 0, 1), heights], axis=1), heights, 100, 20))


OFF = np.random.default_rng(1).normal(size=(60, 6))
OFF = OFF - OFF.reshape(60, 2, 3).mean(axis=2).repeat(3, axis=1)  # logits of each player, that add up to 0


def test_it_is_silent_on_games_that_circle():
    """Sixty orbits of prey and hunters, sixty near the rest of rps: with the others above, 220."""
    rest = np.log([4.0, 2.75])
    assert not any(many(flow("flow", 0.1), rest + 0.4 * OFF[:, :2], OFF[:, 0], 100, 30, game("lotka-volterra")))
    assert not any(many(flow("replicator", 0.1), 0.1 * OFF, OFF[:, 0], 100, 60, game("rps")))


def test_it_speaks_where_ties_pay_in_rock_paper_scissors():
    """Y. Sato, E. Akiyama and J. D. Farmer 2002; far from rest nearly all neighbours part exponentially."""
    assert sum(many(flow("replicator", 0.1), 3 * OFF, OFF[:, 0], 100, 60, game("rps(tie=0.5)"))) >= 50


class Any2x2(MatrixGame):
    first: jax.Array
    second: jax.Array

    def payoffs(self):
        return self.first, self.second


def of_two_acts(z, beside, t):
    return Flow(Payoff()).step(Any2x2(beside[0][0], beside[0][1]), z, (), jnp.float64(0.1))[0]


def test_two_players_with_two_acts_are_never_chaotic():
    """I. Bendixson 1901: a flow of two numbers has no room. Forty random games of two acts each, half zero-sum."""
    payoffs = np.random.default_rng(2).normal(size=(40, 2, 2, 2))
    payoffs[:20, 1] = -payoffs[:20, 0]
    assert not any(many(of_two_acts, OFF[:40, :4], payoffs, 100, 30))


@pytest.mark.parametrize(
    ("places", "grown"),
    [
        (np.exp(0.05 * np.arange(100.0))[:, None], np.full(100, 0.05)),  # runs away: bilinear, simultaneous
        (np.arange(100.0)[:, None], np.full(100, 1.0)),  # drifts
        (np.full((100, 1), 0.75), np.full(100, 1.0)),  # stands on an unstable rest
        (np.tile([[0.1], [0.9]], (50, 1)), np.full(100, 1.0)),  # on an unstable cycle
        (np.full((100, 1), np.nan), np.full(100, 1.0)),
        (np.zeros((2, 1)), np.ones(2)),
    ],
)
def test_exponential_parting_alone_is_not_called_chaos(places, grown):
    assert not is_chaotic(places, grown)
