"""Learning rules: the factored form against the naive one, the fast cell, and a generation of the preset `paper`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mesocosm.rules.form import RuleForm
from mesocosm.rules.net import Net
from mesocosm.rules.rule import build_net

SIZES = (196, 10)
STEPS = 50
"""Examples in a round; a round of one net has STEPS * 1960 synapse-ticks."""
NETS = 8
WIDE = RuleForm(messages=4, hidden=4, symmetric=True)
"""Wider messages beside the same memory: what is factored out is most of the products."""


def naive_change(net: Net, genome: Any, state: Any, x: Any, label: Any) -> Any:
    """One tick in which every synapse puts f, b and h in a row and multiplies them by one matrix."""
    seen = net.forward(genome, state, x)
    returned, replies = net.backward(genome, state, seen, label)
    genes = genome.synapse[0]
    whole = jnp.concatenate([genes["A"], genes["B"], genes["U"]], axis=1)

    def one(f: Any, b: Any, h: Any, c: Any) -> Any:
        gates = whole @ jnp.concatenate([f, b, h]) + genes["bias"]
        i, forget, new, o = jnp.split(gates, 4)
        c = jax.nn.sigmoid(forget) * c + jax.nn.sigmoid(i) * jnp.tanh(new)
        return jax.nn.sigmoid(o) * jnp.tanh(c), c

    row = jax.vmap(one, in_axes=(1, None, 1, 1), out_axes=1)
    synapses = jax.vmap(row, in_axes=(None, 1, 1, 1), out_axes=1)(seen.sent[0], replies[0], *state.synapses[0])
    rest = net.change(genome, state, seen, returned, replies)
    return type(state)((synapses,), rest.neurons)


def factored_change(net: Net, genome: Any, state: Any, x: Any, label: Any) -> Any:
    return net.learn(genome, state, x, label)[0]


def _side(form: RuleForm, change: Callable[..., Any]) -> Callable[[], float]:
    """A round of NETS nets; returns ns a synapse-tick."""
    net = build_net(form, SIZES)
    genome = net.found(jax.random.key(0))
    x = jax.random.normal(jax.random.key(1), (NETS, STEPS, SIZES[0]))
    y = jax.nn.one_hot(jnp.arange(STEPS) % SIZES[1], SIZES[1])

    @jax.jit
    def many(genome: Any, x: Any) -> Any:
        def one(x: Any) -> Any:
            state = net.begin(genome, net.noise(jax.random.key(2)))
            step = lambda state, pair: (change(net, genome, state, *pair), None)  # noqa: E731
            return jax.lax.scan(step, state, (x, y))[0].synapses[0]

        return jax.vmap(one)(x)

    def round() -> float:
        began = time.perf_counter()
        jax.block_until_ready(many(genome, x))
        return (time.perf_counter() - began) / (NETS * STEPS * SIZES[0] * SIZES[1]) * 1e9

    round.result = lambda: many(genome, x)  # type: ignore[attr-defined]
    round()
    return round


def table(rounds: int = 9) -> dict[str, np.ndarray]:
    """ns a synapse-tick of each side, all in turns, on one core."""
    sides = {
        "naive": _side(RuleForm(), naive_change),
        "factored": _side(RuleForm(), factored_change),
        "fast": _side(RuleForm(fast=True), factored_change),
        "bilinear": _side(RuleForm("bilinear"), factored_change),
        "hebbian": _side(RuleForm("hebbian"), factored_change),
        "naive, m = 4": _side(WIDE, naive_change),
        "factored, m = 4": _side(WIDE, factored_change),
    }
    for pair in (("naive", "factored"), ("naive, m = 4", "factored, m = 4")):
        same = [jax.tree.leaves(sides[name].result()) for name in pair]  # type: ignore[attr-defined]
        assert all(np.allclose(a, b, rtol=1e-4, atol=1e-5) for a, b in zip(*same, strict=True)), "one rule in two forms"
    found: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            found[name].append(side())
    return {name: np.array(values) for name, values in found.items()}


def _paper() -> Any:
    from mesocosm.experiments.digits.declaration import PRESETS, DigitsConfiguration
    from mesocosm.experiments.digits.system import build
    from mesocosm.record.configuration import from_dict

    search = {"searcher": "cma-es", "population": 32}
    return build(from_dict(DigitsConfiguration, PRESETS["paper"] | {"search": search})).experiment


def generation(rounds: int = 3) -> np.ndarray:
    """Seconds for a generation of the preset `paper`: 32 genomes x 8 tasks x 50 examples in nets 196-32-10."""
    from mesocosm.core import Bits
    from mesocosm.core.random import seed_words

    experiment, seed, seconds = _paper(), seed_words(0), []
    tick = jax.jit(lambda state, t: experiment.tick(Bits.at(seed, jnp.uint32(0), t), state)[0])
    state = experiment.init(Bits.founding(seed, jnp.uint32(0)))
    for t in range(rounds + 1):
        began = time.perf_counter()
        state = jax.block_until_ready(tick(state, jnp.int32(t)))
        seconds.append(time.perf_counter() - began)
    return np.array(seconds[1:])


def episode_flops() -> float:
    """Floating-point operations of one genome in one task of the preset `paper`, counted on the jaxpr."""
    from mesocosm.core.flops import flops
    from mesocosm.rivals.school import prequential_loss
    from mesocosm.rules.rule import EvolvedRule

    experiment = _paper()
    stream = jax.eval_shape(lambda key: experiment.train.draw(key, 1, experiment.n_examples), jax.random.key(0))
    one = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), stream)

    def episode(numbers: Any, stream: Any) -> Any:
        rule = EvolvedRule(experiment.net, experiment.genome(numbers))
        return prequential_loss(rule, jax.random.key(0), stream, experiment.net.sizes[-1])

    return flops(episode, experiment.founder, one)


def matmul_peak(size: int = 1024, rounds: int = 7) -> float:
    """Operations a second of a float32 product of square matrices on the cores there are: the best round."""
    a = jax.random.normal(jax.random.key(0), (size, size))
    product = jax.jit(lambda a: a @ a)
    jax.block_until_ready(product(a))
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        jax.block_until_ready(product(a))
        seconds.append(time.perf_counter() - began)
    return 2 * size**3 / min(seconds)
