"""Genomes written by hand: rules that are known exactly, as tests of the machinery and as places to begin a search.

`class_mean`: every synapse adds up the inputs of its class; with normalised messages the net is the nearest class mean
by cosine. `softmax_sgd`: with plain messages and no hidden level the net is online softmax regression.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from mesocosm.rules.net import Genome, Net
from mesocosm.rules.neurons import FEEDBACK
from mesocosm.rules.synapses import BilinearSynapse, HebbianSynapse, LSTMSynapse

ERROR, PROBABILITY, LABEL = 0, 1, 2
"""What an output neuron is told, in this order."""


def blank(net: Net) -> Genome:
    """All zeros (one role or three)."""
    shapes = jax.eval_shape(net.found, jax.random.key(0))
    return jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes)


def class_mean(net: Net, gain: float = 10.0) -> Genome:
    """The nearest class mean by cosine; needs `normalise`. Exact for `hebbian` and `bilinear`, near for `lstm`.

    Raises:
      ValueError: for a net whose messages are not normalised.
    """
    if not net.normalise:
        raise ValueError("class_mean: needs a net with normalise = True")
    return _rule(net, told=LABEL, rate=1.0, gain=gain)


def centred_class_mean(net: Net, gain: float = 10.0, pace: float = 0.04) -> Genome:
    """`class_mean` of inputs from which every input neuron takes what it remembers of its own mean.

    Needs one number of memory at least. The mean is a running one, tanh(x / 4) at this pace.

    Raises:
      ValueError: as of `class_mean`, or for neurons without memory.
    """
    m, k = net.neuron.messages, net.neuron.memory
    if k < 1:
        raise ValueError("centred_class_mean: needs memory = 1 or more")
    genome = class_mean(net, gain)
    for genes in genome.neuron:
        genes["H"] = genes["H"].at[:k, -1].set(math.log(pace / (1 - pace))).at[k, 0].set(0.25)
        if "F" in genes:
            genes["F"] = genes["F"].at[:, m].set(-4.0)
    return genome


def softmax_sgd(net: Net, rate: float) -> Genome:
    """Online softmax regression with this learning rate: dw = rate x (label - probability), from zero weights.

    Raises:
      ValueError: for normalised messages, a hidden level, or an LSTM.
    """
    if net.normalise or len(net.sizes) != 2 or isinstance(net.synapse, LSTMSynapse):
        raise ValueError("softmax_sgd: needs normalise = False, no hidden level, and a bilinear or hebbian synapse")
    return _rule(net, told=ERROR, rate=rate, gain=float(net.sizes[0]))


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
    for genes in genome.neuron:
        genes |= {name: values for name, values in plain.items() if name in genes}
    for genes in genome.synapse:
        genes |= _SYNAPSES[type(net.synapse)](net, rate)
    return Genome(genome.synapse, genome.neuron, genome.read.at[0].set(gain))


def _hebbian(net: Net, rate: float) -> dict:
    s = net.synapse.strengths
    return {"both": jnp.zeros(s).at[0].set(rate), "retain": jnp.ones(s)}


def _bilinear(net: Net, rate: float) -> dict:
    s, m = net.synapse.strengths, net.synapse.messages
    return {
        "A": jnp.zeros((s, m)).at[0, 0].set(1.0),
        "B": jnp.zeros((s, m)).at[0, 0].set(rate),
        "retain": jnp.ones(s),
    }


def _lstm(net: Net, rate: float) -> dict:
    """The input gate opens for the label; a small share of the input is added to a memory that forgets slowly."""
    cell = net.synapse
    assert isinstance(cell, LSTMSynapse)
    h, m = cell.hidden, cell.messages
    i, forget, new, o = 0, h, 2 * h, 3 * h
    return {
        "A": jnp.zeros((4 * h, m)).at[new, 0].set(0.05 * rate),
        "B": jnp.zeros((4 * h, m)).at[i, 0].set(12.0),
        "bias": jnp.zeros(4 * h).at[i].set(-7.0).at[forget : forget + h].set(7.0).at[o : o + h].set(4.0),
    }


_SYNAPSES = {HebbianSynapse: _hebbian, BilinearSynapse: _bilinear, LSTMSynapse: _lstm}

__all__ = ["centred_class_mean", "class_mean", "softmax_sgd"]
