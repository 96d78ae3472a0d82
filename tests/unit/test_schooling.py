"""Environments of Gymnasium as worlds: what minds are, that episodes are what a seed says, and what is refused."""

import shutil
from contextlib import nullcontext
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mesocosm as mc
from mesocosm.core.random import Bits, seed_words
from mesocosm.evolution.genetic import GA
from mesocosm.faces import schooling
from mesocosm.record import ConfigurationError, MissingPackage, Status

gymnasium = pytest.importorskip("gymnasium", reason="needs the extra faces")
from gymnasium.spaces import Box, Discrete  # noqa: E402

from mesocosm.faces.outside import Environment  # noqa: E402

CART = Path(__file__).parents[2] / "docs" / "examples" / "cart.py"


def ga(d):
    return GA(d, 4, jnp.float32(0.5))


def test_a_net_is_its_matrices():
    """By hand: a cart is pushed to where the second output is larger, for as many steps as Gymnasium says."""
    environment = Environment("CartPole-v1", longest=60)
    assert environment.sizes == (4, 2) and environment.dimension == 10
    push = np.zeros((2, 5), np.float32)
    push[1] = [0, 0.1, 1, 0.5, 0]  # towards where the pole falls
    env, steps = gymnasium.make("CartPole-v1"), 0
    seen, _ = env.reset(seed=7)
    for _ in range(60):
        seen, _, is_dead, *_ = env.step(int(push[1, :4] @ seen > 0))
        steps += 1
        if is_dead:
            break
    assert environment.returns(push.ravel()[None], np.array([7])).tolist() == [steps]
    both = environment.returns(np.stack([push.ravel(), -push.ravel()]), np.array([7, 8]))
    assert both.shape == (2,) and both.dtype == np.float32 and both[0] > both[1]


def test_a_rule_changes_its_strengths_in_each_life_and_forgets_them():
    environment = Environment("CartPole-v1", mind="rule", longest=30)
    assert environment.dimension == 50
    hebb = np.zeros((2, 5, 5), np.float32)
    hebb[..., :2] = 0.5, 1.0  # rate, before times after
    act = environment._mind(hebb.ravel(), 3)
    seen = np.array([1, 0, 0, 0], np.float32)
    first, second = act(seen), act(seen)
    start = np.random.default_rng(3).uniform(-0.1, 0.1, (2, 5)).astype(np.float32)
    one = np.append(seen, np.float32(1))
    assert np.allclose(first, start @ one)
    assert np.allclose(second, (start + 0.5 * one[None] * np.tanh(first)[:, None]) @ one, atol=1e-6)
    assert np.array_equal(environment._mind(hebb.ravel(), 3)(seen), first), "another life begins anew"
    still = np.zeros(50, np.float32)
    assert np.array_equal(
        environment.returns(still[None], np.array([5])), environment.returns(still[None], np.array([5]))
    )


@pytest.mark.parametrize("name", ["FrozenLake-v1", "Pendulum-v1", "MountainCarContinuous-v0"])
def test_spaces_of_all_kinds_are_read_and_acted_in(name):
    environment = Environment(name, hidden=(3,), longest=5)
    members = np.random.default_rng(0).normal(size=(2, environment.dimension))
    assert np.isfinite(environment.returns(members, np.array([1]))).all()


class Arms(gymnasium.Env):
    """By hand: acts 1 and 2, of which 2 is worth one; sees one of 5, 6, 7."""

    def __init__(self, desc=None, fault=""):
        self.observation_space, self.action_space = Discrete(3, start=5), Discrete(2, start=1)
        self.fault = fault

    def reset(self, *, seed=None, options=None):
        self.seed = seed
        return 6, {}

    def step(self, act):
        assert act in (1, 2)
        if self.fault == "raises":
            raise RuntimeError("boom\nand more")
        return 6, float("nan") if self.fault else float(act == 2), False, False, {}


class Dial(gymnasium.Env):
    """Rewards by the act itself, -2 ... 4; and, a little, by which episode it is."""

    def __init__(self):
        self.observation_space, self.action_space = Box(-9, 9, (2,)), Box(np.float32(-2), np.float32(4), (1,))

    def reset(self, *, seed=None, options=None):
        self.seed = seed
        return np.array([0.5, -2], np.float32), {}

    def step(self, act):
        return np.array([0.5, -2], np.float32), float(act[0]) + self.seed % 7, False, False, {}


for _name, _made in (("Arms-v0", Arms), ("Dial-v0", Dial)):
    gymnasium.register(_name, _made, disable_env_checker=True)


def test_acts_and_sights_begin_where_their_spaces_do():
    environment = Environment("Arms-v0", longest=4)
    prefers = np.zeros((2, 4), np.float32)
    prefers[1, 1] = 1  # on seeing 6, the second one of three, the second act
    assert environment.returns(np.stack([prefers.ravel(), -prefers.ravel()]), np.array([3])).tolist() == [4, 0]


def test_an_act_is_a_share_of_its_range_and_levels_bend():
    """By hand: one hidden neuron, from two numbers; tanh in the middle, and at the end."""
    environment = Environment("Dial-v0", hidden=(1,), longest=1)
    numbers = np.array([2, 1, 0.5, 1.5, -0.25], np.float32)  # 2 * 0.5 - 2 + 0.5 = -0.5
    out = 1.5 * np.tanh(-0.5) - 0.25
    wanted = -2 + 6 * (np.tanh(out) + 1) / 2
    assert np.allclose(environment.returns(numbers[None], np.array([7])), wanted, atol=1e-6)


def test_a_search_finds_what_gains_more_and_its_centre_is_judged_apart():
    law = schooling("Dial-v0", lambda d: GA(d, 16, jnp.float32(0.5)), longest=1, episodes=2)
    state = law.init(Bits.founding(seed_words(0), jnp.uint32(0)))
    step, gained = jax.jit(lambda bits, state: law.tick(bits, state)), []
    for tick in range(6):
        state, _ = step(Bits.at(seed_words(0), jnp.uint32(0), jnp.int32(tick)), state)
        gained.append(float(state.gained))
    assert float(state.centre) > float(state.founder) + 1 and gained[-1] > gained[0] + 0.5
    centre = np.asarray(law.searcher.centre(state.search))[None]
    assert float(state.centre) == law.environment.returns(centre, np.array(law.judged))[0] != float(state.best)


@pytest.mark.parametrize("fault", ["raises", "nan"])
def test_an_environment_that_fails_ends_the_search_and_not_the_run(fault):
    law = schooling("Arms-v0", ga, settings={"fault": fault}, longest=2)
    with (
        pytest.warns(UserWarning, match=r"Arms-v0: fails \(RuntimeError: boom\)")
        if fault == "raises"
        else nullcontext()
    ):
        state = law.init(Bits.founding(seed_words(0), jnp.uint32(0)))
    assert law.status(state) == Status.DIVERGED and "environment failed" in law.endings[Status.DIVERGED]


def test_settings_may_be_lists():
    law = schooling("Arms-v0", ga, settings={"desc": ["SF", "FG"]})
    assert law.environment.made().unwrapped.observation_space.n == 3 and hash(law.environment)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "Arms-v0", "hidden": 16}, r"hidden = 16: must be numbers of neurons, each 1 \.\.\. 1048576"),
        ({"name": "Arms-v0", "hidden": (0,)}, r"hidden = \(0,\): must be numbers of neurons"),
        ({"name": "Arms-v0", "hidden": (-1,)}, r"hidden = \(-1,\): must be numbers of neurons"),
        ({"name": "Arms-v0", "longest": 0}, r"longest = 0: must be a whole number in 1 \.\.\. 1048576"),
        ({"name": "Arms-v0", "longest": -3}, "longest = -3: must be"),
        ({"name": "Arms-v0", "episodes": 0}, "episodes = 0: must be"),
        ({"name": "Arms-v0", "settings": {"desc": ga}}, "settings = .*: must be numbers, words, and lists"),
        ({"name": "Nothing-v0"}, "Nothing-v0: Gymnasium does not make it"),
        ({"name": "Blackjack-v1"}, r"Blackjack-v1: observes Tuple\(.*; a net reads a Box or a Discrete"),
        ({"name": "CartPole-v1", "mind": "soul"}, "mind = 'soul': must be net or rule"),
        ({"name": "CartPole-v1", "settings": {"colour": 1}}, "CartPole-v1: Gymnasium does not make it"),
    ],
)
def test_what_cannot_be_lived_in_is_refused_in_a_sentence(given, said):
    with pytest.raises(ConfigurationError, match=said):
        schooling(given.pop("name"), ga, **given)


def test_where_gymnasium_is_missing_it_says_so(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingPackage, match=r"a world of Gymnasium needs the package gymnasium.*mesocosm\[faces\]"):
        schooling("CartPole-v1", ga)


def test_an_experiment_in_it_is_repeated_by_its_seed_whatever_the_batch(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(CART, "cart.py")
    small = {"ticks": 2, "population": 4}
    runs = [mc.run("cart.py", replicates=n, out=f"run-{k}", **small) for k, n in enumerate((2, 2, 3))]
    first, again, wider = ({k: v[m["replicate"] < 2] for k, v in m.items()} for m in (run.metrics for run in runs))
    assert {"gained", "best", "centre", "founder"} <= set(first)
    for name, column in first.items():
        assert np.array_equal(column, again[name]) and np.array_equal(column, wider[name]), name
    assert (first["best"] >= first["gained"]).all() and len(set(first["gained"].tolist())) > 1
