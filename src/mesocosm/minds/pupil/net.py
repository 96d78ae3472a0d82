"""A net of 8-8-2 that learns by what its body feels: the law of the mind (docs/worlds/school.md), in integers.

The genome writes everything at once: the synapses at birth (instinct), how the output synapses change (the rule), and
what is felt (the feeling). The rule is the three-factor one of actor and critic: a value neuron foretells what will be
felt; the error of that prediction gates a Hebbian change of the synapses that were active. A. Barto, R. Sutton and C.
Anderson, "Neuronlike adaptive elements that can solve difficult learning control problems" (1983); R. Williams,
"Simple statistical gradient-following algorithms" (1992), whose eligibility this is.

Bodies may be born with crossed wires. The brain never reads whether they are: it has to find out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Int8, Int32, UInt32

from mesocosm.core.random import threshold16
from mesocosm.minds.mind import Brain, Colony, Draw, Experience, Mind
from mesocosm.minds.policy import softmax_weight
from mesocosm.minds.pupil.parameters import RULE, PupilParameters
from mesocosm.minds.pupil.words import Wiring, gene_names, written
from mesocosm.minds.rewards import food_of
from mesocosm.record.about import Gene, Genome

WIRES = 0
"""Purpose of the random bits of birth."""
RAREST = 5 * 256
"""Halvings at most between the weights of two acts, in 1/256: no act of two is rarer than one in 33, none of A rarer
than one in 1 + 32 (A - 1)."""
MOST_ACTOR, MOST_CRITIC, MOST_ERROR, MOST_TRACE = 1 << 16, 1 << 18, (1 << 15) - 1, 1023
"""Bounds of synapses (1/256 of a gene), of the error and of eligibility: every product below fits int32."""


class Pupil(Mind):
    """Genome -> a net of ONE individual, and how it learns."""

    doings: ClassVar[tuple[str, ...]] = ("eaten", "met")

    n_stimuli: int = eqx.field(static=True)
    n_acts: int = eqx.field(static=True)
    hidden: int = eqx.field(static=True)
    wiring: Wiring = eqx.field(static=True)
    is_blank: bool = eqx.field(static=True)
    learns_until: Int32[Array, ""]
    crossed: Int32[Array, ""]
    crossed_senses: Int32[Array, ""]
    bite: Int32[Array, ""]
    counted: Int32[Array, " rule"]

    def __init__(self, parameters: PupilParameters, wiring: Wiring, n_acts: int, is_blank: bool = False):
        """Of these wires.

        Args:
          is_blank: whether founders have output synapses of 0: their first acts are coins.
        """
        p, self.is_blank = parameters, is_blank
        self.n_stimuli, self.n_acts, self.hidden, self.wiring = wiring.n_stimuli, n_acts, p.hidden, wiring
        self.learns_until, self.bite = jnp.int32(p.learns_until), jnp.int32(p.bite)
        self.crossed, self.crossed_senses = (jnp.int32(threshold16(x)) for x in (p.crossed, p.crossed_senses))
        self.counted = jnp.asarray(np.array([gene not in p.without for gene in RULE], np.int32))

    # -- the genome ------------------------------------------------------------------------------------------------

    @property
    def n_synapses(self) -> int:
        """Of the hidden layer, of the acts, of the value neuron."""
        return self.hidden * (self.wiring.n_inputs + self.n_acts + 1)

    @property
    def n_loci(self) -> int:
        return self.n_synapses + len(RULE)

    def rule(self, genome: Int8[Array, " loci"], name: str) -> Int32[Array, ""]:
        """A gene of the rule or of the feeling; 0 where it is knocked out."""
        k = RULE.index(name)  # pyright: ignore[reportArgumentType]
        return genome[self.n_synapses + k].astype(jnp.int32) * self.counted[k]

    def rate(self, genome: Int8[Array, " loci"], name: str) -> Int32[Array, ""]:
        """The same of what is no less than nothing."""
        return jnp.maximum(self.rule(genome, name), 0)

    def found(self, genes: Int8[Array, " loci"]) -> Int8[Array, " loci"]:
        """Founders hear each of their inputs by a neuron of its own; all else is random (of the blank, the rule)."""
        own = np.zeros((self.hidden, self.wiring.n_inputs), np.int8)
        j, i = np.indices(own.shape)
        own[(i - j) % self.hidden == 0] = 127
        genes = genes.at[: own.size].set(jnp.asarray(own.ravel()))
        return genes.at[own.size : self.n_synapses].set(0) if self.is_blank else genes

    # -- one body --------------------------------------------------------------------------------------------------

    def innate(self, genome: Int8[Array, " loci"]) -> Int32[Array, "acts_and_value hidden"]:
        """The output synapses at birth, in 1/256 of a gene."""
        first = self.hidden * self.wiring.n_inputs
        return genome[first : self.n_synapses].astype(jnp.int32).reshape(self.n_acts + 1, self.hidden) << 8

    def develop(self, draw: Draw, genome: Int8[Array, " loci"], colony: Colony) -> Brain:
        """Synapses as they are inherited; wires as chance has it."""
        motor, sense = (word & 0xFFFF for word in draw.of(WIRES))
        innate = self.innate(genome)
        return {
            "actor": innate[: self.n_acts],
            "critic": innate[self.n_acts],
            "acted": jnp.zeros((self.n_acts, self.hidden), jnp.int32),
            "valued": jnp.zeros(self.hidden, jnp.int32),
            "age": jnp.int32(0),
            "crossed": (motor.astype(jnp.int32) < self.crossed).astype(jnp.int32),
            "crossed_senses": (sense.astype(jnp.int32) < self.crossed_senses).astype(jnp.int32),
        }

    def inputs(self, brain: Brain, seen: Int32[Array, ""]) -> Int32[Array, " inputs"]:
        """0 or 1: one a level, of senses of two levels one."""
        on = []
        for n_levels, place in self.wiring.places():
            level = (seen // place) % n_levels
            if n_levels == 2:
                on.append(level)
                continue
            level = jnp.where(brain["crossed_senses"] == 1, n_levels - 1 - level, level)
            on += [(level == k).astype(jnp.int32) for k in range(n_levels)]
        return jnp.stack(on)

    def activity(self, genome: Int8[Array, " loci"], x: Int32[Array, " inputs"]) -> Int32[Array, " hidden"]:
        """Of hidden neurons, 0 ... 127; their synapses are innate."""
        n = self.wiring.n_inputs
        synapses = genome[: self.hidden * n].astype(jnp.int32).reshape(self.hidden, n)
        return jnp.clip(jnp.sum(synapses * x[None, :], axis=1, dtype=jnp.int32), 0, 127)

    def weights(self, genome: Int8[Array, " loci"], brain: Brain, h: Int32[Array, " hidden"]) -> Int32[Array, " acts"]:
        """How likely each act is: weights in proportion to chances, 384 ... 12288."""
        q = jnp.sum(brain["actor"] * h[None, :], axis=1, dtype=jnp.int32) >> 15
        halvings = (jnp.max(q) - q) * self.rate(genome, "sharpness")
        return softmax_weight(jnp.minimum(halvings, RAREST), 1)

    def act(
        self, draw: Draw, genome: Int8[Array, " loci"], brain: Brain, seen: Int32[Array, ""]
    ) -> tuple[Brain, Int32[Array, ""]]:
        weights = self.weights(genome, brain, self.activity(genome, self.inputs(brain, seen)))
        return brain, _drawn(weights, draw.word) ^ brain["crossed"]

    def learn(self, genome: Int8[Array, " loci"], brain: Brain, experience: Experience) -> Brain:
        e = experience
        h, ahead = (self.activity(genome, self.inputs(brain, seen)) for seen in (e.seen, e.seen_after))
        kept = 2 * self.rate(genome, "trace")
        did = self.surprise(genome, brain, h, e.act ^ brain["crossed"])
        acted = _bounded(_part(brain["acted"] * kept, 256) + _part(did[:, None] * h[None, :], 256), MOST_TRACE)
        valued = _bounded(_part(brain["valued"] * kept, 256) + h, MOST_TRACE)
        error = self.error(genome, brain, h, ahead, e)
        changed = {
            "actor": _bounded(brain["actor"] + _step(error * acted, self.rate(genome, "actor")), MOST_ACTOR),
            "critic": _bounded(brain["critic"] + _step(error * valued, self.rate(genome, "critic")), MOST_CRITIC),
            "acted": acted,
            "valued": valued,
        }
        is_open = brain["age"] < self.learns_until
        new = {name: jnp.where(is_open, value, brain[name]) for name, value in changed.items()}
        return {**brain, **new, "age": brain["age"] + 1}

    def surprise(self, genome: Array, brain: Brain, h: Array, own: Array) -> Int32[Array, " acts"]:
        """Of each act: whether it was done, less how likely it was, in 1/256."""
        weights = self.weights(genome, brain, h)
        chance = lax.div(weights << 8, jnp.sum(weights, dtype=jnp.int32))
        return jnp.where(jnp.arange(self.n_acts) == own, 256, 0) - chance

    def error(
        self, genome: Int8[Array, " loci"], brain: Brain, h: Array, ahead: Array, experience: Experience
    ) -> Int32[Array, ""]:
        """What is felt and what is foretold from now on, less what was foretold: in 1/256 of a gene."""
        now, then = (jnp.sum(brain["critic"] * x, dtype=jnp.int32) >> 7 for x in (h, ahead))
        later = ((then >> 4) * (2 * self.rate(genome, "discount"))) >> 4
        return _bounded(self.felt(genome, experience.doings) + later - now, MOST_ERROR)

    def felt(self, genome: Int8[Array, " loci"], doings: Mapping[str, Array]) -> Int32[Array, ""]:
        """The feeling of a tick: food and touch, each as much as its gene says; a full bite is 32 genes at most."""
        food = self.rule(genome, "food") * food_of(doings["eaten"], self.bite)
        return (food + self.rule(genome, "touch") * 128 * doings["met"]) >> 1

    def act_weights(self, genome: Int8[Array, " loci"]) -> Int32[Array, "stimuli acts"]:
        """How likely each act is under each stimulus at birth, with straight wires."""
        brain = {"actor": self.innate(genome)[: self.n_acts], "crossed_senses": jnp.int32(0)}

        def one(seen: Array) -> Array:
            return self.weights(genome, brain, self.activity(genome, self.inputs(brain, seen)))

        return jax.vmap(one)(jnp.arange(self.n_stimuli, dtype=jnp.int32))

    # -- for people ------------------------------------------------------------------------------------------------

    def written(self, text: str) -> np.ndarray:
        """The genes of a net written by hand, see `words.written`."""
        return written(text, self.wiring, self.hidden, self.n_acts)

    def genome(self, stimuli: Sequence[str], acts: Mapping[str, int], n_loci: int) -> Genome:
        names = gene_names(self.wiring, self.hidden, self.n_acts)
        genes = [Gene(name, loci=(k,)) for k, name in enumerate(names)]
        return Genome("bodies", "genome", (*genes, *(Gene(f"locus {k}", loci=(k,)) for k in range(len(names), n_loci))))


def _drawn(weights: Int32[Array, " acts"], word: UInt32[Array, ""]) -> Int32[Array, ""]:
    """An act with a chance in proportion to its weight, by 16 random bits."""
    ends = jnp.cumsum(weights.astype(jnp.uint32))
    drawn = ((word & 0xFFFF) * ends[-1]) >> 16
    return jnp.sum(ends[:-1] <= drawn, dtype=jnp.int32)


def _part(a: Int32[Array, "*n"], b: int) -> Int32[Array, "*n"]:
    """a / b, towards zero: nothing is kept of an odd sign for ever."""
    return lax.div(a, jnp.int32(b))


def _step(a: Int32[Array, "*n"], rate: Int32[Array, ""]) -> Int32[Array, "*n"]:
    """a * rate / 2^15, towards zero twice."""
    return _part(_part(a, 256) * rate, 128)


def _bounded(a: Int32[Array, "*n"], most: int) -> Int32[Array, "*n"]:
    return jnp.clip(a, -most, most)
