"""`rewards` as a run: what the colony tallies, what clones do, what is said of worlds, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import mesocosm as mc
from mesocosm.analyses import interest
from mesocosm.ecology.assay.call import assay
from mesocosm.ecology.assay.declaration import AssayConfiguration
from mesocosm.ecology.assay.system import _colony
from mesocosm.ecology.clones import clones
from mesocosm.experiments.rewards import analysis
from mesocosm.experiments.rewards.system import build
from mesocosm.minds import rewards
from mesocosm.protocol.blocks import Analysed, Told
from mesocosm.protocol.reading import configuration_of
from mesocosm.protocol.registry import declaration
from mesocosm.record import ConfigurationError, FolderError, load

WORLD = dict(side=16, founders=30, ceiling=220, division_energy=600, founding_energy=500, drops=4, drop_food=90)
WORLD |= dict(n_sources=1, drop_spread=512, senses=("odour", "energy"))
S, A = 16, 4


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Eight worlds; every body's acts are logged, and no tally was halved."""
    mind = dict(thinks_every=8, half_life=2**14, sweeps=16, exploration=0.2)
    folder = tmp_path_factory.mktemp("rewards") / "run"
    changes = dict(replicates=8, ticks=160, every=40, lives=1, assays=False)
    return mc.run("rewards", world=WORLD, mind=mind, out=folder, **changes)


@pytest.fixture(scope="module")
def there(run):
    changes = ("mind.thinks_every=1", "lives=1", "log_births_and_deaths=true")
    assay(run.record, "clones", kind="monoculture", population="clones", ticks=120, every=40, changes=changes)
    return clones(run.record)


def test_the_colony_knows_what_everybody_lived_through(run):
    """Counted once more, out of the logs of acts and deaths."""
    record = run.record
    rows, deaths, state = record.log("lives"), record.log("deaths"), record.state
    for lane, r in enumerate(state["replicate"]):
        mine = rows["replicate"] == r
        acts = {
            (int(i), int(t)): (int(s), int(a))
            for i, t, s, a in zip(*(rows[k][mine] for k in ("id", "tick", "stimulus", "act")), strict=True)
        }
        dead = deaths["replicate"] == r
        died = {(int(i), int(t)) for i, t in zip(deaths["id"][dead], deaths["tick"][dead], strict=True)}
        counted = np.zeros((S, A, S + 1), int)
        for (body, tick), (s, a) in acts.items():
            if (body, tick) in died:
                counted[s, a, S] += 1
            elif (body, tick + 1) in acts:
                counted[s, a, acts[body, tick + 1][0]] += 1
        own = state["state.colony.next"][lane].reshape(2, S, A, S + 1)
        np.testing.assert_array_equal(own[0], counted)
        assert not own[1].any() and counted[:, :, S].sum() == len(died) > 0


def test_newborns_act_blindly_till_they_have_a_plan(run):
    state = run.record.state
    alive = state["state.world.bodies.id"] > 0
    waits, born = state["state.brains.waits"], state["state.world.bodies.born"]
    assert not waits[alive & (born < 152)].any(), "the last time to think was tick 159"
    assert (
        not state["state.brains.waits"][~alive].any() and not state["state.brains.gaps"][..., ~alive.any(axis=0)].any()
    )


def test_clones_do_what_their_plan_says_but_for_blind_acts(there):
    assert there.policy is not None and there.temperature is None and there.exploration == 0.2
    done = there.visits.sum(axis=3)
    agreed = (done * there.policy).sum() / done.sum()
    assert agreed == pytest.approx(1 - 0.2 * 3 / 4, abs=0.02)
    assert there.weights.shape == (there.replicate.size, 5) and there.model is not None
    np.testing.assert_allclose(there.model.sum(axis=3), 1, atol=1e-12)


def test_lives_of_clones_are_what_was_tallied(there):
    for c in range(there.replicate.size):
        counted = np.zeros((S, A, S + 1), int)
        for stimuli, acts, died in there.episodes[c]:
            np.add.at(counted, (stimuli[:-1], acts[:-1], stimuli[1:]), 1)
            if died:
                counted[stimuli[-1], acts[-1], S] += 1
        np.testing.assert_array_equal(counted, there.visits[c])
        seen = there.visits[c].sum(axis=2) > 0
        assert np.isfinite(there.events[c][seen]).all() and np.isnan(there.events[c][~seen]).all()
        assert (there.events[c][seen][:, [0, 3]].sum(axis=1) == 1).all()


def test_a_run_without_clones_says_so(run):
    with pytest.raises(FolderError, match="no finished follow-up clones-elsewhere"):
        clones(run.record, "clones-elsewhere")


def test_worlds_are_told_apart_without_their_gauge(run):
    record = run.record
    shares = analysis.modulo_gauge(record)
    assert set(shares) == {"signalling", "mating", "alive", "food"}
    assert all(np.abs(row[np.isfinite(row)]).max() <= 2 for row in shares.values())
    labels = analysis.clusters(record)
    assert labels.shape == (8,) and (labels >= 0).sum() == analysis.lives_on(record).sum()
    assert labels[analysis.typical(record, labels, 0)] == 0
    ratio = analysis.variance_ratio(record, "food")
    assert ratio is None or ratio[1] <= ratio[0] <= ratio[2]


def test_spread_is_a_ratio_of_variances_without_its_bias():
    """(n - 3) / (n - 1) times the ratio, less 1: of independent normal numbers of one variance 0 in the mean."""
    evolved, shadow = np.array([0.0, 4, 8, 12, np.nan, 16]), np.array([-1.0, 0, 1, 2, 7, -2])
    assert np.nanmean(analysis._deviation(evolved, shadow)) == pytest.approx(16 * (5 - 3) / (5 - 1) - 1)
    rng = np.random.default_rng(0)
    drawn = [np.mean(analysis._deviation(*rng.normal(0, 1, (2, 12)))) for _ in range(3000)]
    assert abs(np.mean(drawn)) < 4 * np.std(drawn) / 3000**0.5
    assert np.isnan(analysis._deviation(evolved[:3], shadow[:3])).all()


def test_shares_are_worked_out_by_hand_for_one_world(run):
    record = run.record
    state, shares = record.state, analysis.modulo_gauge(record)
    lane, r = 0, int(state["replicate"][0])
    means = np.zeros((2, 4))
    for strand in (0, 1):
        genes = state["state.genomes"][lane][strand][:, state["state.world.bodies.id"][lane] > 0].astype(float)
        for death, signalling, mating, survival, food in genes.T:
            four = np.array([signalling, mating, survival - (1 - 230 / 256) * death, food])
            means[strand] += four / np.abs(four).sum() / genes.shape[1]
    own = [shares[name][r] for name in ("signalling", "mating", "alive", "food")]
    np.testing.assert_allclose(own, means[0] - means[1])


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,4,128", "a,b,c,d,e", "1.5,0,0,0,0"])
def test_a_reward_map_that_is_none_is_refused(text):
    with pytest.raises(ConfigurationError, match="5 whole numbers"):
        rewards.written(text)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"world": {"signal": False}}, "signalling is one of the rewards"),
        ({"mind": {"half_life": 2**20}}, "tallies would overflow"),
        ({"world": {"senses": ("odour", "trend", "touch", "signal", "energy")}}, "384 stimuli; must be 256 at most"),
        ({"mind": {"discount": 250}}, "discount"),
        ({"mind": {"discount": 240, "policy": "softmax"}}, "softmax needs 239 at most"),
    ],
)
def test_what_cannot_be_is_refused_before_the_run(changes, match):
    with pytest.raises(ConfigurationError, match=match):
        mc.run("rewards", replicates=1, ticks=20, every=20, **changes)


def test_whose_interest_is_told_only_where_it_can_be():
    one = np.full(12, 100.0)
    noise = np.random.default_rng(0).normal(0, 5, (2, 12))
    told = interest._answer(np.array([one, one + 25 + noise[0], one + 50 + noise[1]]))
    assert told.startswith("In the size of their colony the evolved stand at 0.5")
    assert "it is undecided whether" in interest._answer(np.array([one, one, one + noise[0]]))
    assert "too few worlds" in interest._answer(np.full((3, 4), np.nan))
    assert all(claim.declared is False for claim in interest.CLAIMS)


def test_where_no_world_lived_nothing_is_handed_on_and_the_page_says_so(run, monkeypatch):
    """An extinct run: no model to start assays from; an analysis that cannot be is a sentence and no traceback."""
    dead = load(run.folder)
    vars(dead)["state"] = {"replicate": np.zeros(0, int)}
    law = build(configuration_of(run.record)).experiment
    assert _colony(AssayConfiguration(of="there", replicates=2), dead, law) is None
    refusal = FolderError("somewhere: no clone lives at the end")
    monkeypatch.setattr("mesocosm.protocol.catalogue.measure", lambda *_: (_ for _ in ()).throw(refusal))
    told = Told(declaration("rewards"), run.record, {}, ())
    section = Analysed("diversity", "Diversity")(told)
    assert section is not None and section.text == "Left out: no clone lives at the end."
