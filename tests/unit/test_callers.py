"""`callers`: whom calling in food pays, against fitness that is known exactly, and against chance."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mesocosm.analyses import callers
from mesocosm.minds.parameters import TableParameters
from mesocosm.minds.table import Table

SIDE, FOUNDERS = 16, 60


def test_neighbours_are_parted_into_kin_and_strangers_by_hand():
    z = np.array([4.0, 0, 0, 4, 2])  # mean 2
    square, clan = np.array([0, 0, 0, 0, 1]), np.array([1, 1, 2, 2, 1])
    x, has = callers.neighbours(z, square, clan)
    assert has.tolist() == [True] * 4 + [False]
    assert x[:, 0].tolist() == [2, -2, -2, 2, 0]
    assert x[:4, 1] == pytest.approx([-2 / 3, 2 / 3, 2 / 3, -2 / 3]), "whose founder is one's own"
    assert x[:4, 2] == pytest.approx([0, 0, 0, 0]) and x[:4, 3] == pytest.approx([1 / 3] * 4)
    x, _ = callers.neighbours(z, np.zeros(5), np.arange(5))
    assert not x[:, 1].any() and x[:, 2] == pytest.approx(-x[:, 0] / 4), "all strangers: the mean of all others"


def test_coefficients_that_are_known_are_found_and_the_parts_are_all_of_selection():
    rng = np.random.default_rng(0)
    z, square, clan = rng.random(300), rng.integers(0, 20, 300), rng.integers(0, 5, 300)
    x, _ = callers.neighbours(z + clan, square, clan)
    x = x - x.mean(axis=0)
    w = x @ [-0.3, 0.7, 0.2, 0.5, -0.1]
    slopes, _ = callers.partition(w, x)
    assert slopes[:3] == pytest.approx([-0.3, 0.7, 0.2])
    w = w + rng.normal(size=300)
    w -= w.mean()
    assert callers.partition(w, x)[1].sum() == pytest.approx((w * x[:, 0]).mean()), "what is left over adds nothing"
    assert np.isnan(callers.partition(w, x * [1, 1, 0, 1, 1])).all(), "no strangers, no number"


@pytest.mark.parametrize("policy, reticence", [("softmax", 0), ("softmax", 30), ("argmax", 30)])
def test_chances_to_emit_are_those_by_which_the_mind_acts(policy, reticence):
    genomes = np.random.default_rng(1).integers(-128, 128, (20, 8)).astype(np.int8)
    mind = Table(TableParameters(policy, 8), 2, 4, reticence)
    configuration = {"mind": {"policy": policy, "sharpness": 8}, "reticence": reticence}
    weights = np.asarray(jax.vmap(mind.act_weights)(jnp.asarray(genomes)))  # bodies, stimuli, acts
    for s in (0, 1):
        expected = weights[:, s, 2:].sum(axis=1) * 1024 // weights[:, s].sum(axis=1)
        assert callers.chance_to_emit(genomes, s, configuration).tolist() == expected.tolist()


def world(rng, ticks=300, own=0.0, kin=0.0, strangers=0.0):
    """A pedigree in space: who emits in food costs or helps itself, its kin and strangers in its square."""
    ids, place = np.arange(1, FOUNDERS + 1), rng.integers(0, SIDE, (FOUNDERS, 2))
    emits = rng.integers(0, 2, FOUNDERS)
    births, deaths, film, last = [(0, i, 0, e) for i, e in zip(ids, emits, strict=True)], [], [], FOUNDERS
    clan = ids.copy()
    for tick in range(ticks):
        if tick % 20 == 0:
            film += [(tick, i, *p) for i, p in zip(ids, place, strict=True)]
        x, _ = callers.neighbours(emits.astype(float), place[:, 0] // 8 * 2 + place[:, 1] // 8, clan)
        parents = np.flatnonzero(rng.random(ids.size) < 0.04 * np.exp(x[:, :3] @ [own, kin, strangers]))
        dies = rng.random(ids.size) < 0.04 * ids.size / FOUNDERS
        new = np.arange(last + 1, last + 1 + parents.size)
        last += parents.size
        inherited = np.where(rng.random(parents.size) < 0.1, rng.integers(0, 2, parents.size), emits[parents])
        births += [(tick + 1, i, ids[p], e) for i, p, e in zip(new, parents, inherited, strict=True)]
        deaths += [(tick + 1, i) for i in ids[dies]]
        moved = (place[parents] + rng.integers(-1, 2, (parents.size, 2))) % SIDE
        ids, clan = np.append(ids[~dies], new), np.append(clan[~dies], clan[parents])
        place, emits = np.concatenate([place[~dies], moved]), np.append(emits[~dies], inherited)
    return births, deaths, film


def record_of(worlds):
    def log(rows, names):
        rows = [(r, *row) for r, each in enumerate(rows) for row in each]
        return {name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}

    births = log([w[0] for w in worlds], ("replicate", "tick", "id", "parent", "emits"))
    genome = np.zeros((births["id"].size, 2, 16), np.int8)
    genome[:, 0, 7] = births.pop("emits")  # the act of most preference in food, else the first, which is silent
    film = log([w[2] for w in worlds], ("replicate", "tick", "id", "x", "y"))
    logs = {"births": {**births, "genome": genome}, "deaths": log([w[1] for w in worlds], ("replicate", "tick", "id"))}
    world = {"side": SIDE, "senses": ["odour"]}
    n = np.arange(len(worlds))
    visits = {f"visits_{s}": (s == 1) + 0 * n for s in range(4)}
    return SimpleNamespace(
        header={"frames": ["bodies"], "configuration": {"world": world, "mind": {"policy": "argmax"}}, "logs": [*logs]},
        replicates=len(worlds),
        frames=lambda name: {**film, "x": film["x"] * 256, "y": film["y"] * 256},
        log=logs.get,
        metrics={"replicate": n, "emit_evolved_0": n, **visits},
    )


@pytest.mark.parametrize(
    "source, forces", [("self", {"own": 0.5}), ("kin", {"kin": 3}), ("strangers", {"strangers": 3})]
)
def test_who_is_paid_is_found_in_a_pedigree_and_the_others_are_not(source, forces):
    record = record_of([world(np.random.default_rng(k), **forces) for k in range(6)])
    assert not callers.signals(record)
    values = callers.compute(record, callers.Settings(windows=14))
    slopes = np.array(values["slopes"], float)[:3]
    slopes = slopes[:, np.isfinite(slopes).all(axis=0)]
    t = dict(zip(callers.SOURCES, slopes.mean(axis=1) / slopes.std(axis=1) * slopes.shape[1] ** 0.5, strict=False))
    assert t.pop(source) > 4 and max(map(abs, t.values())) < 4
    said = callers.show(record, values).sentence
    assert f"{source} " in said and said.startswith(f"In {slopes.shape[1]} worlds")


def test_where_nobody_is_heard_kin_and_strangers_are_nothing_and_without_signals_it_is_not_asked():
    record = record_of([world(np.random.default_rng(100 + k)) for k in range(6)])
    slopes = np.array(callers.compute(record, callers.Settings(windows=14))["slopes"], float)[:3]
    assert (np.abs(slopes.mean(axis=1)) < 4 * slopes.std(axis=1) / 6**0.5).all()
    record.metrics = {"replicate": record.metrics["replicate"]}
    assert callers.signals(record).startswith("has no bodies that can emit")
