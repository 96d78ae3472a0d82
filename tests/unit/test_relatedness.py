"""Relatedness of neighbours: cases whose answer is known exactly, and a null."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import mesocosm as mc
from mesocosm.instruments.ancestry import Lives, all_lives, lives
from mesocosm.instruments.relatedness import Relatedness, alike, are_near, identity_by_descent, of_pairs, relatedness

WORLD = dict(side=16, founders=32, ceiling=220, division_energy=600, founding_energy=500, drops=4, drop_food=90)


def _square(n: int, pairs: list[tuple[int, int]]) -> np.ndarray:
    out = np.zeros((n, n), bool)
    for i, j in pairs:
        out[i, j] = out[j, i] = True
    return out


def test_copies_beside_each_other_have_1_and_strangers_less_than_0():
    same = alike(np.array([[5], [5], [9], [9]]))
    kin = of_pairs(same, same, _square(4, [(0, 1), (2, 3)]))
    assert kin == Relatedness(1.0, 1.0, 1 / 3, 1 / 3)
    strangers = of_pairs(same, same, _square(4, [(0, 2), (1, 3)]))
    assert strangers.genes == pytest.approx(-1 / 2)  # (0 - 1/3) / (1 - 1/3)
    everybody = of_pairs(same, same, ~np.eye(4, dtype=bool))
    assert everybody.genes == 0 and everybody.near == 1


def test_neighbourhoods_of_clones_and_mixtures_have_the_f_st_of_their_shares():
    """Two neighbourhoods of n bodies, share p of one allele in the first, 1 - p in the second, counted by hand."""
    n, k = 10, 7
    genes = np.array([[1]] * k + [[2]] * (n - k) + [[2]] * k + [[1]] * (n - k))
    near = np.kron(np.eye(2, dtype=bool), np.ones((n, n), bool))
    within = (k * (k - 1) + (n - k) * (n - k - 1)) / (n * (n - 1))
    overall = (n * (n - 1)) * 2 / (2 * n * (2 * n - 1))  # both alleles are held by n of 2 n bodies
    found = of_pairs(alike(genes), alike(genes), near)
    assert found.genes == pytest.approx((within - overall) / (1 - overall))


def test_what_has_no_pair_has_no_number():
    one = np.ones((1, 1))
    assert np.isnan(of_pairs(one, one, np.ones((1, 1), bool)).genes)
    same = np.ones((3, 3))
    assert np.isnan(of_pairs(same, same, _square(3, [(0, 1)])).genes), "everybody is alike"
    assert np.isnan(of_pairs(np.eye(3), np.eye(3), np.zeros((3, 3), bool)).genes), "nobody is near"


def test_who_is_near_on_a_torus():
    extent = 16 * 256
    place = np.array([[10, 10], [extent - 10, 10], [300, 10], [10, 2048]])
    assert are_near(place, extent, 1.0).tolist() == [
        [True, True, False, False],
        [True, True, False, False],
        [False, False, True, False],
        [False, False, False, True],
    ]
    cells = are_near(place, extent, None)
    assert not cells[0, 1] and not cells[0, 2] and cells.diagonal().all()


def test_births_between_two_bodies():
    #  1 -> 3 -> 5,  1 -> 4,  2 -> 6
    ids = np.arange(1, 7)
    parent = np.array([0, 0, 1, 1, 3, 2])
    who = Lives(ids, parent, ids, ids, ids, np.zeros((6, 2, 1), np.int8))
    q = identity_by_descent(who, ids, 0.1)
    births = {(1, 1): 0, (1, 3): 1, (1, 5): 2, (3, 4): 2, (4, 5): 3, (2, 6): 1}
    for (i, j), n in births.items():
        assert q[i - 1, j - 1] == q[j - 1, i - 1] == pytest.approx(0.9**n)
    assert (q[np.ix_([0, 2, 3, 4], [1, 5])] == 0).all(), "of two founders"


@pytest.mark.parametrize("exchange", [0.0, 1.0])
def test_without_exchange_genes_travel_as_the_pedigree_says(tmp_path, exchange):
    heredity = {"exchange_probability": exchange, "mutation_probability": 0.02}
    run = mc.run(
        "chemotaxis",
        world=WORLD,
        heredity=heredity,
        replicates=4,
        ticks=600,
        every=100,
        assays=False,
        out=tmp_path / "r",
    )
    differences = []
    for lane, r in enumerate(run.record.state["replicate"]):
        ids = run.record.state["state.world.bodies.id"][lane]
        genes = run.record.state["state.genomes"][lane, 1][:, ids > 0].T
        q = identity_by_descent(lives(run.record, int(r)), ids[ids > 0], 0.02)
        above = np.triu_indices(len(genes), k=1)
        differences.append(float((alike(genes)[above] - q[above]).mean()))
        assert np.abs(alike(genes) - alike(genes).T).max() == 0
    # Two unrelated alleles agree by chance once in 256; a lost allele is found again as rarely.
    if exchange == 0:
        assert np.abs(differences).max() < 0.06
    near = relatedness(run.record, 3.0)
    assert len(near) == 4 and all(-1 <= r.genes <= 1 and 0 < r.near < 1 for r in near)
    apart = np.array([r.genes - r.pedigree for r in near])
    if exchange == 0:
        assert np.abs(apart).max() < 0.1


def test_bodies_at_random_places_are_not_related():
    """The null: over 200 populations of four clones the mean r is 0."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(200):
        genes = np.repeat(rng.integers(-128, 128, (4, 8)), 10, axis=0)
        place = rng.integers(0, 8 * 256, (40, 2))
        found.append(of_pairs(alike(genes), alike(genes), are_near(place, 8 * 256, 1.5)).genes)
    mean, error = np.mean(found), np.std(found, ddof=1) / np.sqrt(200)
    assert abs(mean) < 3.3 * error and error < 0.01


def test_a_world_that_has_died_out_has_no_relatedness(tmp_path):
    world = {**WORLD, "metabolism": 60, "founding_energy": 100, "drop_food": 0}
    run = mc.run("chemotaxis", world=world, replicates=4, ticks=100, every=50, assays=False, out=tmp_path / "r")
    assert all(np.isnan([r.genes, r.pedigree, r.identity]).all() for r in relatedness(run.record))


def test_everybody_descends_from_a_founder_whose_chain_of_parents_leads_there():
    rng = np.random.default_rng(3)
    ids = np.sort(rng.choice(np.arange(1, 4000), 900, replace=False))
    parent = np.array([0 if k < 5 or rng.random() < 0.01 else ids[rng.integers(k)] for k in range(ids.size)])
    born = {"replicate": np.repeat([1, 0], [900, 900]), "id": np.tile(ids, 2), "parent": np.tile(parent, 2)}
    born |= {"tick": np.arange(1800), "genome": np.zeros((1800, 2, 1), np.int8)}
    nobody = {name: np.zeros(0, np.int64) for name in ("replicate", "id", "tick")}
    record = SimpleNamespace(replicates=2, log={"births": born, "deaths": nobody}.get)

    def founder(body: int) -> int:
        before = int(parent[np.searchsorted(ids, body)])
        return founder(before) if before else body

    expected = [founder(int(body)) for body in ids]
    for replicate, who in enumerate(all_lives(record)):
        assert who.founder.tolist() == lives(record, replicate).founder.tolist() == expected
        assert who.born.tolist() == (np.arange(900) + 900 * (replicate == 0)).tolist()
