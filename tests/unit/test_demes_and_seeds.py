"""Several tori in one replicate, and founders that begin with a given genome: exact, and free where they are off."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from mesocosm.core.random import Bits, seed_words
from mesocosm.heredity.genomes import Heredity
from mesocosm.heredity.parameters import HeredityParameters
from mesocosm.player.encoder.encoder import Encoder
from mesocosm.player.encoder.scales import values_of
from mesocosm.player.encoder.snapshot import Seen, Snapshot
from mesocosm.record import ConfigurationError
from mesocosm.record.about import About, FieldAbout, PopulationAbout, SceneAbout, torus
from mesocosm.testing.subject import in_larger_arrays, worlds
from mesocosm.worlds.petri.demes import Migration
from mesocosm.worlds.petri.parameters import PetriParameters
from mesocosm.worlds.petri.state import Bodies
from tests.unit.minds import configuration, played, setup

DEMES = dict(demes=4, migration=0.01, recolonise_every=20, propagule=5, n_sources=1, founders=64, ceiling=250)


@pytest.fixture(scope="module")
def islands(tmp_path_factory):
    made = setup(configuration(world=DEMES))
    return made, played(made, tmp_path_factory.mktemp("demes") / "run", replicates=3, ticks=200)


def test_energy_is_conserved_over_all_tori_together(islands):
    record, m = islands[1], islands[1].metrics
    assert not m["residual"].any() and m["births"].sum() > 20 and m["deaths"].sum() > 0
    assert (m["inflow"] == 20 * 4 * 4 * 90).all(), "each torus has a source of its own"
    assert record.state["state.world.fields.food"].shape[1:] == (4, 2, 2, 8, 8)


def test_who_is_born_lives_where_its_parent_does_unless_it_moved(tmp_path):
    """Without migration the torus of everybody follows from the log of births."""
    made = in_larger_arrays(setup(configuration(world={**DEMES, "migration": 0.0, "recolonise_every": 10**6})))
    record = played(made, tmp_path / "run", replicates=1, ticks=200)
    births = record.log("births")
    home = {}
    for own, parent in zip(births["id"].tolist(), births["parent"].tolist(), strict=True):
        home[own] = home[parent] if parent else (own - 1) % 4
    ids, demes = (record.state[f"state.world.bodies.{name}"][0] for name in ("id", "deme"))
    assert all(demes[slot] == home[int(ids[slot])] for slot in np.flatnonzero(ids)) and (ids > 64).any()


def test_several_tori_are_the_same_alone_and_after_growth(islands, tmp_path):
    made, record = islands
    roomy = in_larger_arrays(made)
    alone = played(roomy, tmp_path / "alone", replicates=1, ticks=200)
    assert worlds(roomy, alone)[0] == worlds(made, record)[0]


def bodies(demes: list[int]) -> Bodies:
    n = len(demes)
    zero = jnp.zeros(n, jnp.int32)
    ids = jnp.arange(1, n + 1, dtype=jnp.int32)
    return Bodies(ids, zero, zero, zero, zero + 9, zero, zero, zero, ids, zero, jnp.array(demes, jnp.int32))


def moved(before: Bodies, tick: int, **changes) -> np.ndarray:
    law = Migration(PetriParameters(**{**DEMES, "side": 16, **changes}))
    bits = Bits.at(seed_words(1), jnp.uint32(0), jnp.int32(tick))
    after, n = law.move(bits, before, jnp.arange(before.id.size, dtype=jnp.uint32))
    assert after.deme is not None and before.deme is not None
    assert int(n) == int(jnp.sum(after.deme != before.deme)), "what is counted is who has moved"
    return np.asarray(after.deme)


def test_migrants_go_to_each_other_torus_alike_and_as_often_as_they_should():
    after = moved(bodies([0] * 40_000), 3, migration=0.3, recolonise_every=0)
    shares = np.bincount(after, minlength=4) / after.size
    assert abs(shares[0] - 0.7) < 0.01 and np.ptp(shares[1:]) < 0.01


def test_an_empty_torus_is_recolonised_when_it_is_due_by_a_propagule_of_one_other():
    before = bodies([0] * 30 + [1] * 30 + [2] * 30)  # nobody lives in 3
    assert not (moved(before, 18, migration=0.0) == 3).any(), "tick + 1 is no multiple of 20"
    after = moved(before, 19, migration=0.0)
    came = np.flatnonzero(after == 3)
    assert came.size == 5 and len({came[0] // 30, came[-1] // 30}) == 1
    assert (came % 30 < 5).all(), "the first in the contests of the tick"
    few = moved(bodies([0] * 3), 19, migration=0.0)
    assert np.bincount(few, minlength=4)[0] >= 1, "half of a torus stays at least"


@pytest.mark.parametrize(("share", "n"), [(0.1, 6), (0.5, 32), (1.0, 64)])
def test_an_exact_share_of_founders_is_seeded_in_both_strands(share, n):
    genome = (5, -6, 7)
    heredity = Heredity(HeredityParameters(seeded_share=share, seeded_genome=genome), 3, founders=64)
    ids = jnp.where(jnp.arange(128) < 64, jnp.arange(128) + 1, 0).astype(jnp.int32)
    founded = np.asarray(heredity.found(Bits.founding(seed_words(2), jnp.uint32(0)), ids))[:, :, :64]
    is_seeded = (founded == np.array(genome)[None, :, None]).all(axis=1)
    assert is_seeded.sum(axis=1).tolist() == [n, n]


def test_what_cannot_be_meant_is_refused_by_name():
    for world, word in (({"demes": 3}, "demes = 3"), ({"migration": 0.1}, "demes = 2 or more")):
        with pytest.raises(ConfigurationError, match=word):
            configuration(world=world)
    with pytest.raises(ConfigurationError, match="seeded_genome"):
        configuration(heredity={"seeded_share": 0.5})
    with pytest.raises(ConfigurationError, match="has 2 genes; genomes here have 8"):
        setup(configuration(heredity={"seeded_share": 0.5, "seeded_genome": [1, 2]}))


def test_demes_are_drawn_in_a_grid_and_each_is_closed_in_itself():
    """Who stands in deme k at x, y is drawn there in the k-th square; so are fields; over an edge one heads on."""
    space = torus(100, 400, per_unit=1, unit="cells", parts=4)
    about = SceneAbout(space, (PopulationAbout("bodies"),), (FieldAbout("food", About("quanta"), 8, 2),))

    def there(tick: int, x: list[int]) -> Snapshot:
        own = {"id": np.arange(1, 5), "x": np.array(x), "y": np.array([20, 120, 220, 320])}
        return Snapshot(
            tick, {"bodies": Seen(own)}, {"food": np.repeat([[1.0], [2.0], [3.0], [4.0]], 2, 0) * np.ones(2)}
        )

    encoder = Encoder(about, there(0, [98, 10, 10, 10]))
    assert encoder.meta["space"]["kind"] == "box" and encoder.meta["space"]["grid"] == [2, 2]
    header, planes = encoder.frame(there(1, [2, 14, 14, 14]), there(0, [98, 10, 10, 10]))
    x, y = (planes[f"0 {axis}"].astype(float) * 200 / 4096 for axis in "xy")
    assert np.allclose(x, [2, 114, 14, 114], atol=0.1) and np.allclose(y, [20, 20, 120, 120], atol=0.1)
    assert planes["0 heading"].tolist() == [0, 0, 0, 0], "the short way, around each torus"
    food = values_of(planes["field food"], tuple(header["scales"]["food"])).reshape(4, 4)
    assert np.allclose(food, np.kron([[1, 2], [3, 4]], np.ones((2, 2))), rtol=0.03)


def test_what_leads_is_what_is_coloured_at_first():
    """Who carries an element is seen at once: its column comes before what is said of motion, and before all else."""
    carried = ("element", About(words=("none", "carried"), leads=True))
    own = {name: np.arange(1, 4) for name in ("id", "x", "y", "born", "element")}
    columns = (("born", About("ticks", since="age")), carried)
    for leads in (True, False):
        said = columns if leads else (columns[0], ("element", About(words=("none", "carried"))))
        about = SceneAbout(torus(100, 100), (PopulationAbout("bodies", said, motion=("runs", "tumbles")),))
        told = Encoder(about, Snapshot(0, {"bodies": Seen(own)}, {})).meta["populations"][0]["columns"]
        assert next(c["name"] for c in told if c["words"]) == ("element" if leads else "behaviour")
        assert SceneAbout.read(about.plain()) == about and ("leads" in str(about.plain())) is leads
