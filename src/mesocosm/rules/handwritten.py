"""Genomes written by hand: rules that are known exactly, as tests of the machinery and as places to begin a search.

`class_mean`: every synapse adds up the inputs of its class; with normalised messages the net is the nearest class mean
by cosine. `softmax_sgd`: with plain messages and no hidden level the net is online softmax regression. `delta`: the
same for nets that answer numbers or put things in order. `traces`: class means of what inputs remember of an example's
steps. Where layers or species have genes of their own, all are written alike.
"""

from __future__ import annotations

import math
from dataclasses import replace

import jax
import jax.numpy as jnp
from jaxtyping import Array

from mesocosm.rules.net import Genome, Net
from mesocosm.rules.neurons import FEEDBACK, FIELD, INPUT, OUTPUT
from mesocosm.rules.synapses import BilinearSynapse, HebbianSynapse, LSTMSynapse

ERROR, PROBABILITY, LABEL = 0, 1, 2
"""What an output neuron is told, in this order."""

_FREE = 5e-3
"""Size of the first strengths of prototypes: so small that any example drowns them."""

_LOUD = 20.0
"""What fields are amplified by: the energy of a match with random strengths is near 1 / 25 in fields of 5 x 5."""


def blank(net: Net) -> Genome:
    """All zeros, but for fields: they look, through random strengths that never change.

    Raises:
      ValueError: for fields in a net with one genome for all.
    """
    shapes = jax.eval_shape(of_one_species(net).found, jax.random.key(0))
    genome = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes)
    if net.fields.channels:
        if not net.per_role:
            raise ValueError("fields: their strengths stay and others learn; this needs per_role")
        genome.synapse[FIELD].update(_kept(net))
        genome.neuron[FIELD]["F"] = genome.neuron[FIELD]["F"].at[0, 0].set(1.0)
    return genome


def of_one_species(net: Net) -> Net:
    """The same net, all of whose hidden neurons are of one species."""
    return replace(net, species=1)


def all_species_alike(net: Net, genome: Genome) -> Genome:
    """A genome for the species of a net, from one for a net of a single species."""
    synapse, neuron = (
        tuple(dict(sets[k]) for k in alike)
        for sets, alike in ((genome.synapse, net.sets.synapse_alike), (genome.neuron, net.sets.neuron_alike))
    )
    return Genome(synapse, neuron, genome.read)


def _but_fields(net: Net, sets: tuple[dict, ...]) -> tuple[dict, ...]:
    return sets[:FIELD] + sets[FIELD + 1 :] if net.fields.channels else sets


def _kept(net: Net) -> dict:
    """Genes of a synapse that keeps the random strength it began with."""
    if not isinstance(net.synapse, LSTMSynapse):
        return {"retain": jnp.ones(net.synapse.strengths), "spread": jnp.ones(net.synapse.size)}
    h = net.synapse.hidden
    gates = jnp.repeat(jnp.array([-12.0, 12.0, 0.0, 4.0]), h)
    return {"bias": gates, "spread": jnp.ones(h)}


def class_mean(net: Net, gain: float = 10.0) -> Genome:
    """The nearest class mean by cosine; needs `normalise`. Exact for `hebbian` and `bilinear`, near for `lstm`.

    Raises:
      ValueError: for a net whose messages are not normalised.
    """
    if not net.normalise:
        raise ValueError("class_mean: needs a net with normalise = True")
    return all_species_alike(net, _rule(net, told=LABEL, rate=1.0, gain=gain))


def centred_class_mean(net: Net, gain: float = 10.0, pace: float = 0.04) -> Genome:
    """`class_mean` of inputs from which every input neuron takes what it remembers of its own mean.

    Needs one number of memory at least. The mean is a running one, tanh(x / 4) at this pace.

    Raises:
      ValueError: as of `class_mean`, or for neurons without memory.
    """
    m, k, genome = _remembering_class_mean(net, gain, "centred_class_mean")
    for genes in _but_fields(net, genome.neuron):
        genes["H"] = _running_mean(genes["H"], k, pace)
        if "F" in genes:
            genes["F"] = genes["F"].at[:, m].set(-4.0 * genes["F"][:, 0])
    genome.neuron[INPUT]["u"] = _expected(net)
    return genome


def prototypes(net: Net, sharpness: float = 16.0, gain: float = 10.0, pace: float = 0.02) -> Genome:
    """Each hidden neuron keeps an example, or the sum of several alike; the answer is a vote weighted by likeness.

    An example goes to a hidden neuron that is still free; where none is, to the most alike of those that voted for its
    class. A class gets sum_j exp(sharpness cos(x, w_j)) / sqrt(n_j) over its n_j neurons: between the class mean
    (low sharpness) and the nearest neighbour (high). Inputs are centred as in `centred_class_mean`.

    Raises:
      ValueError: for a net without a hidden level that competes, with one genome for all, plain messages or neurons
        without memory.
    """
    m, k = net.neuron.messages, net.neuron.memory
    if not (net.compete and net.per_role and net.normalise and len(net.sizes) > 2 and k):
        raise ValueError("prototypes: needs compete, per_role, normalise, memory = 1 or more, and a hidden level")
    genome = blank(net)
    for role, genes in enumerate(_but_fields(net, genome.synapse)):
        genes |= _SYNAPSES[type(net.synapse)](net, 1.0, range(net.synapse.strengths), told=role != INPUT)
        if role != OUTPUT:
            genes["spread"] = genes["spread"] + _FREE
        else:
            genes["start"] = genes["start"] - _FREE  # who votes for a class that was never named votes against it
    source, hidden, output = genome.neuron[:FIELD]
    source["F"] = source["F"].at[0, 0].set(_loudness(net)).at[0, m].set(-4.0 * _loudness(net))
    if "V" in source:
        source["V"] = source["V"].at[0, 0].set(1.0)
    source["H"], source["u"] = _running_mean(source["H"], k, pace), _expected(net)
    hidden["V"] = hidden["V"].at[0, 0].set(sharpness)
    hidden["F"] = hidden["F"].at[0, 0].set(1.0)
    hidden["Q"] = hidden["Q"].at[0, 0].set(float(net.sizes[-1]))
    # The most alike of those that voted for its class, but first of all a free one; sharp, for a shared lesson is lost.
    hidden["G"] = hidden["G"].at[0, 0].set(4e3).at[0, FEEDBACK].set(200.0).at[0, FEEDBACK + m].set(-2e4)
    hidden["H"] = hidden["H"].at[0, 0].set(20.0).at[0, -1].set(-10.0).at[k, 0].set(4.0)
    output["V"] = output["V"].at[0, 0].set(1.0)
    output["G"] = output["G"].at[0, LABEL].set(1.0)
    return all_species_alike(net, Genome(genome.synapse, genome.neuron, genome.read.at[0].set(gain)))


def _loudness(net: Net) -> float:
    """What inputs are multiplied by on their way."""
    return _LOUD if net.fields.channels else 1.0


def _running_mean(genes: Array, k: int, pace: float) -> Array:
    """A neuron's memory genes such that its first number follows tanh(arrival / 4) at this pace."""
    return genes.at[:k, -1].set(math.log(pace / (1 - pace))).at[k, 0].set(0.25)


def _expected(net: Net) -> Array:
    """What a neuron's memory begins with: of fields the energy of a match by chance, 1 / width^2, over 4."""
    first = 0.25 / net.fields.width**2 if net.fields.channels else 0.0
    return jnp.zeros(net.neuron.memory).at[0].set(first)


def softmax_sgd(net: Net, rate: float) -> Genome:
    """Online softmax regression with this learning rate: dw = rate x (label - probability), from zero weights.

    Raises:
      ValueError: for normalised messages, a hidden level, or an LSTM.
    """
    if net.normalise or len(net.sizes) != 2 or isinstance(net.synapse, LSTMSynapse):
        raise ValueError("softmax_sgd: needs normalise = False, no hidden level, and a bilinear or hebbian synapse")
    return _rule(net, told=ERROR, rate=rate, gain=float(net.sizes[0]))


def delta(net: Net, rate: float = 0.5) -> Genome:
    """The delta rule, dw = rate x (label - what was expected), by the mean product of inputs and strengths.

    Of `numbers`, on examples of mean 0 and deviation 1: normalised least mean squares with this step, however many
    inputs there are; of `order` online logistic regression on the difference of the two (RankNet without hidden
    neurons).

    B. Widrow, M. Hoff, "Adaptive switching circuits", 1960; J. Nagumo, A. Noda, 1967 (normalised).

    Raises:
      ValueError: as of `softmax_sgd`.
    """
    if net.normalise or len(net.sizes) != 2 or isinstance(net.synapse, LSTMSynapse):
        raise ValueError("delta: needs normalise = False, no hidden level, and a bilinear or hebbian synapse")
    return _rule(net, told=ERROR, rate=rate, gain=1.0)


def traces(net: Net, past: float = 1.0, pace: float = 0.5, gain: float = 10.0) -> Genome:
    """`class_mean` of what was heard at the last step plus `past` times what inputs remember of earlier ones.

    An input remembers u <- (1 - pace) u + pace tanh(x); with `remembers` = example that is of this example alone.

    Raises:
      ValueError: as of `class_mean`, or for neurons without memory.
    """
    m, k, genome = _remembering_class_mean(net, gain, "traces")
    source = genome.neuron[INPUT]
    source["F"] = source["F"].at[:, m].set(past)
    source["H"] = source["H"].at[:k, -1].set(math.log(pace / (1 - pace))).at[k, 0].set(1.0)
    return genome


def _remembering_class_mean(net: Net, gain: float, rule: str) -> tuple[int, int, Genome]:
    """Numbers of messages and of memory, and `class_mean`, of a net whose neurons can remember."""
    if net.neuron.memory < 1:
        raise ValueError(f"{rule}: needs memory = 1 or more")
    return net.neuron.messages, net.neuron.memory, class_mean(net, gain)


def _rule(net: Net, told: int, rate: float, gain: float) -> Genome:
    """The first message is the input, the first reply what the output neuron is told; strength 0 grows by both."""
    genome = blank(net)
    m = net.neuron.messages
    plain = {
        "V": jnp.eye(m),
        "Q": jnp.eye(FEEDBACK, m),
        "F": jnp.zeros((m, m + net.neuron.memory + 1)).at[:, 0].set(1.0),
        "G": jnp.zeros((m, FEEDBACK + m + net.neuron.memory + 1)).at[0, told].set(1.0),
    }
    if m > 1:
        plain["G"] = plain["G"].at[1, ERROR if told == LABEL else LABEL].set(1.0)
    for genes in _but_fields(net, genome.neuron):
        genes |= {name: values for name, values in plain.items() if name in genes}
    if net.fields.channels:
        genome.neuron[INPUT]["F"] = genome.neuron[INPUT]["F"] * _loudness(net)
    for genes in _but_fields(net, genome.synapse):
        genes |= _SYNAPSES[type(net.synapse)](net, rate)
    return Genome(genome.synapse, genome.neuron, genome.read.at[0].set(gain))


def _hebbian(net: Net, rate: float, kept: range = range(1), told: bool = False) -> dict:
    s = net.synapse.strengths
    return {"both": _ones(s, kept) * rate, "retain": jnp.ones(s)}


def _bilinear(net: Net, rate: float, kept: range = range(1), told: bool = False) -> dict:
    s, m = net.synapse.strengths, net.synapse.messages
    first = _ones(s, kept)[:, None] * _ones(m, range(1))[None, :]
    return {"A": first, "B": rate * first, "retain": jnp.ones(s)}


def _lstm(net: Net, rate: float, kept: range = range(1), told: bool = False) -> dict:
    """The input gate opens for the reply; a share of the message is added to a memory that forgets slowly: a small one,
    or a large one where the message is no picture but only says that the neuron before was `told`."""
    cell = net.synapse
    assert isinstance(cell, LSTMSynapse)
    h, m = cell.hidden, cell.messages
    opens, keeps = _ones(h, kept), _ones(h, range(h))
    nothing = jnp.zeros(h)
    content = 1.0 if told else 0.05 * rate
    closed, reply = (12.0, 18.0) if len(kept) > 1 else (7.0, 12.0)  # where neurons compete, most have no share at all

    def column(values: list[Array]) -> Array:
        return jnp.zeros((4 * h, m)).at[:, 0].set(jnp.concatenate(values))

    return {
        "A": column([nothing, nothing, opens * content, nothing]),
        "B": column([reply * opens, nothing, nothing, nothing]),
        "bias": jnp.concatenate([-closed * opens, 7 * keeps, nothing, 4 * keeps]),
    }


def _ones(n: int, at: range) -> Array:
    """[n] zeros with ones at these places."""
    return jnp.zeros(n).at[jnp.array(at)].set(1.0)


_SYNAPSES = {HebbianSynapse: _hebbian, BilinearSynapse: _bilinear, LSTMSynapse: _lstm}

__all__ = [
    "all_species_alike",
    "centred_class_mean",
    "class_mean",
    "delta",
    "of_one_species",
    "prototypes",
    "softmax_sgd",
    "traces",
]
