"""One tick is one stream: every rule and every rival learns from the same examples in the same order.

In the same tick all rivals also learn from a stream of the validation tasks; by these, never by the test, their
settings are chosen.
"""

from __future__ import annotations

import math
from functools import lru_cache
from importlib.util import find_spec
from itertools import groupby
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32

from mesocosm.core import Bits, Events, Experiment, Fold, Image, Log, Scene, Setup, Tick
from mesocosm.experiments.digits_shown.declaration import DigitsShownConfiguration
from mesocosm.record.about import About
from mesocosm.record.configuration import ConfigurationError, MissingPackage
from mesocosm.rivals.contest import rival_hits
from mesocosm.rivals.costs import costs
from mesocosm.rivals.features import Eyes, build_eyes, sight
from mesocosm.rivals.learners import OWN
from mesocosm.rivals.school import DIGITS8_TRAIN, halves, hits_after
from mesocosm.rules import load as load_rule
from mesocosm.rules.brain import Brain
from mesocosm.rules.form import RuleForm
from mesocosm.rules.rule import EvolvedRule, Form, build_net, sizes_for
from mesocosm.tasks.arrays import DataSet
from mesocosm.tasks.own import content_of, own
from mesocosm.tasks.sets import load, with_rotations
from mesocosm.tasks.streams import Pool, Stream

VALIDATION, TEST, BEGIN, PIXELS = 1, 2, 3, 4  # purposes of random bits


class Trial(eqx.Module):
    """Where streams come from, after how many examples everybody is tested, and on how many images."""

    pool: Pool
    shown: tuple[int, ...] = eqx.field(static=True)
    images: int = eqx.field(static=True)


class DigitsShown(Experiment):
    """Every learner on the same streams."""

    exact: ClassVar[bool] = False

    validation: Trial
    test: Trial
    rules: tuple[EvolvedRule, ...]
    classes: int = eqx.field(static=True)
    balanced: bool = eqx.field(static=True)
    permuted: bool = eqx.field(static=True)
    online: bool = eqx.field(static=True)
    eyes: Eyes | None = None  # where a rule knows images, rivals do too

    def init(self, bits: Bits) -> Int32[Array, ""]:
        return jnp.int32(0)

    def tick(self, bits: Bits, state: Int32[Array, ""]) -> tuple[Int32[Array, ""], Tick]:
        key = bits.key(BEGIN)
        validation = self._stream(bits, self.validation, VALIDATION)
        test = self._stream(bits, self.test, TEST)
        tuning, tested = self._rivals(key, validation, test)
        blocks = [(0, len(self.rules), self.validation.shown, tuning)]
        blocks.append((1, 0, self.test.shown, jnp.concatenate([self._evolved(key, test), tested])))
        return state + 1, Tick(events={"answers": _rows(blocks)})

    def _evolved(self, key: Array, stream: Stream) -> Int32[Array, "rules shown"]:
        """Right answers of every rule; rules of one form share a program."""
        hits = []
        for _, alike in groupby(self.rules, jax.tree.structure):  # in their order
            stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *alike)
            hits.append(jax.lax.map(lambda r: hits_after(r, key, stream, self.test.shown, self.classes), stacked))
        return jnp.concatenate(hits)

    def _rivals(self, key: Array, validation: Stream, test: Stream) -> list[Array]:
        """Right answers of every rival on both streams, [settings, shown] each."""
        streams, trials = (validation, test), (self.validation, self.test)
        if (trials[0].shown, trials[0].images) == (trials[1].shown, trials[1].images):  # one program for both
            both = jax.tree.map(lambda *leaves: jnp.stack(leaves), *streams)
            found = jax.lax.map(lambda s: self._hits(key, s, self.test.shown), both)
            return [found[0], found[1]]
        return [self._hits(key, s, trial.shown) for s, trial in zip(streams, trials, strict=True)]

    def _hits(self, key: Array, stream: Stream, shown: tuple[int, ...]) -> Array:
        return rival_hits(key, stream, shown, self.classes, self.online, self.eyes)

    def _stream(self, bits: Bits, trial: Trial, purpose: int) -> Stream:
        n = max(trial.shown) + trial.images
        stream = trial.pool.draw(bits.key(purpose), n, self.classes, self.balanced)
        if not self.permuted:
            return stream
        order = jnp.argsort(jax.random.uniform(bits.key(PIXELS), stream.inputs.shape[1:]))
        return Stream(stream.inputs[:, order], stream.labels)

    def scene(self, state: Int32[Array, ""]) -> Scene:
        page, about = seen_page(self.test.pool, state), About(called="examples to be named, a row a class")
        images = {} if page is None else {"examples": Image(page, about)}
        return Scene(curves={"streams": state}, images=images)


def seen_page(pool: Pool, turn: Int32[Array, ""]) -> Array | None:
    """Examples of some classes, a row a class, others at each turn: grey [height, width]; None of tables."""
    classes, each, pixels = pool.inputs.shape
    side = math.isqrt(pixels)
    if side * side != pixels:
        return None
    down, across = min(classes, _PAGE[0]), min(each, _PAGE[1])
    taken = pool.inputs[:down, (turn + jnp.arange(across)) % each]
    taken = (taken - taken.min()) / jnp.maximum(taken.max() - taken.min(), 1e-6)
    room = ((0, 0), (0, 0), (0, 1), (0, 1))
    framed = jnp.pad(taken.reshape(down, across, side, side), room)
    return framed.transpose(0, 2, 1, 3).reshape(down * (side + 1), across * (side + 1))


_PAGE = (10, 12)
"""Classes and examples on it."""


def _rows(blocks: list[tuple[int, int, tuple[int, ...], Array]]) -> Events:
    """A row for each number of right answers: blocks of (on_test, first learner, shown, hits [learners, shown])."""
    hits = jnp.concatenate([block[3].ravel() for block in blocks])
    columns: dict[str, list[np.ndarray]] = {"on_test": [], "learner": [], "shown": []}
    for on_test, first, shown, block in blocks:
        learner, place = np.indices(block.shape).reshape(2, -1)
        columns["on_test"].append(np.full(block.size, on_test))
        columns["learner"].append(learner + first)
        columns["shown"].append(np.array(shown)[place])
    pad = -hits.size % 32  # events come in words of 32
    index = np.arange(hits.size + pad)
    told = {name: jnp.asarray(np.pad(np.concatenate(v), (0, pad)), jnp.int32) for name, v in columns.items()}
    told |= {"row": jnp.asarray(index, jnp.int32), "hits": jnp.pad(hits, (0, pad))}
    return Events(jnp.asarray(index < hits.size), told)


class Streams(Fold):
    def read(self, folded: tuple[()], scene: Scene) -> dict[str, Array]:
        return {"streams": scene.curves["streams"]}


@lru_cache(maxsize=4)
def _own_pools(file: str, side: int, content: str) -> tuple[Pool, Pool]:
    """Of a file with this content: examples to tune rivals on, and those of the test."""
    return halves(own(file, side))


@lru_cache(maxsize=4)
def _pools(data: str, side: int) -> tuple[Pool, Pool]:
    """Validation and test: for graded data held-out alphabets and the published test images."""
    if data == "digits8":
        whole = load("digits8", side)
        keep = [DataSet.of(*_part(whole, part), data) for part in (slice(DIGITS8_TRAIN), slice(DIGITS8_TRAIN, None))]
        return Pool.of(keep[0]), Pool.of(keep[1])
    validation = Pool.of(with_rotations(load("omniglot", side, "validate")))
    if data == "validation":
        return validation, validation
    if data == "omniglot":
        return validation, Pool.of(with_rotations(load("omniglot", side, "test")))
    return validation, Pool.of(load(data, side, "test"))


def _part(data: DataSet, part: slice) -> tuple[Any, Any]:
    """Some images of each class, in a fixed shuffled order."""
    rng = np.random.default_rng(0)
    rows = np.concatenate([rng.permutation(np.flatnonzero(data.labels == c))[part] for c in range(data.n_classes)])
    return data.inputs[rows], data.labels[rows]


def _trials(c: DigitsShownConfiguration) -> tuple[Trial, Trial]:
    """Validation goes as far as its tasks reach: at most half of their examples are learnt from.

    Raises:
      ConfigurationError: where the data hold too few examples.
    """
    name = c.file or c.data
    validation, test = _own_pools(c.file, c.side, content_of(c.file)) if c.file else _pools(c.data, c.side)
    rooms = [c.classes * pool.inputs.shape[1] for pool in (validation, test)]
    need, there = max(c.shown) + c.images, min(pool.inputs.shape[0] for pool in (validation, test))
    if there < c.classes:
        raise ConfigurationError(f"classes = {c.classes}: {name} has {there}; take as many, or fewer")
    if need > rooms[1]:
        raise ConfigurationError(
            f"shown, images: {need} examples of {c.classes} classes are needed, {name} and its validation tasks "
            f"give {rooms[1]} at most; show fewer, or ask for fewer images"
        )
    shown = tuple(n for n in c.shown if n <= rooms[0] // 2) or (min(c.shown[0], rooms[0] // 2),)
    images = min(c.images, rooms[0] - max(shown))
    return Trial(validation, shown, images), Trial(test, c.shown, c.images)


def build(configuration: DigitsShownConfiguration) -> Setup:
    """The benchmark that a configuration describes.

    Raises:
      ConfigurationError: where the data hold too few examples.
      DataError, RuleError: for data or rules that are not there.
    """
    c = configuration
    if c.online and find_spec("optax") is None:
        raise MissingPackage("digits-shown with online rivals", "optax", "learn", ", or --online False")
    validation, test = _trials(c)
    loaded = [load_rule(name, channels=c.channels, winners=c.winners, output="classes") for name in c.rules]
    rules = tuple(
        EvolvedRule(build_net(r.form, sizes_for(r.form, c.side**2, c.hidden, c.classes)), r.genome) for r in loaded
    )
    eyes = _eyes(c.side, rules, [rule.form for rule in loaded])
    experiment = DigitsShown(validation, test, rules, c.classes, c.stream == "balanced", c.permuted, c.online, eyes)
    facts = {
        "tuned_on": {"shown": list(validation.shown), "images": validation.images},
        "spatial": eyes is not None,
        "own_eyes": eyes is not None and OWN in eyes.ways,
        "costs": costs(dict(zip(c.rules, rules, strict=True)), c.side**2, c.classes, max(c.shown), c.online, eyes),
        "made": {name: _effort(rule.made) for name, rule in zip(c.rules, loaded, strict=True)},
    }
    if c.file:
        facts["content"] = content_of(c.file)
    names = ("row", "on_test", "learner", "shown", "hits")
    logs = (Log("answers", "answers", tuple((n, n) for n in names)),)
    return Setup(experiment, {"streams": Streams()}, logs, facts=facts)


def _eyes(side: int, rules: tuple[EvolvedRule, ...], forms: list[Form]) -> Eyes | None:
    """What rivals see, where a rule knows images; of rules with eyes they also have the first one's."""
    fields = [form.fields for form in forms if isinstance(form, RuleForm) and form.fields.channels]
    brains = [rule for rule in rules if isinstance(rule.net, Brain)]
    own = sight(brains[0]) if brains else None
    return build_eyes(side, fields[0] if fields else None, own) if fields or own else None


def _effort(made: dict[str, Any]) -> dict[str, Any]:
    """What it cost to make a rule: how often a genome was judged on an example. Written by hand: nothing."""
    from mesocosm.experiments.digits.declaration import DigitsConfiguration
    from mesocosm.record.configuration import from_toml

    if "config" not in made:
        return {"examples": made.get("examples", 0)}
    c = from_toml(DigitsConfiguration, made["config"], "the configuration that made the rule")
    school, genomes = c.schooling, 1 if c.search.searcher == "meta-gradient" else c.search.population
    return {"examples": made["generations"] * genomes * school.tasks * school.examples}


__all__ = ["DigitsShown", "build"]
