"""Minds with reward maps against an independent program, against float64, and against worlds worked out by hand.

The witness is written from the page (docs/explanation/rewards.md): plain loops over Python's whole numbers.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from mesocosm.ecology.clones import modelled, modelled_events, seen_events
from mesocosm.minds.learner import QLearner
from mesocosm.minds.lifetime import Lifetime
from mesocosm.minds.mind import Experience
from mesocosm.minds.parameters import WEIGHTS, RewardParameters
from mesocosm.minds.planner import Model, Planner

S, A = 3, 4


# -- the witness -------------------------------------------------------------------------------------------------------


def rounded(value: int, bits: int) -> int:
    return (value + 2**bits // 2) // 2**bits


def model_of(next_: np.ndarray, food: np.ndarray, mating: np.ndarray, prior: int) -> tuple[Any, Any]:
    """P in 1/2^13 without death, and events in 1/2^12."""
    n_stimuli, n_acts = food.shape
    ahead, events = np.zeros((n_stimuli, n_acts, n_stimuli), object), np.zeros((n_stimuli, n_acts, 5), object)
    for s in range(n_stimuli):
        for a in range(n_acts):
            n = int(next_[s, a].sum()) + prior
            share = [2**13 * int(k) // n for k in next_[s, a]]
            share[s] += 2**13 - sum(share)
            ahead[s, a] = share[:-1]
            death = 2**12 * int(next_[s, a, -1]) // n
            mates, eats = 2**12 * int(mating[s, a]) // n, 2**5 * int(food[s, a]) // n
            events[s, a] = [death, 2**12 * (a >= 2), mates, 2**12 - death, eats]
    return ahead, events


def values_of(weights: list[int], ahead: Any, events: Any, discount: int, sweeps: int, sharpness: int = 0) -> Any:
    """Q in 1/32; of a softmax where a sharpness is given."""
    n_stimuli, n_acts, _ = ahead.shape
    reward = [
        [rounded(sum(w * e for w, e in zip(weights, events[s, a], strict=True)), 7) for a in range(n_acts)]
        for s in range(n_stimuli)
    ]
    q = [list(row) for row in reward]
    for _ in range(sweeps - 1):
        value = [max(row) + (bonus(row, sharpness) if sharpness else 0) for row in q]
        for s in range(n_stimuli):
            for a in range(n_acts):
                mean = rounded(sum(p * v for p, v in zip(ahead[s, a], value, strict=True)), 13)
                q[s][a] = reward[s][a] + rounded(mean * discount, 8)
    return np.array(q, int)


def bonus(row: list[int], sharpness: int) -> int:
    """T log sum exp((Q - max Q) / T), as the page says."""

    def log2(x: int) -> int:
        whole = x.bit_length() - 1
        f = (x * 2 ** (16 - whole) // 16) % 4096
        return 4096 * whole + f + (f * (4096 - f) // 4096) * 88 // 256

    total = 0
    for q in row:
        e = (max(row) - q) * sharpness
        f, i = e % 256, min(e // 256, 31)
        total += (12288 - 32 * f + f * f // 32) // 2**i
    return (log2(total) - log2(12288)) // (16 * sharpness)


# -- what is compared --------------------------------------------------------------------------------------------------


def planner(n_stimuli: int = S, n_acts: int = A, **changes: Any) -> Planner:
    return Planner(RewardParameters(**changes), n_stimuli, n_acts)


def tallies(seed: int, most: int = 900) -> dict[str, np.ndarray]:
    """What a colony may have seen; one stimulus and act never."""
    rng = np.random.default_rng(seed)
    next_ = rng.integers(0, most, (S, A, S + 1)) * (rng.random((S, A, S + 1)) < 0.7)
    next_[1, 2] = 0
    seen = next_.sum(axis=2)
    return {"next": next_, "food": rng.integers(0, 128 * seen + 1), "mating": rng.integers(0, seen + 1)}


def colony_of(told: dict[str, np.ndarray]) -> dict[str, Any]:
    flat = {name: values.ravel() for name, values in told.items()}
    return {name: jnp.asarray(np.r_[values, 0 * values], jnp.int32) for name, values in flat.items()}


@pytest.mark.parametrize(("policy", "sharpness"), [("argmax", 4), ("softmax", 4), ("softmax", 31)])
def test_the_planner_is_its_witness_to_the_last_bit(policy, sharpness):
    mind = planner(policy=policy, sharpness=sharpness, sweeps=20, prior=3)
    common, values = eqx.filter_jit(mind.common), eqx.filter_jit(mind.values)
    for seed in range(4):
        told = tallies(seed)
        model = common(colony_of(told))
        ahead, events = model_of(told["next"], told["food"], told["mating"], 3)
        np.testing.assert_array_equal(model.next, ahead.astype(int))
        np.testing.assert_array_equal(model.events, events.astype(int))
        np.testing.assert_array_equal(modelled(told["next"], 3)[..., :-1] * 2**13, ahead.astype(int))
        np.testing.assert_array_equal(modelled_events(*told.values(), 3) * 2**12, events.astype(int))
        for weights in np.random.default_rng(seed).integers(-128, 128, (4, 5)):
            own = values(jnp.asarray(weights, jnp.int8), model)
            theirs = values_of(weights.tolist(), ahead, events, 230, 20, sharpness if policy == "softmax" else 0)
            np.testing.assert_array_equal(own, theirs)


def exact(model: Model, weights: np.ndarray, discount: float, temperature: float = 0.0) -> np.ndarray:
    """Q of the same model by value iteration in float64."""
    p, reward = np.asarray(model.next) / 2**13, np.asarray(model.events) / 2**12 @ weights
    q = reward
    for _ in range(3000):
        best = q.max(axis=1)
        soft = np.exp((q - best[:, None]) / temperature).sum(axis=1) if temperature else 1.0
        q = reward + discount * p @ (best + temperature * np.log(soft))
    return q


def test_the_planner_is_float64_within_the_stated_error():
    """discount^sweeps 2^9 / (1 - discount), and roundings of 3/64 in each sweep."""
    for sweeps, discount in ((48, 230), (8, 128), (96, 240)):
        mind = planner(sweeps=sweeps, discount=discount)
        g = discount / 256
        bound = (g**sweeps * 2**9 + 3 / 64) / (1 - g)
        for seed in range(3):
            model = mind.common(colony_of(tallies(seed)))
            for weights in np.random.default_rng(seed).integers(-128, 128, (3, 5)):
                own = np.asarray(mind.values(jnp.asarray(weights, jnp.int8), model)) / 32
                assert np.abs(own - exact(model, weights, g)).max() <= bound


def test_soft_values_are_those_of_ziebart_within_a_tenth_of_the_temperature():
    mind = planner(policy="softmax", sharpness=4, sweeps=64)
    temperature = 8 / (np.log(2) * 4)
    for seed in range(3):
        model = mind.common(colony_of(tallies(seed)))
        weights = np.random.default_rng(seed).integers(-20, 20, 5)
        own = np.asarray(mind.values(jnp.asarray(weights, jnp.int8), model)) / 32
        assert np.abs(own - exact(model, weights, 230 / 256, temperature)).max() < 0.1 * temperature / (1 - 230 / 256)


def by_hand(death: int, sweeps: int = 400) -> np.ndarray:
    """Stimulus 0: to run stays for ever, mating; to tumble is to eat all and die. Stimulus 1: nobody was ever there.

    With discount 1/2: Q(0, run) = 2 (mating + survival), Q(0, tumble) = food + death, to the last bit.
    """
    mind = planner(2, 2, discount=128, sweeps=sweeps, prior=1)
    one = 2**12
    model = Model(
        jnp.array([[[2**13, 0], [0, 0]], [[0, 2**13], [0, 2**13]]], jnp.int32),
        jnp.array([[[0, 0, one, one, 0], [one, 0, 0, 0, one]], [[0, 0, 0, one, 0], [0, 0, 0, one, 0]]], jnp.int32),
    )
    return np.asarray(mind.values(jnp.array([death, -7, 20, 10, 100], jnp.int8), model)) / 32


def test_a_world_of_two_stimuli_by_hand():
    """Who does not fear death enough eats and dies: it turns at food + death = 2 (mating + survival)."""
    np.testing.assert_array_equal(by_hand(-40), [[60, 60], [20, 20]])
    assert by_hand(-39)[0].argmax() == 1 and by_hand(-41)[0].argmax() == 0


def test_scale_and_shaping_change_no_act():
    """Twice a reward is the same reward; what moves from death to survival is not felt. Both to the planner's error."""
    discount = 192  # 3/4: shaping by 4 k moves k to survival
    mind = planner(sweeps=64, discount=discount)
    error = 2 * (0.75**64 * 2**9 + 3 / 64) / 0.25
    differ = 0
    for seed in range(6):
        model = mind.common(colony_of(tallies(seed)))
        w = np.random.default_rng(seed).integers(-60, 61, 5)
        gaps = np.asarray(mind.gaps(jnp.asarray(w, jnp.int8), model)) / 32
        for k in (-10, 7, 15):
            shaped = w + k * np.array([-4, 0, 0, -1, 0])
            if np.abs(shaped).max() > 127:
                continue
            other = np.asarray(mind.gaps(jnp.asarray(shaped, jnp.int8), model)) / 32
            assert np.abs(other - gaps).max() <= 2 * error
            differ += 1
        twice = np.asarray(mind.gaps(jnp.asarray(2 * w, jnp.int8), model)) / 32
        assert np.abs(twice - 2 * gaps).max() <= 3 * error
        is_clear = np.sort(gaps, axis=1)[:, 1] > 2 * error
        assert (twice.argmin(axis=1) == gaps.argmin(axis=1))[is_clear].all() and is_clear.any()
    assert differ > 6
    unlike = np.asarray(mind.gaps(jnp.asarray(w * [1, 1, 1, 1, -1], jnp.int8), model)) / 32
    assert np.abs(unlike - gaps).max() > 2 * error, "the error would not see a change that matters"


def test_where_nothing_is_known_or_wanted_all_acts_are_the_same():
    mind = planner(prior=1)
    nothing = mind.common(mind.colony())
    np.testing.assert_array_equal(
        np.asarray(nothing.next), np.eye(S, dtype=int)[:, None, :] * np.full((S, A, S), 2**13)
    )
    gaps = np.asarray(mind.gaps(jnp.array([-128, 0, 127, 127, 127], jnp.int8), nothing))
    assert not gaps.any(), "what nobody has tried changes nothing"
    told = tallies(0)
    told["next"][..., -1] = 0
    no_deaths = mind.common(colony_of(told))
    fearful, not_ = (mind.values(jnp.array([w, -5, 9, 4, 60], jnp.int8), no_deaths) for w in (-128, 127))
    np.testing.assert_array_equal(fearful, not_)
    assert not np.asarray(mind.gaps(jnp.zeros(5, jnp.int8), no_deaths)).any()
    knocked_out = planner(without=WEIGHTS)
    assert not np.asarray(knocked_out.gaps(jnp.full(5, 99, jnp.int8), no_deaths)).any()
    seen = seen_events(told["next"], told["food"], told["mating"])
    assert np.isnan(seen[1, 2]).all() and np.isfinite(np.delete(seen.reshape(-1, 5), 6, axis=0)).all()


def test_nothing_leaves_its_bounds():
    """The largest rewards, the longest horizon, and tallies as large as a configuration permits."""
    mind = planner(discount=240, sweeps=256)
    told = {name: np.full_like(values, 0) for name, values in tallies(0).items()}
    told["next"][..., 0] = 2**23 - 2
    told["food"], told["mating"] = 128 * told["next"].sum(axis=2), told["next"].sum(axis=2)
    model = mind.common(colony_of(told))
    ahead, events = model_of(told["next"], told["food"], told["mating"], 1)
    np.testing.assert_array_equal(model.next, ahead.astype(int))
    np.testing.assert_array_equal(model.events, events.astype(int))
    for sign in (-128, 127):
        w = [0, sign, sign, sign, sign]
        np.testing.assert_array_equal(mind.values(jnp.array(w, jnp.int8), model), values_of(w, ahead, events, 240, 256))


# -- who learns in its own life ----------------------------------------------------------------------------------------


def test_the_learner_is_its_witness_over_a_life():
    p = RewardParameters(kind="lifetime", rate=77, discount=225, bite=128, optimism=-3)
    mind, rng = Lifetime(p, S, A), np.random.default_rng(5)
    genome = np.array([-128, -40, 127, 33, -77])
    brain = mind.develop(None, jnp.asarray(genome, jnp.int8), None)  # pyright: ignore[reportArgumentType]
    q = [[-3 * 128] * A for _ in range(S)]
    learn = eqx.filter_jit(mind.learn)
    seen = 0
    for _ in range(300):
        act, after = int(rng.integers(A)), int(rng.integers(S))
        eaten, exchanged = int(rng.integers(300)), int(rng.integers(2))
        told = {"eaten": eaten, "exchanged": exchanged, "emitted": int(act >= 2)}
        doings = {name: jnp.int32(value) for name, value in told.items()}
        lived = Experience(jnp.int32(seen), jnp.int32(act), doings, jnp.int32(after), jnp.bool_(False))
        brain = learn(jnp.asarray(genome, jnp.int8), brain, lived)
        happened = -40 * (act >= 2) + 127 * exchanged + 33
        goal = 128 * happened - 77 * (min(eaten, 128) * 128 // 128) + max(q[after]) * 225 // 256
        q[seen][act] += ((goal - q[seen][act]) * 77 + 128) // 256
        seen = after
    np.testing.assert_array_equal(brain, q)
    assert isinstance(mind, QLearner)


def test_who_dies_of_it_has_learnt_nothing_from_death():
    """The weight of death is read by no lifetime: it drifts."""
    mind = Lifetime(RewardParameters(kind="lifetime"), S, A)
    doings = {name: jnp.int32(1) for name in Lifetime.doings}
    rewards = {int(mind.reward(jnp.array([death, 1, 2, 3, 4], jnp.int8), doings)) for death in (-128, 0, 127)}
    assert len(rewards) == 1


def test_a_share_is_a_fraction_rounded_down():
    from mesocosm.minds.planner import _share

    rng = np.random.default_rng(0)
    whole = rng.integers(1, 2**30, 500)
    part = (rng.random(500) * whole).astype(int)
    own = np.asarray(_share(jnp.asarray(part, jnp.int32), jnp.asarray(whole, jnp.int32), 13))
    assert own.tolist() == [int(Fraction(2**13 * int(a), int(b)).__floor__()) for a, b in zip(part, whole, strict=True)]
