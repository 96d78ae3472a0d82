"""Inverse reinforcement learning against answers that are known: by hand, in closed form, and in tables of others.

The table `REASONABLE` and what is checked of it follow imitation's tests of maximum causal entropy, the worlds of
`DIAGNOSTICS` the tabular diagnostics of seals (HumanCompatibleAI); numbers only.
"""

import numpy as np
import pytest

from mesocosm.inverse.distances import DISTANCES, epic, starc
from mesocosm.inverse.entropy import likelihood, max_causal_entropy
from mesocosm.inverse.linear import is_optimal, ng_russell, of_states, polytope
from mesocosm.inverse.mdp import (
    best_policy,
    occupancy,
    soft_policy,
    value_from_start,
    values_of,
    with_clock,
    world,
)
from mesocosm.inverse.soft import reward_behind, reward_of_table, two_worlds


def random_world(rng, states=7, acts=3, discount=0.9, dies=False):
    p = rng.dirichlet(np.ones(states), (states, acts))
    ends = np.zeros(states, bool)
    if dies:
        p[-1], ends[-1] = np.eye(states)[-1], True
    return world(p, discount, absorbing=ends)


# -- planning ----------------------------------------------------------------------------------------------------------


def test_a_world_of_two_states_by_hand():
    """Stay for 1 or go for 0; away one stays at 2: with discount 1/2 V = (2, 4)."""
    p = np.zeros((2, 2, 2))
    p[0, 0, 0] = p[0, 1, 1] = p[1, :, 1] = 1
    policy, v = best_policy(world(p, 0.5), np.array([[1.0, 0.0], [2.0, 2.0]]))
    assert v == pytest.approx([2, 4], abs=1e-14)
    assert policy.tolist() == [[0.5, 0.5], [0.5, 0.5]], "1 + 1/2 2 = 0 + 1/2 4: a tie"


def test_soft_values_are_the_fixed_point():
    of = random_world(np.random.default_rng(0), 40, 4, 0.99, dies=True)
    r = np.random.default_rng(1).normal(size=(40, 4))
    policy, v = soft_policy(of, r, temperature=0.3)
    q = np.where(of.absorbing[:, None], 0, r + 0.99 * of.transition @ v)
    again = np.where(of.absorbing, 0, 0.3 * np.log(np.exp(q / 0.3).sum(axis=1)))
    assert np.abs(again - v).max() < 1e-12
    assert np.abs(policy.sum(axis=1) - 1).max() < 1e-14


def test_occupancies_are_met_features():
    of = random_world(np.random.default_rng(2))
    r = np.random.default_rng(3).normal(size=(7, 3))
    policy, _ = soft_policy(of, r)
    assert value_from_start(of, r, policy) == pytest.approx(of.start @ values_of(of, r, policy), abs=1e-12)
    assert occupancy(of, policy).sum() == pytest.approx(10, abs=1e-12)


# -- distances ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dies", [False, True])
@pytest.mark.parametrize("name", DISTANCES)
def test_a_distance_forgets_scale_and_shaping_and_knows_the_opposite(name, dies):
    rng = np.random.default_rng(5)
    of = random_world(rng, dies=dies)
    r, phi = rng.normal(size=(7, 3, 7)), rng.normal(size=7)
    phi[of.absorbing] = 0
    shaped = 3 * (r + 0.9 * phi[None, None, :] - phi[:, None, None]) + (0 if dies else 5)
    assert DISTANCES[name](of, r, shaped) < 1e-14
    assert DISTANCES[name](of, r, -r) == pytest.approx(1, abs=1e-14)
    assert 0.1 < DISTANCES[name](of, r, rng.normal(size=r.shape)) < 0.99
    assert np.isnan(DISTANCES[name](of, r, 0 * r)), "a reward that asks for nothing is nowhere"


@pytest.mark.parametrize("name", DISTANCES)
def test_where_there_is_death_a_constant_is_no_gauge(name):
    rng = np.random.default_rng(6)
    of = random_world(rng, dies=True)
    r = rng.normal(size=(7, 3))
    assert DISTANCES[name](of, r, r + 5) > 0.05
    gauge = 0.7 * (1 - 0.9 * (1 - of.transition[:, :, -1]))  # survival - (1 - discount) k, death - k
    assert starc(of, r, r - gauge) < 1e-14


def test_what_is_spread_over_next_states_is_the_same_to_starc_and_not_to_epic():
    rng = np.random.default_rng(7)
    of = random_world(rng)
    r = rng.normal(size=(7, 3, 7))
    spread = rng.normal(size=r.shape) * 3
    other = r + spread - (of.transition * spread).sum(axis=2, keepdims=True)
    assert starc(of, r, other) < 1e-14 and epic(of, r, other) > 0.4


# -- closed form -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dies", [False, True])
def test_the_soft_inverse_gives_back_the_policy_though_not_the_reward(dies):
    rng = np.random.default_rng(8)
    of = random_world(rng, dies=dies)
    r = np.where(of.absorbing[:, None], 0, rng.normal(size=(7, 3)))
    policy, v = soft_policy(of, r, 0.7)
    for values in (None, rng.normal(size=7)):
        behind = reward_behind(of, policy, values, 0.7)
        assert np.abs(soft_policy(of, behind, 0.7)[0] - policy).max() < 1e-14
        assert np.abs(behind - r).max() > 0.1 and starc(of, behind, r) < 1e-13
    assert np.abs(reward_behind(of, policy, v, 0.7) - r).max() < 1e-13
    assert np.abs(reward_of_table(of, r + 0.9 * of.transition @ v, 0.7) - r).max() < 1e-13


def test_two_worlds_tell_the_reward_up_to_one_constant():
    rng = np.random.default_rng(9)
    first, second = random_world(rng), random_world(rng)
    r = rng.normal(size=(7, 3))
    found = two_worlds(first, second, (soft_policy(first, r)[0], soft_policy(second, r)[0]))
    assert (found.rank, found.unknowns) == (2 * 7 - 1, 2 * 7) and found.is_up_to_a_constant
    assert (found.reward - r).std() < 1e-12 < abs((found.reward - r).mean()) and found.misfit < 1e-12
    assert found.error(r) < 1e-12 and found.error(r + 0.1 * np.eye(7)[:, :3]) > 0.01
    same = two_worlds(first, first, (soft_policy(first, r)[0],) * 2)
    assert same.rank == 7 and not same.is_up_to_a_constant, "the same world twice tells no more than once"


def test_a_death_that_is_likelier_in_one_world_tells_the_constant_too():
    rng = np.random.default_rng(10)
    first, second = random_world(rng, dies=True), random_world(rng, dies=True)
    r = np.where(first.absorbing[:, None], 0, rng.normal(size=(7, 3)))
    found = two_worlds(first, second, (soft_policy(first, r)[0], soft_policy(second, r)[0]))
    assert found.rank == found.unknowns == 12 and np.abs(found.reward - r).max() < 1e-12


# -- Ng and Russell ----------------------------------------------------------------------------------------------------


def grid(side=5, wind=0.3, discount=0.9):
    """Right, left, up, down; with the wind one goes anywhere. The goal is the last cell."""
    n = side * side
    p = np.zeros((n, 4, n))
    for s in range(n):
        x, y = s % side, s // side
        ends = [min(x + 1, side - 1) + y * side, max(x - 1, 0) + y * side]
        ends += [x + min(y + 1, side - 1) * side, x + max(y - 1, 0) * side]
        for a in range(4):
            for b in range(4):
                p[s, a, ends[b]] += (1 - wind) * (a == b) + wind / 4
    return world(p, discount)


def test_on_the_grid_zero_and_an_affine_change_are_feasible_and_the_opposite_is_not():
    of, r = grid(), np.eye(25)[24]
    both, _ = best_policy(of, r)
    for policy in (both, np.eye(4)[both.argmax(axis=1)]):
        cone = polytope(of, policy, of_states(of))
        for reward, is_feasible in ((0 * r, True), (r, True), (3 * r - 7, True), (-r, False)):
            assert is_optimal(of, policy, reward) == is_feasible == cone.holds(reward)
    assert ng_russell(of, both, of_states(of), penalty=4.0) == pytest.approx(r, abs=1e-9), "few weights: the goal alone"
    assert is_optimal(of, both, ng_russell(of, both, of_states(of), penalty=0.5), slack=1e-7)
    assert not ng_russell(of, both, of_states(of), penalty=10.0).any(), "so high a price that nothing is rewarded"
    bounds = cone.bounds()
    assert (bounds[:, 0] <= 0).all() and (bounds[:, 1] >= 0).all(), "nothing is always feasible"
    assert bounds[24, 1] == pytest.approx(1)


# -- maximum causal entropy --------------------------------------------------------------------------------------------


def test_the_gradient_is_expert_less_policy_and_agrees_with_finite_differences():
    rng = np.random.default_rng(11)
    of = random_world(rng, dies=True)
    phi, truth, w = rng.normal(size=(7, 3, 4)), rng.normal(size=4), rng.normal(size=4)
    counts = occupancy(of, soft_policy(of, phi @ truth)[0])
    phi[-1] = 0
    _, slope, policy = likelihood(of, phi, counts, w)
    met = [np.einsum("sa,sak->k", n, phi) for n in (counts, occupancy(of, policy))]
    assert np.abs(slope - (met[0] - met[1])).max() < 1e-12, "the start that counts imply is that of the world"
    h = 1e-3
    for k in range(4):
        at = [likelihood(of, phi, counts, w + sign * h * np.eye(4)[k])[0] for sign in (-2, -1, 1, 2)]
        assert (at[0] - 8 * at[1] + 8 * at[2] - at[3]) / (12 * h) == pytest.approx(slope[k], abs=1e-9)
    found = max_causal_entropy(of, phi, counts, ridge=0)
    assert found.weights == pytest.approx(truth, abs=1e-9) and found.gap < 1e-9


REASONABLE = world(
    np.array(
        [
            [[0, 0.9, 0.1, 0, 0], [0, 0, 0, 1, 0], [0, 0.1, 0.9, 0, 0]],
            [[0, 0, 0, 0.05, 0.95], [0, 0, 0, 1, 0], [0, 0, 0, 0, 1]],
            [[0, 0, 0, 0.05, 0.95], [0, 0, 0, 1, 0], [0, 0, 0, 0, 1]],
            [[0, 0, 0, 0, 1]] * 3,
            [[1, 0, 0, 0, 0]] * 3,
        ]
    ),
    0.5,
    start=np.array([0.5, 0, 0, 0, 0.5]),
)
SEEN = np.array(
    [
        [3, -5, -1, -1, -4, 5, 3, 0],
        [4, -4, 2, 2, -4, -1, -2, -2],
        [3, -1, 5, -1, 0, 2, -5, 2],
        [-5, -1, 4, 1, 4, 1, 5, 3],
        [2, -5, 1, -5, 1, 4, 4, -3],
    ],
    float,
)
PAYS, HORIZON = np.array([1, 2, 2, -20, 3], float), 20


def by_time(of, values, states):
    """[horizon, states, ...] out of the states of a clocked world."""
    return values[:-1].reshape(-1, states, *values.shape[1:])


def timed(rewards, horizon=HORIZON):
    """Of each state of a clocked world: rewards [S, ...] at each time, 0 at its end."""
    out = np.tile(rewards, (horizon, *[1] * (rewards.ndim - 1)))
    return np.concatenate([out, np.zeros((1, *rewards.shape[1:]))])


DISCOUNTS = (0.0, 0.5, 0.9, 0.99, 1.0)


@pytest.mark.parametrize("discount", DISCOUNTS)
def test_visits_of_a_random_world_add_up_to_the_horizon(discount):
    rng = np.random.default_rng(12)
    of = with_clock(random_world(rng, 16, 3), HORIZON, discount)
    policy, v = soft_policy(of, timed(rng.normal(size=16)))
    assert np.isfinite(v).all() and (policy >= 0).all() and np.abs(policy.sum(axis=1) - 1).max() < 1e-12
    expected = HORIZON if discount == 1 else (1 - discount**HORIZON) / (1 - discount)
    assert occupancy(of, policy).sum() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("discount", DISCOUNTS)
def test_the_reasonable_world_has_a_reasonable_policy(discount):
    of = with_clock(REASONABLE, HORIZON, discount)
    policy = by_time(of, soft_policy(of, timed(PAYS))[0], 5)
    early = policy[:19]
    assert np.allclose(early[:, 0, 0], early[:, 0, 2]) and np.allclose(early[:, 1], early[:, 2])
    assert np.allclose(policy[:5, 3:5], 1 / 3)
    if discount > 0:
        assert (early[:, 0, 0] > 2 * early[:, 0, 1]).all()
        assert (early[:, 1, 2] > early[:, 1, 0]).all() and (early[:, 1, 0] > early[:, 1, 1]).all()
    visits = by_time(of, occupancy(of, soft_policy(of, timed(PAYS))[0]).sum(axis=1), 5)
    assert np.allclose(visits[0], REASONABLE.start)


@pytest.mark.parametrize("discount", (0.0, 0.99, 1.0))
@pytest.mark.parametrize("features", [SEEN, np.eye(5)], ids=["seen", "one a state"])
def test_on_the_reasonable_world_the_visits_of_the_expert_are_met(discount, features):
    of = with_clock(REASONABLE, HORIZON, discount)
    expert = occupancy(of, soft_policy(of, timed(PAYS))[0])
    phi = np.repeat(timed(features)[:, None], 3, axis=1)
    found = max_causal_entropy(of, phi, expert, ridge=1e-9)
    visits = [by_time(of, occ.sum(axis=1), 5).sum(axis=0) for occ in (expert, occupancy(of, found.policy))]
    assert np.allclose(*visits, atol=1e-3) and np.linalg.norm(found.weights) < 1000


# -- diagnostics: worlds in which a method that is wrong shows it ----------------------------------------------------


def _branching():
    n = 21
    p = np.zeros((n, 2, n))
    for s in range(n):
        for a in range(2):
            p[s, a, s + (a + 1) * (s % 2 == 0 and s != n - 1)] = 1
    return world(p, 0.95, np.eye(n)[0]), np.eye(n)[-1]


def _cliff():
    wide, high = 10, 3
    p = np.zeros((wide * high, 4, wide * high))
    pays = np.full(wide * high, -1.0)
    pays[1 : wide - 1], pays[wide - 1] = -10, 10
    for row in range(high):
        for column in range(wide):
            for a, (down, right) in enumerate([(-1, -1), (-1, 1), (1, -1), (1, 1)]):
                for share, blown in ((0.7, 0), (0.3, -1)):
                    y = min(max(row + down + blown, 0), high - 1)
                    p[row * wide + column, a, y * wide + min(max(column + right, 0), wide - 1)] += share
    return world(p, 0.9, np.eye(wide * high)[0]), pays


def _early(sign):
    p = np.zeros((3, 2, 3))
    p[0, :, 1] = p[1, 0, 0] = p[1, 1, 2] = p[2, :, 2] = 1
    return world(p, 0.9, np.eye(3)[0], np.array([False, False, True])), sign * np.array([1.0, 1.0, 0.0])


def _tree(start):
    p = np.zeros((7, 2, 7))
    for s in range(7):
        p[s, 0, 2 * s + 1 if s < 3 else s] = p[s, 1, 2 * s + 2 if s < 3 else s] = 1
    return world(p, 0.9, np.eye(7)[start]), np.array([0, 0, 0, 1.0, -1, -1, 2])


def _risky():
    p = np.zeros((4, 2, 4))
    p[0, 0, 1] = p[1, 0, 2] = p[1, 1, 1] = p[2, :, 2] = p[3, :, 3] = 1
    p[0, 1, 2] = p[0, 1, 3] = 0.5
    return world(p, 0.9, np.eye(4)[0]), np.array([0.0, 0, 1, -100])


def _random():
    rng = np.random.default_rng(13)
    return random_world(rng, 16, 3), rng.normal(size=16)


DIAGNOSTICS = {
    "branching": _branching(),
    "cliff": _cliff(),
    "early end, good": _early(1),
    "early end, bad": _early(-1),
    "start, train": _tree(0),
    "start, test": _tree(1),
    "risky": _risky(),
    "random": _random(),
}


@pytest.mark.parametrize("name", DIAGNOSTICS)
def test_what_is_found_in_a_diagnostic_world_does_as_well_as_the_expert(name):
    """From a soft expert's visits; the hard-optimal policy of what was found gets the best return of the truth."""
    of, pays = DIAGNOSTICS[name]
    r = np.repeat(pays[:, None], of.n_acts, axis=1)
    visits = occupancy(of, soft_policy(of, r, temperature=0.3)[0])
    found = max_causal_entropy(of, of_states(of), visits, ridge=1e-9)
    best, policy = best_policy(of, r)[0], best_policy(of, found.weights)[0]
    assert value_from_start(of, r, policy) >= value_from_start(of, r, best) - 1e-6


def test_demonstrations_from_the_root_do_not_tell_of_a_branch_that_nobody_entered():
    """The shift of starts: the hard expert goes right, so which left leaf is better cannot be known, and is a tie."""
    of, pays = DIAGNOSTICS["start, train"]
    best = np.eye(2)[best_policy(of, pays)[0].argmax(axis=1)]
    found = max_causal_entropy(of, of_states(of), occupancy(of, best))
    assert found.is_deterministic
    elsewhere, _ = DIAGNOSTICS["start, test"]
    assert soft_policy(elsewhere, found.weights)[0][1] == pytest.approx([0.5, 0.5], abs=1e-3)
