"""The search for a learning rule: a generation is judged on common random tasks, the searcher moves.

Reference: B. Aguera y Arcas, "Social intelligence", NeurIPS 2019 (a population of genomes; nets are shown digits; those
that learn best breed). The fitness is the prequential loss: every example is a test before it is a lesson.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float32, Int32

from mesocosm.core import Bits, Experiment, Fold, Scene, Setup, Tick
from mesocosm.evolution.build import build_searcher
from mesocosm.evolution.searcher import Searcher
from mesocosm.experiments.digits.declaration import DigitsConfiguration, Schooling
from mesocosm.record import Status
from mesocosm.record.about import About
from mesocosm.rivals.school import Source, build_sources, hits_after, prequential_loss
from mesocosm.rules import handwritten
from mesocosm.rules.form import RuleForm
from mesocosm.rules.net import Genome, Net
from mesocosm.rules.rule import EvolvedRule, build_net, sizes_for
from mesocosm.tasks.own import content_of
from mesocosm.tasks.streams import Stream

TASKS, NOISE, MEMBERS, FOUNDING = 1, 2, 3, 4  # purposes of random bits
ZERO = 0.02
"""The unit of a number that was founded as zero, where numbers are searched in units of their founding values."""
IMAGES = 10
"""Neurons whose strengths are shown."""
JUDGED = 20
"""Seed of the held-out tasks."""


class SearchState(eqx.Module):
    search: Any
    loss: Float32[Array, ""]  # mean over the members of the last generation that could be judged
    best: Float32[Array, ""]
    unjudged: Int32[Array, ""]  # members of the last generation whose loss was not finite


class Digits(Experiment):
    """Genomes of one form, judged by how fast nets that run them learn."""

    exact: ClassVar[bool] = False
    endings: ClassVar[dict[int, str]] = {Status.DIVERGED: "the searcher's centre is no longer finite"}

    net: Net
    searcher: Searcher
    train: Source
    judge: Stream  # held-out tasks, the same in every search and every run: [tasks, examples, ...]
    control: Float32[Array, " n"]  # accuracy of the class mean on them
    founder: Float32[Array, " d"]  # in units of `scale`
    scale: Float32[Array, " d"]
    spread: Float32[Array, ""]
    n_tasks: int = eqx.field(static=True)
    n_examples: int = eqx.field(static=True)
    shown: tuple[int, ...] = eqx.field(static=True)

    def init(self, bits: Bits) -> SearchState:
        noise = jax.random.normal(bits.key(FOUNDING), self.founder.shape, jnp.float32)
        search = self.searcher.found(self.founder + self.spread * noise)
        return SearchState(search, jnp.float32(0), jnp.float32(0), jnp.int32(0))

    def tick(self, bits: Bits, state: SearchState) -> tuple[SearchState, Tick]:
        streams = self.train.draw(bits.key(TASKS), self.n_tasks, self.n_examples)
        keys = jax.random.split(bits.key(NOISE), self.n_tasks)
        search, losses = self.searcher.step(
            bits.key(MEMBERS), state.search, lambda members: self.losses(members, keys, streams)
        )
        finite = jnp.isfinite(losses)
        n = jnp.maximum(jnp.sum(finite), 1).astype(jnp.float32)
        mean = jnp.sum(jnp.where(finite, losses, 0)) / n
        best = jnp.min(jnp.where(finite, losses, jnp.inf))
        return SearchState(search, mean, best, jnp.sum(~finite, dtype=jnp.int32)), Tick()

    def losses(self, members: Float32[Array, "members d"], keys: Array, streams: Any) -> Float32[Array, " members"]:
        """The loss of each genome, the mean over the same tasks and the same initial noise for all."""

        def one(member: Float32[Array, " d"]) -> Float32[Array, ""]:
            rule = EvolvedRule(self.net, self.genome(member))
            over_tasks = jax.vmap(lambda k, s: prequential_loss(rule, k, s, self.net.sizes[-1]))
            return jnp.mean(over_tasks(keys, streams))

        return jax.lax.map(one, members)  # one after the other: a member's tasks fill the cores and bound the memory

    def genome(self, numbers: Float32[Array, " d"]) -> Genome:
        """A genome from its numbers in a row, in the units of the search."""
        shapes = jax.eval_shape(self.net.found, jax.random.key(0))
        return ravel_pytree(jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes))[1](numbers * self.scale)

    def scene(self, state: SearchState) -> Scene:
        centre = self.searcher.centre(state.search)
        rule = EvolvedRule(self.net, self.genome(centre))
        curves = {
            "loss": state.loss,
            "best": state.best,
            "unjudged": state.unjudged,
            "genome": centre * self.scale,
            "rule": judged(rule, self.judge, self.shown),
            "control": self.control,
            "strengths": self.strengths(rule),
        }
        right = tuple(f"after {n} {'example' if n == 1 else 'examples'}" for n in self.shown)
        about = {
            "rule": About("share of tasks", words=right, called="right: the evolved rule"),
            "control": About("share of tasks", words=right, called="right: the rule it began as"),
            "genome": About(called="numbers of its genome"),
            "strengths": About(called="what its first neurons listen for"),
        }
        return Scene(curves=curves, about=about)

    def strengths(self, rule: EvolvedRule) -> Float32[Array, "side row"]:
        """What the first neurons listen for once the first held-out task is learnt, images (or fields) in a row."""

        def lesson(state: Any, example: Any) -> tuple[Any, None]:
            return rule.learn(state, *example)[0], None

        n = max(self.shown)
        labels = jax.nn.one_hot(self.judge.labels[0, :n], self.net.sizes[-1])
        learnt, _ = jax.lax.scan(lesson, rule.begin(jax.random.key(JUDGED)), (self.judge.inputs[0, :n], labels))
        first = self.net.synapse.carry(learnt.synapses[0])[0][0, :IMAGES]
        side = math.isqrt(first.shape[1])
        if side**2 != first.shape[1]:
            return first  # what is heard in a step is no image
        return first.reshape(-1, side, side).transpose(1, 0, 2).reshape(side, -1)

    def status(self, state: SearchState) -> Int32[Array, ""]:
        is_finite = jnp.all(jnp.isfinite(self.searcher.centre(state.search)))
        return jnp.where(is_finite, Status.ALIVE, Status.DIVERGED).astype(jnp.int32)


class Learning(Fold):
    """Loss of the generation, and the accuracy of the centre and of the control after each number of examples."""

    shown: tuple[int, ...] = eqx.field(static=True)

    def read(self, folded: tuple[()], scene: Scene) -> dict[str, Array]:
        row = {name: scene.curves[name] for name in ("loss", "best", "unjudged")}
        for i, n in enumerate(self.shown):
            row |= {f"rule_{n}": scene.curves["rule"][i], f"control_{n}": scene.curves["control"][i]}
        return row


def founding_genome(founding: str, net: Net) -> Genome:
    """The genome that a search begins with."""
    if founding == "random":
        return net.found(jax.random.key(0))
    by_hand = {
        "class-mean": handwritten.class_mean,
        "centred-class-mean": handwritten.centred_class_mean,
        "prototypes": handwritten.prototypes,
    }
    return by_hand[founding](net)


def judged(rule: EvolvedRule, streams: Stream, shown: tuple[int, ...]) -> Float32[Array, " n"]:
    """Accuracy after each number of examples, the mean over streams; the images behind the last are the test."""
    classes, n_test = rule.net.sizes[-1], streams.labels.shape[1] - max(shown)
    keys = jax.random.split(jax.random.key(JUDGED), streams.labels.shape[0])
    hits = jax.vmap(lambda k, s: hits_after(rule, k, s, shown, classes))(keys, streams)
    return jnp.mean(hits.astype(jnp.float32), axis=0) / n_test


def taught(school: Schooling) -> tuple[Source, Stream, Array]:
    """As `_taught`, of the file of one's own as it is now."""
    return _taught(school, content_of(school.file) if school.file else "")


@lru_cache(maxsize=8)
def _taught(school: Schooling, content: str) -> tuple[Source, Stream, Array]:
    """The source to evolve on, the held-out tasks, and the accuracy of the class mean on these.

    Held-out tasks are data, drawn once: drawn inside the loop from a fixed key they would be folded by the compiler.
    """
    train, judge = build_sources(school)
    draw = jax.jit(lambda judge, key: judge.draw(key, school.judged_tasks, max(school.shown) + school.judged_images))
    streams = draw(judge, jax.random.key(JUDGED))
    net = build_net(RuleForm("hebbian", messages=1, memory=0), (school.side**2, school.classes))
    by_hand = jax.jit(lambda genome, streams: judged(EvolvedRule(net, genome), streams, school.shown))
    return train, streams, by_hand(handwritten.class_mean(net), streams)


def build(configuration: DigitsConfiguration) -> Setup:
    """The search that a configuration describes.

    Raises:
      ConfigurationError, DataError: for what cannot be searched or is not there.
    """
    c, school = configuration, configuration.schooling
    net = build_net(c.form, sizes_for(c.form, school.side**2, school.hidden, school.classes))
    founder = ravel_pytree(founding_genome(c.founding, net))[0]
    scale = jnp.where(founder == 0, ZERO, jnp.abs(founder)) if c.relative else jnp.ones_like(founder)
    train, judge, control = taught(school)
    experiment = Digits(
        net=net,
        searcher=build_searcher(c.search, founder.size),
        train=train,
        judge=judge,
        control=control,
        founder=founder / scale,
        scale=scale,
        spread=jnp.float32(c.spread),
        n_tasks=school.tasks,
        n_examples=school.examples,
        shown=school.shown,
    )
    facts = {"content": content_of(school.file)} if school.file else {}
    return Setup(experiment, {"learning": Learning(school.shown)}, facts=facts)
