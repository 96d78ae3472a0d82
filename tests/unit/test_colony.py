"""Where a memoryless walker is found, exactly; whether a colony follows its food, on films with a known answer."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mesocosm.analyses.colony import Settings, _is_near, compute, lag, measured, recaptures, show
from mesocosm.core.random import Bits, seed_words
from mesocosm.experiments.chemotaxis import results
from mesocosm.experiments.chemotaxis.declaration import COLONY, DECLARATION, ChemotaxisConfiguration
from mesocosm.experiments.chemotaxis.results import follow_ups
from mesocosm.experiments.trend.declaration import DECLARATION as TREND
from mesocosm.experiments.trend.declaration import TrendConfiguration
from mesocosm.instruments.places import Places
from mesocosm.protocol.registry import find
from mesocosm.record import ConfigurationError
from mesocosm.record.configuration import check, from_dict, to_dict
from mesocosm.worlds.petri.law import Petri
from mesocosm.worlds.petri.parameters import PetriParameters


def walker(p: np.ndarray, headings: list[tuple[int, int]]) -> np.ndarray:
    """The stationary density over cells of a walker on a torus that tumbles with p[x, y], which costs it the step."""
    side = p.shape[0]
    n = len(headings)
    index = np.arange(side * side * n).reshape(side, side, n)
    step = np.zeros((index.size, index.size))
    for x in range(side):
        for y in range(side):
            for h, (dx, dy) in enumerate(headings):
                here = index[x, y, h]
                step[here, index[x, y]] += p[x, y] / n
                step[here, index[(x + dx) % side, (y + dy) % side, h]] += 1 - p[x, y]
    values, vectors = np.linalg.eig(step.T)
    density = np.real(vectors[:, np.argmax(values.real)])
    return (density / density.sum()).reshape(side, side, n).sum(axis=2)


def test_density_is_proportional_to_the_inverse_chance_to_run():
    p = np.random.default_rng(3).uniform(0.05, 0.95, (5, 5))
    density = walker(p, [(1, 0), (0, 1), (-1, 0), (0, -1), (1, 1)])
    np.testing.assert_allclose(density * (1 - p), np.full_like(p, (density * (1 - p)).mean()), rtol=1e-9)


def test_the_law_piles_up_walkers_as_predicted():
    """P(tumble) = .93 in one cell of eight and .2 elsewhere: .8 / .07 = 11.43 times as many bodies a cell."""
    world = PetriParameters(side=8, founders=4096, ceiling=4096, founding_energy=1, division_energy=2, drop_food=0)
    law = Petri(world)

    @jax.jit
    def walked(state):
        def tick(carry, t):
            state, seen = carry
            bits = Bits.at(seed_words(7), jnp.uint32(0), t)
            word, draw = law.draw(bits, state)
            is_dense = (state.bodies.x >> 8) == 3
            chance = jnp.where(is_dense, int(0.93 * 65536), int(0.2 * 65536))
            act = ((draw & 0xFFFF).astype(jnp.int32) < chance).astype(jnp.int32)
            state = law.move(state, act, word)
            counted = jnp.where(
                t >= 200, jnp.sum(state.bodies.alive & ((state.bodies.x >> 8) == 3), dtype=jnp.int32), 0
            )
            return (state, seen + counted), None

        (_, seen), _ = jax.lax.scan(tick, (state, jnp.int32(0)), jnp.arange(1200, dtype=jnp.int32))
        return seen

    seen = int(walked(law.found(Bits.founding(seed_words(7), jnp.uint32(0))))) / (1000 * 4096)
    ratio = seen / ((1 - seen) / 7)
    assert ratio == pytest.approx(0.8 / 0.07, rel=0.02)  # 11.43 by the law, 11.47 seen


SIDE = 64


def film(centres: np.ndarray, every: int, spread: int = 2) -> Places:
    """Fifty bodies around each of these centres, one a time."""
    rng = np.random.default_rng(1)
    cells = [(at + rng.integers(-spread, spread + 1, (50, 2))) % SIDE for at in centres]
    ticks = every * np.arange(1, len(centres) + 1)
    return Places(ticks, [np.arange(1, 51)] * len(centres), cells, SIDE)


def test_recapture_is_counted_from_the_jump_and_what_never_comes_is_told():
    source = np.array([[10, 10]] * 5 + [[40, 40]] * 8 + [[10, 60]] * 3)[:, None, :]
    colony = np.array([[10, 10]] * 9 + [[40, 40]] * 7)
    times = list(recaptures(film(colony, 20), source, 8))
    assert times[0] == 20 * 5 and np.isnan(times[1]) and len(times) == 2
    assert not list(recaptures(film(colony, 20), np.repeat([[[10, 10]], [[22, 10]]], 8, axis=0), 8)), "too short a way"


def test_the_lag_of_a_colony_that_trails_is_found():
    turn = 2 * np.pi * np.arange(200) / 67
    source = np.stack([32 + 20 * np.cos(turn), 32 + 11 * np.sin(3 * turn)], axis=1).astype(int) % SIDE
    for behind in (0, 6):
        assert lag(film(np.roll(source, behind, axis=0), 10), source, 600) == pytest.approx(10 * behind, abs=10)
    assert np.isnan(lag(film(source[:5], 10), source[:5], 600))


def record_of(colony: np.ndarray, source: np.ndarray, every: int = 20) -> SimpleNamespace:
    """A record that holds nothing but a film of one world."""
    there = film(colony, every)
    tick = np.repeat(there.ticks, 50)
    bodies = {"tick": tick, "replicate": np.zeros(tick.size, int), "id": np.concatenate(there.id)}
    bodies |= dict(zip("xy", (np.concatenate(there.cell) << 8).T, strict=True))
    places = {
        "tick": there.ticks,
        "replicate": np.zeros(there.ticks.size, int),
        "source": np.zeros(there.ticks.size, int),
    }
    places |= dict(zip("xy", (source << 8).T, strict=True))
    world = {"side": SIDE, "n_sources": 1}
    return SimpleNamespace(
        header={"frames": ["bodies", "sources"], "configuration": {"world": world}},
        frames=lambda name: bodies if name == "bodies" else places,
        replicates=1,
        tick=int(there.ticks[-1]),
        folder="made up",
    )


def test_who_is_at_the_food_and_how_many_would_be_by_chance(monkeypatch):
    at = np.array([[20, 20]] * 10)
    found = measured(record_of(at, at), Settings())
    assert found["share"] == [1.0] and found["lag"] == [None] and found["jumps"] == [0] and found["recapture"] == [None]
    assert measured(record_of((at + 32) % SIDE, at), Settings())["share"] == [0.0]
    monkeypatch.setattr(
        "mesocosm.analyses.colony.follow_ups_of", lambda record: {"blind": record_of((at + 7) % SIDE, at)}
    )
    record = record_of(at, at)
    result = show(record, compute(record, Settings()))
    assert "0.049 if spread evenly" in result.sentence and "Of the blind:" in result.sentence
    assert [f.name for f in result.findings] == ["colony", "recaptured"]


def test_the_colony_is_claimed_where_the_blind_follow():
    for declared, configuration in ((DECLARATION, ChemotaxisConfiguration), (TREND, TrendConfiguration)):
        plain, beside = (declared.claims_under(from_dict(configuration, {"blind": b})) for b in (False, True))
        assert beside == (*plain, COLONY) and COLONY not in declared.claims


def test_the_blind_follow_and_sense_nothing(monkeypatch):
    for name, value in {"median_replicate": 0, "declaration_of": DECLARATION, "under_both_marks": {}}.items():
        monkeypatch.setattr(results, name, lambda *_, value=value: value)
    monkeypatch.setattr("mesocosm.ecology.blind.entry_of", lambda _: find("chemotaxis"))
    for blind in (True, False):
        own = from_dict(ChemotaxisConfiguration, {"blind": blind, "replicates": 3})
        monkeypatch.setattr("mesocosm.ecology.blind.configuration_of", lambda _, own=own: own)
        given = dict(status="finished", folder="made up", replicates=3, tick=4000, digest=lambda: "d")
        record = SimpleNamespace(header={"configuration": to_dict(own), "seed": 3}, **given)
        follow = follow_ups(record)  # type: ignore[arg-type]
        assert ("blind" in follow) == blind and "garden-founders" in follow
    monkeypatch.setattr("mesocosm.ecology.blind.configuration_of", lambda _: replace(own, blind=True))
    record.header["configuration"]["blind"] = True
    run = follow_ups(record)["blind"].configuration  # type: ignore[arg-type]
    assert run.world == replace(own.world, senses=()) and not run.blind
    assert (run.seed, run.ticks, run.replicates) == (own.seed, own.ticks, own.replicates)


def test_the_blind_beside_seeded_genomes_are_refused_before_anything_is_run():
    seeded = {"seeded_share": 0.5, "seeded_genome": [0] * 8}
    check(from_dict(ChemotaxisConfiguration, {"heredity": seeded}))
    with pytest.raises(ConfigurationError, match="blind have other loci"):
        check(from_dict(ChemotaxisConfiguration, {"blind": True, "heredity": seeded}))


def test_food_of_another_torus_is_not_near():
    at = np.array([[5, 5]])
    assert _is_near(np.array([[5, 5], [31, 4], [5, 5 + 32]]), at, 32, 8).ravel().tolist() == [True, True, False]
    assert _is_near(np.array([[5, 33]]), np.array([[5, 63]]), 32, 8).all(), "over the edge of its own torus"


def test_a_colony_that_answers_few_jumps_counts_in_the_share(monkeypatch):
    source = np.array([[10, 10]] * 5 + [[40, 40]] * 5 + [[10, 10]] * 5 + [[40, 40]] * 5)
    lost, quick = np.array([[10, 10]] * 7 + [[40, 40]] * 3 + [[25, 25]] * 10), source
    runs = measured(record_of(lost, source), Settings()), measured(record_of(quick, source), Settings())
    assert [r["recaptured"] for r in runs] == [[pytest.approx(1 / 3)], [1.0]]
    assert runs[0]["recapture"] == [None], "of most jumps none"
    monkeypatch.setattr("mesocosm.analyses.colony.follow_ups_of", lambda _: {"blind": record_of(lost, source)})
    record = record_of(quick, source)
    assert show(record, compute(record, Settings())).findings[1].estimate == pytest.approx(2 / 3)
