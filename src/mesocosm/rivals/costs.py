"""What a learner costs: numbers that it keeps, and floating-point operations an example, counted on its jaxpr."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from mesocosm.core.flops import flops
from mesocosm.rivals.baselines import stored
from mesocosm.rivals.contest import learner_of
from mesocosm.rivals.features import Eyes, spatial_scores
from mesocosm.rivals.learners import JUDGES, ONLINE, ONLINE_OWN, OWN, STORED, spatial
from mesocosm.rivals.school import Learner
from mesocosm.rules.rule import EvolvedRule


def costs(
    rules: dict[str, EvolvedRule], pixels: int, classes: int, n: int, online: bool, eyes: Eyes | None = None
) -> dict[str, dict[str, int]]:
    """Bytes of state after n examples, and operations to learn one more and to answer one, for each learner.

    A rival that stores its examples is fitted anew by each: that is what one more costs it (with one setting).
    """
    learners: dict[str, Learner] = dict(rules)
    if online:
        for family, settings in ONLINE.items():
            learners[family] = learner_of(family, pixels, classes, *settings[0])
    out = {name: _cost(learner, pixels, classes) for name, learner in learners.items()}
    for family, settings in STORED.items():
        kept = classes * (pixels + 1) if family == "class mean" else n * (pixels + 1)
        shapes = [jax.ShapeDtypeStruct((k, pixels), jnp.float32) for k in (n, 1)]
        labels = jax.ShapeDtypeStruct((n,), jnp.int32)
        whole = flops(
            lambda x, y, t, f=family, s=settings[:1]: stored(f, x, y, t, classes, s), shapes[0], labels, shapes[1]
        )
        out[family] = {"bytes": 4 * kept, "flops": round(whole)}
    own = _online_own(eyes, pixels, classes) if online and eyes and OWN in eyes.ways else {}
    return out | (_of_spatial(eyes, pixels, classes, n) if eyes else {}) | own


def _online_own(eyes: Eyes, pixels: int, classes: int) -> dict[str, dict[str, int]]:
    """Of online rivals that look through the rules' own eyes: at each example to learn from it, and to answer."""
    x = jax.ShapeDtypeStruct((1, pixels), jnp.float32)
    features = jax.eval_shape(lambda x: eyes.look(x, (OWN,)), x)[OWN].shape[2]
    look, out = 2 * flops(lambda x: eyes.look(x, (OWN,)), x), {}
    for family, settings in ONLINE_OWN.items():
        cost = _cost(learner_of(family, features, classes, *settings[0]), features, classes)
        out[family] = cost | {"flops": round(cost["flops"] + look)}
    return out


def _of_spatial(eyes: Eyes, pixels: int, classes: int, n: int) -> dict[str, dict[str, int]]:
    """With one setting, as of the others; what is kept of an image is its features, or their mean for each class."""
    one = eqx.tree_at(
        lambda e: [e.ways[name] for name in e.many], eyes, replace_fn=lambda t: jax.tree.map(lambda v: v[:1], t)
    )
    x, labels = jax.ShapeDtypeStruct((n + 1, pixels), jnp.float32), jax.ShapeDtypeStruct((n,), jnp.int32)
    out = {}
    for family in spatial(OWN in eyes.ways):
        judge, _, way = family.partition(" of ")
        way, is_mean = way or "episodes", judge in ("class mean", "ProtoNet-CNN")
        kept = jax.eval_shape(lambda x, w=way: one.look(x, (w,)), x)[way].shape[2] + 1
        whole = flops(lambda x, y, f=family, w=way: spatial_scores(one.look(x, (w,)), y, 1, classes, f), x, labels)
        out[family] = {
            "bytes": 4 * kept * (classes if is_mean else n),
            "flops": round(whole / len(JUDGES.get(judge, (0,)))),
        }
    return out


def _cost(learner: Learner, pixels: int, classes: int) -> dict[str, int]:
    x, label = (jax.ShapeDtypeStruct((k,), jnp.float32) for k in (pixels, classes))
    state: Any = jax.eval_shape(learner.begin, jax.random.key(0))
    whole = flops(learner.learn, state, x, label) + flops(learner.predict, state, x)
    return {"bytes": sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state)), "flops": round(whole)}


__all__ = ["costs"]
