"""The rules with eyes that come with the project: `python -m benchmarks.eyes [FOLDER] [HOW_MANY]` makes them anew.

Each is written by hand but for its innate synapses, which are what a childhood of tasks leaves, refined by a gradient
over further tasks: Omniglot's training alphabets (MESOCOSM_DATA), random strokes, random blobs, each drawing slanted,
scaled, shifted and thickened by chance.
The rules differ by the tasks they met. `python -m benchmarks.eyes src/mesocosm/rivals` makes what rivals have of the
same tasks.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from mesocosm.rivals.features import FIELDS, SIDE, STATISTICS, Glance, RandomFields, random_fields
from mesocosm.rivals.parameters import Schooling
from mesocosm.rivals.school import Kind, Source, build_sources
from mesocosm.rules.areas import Chain
from mesocosm.rules.brain import BrainGenome, build_brain, perception
from mesocosm.rules.form import BrainForm
from mesocosm.rules.innate import Childhood, innate
from mesocosm.rules.refined import refined
from mesocosm.rules.rule import Rule, load

FORM = BrainForm(features=128, second=6, rehearsals=60)
TASKS, EXAMPLES, AT_ONCE = 120, 100, 4
"""Tasks of each kind, examples of each, tasks drawn at once."""
SHARPER = 3.0
"""How sharply keys are tuned that hear what is refined."""
STEPS, RATE, REFINED_EXAMPLES = 300, 0.003, 80
"""Of the gradient: steps of two tasks of each kind, the first step's size, examples of a task."""


def childhoods(source: Source, look: Callable[[Array], Array], seed: int) -> list[Childhood]:
    """What is met of each kind of tasks, as an area sees it that was not yet born with anything."""

    def met(kind: Kind) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        @jax.jit
        def some(keys: Array) -> tuple[Array, Array]:
            streams = jax.vmap(lambda key: kind(key, EXAMPLES, source.classes))(keys)
            return jax.vmap(look)(streams.inputs), streams.labels

        for keys in jax.random.split(jax.random.key(seed), (TASKS // AT_ONCE, AT_ONCE)):
            heard, labels = some(keys)
            yield from zip(np.asarray(heard, np.float64), np.asarray(labels), strict=True)

    return [Childhood.of(met(kind)) for kind in source.kinds]


def raised(source: Source, seed: int, form: BrainForm = FORM) -> BrainGenome:
    """The genome written by hand, with the innate synapses that a childhood leaves, and the gradient refines."""
    one = replace(form, second=0)
    first = build_brain(one, (source.pixels, source.classes)).found(jax.random.key(0)).areas
    views, genes = Chain(perception(one)[:1]), first[1:2]
    look = Glance(views, genes, views.begin(genes, form.side**2, jax.random.key(0)))

    def draw(key: Array) -> tuple[Array, Array]:
        streams = source.draw(key, 2 * len(source.kinds), REFINED_EXAMPLES)
        return jax.vmap(look)(streams.inputs), streams.labels

    usual, strengths = innate(childhoods(source, look, seed), form.features)
    usual, strengths, losses = refined(
        usual, strengths, draw, source.classes, STEPS, RATE, jax.random.fold_in(jax.random.key(seed), 1)
    )
    print(f"loss {losses[:20].mean():.3f} -> {losses[-20:].mean():.3f}", flush=True)
    first[-1]["sharpness"] = jnp.array(SHARPER)
    first[2] = {"usual": jnp.asarray(_halves(usual)), "strengths": jnp.asarray(_halves(strengths))}
    whole = build_brain(form, (source.pixels, source.classes)).found(jax.random.key(0)).areas
    if form.second:
        whole[1]["areas"][0] = first[1:]
        return BrainGenome(whole)
    return BrainGenome(first)


def _halves(values: np.ndarray) -> np.ndarray:
    """At most 1, which cosines do not mind, in as many digits as are kept in the file."""
    return (values / max(1.0, np.abs(values).max())).astype(np.float16).astype(np.float32)


def statistics(source: Source) -> dict[str, np.ndarray]:
    """Of the roots of random fields' energies: what decorrelates them over other tasks, and a metric learnt there."""
    fields = RandomFields(*random_fields(SIDE, FIELDS))
    met = childhoods(source, lambda x: jnp.sqrt(fields(x)), 100)
    usual, metric = innate(met, FORM.features)
    total = np.mean([c.within + c.between for c in met], axis=0)
    variance, axes = np.linalg.eigh(total)
    white = (axes / np.sqrt(variance + 0.03 * variance.mean()))[:, -192:]
    kept = {"decorrelated fields matrix": white, "metric fields matrix": metric}
    kept = {name: values / np.abs(values).max() for name, values in kept.items()}
    kept |= {"decorrelated fields usual": usual, "metric fields usual": usual}
    return {name: values.astype(np.float16) for name, values in kept.items()}


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("src/mesocosm/rules/shipped")
    source = build_sources(Schooling(source="varied", side=FORM.side))[0]
    if folder.name == "rivals":
        np.savez_compressed(folder / STATISTICS, **statistics(source))  # type: ignore[arg-type]
        return
    for seed in range(int(sys.argv[2]) if len(sys.argv) > 2 else 6):
        began = time.perf_counter()
        genome = raised(source, seed)
        seconds = round(time.perf_counter() - began, 1)
        made = {
            "command": "python -m benchmarks.eyes",
            "seed": seed,
            "examples": len(source.kinds) * (TASKS * EXAMPLES + 2 * STEPS * REFINED_EXAMPLES),
            "seconds": seconds,
        }
        Rule(FORM, genome, made).save(folder / f"eyes-{seed}.json")
        print(f"eyes-{seed}: {genome.size} numbers, {seconds} s; {_beside_shipped(seed, genome)}", flush=True)


def _beside_shipped(seed: int, genome: BrainGenome) -> str:
    shipped = load(f"eyes-{seed}").genome
    if all(map(np.array_equal, jax.tree.leaves(genome), jax.tree.leaves(shipped))):
        return "to the bit the one that is shipped"
    return "another than the one that is shipped"


if __name__ == "__main__":
    main()
