"""Environments of Gymnasium as worlds: what minds are, that episodes are what a seed says, and what is refused."""

import shutil
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

import mesocosm as mc
from mesocosm.evolution.genetic import GA
from mesocosm.faces import schooling
from mesocosm.record import ConfigurationError, MissingPackage

gymnasium = pytest.importorskip("gymnasium", reason="needs the extra faces")
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


@pytest.mark.parametrize(
    ("given", "said"),
    [
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
