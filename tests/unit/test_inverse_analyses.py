"""`inverse` and `transfer` on clones whose world, rewards and policy are known: what is found, and what is not said."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from mesocosm.analyses import inverse, retrained, transfer
from mesocosm.ecology import inferred
from mesocosm.ecology.clones import Clones, events_of_part
from mesocosm.inverse.mdp import best_policy, soft_policy, world

N, S, A = 8, 5, 4
DISCOUNT = 0.9
SETTINGS = inverse.Settings(draws=1, permutations=5)


def kernel(rng):
    """Acts 2 and 3 emit; death is likelier from state 0."""
    p = rng.dirichlet(np.ones(S) * 0.4, (S, A))
    death = np.where(np.arange(S) == 0, 0.2, 0.02)[:, None] * rng.uniform(0.2, 1.8, (S, A))
    out = np.zeros((S + 1, A, S + 1))
    out[:S, :, :S], out[:S, :, S] = p * (1 - death)[..., None], death
    out[S, :, S] = 1
    events = np.zeros((S + 1, A, 5))
    events[:S] = np.stack(
        [death, np.tile([0, 0, 1, 1], (S, 1)), rng.random((S, A)), 1 - death, rng.random((S, A))], axis=-1
    )
    return out, events


def clones(seed, weights, temperature, steps=20_000):
    """Planners in worlds of their own, whose model is the truth."""
    rng = np.random.default_rng(seed)
    found = []
    for w in weights:
        p, events = kernel(rng)
        of = world(p, DISCOUNT, absorbing=np.arange(S + 1) == S)
        r = events @ w
        policy = soft_policy(of, r, temperature)[0] if temperature else np.eye(A)[best_policy(of, r)[0].argmax(axis=1)]
        acting = 0.95 * policy[:S] + 0.05 / A
        often = rng.dirichlet(np.ones(S) * 5)
        acts = rng.multinomial(steps, (often[:, None] * acting).ravel() / acting.sum(axis=1).mean()).reshape(S, A)
        visits = np.array([[rng.multinomial(acts[s, a], p[s, a]) for a in range(A)] for s in range(S)])
        lives = tuple((rng.integers(0, S, 12), rng.integers(0, A, 12), True) for _ in range(30))
        found.append((visits, events[:S], p[:S], policy[:S], lives))
    visits, events, model, policy, lives = zip(*found, strict=True)
    return Clones(
        tuple(f"state {s}" for s in range(S)), tuple(f"act {a}" for a in range(A)), np.arange(len(weights)),
        np.array(weights), np.array(visits), np.array(events), np.array(model), np.array(events), np.array(policy),
        DISCOUNT, temperature, 0.05, lives,
    )  # fmt: skip


WEIGHTS = np.random.default_rng(0).integers(-128, 128, (N, 5))
RECORD = SimpleNamespace(replicates=N, folder="here")


@pytest.fixture
def watched(monkeypatch):
    def give(here, elsewhere=None):
        there = {"clones": here, "clones-elsewhere": elsewhere}
        for module in (inverse, inferred):
            monkeypatch.setattr(module, "clones", lambda record, name="clones": there[name])

    return give


def told(analysis, settings):
    values = analysis.compute(RECORD, settings)
    return values, analysis.show(RECORD, values)


def row(values, name):
    return np.array(values["scores"], float)[values["rows"].index(name), values["distances"].index("starc")]


def test_soft_planners_are_found_out_by_every_method(watched):
    watched(clones(1, WEIGHTS, 20.0))
    values, result = told(inverse, SETTINGS)
    assert values["never_varies"] == 0 and values["watched"] == N
    for name, most in (("entropy", 0.1), ("Ng-Russell", 0.35), ("closed form", 0.25)):
        assert np.mean(row(values, name)) < most < np.mean(row(values, "random"))
    grown = np.array(values["grown"], float)[:-1].mean(axis=1)
    assert (np.diff(grown[[0, 2, 5]]) < 0).all(), "more steps tell more"
    assert [f.name for f in result.findings] == ["recovered", "beyond"] and result.findings[0].verdict == "supported"
    assert "no closed form" not in result.sentence and len(result.figures) == 3


def test_of_planners_that_never_vary_no_closed_form_is_given(watched):
    watched(clones(2, WEIGHTS, None))
    values, result = told(inverse, SETTINGS)
    assert values["never_varies"] == N and np.isnan(row(values, "closed form")).all()
    assert "no closed form is known, only which rewards ask for the same acts" in result.sentence
    assert 0 < np.mean(values["open"]) < 0.3
    assert np.mean(row(values, "Ng-Russell")) < np.mean(row(values, "random")) - 0.2


def test_what_was_not_seen_or_not_wanted_has_no_number(watched):
    here = clones(3, WEIGHTS, 20.0, steps=400)
    visits, weights = here.visits.copy(), here.weights.copy()
    visits[0] = 0  # nothing was seen
    visits[1, 2] = 0  # a state that was never visited
    visits[2, :, :, -1] = 0  # nobody died
    weights[3] = 0  # wants nothing
    watched(replace(here, visits=visits, weights=weights))
    values, result = told(inverse, SETTINGS)
    assert values["watched"] == N - 1 and np.isnan(row(values, "entropy")[[0, 3]]).all()
    assert np.isfinite(row(values, "entropy")[[1, 2, 4]]).all()
    assert "nobody died while they were watched in" in result.sentence
    assert "some states were never visited in 1 of 7" in result.sentence
    assert all(x is None or math.isfinite(x) for x in values["memory"])
    watched(replace(here, visits=0 * visits))
    values, result = told(inverse, SETTINGS)
    assert result.sentence == "Nothing was seen of any clone, so that nothing can be said of what it wants."


def test_a_single_clone_has_a_number_and_no_interval(watched):
    watched(clones(4, WEIGHTS[:1], None))
    values, result = told(inverse, SETTINGS)
    assert np.isfinite(row(values, "entropy")[0]) and "nan" not in result.sentence
    watched(clones(4, WEIGHTS[:1], 20.0), clones(5, WEIGHTS[:1], 20.0))
    values, result = told(transfer, transfer.Settings(maps=200))
    scores = dict(zip(values["rows"], np.array(values["scores"], float), strict=True))
    assert np.isnan(scores["other worlds"]).all() and np.isfinite(scores["entropy"][0]), "there is no other world"
    assert "nan" not in result.sentence


def test_copied_acts_are_the_commonest_where_the_state_is_known_and_even_elsewhere():
    seen = SimpleNamespace(states=np.array([3, 7]))
    of = SimpleNamespace(case=SimpleNamespace(seen=seen, counts=np.array([[5, 2], [1, 9]])))
    away = SimpleNamespace(
        case=SimpleNamespace(seen=SimpleNamespace(states=np.array([7, 3, 4])), counts=np.zeros((3, 2)))
    )
    assert transfer._copied(of, away).tolist() == [[0, 1], [1, 0], [0.5, 0.5]]


def test_a_reward_carries_over_to_another_world_where_copied_acts_do_not(watched):
    watched(clones(5, WEIGHTS, 20.0), clones(6, WEIGHTS, 20.0))
    values, result = told(transfer, transfer.Settings(maps=500))
    scores = dict(zip(values["rows"], np.array(values["scores"], float), strict=True))
    assert np.mean(scores["entropy"]) > 0.9 > 0.7 > np.mean(scores["copied acts"])
    assert abs(np.mean(scores["random"])) < 0.4 and np.mean(scores["the clones themselves"]) > 0.7
    assert result.findings[0].verdict == "supported"
    assert set(values["rank"]) == {2.0 * S} and max(values["error"]) < 1e-9
    assert values["unknowns"] == 2 * S and "values all in 8 of 8" in result.sentence


def test_two_worlds_leave_fewer_rewards_open_than_one(watched):
    watched(clones(7, WEIGHTS, None), clones(8, WEIGHTS, None))
    values, result = told(transfer, transfer.Settings(maps=4000))
    one, two = np.array(values["open"]), np.array(values["open_in_both"])
    assert (two <= one).all() and two.mean() < one.mean() and "in both" in result.sentence


def test_weights_of_soft_minds_have_the_size_that_their_behaviour_tells():
    there = clones(3, np.array([[100, -50, 20, 60, 80]] * 4), 80.0, steps=200_000)
    given = retrained._weights(inferred.known(there), there.temperature, 0)
    largest = {row: np.abs(of).max(axis=1) for row, of in given.items()}
    assert all(np.array_equal(of, largest["entropy"]) for of in largest.values()), "controls are no sharper"
    told = given["entropy"].mean(axis=0)
    assert np.allclose(told[[1, 2, 4]] / [-50, 20, 80], 0.9, atol=0.08), "right, but for what the ridge takes"
    assert (
        np.abs(np.array(list(retrained._weights(inferred.known(there), None, 0).values()))).max(axis=2) == 127
    ).all()


def test_a_part_of_what_was_seen_has_the_events_of_that_part():
    rng = np.random.default_rng(0)
    visits = np.zeros((1, 2, 2), int)
    visits[0] = [[60, 40], [10, 0]]  # the last state is death
    events = np.array([[[0.4, 0, 0.3, 0.6, 0.25], [0, 0, 1.0, 1, 0]]])
    assert np.allclose(events_of_part(events, visits, visits, rng)[..., :4], events[..., :4]), "all of it is all"
    drawn = np.array([events_of_part(events, visits, np.array([[[3, 1], [0, 0]]]), rng) for _ in range(4000)])
    assert np.isnan(drawn[:, 0, 1]).all() and np.all(drawn[:, 0, 0, [0, 1, 3]] == [0.25, 0, 0.75])
    assert np.allclose(drawn[:, 0, 0, [2, 4]].mean(axis=0), [0.3, 0.25], atol=0.02)
    assert np.all(drawn[:, 0, 0, [2, 4]] * 4 % 1 == 0), "whole matings, whole bites"


def test_a_run_without_clones_is_refused_in_words(tmp_path):
    record = SimpleNamespace(folder=tmp_path)
    (lack,) = (need(record) for need in transfer.ANALYSIS.needs)
    assert lack.startswith("is not followed by clones")


def test_weights_become_genes_and_acts_are_compared_where_owners_were():
    assert np.isnan(retrained.as_genes(np.zeros(5))).all()
    assert retrained.as_genes(np.array([1e-9, -2e-9, 0, 0, 0])).tolist() == [64, -127, 0, 0, 0]
    assert retrained.as_genes(np.array([0.5, -2, 0, 0, 0]), 40.0).tolist() == [10, -40, 0, 0, 0]
    assert retrained.as_genes(np.array([0.5, -2, 0, 0, 0]), 400.0).tolist() == [32, -127, 0, 0, 0], "what genes hold"
    assert np.isnan(retrained.as_genes(np.array([0.01, -0.02, 0, 0, 0]), 0.3)).all(), "whole numbers of it are none"
    assert retrained.size_of(np.array([0.25, -0.5, 0, 0, 0]), 60.0) == 30 and retrained.size_of(np.ones(5), None) == 127
    own = clones(9, WEIGHTS, None)
    assert retrained._agreement(own, own, N) == pytest.approx(np.ones(N))
    turned = replace(own, visits=own.visits[:, :, ::-1], replicate=own.replicate[:-1])
    found = retrained._agreement(own, turned, N)
    assert (found[:-1] < 1).all() and np.isnan(found[-1]), "one that died out has no number"


def test_what_lived_elsewhere_is_told_against_its_owners():
    rng = np.random.default_rng(0)
    agree = np.array([rng.uniform(0.8, 1, N), rng.uniform(0.8, 1, N), rng.uniform(0, 0.4, N), rng.uniform(0, 0.2, N)])
    values = {"rows": list(retrained.ROWS), "agree": agree.tolist(), "population": np.zeros((4, N)).tolist()}
    result = retrained.show(RECORD, values)
    assert result.findings[0].verdict == "supported" and "sustain 1 times" in result.sentence
    nobody = {**values, "agree": np.full((4, N), np.nan).tolist()}
    assert retrained.show(RECORD, nobody).sentence.startswith("Nobody lived by an inferred reward")
