"""From watched behaviour to a reward: real-like data, what is not seen, and information in bits."""

import numpy as np
import pytest

from mesocosm.findings.information import codes, entropy, mutual
from mesocosm.inverse.data import memory, of_episodes, watched
from mesocosm.inverse.distances import starc
from mesocosm.inverse.entropy import max_causal_entropy
from mesocosm.inverse.linear import of_states, polytope
from mesocosm.inverse.mdp import best_policy, soft_policy, with_clock, world
from mesocosm.inverse.soft import reward_behind, two_worlds


def lives(rng, of, policy, n, dies=True, cut=0.14):
    """Episodes of varying, short length: cut off by chance, or by death (the last state)."""
    out = []
    for _ in range(n):
        s, states, acts, died = rng.choice(of.n_states, p=of.start), [], [], False
        while True:
            a = rng.choice(of.n_acts, p=policy[s])
            states.append(s)
            acts.append(a)
            s = rng.choice(of.n_states, p=of.transition[s, a])
            if dies and of.absorbing[s]:
                died = True
                break
            if rng.random() < cut or len(states) == 51:
                break
        out.append((np.array(states), np.array(acts), died))
    return out


def test_short_episodes_of_varying_length_do_not_give_zeros():
    """50 states, 8 acts, 819 episodes of 6 steps in the mean, 1 to 51: where others give a reward of zeros."""
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.full(50, 0.05), (50, 8))
    of, truth = world(p, 0.9), rng.normal(size=50)
    policy, _ = soft_policy(of, truth)
    episodes = lives(rng, of, policy, 819)
    length = np.array([len(states) for states, _, _ in episodes])
    assert length.min() == 1 and 5 < length.mean() < 8 and length.max() > 25
    counts = np.zeros((50, 8))
    for states, acts, _ in episodes:
        np.add.at(counts, (states, acts), 1)
    found = max_causal_entropy(of, of_states(of), counts, ridge=1e-3)
    assert np.abs(found.weights).max() > 0.5 and np.corrcoef(found.weights, truth)[0, 1] > 0.8
    known = starc(of, truth, found.weights)
    chance = [starc(of, truth, rng.normal(size=50)) for _ in range(20)]
    assert known < 0.4 < min(chance)
    assert found.bits < 3 and not found.is_deterministic, "3 bits an act is what knows nothing"


def test_a_cut_is_no_evidence_of_anything():
    """The same acts, cut off earlier: the reward stays the same within its noise, for nothing is blamed on the cut."""
    rng = np.random.default_rng(1)
    of, truth = world(rng.dirichlet(np.ones(6), (6, 3)), 0.9), rng.normal(size=6)
    policy, _ = soft_policy(of, truth)
    gaps = []
    for cut in (0.02, 0.6):
        counts = np.zeros((6, 3))
        for states, acts, _ in lives(rng, of, policy, int(20_000 * cut), cut=cut):
            np.add.at(counts, (states, acts), 1)
        gaps.append(starc(of, truth, max_causal_entropy(of, of_states(of), counts).weights))
    assert max(gaps) < 0.12


def test_what_was_not_seen_is_said_and_not_made_up():
    visits = np.zeros((4, 2, 5))
    visits[0, 0, 1], visits[1, 1, 0], visits[1, 0, 0] = 5, 3, 1
    seen = watched(visits, 0.9)
    assert seen.states.tolist() == [0, 1] and seen.world.absorbing.tolist() == [False, False, True]
    assert seen.unknown.tolist() == [[False, True], [False, False], [False, False]]
    said = " ".join(seen.notes(4))
    assert "nobody died" in said and "2 of 4 states were never visited" in said and "1 of 4 acts" in said
    visits[0, 1, 4] = 2
    assert watched(visits, 0.9).has_deaths and "nobody died" not in " ".join(watched(visits, 0.9).notes(4))
    with pytest.raises(ValueError, match="nothing was seen"):
        watched(np.zeros((4, 2, 5)), 0.9)
    with pytest.raises(ValueError, match="nothing to explain"):
        max_causal_entropy(seen.world, of_states(seen.world), np.zeros((3, 2)))


def test_of_a_policy_that_never_varies_the_polytope_is_all_that_can_be_said():
    rng = np.random.default_rng(2)
    of, phi = world(rng.dirichlet(np.ones(6), (6, 3)), 0.9), rng.normal(size=(6, 3, 3))
    truth = np.array([1.0, -0.5, 0.3])
    policy = np.eye(3)[best_policy(of, phi @ truth)[0].argmax(axis=1)]
    cone = polytope(of, policy, phi)
    assert cone.holds(truth) and cone.holds(0 * truth) and not cone.holds(-truth)
    assert 0 < cone.share() < 0.5
    assert max_causal_entropy(of, phi, 100 * policy).is_deterministic
    assert np.isneginf(reward_behind(of, policy)).any()
    with pytest.raises(ValueError, match="seen in both"):
        two_worlds(of, of, (np.eye(3)[[0] * 6], np.eye(3)[[1] * 6]))


def test_what_is_no_world_is_refused_by_name():
    ones = np.ones((2, 1, 2)) / 2
    for make, words in (
        (lambda: world(np.ones((2, 1, 2)), 0.9), "transition: its rows"),
        (lambda: world(np.ones((2, 2)), 0.9), "transition: has shape"),
        (lambda: world(ones, 1.5), "discount = 1.5"),
        (lambda: world(ones, 1.0), "some lives never end"),
        (lambda: world(ones, 0.9, start=np.ones(3)), "start, absorbing"),
    ):
        with pytest.raises(ValueError, match=words):
            make()
    assert with_clock(world(ones, 0.9), 4, discount=1).n_states == 9


def test_episodes_become_counts_and_a_cut_leads_nowhere():
    episodes = [(np.array([0, 1, 1]), np.array([1, 0, 0]), True), (np.array([1, 0]), np.array([1, 1]), False)]
    counts = of_episodes(episodes, 2, 2)
    assert counts[0, 1, 1] == counts[1, 0, 1] == counts[1, 0, 2] == counts[1, 1, 0] == 1 and counts.sum() == 4


def test_memory_is_nothing_where_the_next_step_needs_none():
    rng = np.random.default_rng(3)
    of = world(rng.dirichlet(np.ones(3), (3, 2)), 0.9)
    markov = memory(lives(rng, of, np.full((3, 2), 0.5), 300))
    assert abs(markov.bits) < 0.05 and markov.p > 0.01
    states, acts = [(np.arange(40) + rng.integers(4)) // 2 % 2 for _ in range(50)], np.zeros(40, int)
    hidden = memory([(s, acts, False) for s in states])
    assert hidden.bits > 0.5 and hidden.p < 0.02, "0 0 1 1 0 0: what comes next depends on the step before"


# -- information -------------------------------------------------------------------------------------------------------

TABLE = {
    (0, 0, 0): 9, (0, 0, 1): 4, (0, 1, 0): 2, (0, 1, 1): 7, (1, 0, 0): 1, (1, 0, 1): 6, (1, 1, 0): 8, (1, 1, 1): 3,
    (2, 0, 0): 2, (2, 1, 1): 5, (2, 1, 0): 1,
}  # fmt: skip
BY_DIT = {"xy": 0.05089947353124735, "xy|z": 0.2868089765154722, "xz|y": 0.2422511337662323, "all": 3.1671476580480054}
"""What dit 2.3 gives of this table: I(X; Y), I(X; Y | Z), I(X; Z | Y), H(X, Y, Z)."""


def test_information_is_what_dit_says():
    x, y, z = np.repeat(np.array(list(TABLE)), list(TABLE.values()), axis=0).T
    assert mutual(x, y, draws=0).plain == pytest.approx(BY_DIT["xy"], abs=1e-12)
    assert mutual(x, y, z, draws=0).plain == pytest.approx(BY_DIT["xy|z"], abs=1e-12)
    assert mutual(x, z, y, draws=0).plain == pytest.approx(BY_DIT["xz|y"], abs=1e-12)
    assert entropy(np.bincount(codes(x, y, z)), corrected=False) == pytest.approx(BY_DIT["all"], abs=1e-12)


def test_what_is_not_related_has_no_information_once_corrected():
    rng = np.random.default_rng(4)
    found = [mutual(*rng.integers(0, 4, (3, 300)), draws=20, seed=k) for k in range(60)]
    plain, bits, null = (np.array([getattr(f, n) for f in found]) for n in ("plain", "bits", "null"))
    assert plain.mean() > 0.08, "the plain estimate sees what is not there"
    assert abs(bits.mean()) < 3 * bits.std() / np.sqrt(60) + 0.005 and abs(bits - null).mean() < 0.03
    p = np.array([f.p for f in found])
    assert (p <= 0.1).mean() < 0.2 and np.isnan(mutual(*np.zeros((2, 0))).bits)
