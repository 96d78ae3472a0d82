"""The mind of `school` against its witness, in every bit of acts and brains, on random lives."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mesocosm.core.random import Bits, seed_words
from mesocosm.experiments.school.taste import senses_of
from mesocosm.minds.mind import Draw, Experience
from mesocosm.minds.pupil.net import Pupil
from mesocosm.minds.pupil.parameters import PupilParameters
from mesocosm.minds.pupil.words import Wiring
from tests.reference.pupil_witness import Body

N, TICKS = 24, 150
CASES = {
    "8-8-2": (("odour", "touch"), 2, PupilParameters()),
    "stops": (("odour", "touch"), 2, PupilParameters(learns_until=40, crossed_senses=0.5, without=("trace",))),
    "signals": (("trend", "touch", "energy"), 4, PupilParameters(hidden=5, crossed=1.0, bite=48)),
}


def brains_of(body: Body) -> dict[str, object]:
    return {"actor": body.w, "critic": body.v, "acted": body.e, "valued": body.f, "age": body.age}


@partial(jax.jit, static_argnums=0)
def lives(shape, mind, bits, genomes, ids, words, seen, eaten, met):
    """Acts [ticks, bodies] and brains at birth and at the end, of bodies that see, eat and meet what they are told."""
    born = jax.vmap(lambda g, i: mind.develop(Draw(bits, i, jnp.uint32(0)), g, None))(genomes, ids)

    def tick(brains, lived):
        word, now, ate, touched, then = lived

        def one(genome, brain, id, word, now, ate, touched, then):
            brain, act = mind.act(Draw(bits, id, word), genome, brain, now)
            told = Experience(now, act, {"eaten": ate, "met": touched}, then, jnp.bool_(False))
            return mind.learn(genome, brain, told), act

        return jax.vmap(one)(genomes, brains, ids, word, now, ate, touched, then)

    end, acts = jax.lax.scan(tick, born, (words, seen[:-1], eaten, met, seen[1:]))
    return born, end, acts


@pytest.mark.parametrize("case", CASES)
def test_acts_and_brains_agree_in_every_bit(case):
    senses, n_acts, p = CASES[case]
    wiring = Wiring.of(senses_of(senses))
    mind = Pupil(p, wiring, n_acts)
    draw = np.random.default_rng(8)
    genomes = draw.integers(-128, 128, (N, mind.n_loci)).astype(np.int8)
    genomes[: N // 2, -7:-2] = draw.integers(60, 128, (N // 2, 5))  # half of them learn fast and see far
    words = draw.integers(0, 2**16, (TICKS, N)).astype(np.uint32)
    seen = draw.integers(0, wiring.n_stimuli, (TICKS + 1, N)).astype(np.int32)
    eaten = (draw.integers(0, 3, (TICKS, N)) * draw.integers(0, 70, (TICKS, N))).astype(np.int32)
    met = draw.integers(0, 2, (TICKS, N)).astype(np.int32)
    bits = Bits.at(seed_words(5), jnp.uint32(0), jnp.int32(7))
    ids = jnp.arange(1, N + 1, dtype=jnp.int32)
    born, end, acts = jax.tree.map(np.asarray, lives(case, mind, bits, genomes, ids, words, seen, eaten, met))
    first, second = (np.asarray(word) & 0xFFFF for word in bits.of(ids, 0x30000))
    np.testing.assert_array_equal(born["crossed"], first < round(65536 * p.crossed))
    np.testing.assert_array_equal(born["crossed_senses"], second < round(65536 * p.crossed_senses))
    for k in range(N):
        crossed = int(born["crossed"][k]), int(born["crossed_senses"][k])
        body = Body(genomes[k], wiring.levels, p.hidden, n_acts, *crossed, p.bite, p.learns_until, p.without)
        for t in range(TICKS):
            act = body.act(int(seen[t, k]), int(words[t, k]))
            assert act == acts[t, k], (k, t)
            body.learn(int(seen[t, k]), act, int(eaten[t, k]), int(met[t, k]), int(seen[t + 1, k]))
        for name, value in brains_of(body).items():
            np.testing.assert_array_equal(end[name][k], value, err_msg=f"{name} of body {k}")
    assert (end["actor"] != born["actor"]).any(axis=(1, 2)).mean() > 0.4, "they learnt"
    assert {0, 1} <= set(acts.ravel().tolist())
