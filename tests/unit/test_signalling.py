"""A costly signal: the deaf control, the knock-outs, what is counted, and the page of the map."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

import mesocosm as mc
from mesocosm.core.random import Bits, seed_words
from mesocosm.ecology.assay.population import living
from mesocosm.experiments.signalling.analysis import (
    emission,
    levels_of_stimuli,
    retained,
    stands_in_food,
    tells,
    threshold,
)
from mesocosm.experiments.signalling.declaration import DECLARATION, SignallingConfiguration
from mesocosm.experiments.signalling.system import build
from mesocosm.experiments.trend.declaration import TrendConfiguration
from mesocosm.layers.book import Book
from mesocosm.minds.policy import softmax_weight
from mesocosm.minds.writing import muted
from mesocosm.protocol.launch import go_on
from mesocosm.record import ConfigurationError, database, load
from mesocosm.record.configuration import check, from_dict
from mesocosm.record.reader import ReplicateStatus
from mesocosm.reports.retention import Kept, figure, kept_in, page
from mesocosm.studies.cell import Cell, Row
from mesocosm.studies.ecologies import Ecology
from mesocosm.studies.study import Study

WORLD = dict(side=16, founders=34, ceiling=220, drop_food=640, drop_spread=512)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Eight small worlds with their deaf and blind twins and all assays."""
    folder = tmp_path_factory.mktemp("signals") / "run"
    return mc.run("signalling", world=WORLD, replicates=8, ticks=200, every=50, blind=True, out=folder)


def test_the_colony_is_held_against_the_blind_and_the_evolved_against_founders(run):
    blind, findings = run.assays["blind"], {f.name: f for f in run.findings}
    own, theirs = (r.record.header["configuration"] for r in (run, blind))
    assert theirs["world"] == {**own["world"], "senses": []} and not theirs["blind"] and not theirs["deaf"]

    def near(record, first):
        late = record.metrics["tick"] > first
        sums = [
            np.bincount(record.metrics["replicate"][late].astype(int), record.metrics[c][late], 8)
            for c in ("near", "agent_ticks")
        ]
        with np.errstate(divide="ignore", invalid="ignore"):
            return sums[0] / sums[1]

    gardens = [near(run.assays[f"garden-{name}"].record, 0) for name in ("intact", "founders")]
    for name, (one, other) in {"found": gardens, "colony": [near(r.record, 100) for r in (run, blind)]}.items():
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.log(one / other)
        there = np.isfinite(ratio)
        assert there.sum() > 2 and findings[name].n_used == there.sum()
        assert findings[name].estimate == pytest.approx(np.exp(ratio[there].mean()))
    unasked = DECLARATION.claims_under(SignallingConfiguration())
    assert [c.name for c in unasked] == [c.name for c in DECLARATION.claims]


def test_the_deaf_twin_is_the_same_run_but_for_its_ears(run):
    deaf = run.assays["deaf"]
    own, theirs = run.record.header, deaf.record.header
    assert (theirs["seed"], theirs["replicates"], theirs["ticks"]) == (own["seed"], own["replicates"], own["ticks"])
    assert theirs["configuration"]["deaf"] and not own["configuration"]["deaf"]
    assert theirs["configuration"]["world"] == own["configuration"]["world"]
    assert not deaf.findings and not deaf.assays
    first = [r.metrics["population"][r.metrics["tick"] == 50] for r in (run, deaf)]
    assert (first[0] != first[1]).any(), "it goes another way"
    assert [f.name for f in run.findings][:4] == ["kept", "retained", "calls", "tells"]
    kept = emission(run.record) - emission(deaf.record)
    assert run.findings[0].estimate == pytest.approx(kept.mean())


def test_an_arm_that_is_lost_or_cut_off_is_made_again(run, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(run.folder, folder)
    digest = load(folder / "assays" / "deaf").digest()
    shutil.rmtree(folder / "assays" / "deaf")
    import sqlite3

    with sqlite3.connect(folder / "record.sqlite") as db:
        db.execute("DELETE FROM findings")
        database.seal(db, ["findings"])
    record = go_on(folder)
    assert load(folder / "assays" / "deaf").digest() == digest
    assert record.findings == run.record.findings


def test_the_deaf_all_read_the_level_of_one_of_them():
    experiment = build(SignallingConfiguration(world=SignallingConfiguration().world, deaf=True)).experiment
    state = experiment.init(Bits.founding(seed_words(1), jnp.uint32(0)))
    ids = np.asarray(state.world.bodies.id)
    rng = np.random.default_rng(0)
    drawn = set()
    for word in range(40):
        levels = {"odour": rng.integers(0, 4, ids.size), "signal": rng.integers(0, 4, ids.size)}
        levels = {name: jnp.asarray(level.astype(np.int32)) for name, level in levels.items()}
        book = Book(experiment.world, {}, jnp.uint32(word * 977)).add(levels=levels)
        read = experiment.layers[0].sense(Bits.founding(seed_words(1), jnp.uint32(0)), state, book)[1]["levels"]
        assert read["odour"] is levels["odour"], "what they sense of food is their own"
        heard = np.asarray(read["signal"])
        level = set(heard[ids > 0])
        assert len(level) == 1
        drawn |= level
    assert drawn == {0, 1, 2, 3}


def test_who_hears_nothing_moves_as_who_is_mute(run):
    """Exact: where nobody pays, a world without emissions is one in which no level of signal is ever reached."""
    mute = run.assays["garden-mute"].record
    unheard = run.assay(
        ticks=400, changes=("world.signal_levels=[32767, 32767, 32767]", "world.cell_capacity=32766")
    ).record
    for name in ("eaten", "distance", *(f"visits_{s}" for s in range(16))):
        np.testing.assert_array_equal(mute.metrics[name], unheard.metrics[name])
    assert sum(mute.metrics[f"visits_{s}"].sum() for s in range(16) if s % 4) == 0
    intact = run.assays["garden-intact"].record
    assert (intact.metrics["eaten"] != mute.metrics["eaten"]).any()


def test_emissions_are_paid_for_one_by_one(run):
    metrics, cost = run.metrics, SignallingConfiguration().world.emission_cost
    emitted = sum(metrics[f"emitted_{s}"] for s in range(16))
    visits = sum(metrics[f"visits_{s}"] for s in range(16))
    np.testing.assert_array_equal(visits, metrics["agent_ticks"])
    assert (metrics["signalling"] <= cost * emitted).all()
    assert (metrics["signalling"] >= 0.95 * cost * emitted).all()  # who starves pays what is left
    late = metrics["tick"] > 100
    who = metrics["replicate"][late].astype(int)
    rate = np.bincount(who, emitted[late], 8) / np.bincount(who, visits[late], 8)
    np.testing.assert_allclose(emission(run.record), rate)
    food, none = (emission(run.record, in_food=f) for f in (True, False))
    assert (np.minimum(food, none) <= rate).all() and (rate <= np.maximum(food, none)).all()


def test_shadows_tell_nothing_of_food(run):
    shadow = tells(run.record, "shadow")
    assert np.isfinite(shadow).all() and abs(shadow.mean()) < 4 * shadow.std(ddof=1) / np.sqrt(8)


def test_stimuli_are_known_by_the_levels_of_their_senses(run):
    levels = levels_of_stimuli(run.record.header["configuration"]["world"]["senses"])
    assert levels.tolist() == [[s // 4, s % 4] for s in range(16)]
    assert stands_in_food(run.record).tolist() == [s >= 4 for s in range(16)]


def test_mutes_tumble_as_before_and_hardly_emit(run):
    genomes = living(run.record, 0, 32, range(8)).genomes
    mind = SimpleNamespace(n_stimuli=16, n_acts=4, policy="softmax", sharpness=8)

    def chances(genes: np.ndarray) -> np.ndarray:
        rows = np.moveaxis(genes, 1, 2).astype(np.int32).reshape(8, 32, 16, 4)
        weights = softmax_weight(rows.max(axis=3, keepdims=True) - rows, 8)
        return weights / weights.sum(axis=3, keepdims=True)

    before, after = chances(genomes), chances(muted(genomes, mind))
    assert before[..., 2:].sum(axis=3).mean() > 0.3
    assert after[..., 2:].sum(axis=3).max() < 0.01
    np.testing.assert_allclose(after[..., 1::2].sum(axis=3), before[..., 1::2].sum(axis=3), atol=0.03)
    strict = SimpleNamespace(n_stimuli=16, n_acts=4, policy="argmax", sharpness=8)
    acts = [np.moveaxis(g, 1, 2).reshape(8, 32, 16, 4).argmax(axis=3) for g in (genomes, muted(genomes, strict))]
    np.testing.assert_array_equal(acts[0] & 1, acts[1])


def test_retained_is_above_95_percent_of_a_hundred_deaf():
    deaf = np.arange(101.0)
    assert threshold(deaf) == 95
    flags = retained(np.array([94.0, 95.0, 95.5, np.nan]), deaf)
    assert flags[:3].tolist() == [0, 0, 1] and np.isnan(flags[3])
    assert np.isnan(retained(np.array([1000.0]), deaf[:99])).all()
    assert np.isnan(threshold(np.append(deaf[:99], np.nan))), "a world that died out is not one of a hundred"


def test_one_in_twenty_is_kept_by_chance():
    rng = np.random.default_rng(0)
    rates = [retained(rng.normal(size=200), rng.normal(size=200)).mean() for _ in range(200)]
    assert abs(np.mean(rates) - 0.05) < 0.01


def test_the_report_answers_first(run):
    text = run.report().read_text("utf-8")
    assert "Whether the signal is kept is undecided: " in text
    assert "Who hears it: relatedness" in text and "What the signal is for" in text
    assert "NaN" not in text.split("<script")[0] and "nan" not in run.summary.sentence


def test_worlds_without_food_are_refused_and_those_that_died_out_told(tmp_path):
    with pytest.raises(ConfigurationError, match="odour"):
        check(from_dict(SignallingConfiguration, {"world": {"senses": ["signal"]}}))
    world = {**WORLD, "metabolism": 600, "drop_food": 0}
    dead = mc.run("signalling", world=world, replicates=8, ticks=200, every=50, knock_outs=False, out=tmp_path / "r")
    assert dead.summary.sentence == "All 8 worlds ended early (extinct): nothing is left to see."
    assert all(f.verdict == "undecided" for f in dead.findings)
    assert "ended early" in dead.report().read_text("utf-8")


def test_what_is_not_given_has_the_default_of_the_experiment():
    assert from_dict(TrendConfiguration, {"world": {"speed": 128}}).world.senses == ("trend",)
    assert from_dict(SignallingConfiguration, {"world": {"speed": 128}}).world.signal


# -- the page of the map -------------------------------------------------------------------------------------------

COST, SPEED, EXCHANGE = "world.emission_cost", "world.source_speed", "heredity.exchange_probability"


@pytest.fixture(scope="module")
def cells() -> tuple[Study, list[tuple[Cell, Row]]]:
    """At cost 0 every world emits more than all of the deaf, at cost 8 none does; one world of cost 8 died out."""
    study = Study(
        name="made-up",
        question="Where is it kept?",
        tasks=("experiment/signalling",),
        seeds=51,
        budget={"ticks": 1000},
        minimal_effect=0.05,
        contexts={COST: (0, 8), SPEED: (8,), EXCHANGE: (0.0, 0.5)},
        fixed={"statistic": "kept", "knock_outs": False},
    )
    rows = []
    for cell in study.cells:
        kept = cell.parts[COST] == 0
        metrics = {"emission": 0.9 if kept else 0.1, "emission of the deaf": 0.2 + 0.001 * cell.seed["world"]}
        metrics |= {"emission in food": 0.21, "emission in food of the deaf": 0.2 + 0.001 * cell.seed["world"]}
        metrics |= {"relatedness by genes": cell.parts[EXCHANGE], "relatedness by pedigree": 0.1}
        dead = not kept and cell.seed["world"] == 0
        rows.append((cell, Row("extinct", cause="all starved") if dead else Row("ok", 0.0, metrics=metrics)))
    return study, rows


def test_kept_is_counted_against_the_deaf_of_the_same_cost(cells):
    _, rows = cells
    flags, deaf = kept_in(rows, "emission")
    free = np.array([cell.parts[COST] == 0 for cell, _ in rows])
    assert (flags[free] == 1).all()
    assert np.isnan(flags[~free]).sum() == 2 and np.nansum(flags[~free]) == 0
    assert Kept.of(flags[free], deaf[free]).word == "kept by nearly all"
    lost = Kept.of(flags[~free], deaf[~free])
    assert lost.word == "lost" and lost.worlds == 102
    assert lost.deaf_above == np.sum(deaf[~free] == 1) and 0.02 < lost.deaf_above / lost.n_deaf < 0.08


def test_a_group_in_which_the_deaf_differ_as_much_keeps_nothing():
    flags, deaf = np.repeat([1.0, 0.0], [30, 70]), np.repeat([1.0, 0.0], [28, 72])
    assert Kept.of(flags, np.repeat([1.0, 0.0], [5, 95])).word == "kept by more than the deaf"
    assert Kept.of(flags, deaf).word == "lost" and not Kept.of(flags, deaf).beyond_the_deaf


def test_the_page_and_its_figure_say_so(cells):
    study, rows = cells
    text = page(study, rows, "studies/made-up.toml")
    limit = np.quantile(np.repeat(0.2 + 0.001 * np.arange(51), 2), 0.95)
    assert (
        f"| 0 | 102 | {limit:.3f} | {limit:.3f} | 102 of 102 [96, 100] % (deaf 6 of 102) kept by nearly all |" in text
    )
    assert "| 8 | 100 |" in text and "0 of 102 [0, 4] % (deaf 4 of 100) lost" in text
    assert "| 0.5 | 51 of 102" in text and "nan" not in text
    drawn = figure(study, rows)
    assert drawn.count("<rect") == 1 + 2 * 4 and "51/51" in drawn and "nan" not in drawn


def test_a_cell_whose_deaf_twin_died_out_is_extinct_and_says_whose(tmp_path, monkeypatch):
    def record(*ended):
        statuses = [ReplicateStatus(r, "extinct" if r in ended else "alive", 100, "") for r in range(3)]
        return SimpleNamespace(statuses=statuses, replicates=3)

    values = {"kept": np.array([0.1, np.nan, np.nan]), "emission": np.array([0.5, 0.5, np.nan])}
    monkeypatch.setattr("mesocosm.protocol.launch.start", lambda *given, **more: record(2))
    monkeypatch.setattr("mesocosm.protocol.reading.follow_ups_of", lambda run: {"deaf": record(1)})
    monkeypatch.setattr("mesocosm.studies.ecologies.statistics", lambda run: values)
    cells = [
        Cell("experiment/signalling", {}, {"world": seed}, {"ticks": 1000}, fixed={"statistic": "kept"})
        for seed in range(3)
    ]
    rows = [row for _, row in Ecology("signalling").measure(cells, tmp_path)]
    assert [row.status for row in rows] == ["ok", "extinct", "extinct"]
    assert rows[1].cause == "deaf: extinct at tick 100" and rows[2].cause == "extinct at tick 100"
    assert rows[1].metrics["emission"] == 0.5
