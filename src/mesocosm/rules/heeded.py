"""Areas that answer the same question, each heeded the more the oftener it was right.

The evidence is the stream's own: before a class is told, every area has named one. No area is asked again, and none
changes by what the others answer.

N. Littlestone, M. Warmuth, "The weighted majority algorithm", 1994; R. Jacobs, M. Jordan, S. Nowlan, G. Hinton,
"Adaptive mixtures of local experts", 1991.
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from mesocosm.rules.areas import Area, Vector

FORGETS = 0.03
"""Written by hand: the last thirty examples count."""


class HeededState(eqx.Module):
    areas: list[Any]
    right: Float[Array, " areas"]  # examples that it named rightly before it was told, less what is forgotten of them


class Heeded(Area):
    """Areas side by side that answer a number for each class; their answers are averaged by how far each is heeded.

    An area's share is exp(lean + trust * how often it was right since it was born), over that of all. What was right
    long ago counts as much as what was right just now, but where areas are heeded by the recent past (`forgets`).

    Genes: `lean` [areas], for whom a brain is born; `trust`, what one right answer is worth; where it forgets,
    `forgets`, the share of all counts that is lost with each example: the time constant is 1 / forgets examples, and
    0 is never.
    """

    areas: tuple[Area, ...]
    forgets: bool = eqx.field(static=True, default=False)

    def size(self, heard: int) -> int:
        sizes = {area.size(heard) for area in self.areas}
        if len(sizes) != 1:
            raise ValueError(f"sizes: areas that are heeded answer as many numbers each, not {sorted(sizes)}")
        return sizes.pop()

    def found(self, key: Array, heard: int) -> dict[str, Any]:
        """`lean` prefers the first; who is right ten times more overturns that."""
        n = len(self.areas)
        genes = [area.found(k, heard) for area, k in zip(self.areas, jax.random.split(key, n), strict=True)]
        own = {"areas": genes, "lean": jnp.zeros(n).at[0].set(2.0), "trust": jnp.array(0.2)}
        return own | ({"forgets": jnp.array(FORGETS)} if self.forgets else {})

    def begin(self, genes: Any, heard: int, key: Array) -> HeededState:
        keys = jax.random.split(key, len(self.areas))
        states = [a.begin(g, heard, k) for a, g, k in zip(self.areas, genes["areas"], keys, strict=True)]
        return HeededState(states, jnp.zeros_like(genes["lean"]))

    def answer(self, genes: Any, state: HeededState, heard: Vector) -> Vector:
        return self.shares(genes, state) @ self._answers(genes, state, heard)

    def shares(self, genes: Any, state: HeededState) -> Float[Array, " areas"]:
        """How far each is heeded; they add up to 1."""
        return jax.nn.softmax(genes["lean"] + genes["trust"] * state.right)

    def learn(self, genes: Any, state: HeededState, heard: Vector, answer: Vector, told: Vector) -> HeededState:
        answers = self._answers(genes, state, heard)
        parts = zip(self.areas, genes["areas"], state.areas, answers, strict=True)
        states = [area.learn(g, s, heard, a, told) for area, g, s, a in parts]
        right = jnp.argmax(answers, axis=1) == jnp.argmax(told)
        kept = state.right * (1 - genes["forgets"]) if self.forgets else state.right
        return HeededState(states, kept + right.astype(state.right.dtype))

    def _answers(self, genes: Any, state: HeededState, heard: Vector) -> Float[Array, "areas classes"]:
        parts = zip(self.areas, genes["areas"], state.areas, strict=True)
        return jnp.stack([area.answer(g, s, heard) for area, g, s in parts])


__all__ = ["FORGETS", "Heeded", "HeededState"]
