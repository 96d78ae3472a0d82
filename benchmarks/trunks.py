"""The meta-training of spatial rivals: `python -m benchmarks.trunks [FILE]` writes the weights that digits-shown uses.

Omniglot at 14x14 (MESOCOSM_DATA), the training alphabets only, and the tasks that rules with fields are evolved on.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import mesocosm.rivals as package
from mesocosm.experiments.digits.declaration import Schooling
from mesocosm.rivals.baselines import UNSEEN
from mesocosm.rivals.features import SHIPPED, Trunk, nearest_mean
from mesocosm.rivals.learners import TRAININGS
from mesocosm.rivals.school import Source, build_sources
from mesocosm.tasks.streams import Stream

SIDE, CLASSES, SEED = 14, 10, 15
TASKS, SUPPORT, QUERIES = 2, (10, 20, 40), 20
"""Episodes of a step; how many examples an episode may show (drawn evenly); on how many others it is judged."""
BATCH = 120
"""Images of a step of training to tell all classes apart: as many as are met in episodes."""


def episode_loss(trunk: Trunk, key: Any, source: Source) -> Any:
    """Cross-entropy of the answers to questions about classes that were shown."""
    draw, length = jax.random.split(key)
    streams = source.draw(draw, TASKS, max(SUPPORT) + QUERIES)
    shown = jnp.array(SUPPORT)[jax.random.randint(length, (TASKS,), 0, len(SUPPORT))]

    def one(stream: Stream, n: Any) -> Any:
        features = trunk(stream.inputs)
        told = (jnp.arange(max(SUPPORT)) < n)[:, None] * jax.nn.one_hot(stream.labels[: max(SUPPORT)], source.classes)
        is_known = jnp.sum(told, axis=0) > 0
        scores = nearest_mean(features[: max(SUPPORT)], told, features[max(SUPPORT) :], 0.0) * features.shape[1]
        answers = jax.nn.log_softmax(jnp.where(is_known[None, :], scores, UNSEEN))
        asked = stream.labels[max(SUPPORT) :]
        right = jnp.take_along_axis(answers, asked[:, None], axis=1)[:, 0]
        return -jnp.sum(jnp.where(is_known[asked], right, 0)) / jnp.maximum(jnp.sum(is_known[asked]), 1)

    return jnp.mean(jax.vmap(one)(streams, shown))


def label_loss(net: tuple[Trunk, Any], key: Any, pixels: Any) -> Any:
    """Cross-entropy of a linear answer to which of all classes an image is of. `pixels` [classes, each, pixels]."""
    which = jax.random.randint(key, (2, BATCH), 0, jnp.array([[n] for n in pixels.shape[:2]]))
    answers = jax.nn.log_softmax(net[0](pixels[which[0], which[1]]) @ net[1])
    return -jnp.mean(jnp.take_along_axis(answers, which[0][:, None], axis=1))


def trained(loss: Any, net: Any, key: Any, rate: float, lengths: list[int]) -> list[Any]:
    """The net after each number of steps of Adam. `key` is consumed."""
    import optax

    optimiser = optax.adam(rate)

    @jax.jit
    def train(net: Any, state: Any, keys: Any) -> tuple[Any, Any]:
        def step(carry: Any, key: Any) -> tuple[Any, Any]:
            net, state = carry
            value, slope = jax.value_and_grad(loss)(net, key)
            updates, state = optimiser.update(slope, state, net)
            return (jax.tree.map(jnp.add, net, updates), state), value

        return jax.lax.scan(step, (net, state), keys)

    state, keys, begin, found = optimiser.init(net), jax.random.split(key, max(lengths)), 0, []
    for end in lengths:
        began = time.perf_counter()
        (net, state), losses = train(net, state, keys[begin:end])
        print(f"  step {end}: loss {float(losses[-100:].mean()):.3f}, {time.perf_counter() - began:.0f} s", flush=True)
        found.append(net)
        begin = end
    return found


def main() -> None:
    source = build_sources(Schooling(source="omniglot", side=SIDE, classes=CLASSES))[0]
    pixels = source.pools[0].inputs
    found: dict[str, list[Trunk]] = {"episodes": [], "labels": []}
    for rate in dict.fromkeys(rate for rate, _ in TRAININGS):
        lengths = [steps for r, steps in TRAININGS if r == rate]
        first, of_labels, begin = jax.random.split(jax.random.key(SEED), 3)
        trunk = Trunk.found(begin)
        print(f"episodes, rate {rate:g}")
        found["episodes"] += trained(lambda net, key: episode_loss(net, key, source), trunk, first, rate, lengths)
        print(f"labels, rate {rate:g}")
        head = jnp.zeros((trunk(pixels[0, :1]).shape[1], pixels.shape[0]))
        nets = trained(lambda net, key: label_loss(net, key, pixels), (trunk, head), of_labels, rate, lengths)
        found["labels"] += [net[0] for net in nets]
    kept = {
        f"{kind} {part} {level}": np.stack([np.asarray(getattr(t, part)[level], np.float16) for t in trunks])
        for kind, trunks in found.items()
        for part in ("kernels", "biases")
        for level in range(len(trunks[0].biases))
    }
    to = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(str(package.__file__)).with_name(SHIPPED)
    np.savez_compressed(to, **kept)  # type: ignore[arg-type]
    print(f"{to}: {to.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
