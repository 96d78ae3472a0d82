"""What a net answers, what its output neurons are told of it, and what an answer costs.

`classes`: a number for each class, of which the softmax is the probability. `numbers`: the answer is meant as it is.
`order`: one number, a score; a lesson is a pair of which the first is above the second, or not, and the probability of
that is the logistic function of the difference of their scores (R. Bradley, M. Terry, 1952; C. Burges et al., "Learning
to rank using gradient descent", 2005).
"""

from __future__ import annotations

from typing import Any, Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Output = Literal["classes", "numbers", "order"]
Vector = Float[Array, " outputs"]


def expected(output: Output, answer: Vector) -> Vector:
    """What an answer says of the label: probabilities, the number itself, the probability that the first is above.

    Of `order`, `answer` is the score of the first less that of the second."""
    if output == "classes":
        return jax.nn.softmax(answer)
    return answer if output == "numbers" else jax.nn.sigmoid(answer)


def told(output: Output, answer: Vector, label: Vector) -> Float[Array, "3 outputs"]:
    """What output neurons are told: error, what was expected, label."""
    says = expected(output, answer)
    return jnp.stack([label - says, says, label])


def told_of_second(of_first: Float[Array, "3 outputs"]) -> Float[Array, "3 outputs"]:
    """The same lesson seen from the second of a pair."""
    error, says, label = of_first
    return jnp.stack([-error, 1 - says, 1 - label])


def target(output: Output, label: Array, n: int, dtype: Any) -> Vector:
    """What a net of `n` outputs is told of a label as it stands in a stream."""
    return jax.nn.one_hot(label, n, dtype=dtype) if output == "classes" else label.astype(dtype).reshape(n)


def loss(output: Output, answer: Vector, label: Vector) -> Float[Array, ""]:
    """Cross-entropy; half the squared error; logistic loss of the difference."""
    if output == "classes":
        return -jnp.sum(label * jax.nn.log_softmax(answer))
    if output == "numbers":
        return 0.5 * jnp.sum((label - answer) ** 2)
    return jnp.sum(jax.nn.softplus(answer) - label * answer)


__all__ = ["Output", "expected", "loss", "target", "told", "told_of_second"]
