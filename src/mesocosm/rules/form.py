"""The form of an evolved rule: everything but its numbers and the sizes of its net. No jax is needed here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from mesocosm.record.configuration import Range


@dataclass(frozen=True)
class Fields:
    """A level of neurons behind the inputs that each look at small fields of a square image, with shared strengths."""

    channels: Annotated[int, Range(0, 256, "neurons", "size")] = 0
    """Neurons that look at the same place; 0: there is no such level."""
    width: Annotated[int, Range(2, 32, "pixels", "size")] = 5
    """A field is width x width."""
    pool: Annotated[int, Range(1, 32, "places", "size")] = 4
    """Over pool x pool neighbouring places the answer is averaged; pools overlap by half."""


@dataclass(frozen=True)
class RuleForm:
    """Which cell every synapse runs, and how many numbers pass and are kept."""

    cell: Literal["lstm", "bilinear", "hebbian"] = "lstm"
    """What a synapse is: an LSTM, the bilinear update rule, or four Hebbian coefficients a strength."""
    messages: Annotated[int, Range(1, 16, "numbers", "size")] = 2
    """Numbers in a message, and in a reply."""
    hidden: Annotated[int, Range(1, 64, "numbers", "size")] = 4
    """Numbers of memory at a synapse (lstm only)."""
    memory: Annotated[int, Range(0, 64, "numbers", "size")] = 2
    """Numbers of memory at a neuron."""
    ticks: Annotated[int, Range(1, 2, "ticks", "switch")] = 1
    """Steps an example: with two, every cell first steps with nothing told, and the answer is read after that."""
    normalise: bool = True
    """Messages arrive as cosines between message and strengths instead of means."""
    symmetric: bool = False
    """Replies go back over the forward strengths instead of strengths of their own."""
    per_role: bool = False
    """A genome for input, hidden and output (and for fields) instead of one for all."""
    layers: Annotated[int, Range(0, 16, "layers", "size")] = 0
    """A genome for each of so many layers of synapses, as many as the net has, and for the neurons of each level; 0:
    all layers share theirs."""
    species: Annotated[int, Range(1, 16, "species", "size")] = 1
    """Kinds of hidden neurons, each with a share of every hidden level and with genes of its own, as its synapses
    have."""
    replies: Literal["learnt", "fixed", "none"] = "learnt"
    """What replies go back over: strengths that are learnt as those forward are, strengths that stay as they began, or
    nothing, so that only output neurons learn how an answer was."""
    output: Literal["classes", "numbers", "order"] = "classes"
    """What is answered: a class, numbers (regression), or a score that puts things in order (learnt from pairs)."""
    steps: Annotated[int, Range(1, 1000, "steps", "size")] = 1
    """Steps in which an example is heard, an equal part of its numbers in each; the answer is that of the last."""
    remembers: Literal["life", "example", "step"] = "life"
    """How long a neuron remembers: all its life, or until the next example, or the next step, begins."""
    compete: bool = False
    """Neurons of a hidden level share one answer, and one lesson (softmax); else each answers for itself (tanh)."""
    winners: Annotated[int, Range(0, 65536, "neurons", "size")] = 0
    """Where neurons compete: how many of a level answer an example, and how many learn from it, at most; the others are
    silent, or stay as they are (0: all have a share, however small). In nets much larger than a rule was evolved in, a
    few."""
    fast: bool = False
    """The fast cell (lstm only): diagonal recurrence, rational gates."""
    fields: Fields = field(default_factory=Fields)

    def contradictions(self):
        strengths = self.messages if self.symmetric else 2 * self.messages
        if self.cell == "lstm" and self.hidden < strengths:
            yield f"hidden = {self.hidden}: must be at least {strengths}, the strengths of {self.messages} messages"
        yield from self._splits()
        if self.compete and self.ticks != 1:
            yield f"ticks = {self.ticks}: must be 1 where hidden neurons compete: nothing told would be a lesson too"
        if self.winners and self.compete and self.messages != 1:
            yield f"winners = {self.winners}: who wins is one thing with messages = 1 only; here are {self.messages}"
        if self.winners and not self.compete:
            yield f"winners = {self.winners}: nobody wins where hidden neurons do not compete; set it to 0"
        if self.fast and self.cell != "lstm":
            yield f"fast = True: there is a fast cell for lstm only, not for {self.cell}"

    def _splits(self):
        if self.layers and self.per_role:
            yield f"layers = {self.layers}: genes are for each layer or each role; set per_role = False, or layers to 0"
        if self.layers and self.fields.channels:
            yield f"layers = {self.layers}: fields have genes of their own with per_role; set layers to 0"
        if self.species > 1 and self.layers == 1:
            yield f"species = {self.species}: are of hidden neurons, and a net of layers = 1 has none; set species to 1"
        if self.symmetric and self.replies != "learnt":
            yield f"replies = {self.replies}: symmetric replies go over the forward strengths; set symmetric = False"
        if self.ticks == 2 and (self.steps > 1 or self.output == "order"):
            yield "ticks = 2: nothing is told in a tick of its own; set ticks to 1 where steps > 1, or output = order"
        if self.steps > 1 and self.output == "order":
            yield f"steps = {self.steps}: of pairs that are put in order each is heard at once; set steps to 1"


@dataclass(frozen=True)
class BrainForm:
    """Which areas a brain with eyes has, one after the other, and how large they are."""

    side: Annotated[int, Range(4, 64, "pixels", "size")] = 14
    """Images of any size are brought to side x side."""
    orientations: Annotated[int, Range(2, 64, "neurons", "size")] = 8
    """Orientations of edges that are told apart, over the full circle."""
    upright: Annotated[int, Range(0, 32, "pools", "size")] = 7
    """The view in which things are set upright has upright x upright pools; 0: there is no such view."""
    plain: Annotated[int, Range(0, 32, "pools", "size")] = 5
    """The view in which things are left as they are, likewise."""
    features: Annotated[int, Range(0, 4096, "neurons", "size")] = 0
    """Neurons that hear both views over innate synapses; 0: there are none."""
    second: Annotated[int, Range(0, 32, "pools", "size")] = 0
    """Pools, likewise, of a second level of keys that hears nothing but things as they are; 0: there is none. Each of
    the two is heeded the more the oftener it was right."""
    forgets: bool = False
    """Whether how often a level was right is forgotten in time, for streams in which what is drawn changes."""
    decorrelate: bool = False
    """Whether lateral synapses learn to decorrelate, in life, what the keys hear."""
    keys: Annotated[int, Range(1, 65536, "neurons", "size")] = 128
    """Keys, where nothing is said of hidden neurons."""
    rehearsals: Annotated[int, Range(1, 1000, "times", "size")] = 20
    """How often all keys are rehearsed after an example."""

    def contradictions(self):
        if self.forgets and not self.second:
            yield "forgets = True: of one level of keys nobody is heeded more; set second to 6, say, or forgets = False"
