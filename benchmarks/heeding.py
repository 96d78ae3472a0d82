"""Does it help to forget how often a level of keys was right? `python -m benchmarks.heeding`

A stream whose drawing changes, A, B, A, B, 30 examples each; the answer is one of ten classes. A: five digits of MNIST.
B: any digits, each in one of five slants, and the class is the slant, which the first level has learnt to overlook.
Beside it a stream that does not change: all ten digits, 120 of them. What an answer counts (`trust`) and how fast that
is forgotten (`forgets`) are chosen with one rule on some streams of both sorts, with and without forgetting, and told
of other rules on other streams. Only training images are met. 14 x 14 (MESOCOSM_DATA).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from mesocosm import rules
from mesocosm.core.sampling import warped
from mesocosm.rivals.table import interval
from mesocosm.rules.brain import BrainGenome, that_forgets
from mesocosm.rules.rule import EvolvedRule, build_net
from mesocosm.tasks.sets import load
from mesocosm.tasks.streams import Pool, Stream
from mesocosm.tasks.variety import as_images, halved

TRUSTS, FORGETS = (0.2, 0.5, 1.0, 2.0), (0.0, 0.02, 0.05, 0.1, 0.2)
CHOSEN_WITH, TOLD_OF, TRIED, TOLD = "eyes-0", ("eyes-1", "eyes-2", "eyes-3"), 24, 60
EACH, BLOCKS, SIDE = 30, 4, 14
SLANTS = jnp.array([-0.8, -0.4, 0.0, 0.4, 0.8])
"""Sideways a row of height 1; each drawing has a tenth more or less besides."""


def changing(key: Array, digits: Pool, large: Array) -> Stream:
    """A, B, A, B. `large` [images, 28, 28]: ink from 0 to 1, from which B is drawn."""
    of_a, of_b, which, move = jax.random.split(key, 4)
    n = BLOCKS // 2 * EACH
    labels = jax.random.randint(of_b, (n,), 0, len(SLANTS))
    slant = SLANTS[labels] + 0.1 * jax.random.normal(move, (n,))
    sheared = jnp.zeros((n, 2, 2)).at[:, 0, 0].set(1).at[:, 1, 1].set(1).at[:, 1, 0].set(slant)
    drawn = large[jax.random.randint(which, (n,), 0, large.shape[0])]
    b = as_images(halved(warped(drawn, sheared, jnp.zeros((n, 2)))).reshape(n, -1))
    parts = digits.draw(of_a, n, len(SLANTS)), Stream(b, labels + len(SLANTS))
    blocks = [jax.tree.map(lambda v, k=k: v[k // 2 * EACH :][:EACH], parts[k % 2]) for k in range(BLOCKS)]
    return jax.tree.map(lambda *those: jnp.concatenate(those), *blocks)


def still(key: Array, digits: Pool, large: Array) -> Stream:
    return digits.draw(key, BLOCKS * EACH, 10)


def named(learner: Any, stream: Stream) -> Array:
    """Whether each example was named rightly before it was told, and how far the second level was heeded. [n, 2]"""
    heeded, genes = learner.net.areas.areas[-1], learner.genome.areas[-1]

    def lesson(state: Any, pair: tuple[Array, Array]) -> tuple[Any, Array]:
        share = heeded.shares(genes, state[-1])[1]
        state, answer = learner.learn(state, pair[0], jax.nn.one_hot(pair[1], 10))
        return state, jnp.stack([jnp.where(jnp.argmax(answer) == pair[1], 1.0, 0.0), share])

    return jax.lax.scan(lesson, learner.begin(jax.random.key(0)), (stream.inputs, stream.labels))[1]


def learner_of(name: str, trust: float, forgets: float) -> EvolvedRule:
    rule: Any = rules.load(name)
    form, genome = that_forgets(rule.form, rule.genome, forgets)
    *before, last = genome.areas
    genome = BrainGenome([*before, last | {"trust": jnp.asarray(trust, jnp.float32)}])
    return EvolvedRule(build_net(form, (SIDE**2, 128, 10)), genome)


def main() -> None:
    large = jnp.asarray(load("mnist", 2 * SIDE, "train").inputs[:6000].reshape(-1, 2 * SIDE, 2 * SIDE), jnp.float32)
    digits = Pool.of(load("mnist", SIDE, "train"), 400)

    def of(kind: Callable[..., Stream]) -> Callable[[str, tuple[float, float], Array], np.ndarray]:
        live = jax.jit(lambda learner, key: named(learner, kind(key, digits, large)))

        def blocks(name: str, genes: tuple[float, float], keys: Array) -> np.ndarray:
            """Means of both in each block [streams, blocks, 2]."""
            learner = learner_of(name, *genes)
            found = np.array([live(learner, key) for key in keys])
            return found.reshape(len(keys), BLOCKS, EACH, 2).mean(axis=2)

        return blocks

    kinds = {kind.__name__: of(kind) for kind in (changing, still)}
    tried, told = (jax.random.split(jax.random.key(seed), n) for seed, n in ((5, TRIED), (6, TOLD)))
    found = {
        genes: np.mean([100 * lives(CHOSEN_WITH, genes, tried)[..., 0].mean() for lives in kinds.values()])
        for genes in itertools.product(TRUSTS, FORGETS)
    }
    for trust in TRUSTS:
        print(f"trust {trust:g}:", *(f"{found[trust, forgets]:.1f}" for forgets in FORGETS), flush=True)
    never = max((g for g in found if not g[1]), key=lambda g: found[g])
    forgets = max((g for g in found if g[1]), key=lambda g: found[g])
    for word, lives in kinds.items():
        those = [np.array([lives(name, g, told) for name in TOLD_OF]) for g in ((0.2, 0.0), never, forgets)]
        for genes, own in zip(("as shipped", never, forgets), those, strict=True):
            right, share = (100 * own[..., k].mean(axis=(0, 1)) for k in (0, 1))
            less = [
                "{:+.1f} [{:+.1f}, {:+.1f}]".format(*(100 * v for v in interval((own - other)[..., 0].mean(axis=2))))
                for other in those[:2]
            ]
            print(
                f"{word}, {genes}: {np.round(right, 1)}, second heeded {np.round(share)}, less both {less}", flush=True
            )


if __name__ == "__main__":
    main()
