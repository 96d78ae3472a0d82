"""The meta-training of spatial rivals: `python -m benchmarks.trunks [FILE]` writes the weights that digits-shown uses.

Omniglot at 14x14 (MESOCOSM_DATA), the training alphabets only, and the tasks that rules with fields are evolved on; for
*varied* the tasks that rules with eyes are made on. `python -m benchmarks.trunks FILE varied` trains only that one.
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
from mesocosm.rivals.features import SHIPPED, Trunk
from mesocosm.rivals.judges import nearest_mean
from mesocosm.rivals.learners import TRAININGS, UNSEEN, VARIED_TRAININGS
from mesocosm.rivals.school import Source, build_sources
from mesocosm.tasks.streams import Stream

SIDE, CLASSES, SEED = 14, 10, 15
SUPPORT, QUERIES = (10, 20, 40), 20
"""How many examples an episode shows (drawn evenly); on how many others it is judged. A step has one of each kind."""
BATCH = 120
"""Images of a step of training to tell all classes apart: as many as are met in episodes."""


def episode_loss(trunk: Trunk, key: Any, source: Source) -> Any:
    """Cross-entropy of the answers to questions about classes that were shown."""
    draw, length = jax.random.split(key)
    tasks = len(source.kinds)
    streams = source.draw(draw, tasks, max(SUPPORT) + QUERIES)
    shown = jnp.array(SUPPORT)[jax.random.randint(length, (tasks,), 0, len(SUPPORT))]

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


def from_episodes(source: Source, trainings: tuple[tuple[float, int], ...]) -> list[Trunk]:
    """A trunk for each (rate, steps)."""
    found: list[Trunk] = []
    for rate in dict.fromkeys(rate for rate, _ in trainings):
        lengths = [steps for r, steps in trainings if r == rate]
        first, _, begin = jax.random.split(jax.random.key(SEED), 3)
        print(f"episodes, rate {rate:g}")
        found += trained(lambda net, key: episode_loss(net, key, source), Trunk.found(begin), first, rate, lengths)
    return found


def from_labels(pixels: Any) -> list[Trunk]:
    """A trunk for each of `TRAININGS`."""
    found: list[Trunk] = []
    for rate in dict.fromkeys(rate for rate, _ in TRAININGS):
        lengths = [steps for r, steps in TRAININGS if r == rate]
        _, of_labels, begin = jax.random.split(jax.random.key(SEED), 3)
        trunk = Trunk.found(begin)
        print(f"labels, rate {rate:g}")
        head = jnp.zeros((trunk(pixels[0, :1]).shape[1], pixels.shape[0]))
        nets = trained(lambda net, key: label_loss(net, key, pixels), (trunk, head), of_labels, rate, lengths)
        found += [net[0] for net in nets]
    return found


def main() -> None:
    to = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(str(package.__file__)).with_name(SHIPPED)
    wanted = sys.argv[2:] or ["episodes", "labels", "varied"]
    kept: dict[str, np.ndarray] = dict(np.load(to)) if to.exists() else {}
    found: dict[str, list[Trunk]] = {}
    source = build_sources(Schooling(source="omniglot", side=SIDE, classes=CLASSES))[0]
    if "episodes" in wanted:
        found["episodes"] = from_episodes(source, TRAININGS)
    if "labels" in wanted:
        found["labels"] = from_labels(source.pools[0].inputs)
    if "varied" in wanted:
        varied = build_sources(Schooling(source="varied", side=SIDE, classes=CLASSES))[0]
        found["varied"] = from_episodes(varied, VARIED_TRAININGS)
    kept |= {
        f"{kind} {part} {level}": np.stack([np.asarray(getattr(t, part)[level], np.float16) for t in trunks])
        for kind, trunks in found.items()
        for part in ("kernels", "biases")
        for level in range(len(trunks[0].biases))
    }
    np.savez_compressed(to, **kept)  # type: ignore[arg-type]
    print(f"{to}: {to.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
