"""Price's equation: exact in fractions, whatever the pedigree; and that a lost record shows."""

from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from mesocosm.analyses.price import _squared, books_that_do_not_close
from mesocosm.instruments.ancestry import lives_from
from mesocosm.instruments.places import Places, demes, places
from mesocosm.instruments.price import ancestors, between, hamilton, heirs, indicators, price, window


def pedigree(rng, ticks=30, founders=12, most=60, loci=3, advantage=0.0):
    """Bodies that divide and die at random; genes mutate, the first raises division by `advantage` a unit."""
    born = [(0, k + 1, 0, rng.integers(-3, 4, (2, loci))) for k in range(founders)]
    living, dead, n = {row[1]: row[3] for row in born}, [], founders
    for tick in range(1, ticks):
        for body in [b for b in living if rng.random() < 0.1 and len(living) > 2]:
            del living[body]
            dead.append((tick, body))
        chance = {b: 0.12 * (1 + advantage * g[0, 0]) for b, g in living.items()}
        for parent in [b for b in living if rng.random() < chance[b] and len(living) < most]:
            n += 1
            genome = living[parent] + (rng.random((2, loci)) < 0.1) * rng.integers(-1, 2, (2, loci))
            born.append((tick, n, parent, genome))
            living[n] = genome
    births = dict(zip(("tick", "id", "parent", "genome"), map(np.array, zip(*born, strict=True)), strict=True))
    deaths = np.array(dead, int).reshape(-1, 2)
    return lives_from(births, {"tick": deaths[:, 0], "id": deaths[:, 1]})


def terms_of(who, since, until, locus=0):
    z = who.genome[:, 0, [locus]]
    return window(who, z, since, until, z[who.alive_at(until)], who.founder)[0]


def test_the_worked_example_is_exact_and_divides_by_n():
    z, w = np.array([1, 1, 1, 2, 2]), np.array([1, 1, 1, 5, 5])
    terms = price(z, w, w * z, np.repeat(z, w))
    assert (terms.fitness, terms.selection, terms.transmission) == (Fraction(13, 5), Fraction(24, 25), 0)
    assert terms.residual == 0 and terms.change / terms.fitness + Fraction(7, 5) == Fraction(23, 13)
    assert float(terms.selection) != pytest.approx(np.cov(w, z)[0, 1]), "with N - 1 the two sides differ"


@pytest.mark.parametrize("seed", range(12))
def test_any_pedigree_closes_over_any_window_and_splits_over_clans(seed):
    rng = np.random.default_rng(seed)
    who = pedigree(rng)
    for since, until in ((0, 29), (0, 7), (11, 20), (28, 29)):
        terms = terms_of(who, since, until)
        assert terms.residual == 0
        first = np.flatnonzero(who.alive_at(since))
        heirs = [np.flatnonzero(who.alive_at(until) & (ancestors(who, since) == k)) for k in first]
        w, z = np.array([h.size for h in heirs]), who.genome[first, 0, 0]
        assert float(terms.selection) == pytest.approx(np.cov(w, z, bias=True)[0, 1])
        inside = [
            Fraction(int(m.sum()), z.size) * _covariance(w[m], z[m])
            for m in (who.founder[first] == clan for clan in np.unique(who.founder[first]))
        ]
        assert terms.within == sum(inside, Fraction(0))


def _covariance(w, z):
    n = w.size
    return Fraction(int((w * z).sum()), n) - Fraction(int(w.sum()) * int(z.sum()), n * n)


def test_a_lost_birth_is_seen_in_the_residual():
    rng = np.random.default_rng(3)
    who = pedigree(rng)
    inner = np.flatnonzero((who.born > 5) & np.isin(who.id, who.parent[who.alive_at(29)]) & (who.died > 29))[0]
    without = {
        f: np.delete(getattr(who, f), inner, axis=0) for f in ("id", "parent", "founder", "born", "died", "genome")
    }
    torn = replace(who, **without)
    z = who.genome[:, 0, [0]] + 7
    shifted = window(torn, without["genome"][:, 0, [0]] + 7, 5, 29, z[who.alive_at(29)])[0]
    assert terms_of(who, 5, 29).residual == 0 != shifted.residual
    assert (ancestors(torn, 5)[torn.parent == who.id[inner]] == -1).all()


def test_hamiltons_rule_in_a_linear_world_of_public_goods():
    """Cost c, benefit b shared by the group: altruism spreads if b F_ST > c, exactly."""
    rng = np.random.default_rng(0)
    for b, c in ((3.0, 1.0), (3.0, 2.9), (1.0, 0.1), (0.5, 0.4)):
        chances = rng.beta(0.5, 0.5, 40)
        z = np.concatenate([rng.random(25) < p for p in chances]).astype(float)
        group = np.repeat(np.arange(40), 25)
        shared = np.array([z[group == g].mean() for g in group])
        f_st = np.var([z[group == g].mean() for g in range(40)]) / (z.mean() * (1 - z.mean()))
        w = 2 - c * z + b * shared
        benefit, cost, related = hamilton(w, z, shared)
        assert (benefit, cost, related) == pytest.approx((b, c, f_st))
        assert np.sign(np.cov(w, z)[0, 1]) == np.sign(b * f_st - c)


def test_what_nobody_selects_is_as_its_shadow_and_what_is_selected_is_not():
    def advantage(seed, strength):
        who = pedigree(np.random.default_rng(seed), advantage=strength)
        out = []
        for strand in (0, 1):
            z = who.genome[:, strand, :1]
            (terms,) = window(who, z, 0, 29, z[who.alive_at(29)])
            spread = z[who.alive_at(0)].std()
            out.append(_squared(np.array([[float(terms.selection / terms.fitness)]]), np.array([[spread]])))
        return out[0] - out[1]

    null = np.array([advantage(seed, 0.0) for seed in range(60)])
    real = np.array([advantage(seed, 0.3) for seed in range(60)])
    null, real = null[np.isfinite(null)], real[np.isfinite(real)]
    assert abs(null.mean()) < 3 * null.std() / np.sqrt(null.size)
    assert real.mean() > 3 * real.std() / np.sqrt(real.size)


@pytest.mark.parametrize("seed", range(4))
def test_genotypes_are_categories_whose_shares_add_up(seed):
    who = pedigree(np.random.default_rng(seed), loci=1)
    labels = who.genome[:, 0, 0]
    kinds = np.unique(labels)
    z = indicators(labels, kinds)
    terms = window(who, z, 3, 29, z[who.alive_at(29)], who.founder)
    assert all(t.residual == 0 for t in terms)
    for part in ("change", "selection", "transmission", "between"):
        assert sum((getattr(t, part) for t in terms), Fraction(0)) == 0, "shares gained by one are lost by others"
    start, end = (np.array([(labels[who.alive_at(at)] == k).mean() for k in kinds]) for at in (3, 29))
    assert [float(t.change / t.fitness) for t in terms] == pytest.approx(end - start)


def test_plain_sums_say_what_fractions_say():
    who = pedigree(np.random.default_rng(5))
    z, of = who.genome[:, 0], heirs(who, 4, 29)
    sums = of.sums(z, z[who.alive_at(29)])
    exact = window(who, z, 4, 29, z[who.alive_at(29)], who.founder)
    assert sums.closes.all()
    for k, parts in enumerate(zip(*sums.relative(), strict=True)):
        wanted = (exact[k].change, exact[k].selection, exact[k].transmission)
        assert parts == pytest.approx([float(x / exact[k].fitness) for x in wanted])
    split = of.between(z, who.founder[of.first])
    assert split == pytest.approx([float(t.between / t.fitness) for t in exact])
    everybody = np.arange(of.first.size)
    assert between(z[of.first, 0], of.w, everybody) == exact[0].selection, "everybody a group: all lies between"
    assert not of.sums(z, z[who.alive_at(29)] + 1).closes.any()


def census_of(who, ticks=30, every=10):
    """What the loop would have counted: one row a window."""
    ends = np.arange(every, ticks + 1, every)
    born = [((who.born >= e - every) & (who.born < e) & (who.parent > 0)).sum() for e in ends]
    died = [((who.died >= e - every) & (who.died < e)).sum() for e in ends]
    alive = [who.alive_at(e - 1).sum() for e in ends]
    rows = {"replicate": np.zeros(ends.size, int), "tick": ends, "population": alive, "births": born, "deaths": died}
    return SimpleNamespace(header={"every": every}, metrics={k: np.array(v) for k, v in rows.items()})


def test_a_log_that_lost_a_birth_or_a_death_is_told_by_the_census():
    who = pedigree(np.random.default_rng(3))
    record = census_of(who)
    assert books_that_do_not_close(record, [who]) == 0
    fields = ("id", "parent", "founder", "born", "died", "genome")
    lost = replace(who, **{f: np.delete(getattr(who, f), np.flatnonzero(who.parent)[4], axis=0) for f in fields})
    assert books_that_do_not_close(record, [lost]) > 0
    undead = np.where(who.died == who.died.min(), 2**62, who.died)
    assert books_that_do_not_close(record, [replace(who, died=undead)]) > 0


def test_groups_are_where_bodies_were_when_the_window_began():
    film = {
        "replicate": np.zeros(5, int),
        "tick": np.array([0, 0, 0, 50, 50]),
        "id": np.array([2, 1, 3, 1, 3]),
        "x": np.array([0, 255, 9, 17, 0]) * 256 // 16,
        "y": np.array([0, 17, 33, 0, 0]) * 256,
    }
    header = {"frames": ["bodies"], "configuration": {"world": {"side": 16}}}
    (found,) = places(SimpleNamespace(header=header, replicates=1, frames=lambda name: film))
    groups = found.groups(0, np.array([1, 2, 3]), 8)
    assert groups["demes"].tolist() == [1, 0, 2] and len(set(groups["neighbourhoods"].tolist())) == 3
    assert found.at(50, np.array([1, 2])).tolist() == [[1, 0], [-1, -1]]
    assert "demes" not in found.groups(50, np.array([1, 3]), 8)
    no_film = SimpleNamespace(header={"frames": []}, replicates=1, frames=None)
    assert places(no_film) is None


def test_windows_end_at_frames_and_share_out_all_of_them():
    def ends(ticks: list[int], windows: int) -> list[int]:
        return Places(np.array(ticks, int), [], [], 16).ends(windows)

    assert ends([0, 50, 100, 150, 199], 2) == [0, 100, 199]
    assert ends([0, 50, 100], 8) == [0, 50, 100]  # no more windows than frames have room for
    assert ends([], 8) == []


def test_tori_are_counted_where_the_law_that_ran_has_several():
    def of(configuration: dict) -> int:
        return demes(SimpleNamespace(header={"configuration": configuration}))

    assert of({"world": {}}) == 1 and of({"world": {"demes": 4}}) == 4
    assert of({"world": {}, "resolved": {"world": {"demes": 4}}}) == 4  # an assay's is that of its source
