"""Chains of nets that teach nets: against chains of NumPy, labels of chance, who chooses, and what is said of it."""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

import mesocosm as mc
from mesocosm.experiments.teaching.declaration import DECLARATION, PASSES, RATES, TeachingConfiguration
from mesocosm.experiments.teaching.measures import beside, keeps
from mesocosm.experiments.teaching.system import Softmax, Teaching, _pools, build
from mesocosm.record.configuration import ConfigurationError

CLASSES, LESSONS, IMAGES, CHAINS, GENERATIONS = 4, 12, 40, 96, 3
SMALL = {"rules": ["class-mean"], "classes": CLASSES, "lessons": LESSONS, "images": IMAGES, "assays": False}


def ran(**changes):
    return mc.run("teaching", replicates=CHAINS, ticks=GENERATIONS, **SMALL, **changes)


def at(run, column, generation):
    """A column at a generation. [replicates]"""
    return np.asarray(run.metrics[column], float).reshape(GENERATIONS, CHAINS)[generation - 1]


@pytest.fixture(scope="module")
def chains(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("chains"))
        yield ran()


def of_numpy(rng: np.random.Generator, rate: float, passes: int) -> list[float]:
    """Right answers of each generation of a chain of linear nets that learn by gradient descent, in plain NumPy."""
    lessons, images = (np.asarray(pool.inputs, float) for pool in _pools("", 8))
    named = rng.permutation(len(lessons))[:CLASSES]

    def drawn(pool, n):
        places = rng.permutation(CLASSES * pool.shape[1])[:n]
        return pool[named[places // pool.shape[1]], places % pool.shape[1]], places // pool.shape[1]

    def learnt(x, y):
        weights = np.zeros((x.shape[1] + 1, CLASSES))
        for image, label in list(zip(np.c_[x, np.ones(len(x))], y, strict=True)) * passes:
            odds = np.exp(image @ weights)
            weights -= rate * np.outer(image, odds / odds.sum() - np.eye(CLASSES)[label])
        return weights

    def said(weights, x):
        return (np.c_[x, np.ones(len(x))] @ weights).argmax(axis=1)

    x, y = drawn(images, IMAGES)
    mind, out = learnt(*drawn(lessons, LESSONS)), []
    for _ in range(GENERATIONS + 1):
        out.append(float((said(mind, x) == y).mean()))
        shown = drawn(lessons, 2 * LESSONS)[0][::2]
        mind = learnt(shown, said(mind, shown))
    return out


@pytest.mark.parametrize("k", [0, 3, 8])
def test_chains_of_gradient_descent_are_those_of_numpy(chains, k):
    rng = np.random.default_rng(k)
    expected = np.array([of_numpy(rng, RATES[k % 6], PASSES[k // 6]) for _ in range(2 * CHAINS)])
    seen = np.stack([at(chains, f"first_{k + 1}", 1), *(at(chains, f"right_{k + 1}", g) for g in (1, 2, 3))], axis=1)
    error = np.sqrt(expected.var(axis=0) / len(expected) + seen.var(axis=0) / len(seen))
    assert (np.abs(expected.mean(axis=0) - seen.mean(axis=0)) < 3.5 * error).all()
    assert expected[:, 0].mean() > expected[:, -1].mean() + 0.05 > 1 / CLASSES  # it does lose something


def test_the_first_generation_has_names_that_are_true(chains):
    assert at(chains, "first_0", 1).mean() > 0.7
    assert (at(chains, "kinds_0", 1) <= CLASSES + 1e-4).all() and (at(chains, "kinds_0", 1) >= 1).all()


def test_labels_of_chance_leave_one_in_so_many_classes(tmp_path, monkeypatch, chains):
    monkeypatch.chdir(tmp_path)
    run = ran(noise=1.0)
    assert (at(run, "first_0", 1) == at(chains, "first_0", 1)).all()  # the first one had the truth
    for k in range(1 + len(PASSES) * len(RATES)):
        right = at(run, f"right_{k}", GENERATIONS)
        assert abs(right.mean() - 1 / CLASSES) < 4 * right.std() / np.sqrt(CHAINS)


@pytest.mark.parametrize(("passes", "which"), [(1, range(1, 7)), (20, range(7, 13))])
def test_what_is_kept_is_held_against_the_rate_that_did_best_elsewhere(chains, passes, which):
    record, mine = chains.record, [0, *which]
    expected, last = [], np.stack([at(chains, f"right_{k}", GENERATIONS) for k in mine])
    first = np.stack([at(chains, f"first_{k}", GENERATIONS) for k in mine])
    for r in range(CHAINS):
        others = np.delete(last, r, axis=1).sum(axis=1)[1:]
        k = 1 + int(np.argmax(others))
        with np.errstate(divide="ignore", invalid="ignore"):
            expected.append(last[0, r] / first[0, r] - last[k, r] / first[k, r])
    seen = keeps(record, passes)
    there = np.isfinite(seen)
    assert there.mean() > 0.9
    np.testing.assert_allclose(seen[there], np.array(expected)[there], rtol=1e-5)
    assert np.isnan(beside(record)).all()  # there is one rule alone


def law(**changes) -> Teaching:
    experiment = build(TeachingConfiguration(**{**SMALL, "rules": ("class-mean",), **changes})).experiment
    assert isinstance(experiment, Teaching)
    return experiment


def test_who_chooses_gets_the_surest_or_the_least_sure():
    sure, unsure = jnp.array([5.0, 0, 0, 0]), jnp.array([1.0, 0.9, 0, 0])
    of_teacher, of_pupil = jnp.stack([unsure, sure]), jnp.stack([sure, unsure])
    assert [int(law(chooses=who)._choice(of_teacher, of_pupil)) for who in ("nobody", "teacher", "pupil")] == [0, 1, 1]
    assert int(law(chooses="pupil")._choice(of_teacher, of_pupil[::-1])) == 0


def test_a_mind_that_overflowed_names_nothing():
    experiment = law()
    net = Softmax(jnp.array([0.1]), jnp.array([1]), 64, CLASSES)
    judged = experiment.images.draw(jnp.array([0, 1], jnp.uint32), 5, CLASSES)
    blank = dataclasses.replace(experiment, kinds=(net,))
    said = blank._said((jnp.full((1, 1, 65, CLASSES), jnp.nan),), judged)
    assert (np.asarray(said) == -1).all()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"lessons": 501}, "lessons: 1002 images of 10 classes are needed"),
        ({"images": 5000}, "images: 5000 images of 10 classes are needed"),
        ({"classes": 11}, "11 classes are needed"),
    ],
)
def test_more_than_there_is_is_said_in_a_sentence(wrong, said):
    with pytest.raises(ConfigurationError, match=said):
        build(TeachingConfiguration(rules=("class-mean",), **wrong))


def test_claims_and_arms_fit():
    assert {claim.name for claim in DECLARATION.claims} >= {"keeps", "written", "chosen", "asked", "several", "soft"}
    assert list(TeachingConfiguration(rules=("class-mean",) * 5).contradictions())
    assert DECLARATION.claims_under(TeachingConfiguration(rules=())) == ()
