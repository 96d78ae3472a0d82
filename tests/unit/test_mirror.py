"""The experiments `mirror` and `dilemma`: what is refused, what is said where nobody plays, who wins against whom."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mesocosm as mc
from mesocosm.analyses.past import Settings, compute
from mesocosm.core.random import Bits, seed_words
from mesocosm.experiments.mirror.declaration import DECLARATION, MirrorConfiguration
from mesocosm.experiments.mirror.results import SIDE_BY_SIDE, WORDS, without
from mesocosm.protocol.blocks import OverTime, Told, near
from mesocosm.protocol.preparing import arm
from mesocosm.protocol.registry import find
from mesocosm.protocol.story import Axis
from mesocosm.record import ConfigurationError
from mesocosm.record.configuration import check
from mesocosm.worlds.mirror.law import Mirror
from mesocosm.worlds.mirror.match import frozen, longest, won
from mesocosm.worlds.mirror.parameters import MirrorParameters
from mesocosm.worlds.mirror.seen import reads

pytestmark = pytest.mark.xdist_group("mirror")

SMALL: dict[str, Any] = {"side": 8, "rounds": 8}


@pytest.fixture(scope="module")
def lonely(tmp_path_factory):
    """Worlds in which most starve, some in the middle of a touch, and the last ones meet nobody."""
    world = {**SMALL, "ration": 0, "stake": 64, "hazard": 0.1, "division_energy": 800}
    folder = tmp_path_factory.mktemp("mirror") / "run"
    return mc.run("mirror", out=folder, replicates=3, ticks=120, every=10, assays=False, keep_every=5, world=world)


@pytest.mark.parametrize(
    ("world", "said"),
    [
        ({"side": 12}, "side = 12: must be a power of two, for example 8"),
        ({"pool": ("pavlov",)}, "'pavlov' is no script; they are nature, allc"),
        ({"pool": ()}, "names 0 scripts"),
        ({"shuffled": True, "visitors": 0.5}, "set visitors = 0, or shuffled = false"),
        ({"ceiling": 500}, "must be division_energy = 768 at least"),
        ({"founding_energy": 900}, "must be ceiling = 800 at most"),
    ],
)
def test_contradictions_are_named(world, said):
    with pytest.raises(ConfigurationError, match=said.replace("(", r"\(")):
        check(MirrorConfiguration(world=MirrorParameters(**world)))


def test_a_window_that_could_overflow_is_refused():
    with pytest.raises(ConfigurationError, match="more than int32 holds; lower every"):
        check(MirrorConfiguration(ticks=65536, every=65536, world=MirrorParameters(side=256)))


def test_who_meets_nobody_is_counted_and_said(lonely):
    record = lonely.record
    assert {s.status for s in record.statuses} == {"extinct"}
    assert (record.metrics["met"] == 0).any() and record.metrics["cut"].sum() > 0
    assert not record.metrics["residual"].any()
    section = without(Told(DECLARATION, record, {}, ()))
    assert section is not None and "without any contact" in section.text and "ran out of energy" in section.text
    assert np.isnan(DECLARATION.measures_under(record.header["configuration"])[0].reduced(record)).all()
    assert "extinct" in lonely.summary.sentence or "none" in lonely.summary.sentence.lower()


def test_past_of_worlds_that_ended_has_no_number(lonely):
    result = lonely.measure("past")
    assert result.values["rank_correlation"] is None and "is not told: fewer than 10 worlds" in result.sentence
    assert sum(spread is not None for spread in result.values["spread"]) <= 1  # who lived longest


def test_deep_minds_win_against_shallow_ones_in_a_match():
    law = frozen(Mirror.of(MirrorParameters(**SMALL)))
    deep, shallow = (jnp.tile(jnp.array([[order], [0], [3], [0]], jnp.int32), (1, law.n))[None] for order in (5, 0))
    ticks = jnp.int32(min(60, longest(law)))
    where = seed_words(0), jnp.uint32(0), ticks
    first, second = (float(won(law, *sides, *where)[0]) for sides in ((deep, shallow), (shallow, deep)))
    assert first > 1 and second < -1
    assert abs(float(won(law, deep, deep, *where)[0])) < 0.2


def test_the_two_sides_of_a_match_meet_no_visitors():
    parameters = MirrorParameters(side=8, rounds=8, game="dilemma", visitors=1.0)
    one, other = (jnp.tile(jnp.array([[0], [0], [3], [noise]], jnp.int32), (1, 64))[None] for noise in (0, 16))
    where = seed_words(0), jnp.uint32(0), jnp.int32(20)
    alone = Mirror.of(replace(parameters, visitors=0.0))
    won_among = [float(won(frozen(law), one, other, *where)[0]) for law in (Mirror.of(parameters), alone)]
    assert won_among[0] == won_among[1] > 4  # who defects wins of who plays coins


@pytest.mark.parametrize("side", [64, 256])
@pytest.mark.parametrize("game", ["pennies", "dilemma", "dove"])
def test_no_match_is_so_long_that_its_sums_overflow(side, game):
    law = Mirror.of(MirrorParameters(side=side, game=game, stake=64, rounds=64))
    largest = int(np.abs(np.asarray(law.rules.pays, np.int64)).max())
    ticks = longest(law)
    assert ticks >= 1 and ticks * side**2 * 64 * largest < 2**31
    assert longest(Mirror.of(MirrorParameters(side=8, stake=0))) > 4096  # more than can be asked for


@pytest.fixture(scope="module")
def living(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mirror") / "living"
    return mc.run("mirror", out=folder, replicates=3, ticks=20, every=10, assays=False, keep_every=10, world=SMALL)


def test_the_run_stands_beside_its_arms_and_not_alone(living):
    told = Told(DECLARATION, living.record, {"shuffled": living.record}, ())
    figures = SIDE_BY_SIDE(told).figures
    assert [f.conditions for f in figures] == [[WORDS[""], WORDS["shuffled"]]] * 2
    assert SIDE_BY_SIDE(replace(told, runs={})) is None


def test_what_never_changes_is_said_and_not_drawn(living):
    """Without coins the gene that acts by them is off; how deep minds are is drawn."""
    told = Told(DECLARATION, living.record, {}, ())
    section = OverTime(("order", "noise"))(told)
    assert section is not None and [figure.title for figure in section.figures] == ["Mean order of minds"]
    assert "In all worlds and at all times: chance of acting by a coin 0." in section.text
    section = OverTime(("noise",))(told)
    assert section is not None and not section.figures and section.text.startswith("In all worlds")


def test_an_axis_comes_near_what_is_small_and_not_too_near():
    share = Axis("share", low=0, high=1)
    wide, narrow = np.array([[0.1, 0.9]]), np.array([[0.5, 0.501, np.nan]])
    assert near(share, wide) == share and near(share, np.full((1, 2), np.nan)) == share
    shown = near(share, narrow)
    assert (shown.low, shown.high) == pytest.approx((0.4755, 0.5255))
    assert near(share, np.array([[0.98, 1.0]])).high == 1 and near(Axis("x"), narrow) == Axis("x")


@pytest.mark.parametrize(("strand", "sign"), [("evolved", 1), ("shadow", -1)])
def test_past_sees_who_is_better_in_the_strand_that_is_asked_for(living, strand, sign):
    """The expressed minds become deeper with time, those of the shadow shallower."""
    kept = {name: np.array(values) for name, values in living.record.log("minds").items()}
    is_late = kept["tick"] == kept["tick"].max()
    genome = np.tile(np.array([0, 0, 3, 0]), (len(is_late), 2, 1))
    genome[:, 0, 0], genome[:, 1, 0] = np.where(is_late, 5, 0), np.where(is_late, 0, 5)
    kept["genome"] = genome.reshape(kept["genome"].shape)
    record: Any = Doctored(living.record, kept)
    found = compute(record, Settings(snapshots=2, ticks=40, strand=cast(Any, strand)))
    assert (sign * np.array(found["slopes"], float) > 20).all()  # quanta a round for 1,000 ticks; 10 lie between


class Doctored(SimpleNamespace):
    """A record with other genomes."""

    def __init__(self, record, minds):
        super().__init__(record=record, minds=minds)

    def __getattr__(self, name):
        return getattr(self.record, name)

    def log(self, name):
        assert name == "minds"
        return self.minds


@jax.jit
def step(law: Mirror, state, t):
    bits = Bits.at(seed_words(1), jnp.uint32(0), t)
    _, pair = law.meet(bits, law.stir(bits, state))
    after, _ = law.tick(bits, state)
    return after, (pair, law.scene(after))


SEEN: dict[str, dict[str, Any]] = {
    "as it is": {"hazard": 0.1},
    "visitors": {"visitors": 0.5, "pool": ("tft", "alld"), "game": "dilemma", "foresight": True},
    "nature": {"visitors": 1.0, "pool": ("nature",)},
    "shuffled": {"shuffled": True},
    "everyone": {"remembers": "everyone", "hazard": 0.1},
}


@pytest.mark.parametrize("case", SEEN)
def test_lines_are_drawn_to_neighbours_who_were_met_and_foretold(case):
    law = Mirror.of(MirrorParameters(**{**SEEN[case], "side": 8}))
    state, lines, newborns = law.init(Bits.founding(seed_words(1), jnp.uint32(0))), 0, 0
    for t in range(60):
        before = set(np.asarray(state.id).tolist())
        state, (pair, scene) = step(law, state, jnp.int32(t))
        ids, met, read, other, kind = (np.asarray(x) for x in (state.id, state.met, state.read, pair.other, pair.kind))
        foretells = [bool(m) and r / m >= 7 / 8 for m, r in zip(met, read, strict=True)]
        for p in range(law.n):
            q = other[p]
            is_known = ids[p] in before and ids[q] in before and min(ids[p], ids[q]) > 0
            is_met = is_known and kind[p] < 0 and case != "shuffled"
            drawn = bool(scene.graphs["foretells"].alive[p])
            assert drawn == (is_met and foretells[p]), (t, p)
            red = int(np.asarray(scene.fields["readers"].values).reshape(-1)[p]) == 4
            assert red == (is_met and foretells[p] and foretells[q]), (t, p)
            lines += drawn
            newborns += ids[q] not in before
    assert (lines == 0) == (case in ("nature", "shuffled"))
    assert newborns > 0 or "hazard" not in SEEN[case]


def test_chance_lights_one_body_in_480():
    law = Mirror.of(MirrorParameters(side=256))
    state = law.init(Bits.founding(seed_words(0), jnp.uint32(0)))
    coins = jnp.asarray(np.random.default_rng(0).binomial(16, 0.5, law.n), jnp.int32)
    lit = float(reads(replace(state, met=jnp.full(law.n, 16, jnp.int32), read=coins)).mean())
    assert abs(lit - 137 / 65536) < 5 * np.sqrt(137 / 65536 / law.n)


def test_the_mindless_play_coins_and_pay_for_what_they_hold():
    """One thing differs: how an act is chosen. Contexts are counted, and cost what they cost."""
    law = Mirror.of(MirrorParameters(**SMALL, cost=16, mindless=True))
    state, ones, rounds = law.init(Bits.founding(seed_words(0), jnp.uint32(0))), 0, 0
    held = np.asarray(2 ** state.genome[0, 0]).sum()
    for t in range(40):
        state, tick = lived(law, state, jnp.int32(t))
        if t == 0:
            assert int(tick.flows["upkeep"]) == 64 * 48 + held
        ones, rounds = ones + int(tick.flows["ones"]), rounds + int(tick.flows["plays"])
    assert abs(ones / rounds - 0.5) < 4 * 0.5 / np.sqrt(rounds) and np.asarray(state.tables).any()
    configuration = arm(find("mirror"), MirrorConfiguration(), DECLARATION.arms["mindless"]).configuration
    assert replace(configuration.world, mindless=False) == MirrorConfiguration().world


@pytest.mark.parametrize("preset", ["stag", "dove"])
def test_worlds_of_the_other_games_live(preset):
    chosen = DECLARATION.presets[preset]["world"]
    law = Mirror.of(MirrorParameters(**chosen))
    state = law.init(Bits.founding(seed_words(0), jnp.uint32(0)))
    for t in range(200):
        state, _ = lived(law, state, jnp.int32(t))
    assert int((state.id > 0).sum()) > 200


@jax.jit
def lived(law: Mirror, state, t):
    return law.tick(Bits.at(seed_words(0), jnp.uint32(0), t), state)
