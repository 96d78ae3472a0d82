"""Tasks made from nothing in which an example comes over several steps, and the answer needs a memory of them.

`draw_cues`: what tells the class is shown at the first step only; with probability `reliable` it is the cue of the
class, else that of one of the others, each as likely. What follows has nothing to do with the class. The best that can
be done is `reliable`; who hears the last step alone guesses, 1 in `classes`.

`draw_orders`: a class is an order in which the same symbols come, the last one the same for all; who hears the last
step alone, or only which symbols there were, guesses.
"""

from __future__ import annotations

from itertools import permutations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float32

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
    return Stream(_shown(k_patterns, jnp.concatenate([cue[:, None], rest], axis=1), 2 * classes, width), labels)


def draw_orders(key: Array, n: int, classes: int, width: int, steps: int = 4, noise: float = 0.3) -> Stream:
    """The same: classes are different orders of steps - 1 symbols, then comes one more; noise on every number.

    Raises:
      ValueError: where there are fewer orders than classes.
    """
    orders = np.array(list(permutations(range(steps - 1))))
    if classes > len(orders):
        raise ValueError(
            f"classes = {classes}: {steps - 1} symbols have {len(orders)} orders; take fewer, or more steps"
        )
    k_class, k_orders, k_patterns, k_noise = jax.random.split(key, 4)
    labels = jax.random.randint(k_class, (n,), 0, classes)
    chosen = jnp.asarray(orders)[jax.random.permutation(k_orders, len(orders))[:classes]]
    symbols = jnp.concatenate([chosen[labels], jnp.full((n, 1), steps - 1)], axis=1)
    inputs = _shown(k_patterns, symbols, steps, width)
    return Stream(inputs + noise * jax.random.normal(k_noise, inputs.shape), labels)


def _shown(key: Array, symbols: Array, n_symbols: int, width: int) -> Float32[Array, "n numbers"]:
    patterns = jax.random.rademacher(key, (n_symbols, width), jnp.float32)
    return as_images(patterns)[symbols].reshape(symbols.shape[0], -1)


__all__ = ["draw_cues", "draw_orders"]
