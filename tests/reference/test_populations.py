"""Dynamics of populations against what follows by hand, for one, two, three and four of them.

The cases are those by which the dynamics of open_spiel are tested, worked out anew.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mesocosm.games.find import game_named
from mesocosm.games.game import single
from mesocosm.games.learner import Boltzmann, Flow, Payoff
from mesocosm.games.populations import boltzmann, policy_gradient, replicator, velocities

pytestmark = pytest.mark.xdist_group("games")
WINS = np.array([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]])


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


def mixes(*acts):
    return [jnp.full(n, 1 / n) for n in acts]


def test_pure_populations_stay_pure():
    for k in range(3):
        x = jnp.eye(3)[k]
        assert np.all(np.asarray(replicator(x, WINS @ x)) == 0)


@pytest.mark.parametrize("dynamics", [replicator, boltzmann, policy_gradient])
def test_rock_paper_scissors_rests_in_the_middle(dynamics):
    (x,) = mixes(3)
    assert np.abs(np.asarray(dynamics(x, WINS @ x))).max() < 1e-15
    both = velocities([jnp.asarray(WINS), jnp.asarray(-WINS)], mixes(3, 3), dynamics)
    assert max(np.abs(np.asarray(v)).max() for v in both) < 1e-15


def test_exploration_is_selection_at_a_temperature_and_a_pull_to_the_rare():
    """x' = replicator / T + x_i sum_j x_j ln(x_j / x_i)."""
    x, earns = jnp.array([0.2, 0.3, 0.5]), jnp.array([1.0, -2.0, 0.4])
    pull = np.array([sum(xj * np.log(xj / xi) for xj in np.asarray(x)) for xi in np.asarray(x)])
    for temperature in (1.0, 0.3):
        expected = np.asarray(replicator(x, earns)) / temperature + np.asarray(x) * pull
        assert np.allclose(np.asarray(boltzmann(x, earns, temperature)), expected, atol=1e-15)


def test_four_populations_of_whom_all_win_if_all_do_the_first_thing():
    """Each first act earns 1/8 against coins, 1/16 in the mean: its share grows by 1/2 (1/8 - 1/16) = 1/32."""
    payoff = jnp.zeros((2, 2, 2, 2)).at[0, 0, 0, 0].set(1.0)
    for v in velocities([payoff] * 4, mixes(2, 2, 2, 2)):
        assert np.allclose(np.asarray(v), [1 / 32, -1 / 32], atol=1e-17)


def test_three_populations_with_two_three_and_four_acts():
    payoffs = list(jnp.arange(3 * 24.0).reshape(3, 2, 3, 4))
    found = velocities(payoffs, mixes(2, 3, 4))
    assert [v.shape[0] for v in found] == [2, 3, 4]
    # An act of the k-th earns more than the one before it by the stride of its axis: 12, 4, 1.
    for v, n, stride in zip(found, (2, 3, 4), (12, 4, 1), strict=True):
        assert np.allclose(np.asarray(v), (np.arange(n) - (n - 1) / 2) * stride / n, atol=1e-12)


def test_what_learners_of_logits_do_to_acts():
    """Payoffs give the replicator, with exploration Boltzmann's dynamics, and gradients those of policy gradients."""
    played = single(game_named("rps(tie=0.4, gift=0.1)"), jnp.float64)
    z = jnp.array([0.5, -0.2, -0.3, 1.0, 0.1, -1.1])
    mixed = played.shown(z)

    def moved(direction):
        """How the acts move when the logits move so."""
        v = jax.jvp(lambda u: jnp.concatenate(played.shown(u)), (z,), (direction,))[1]
        return np.asarray(v)

    def expected(dynamics):
        return np.concatenate([np.asarray(v) for v in velocities(played.payoffs(), mixed, dynamics)])

    def move(d):
        return d

    assert np.allclose(moved(Payoff().of(played, z, {}, move)[0]), expected(replicator), atol=1e-15)
    explores = Boltzmann(jnp.float64(0.5)).of(played, z, {}, move)[0]
    assert np.allclose(moved(explores), expected(lambda x, f: boltzmann(x, f, 0.5)), atol=1e-15)
    assert np.allclose(moved(played.velocity(z)), expected(policy_gradient), atol=1e-15)


def test_the_mean_over_time_of_zero_sum_play_is_its_rest():
    """J. Hofbauer, S. Sorin and Y. Viossat 2009: replicators circle, and what they do in the mean is the mixed rest."""
    from mesocosm.games.learner import Flow

    played, who = single(game_named("rps"), jnp.float64), Flow(Payoff())

    def step(z, _):
        z = who.step(played, z, (), jnp.float64(0.05))[0]
        return z, jnp.concatenate(played.shown(z))

    line = jax.jit(lambda z: jax.lax.scan(step, z, None, length=20000)[1])(jnp.array([1.0, -0.5, -0.5, 0.3, 0.1, -0.4]))
    assert np.abs(np.asarray(line).mean(axis=0) - 1 / 3).max() < 2e-3


def test_play_of_logits_and_what_parts_neighbours_is_that_of_shares_in_another_integrator():
    """SciPy's DOP853 on the replicator equation in shares, and on neighbours, against our steps and their slope."""
    from scipy.integrate import solve_ivp

    def velocity(_, s):
        x, y = s[:3], s[3:]
        u, v = (WINS + 0.5 * np.eye(3)) @ y, (-WINS - 0.5 * np.eye(3)).T @ x
        return np.concatenate([x * (u - x @ u), y * (v - y @ v)])

    def there(s):
        return solve_ivp(velocity, (0, 60), s, method="DOP853", rtol=1e-12, atol=1e-13).y[:, -1]

    s, d = np.array([0.6, 0.3, 0.1, 0.2, 0.5, 0.3]), np.array([1.0, -1, 0, 0, 1, -1])
    played, who = single(game_named("rps(tie=0.5)"), jnp.float64), Flow(Payoff())

    def shares(s):
        def step(_, z):
            return who.step(played, z, (), jnp.float64(0.02))[0]

        return jnp.concatenate(played.shown(jax.lax.fori_loop(0, 3000, step, jnp.log(s))))

    end, parted = jax.jit(lambda s, d: jax.jvp(shares, (s,), (d,)))(s, d)
    assert np.allclose(np.asarray(end), there(s), atol=1e-6)
    neighbours = (there(s + 1e-6 * d) - there(s - 1e-6 * d)) / 2e-6
    assert np.allclose(np.asarray(parted), neighbours, rtol=1e-4) and np.abs(neighbours).max() > 3
