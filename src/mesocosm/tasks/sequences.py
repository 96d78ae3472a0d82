"""Tasks made from nothing in which an example comes over several steps, and the answer needs a memory of them.

`draw_cues`: what tells the class is shown at the first step only; with probability `reliable` it is the cue of the
class, else that of one of the others, each as likely. What follows has nothing to do with the class. The best that can
be done is `reliable`; who hears the last step alone guesses, 1 in `classes`.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array

from mesocosm.tasks.streams import Stream
from mesocosm.tasks.variety import as_images


def draw_cues(key: Array, n: int, classes: int, width: int, steps: int = 4, reliable: float = 0.9) -> Stream:
    """A task of `n` examples [steps x width], standardised at each step. `key` is consumed.

    Cues and what follows them are patterns of this task: random signs, twice as many as there are classes.
    """
    k_class, k_true, k_other, k_patterns, k_rest = jax.random.split(key, 5)
    labels = jax.random.randint(k_class, (n,), 0, classes)
    other = (labels + jax.random.randint(k_other, (n,), 1, classes)) % classes
    cue = jnp.where(jax.random.uniform(k_true, (n,)) < reliable, labels, other)
    rest = jax.random.randint(k_rest, (n, steps - 1), classes, 2 * classes)
    patterns = as_images(jax.random.rademacher(k_patterns, (2 * classes, width), jnp.float32))
    return Stream(patterns[jnp.concatenate([cue[:, None], rest], axis=1)].reshape(n, -1), labels)


__all__ = ["draw_cues"]
