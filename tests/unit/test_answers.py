"""Programs that predict: shared by nets of one kind, few, forgotten with all others, and as a user set nothing."""

import gc
import pickle
from dataclasses import replace
from weakref import ref

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mesocosm import rules
from mesocosm.core import programs
from mesocosm.core.flags import called_as_it_comes
from mesocosm.record import given
from mesocosm.rules import answers


def examples(n, pixels=9):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, pixels)), np.arange(n) % 3


@pytest.fixture
def compiled(monkeypatch):
    """The programs that are kept; at first none."""
    monkeypatch.setattr(answers, "_by_kind", {})
    return lambda: len(answers._by_kind)


def test_nets_of_one_kind_share_a_program_and_answer_each_by_its_own():
    """Two rules with genes of their own, in nets alike, of which each has learnt something else."""
    x, y = examples(20)
    first = rules.load("class-mean", classes=3).learn(x, y)
    second = replace(first.fresh(), genome=jax.tree.map(lambda gene: gene * 1.25, first.genome)).learn(x[::-1], y[::-1])
    before = len(answers._by_kind)
    found = [rule.logits(x) for rule in (first, second, first)]
    assert len(answers._by_kind) <= before + 1 and np.array_equal(found[0], found[2])
    for rule, logits in zip((first, second), found, strict=False):
        seen = given.standardised(x.astype(float))
        assert rule._learner is not None
        wanted = [rule._learner.predict(rule._state, jnp.asarray(example)) for example in seen]
        assert np.allclose(logits, wanted, rtol=1e-5, atol=1e-6)
    assert not np.allclose(found[0], found[1])


def test_programs_that_were_used_longest_ago_go_first(compiled, monkeypatch):
    monkeypatch.setattr(answers, "_MOST", 2)
    often, once, other = (rules.load("class-mean").learn(*examples(9, pixels)) for pixels in (4, 5, 6))
    for rule, pixels in ((often, 4), (once, 5), (often, 4), (other, 6), (often, 4)):
        kept = set(answers._by_kind)
        rule.logits(examples(9, pixels)[0])
    assert compiled() == 2 and kept == set(answers._by_kind), "the one in use was compiled anew"
    assert np.array_equal(once.logits(examples(9, 5)[0]), once.logits(examples(9, 5)[0])) and compiled() == 2


def test_room_is_made_by_forgetting_these_programs_too(compiled, monkeypatch):
    x, y = examples(9)
    rule = rules.load("class-mean").learn(x, y)
    wanted = rule.logits(x)
    (program,) = map(ref, answers._by_kind.values())
    monkeypatch.setattr(jax, "clear_caches", lambda: None)  # other tests have theirs
    assert programs.make_room(share=0.0) and not compiled()
    assert program() is None, "somebody else holds it"
    assert np.array_equal(rule.logits(x), wanted) and compiled() == 1


def test_nobody_keeps_what_a_rule_that_is_gone_has_learnt(compiled):
    x, y = examples(9)
    rule = rules.load("class-mean").learn(x, y)
    rule.logits(x)
    learner = ref(rule._learner)
    del rule
    gc.collect()
    assert learner() is None and compiled() == 1


def test_a_rule_that_has_answered_is_kept_and_given_on_as_any():
    x, y = examples(9)
    rule = rules.load("class-mean").learn(x, y)
    wanted = rule.logits(x)
    assert np.array_equal(pickle.loads(pickle.dumps(rule)).logits(x), wanted)
    assert rule.fresh()._answers is None


def test_a_rule_that_diverged_answers_where_jax_stops_at_nan():
    """Its answers are no numbers; that is for the reader to see, under a user's own flag too, which still holds."""
    x, y = examples(9)
    rule = rules.load("class-mean")
    rule = replace(rule, genome=jax.tree.map(lambda gene: gene * np.float32(np.nan), rule.genome)).learn(x, y)
    with jax.debug_nans(True):
        assert np.isnan(rule.logits(x)).all()
        with pytest.raises(FloatingPointError):
            jnp.log(jnp.float32(-1))


def test_a_compiled_program_stops_at_nothing():
    zero = np.float32(0)
    program = jax.jit(lambda x: (x / x, 1 / x)).lower(zero).compile()
    for flag in (jax.debug_nans, jax.debug_infs):
        with flag(True):
            nan, infinite = called_as_it_comes(program, zero)
        assert np.isnan(nan) and np.isinf(infinite)
