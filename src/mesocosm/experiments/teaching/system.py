"""A tick is a generation: every learner's pupils are taught by the generation before, all on the same images."""

from __future__ import annotations

from functools import lru_cache, partial
from itertools import groupby
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float32, Int32

from mesocosm.core import Bits, Experiment, Scene, Setup, Tick
from mesocosm.core.instrument import Numbers
from mesocosm.experiments.teaching.declaration import PASSES, RATES, TeachingConfiguration
from mesocosm.experiments.teaching.measures import learners
from mesocosm.record.about import About
from mesocosm.record.configuration import ConfigurationError
from mesocosm.rivals.school import DIGITS8_TRAIN, Learner, halves
from mesocosm.rules import load as load_rule
from mesocosm.rules.rule import EvolvedRule, build_net, sizes_for
from mesocosm.tasks.own import content_of, own
from mesocosm.tasks.sets import load
from mesocosm.tasks.streams import Pool, Stream

CHOOSERS = ("nobody", "teacher", "pupil")
BEGIN, TRUE, JUDGE, IMAGES, WHO, NOISE, NAMES = range(1, 8)  # purposes of random bits


class Softmax(eqx.Module):
    """A linear net that learns by the gradient of its cross-entropy, one step an example, from zero.

    Args:
      rate: of learning.
      passes: how often it goes over its lessons, in their order, once they have been given.
    """

    rate: Array
    passes: Array
    inputs: int = eqx.field(static=True)
    classes: int = eqx.field(static=True)

    def begin(self, key: Array) -> Array:
        return jnp.zeros((self.inputs + 1, self.classes))

    def predict(self, state: Array, x: Array) -> Array:
        return x @ state[:-1] + state[-1]

    def learn(self, state: Array, x: Array, label: Array) -> tuple[Array, Array]:
        logits = self.predict(state, x)
        error = jax.nn.softmax(logits) - label
        step = jnp.concatenate([x, jnp.ones_like(x[:1])])[:, None] * error[None, :]
        return state - self.rate * step, logits


class Chain(eqx.Module):
    """The living generation.

    Args:
      minds: of each kind of learner: its learners along the first axis, their teachers along the second.
      named: the classes of the data that this chain is about, in the order of their labels.
      judged: images and true labels by which all are judged.
      said: what the first generation said of them. [learners, teachers, images]
      right, first, same: shares of images, the means over teachers: named rightly; by the first generation; as by it.
      kinds: how many classes are named, in effect: exp of the entropy of the names, the mean over teachers.
    """

    minds: tuple[Any, ...]
    named: Int32[Array, " classes"]
    judged: Stream
    said: Int32[Array, "learners teachers images"]
    right: Float32[Array, " learners"]
    first: Float32[Array, " learners"]
    same: Float32[Array, " learners"]
    kinds: Float32[Array, " learners"]
    generation: Int32[Array, ""]


class Teaching(Experiment):
    """Learners that share lessons and never meet."""

    exact: ClassVar[bool] = False

    kinds: tuple[Any, ...]  # learners of one form, stacked
    lessons: Pool
    images: Pool
    noise: Array
    is_soft: Array
    chooses: Array  # a place of CHOOSERS
    classes: int = eqx.field(static=True)
    n: int = eqx.field(static=True)
    n_images: int = eqx.field(static=True)
    teachers: int = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True, default=())
    """Of the learners, in their order."""

    def init(self, bits: Bits) -> Chain:
        named = jax.random.permutation(bits.key(NAMES), self.lessons.inputs.shape[0])[: self.classes].astype(jnp.int32)
        judged = _drawn(bits.key(JUDGE), self.images, named, self.n_images)
        keys = jax.random.split(bits.key(TRUE), self.teachers)  # each teacher had lessons of its own
        taught = jax.vmap(lambda key: _drawn(key, self.lessons, named, self.n))(keys)
        x, y = taught.inputs, jax.nn.one_hot(taught.labels, self.classes)
        minds = tuple(
            jax.vmap(lambda own: jax.vmap(lambda x, y: self._learnt(own, bits, x, y))(x, y))(kind)
            for kind in self.kinds
        )
        said = self._said(minds, judged)
        right = jnp.mean(said == judged.labels[None, None, :], axis=(1, 2), dtype=jnp.float32)
        return Chain(minds, named, judged, said, right, right, jnp.ones_like(right), self._kinds(said), jnp.int32(0))

    def tick(self, bits: Bits, state: Chain) -> tuple[Chain, Tick]:
        keys = jax.random.split(bits.key(IMAGES), self.teachers)
        x = jax.vmap(lambda key: _drawn(key, self.lessons, state.named, 2 * self.n).inputs)(keys)
        x = x.reshape(self.teachers, self.n, 2, -1)
        noise = jax.random.uniform(bits.key(NOISE), (self.teachers, self.n, 2))
        who = jax.random.randint(bits.key(WHO), (self.teachers, self.n), 0, self.teachers)
        minds = tuple(
            jax.vmap(lambda own, old: jax.vmap(lambda *given: self._taught(own, bits, old, given))(x, who, noise))(
                kind, old
            )
            for kind, old in zip(self.kinds, state.minds, strict=True)
        )
        said = self._said(minds, state.judged)
        right = jnp.mean(said == state.judged.labels[None, None, :], axis=(1, 2), dtype=jnp.float32)
        same = jnp.mean(said == state.said, axis=(1, 2), dtype=jnp.float32)
        after = Chain(
            minds,
            state.named,
            state.judged,
            state.said,
            right,
            state.first,
            same,
            self._kinds(said),
            state.generation + 1,
        )
        return after, Tick()

    def scene(self, state: Chain) -> Scene:
        curves = {"right": state.right, "same": state.same, "first": state.first, "kinds": state.kinds}
        curves["generation"] = state.generation
        share = partial(About, "share of images", words=self.names, low=0, high=1)
        about = {
            "right": share(called="named rightly"),
            "same": share(called="named as the first generation did"),
            "kinds": About("classes", words=self.names, low=1, called="classes named, in effect"),
            "first": share(called="named rightly by the first generation"),
        }
        return Scene(curves=curves, about=about)

    def _learnt(self, own: Learner, bits: Bits, x: Array, y: Array) -> Any:
        """A mind that has learnt from images and what was said of them, in their order."""
        return _again(own, _gone_over(own, own.begin(bits.key(BEGIN)), (x, y)), (x, y))

    def _taught(self, own: Learner, bits: Bits, teachers: Any, lessons: tuple[Array, Array, Array]) -> Any:
        """A pupil after its lessons.

        Args:
          lessons: of each, two images that stand to choice [lessons, 2, pixels], which teacher gives it [lessons], and
            two numbers from 0 to 1 by which its label is replaced [lessons, 2].
        """

        def lesson(pupil: Any, given: Any) -> tuple[Any, tuple[Array, Array]]:
            x, w, (is_wrong, other) = given
            teacher = jax.tree.map(lambda leaf: leaf[w], teachers)
            logits = jax.vmap(lambda x: own.predict(teacher, x))(x)
            k = self._choice(logits, jax.vmap(lambda x: own.predict(pupil, x))(x))
            said = jax.nn.softmax(logits[k])
            label = jnp.where(self.is_soft, said, jax.nn.one_hot(jnp.argmax(said), self.classes))
            chance = jax.nn.one_hot(jnp.floor(other * self.classes).astype(jnp.int32), self.classes)
            label = jnp.where(is_wrong < self.noise, chance, label)
            return own.learn(pupil, x[k], label)[0], (x[k], label)

        return _again(own, *jax.lax.scan(lesson, own.begin(bits.key(BEGIN)), lessons))

    def _choice(self, of_teacher: Array, of_pupil: Array) -> Array:
        """Which image is taught: that of which the teacher is surest, or the pupil least."""
        surest, least = jnp.argmax(_margin(of_teacher)), jnp.argmin(_margin(of_pupil))
        return jnp.where(self.chooses == 1, surest, jnp.where(self.chooses == 2, least, 0))

    def _kinds(self, said: Array) -> Array:
        """How many classes are named, in effect. [learners]"""
        shares = jnp.mean(jax.nn.one_hot(said, self.classes), axis=2)
        return jnp.mean(jnp.exp(-jnp.sum(jax.scipy.special.xlogy(shares, shares), axis=-1)), axis=1)

    def _said(self, minds: tuple[Any, ...], judged: Stream) -> Array:
        """The class that everybody names. [learners, teachers, images]"""

        def one(own: Learner, mind: Any) -> Array:
            logits = jax.vmap(lambda x: own.predict(mind, x))(judged.inputs)
            is_said = jnp.all(jnp.isfinite(logits), axis=-1)  # a mind that overflowed names nothing: it is wrong
            return jnp.where(is_said, jnp.argmax(logits, axis=-1), -1).astype(jnp.int32)

        def of_kind(kind: Any, minds: Any) -> Array:
            return jax.vmap(lambda own, all: jax.vmap(lambda mind: one(own, mind))(all))(kind, minds)

        return jnp.concatenate([of_kind(kind, mind) for kind, mind in zip(self.kinds, minds, strict=True)])


def _gone_over(own: Learner, mind: Any, lessons: tuple[Array, Array]) -> Any:
    """A mind after lessons, images and labels, in their order."""
    return jax.lax.scan(lambda mind, pair: own.learn(mind, *pair), mind, lessons)[0]


def _again(own: Learner, mind: Any, lessons: tuple[Array, Array]) -> Any:
    """The mind after all further passes over its lessons, of a learner that stores them."""
    if not isinstance(own, Softmax):
        return mind
    return jax.lax.fori_loop(1, own.passes, lambda _, mind: _gone_over(own, mind, lessons), mind)


def _drawn(key: Array, pool: Pool, named: Int32[Array, " classes"], n: int) -> Stream:
    """So many images of these classes, none twice; a label is the place of its class in `named`. `key` is consumed.

    A chain keeps its names: what a draw of tasks calls a class would differ from draw to draw.
    """
    each = pool.inputs.shape[1]
    places = jax.random.permutation(key, named.size * each)[:n]
    labels = (places // each).astype(jnp.int32)
    return Stream(pool.inputs[named[labels], places % each], labels)


def _margin(logits: Float32[Array, "k classes"]) -> Array:
    """How far the likeliest class is before the next one, in probability. [k]"""
    top = jax.lax.top_k(jax.nn.softmax(logits), 2)[0]
    return top[:, 0] - top[:, 1]


@lru_cache(maxsize=4)
def _pools(file: str, side: int, content: str = "") -> tuple[Pool, Pool]:
    """To learn from and to be judged by, of a file with this content."""
    return halves(own(file, side)) if file else halves(load("digits8", side), DIGITS8_TRAIN)


def build(c: TeachingConfiguration) -> Setup:
    """The chains that a configuration describes.

    Raises:
      ConfigurationError: where the data hold too few images.
      DataError, RuleError: for data or rules that are not there.
    """
    content = content_of(c.file) if c.file else ""
    lessons, images = _pools(c.file, c.side, content)
    need = 2 * c.lessons  # two stand to choice
    for what, n, pool in (("lessons", need, lessons), ("images", c.images, images)):
        n_classes, each, _ = pool.inputs.shape
        if c.classes > n_classes or n > c.classes * each:
            raise ConfigurationError(
                f"{what}: {n} images of {c.classes} classes are needed, and there are {each} of each of {n_classes} "
                f"classes; ask for fewer {what} or classes"
            )
    loaded = [load_rule(name, output="classes") for name in c.rules]
    rules = [EvolvedRule(build_net(r.form, sizes_for(r.form, c.side**2, (), c.classes)), r.genome) for r in loaded]
    kinds = [jax.tree.map(lambda *leaves: jnp.stack(leaves), *alike) for _, alike in groupby(rules, jax.tree.structure)]
    rates, passes = jnp.array(RATES * len(PASSES), jnp.float32), jnp.repeat(jnp.array(PASSES), len(RATES))
    descent = Softmax(rates, passes, c.side**2, c.classes)
    sizes = (c.classes, c.lessons, c.images, c.teachers)
    how = (jnp.float32(c.noise), jnp.bool_(c.labels == "soft"), jnp.int32(CHOOSERS.index(c.chooses)))
    facts = {"content": content} if content else {}
    names = tuple(learners({"rules": c.rules}))
    chains = Teaching((*kinds, descent), lessons, images, *how, *sizes, names)
    return Setup(chains, {"numbers": Numbers(())}, facts=facts)


__all__ = ["Teaching", "build"]
