"""The experiments `mirror` and `dilemma`: what is refused, what is said where nobody plays, who wins against whom."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

import mesocosm as mc
from mesocosm.core.random import seed_words
from mesocosm.experiments.mirror.declaration import DECLARATION, MirrorConfiguration
from mesocosm.experiments.mirror.results import without
from mesocosm.protocol.blocks import Told
from mesocosm.record import ConfigurationError
from mesocosm.record.configuration import check
from mesocosm.worlds.mirror.law import Mirror
from mesocosm.worlds.mirror.match import frozen, longest, won
from mesocosm.worlds.mirror.parameters import MirrorParameters

pytestmark = pytest.mark.xdist_group("mirror")

SMALL = {"side": 8, "rounds": 8}


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
    assert result.values["rank_correlation"] is None and "cannot be held" in result.sentence
    assert sum(spread is not None for spread in result.values["spread"]) <= 1  # who lived longest


def test_deep_minds_win_against_shallow_ones_in_a_match():
    law = frozen(Mirror.of(MirrorParameters(**SMALL)))
    deep, shallow = (jnp.tile(jnp.array([[order], [0], [3], [0]], jnp.int32), (1, law.n))[None] for order in (5, 0))
    ticks = jnp.int32(min(60, longest(law)))
    where = seed_words(0), jnp.uint32(0), ticks
    first, second = (float(won(law, *sides, *where)[0]) for sides in ((deep, shallow), (shallow, deep)))
    assert first > 1 and second < -1
    assert abs(float(won(law, deep, deep, *where)[0])) < 0.2
