"""What a rule does to its strengths: is a change the gradient of anything, and is there a formula for it?

A change of strengths that follows the gradient of some function of them has a symmetric matrix of slopes (equal mixed
partials), whatever the function. How far a rule is from that is a number between 0 and 1.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from mesocosm.rules.form import RuleForm
from mesocosm.rules.net import Net, NetState
from mesocosm.rules.rule import EvolvedRule, Rule, build_net, sizes_for
from mesocosm.tasks.arrays import DataSet
from mesocosm.tasks.images import standardised

TERMS = ("1", "w", "f", "y", "p", "e", "fy", "fp", "fe", "wy", "wp", "we", "wf", "wfy", "ffy", "ffw")
"""What a change may be made of, products of: w the strength, f the message before it, y the label (0 or 1), p the
probability given to it, e = y - p."""

_SMALL = 24
"""Inputs of the net in which slopes are taken: their matrix has (inputs x classes)^2 entries."""


def mixed_partials(rule: Rule, data: DataSet, n: int = 30, streams: int = 4, seed: int = 0) -> float | None:
    """How far changes of the last strengths are from a gradient: |J - J'| / |J + J'| outside the diagonal.

    0: of some function it may well be the gradient; 1: the slopes have no symmetric part. None: a change does not
    depend on other strengths at all, and is trivially one. A mean over streams, after n examples of some inputs.
    """
    found = []
    for s in range(streams):
        rng = np.random.default_rng([seed, s])
        order = rng.permutation(data.labels.size)[: n + 1]
        pixels = rng.permutation(data.inputs.shape[1])[:_SMALL]
        if isinstance(rule.form, RuleForm) and rule.form.fields.channels:  # which need the whole image
            pixels = np.arange(data.inputs.shape[1])
        x = jnp.asarray(standardised(data.inputs[order][:, pixels]))
        y = jax.nn.one_hot(data.labels[order], data.n_classes)
        learner = EvolvedRule(
            build_net(rule.form, sizes_for(rule.form, x.shape[1], rule.hidden, data.n_classes)), rule.genome
        )
        slopes = np.asarray(_slopes(learner, x, y))
        slopes = slopes - np.diag(np.diag(slopes))
        size = np.linalg.norm(slopes)
        if size > 1e-6:
            found.append(np.linalg.norm(slopes - slopes.T) / max(np.linalg.norm(slopes + slopes.T), 1e-30))
    return float(np.mean(np.minimum(found, 1.0))) if found else None


@jax.jit
def _slopes(learner: EvolvedRule, x: Array, y: Array) -> Array:
    """Slopes of the last strengths after one more example on those before it, [strengths, strengths]."""
    net, genome = _net(learner), learner.genome
    state = jax.lax.scan(lambda s, pair: (net.learn(genome, s, *pair)[0], None), _begun(learner), (x[:-1], y[:-1]))[0]
    at = _strengths(net, state)

    def after(w: Array) -> Array:
        changed = _with_strengths(net, state, w.reshape(at.shape))
        return _strengths(net, net.learn(genome, changed, x[-1], y[-1])[0]).ravel()

    return jax.jacfwd(after)(at.ravel())


def _net(learner: EvolvedRule) -> Net:
    assert isinstance(learner.net, Net), "what a search of digits finds runs in a net"
    return learner.net


def _begun(learner: EvolvedRule) -> NetState:
    return learner.begin(jax.random.key(0))


def _strengths(net: Net, state: NetState) -> Array:
    """The first forward strength of each synapse of the last layer, [after, before]."""
    return net.synapse.carry(state.synapses[-1])[0][0]


def _with_strengths(net: Net, state: NetState, w: Array) -> NetState:
    last = state.synapses[-1]
    changed = (last[0].at[0].set(w), *last[1:]) if isinstance(last, tuple) else last.at[0].set(w)
    return NetState((*state.synapses[:-1], changed), state.neurons)


def formula(rule: Rule, data: DataSet, n: int = 50, streams: int = 8, most: int = 3, seed: int = 0) -> dict[str, Any]:
    """The sum of at most so many `TERMS` that comes nearest to the changes of the last strengths (least squares).

    Terms are taken greedily. Half of the streams choose and fit, the other half test.

    Returns:
      text: the formula; terms: [(term, coefficient)]; r2: share of the variance of changes it explains on the streams
      that test, after one, two, ... terms.
    """
    parts = [_changes(rule, data, n, [seed, s]) for s in range(streams)]
    fit, test = ([np.concatenate(column) for column in zip(*half, strict=True)] for half in (parts[::2], parts[1::2]))
    chosen: list[int] = []
    r2 = []
    for _ in range(most):
        rest = [i for i in range(len(TERMS)) if i not in chosen]
        chosen.append(max(rest, key=lambda i: _explained(fit, fit, [*chosen, i])[0]))
        r2.append(_explained(fit, test, chosen)[0])
    weights = _explained(fit, test, chosen)[1]
    terms = [(TERMS[i], float(w)) for i, w in zip(chosen, weights, strict=True)]
    text = "change of w = " + " ".join(f"{w:+.3g} {'' if term == '1' else term}".strip() for term, w in terms)
    return {"text": text, "terms": terms, "r2": [float(v) for v in r2]}


def _explained(fit: list[np.ndarray], test: list[np.ndarray], which: list[int]) -> tuple[float, np.ndarray]:
    """Share of the variance in `test` that these terms explain, and their weights found in `fit`."""
    weights = np.linalg.lstsq(fit[0][:, which], fit[1], rcond=None)[0]
    rest = test[1] - test[0][:, which] @ weights
    return float(1 - np.mean(rest**2) / max(np.mean((test[1] - test[1].mean()) ** 2), 1e-30)), weights


def _changes(rule: Rule, data: DataSet, n: int, seed: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Terms [changes, terms] and changes [changes] of the strengths of one stream."""
    order = np.random.default_rng(seed).permutation(data.labels.size)[:n]
    x = jnp.asarray(standardised(data.inputs[order]))
    y = jax.nn.one_hot(data.labels[order], data.n_classes)
    learner = EvolvedRule(
        build_net(rule.form, sizes_for(rule.form, x.shape[1], rule.hidden, data.n_classes)), rule.genome
    )
    w, change, f, p = (np.asarray(v, np.float64) for v in _traced(learner, x, y))
    told = {"w": w, "f": f[:, None, :], "y": np.asarray(y)[:, :, None], "p": p[:, :, None]}
    told["e"] = told["y"] - told["p"]
    columns = []
    for term in TERMS:
        product = np.ones_like(w)
        for letter in term.replace("1", ""):
            product = product * told[letter]
        columns.append(product.ravel())
    keep = np.random.default_rng(seed).permutation(w.size)[:4000]
    return np.stack(columns, axis=1)[keep], change.ravel()[keep]


@jax.jit
def _traced(learner: EvolvedRule, x: Array, y: Array) -> tuple[Array, ...]:
    """Along a stream: strengths [n, after, before], their changes, messages [n, before], probabilities [n, after]."""
    net, genome = _net(learner), learner.genome

    def one(state: NetState, pair: tuple[Array, Array]) -> tuple[NetState, tuple[Array, ...]]:
        seen = net.forward(genome, state, pair[0])
        after, logits = net.learn(genome, state, *pair)
        w = _strengths(net, state)
        return after, (w, _strengths(net, after) - w, seen.sent[-1][0], jax.nn.softmax(logits))

    return jax.lax.scan(one, _begun(learner), (x, y))[1]


__all__ = ["TERMS", "formula", "mixed_partials"]
