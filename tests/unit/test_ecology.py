"""What must hold in every ecology: energy, inheritance, exchange, policies, and no free lunch."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesocosm.analyses import price
from mesocosm.analyses.price import last_census
from mesocosm.core.experiment import Field, Points, Scene, Tick
from mesocosm.core.random import Bits, seed_words, threefry2x32
from mesocosm.ecology.setup import ecology
from mesocosm.experiments.chemotaxis.declaration import ChemotaxisConfiguration
from mesocosm.heredity.genomes import Heredity
from mesocosm.heredity.parameters import HeredityParameters
from mesocosm.instruments.ancestry import all_lives, by_replicate
from mesocosm.instruments.ecology import ENERGY_FLOWS, Ledger
from mesocosm.instruments.replayed import replay, threefry
from mesocosm.minds.parameters import TableParameters
from mesocosm.minds.policy import softmax_weight
from mesocosm.minds.table import Table
from mesocosm.protocol.launch import start
from mesocosm.record.configuration import from_dict
from mesocosm.worlds.petri.measures import closeness
from mesocosm.worlds.petri.parameters import PetriParameters
from mesocosm.worlds.petri.state import Bodies

WORLD = dict(
    side=16, founders=66, ceiling=250, division_energy=600, founding_energy=500, drops=4, drop_food=100, drop_spread=512
)


def _run(folder, exchange_probability):
    """600 ticks with every log."""
    heredity = {"exchange_probability": exchange_probability, "mutation_probability": 0.02}
    changes = {"world": WORLD, "heredity": heredity, "replicates": 4, "ticks": 600, "every": 50, "log_exchanges": True}
    return start("chemotaxis", from_dict(ChemotaxisConfiguration, changes), folder / "run")


@pytest.fixture(scope="module")
def lively(tmp_path_factory):
    return _run(tmp_path_factory.mktemp("lively"), 0.5)


@pytest.fixture(scope="module")
def clonal(tmp_path_factory):
    return _run(tmp_path_factory.mktemp("clonal"), 0.0)


def test_the_ledger_closes_in_every_window(lively):
    m = lively.metrics
    assert np.all(m["residual"] == 0)
    assert all(m[name].sum() > 0 for name in ENERGY_FLOWS if name not in ("signalling", "spilled"))


@pytest.mark.parametrize(
    ("energy", "food", "spent", "residual"),
    [([50, 50], 3, 0, 0), ([150, -50], 3, 0, 1), ([150, 100], -147, 0, 1), ([150, 50], 3, -100, 1)],
)
def test_what_is_below_nothing_shows_in_the_residual_though_all_accounts_balance(energy, food, spent, residual):
    """A sum that wrapped gives to one what it takes from another."""

    def scene(energy: list[int], food: int) -> Scene:
        bodies = Points(jnp.array([True, True, False]), {"energy": jnp.array([*energy, -9], jnp.int32)})
        return Scene({"bodies": bodies}, {"food": Field(jnp.array([food], jnp.int32))})

    ledger = Ledger()
    flows = dict.fromkeys(ENERGY_FLOWS, jnp.int32(0)) | {"wasted": jnp.int32(spent)}
    folded = ledger.update(ledger.init(scene([50, 50], 3)), Tick(flows=flows))
    assert int(ledger.read(folded, scene(energy, food))["residual"]) == residual


def test_energy_added_up_over_the_run_by_python_integers_closes_too(lively):
    m, founders = lively.metrics, WORLD["founders"] * WORLD["founding_energy"]
    for r in range(4):
        mine = m["replicate"] == r
        flow = {name: sum(map(int, m[name][mine])) for name in ENERGY_FLOWS}
        heat = sum(flow[name] for name in ("spilled", "decayed", "metabolism", "signalling", "wasted"))
        assert founders + flow["inflow"] - heat == int(m["food"][mine][-1]) + int(m["body_energy"][mine][-1])


def test_logs_of_births_and_deaths_account_for_everybody_alive(lively):
    births, deaths, m = lively.log("births"), lively.log("deaths"), lively.metrics
    for r in range(4):
        born = births["id"][births["replicate"] == r]
        died = deaths["id"][deaths["replicate"] == r]
        assert len(set(born.tolist())) == born.size, "an id is never used twice"
        assert set(died.tolist()) <= set(born.tolist())
        assert born.size - died.size == m["population"][m["replicate"] == r][-1]
        assert born.size - WORLD["founders"] == m["births"][m["replicate"] == r].sum()


def test_genomes_can_be_followed_by_id_through_births_and_exchanges(lively):
    """From the logs alone: which alleles everybody alive may have. A swap conserves each locus's allele counts."""
    births, exchanges = lively.log("births"), lively.log("exchanges")
    state = lively.state
    for lane, r in enumerate(state["replicate"]):
        ids, genomes = state["state.world.bodies.id"][lane], state["state.genomes"][lane]
        genome_at_birth = {
            int(i): g for i, g, k in zip(births["id"], births["genome"], births["replicate"], strict=True) if k == r
        }
        swapped = {int(i) for c in ("id", "partner") for i in exchanges[c][exchanges["replicate"] == r]}
        untouched = [slot for slot, i in enumerate(ids) if i > 0 and int(i) not in swapped]
        for slot in untouched:
            assert np.array_equal(genomes[:, :, slot], genome_at_birth[int(ids[slot])])


def test_children_inherit_from_their_own_parents_but_for_mutations(clonal):
    births = clonal.log("births")
    assert clonal.log("exchanges")["tick"].size == 0
    differing = total = 0
    for r in range(4):
        mine = births["replicate"] == r
        genome = dict(zip(births["id"][mine].tolist(), births["genome"][mine], strict=True))
        for child, parent in zip(births["id"][mine].tolist(), births["parent"][mine].tolist(), strict=True):
            if parent:
                differing += int((genome[child] != genome[parent]).sum())
                total += genome[child].size
    assert total > 5000
    expected = 0.02 * 255 / 256  # a random gene may be the old one
    assert abs(differing / total - expected) < 5 * np.sqrt(expected / total)


def test_founders_genes_are_flat_and_strands_differ(lively):
    births = lively.log("births")
    founders = births["genome"][births["parent"] == 0].astype(int)
    assert founders.shape[0] == 4 * WORLD["founders"]
    assert abs(founders.mean() + 0.5) < 5 * 74 / np.sqrt(founders.size)
    assert founders.min() < -120 and founders.max() > 119
    assert not np.array_equal(founders[:, 0], founders[:, 1])


def test_nobody_gains_energy_in_a_foodless_world(tmp_path):
    """Evolved for as long as energy lasts, no population ever has more than it was given."""
    world = {**WORLD, "drop_food": 0, "founding_energy": 600, "metabolism": 1}
    changes = {"world": world, "replicates": 8, "ticks": 650, "every": 10, "heredity": {"mutation_probability": 0.5}}
    record = start("chemotaxis", from_dict(ChemotaxisConfiguration, changes), tmp_path / "run")
    m = record.metrics
    for r in range(8):
        energy = np.concatenate([[WORLD["founders"] * 600], m["body_energy"][m["replicate"] == r]])
        assert np.all(np.diff(energy) <= 0)
    assert np.all(m["eaten"] == 0) and np.all(m["food"] == 0)
    assert {s.status for s in record.statuses} == {"extinct"}
    assert all(0 < s.tick <= 600 and s.cause == "the last body starved" for s in record.statuses)


# -- minds ------------------------------------------------------------------------------------------------------------

genes = st.lists(st.integers(-128, 127), min_size=8, max_size=8)


@given(genes, st.integers(0, 1), st.sampled_from([0, 8, 64, 1000]))
def test_softmax_is_close_to_the_exact_one(row, stimulus, sharpness):
    mind = Table(TableParameters("softmax", sharpness), 2, 4)
    words = jnp.arange(0, 65536, 16, dtype=jnp.uint32)
    genome = jnp.array(row, jnp.int8)
    acts = np.asarray(jax.vmap(mind.choose, (None, None, 0))(genome, jnp.int32(stimulus), words))
    q = np.array(row[4 * stimulus : 4 * stimulus + 4], float)
    exact = 2.0 ** ((q - q.max()) * sharpness / 256)
    exact /= exact.sum()
    assert np.abs(np.bincount(acts, minlength=4) / acts.size - exact).max() < 0.003


@given(genes, st.integers(0, 3))
def test_argmax_takes_the_first_of_the_largest(row, stimulus):
    mind = Table(TableParameters("argmax"), 4, 2)
    act = int(mind.choose(jnp.array(row, jnp.int8), jnp.int32(stimulus), jnp.uint32(0)))
    assert act == int(np.argmax(row[2 * stimulus : 2 * stimulus + 2]))
    weights = np.asarray(mind.act_weights(jnp.array(row, jnp.int8)))
    assert weights[stimulus].tolist() == [int(a == act) for a in range(2)]


def test_long_tables_are_read_like_short_ones():
    rng = np.random.default_rng(0)
    long, short = Table(TableParameters("argmax"), 40, 2), Table(TableParameters("argmax"), 8, 2)
    genome = rng.integers(-128, 128, 80).astype(np.int8)
    for s in range(8):
        args = jnp.int32(s), jnp.uint32(0)
        assert int(long.choose(jnp.asarray(genome), *args)) == int(short.choose(jnp.asarray(genome[:16]), *args))


def test_act_weights_are_what_the_policy_draws_from():
    row = np.array([[10, -20], [100, 90]], np.int8)
    weights = np.asarray(Table(TableParameters(), 2, 2).act_weights(jnp.asarray(row.ravel())))
    assert weights.tolist() == [
        [12288, int(softmax_weight(np.array(30), 8))],
        [12288, int(softmax_weight(np.array(10), 8))],
    ]


# -- heredity ---------------------------------------------------------------------------------------------------------


def _bits():
    return Bits.at(seed_words(9), jnp.uint32(0), jnp.int32(0))


def test_an_exchange_is_reciprocal_and_swaps_half_of_the_loci_of_each_strand():
    heredity = Heredity(HeredityParameters(), 70)
    rng = np.random.default_rng(0)
    a, b = (rng.integers(-128, 128, (2, 70, 200)).astype(np.int8) for _ in range(2))
    c, d = heredity.exchange(_bits(), jnp.asarray(a), jnp.asarray(b), jnp.arange(1, 201, dtype=jnp.int32))
    c, d = np.asarray(c), np.asarray(d)
    swapped = (c == b) & (d == a) & (a != b)
    assert np.array_equal(np.sort(np.stack([a, b]), axis=0), np.sort(np.stack([c, d]), axis=0))
    for strand in (0, 1):
        assert swapped[strand].mean() == pytest.approx(0.5, abs=0.03)
    assert (swapped[0] == swapped[1]).mean() == pytest.approx(0.5, abs=0.03), "strands are swapped independently"


@pytest.mark.parametrize("probability", [0.0, 0.1, 1.0])
def test_mutation_has_the_stated_rate_on_both_strands(probability):
    heredity = Heredity(HeredityParameters(mutation_probability=probability), 16)
    before = jnp.full((2, 16, 1000), 7, jnp.int8)
    after = np.asarray(heredity.copy(_bits(), before, jnp.arange(1, 1001, dtype=jnp.int32)))
    for strand in (0, 1):
        assert (after[strand] != 7).mean() == pytest.approx(probability * 255 / 256, abs=0.012)


# -- sizes ------------------------------------------------------------------------------------------------------------


def test_a_body_takes_at_most_64_bytes_of_state():
    assert len(Bodies.__dataclass_fields__) * 4 <= 64


def test_default_world_is_permitted_and_lasting():
    p = PetriParameters()
    assert not list(p.contradictions())
    assert p.division_energy / 2 / p.metabolism >= 150, "reserves outlast the search for a source that jumped"


def test_how_close_bodies_are_is_counted_over_the_edges_of_the_torus():
    """Against all nine images of each source, in floats: who is within eight cells, and how far all are in the mean."""
    law = ecology(from_dict(ChemotaxisConfiguration, {"world": {**WORLD, "side": 64, "n_sources": 2}}))
    state = law.init(Bits.founding(seed_words(5), jnp.uint32(0))).world
    b, s, side = state.bodies, state.sources, 64
    there = np.asarray(b.alive)
    x, y, sx, sy = (np.asarray(v, float) / 256 for v in (b.x, b.y, s.x, s.y))
    apart = [np.hypot(x[:, None] - sx - i * side, y[:, None] - sy - j * side) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    nearest = np.min(apart, axis=(0, 2))[there]
    found = {name: int(value) for name, value in closeness(law.world, state).items()}
    within = np.abs(nearest - 8) > 0.2  # a source on a sixteenth of a cell is as near as its root says
    assert abs(found["near"] - (nearest <= 8).sum()) <= (~within).sum() and 0 < found["near"] < there.sum()
    assert found["distance"] / 16 == pytest.approx(nearest.mean(), abs=0.5)


def test_every_genome_follows_from_the_logs_and_a_lost_or_altered_record_shows(lively):
    everybody, census = all_lives(lively), last_census(lively)
    exchanges = list(by_replicate(lively.log("exchanges"), 4))
    last = lively.tick - 1
    for r, who in enumerate(everybody):
        found = replay(lively, who, r, exchanges[r], [0, 300, last])
        ids, genes = census[r]
        place = np.searchsorted(who.id, ids)
        assert found.faults == 0 and (found.genomes[last][place].transpose(1, 0, 2) == genes).all()
    who, rows = everybody[0], exchanges[0]
    place = np.searchsorted(who.id, census[0][0])
    assert len(rows["tick"]) > 100
    early = np.flatnonzero(rows["tick"] < 300)[20]
    lost = replay(lively, who, 0, {name: np.delete(column, early) for name, column in rows.items()}, [last])
    differs = (lost.genomes[last][place].transpose(1, 0, 2) != census[0][1]).any()
    assert differs or lost.faults, "an exchange that is not on record"
    stranger = replay(lively, who, 0, rows | {"partner": np.full(rows["tick"].size, 10**6)}, [last])
    assert stranger.faults >= rows["tick"].size - (rows["tick"] == 0).sum()
    genome = who.genome.copy()
    genome[np.flatnonzero(who.parent)[7], 0, 0] ^= 1
    assert replay(lively, replace(who, genome=genome), 0, rows, [last]).faults > 0


def test_price_closes_on_what_truly_lives_where_exchanges_are_on_record(lively):
    told = price.compute(lively, price.Settings(windows=6))
    assert told["is_replayed"] and told["unaccounted"] == 0
    assert "Every genome was replayed" in price.show(lively, told).sentence
    change, selection, transmission = np.array(told["terms"], float)
    assert change == pytest.approx(selection + transmission, abs=1e-9)


def test_the_generator_that_replays_is_that_of_the_law():
    rng = np.random.default_rng(0)
    words = rng.integers(0, 2**32, (4, 100), dtype=np.uint32)
    ours = threefry(*words)
    theirs = threefry2x32((words[0], words[1]), (words[2], words[3]))
    assert all((a == np.asarray(b)).all() for a, b in zip(ours, theirs, strict=True))
