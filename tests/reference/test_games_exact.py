"""What games and learners do where it is known exactly, to the round-off of float64."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from mesocosm.games.find import game_named, learner_named
from mesocosm.games.game import LossGame, jacobian, single, vorticity
from mesocosm.games.known import Hopf
from mesocosm.games.learner import Payoff

pytestmark = pytest.mark.xdist_group("games")


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


def game(name):
    return single(game_named(name), jnp.float64)


def matrix_of_a_step(name: str, of: str, rate: float) -> np.ndarray:
    """The step of a learner at rest, linearised in the players' numbers and in what is remembered."""
    played, learner = game(of), single(learner_named(name), jnp.float64)
    rest = played.rest.astype(jnp.float64)
    at, whole = ravel_pytree((rest, learner.begin(played, rest)))

    def step(numbers):
        z, memory = whole(numbers)
        return ravel_pytree(learner.step(played, z, memory, jnp.float64(rate)))[0]

    return np.asarray(jax.jit(jax.jacobian(step))(at))


def radius(matrix) -> float:
    return float(np.abs(np.linalg.eigvals(matrix)).max())


@pytest.mark.parametrize(
    ("learner", "expected"),
    [
        ("simultaneous", np.sqrt(1.01)),  # 1.004988
        ("alternating", 1.0),
        ("extragradient", np.hypot(0.99, 0.1)),  # .995038
        ("optimistic", 0.9949361530051237),  # the larger root of q^2 - (1 + 2i/10) q + i/10
        ("sga", np.hypot(0.9, 0.1)),  # .905539
        ("consensus", np.hypot(0.9, 0.1)),
    ],
)
def test_spectral_radius_of_a_step_on_the_bilinear_game(learner, expected):
    assert radius(matrix_of_a_step(learner, "bilinear", 0.1)) == pytest.approx(expected, abs=1e-12)


def test_the_radius_of_optimism_is_that_of_its_polynomial():
    roots = np.roots([1, -(1 + 0.2j), 0.1j])
    assert radius(matrix_of_a_step("optimistic", "bilinear", 0.1)) == pytest.approx(np.abs(roots).max(), abs=1e-12)


@pytest.mark.parametrize("rate", [0.01, 0.5, 1.9])
def test_simultaneous_play_grows_and_alternating_play_keeps_its_radius(rate):
    assert radius(matrix_of_a_step("simultaneous", "bilinear", rate)) == pytest.approx(np.sqrt(1 + rate**2), abs=1e-12)
    assert radius(matrix_of_a_step("alternating", "bilinear", rate)) == pytest.approx(1, abs=1e-7)


_jacobians = jax.jit(jax.vmap(jacobian, in_axes=(None, 0)))


def jacobians(name: str, places, **parameters) -> np.ndarray:
    """Of a game at so many places; one program a game."""
    changed = replace(game_named(name), **parameters) if parameters else game_named(name)
    return np.asarray(_jacobians(single(changed, jnp.float64), places))


def share(matrix) -> float:
    return float(jax.jit(vorticity)(matrix))


def eigenvalues(matrix) -> np.ndarray:
    values = np.linalg.eigvals(np.asarray(matrix))
    return values[np.lexsort((values.imag, values.real))]


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0, 2.5])
def test_eigenvalues_of_the_dirac_gan(weight):
    j = jacobians("dirac-gan", np.zeros((1, 2)), r1=weight)[0]
    root = np.sqrt(complex(weight**2 / 4 - 0.25))
    expected = np.array([-weight / 2 - root, -weight / 2 + root])
    assert np.allclose(sorted(eigenvalues(j), key=lambda c: (c.real, c.imag)), expected, atol=1e-12)


def replicator_jacobian(name):
    played = game(name)
    of = jax.jit(jax.jacfwd(lambda z: Payoff().of(played, z, {}, lambda d: d)[0]))
    return np.asarray(of(np.zeros(sum(played.sizes))))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("pennies", 1.0), ("rps", 1 / np.sqrt(3)), ("rps(tie=0.5)", np.sqrt(3.25) / 3)],
)
def test_eigenvalues_of_the_replicator_at_rest(name, expected):
    """Purely imaginary; besides, a zero for the shift of each player's logits."""
    values = eigenvalues(replicator_jacobian(name))
    assert np.abs(values.real).max() < 1e-7
    turning = np.sort(np.abs(values.imag))[::-1]
    n = 2 if name == "pennies" else 4
    assert np.allclose(turning[:n], expected, atol=1e-7) and np.abs(turning[n:]).max() < 1e-7


def test_games_of_one_function_have_no_curl_and_zero_sum_ones_nothing_else_at_rest():
    places = 2 * np.random.default_rng(0).normal(size=(20, 4))
    for name, n in (("potential", 2), ("coordination", 4)):
        j = jacobians(name, places[:, :n])
        assert np.abs(j - np.swapaxes(j, 1, 2)).max() < 1e-12 and np.abs(j).max() > 0.1
    for name, n in (("bilinear", 2), ("dirac-gan", 2), ("pennies", 4), ("rps", 6)):
        assert share(jacobians(name, np.zeros((1, n)))[0]) == pytest.approx(1, abs=1e-12)
    assert share(jacobians("hopf", np.zeros((1, 2)))[0]) == pytest.approx(0.5)


def turn_of(name: str, learner: str, start, rate: float = 0.02, ticks: int = 6000) -> float:
    """How long a turn takes: by crossings of the mean, as the analysis counts them."""
    from mesocosm.analyses.cycles import turns

    played, who = game(name), single(learner_named(learner), jnp.float64)

    def step(z, _):
        z = who.step(played, z, (), jnp.float64(rate))[0]
        return z, z[0]

    line = jax.jit(lambda z: jax.lax.scan(step, z, None, length=ticks)[1])(start)
    found = turns(rate * np.arange(ticks), np.asarray(line))
    assert found.kind == "circles"
    return found.period


def test_periods_of_small_orbits():
    rps, hunters = game("rps"), game("lotka-volterra")
    off = jnp.array([1e-3, -1e-3, 0, 0, 0, 0])
    assert turn_of("rps", "replicator", rps.rest + off) == pytest.approx(2 * np.pi * np.sqrt(3), abs=1e-4)  # 10.883
    small = hunters.rest + jnp.array([1e-3, 0])
    assert turn_of("lotka-volterra", "flow", small) == pytest.approx(2 * np.pi / np.sqrt(0.44), abs=1e-4)  # 9.4723
    assert turn_of("hopf", "flow", jnp.array([0.1, 0.0])) == pytest.approx(2 * np.pi, abs=1e-4)


def test_what_is_conserved_is_conserved():
    """Of zero-sum replicators the sum of -log shares; of prey and hunters Lotka's integral."""

    def gone(name, learner, z, ticks=2000, rate=0.02):
        played, who = game(name), single(learner_named(learner), jnp.float64)

        def step(_, z):
            return who.step(played, z, (), jnp.float64(rate))[0]

        return jax.jit(lambda z: jax.lax.fori_loop(0, ticks, step, z))(z)

    def spread(z):
        parts = np.asarray(z).reshape(2, 3)
        return float(3 * np.log(np.exp(parts).sum(axis=1)).sum() - parts.sum())

    z = jnp.array([1.0, -0.5, -0.5, 0.3, 0.9, -1.2])
    assert spread(gone("rps(tie=0.5)", "replicator", z)) == pytest.approx(spread(z), rel=1e-7)

    def integral(z):
        prey, hunters = np.asarray(z)
        return float(1.1 * hunters - 0.4 * np.exp(hunters) + 0.4 * prey - 0.1 * np.exp(prey))

    z = game("lotka-volterra").rest + 0.5
    assert integral(gone("lotka-volterra", "flow", z)) == pytest.approx(integral(z), abs=1e-7)


def test_adam_and_rmsprop_step_as_their_authors_say():
    """Against plain loops over a few steps; RMSProp with no past is the sign of the gradient."""
    played = game("potential")
    for name in ("adam", "rmsprop"):
        who, z = single(learner_named(name), jnp.float64), jnp.array([0.3, -0.7])
        memory, mean, square, at = who.begin(played, z), np.zeros(2), np.zeros(2), np.array(z)
        step = jax.jit(lambda z, memory, who=who: who.step(played, z, memory, jnp.float64(0.01)))
        for t in range(1, 6):
            d = np.array([-(at[0] ** 3) + at[0] - 0.5 * at[1], -at[1] - 0.5 * at[0]])
            decay = 0.999 if name == "adam" else 0.9
            mean, square = 0.9 * mean + 0.1 * d, decay * square + (1 - decay) * d**2
            if name == "adam":
                at = at + 0.01 * (mean / (1 - 0.9**t)) / (np.sqrt(square / (1 - 0.999**t)) + 1e-8)
            else:
                at = at + 0.01 * d / (np.sqrt(square) + 1e-8)
            z, memory = step(z, memory)
            assert np.allclose(np.asarray(z), at, atol=1e-12)


def test_a_step_of_turns_is_that_of_one_player_after_the_other():
    played, who = game("bilinear"), single(learner_named("alternating"), jnp.float64)
    z = jnp.array([0.4, -0.9])
    x = 0.4 - 0.1 * -0.9
    y = -0.9 + 0.1 * x
    assert np.allclose(np.asarray(who.step(played, z, who.begin(played, z), jnp.float64(0.1))[0]), [x, y], atol=1e-15)


class Runaway(LossGame):
    """`-x^2 + 2 x y` and `-y^2 - 2 x y`: rest is unstable, and adjustment would lead there."""

    def losses(self, x, y):
        return -(x[0] ** 2) + 2 * x[0] * y[0], -(y[0] ** 2) - 2 * x[0] * y[0]


@pytest.mark.parametrize(("played", "sign"), [(Hopf(), 1), (Runaway(), -1)])
def test_directions_of_consensus_and_adjustment_are_those_of_the_whole_jacobian(played, sign):
    z = jnp.array([0.9, -0.4])
    j, v = (np.asarray(x) for x in jax.jit(lambda z: (jacobian(played, z), played.velocity(z)))(z))
    turned = (j.T - j) / 2 @ v
    aligned = np.sign(-v @ (j.T @ v) * (turned @ (j.T @ v)) / 2 + 0.1)
    assert aligned == sign
    expected = {"consensus(weight=0.3)": v - 0.3 * j.T @ v, "sga(weight=0.3)": v - 0.3 * aligned * turned}
    for name, d in expected.items():
        who = single(learner_named(name), jnp.float64)
        stepped = jax.jit(lambda z, who=who: who.step(played, z, who.begin(played, z), jnp.float64(1.0))[0])(z)
        assert np.allclose(np.asarray(stepped - z), d, atol=1e-12)
