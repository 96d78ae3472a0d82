"""What a learner costs: numbers that it keeps, and floating-point operations an example, counted on its jaxpr."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from mesocosm.core.flops import flops
from mesocosm.experiments.digits.school import Learner
from mesocosm.experiments.digits_shown.baselines import stored
from mesocosm.experiments.digits_shown.contest import learner_of
from mesocosm.experiments.digits_shown.learners import ONLINE, STORED
from mesocosm.rules.rule import EvolvedRule


def costs(rules: dict[str, EvolvedRule], pixels: int, classes: int, n: int, online: bool) -> dict[str, dict[str, int]]:
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
    return out


def _cost(learner: Learner, pixels: int, classes: int) -> dict[str, int]:
    x, label = (jax.ShapeDtypeStruct((k,), jnp.float32) for k in (pixels, classes))
    state: Any = jax.eval_shape(learner.begin, jax.random.key(0))
    whole = flops(learner.learn, state, x, label) + flops(learner.predict, state, x)
    return {"bytes": sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state)), "flops": round(whole)}


__all__ = ["costs"]
