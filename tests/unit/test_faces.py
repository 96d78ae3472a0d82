"""Worlds as PettingZoo and Gymnasium know them: the same law, names that are never used twice, acts from outside."""

import subprocess
import sys
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mesocosm.experiments.chemotaxis.declaration import SMALL_WORLD
from mesocosm.faces import gymnasium_env, parallel_env
from mesocosm.record import ConfigurationError
from mesocosm.record.configuration import MissingPackage

pytest.importorskip("pettingzoo", reason="needs the extra faces")

WORLD = {**SMALL_WORLD, "ceiling": 64}  # its bodies never outgrow their slots: one program
SMALL = {"world": WORLD, "ticks": 40, "heredity": {"exchange_probability": 0.3}}
ECOLOGIES = {
    "chemotaxis": SMALL,
    "trend": {"world": WORLD, "ticks": 40},
    "signalling": {"world": WORLD, "ticks": 40},
    "symbiont": {"world": WORLD, "ticks": 40},
    "rewards": {"world": {**WORLD, "senses": ["odour", "energy"]}, "mind": {"sweeps": 4}, "ticks": 40},
}


@pytest.fixture(scope="module")
def colony():
    return parallel_env("chemotaxis", budget=400, **SMALL)


@pytest.mark.xdist_group("faces")
@pytest.mark.parametrize("name", ECOLOGIES)
def test_their_own_suites_pass(name):
    from gymnasium.utils.env_checker import check_env
    from pettingzoo.test import parallel_api_test, parallel_seed_test

    colony = parallel_env(name, budget=400, **ECOLOGIES[name])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "No agents present but not all possible_agents")  # names are left over
        parallel_api_test(colony, num_cycles=45)
    parallel_seed_test(lambda: parallel_env(name, budget=400, **ECOLOGIES[name]), num_cycles=1)
    body = gymnasium_env(name, **ECOLOGIES[name])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*environment not having a spec")
        check_env(body)


@pytest.mark.xdist_group("faces")
def test_where_nobody_is_led_it_is_the_run(colony):
    """Bit for bit what the loop's own law makes of the same seed, whatever the number of slots."""
    from mesocosm.core.random import Bits, seed_words
    from mesocosm.faces.led import founded, sensed

    law, seed = colony.world.law, seed_words(5)
    tick = jax.jit(lambda t, state: law.tick(Bits.at(seed, jnp.uint32(0), t), state)[0])
    state = founded(law, None, seed)
    for t in range(30):
        state = tick(jnp.int32(t), state)
    colony.reset(seed=5)
    for _ in range(30):
        colony.step({})
    expected, _ = sensed(law, seed, np.int32(30), state)
    assert jax.tree.all(jax.tree.map(lambda a, b: bool(jnp.all(a == b)), expected, colony.world.waiting))
    assert int(expected.state.world.next_id) > law.world.founders + 1, "somebody was born"


@pytest.mark.xdist_group("faces")
def test_names_are_fresh_and_the_dead_stay_dead(colony):
    """Names come in the order of births, parents are told, and who ate is rewarded by what it ate."""
    colony.reset(seed=1)
    ever, dead, total = list(colony.agents), set(), 0.0
    random = np.random.default_rng(0)
    while colony.agents:
        living = list(colony.agents)
        observed, rewards, terminated, truncated, infos = colony.step(dict.fromkeys(living, int(random.integers(2))))
        newborn = [agent for agent in observed if agent not in living]
        assert newborn == colony.possible_agents[len(ever) : len(ever) + len(newborn)]
        assert all(infos[agent]["parent"] in living for agent in newborn)
        assert set(observed) == set(rewards) == set(terminated) == set(truncated) == set(infos)
        assert not dead & set(observed)
        dead |= {agent for agent, is_dead in terminated.items() if is_dead}
        ever += newborn
        total += sum(rewards.values())
    assert colony.world.ticks == 40 and len(ever) > 30 and total > 0
    assert all(truncated[agent] for agent in observed if not terminated[agent])


@pytest.mark.xdist_group("faces")
def test_when_names_are_spent_the_episode_is_truncated():
    colony = parallel_env("chemotaxis", budget=35, reward={"children": 1.0}, **SMALL)
    colony.reset(seed=1)
    children = 0.0
    ever = set()
    while colony.agents:
        ever |= set(colony.agents)
        observed, rewards, terminated, truncated, _ = colony.step({})
        children += sum(rewards.values())
    assert colony.world.ticks < 40 and len(ever) <= 35
    assert all(truncated[agent] != terminated[agent] for agent in observed)
    assert children >= 6, "every birth is a reward of its parent, that of the nameless one too"
    assert colony.step({}) == ({}, {}, {}, {}, {})


@pytest.mark.xdist_group("faces")
def test_they_do_as_they_are_told(colony):
    """All who are led tumble and stay where they are; all others move by their genomes."""
    colony.reset(seed=2)
    before = colony.world.waiting.state.world.bodies
    x, is_led = np.array(before.x), np.array(before.id) <= 15
    colony.step({f"body_{k}": 1 for k in range(1, 16)})
    after = colony.world.waiting.state.world.bodies
    same = np.array(after.id) == np.arange(1, 65)
    assert (np.array(after.x)[same & is_led] == x[same & is_led]).all()
    assert (np.array(after.x)[same & ~is_led] != x[same & ~is_led]).any()


@pytest.mark.xdist_group("faces")
def test_one_body_lives_until_it_dies_and_options_change_the_world():
    body = gymnasium_env("chemotaxis", reward={"died": -1.0, "lived": 0.5}, **SMALL)
    hungry = {"configuration": {"world": {"metabolism": 100}}}
    _, info = body.reset(seed=4, options=hungry)
    assert info["energy"] == 500
    rewards = []
    while True:
        _, reward, is_dead, is_over, info = body.step(1)
        rewards.append(reward)
        if is_dead or is_over:
            break
    assert is_dead and not is_over and rewards == [0.5] * (len(rewards) - 1) + [-1.0] and len(rewards) >= 5
    with pytest.raises(ConfigurationError, match="call reset"):
        body.step(0)
    _, info = body.reset(seed=4)
    assert body.world.configuration.world.metabolism == 4, "options hold for one episode"
    with pytest.raises(ConfigurationError, match="12 stimuli"):
        body.reset(options={"configuration": {"world": {"senses": ["odour", "trend"]}}})
    with pytest.raises(ConfigurationError, match=r"world\.metabolismus: there is no such field"):
        body.reset(options={"configuration": {"world": {"metabolismus": 1}}})


@pytest.mark.xdist_group("faces")
def test_what_cannot_be_is_refused_in_a_sentence(colony):
    colony.reset(seed=0)
    for acts, said in (
        ({"body_1": 2}, "an act is 2: must be 0"),
        ({"body_1": 0.5}, "whole numbers"),
        ({"body_399": 0}, "'body_399', who does not live"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            colony.step(acts)
    with pytest.raises(ConfigurationError, match="lorenz: has no bodies that act"):
        parallel_env("lorenz")
    with pytest.raises(ConfigurationError, match="'food' is nothing that happens"):
        parallel_env("chemotaxis", reward={"food": 1})
    with pytest.raises(ConfigurationError, match=r"budget = 3: must be at least world\.founders = 30"):
        parallel_env("chemotaxis", budget=3, **SMALL)
    with pytest.raises(ConfigurationError, match="a face has none"):
        gymnasium_env("chemotaxis", interventions=("10:world.metabolism=8",), **SMALL)


def test_without_the_extra_it_says_so(monkeypatch):
    import importlib.util

    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pettingzoo" else there(name))
    with pytest.raises(MissingPackage, match=r"pip install 'mesocosm\[faces\]'"):
        parallel_env("chemotaxis")


def test_nothing_of_an_extra_is_imported_by_what_does_not_need_it():
    """Doors and words of the command line are there; packages of extras are not."""
    doors = "mesocosm, mesocosm.faces, mesocosm.rules, mesocosm.serving, mesocosm.cli.main, mesocosm.studies.cluster"
    packages = "{'gymnasium', 'pettingzoo', 'sklearn', 'starlette', 'uvicorn', 'submitit', 'pandas', 'xarray'}"
    script = f"import sys, {doors}; print(sorted({packages} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
