"""A net of any depth in which every synapse and every neuron runs the same small genome.

Written for one synapse and one neuron (`synapses`, `neurons`); here they are batched. One example:

1. forward: messages go up, a synapse multiplies by its forward strengths, a neuron takes the mean (or the cosine);
2. backward: the output neurons are told error, probability and label; replies go down over the backward strengths;
3. change: every synapse steps with the message before it and the reply after it, every neuron remembers.

Where hidden neurons compete, what they answer is a share of their level (softmax), and so is their reply: who learns.
Their synapses then change, on both sides, by how much it was their turn, as in adaptive resonance (G. Carpenter,
S. Grossberg, "A massively parallel architecture for a self-organizing neural pattern recognition machine", 1987). Where
only so many can win, the others have no share: who has none in the answer sends nothing, who has none in the lesson
stays as it is to the last bit (k winners take all: W. Maass, "On the computational power of winner-take-all", 2000).
These need not be the same neurons. Else a thousand small shares, and a thousand messages of neurons that have nothing
to say, add up to more than the right answer.

A net may begin with a level of fields (`wiring`): to what follows its neurons are the inputs, and are of their role.

With two ticks an example, all three happen once with nothing told, and the answer is read in the second forward pass.
An example of several steps is heard one part after the other: nothing is told at any but the last, and what neurons
remember is all that the answer can know of the others.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from mesocosm.rules.form import Fields
from mesocosm.rules.neurons import FEEDBACK, OUTPUT, Neuron
from mesocosm.rules.outputs import Output, told, told_of_second
from mesocosm.rules.sets import Sets, over_shares
from mesocosm.rules.synapses import Genes, Synapse
from mesocosm.rules.wiring import Wiring, over_neurons, over_synapses, wire


class Genome(eqx.Module):
    """One genome: genes of the synapse and of the neuron, and how an answer is read.

    Args:
      synapse, neuron: the sets of genes that there are (`sets`), one where all share theirs.
      read: weights [messages + memory] of what arrived at an output neuron and of what it remembers.
    """

    synapse: tuple[Genes, ...]
    neuron: tuple[Genes, ...]
    read: Array

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return sum(leaf.size for leaf in jax.tree.leaves(self))


class NetState(eqx.Module):
    """The connectome: states of the synapses of each layer [.., after, before], of the neurons of each level [k, n].

    The side before, which is mostly the wider one, comes last: loops over it are what a processor does fastest.
    """

    synapses: tuple[Any, ...]
    neurons: tuple[Array, ...]


class Pass(eqx.Module):
    """What one forward pass found: messages sent from each level but the last, arrivals at each level, logits."""

    sent: tuple[Array, ...]
    arrived: tuple[Array, ...]
    logits: Float[Array, " classes"]


class Net(eqx.Module):
    """A rule at work in a net of these sizes.

    Args:
      sizes: neurons in each level, from inputs to classes, without those of fields.
      ticks: 1 or 2, steps an example.
      normalise: messages arrive as cosines between message and strengths instead of means.
      per_role: a genome for input, hidden and output instead of one for all.
      compete: neurons of a hidden level share one answer and one lesson.
      fields: a level behind the inputs that looks at small fields of an image.
      winners: where neurons compete, how many have a share at most, in the answer and in the lesson; 0: all.
      layers, species: a genome for each of so many layers; kinds of hidden neurons with genes of their own.
      replies, output, steps, remembers: as of `RuleForm`.
    """

    synapse: Synapse
    neuron: Neuron
    sizes: tuple[int, ...] = eqx.field(static=True)
    ticks: int = eqx.field(static=True, default=1)
    normalise: bool = eqx.field(static=True, default=True)
    per_role: bool = eqx.field(static=True, default=False)
    compete: bool = eqx.field(static=True, default=False)
    fields: Fields = eqx.field(static=True, default=Fields())
    winners: int = eqx.field(static=True, default=0)
    layers: int = eqx.field(static=True, default=0)
    species: int = eqx.field(static=True, default=1)
    replies: Literal["learnt", "fixed", "none"] = eqx.field(static=True, default="learnt")
    output: Output = eqx.field(static=True, default="classes")
    steps: int = eqx.field(static=True, default=1)
    remembers: Literal["life", "example", "step"] = eqx.field(static=True, default="life")

    def __check_init__(self):
        wire(self.sizes, self.fields)
        if self.ticks not in (1, 2):
            raise ValueError(f"ticks = {self.ticks}: must be 1 or 2")
        least = min(self.sizes[1:-1], default=0)
        if self.layers not in (0, len(self.sizes) - 1):
            raise ValueError(
                f"layers = {self.layers}: this net has {len(self.sizes) - 1} layers of synapses; give one level "
                "less in hidden than there are layers, or layers = 0"
            )
        if self.species > max(least, 1):
            raise ValueError(
                f"species = {self.species}: more than the {least} neurons of a hidden level; give hidden levels of so "
                "many at least, or species = 1"
            )
        if self.compete and len(self.sizes) > 2 and self.winners > least:
            raise ValueError(
                f"winners = {self.winners}: more than the {least} neurons of a hidden level; take fewer, or 0 for all"
            )
        if self.synapse.messages != self.neuron.messages:
            raise ValueError(
                f"messages = {self.synapse.messages} at the synapse, {self.neuron.messages} at the neuron: not equal"
            )

    @property
    def n_connections(self) -> int:
        """Synapses, as they are wired."""
        return sum(math.prod(layer.shape) for layer in self.wiring)

    @property
    def wiring(self) -> tuple[Wiring, ...]:
        """The layers of synapses."""
        return wire(self.sizes, self.fields)

    @property
    def levels(self) -> tuple[int, ...]:
        """Neurons in each level, those of fields among them."""
        return self.sizes[0], *(layer.after for layer in self.wiring)

    @property
    def sets(self) -> Sets:
        """Which sets of genes there are, and where each is at work."""
        return Sets(self.per_role, self.layers, self.species, self.fields.channels > 0)

    @property
    def heard(self) -> int:
        """Numbers of an example."""
        return self.sizes[0] * self.steps

    # -- genomes and states ----------------------------------------------------------------------------------------

    def found(self, key: Array) -> Genome:
        """A random genome."""
        s, n = jax.random.split(key)
        synapses, neurons = self.sets.synapse, self.sets.neuron
        synapse = [self.synapse.found(k) for k in jax.random.split(s, len(synapses))]
        neuron = [self.neuron.found(k, r) for k, r in zip(jax.random.split(n, len(neurons)), neurons, strict=True)]
        for genes, role in zip(synapse, synapses, strict=True):
            if role == OUTPUT and self.replies != "fixed":
                del genes["spread"]  # the last layer begins without noise
        read = jnp.full(self.neuron.messages + self.neuron.memory, 0.1).at[0].set(10.0 if self.normalise else 1.0)
        return Genome(tuple(synapse), tuple(neuron), read)

    def noise(self, key: Array, dtype: Any = jnp.float32) -> tuple[Array, ...]:
        """What breaks the symmetry of hidden neurons: normal numbers, but zeros in the last layer, which needs none.

        Where strengths on the way back stay as they began, those of the last layer are drawn too: they are all that
        tells one hidden neuron from another there.
        """
        shapes = [(self.synapse.size, *layer.shape) for layer in self.wiring]
        keys = jax.random.split(key, len(shapes))
        drawn = [jax.random.normal(k, shape, dtype) for k, shape in zip(keys[:-1], shapes[:-1], strict=True)]
        last = jnp.zeros(shapes[-1], dtype)
        if self.replies == "fixed":
            last = self.synapse.with_ways_back(last, jax.random.normal(keys[-1], shapes[-1], dtype))
        return *drawn, last

    def start(self, genome: Genome, key: Array) -> NetState:
        """The state of a net that has seen nothing. `key` is consumed."""
        return self.begin(genome, self.noise(key, genome.read.dtype))

    def begin(self, genome: Genome, noise: tuple[Array, ...]) -> NetState:
        """The same, from noise."""
        synapses = tuple(
            self._of_synapses(genome, layer, over_synapses(self.synapse.begin, 1, 0), (drawn,))
            for layer, drawn in enumerate(noise)
        )
        neurons = tuple(
            self._of_neurons(genome, level, self._born, jnp.zeros((0, n))) for level, n in enumerate(self.levels)
        )
        return NetState(synapses, neurons)

    def _born(self, genes: Genes, those: Array) -> Array:
        """What neurons remember when they begin, [memory, n]."""
        return jnp.broadcast_to(genes["u"][:, None], (self.neuron.memory, those.shape[1]))

    def _of_neurons(self, genome: Genome, level: int, rule: Any, *arrays: Array) -> Array:
        """`rule(genes, *arrays)` over the neurons of a level [.., n], each with the genes that are at work there."""
        at = self.sets.of_neurons(level - self._first, len(self.sizes) - 1)
        return over_shares(rule, [genome.neuron[k] for k in at], arrays, (-1,) * len(arrays), -1)

    def _of_synapses(self, genome: Genome, layer: int, rule: Any, own: tuple, ends: tuple[Array, ...] = ()) -> Any:
        """The same over synapses: `own` [.., after, before], and what is said at their two ends [.., n]."""
        place, last = layer - self._first, len(self.sizes) - 2
        is_last = place == last
        axes = *((2 if is_last else 1,) * len(own)), *((-1, None) if is_last else (None, -1))[: len(ends)]
        sets = [genome.synapse[k] for k in self.sets.of_synapses(place, last)]
        return over_shares(rule, sets, (*own, *ends), axes, 2 if is_last else 1)

    @property
    def _first(self) -> int:
        """The level that is the input of a net without fields."""
        return 1 if self.fields.channels else 0

    # -- one example -----------------------------------------------------------------------------------------------

    def predict(self, genome: Genome, state: NetState, x: Float[Array, " heard"]) -> Float[Array, " outputs"]:
        """What is answered to one example (of `order`: its score); the state stays as it is."""
        state, x = self._listened(genome, state, x)
        return self.forward(genome, state, x).logits

    def learn(
        self, genome: Genome, state: NetState, x: Float[Array, " heard"], label: Float[Array, " outputs"]
    ) -> tuple[NetState, Float[Array, " outputs"]]:
        """The state after one example, and what was answered before its label was told.

        Args:
          x: an example; of `order` two of them, one after the other.
          label: one-hot; of `numbers` these; of `order` 1 where the first is above the second, 0 where it is below.
        """
        if self.output == "order":
            return self._pair(genome, state, x, label)
        state, x = self._listened(genome, state, x)
        return self._tick(genome, state, x, label)

    def _listened(self, genome: Genome, state: NetState, x: Array) -> tuple[NetState, Array]:
        """The state before the last step, and what is heard in that."""
        if self.remembers != "life":
            state = self._forgotten(genome, state)
        if self.ticks == 2:
            state = self._tick(genome, state, x, None)[0]
        if self.steps == 1:
            return state, x

        def step(state: NetState, part: Array) -> tuple[NetState, None]:
            state = self._tick(genome, state, part, None)[0]
            return self._forgotten(genome, state) if self.remembers == "step" else state, None

        parts = x.reshape(self.steps, -1)
        return jax.lax.scan(step, state, parts[:-1])[0], parts[-1]

    def _forgotten(self, genome: Genome, state: NetState) -> NetState:
        """The same synapses, and neurons as they began."""
        neurons = (self._of_neurons(genome, level, self._born, u) for level, u in enumerate(state.neurons))
        return NetState(state.synapses, tuple(neurons))

    def _pair(self, genome: Genome, state: NetState, x: Array, label: Array) -> tuple[NetState, Array]:
        """Both of a pair are heard before either is learnt from."""
        if self.remembers != "life":
            state = self._forgotten(genome, state)
        seen = [self.forward(genome, state, part) for part in x.reshape(2, -1)]
        answer = seen[0].logits - seen[1].logits
        lesson = told(self.output, answer, label)
        ways = [self.replied(genome, state, s, t) for s, t in zip(seen, (lesson, told_of_second(lesson)), strict=True)]
        for one, way in zip(seen, ways, strict=True):
            state = self.change(genome, state, one, *way)
        return state, answer

    def _tick(self, genome: Genome, state: NetState, x: Array, label: Array | None) -> tuple[NetState, Array]:
        seen = self.forward(genome, state, x)
        returned, replies = self.backward(genome, state, seen, label)
        return self.change(genome, state, seen, returned, replies), seen.logits

    def forward(self, genome: Genome, state: NetState, x: Float[Array, " inputs"]) -> Pass:
        """Messages go up."""
        arrived, sent = [jnp.tile(x[None, :], (self.neuron.messages, 1))], []
        active, wiring = arrived[0], self.wiring
        for layer, wires in enumerate(wiring):
            message = self._of_neurons(genome, layer, over_neurons(self.neuron.send), active, state.neurons[layer])
            sent.append(_where(self._wins(layer, active), message, jnp.zeros_like(message)))
            gathered = wires.forward(sent[-1], self.synapse.carry(state.synapses[layer])[0], self.normalise)
            a = self._of_neurons(genome, layer + 1, over_neurons(self.neuron.arrive), gathered)
            if self._competes(layer + 1):
                active = self._shares(a)
            else:
                active = a = jnp.tanh(a) if layer < len(wiring) - 1 else a
            arrived.append(a)
        logits = genome.read @ jnp.concatenate([arrived[-1], state.neurons[-1]])
        return Pass(tuple(sent), tuple(arrived), logits)

    def _competes(self, level: int) -> bool:
        return self.compete and self._first < level < self._first + len(self.sizes) - 1

    def _shares(self, a: Array) -> Array:
        """What each neuron of a level that competes has of one whole; losers have none. [k, n]"""
        if 0 < self.winners < a.shape[1]:
            best = jax.lax.top_k(a[0], self.winners)[1]
            a = jnp.where(jnp.zeros(a.shape[1], bool).at[best].set(True), a, -jnp.inf)
        return jax.nn.softmax(a, axis=1)

    def _wins(self, level: int, shares: Array) -> Array | None:
        """Which neurons of a level have one of its shares [k, n]; None where all go on as they like. [n]"""
        return jnp.any(shares > 0, axis=0) if self.winners and self._competes(level) else None

    def backward(
        self, genome: Genome, state: NetState, seen: Pass, label: Array | None
    ) -> tuple[list[Array], list[Array]]:
        """Replies go down. Returns what came back to each level [FEEDBACK, n], and replies (inputs have none)."""
        lesson = jnp.zeros((FEEDBACK, self.sizes[-1]), seen.logits.dtype)
        if label is not None:
            lesson = told(self.output, seen.logits, label)
        return self.replied(genome, state, seen, lesson)

    def replied(
        self, genome: Genome, state: NetState, seen: Pass, lesson: Float[Array, "feedback outputs"]
    ) -> tuple[list[Array], list[Array]]:
        """The same, of what output neurons were told."""
        returned, replies = [lesson], []
        wiring = self.wiring
        for level in range(len(wiring), 0, -1):
            ends = returned[-1], seen.arrived[level], state.neurons[level]
            b = self._of_neurons(genome, level, over_neurons(self.neuron.reply), *ends)
            replies.append(self._shares(b) if self._competes(level) else b)
            strengths = self.synapse.carry(state.synapses[level - 1])[1]
            means = wiring[level - 1].backward(replies[-1], strengths)
            means = jnp.zeros_like(means) if self.replies == "none" else means
            returned.append(self._of_neurons(genome, level - 1, over_neurons(self.neuron.returned), means))
        return returned[::-1], replies[::-1]

    def change(
        self, genome: Genome, state: NetState, seen: Pass, returned: list[Array], replies: list[Array]
    ) -> NetState:
        """Every synapse steps, every neuron remembers. Neurons that compete do both by their share in the lesson."""
        sent, arrived = list(seen.sent), list(seen.arrived)
        for level in filter(self._competes, range(len(sent))):
            sent[level] = arrived[level] = replies[level - 1]
        learn = [None, *(self._wins(level, reply) for level, reply in enumerate(replies, 1))]
        synapses = []
        for layer, (wires, synapse) in enumerate(zip(self.wiring, state.synapses, strict=True)):
            step = partial(self._step, wires)
            changed = self._of_synapses(genome, layer, step, (synapse,), (sent[layer], replies[layer]))
            changed = _where(learn[layer], changed, synapse)
            above = learn[layer + 1]
            synapses.append(_where(None if above is None else above[:, None], changed, synapse))
        remember = over_neurons(self.neuron.remember)
        neurons = [
            _where(learn[level], self._of_neurons(genome, level, remember, a, r, u), u)
            for level, (a, r, u) in enumerate(zip(arrived, returned, state.neurons, strict=True))
        ]
        return NetState(tuple(synapses), tuple(neurons))

    def _step(self, wires: Wiring, genes: Genes, synapse: Any, sent: Array, replies: Array) -> Any:
        """A layer of synapses, or the share of one species in it, after one step."""
        before = over_neurons(self.synapse.before)(genes, sent)
        after = over_neurons(self.synapse.after)(genes, replies)
        changed = wires.change(self.synapse.step, genes, synapse, before, after)
        return self.synapse.held(changed, synapse) if self.replies == "fixed" else changed


def _where(is_so: Array | None, new: Any, old: Any) -> Any:
    """`new` where it is so, else `old`: trees of arrays to which `is_so` stretches; None: everywhere."""
    return new if is_so is None else jax.tree.map(lambda a, b: jnp.where(is_so, a, b), new, old)


__all__ = ["FEEDBACK", "Genome", "Net", "NetState", "Pass"]
