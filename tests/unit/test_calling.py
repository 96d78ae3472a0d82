"""Calls: what differs between those who hear and the controls, whose signal is heard, and what a caller does."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mesocosm as mc
from mesocosm.analyses.price import last_census
from mesocosm.core.random import Bits, seed_words
from mesocosm.experiments.calling import results
from mesocosm.experiments.calling.colonies import lives, living, size
from mesocosm.experiments.calling.declaration import CLAIMS, DECLARATION, RANDOM_FOUNDERS, SHADOW, CallingConfiguration
from mesocosm.experiments.calling.measures import measures
from mesocosm.experiments.calling.system import build
from mesocosm.experiments.calling.words import TREND, caller, in_food, stimuli
from mesocosm.heredity.genomes import Heredity
from mesocosm.heredity.parameters import HeredityParameters
from mesocosm.instruments.ancestry import all_lives, by_replicate
from mesocosm.instruments.replayed import replay
from mesocosm.layers.book import Book
from mesocosm.layers.calls.calls import ALL, DEAF, NOISE
from mesocosm.minds.parameters import TableParameters
from mesocosm.minds.policy import softmax_weight
from mesocosm.minds.table import Table
from mesocosm.minds.writing import muted
from mesocosm.protocol.measure import Statistic
from mesocosm.protocol.preparing import arm
from mesocosm.protocol.registry import find
from mesocosm.record import ConfigurationError, load
from mesocosm.record.configuration import check, digest, from_dict, to_dict
from mesocosm.studies.cell import Cell
from mesocosm.studies.ecologies import Ecology
from mesocosm.studies.study import read

WORLD = dict(side=16, founders=30, ceiling=64, division_energy=900, founding_energy=600, drops=4, drop_spread=512)
SEED = seed_words(5)


def law_of(**changes):
    return build(from_dict(CallingConfiguration, {"world": WORLD, **changes})).experiment


def bits_at(tick: int) -> Bits:
    return Bits.at(SEED, jnp.uint32(0), jnp.int32(tick))


def lived(law, ticks: int):
    tick = jax.jit(lambda law, t, state: law.tick(bits_at(t), state)[0])
    state = law.init(Bits.founding(SEED, jnp.uint32(0)))
    for t in range(ticks):
        state = tick(law, jnp.int32(t), state)
    return law.canonical(state)


def test_where_nobody_emits_the_controls_are_the_same_world():
    """Runs and tumbles by food alone, and is silent: only what is said could make a difference, and nothing is."""
    genome = [127 if a == in_food(s) else -128 for s in stimuli(("odour", "signal"), False) for a in range(4)]
    silent = {"seeded_share": 1.0, "seeded_genome": genome, "mutation_probability": 0.0}
    plain = dict(callers=0.0, heredity=silent, mind={"policy": "argmax"})
    everybody = [lived(law_of(ears=ears, **plain), 60) for ears in ("all", "deaf", "noise", "own")]
    everybody.append(lived(law_of(mute=True, **plain), 60))
    everybody.append(lived(law_of(**plain, world={**WORLD, "emission_quanta": 0}), 60))
    hear = everybody[0]
    assert hear["next_id"] > 31, "bodies were born"
    for other in everybody[1:]:
        for name in ("bodies", "sources"):
            jax.tree.map(np.testing.assert_array_equal, hear[name], other[name])
        np.testing.assert_array_equal(hear["genome"], other["genome"])
        jax.tree.map(np.testing.assert_array_equal, hear["fields"][:2], other["fields"][:2])
    assert not any(field.any() for field in everybody[3]["fields"][2:]), "nothing is in a channel"


@cache
def founded(ears: str):
    law = law_of(ears=ears, hears_trend=True)
    return law, law.init(Bits.founding(SEED, jnp.uint32(0)))


def heard(ears: str, word: int = 977):
    """What bodies read in a founded world whose fields are filled by hand: law, state, book, levels read."""
    law, state = founded(ears)
    rng = np.random.default_rng(word)
    for field in law.world.fields:
        if "signal" in field.name:
            shape = state.world.fields[field.name].shape
            state = state.with_field(field.name, jnp.asarray(rng.integers(0, 20, shape), jnp.int32))
    before = rng.integers(0, 20, state.world.bodies.id.size)
    state = state.with_own("calls", jnp.asarray(before, jnp.int32))
    levels = {name: jnp.zeros_like(state.world.bodies.id) for name in ("odour", "signal", TREND.name)}
    book = Book(law.world, {}, jnp.uint32(word)).add(levels=levels)
    after, out = law.layers[0].sense(bits_at(word), state, book)
    return law, state, after, out, before


def at_bodies(law, state, name: str) -> np.ndarray:
    """The field at each body, from the plain grid."""
    v = np.asarray(state.world.fields[name])
    side = 2 * v.shape[-1]
    grid = v.transpose(2, 0, 3, 1).reshape(side, side)
    return grid[np.asarray(state.world.bodies.y) >> 8, np.asarray(state.world.bodies.x) >> 8]


def test_level_and_trend_are_those_of_the_place():
    law, state, after, out, before = heard("all")
    there = at_bodies(law, state, "signal")
    alive = np.asarray(state.world.bodies.alive)
    expected = (there[:, None] >= np.array(CallingConfiguration().world.signal_levels)).sum(axis=1)
    np.testing.assert_array_equal(np.asarray(out["levels"]["signal"])[alive], expected[alive])
    np.testing.assert_array_equal(
        np.asarray(out["levels"][TREND.name])[alive], 1 + np.sign(there - before)[alive], "fades, steady, grows"
    )
    np.testing.assert_array_equal(np.asarray(after.own("calls"))[alive], there[alive])
    np.testing.assert_array_equal(np.asarray(out["stimulus"]), 3 * expected + 1 + np.sign(there - before))


def test_own_and_others_part_what_all_emit_by_id():
    law, state, _, own, _ = heard("own")
    ids, alive = np.asarray(state.world.bodies.id), np.asarray(state.world.bodies.alive)
    parts = np.array([at_bodies(law, state, field.name) for field, _ in law.layers[0].channels])
    mine = parts[ids % 8, np.arange(ids.size)]
    limits = np.array(CallingConfiguration().world.signal_levels)
    others = heard("others")[3]
    for out, amount in ((own, mine), (others, parts.sum(axis=0) - mine)):
        expected = (amount[:, None] >= limits).sum(axis=1)
        np.testing.assert_array_equal(np.asarray(out["levels"]["signal"])[alive], expected[alive])


def test_an_emission_is_in_the_channel_of_who_emits():
    law, state = founded("others")
    act = jnp.asarray(np.arange(state.world.bodies.id.size) % 4, jnp.int32)
    after, _ = law.layers[0].pay(bits_at(3), state, Book(law.world, {}, jnp.uint32(1)).add(act=act))
    ids, alive = np.asarray(state.world.bodies.id), np.asarray(state.world.bodies.alive)
    for k, (field, _) in enumerate(law.layers[0].channels):
        emitters = alive & (np.asarray(act) >= 2) & (ids % 8 == k)
        assert int(after.world.fields[field.name].sum()) == 16 * emitters.sum()


def test_the_deaf_read_one_and_noise_reads_nobody():
    shown, noise = set(), []
    for word in (1, 2, 3, 4, 5, 6):
        _, state, _, out, _ = heard("deaf", word)
        alive = np.asarray(state.world.bodies.alive)
        read = set(np.asarray(out["levels"]["signal"])[alive])
        assert len(read) == 1
        shown |= read
        noise.append(np.asarray(heard("noise", word)[3]["levels"]["signal"])[alive])
    assert len(shown) > 1
    counts = np.bincount(np.concatenate(noise), minlength=4)
    expected = counts.sum() / 4
    assert ((counts - expected) ** 2 / expected).sum() < 16.3, "even, at p = .001"
    assert not np.array_equal(noise[0], noise[1])


def test_a_copy_is_taken_and_nothing_given():
    loci, pairs = 40, 64
    rng = np.random.default_rng(0)
    a, b = (jnp.asarray(rng.integers(-128, 128, (2, loci, pairs)), jnp.int8) for _ in range(2))
    ids = jnp.arange(1, pairs + 1, dtype=jnp.int32)
    swap, copy = (Heredity(HeredityParameters(), loci, copies=copies) for copies in (False, True))
    (x, y), (u, v) = (h.exchange(bits_at(2), a, b, ids) for h in (swap, copy))
    np.testing.assert_array_equal(x, u)
    np.testing.assert_array_equal(v, b)
    assert ((np.asarray(x) == a) | (np.asarray(x) == b)).all() and 0.45 < (np.asarray(u) == b).mean() < 0.55
    x, y, a, b = (np.asarray(genes, int) for genes in (x, y, a, b))
    np.testing.assert_array_equal(x + y, a + b)


def test_genomes_that_were_copied_follow_from_the_logs(tmp_path):
    heredity = {"exchange_probability": 1.0, "mutation_probability": 0.05}
    shared = dict(replicates=1, ticks=80, every=80, assays=False, log_exchanges=True, exchange="copy", callers=0.0)
    record = mc.run("calling", world=WORLD, heredity=heredity, out=tmp_path / "run", **shared).record
    who, exchanges = all_lives(record)[0], next(iter(by_replicate(record.log("exchanges"), 1)))
    found, (ids, genes) = replay(record, who, 0, exchanges, [79]), last_census(record)[0]
    assert len(exchanges["tick"]) > 20 and who.parent.any() and found.faults == 0
    np.testing.assert_array_equal(found.genomes[79][np.searchsorted(who.id, ids)].transpose(1, 0, 2), genes)


def test_reticence_makes_silence_the_default():
    rng = np.random.default_rng(1)
    genomes = rng.integers(-128, 128, (8 * 4, 400)).astype(np.int8)
    plain, shy, tall = (Table(TableParameters(), n, 4, r) for n, r in ((8, None), (8, 200), (17, 200)))
    weights = [np.asarray(jax.vmap(m.act_weights, 1, 0)(jnp.asarray(genomes)), float) for m in (plain, shy)]
    emits = [(w[..., 2:].sum(axis=2) / w.sum(axis=2)).mean() for w in weights]
    assert emits[0] == pytest.approx(0.5, abs=0.02) and emits[1] < 0.06
    rows = genomes.T.reshape(400, 8, 4).astype(int) - np.array([0, 0, 200, 200])
    np.testing.assert_array_equal(weights[1], softmax_weight(rows.max(axis=2, keepdims=True) - rows, 8))
    words = jnp.asarray(rng.integers(0, 1 << 16, 400), jnp.uint32)
    for mind, genes in ((shy, genomes), (tall, np.concatenate([genomes, genomes, genomes])[: 17 * 4])):
        act = jax.vmap(mind.choose, (1, None, 0))(jnp.asarray(genes), jnp.int32(5), words)
        assert (np.asarray(act) >= 2).mean() < 0.1
    told = SimpleNamespace(n_stimuli=8, n_acts=4, policy="argmax", sharpness=8, reticence=200)
    silent = np.moveaxis(muted(genomes[None], told)[0], 0, 1).reshape(400, 8, 4).argmax(axis=2)
    np.testing.assert_array_equal(silent, rows.argmax(axis=2) & 1)


def test_a_caller_calls_in_food_and_stays_where_it_hears_a_call():
    rows = np.array(caller(("odour", "signal"), False)).reshape(16, 4)
    assert rows.argmax(axis=1).tolist() == [0, 1, 1, 1] + 12 * [3]
    by_trend = np.array(caller(("odour",), True)).reshape(12, 4)
    assert by_trend.argmax(axis=1).tolist() == [1, 0, 0] + 9 * [3]
    founded = law_of(callers=0.5).init(Bits.founding(SEED, jnp.uint32(0))).genomes
    np.testing.assert_array_equal(
        np.asarray(founded)[:, :, :15], np.repeat(rows.ravel()[None, :, None], 15, 2).repeat(2, 0)
    )


def test_measures_weight_genomes_by_what_was_met():
    own = {m.name: m for m in measures({"world": {"senses": ["odour", "signal"]}, "hears_trend": False})}
    columns = {"population": np.array([10.0, 0.0])}
    for s in range(16):
        columns |= {f"visits_{s}": np.array([float(s == 1 or s == 0) + 2.0 * (s == 4), 0.0])}
        for strand in ("evolved", "shadow"):
            columns |= {f"emit_{strand}_{s}": np.array([1024.0 * 10 * (0.8 if s == 4 else 0.1), 0.0])}
            columns |= {f"tumble_{strand}_{s}": np.array([1024.0 * 10 * (0.9 if s % 4 else 0.2), 0.0])}
    assert own["calls"].at(columns)[0] == pytest.approx(0.8) and own["elsewhere"].at(columns)[0] == pytest.approx(0.1)
    assert own["honest"].at(columns)[0] == pytest.approx(0.7) and own["answer"].at(columns)[0] == pytest.approx(0.7)
    assert np.isnan(own["honest"].at(columns)[1]), "nobody lives"


def test_a_colony_that_died_out_is_a_colony_of_none():
    def ran(population):
        there = [(r, n) for r, n in enumerate(population) if n]
        metrics = {"replicate": np.array([r for r, _ in there], int), "population": np.array([n for _, n in there])}
        return SimpleNamespace(metrics=metrics | {"tick": np.full(len(there), 100)}, tick=100, replicates=3)

    runs = {"deaf": ran([10, 0, 0])}
    np.testing.assert_allclose(size(ran([20, 5, 0]), runs, "deaf"), [np.log(20.5 / 10.5), np.log(11.0), 0.0])
    np.testing.assert_array_equal(lives(ran([20, 5, 0]), runs, "deaf"), [0, 1, 0])


def test_random_founders_are_asked_whether_they_invent_it():
    seeded, random = CallingConfiguration(), from_dict(CallingConfiguration, RANDOM_FOUNDERS)
    mixed = from_dict(CallingConfiguration, {"callers": 0.25})
    assert DECLARATION.claims_under(seeded) == CLAIMS
    assert [c.name for c in DECLARATION.claims_under(random)][:2] == ["invented", "honest"]
    assert not DECLARATION.claims_under(mixed)[0].declared


def test_controls_are_what_their_names_say():
    """In the law that is built of them, not in what they are called."""
    own = from_dict(CallingConfiguration, {"world": WORLD})
    runs = {name: arm(find("calling"), own, changes).configuration for name, changes in DECLARATION.arms.items()}
    laws = {name: build(configuration).experiment for name, configuration in {"": own, **runs}.items()}
    modes = {name: int(law.layers[0].mode) for name, law in laws.items()}
    assert modes == {"": ALL, "deaf": DEAF, "noise": NOISE, "mute": ALL, "unheard": ALL}
    paid = {name: (int(law.world.emission_cost), int(law.world.emission_quanta)) for name, law in laws.items()}
    assert paid == {"": (4, 16), "deaf": (4, 16), "noise": (4, 16), "mute": (0, 0), "unheard": (4, 0)}


def test_gardens_and_contests_are_what_their_names_say(monkeypatch):
    monkeypatch.setattr(results, "median_replicate", lambda *_: 0)
    monkeypatch.setattr(results, "declaration_of", lambda _: DECLARATION)
    header = {"configuration": to_dict(CallingConfiguration()), "seed": 3}
    given = dict(status="finished", folder="made up", header=header, replicates=2, digest=lambda: "d")
    runs = results.follow_ups(SimpleNamespace(tick=20_000, **given))  # type: ignore[arg-type]
    gardens = {name: run.configuration.changes for name, run in runs.items() if run.configuration.kind == "garden"}
    heard = {f"garden-{ears}": (f'ears="{ears}"',) for ears in ("deaf", "noise", "own", "others")}
    assert gardens == {"garden-intact": (), "garden-mute": ("mute=true",), **heard}
    contests = {name: run.configuration for name, run in runs.items() if name not in gardens}
    assert {name: (c.kind, c.against, c.tenths) for name, c in contests.items()} == {
        "rare-callers": ("competition", "mute", 1),
        "rare-mutes": ("competition", "mute", 9),
    }
    given["header"] = {**header, "configuration": header["configuration"] | {"knock_outs": False}}
    assert not results.follow_ups(SimpleNamespace(tick=20_000, **given))  # type: ignore[arg-type]


def test_claims_are_held_against_what_they_say():
    seeded, random = (DECLARATION.claims_under(from_dict(CallingConfiguration, {"callers": c})) for c in (1.0, 0.0))
    against = {c.name: (c.value.run, c.value.against) for c in (*random, *seeded) if isinstance(c.value, Statistic)}
    assert against == {
        **dict.fromkeys(("kept", "honest", "answered"), ("", "control")),
        **dict.fromkeys(("invented", "honest-deaf", "answered-deaf"), ("", "deaf")),
        "honest-noise": ("", "noise"),
        "intake": ("garden-intact", "garden-mute"),
        "intake-noise": ("garden-intact", "garden-noise"),
    }

    def ran(population):
        metrics = {"replicate": np.array([0]), "population": np.array([population]), "tick": np.array([9])}
        return SimpleNamespace(metrics=metrics, tick=9, replicates=1)

    runs = {"deaf": ran(0), "mute": ran(10), "noise": ran(40), "unheard": ran(5)}
    values = {c.name: c.value(ran(20), runs)[0] for c in seeded if c.name.split("-")[0] in ("carries", "survives")}
    known = {"carries": 41.0, "carries-mute": 20.5 / 10.5, "carries-noise": 20.5 / 40.5, "carries-unheard": 20.5 / 5.5}
    assert values == pytest.approx({name: np.log(times) for name, times in known.items()} | {"survives": 1.0})


@pytest.mark.parametrize("name", ["demes", "groups", "hysteresis"])
def test_no_world_stands_twice_in_a_study(name):
    """Founders are seeded in both strands: less the shadow, a study would take away where its colonies began."""
    study = read(Path(__file__).parents[2] / "studies" / f"calling-{name}.toml")
    task = Ecology("calling")
    worlds = set()
    cells = [{**c, **t} for c in study.grid for t in study.treatments]
    for parts in cells:
        task.check({**study.fixed, **parts}, study.budget)
        c = task.configuration({**study.fixed, **parts}, study.budget, 0, 1)
        heredity = replace(c.heredity, exchange_probability=0.0) if c.exchange == "none" else c.heredity
        exchange = c.exchange if heredity.exchange_probability else "none"
        world = c.world if c.world.recolonise_every else replace(c.world, propagule=1)
        worlds.add(digest(to_dict(replace(c, heredity=heredity, exchange=exchange, world=world))))
    assert len(worlds) == len(cells)
    shadowed = {c.name for c in CLAIMS if c.control == SHADOW}
    assert study.fixed["statistic"] in ("calls", "carries-unheard") and study.fixed["statistic"] not in shadowed


def test_a_cell_of_a_study_runs_the_arms_that_it_names_and_no_other(tmp_path):
    fixed = {"statistic": "carries", "follow": ["deaf"], "every": 20, "knock_outs": False}
    fixed |= {f"world.{name}": value for name, value in WORLD.items()}

    def rows(**changes):
        cells = [
            Cell("experiment/calling", {}, {"world": k}, {"ticks": 40}, fixed={**fixed, **changes}) for k in (0, 1)
        ]
        return [row for _, row in Ecology("calling").measure(cells, tmp_path / str(len(changes)))]

    found, arms = rows(), tmp_path / "0" / "run" / "assays"
    assert [folder.name for folder in arms.iterdir() if folder.is_dir()] == ["deaf"]
    sizes = [living(load(folder)) for folder in (arms.parent, arms / "deaf")]
    np.testing.assert_allclose([row.final for row in found], np.log((sizes[0] + 0.5) / (sizes[1] + 0.5)))
    assert not found[0].metrics.keys() & {"honest-noise", "carries-mute"} and "calls" in found[0].metrics
    with pytest.raises(ConfigurationError, match="the run mute is read, and did not follow; there are deaf"):
        rows(statistic="carries-mute")
    with pytest.raises(ConfigurationError, match="there is no arm 'dumb'; calling has deaf, noise, mute, unheard"):
        Ecology("calling").check({**fixed, "follow": ["dumb"]}, {"ticks": 40})


def test_without_exchange_genes_stay_whatever_the_rate():
    rates = [law_of(exchange=e, heredity={"exchange_probability": 1.0}).heredity for e in ("none", "swap", "copy")]
    assert [h.copies for h in rates] == [False, False, True]
    assert [int(h.exchange_threshold) > 0 for h in rates] == [False, True, True]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"world": {"senses": ["signal"]}}, "must have odour"),
        ({"world": {"signal": False, "senses": ["odour"]}}, "nothing can be called"),
        ({"world": {"senses": ["odour"]}}, "unless hears_trend"),
        ({"heredity": {"seeded_share": 0.5, "seeded_genome": [0] * 64}}, "founders are callers"),
        ({"callers": 0.001}, "is no body"),
    ],
)
def test_worlds_in_which_nothing_can_be_called_are_refused(changes, said):
    with pytest.raises(ConfigurationError, match=said):
        check(from_dict(CallingConfiguration, changes))
