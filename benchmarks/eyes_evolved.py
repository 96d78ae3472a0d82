"""Are the few numbers of areas better evolved than set by hand? `python -m benchmarks.eyes_evolved FOLDER [JUDGE]`

Each of three shipped rules with eyes begins a search of its own (CMA-ES) over all its genes but fields and innate
synapses: of views, keys, and how levels are heeded, as multiples of what was set by hand. A generation is judged by how
many images are named rightly after 10, 20 and 50 examples of the same varied tasks (Omniglot's training alphabets,
strokes, blobs), in nets of 50 keys. The centre of each is then judged, beside the rule that it began with, on streams
of held-out alphabets that no search met (MESOCOSM_DATA), in nets of 128 keys. Rules are written to FOLDER; with the
word JUDGE those that are there are judged and none is searched.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from mesocosm import rules
from mesocosm.evolution.build import build_searcher
from mesocosm.evolution.parameters import SearchParameters
from mesocosm.rivals.parameters import Schooling
from mesocosm.rivals.school import Source, build_sources, hits_after
from mesocosm.rivals.table import interval
from mesocosm.rules.rule import EvolvedRule, build_net
from mesocosm.tasks.sets import load as load_data
from mesocosm.tasks.sets import with_rotations
from mesocosm.tasks.streams import Pool

RULES = tuple(f"eyes-{k}" for k in range(3))
GENERATIONS, POPULATION, SIGMA = 40, 12, 0.15
"""Of a search; sigma is of the logarithm of a number."""
TASKS, SHOWN, TESTS = 9, (10, 20, 50), 50
"""Of a generation: tasks, a third of each kind; examples after which a life is judged; on how many images."""
JUDGED, STREAMS, IMAGES = (10, 20, 50, 100), 60, 100
FEW = 2
"""Genes of no more numbers are searched: all but fields and synapses."""


def few_of(genome: Any) -> tuple[list[str], np.ndarray]:
    """Names of the few numbers, and the numbers [d]."""
    leaves = [(path, leaf) for path, leaf in jax.tree_util.tree_flatten_with_path(genome)[0] if leaf.size <= FEW]
    names = [jax.tree_util.keystr(path, simple=True, separator=".") for path, leaf in leaves for _ in range(leaf.size)]
    return names, np.concatenate([np.ravel(leaf) for _, leaf in leaves])


def moved(genome: Any, z: Array) -> Any:
    """The genome with its few numbers as multiples [d] of what they are (logarithms; to what is 0 it is added)."""
    leaves, treedef = jax.tree.flatten(genome)
    out, at = [], 0
    for leaf in leaves:
        if leaf.size <= FEW:
            own = z[at : at + leaf.size].reshape(leaf.shape)
            at += leaf.size
            out.append(jnp.where(leaf == 0, own, leaf * jnp.exp(own)))
        else:
            out.append(leaf)
    return treedef.unflatten(out)


def searches(form: Any, source: Source, d: int) -> Callable[[Any, int], tuple[Any, np.ndarray]]:
    """From a founding genome and a seed to the genome that a search ends with, and mean errors in each generation."""
    net = build_net(form, (source.pixels, max(SHOWN), source.classes))
    searcher = build_searcher(SearchParameters("cma-es", population=POPULATION, sigma=SIGMA), d)

    @jax.jit
    def generation(founder: Any, state: Any, key: Array) -> tuple[Any, Array]:
        of_tasks, of_members, begin = jax.random.split(key, 3)
        streams = source.draw(of_tasks, TASKS, max(SHOWN) + TESTS)

        def wrong(z: Array) -> Array:
            learner = EvolvedRule(net, moved(founder, z))
            hits = jax.vmap(lambda s: hits_after(learner, begin, s, SHOWN, source.classes))(streams)
            return 1 - jnp.mean(hits.astype(jnp.float32)) / TESTS

        state, losses = searcher.step(of_members, state, lambda members: jax.lax.map(wrong, members))
        return state, jnp.mean(losses)

    def search(founder: Any, seed: int) -> tuple[Any, np.ndarray]:
        state, curve = searcher.found(jnp.zeros(d)), []
        for key in jax.random.split(jax.random.key(1000 + seed), GENERATIONS):
            state, loss = generation(founder, state, key)
            curve.append(float(loss))
        return moved(founder, searcher.centre(state)), np.array(curve)

    return search


def judged(genomes: list[Any], form: Any, pool: Pool) -> np.ndarray:
    """Accuracy [genomes, streams, n] on the same streams."""
    net = build_net(form, (pool.inputs.shape[2], 128, 10))

    @jax.jit
    def hits(genome: Any, key: Array) -> Array:
        return hits_after(EvolvedRule(net, genome), key, pool.draw(key, max(JUDGED) + IMAGES, 10), JUDGED, 10)

    keys = jax.random.split(jax.random.key(77), STREAMS)
    return np.array([[hits(genome, key) for key in keys] for genome in genomes]) / IMAGES


def main() -> None:
    folder, is_judged_only = Path(sys.argv[1]), "JUDGE" in sys.argv[2:]
    source = build_sources(Schooling(source="varied", side=14))[0]
    began = [rules.load(name) for name in RULES]
    names = few_of(began[0].genome)[0]
    search = searches(began[0].form, source, len(names))
    for seed, rule in enumerate(began if not is_judged_only else []):
        since = time.process_time()
        genome, curve = search(rule.genome, seed)
        seconds = round(time.process_time() - since)
        lives = GENERATIONS * POPULATION * TASKS
        made = rule.made | {"evolved": {"command": "python -m benchmarks.eyes_evolved", "lives": lives, "CPU": seconds}}
        folder.mkdir(parents=True, exist_ok=True)
        replace(rule, genome=genome, made=made).save(folder / f"{RULES[seed]}.json")
        print(f"{RULES[seed]}: errors {curve[:5].mean():.4f} -> {curve[-5:].mean():.4f}, {seconds} CPU-s", flush=True)
    ended = [rules.load(folder / f"{name}.json") for name in RULES]
    by_hand, evolved = (np.array([few_of(rule.genome)[1] for rule in those]) for those in (began, ended))
    for k, name in enumerate(names):
        print(f"{name}: {np.round(by_hand[0, k], 2)} -> {np.round(evolved[:, k], 2)}")
    held_out = Pool.of(with_rotations(load_data("omniglot", 14, "validate")))
    own, before = (judged([r.genome for r in those], began[0].form, held_out) for those in (ended, began))
    for k, n in enumerate(JUDGED):
        mean, low, high = (100 * v for v in interval(own[:, :, k] - before[:, :, k]))
        whole = 100 * before[:, :, k].mean(), 100 * own[:, :, k].mean()
        print(f"after {n}: by hand {whole[0]:.2f}, evolved {whole[1]:.2f}: {mean:+.2f} [{low:+.2f}, {high:+.2f}]")


if __name__ == "__main__":
    main()
