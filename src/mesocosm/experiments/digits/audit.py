"""What a rule brings along and what it loses: the prior audit, forgetting, and what happens without one of its signals.

Every function takes a rule and a data set and gives plain numbers; call it with `rules.load("class-mean")` as well, for
the comparison.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np

from mesocosm.rules.form import RuleForm
from mesocosm.rules.handwritten import ERROR, LABEL, PROBABILITY
from mesocosm.rules.net import Genome
from mesocosm.rules.rule import EvolvedRule, Rule, build_net, sizes_for
from mesocosm.tasks.arrays import DataError, DataSet
from mesocosm.tasks.images import standardised

SIGNALS = {"error": ERROR, "probability": PROBABILITY, "label": LABEL}
"""What output neurons are told."""

PARTS = (*SIGNALS, "memory", "replies", "own way back")
"""What a rule can be without: a signal, what neurons remember, what comes back to a hidden level, or strengths of its
own over which it comes back."""


def streams(data: DataSet, n: int, tests: int, how_many: int, seed: int) -> Iterator[tuple[np.ndarray, ...]]:
    """(inputs, labels, test inputs, test labels), shuffled, each example once.

    Raises:
      DataError: if the set has too few examples.
    """
    if n + tests > data.labels.size:
        raise DataError(f"{data.name}: has {data.labels.size} examples; {n + tests} were asked for")
    for s in range(how_many):
        order = np.random.default_rng([seed, s]).permutation(data.labels.size)[: n + tests]
        x, y = standardised(data.inputs[order]), data.labels[order]
        yield x[:n], y[:n], x[n:], y[n:]


def prior_audit(rule: Rule, data: DataSet, n: int = 50, tests: int = 200, how_many: int = 8, seed: int = 0) -> dict:
    """What a rule assumes before and beyond what it is shown.

    Returns:
      accuracy: after n examples;
      worst_class: of the classes, the mean over streams;
      inverted_test: tested on images of inverted contrast;
      inverted_all: taught and tested on them;
      label_noise: a fifth of the labels told are random;
      first_answer: the share of the most frequent answer before anything was shown (1 / classes: no opinion).
    """
    rule = replace(rule.fresh(), classes=data.n_classes)
    rows = []
    for x, y, test, truth in streams(data, n, tests, how_many, seed):
        rng = np.random.default_rng(seed)
        noisy = np.where(rng.random(y.size) < 0.2, rng.integers(0, data.n_classes, y.size), y).astype(y.dtype)
        taught = rule.fresh().learn(x, y)
        right = taught.predict(test) == truth
        by_class = [right[truth == c].mean() for c in np.unique(truth)]
        rows.append(
            {
                "accuracy": right.mean(),
                "worst_class": min(by_class),
                "inverted_test": np.mean(taught.predict(-test) == truth),
                "inverted_all": np.mean(rule.fresh().learn(-x, y).predict(-test) == truth),
                "label_noise": np.mean(rule.fresh().learn(x, noisy).predict(test) == truth),
                "first_answer": _first_answer(rule, test, data.n_classes),
            }
        )
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def accuracy_after(rule: Rule, data: DataSet, n: int = 50, tests: int = 150, how_many: int = 8, seed: int = 0) -> float:
    """Accuracy after n examples, the mean over streams."""
    rule, found = replace(rule.fresh(), classes=data.n_classes), []
    for x, y, test, truth in streams(data, n, tests, how_many, seed):
        found.append(np.mean(rule.fresh().learn(x, y).predict(test) == truth))
    return float(np.mean(found))


def _first_answer(rule: Rule, test: np.ndarray, classes: int) -> float:
    learner = EvolvedRule(build_net(rule.form, sizes_for(rule.form, test.shape[1], rule.hidden, classes)), rule.genome)
    state = learner.begin(jax.random.key(rule.seed))
    logits = jax.vmap(lambda x: learner.predict(state, x))(jnp.asarray(test))
    shares = np.asarray(jnp.mean(logits >= jnp.max(logits, axis=1, keepdims=True) - 1e-6, axis=0))
    return float(np.max(shares / shares.sum()))  # equal logits are no opinion


def forgetting(rule: Rule, data: DataSet, n: int = 50, tests: int = 200, how_many: int = 8, seed: int = 0) -> dict:
    """A -> B -> A: two tasks that differ by a permutation of pixels and of labels, one after the other.

    Returns:
      accuracy on A after A (`first`), after B (`after_other`), and after A again (`again`).
    """
    rule, rows = replace(rule.fresh(), classes=data.n_classes), []
    for s, (x, y, test, truth) in enumerate(streams(data, 3 * n, tests, how_many, seed)):
        rng = np.random.default_rng([seed, s, 1])
        pixels, names = rng.permutation(x.shape[1]), rng.permutation(data.n_classes)
        learner = rule.fresh()
        row = []
        for part, is_other in ((0, False), (1, True), (2, False)):
            xs, ys = x[part * n : (part + 1) * n], y[part * n : (part + 1) * n]
            learner.learn(xs[:, pixels] if is_other else xs, names[ys] if is_other else ys)
            row.append(np.mean(learner.predict(test) == truth))
        rows.append(row)
    first, after_other, again = np.mean(rows, axis=0)
    return {"first": float(first), "after_other": float(after_other), "again": float(again)}


def without(rule: Rule, part: str) -> Rule:
    """The rule as if this part were always zero: a signal to output neurons (`error`, `probability`, `label`), what
    neurons remember (`memory`), what comes back to hidden neurons over synapses (`replies`); or with replies that go
    back over the forward strengths (`own way back`)."""
    if part == "own way back":
        return _symmetric(rule)
    assert isinstance(rule.form, RuleForm) and isinstance(rule.genome, Genome), "found by a search of digits"
    k = rule.form.memory
    neurons = []
    for genes in rule.genome.neuron:
        mended = dict(genes)
        if part in SIGNALS and "G" in mended:
            mended["G"] = mended["G"].at[:, SIGNALS[part]].set(0)
        if part == "replies" and "Q" in mended:
            mended["Q"] = jnp.zeros_like(mended["Q"])
        if part == "memory":
            mended["u"] = jnp.zeros_like(mended["u"])
            mended["H"] = mended["H"].at[k:].set(0)  # what would be remembered is nothing
        neurons.append(mended)
    genome = Genome(rule.genome.synapse, tuple(neurons), rule.genome.read)
    return replace(rule.fresh(), genome=genome)


def _symmetric(rule: Rule) -> Rule:
    """The same genes; of cells that keep nothing but strengths, those of the backward ones are gone."""
    assert isinstance(rule.form, RuleForm) and isinstance(rule.genome, Genome), "found by a search of digits"
    form = replace(rule.form, symmetric=True, replies="learnt")
    synapses = rule.genome.synapse
    if form.cell != "lstm":
        m = form.messages
        synapses = tuple({n: g[:m] if n in ("A", "B") else g[..., :m] for n, g in genes.items()} for genes in synapses)
    genome = Genome(synapses, rule.genome.neuron, rule.genome.read)
    return replace(rule.fresh(), form=form, genome=genome)


__all__ = ["PARTS", "SIGNALS", "accuracy_after", "forgetting", "prior_audit", "streams", "without"]
