"""`kin` and `individuality` against answers that are known exactly, and against chance."""

from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from mesocosm.analyses import individuality as of_individuals
from mesocosm.analyses import kin
from mesocosm.analyses.individuality import _foremost, classes, individuality
from mesocosm.instruments.places import places
from mesocosm.instruments.price import between, hamilton

# -- kin ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("b, c", [(3, 1), (3, 2), (4, 1), (1, 1), (2, 1), (9, 4)])
def test_altruism_spreads_if_and_only_if_b_f_st_exceeds_c_exactly(b, c):
    """Fitness 20 - c z + b times the mean of the group: all in fractions, times the size of a group to be whole."""
    size, altruists = 6, [0, 0, 1, 2, 3, 5, 6, 6]
    z = np.concatenate([np.repeat([1, 0], [k, size - k]) for k in altruists])
    group = np.repeat(np.arange(len(altruists)), size)
    shared = np.repeat(altruists, size)
    w = size * 20 - size * c * z + b * shared  # size times fitness
    n = z.size
    mean = Fraction(int(z.sum()), n)
    variance = Fraction(int((z * z).sum()), n) - mean**2
    of_groups = sum((Fraction(k, size) - mean) ** 2 for k in altruists) / len(altruists)
    f_st = of_groups / variance
    selection = (Fraction(int((w * z).sum()), n) - Fraction(int(w.sum()), n) * mean) / size
    assert selection == variance * (b * f_st - c)
    assert (selection > 0) == (b * f_st > c) and (selection == 0) == (b * f_st == c)
    lies_between = between(z, w, group) / size
    assert lies_between == (b - c) * of_groups and selection - lies_between == -c * (variance - of_groups)


def world(rng, ticks=600, side=16, cost=0.0, benefit=0.0):
    """A pedigree in space: bodies beget beside themselves; the first gene costs its bearer and helps its cell."""
    place = rng.integers(0, side, (60, 2))
    genes, ids = rng.integers(-2, 3, (60, 2, 1)), np.arange(1, 61)
    births = [(0, i, 0, g) for i, g in zip(ids, genes, strict=True)]
    deaths, film, last = [], [], 60
    for tick in range(ticks):
        if tick % 20 == 0:
            film += [(tick, i, *p) for i, p in zip(ids, place, strict=True)]
        cell = place[:, 0] // 8 * 2 + place[:, 1] // 8
        others, _ = kin.mean_of_others(genes[:, 0].astype(float), cell)
        chance = 0.04 * np.exp(-cost * genes[:, 0, 0] + benefit * others[:, 0])
        parents = np.flatnonzero(rng.random(ids.size) < chance)
        dies = rng.random(ids.size) < 0.04 * ids.size / 60
        new = np.arange(last + 1, last + 1 + parents.size)
        last += parents.size
        births += [(tick + 1, i, ids[p], genes[p]) for i, p in zip(new, parents, strict=True)]
        deaths += [(tick + 1, i) for i in ids[dies]]
        moved = (place[parents] + rng.integers(-1, 2, (parents.size, 2))) % side
        ids, place = np.append(ids[~dies], new), np.concatenate([place[~dies], moved])
        genes = np.concatenate([genes[~dies], genes[parents]])
        if ids.size < 8:
            break
    return births, deaths, film


def record_of(worlds, side=16):
    def log(rows, names):
        rows = [(r, *row) for r, each in enumerate(rows) for row in each]
        return dict(zip(names, map(np.array, zip(*rows, strict=True)), strict=True))

    births = log([w[0] for w in worlds], ("replicate", "tick", "id", "parent", "genome"))
    deaths = log([w[1] for w in worlds], ("replicate", "tick", "id"))
    film = log([w[2] for w in worlds], ("replicate", "tick", "id", "x", "y"))
    film = {**film, "x": film["x"] * 256, "y": film["y"] * 256}
    header = {"frames": ["bodies"], "configuration": {"world": {"side": side}}, "logs": ["births", "deaths"]}
    return SimpleNamespace(
        header=header, replicates=len(worlds), frames=lambda name: film, log={"births": births, "deaths": deaths}.get
    )


def effects(seeds, **forces):
    record = record_of([world(np.random.default_rng(s), **forces) for s in seeds])
    values = kin.compute(record, kin.Settings(windows=8))
    return record, values, np.array(values["effects"], float)[:, :, :, 0]  # parts, strands, replicates


def test_costs_benefits_and_relatedness_are_found_with_their_signs():
    record, values, found = effects(range(20), cost=0.3, benefit=0.4)
    there = np.isfinite(found).all(axis=(0, 1))
    direct, indirect, related = found[:, 0, there]
    assert direct.mean() < 0 < indirect.mean() and related.mean() > 0.01, "who begets beside himself has kin nearby"
    assert abs(found[0, 1, there].mean()) < abs(direct.mean())
    result = kin.show(record, values)
    assert "are related by" in result.sentence and [f.name for f in result.findings] == ["direct", "indirect"]


def test_relatedness_without_a_benefit_is_no_effect_through_kin():
    """Kin nearby and a gene that costs: the squared effect through kin would be above 0 by noise alone."""
    _, values, _ = effects(range(14), cost=0.3)
    squared = np.array(values["squared"], float)[:, 0, :, 0]
    direct, indirect = squared[:, np.isfinite(squared).all(axis=0)]
    assert direct.mean() > 3 * direct.std() / np.sqrt(direct.size)
    assert abs(indirect.mean()) < 3 * indirect.std() / np.sqrt(indirect.size)


def test_hamilton_through_kin_is_that_of_a_pedigree_by_hand(monkeypatch):
    """Altruists in squares of six: others-only relatedness, and b and c as Queller's regression has them, b (n - 1) / n
    and c - b / n of the model in which a benefit is shared by all of a group, the giver included."""
    size, altruists, b, c = 6, (0, 0, 1, 2, 3, 5, 6, 6), 3.0, 1.0
    z = np.concatenate([np.repeat([1, 0], [k, size - k]) for k in altruists]).astype(float)
    group = np.repeat(np.arange(len(altruists)), size)
    w = 20 - c * z + b * np.repeat(altruists, size) / size
    others, _ = kin.mean_of_others(z[:, None], group)
    benefit, cost, related = hamilton(w, z, others[:, 0])
    assert (benefit, cost) == pytest.approx((b * (size - 1) / size, c - b / size))
    effects = kin._effects(w - w.mean(), (z - z.mean())[:, None], others - others.mean(axis=0))[:, 0]
    assert effects == pytest.approx([-cost * z.std(), related * benefit * z.std(), related])


def test_genes_swapped_in_life_are_those_of_the_window(monkeypatch):
    """Where exchanges are on record the genes at a window's beginning count, not those of birth."""
    record = record_of([world(np.random.default_rng(k), cost=0.3, benefit=0.4) for k in range(2)])
    plain = kin.compute(record, kin.Settings(windows=8))
    assert not plain["is_replayed"]

    def other_genes(record, everybody, ticks):
        """As if all had become each other's opposite."""
        return [
            SimpleNamespace(genomes=dict.fromkeys(at, -who.genome)) for who, at in zip(everybody, ticks, strict=True)
        ]

    monkeypatch.setattr(kin, "replays", other_genes)
    turned = kin.compute(record, kin.Settings(windows=8))
    own, other = (np.array(v["effects"], float) for v in (plain, turned))
    there = np.isfinite(own)
    assert turned["is_replayed"] and there.any()
    signs = np.array([-1, -1, 1])[:, None, None, None]
    np.testing.assert_allclose(other[there], np.where(there, signs * own, 0)[there], atol=1e-12)


def test_where_nobody_lives_on_or_nobody_varies_there_is_no_number():
    births, deaths, film = world(np.random.default_rng(0), ticks=40)
    same = [(*row[:3], np.zeros((2, 1), int)) for row in births]
    record = record_of([(same, deaths, film)])
    result = kin.show(record, kin.compute(record, kin.Settings()))
    assert result.sentence.startswith("In no world had bodies neighbours") and not result.findings
    assert kin.filmed(SimpleNamespace(header={"frames": []})).startswith("holds no film")


# -- individuality -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "machine, bits",
    [(lambda s, e: s, (1, 1, 0)), (lambda s, e: e, (0, 0, 1)), (lambda s, e: s ^ e, (0, 1, 1))],
    ids=["keeps its state", "copies its surroundings", "xor"],
)
def test_three_machines_have_their_bits(machine, bits):
    s, e = np.repeat([0, 0, 1, 1], 1000), np.tile([0, 1, 0, 1], 1000)
    found = individuality(s, e, machine(s, e), draws=3)
    assert found[:, 1] == pytest.approx(bits, abs=1e-12), "the plain estimate of an exact table is exact"
    assert found[:, 0] == pytest.approx(bits, abs=1e-3) and np.abs(found[:, 2]).max() < 2e-3


def test_what_is_not_related_is_nothing_once_corrected_and_the_bias_is_told():
    rng = np.random.default_rng(1)
    found = np.array([individuality(*rng.integers(0, 3, (3, 270)), draws=3, seed=k) for k in range(60)])
    corrected, plain = found[:, :, 0].mean(axis=0), found[:, :, 1].mean(axis=0)
    assert (plain > 0.008).all() and (np.abs(corrected) < plain / 4).all(), "Miller's correction takes the bias"
    assert np.abs(corrected - found[:, :, 2].mean(axis=0)).max() < 0.005


def film_of(rng, frames=40, bodies=30, side=16):
    """Bodies that keep their energy class and walk; `element` is kept by half of them."""
    energy = rng.integers(0, 4, bodies) * 1000
    element = np.arange(bodies) % 2
    place = rng.integers(0, side, (bodies, 2))
    rows = []
    for k in range(frames):
        place = (place + rng.integers(-2, 3, place.shape)) % side
        rows.append(np.stack([np.full(bodies, 10 * k), np.arange(1, bodies + 1), *place.T * 256, energy, element]))
    return dict(zip(("tick", "id", "x", "y", "energy", "element"), np.concatenate(rows, axis=1), strict=True))


def test_levels_are_read_off_a_film_and_of_too_few_samples_nothing_is_said():
    films = [film_of(np.random.default_rng(k)) for k in range(3)]
    film = {k: np.concatenate([f[k] for f in films]) for k in films[0]}
    film["replicate"] = np.repeat(np.arange(3), films[0]["tick"].size)
    metrics = {name: np.arange(3) for name in ("tick", "population", "food")} | {"replicate": np.zeros(3, int)}
    header = {"frames": ["bodies"], "configuration": {"world": {"side": 16, "demes": 1}}}
    record = SimpleNamespace(header=header, replicates=3, frames=lambda name: film, metrics=metrics)
    values = of_individuals.compute(record, of_individuals.Settings(permutations=3))
    bits = dict(zip(values["levels"], np.array(values["bits"], float), strict=True))
    whole = dict(zip(values["levels"], np.array(values["whole"], float), strict=True))
    assert (np.abs(bits["body"][1] / whole["body"] - 1) < 0.05).all(), "all of its energy is told by itself"
    assert (np.abs(bits["element"][0] - 1) < 0.02).all() and np.isfinite(bits["neighbourhood"]).all()
    assert np.isnan(bits["deme"]).all() and np.isnan(bits["colony"]).all()
    result = of_individuals.show(record, values)
    assert "body" in result.sentence and "deme" not in result.sentence
    bare = SimpleNamespace(header={**header, "frames": []}, replicates=1, metrics=metrics)
    said = of_individuals.show(bare, of_individuals.compute(bare, of_individuals.Settings())).sentence
    assert said == "There are too few samples of any level to say what carries itself on."


def test_demes_have_the_others_for_their_surroundings():
    rows = {name: [] for name in ("tick", "x", "y")}
    people = np.array([[3, 1], [2, 2], [5, 0], [1, 4]])  # frames, demes
    for frame, demes in enumerate(people):
        for deme, n in enumerate(demes):
            for name, value in (("tick", frame), ("x", 0), ("y", (deme * 16 + 2) * 256)):
                rows[name] += [value] * int(n)
    record = SimpleNamespace(header={"configuration": {"world": {"side": 16, "demes": 2}}})
    film = {k: np.array(v) for k, v in rows.items()}
    now, others, then = of_individuals._of_demes(film, record, of_individuals.Settings(classes=2))
    both = np.concatenate([people[:-1].ravel(), people[1:].ravel()]).astype(float)
    expected = classes(both, 2)
    assert now.tolist() == expected[:6].tolist() and then.tolist() == expected[6:].tolist()
    assert others.tolist() == classes(people[:-1, ::-1].ravel().astype(float), 2).tolist()


def test_what_merely_grows_tells_nothing_of_itself():
    """White noise on a slope: autonomy would be most of the entropy, and is none of it once the slope is taken off."""
    rng = np.random.default_rng(0)
    n, worlds = 160, 40
    people, food = (np.concatenate([s * np.arange(n) + rng.normal(size=n) for _ in range(worlds)]) for s in (0.2, -0.1))
    ticks = np.tile(np.arange(1, n + 1), worlds)
    metrics = {"replicate": np.repeat(np.arange(worlds), n), "tick": ticks, "population": people, "food": food}
    record = SimpleNamespace(metrics=metrics, replicates=worlds)
    bits = [individuality(*of, draws=1)[1, 0] for _, of in of_individuals._colonies(record, of_individuals.Settings())]
    assert abs(np.mean(bits)) < 3 * np.std(bits) / worlds**0.5 + 0.005


def test_classes_are_of_equal_size_and_keep_ties_together():
    assert np.bincount(classes(np.arange(100.0), 4)).tolist() == [25] * 4
    assert classes(np.array([5.0, 5, 5, 5]), 4).tolist() == [1] * 4 and classes(np.zeros(0), 4).size == 0


def test_the_foremost_level_is_named_only_where_worlds_tell_it_apart():
    share = np.zeros((2, 3, 6))
    share[0, 1], share[1, 1] = [0.5, 0.6, 0.5, 0.6, 0.5, 0.6], [0.1, 0.2, 0.15, 0.2, 0.1, 0.25]
    assert _foremost(("body", "colony"), share, [0, 1]).endswith("measure: body.")
    share[1, 1] = [0.9, 0.1, 0.9, 0.1, 0.9, 0.1]
    assert _foremost(("body", "colony"), share, [0, 1]).endswith("body and colony are not apart.")
    assert _foremost(("body",), share, [0]) == ""


def test_a_world_that_ended_before_its_first_frame_has_no_places_and_takes_none_from_the_others():
    film = {"replicate": [1, 1, 2], "tick": [0, 50, 0], "id": [1, 1, 4], "x": [256, 512, 0], "y": [0, 0, 256]}
    header = {"frames": ["bodies"], "configuration": {"world": {"side": 8}}}

    def of(rows):
        kept = {name: np.array(values[:rows], int) for name, values in film.items()}
        return SimpleNamespace(header=header, replicates=3, frames=lambda name: kept)

    found = places(of(3))
    assert [each.ticks.tolist() for each in found] == [[], [0, 50], [0]]
    assert found[0].at(0, np.array([1])).tolist() == [[-1, -1]]
    assert found[1].at(50, np.array([1])).tolist() == [[2, 0]]
    assert places(of(2)) is None and places(of(0)) is None, "one that was filmed, and nobody"
