"""Measures of descent and diversity against populations whose drift is known exactly: Wright-Fisher and Moran."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mesocosm.instruments import drift
from mesocosm.instruments.activity import QUANTILE, of_shares
from mesocosm.instruments.ancestry import Lives
from mesocosm.instruments.diversity import alleles, coalescence, generation, living_counts, of_genomes

NOBODY_YET = 2**62


def moran(n: int, steps: int, rng: np.random.Generator, fitness: float = 1.0, mutants: int = 0) -> Lives:
    """A Moran population as the log of a run would tell it; the gene of mutants is 1, their fitness as given."""
    places = list(range(1, n + 1))
    gene = [1] * mutants + [0] * (n - mutants)
    rows = [(i, 0, 0, NOBODY_YET, g) for i, g in zip(places, gene, strict=True)]
    for step in range(1, steps + 1):
        weights = np.where(gene, fitness, 1.0)
        parent, gone = rng.choice(n, p=weights / weights.sum()), rng.integers(n)
        mother, inherited = places[parent], gene[parent]
        i, _, born, _, g = rows[places[gone] - 1]
        rows[i - 1] = (i, rows[i - 1][1], born, step, g)
        rows.append((len(rows) + 1, mother, step, NOBODY_YET, inherited))
        places[gone], gene[gone] = len(rows), inherited
        if mutants and len(set(gene)) == 1:
            break
    return lives_of(rows)


def wright_fisher(n: int, generations: int, rng: np.random.Generator, alleles: int = 2) -> Lives:
    """Every generation anew, a tick each; founders have `alleles` kinds of gene."""
    rows = [(i, 0, 0, 1, i % alleles) for i in range(1, n + 1)]
    for t in range(1, generations):
        for mother in rng.integers(n, size=n):
            i, *_, gene = rows[(t - 1) * n + mother]
            rows.append((len(rows) + 1, i, t, t + 1 if t < generations - 1 else NOBODY_YET, gene))
    return lives_of(rows)


def lives_of(rows: list[tuple[int, ...]]) -> Lives:
    id, parent, born, died, gene = np.array(rows, np.int64).T
    genome = np.repeat(gene.astype(np.int8)[:, None, None], 2, axis=1)
    return Lives(id, parent, id, born, died, genome)


def within(values: np.ndarray, expected: float, errors: float = 4) -> bool:
    """Whether a mean is where it should be; 4 standard errors have probability 6e-5 to be exceeded."""
    return abs(values.mean() - expected) < errors * values.std(ddof=1) / np.sqrt(values.size)


def test_coalescence_of_a_tree_drawn_by_hand():
    #   1 ---+-------+----   body 1 divides in tick 3 (child 2) and in tick 6 (child 3); 2 divides in tick 5 (child 4)
    #        2 --+---        2 dies in tick 8
    who = lives_of([(1, 0, 0, NOBODY_YET, 0), (2, 1, 3, 8, 0), (3, 1, 6, NOBODY_YET, 0), (4, 2, 5, NOBODY_YET, 0)])
    # At the end of tick 9: pairs (1, 3) 4 ticks ago, (1, 4) and (3, 4) 7 ticks ago.
    assert coalescence(who, 9) == ((4 + 7 + 7) / 3, 1.0)
    assert generation(who) == (3 + 6 + 2) / 3
    strangers = lives_of([(1, 0, 0, NOBODY_YET, 0), (2, 0, 0, NOBODY_YET, 0)])
    mean, share = coalescence(strangers, 3)
    assert np.isnan(mean) and share == 0
    assert np.isnan(generation(strangers))


def test_pairs_of_wright_fisher_coalesce_after_n_generations():
    rng, n = np.random.default_rng(1), 8
    found = np.array([coalescence(wright_fisher(n, 90, rng), 89) for _ in range(150)])
    assert (found[:, 1] > 0.999).mean() > 0.95  # all have met in 90 generations
    assert within(found[:, 0], drift.pair_coalescence(n))


def test_pairs_of_moran_coalesce_after_half_of_n_squared_steps():
    rng, n = np.random.default_rng(2), 8
    found = [coalescence(moran(n, 350, rng), 350)[0] for _ in range(150)]
    assert within(np.array(found), drift.moran_pair_coalescence(n))


def test_a_neutral_mutant_is_fixed_once_in_n_and_a_better_one_as_moran_says():
    rng, n = np.random.default_rng(3), 6
    for fitness in (1.0, 2.0, 0.5):
        fixed = [moran(n, 3000, rng, fitness, 1).genome[-1, 0, 0] for _ in range(500)]
        assert within(np.array(fixed, float), drift.moran_fixation(n, fitness)), fitness
    assert drift.moran_fixation(n) == 1 / n
    assert drift.moran_fixation(7, 3.0) == pytest.approx((1 - 1 / 3) / (1 - 3.0**-7), rel=1e-14)
    assert drift.moran_fixation(7, 1 + 1e-9) == pytest.approx(1 / 7, rel=1e-7)
    assert 0 <= drift.moran_fixation(10**6, 0.5) < 1e-300 and drift.moran_fixation(10**6, 2.0) == 0.5
    with pytest.raises(ValueError, match="fitness = 0"):
        drift.moran_fixation(10, 0)


def test_heterozygosity_decays_by_one_in_n_a_generation():
    rng, n, generations = np.random.default_rng(4), 12, 9
    runs = [wright_fisher(n, generations + 1, rng, alleles=n) for _ in range(400)]
    ended = np.array([of_genomes(who.genome[who.alive_at(generations), 0])[3] for who in runs])
    # Of unlike founders, drawn without replacement: 1 - 1/n is lost in each generation.
    assert within(ended, drift.heterozygosity(n, generations))
    steps = 60
    runs = [moran(n, steps, rng, mutants=0) for _ in range(300)]
    unlike = [np.arange(n)[:, None] for _ in runs]
    for who, genes in zip(runs, unlike, strict=True):
        founder = np.arange(who.id.size)
        for k in np.flatnonzero(who.parent):
            founder[k] = founder[who.parent[k] - 1]
        genes[:, 0] = founder[who.alive_at(steps)]
    ended = np.array([of_genomes(genes.astype(np.int8))[3] for genes in unlike])
    assert within(ended, drift.moran_heterozygosity(n, steps))


def test_diversity_of_a_population_counted_by_hand():
    genomes = np.array([[0, 7], [0, 7], [0, -7], [1, -7]], np.int8)
    kinds, effective, alleles, differ = of_genomes(genomes)
    assert (kinds, effective, alleles) == (3, 1 / (0.25 + 1 / 16 + 1 / 16), 2)
    assert differ == pytest.approx((3 / 6 + 4 / 6) / 2)  # of 6 pairs 3 differ at the first locus, 4 at the second
    assert np.isnan(of_genomes(genomes[:0])).all()


def test_activity_grows_with_use_and_ends_with_what_is_lost():
    ticks = np.array([10, 20, 30, 40])
    shares = np.zeros((2, 4, 3))
    shares[0, :, 0], shares[0, 2:, 1] = [1, 1, 0.5, 0], [0.5, 1]  # an allele that is replaced
    shares[1, :, 2] = 1  # the shadow stays as it was
    found = of_shares(ticks, lambda r: shares, 1)
    np.testing.assert_allclose(found.mean[0, 0], [10, 20, (25 + 5) / 2, 15])
    np.testing.assert_allclose(found.mean[1, 0], [10, 20, 30, 40])
    assert found.diversity[0, 0].tolist() == [1, 1, 2, 1]
    assert found.threshold == np.quantile([10, 20, 30, 40], QUANTILE)
    assert found.new[0, 0].tolist() == [0, 0, 0, 0] and found.new[1, 0].tolist() == [0, 0, 0, 1]


def test_activity_of_two_strands_that_drift_alike_differs_in_nothing():
    rng = np.random.default_rng(5)
    ticks = np.arange(1, 31) * 10

    def drifting() -> np.ndarray:
        counts = [np.full(10, 4)]
        for _ in ticks:
            mutated = 0.95 * counts[-1] / 40 + 0.05 / 10
            counts.append(rng.multinomial(40, mutated))
        return np.array(counts[1:]) / 40

    shares = [np.stack([drifting(), drifting()]) for _ in range(60)]
    found = of_shares(ticks, lambda r: shares[r], 60)
    own, shadow = found.rates()
    assert within(own - shadow, 0) and own.mean() > 0
    assert found.finding().verdict in ("undecided", "equivalent")
    better = [s.copy() for s in shares]
    for row in better:  # a new allele sweeps through every 100 ticks
        row[0] = np.eye(10)[np.arange(ticks.size) // 10]
    swept = of_shares(ticks, lambda r: better[r], 60)
    assert swept.finding().verdict == "supported", swept.sentence()
    json.dumps(swept.to_dict(), allow_nan=False)


def test_where_nobody_lives_there_is_a_word_and_no_number():
    found = of_shares(np.array([10, 20]), lambda r: np.zeros((2, 2, 3)), 2)
    assert found.sentence().startswith("There is no activity")
    json.dumps(found.to_dict(), allow_nan=False)


def test_the_living_are_counted_as_one_by_one():
    """Counts over time from births and deaths alone are those of looking at the living at each tick."""
    rng = np.random.default_rng(5)
    born = np.sort(rng.integers(0, 50, 80))
    died = np.where(rng.random(80) < 0.3, 2**62, born + rng.integers(0, 30, 80))
    ids, genome = np.arange(1, 81), rng.integers(-3, 3, (80, 2, 4)).astype(np.int8)
    who = Lives(ids, np.zeros(80, int), ids, born, died, genome)
    ticks = np.array([1, 2, 7, 30, 51, 90, 200])
    for strand in (0, 1):
        genes = genome[:, strand]
        counts, which = living_counts(who, ticks, alleles(genes))
        for tick, row in zip(ticks, counts, strict=True):
            expected = np.bincount(alleles(genes[who.alive_at(tick - 1)]).ravel(), minlength=which[-1] + 1)
            assert row.tolist() == expected[which].tolist() and row.sum() == expected.sum()
