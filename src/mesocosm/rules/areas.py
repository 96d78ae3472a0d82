"""Areas of a brain: each has genes of its own, a state of its own, and one local law.

The contract is small, and an area of one's own is a class with these four methods: `found` (genes), `begin` (state),
`answer` (what it tells the next area), `learn` (how its state changes by what it heard, what it answered, and what it
was told). No area sees into another. Here are those through which an image passes: `Retina`, `Upright`, `Oriented`,
`Beside`, `Innate`, `Decorrelating`; in `keys` the one that learns which class it is of.
"""

from __future__ import annotations

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from mesocosm.core.sampling import warped
from mesocosm.record.given import areas as covering

Genes = dict[str, Array]
Vector = Float[Array, "_"]

_TINY = 1e-6


class Area(eqx.Module):
    """One area. Most have no state and do not change in life: they override `found`, `size` and `answer` only."""

    def size(self, heard: int) -> int:
        """How many numbers it answers to so many.

        Raises:
          ValueError: for a number that it cannot hear.
        """
        raise NotImplementedError

    def found(self, key: Array, heard: int) -> Any:
        """Genes written by hand (of what is random: by `key`)."""
        return {}

    def begin(self, genes: Any, heard: int, key: Array) -> Any:
        """The state before the first example."""
        return ()

    def answer(self, genes: Any, state: Any, heard: Vector) -> Vector:
        raise NotImplementedError

    def learn(self, genes: Any, state: Any, heard: Vector, answer: Vector, told: Vector) -> Any:
        """The state after one example of which it was `told` the class (one-hot)."""
        return state


class Retina(Area):
    """Brings a square image of any side to side x side; each new pixel is the mean of what it covers."""

    side: int = eqx.field(static=True)

    def size(self, heard: int) -> int:
        side = math.isqrt(heard)
        if side * side != heard or side < 4:
            raise ValueError(f"sizes: eyes look at square images of 4 x 4 pixels at least, not at {heard} numbers")
        return self.side**2

    def answer(self, genes: Any, state: Any, heard: Vector) -> Vector:
        side = math.isqrt(heard.shape[0])
        if side == self.side:
            return heard
        cover = jnp.asarray(covering(side, self.side), heard.dtype)
        return (cover @ heard.reshape(side, side) @ cover.T).ravel()


class Upright(Area):
    """Sets what it sees upright: finds where it is, how slanted and how large, and looks there.

    Where and how are the first and second moments of all that is above the mean. Genes: `centre`, `slant`, `scale`, the
    shares of each that are taken away (0: none, 1: all), and `large`, the size to which it is brought, in pixels
    (root mean square distance from the middle along an axis).

    Y. LeCun et al., "Gradient-based learning applied to document recognition", 1998 (deslanting by moments).
    """

    def size(self, heard: int) -> int:
        return heard

    def found(self, key: Array, heard: int) -> Genes:
        large = 3 / 14 * math.isqrt(heard)
        return {name: jnp.array(v) for name, v in dict(centre=1.0, slant=1.0, scale=0.8, large=large).items()}

    def answer(self, genes: Genes, state: Any, heard: Vector) -> Vector:
        side = math.isqrt(heard.shape[0])
        image = heard.reshape(side, side)
        ink = jax.nn.relu(image) + _TINY
        line = jnp.arange(side, dtype=image.dtype) - (side - 1) / 2
        rows, columns, whole = jnp.sum(ink, axis=1), jnp.sum(ink, axis=0), jnp.sum(ink)
        y, x = rows @ line / whole, columns @ line / whole
        down, across = line - y, line - x
        yy, xx, xy = rows @ down**2 / whole, columns @ across**2 / whole, down @ ink @ across / whole
        slant = genes["slant"] * xy / (yy + 0.5)
        scale = (jnp.sqrt((yy + xx) / 2 + _TINY) / genes["large"]) ** genes["scale"]
        matrix = scale * jnp.stack([jnp.stack([jnp.ones_like(slant), 0 * slant]), jnp.stack([slant, 1 + 0 * slant])])
        ground = jnp.min(image)
        seen = warped((image - ground)[None], matrix[None], genes["centre"] * jnp.stack([y, x])[None])
        return seen.ravel() + ground


class Oriented(Area):
    """Contrast-normalised oriented energy, pooled: how strongly edges of each orientation run through each region.

    Two small fields (`fields`, [2, 3, 3], by hand the derivatives) give direction and strength of the edge at a place.
    Every orientation gets strength x cos(angle between)^(2 sharp), its energy over that of all (divisive
    normalisation); Gaussian pools add it up over neighbouring places; all pools share one gain, and a power, `root`,
    evens them out.

    D. Heeger, "Normalization of cell responses in cat striate cortex", 1992; N. Dalal, B. Triggs, "Histograms of
    oriented gradients for human detection", 2005.

    Args:
      orientations: how many, over the full circle.
      pools: pools x pools of them.
    """

    orientations: int = eqx.field(static=True)
    pools: int = eqx.field(static=True)

    def size(self, heard: int) -> int:
        return self.orientations * self.pools**2

    def found(self, key: Array, heard: int) -> Genes:
        slope = np.zeros((2, 3, 3), np.float32)
        slope[0, :, 1], slope[1, 1, :] = (-0.5, 0, 0.5), (-0.5, 0, 0.5)
        width = math.isqrt(heard) * 0.6 / self.pools
        numbers = dict(sharp=2.0, root=0.4, width=width)
        return {"fields": jnp.asarray(slope)} | {name: jnp.array(v) for name, v in numbers.items()}

    def answer(self, genes: Genes, state: Any, heard: Vector) -> Vector:
        side = math.isqrt(heard.shape[0])
        padded = jnp.pad(heard.reshape(side, side), 1, mode="edge")
        near = jnp.stack([padded[r : r + side, c : c + side] for r in range(3) for c in range(3)])
        down, across = jnp.einsum("fk,kyx->fyx", genes["fields"].reshape(2, 9), near)
        whole = down**2 + across**2 + _TINY
        angle = jnp.arange(self.orientations, dtype=heard.dtype) * (2 * jnp.pi / self.orientations)
        along = jnp.einsum("o,yx->oyx", jnp.cos(angle), across) + jnp.einsum("o,yx->oyx", jnp.sin(angle), down)
        share = jnp.square(jax.nn.relu(along)) / whole[None]
        energy = jnp.sqrt(whole)[None] * (share + _TINY) ** genes["sharp"]
        middles = jnp.linspace(1, side - 2, self.pools, dtype=heard.dtype)
        pool = jnp.exp(-0.5 * ((jnp.arange(side, dtype=heard.dtype)[None, :] - middles[:, None]) / genes["width"]) ** 2)
        pool = pool / jnp.sum(pool, axis=1, keepdims=True)
        pooled = jnp.einsum("ay,oyx,bx->abo", pool, energy, pool).ravel()
        return (pooled / (jnp.mean(pooled) + _TINY) + 1e-3) ** genes["root"]


class Innate(Area):
    """Synapses that a brain is born with and keeps: to each answer from all that is heard, less what is usual.

    By hand they pass on what they hear; `innate` computes those that a childhood of many tasks would leave.
    """

    features: int = eqx.field(static=True)

    def size(self, heard: int) -> int:
        if self.features > heard:
            raise ValueError(f"features = {self.features}: more than the {heard} numbers that are heard")
        return self.features

    def found(self, key: Array, heard: int) -> Genes:
        return {"usual": jnp.zeros(heard), "strengths": jnp.eye(heard, self.features)}

    def answer(self, genes: Genes, state: Any, heard: Vector) -> Vector:
        return (heard - genes["usual"]) @ genes["strengths"]


class Decorrelating(Area):
    """Lateral synapses that learn, in life, to take away what neurons have in common.

    Neurons settle at y = x - mean - M y, where M is symmetric; then M <- M + pace (y y' - 1): what fires together
    inhibits each other, and on the diagonal a neuron turns itself down until its variance is 1. At rest the covariance
    of y is the identity, and (1 + M) is the symmetric root of the covariance of x.

    P. Foldiak, "Forming sparse representations by local anti-Hebbian learning", 1990; C. Pehlevan, D. Chklovskii, "A
    normative theory of adaptive dimensionality reduction in neural networks", 2015.
    """

    def size(self, heard: int) -> int:
        return heard

    def found(self, key: Array, heard: int) -> Genes:
        return {"pace": jnp.array(0.01), "usual": jnp.zeros(heard), "lateral": jnp.zeros((heard, heard))}

    def begin(self, genes: Genes, heard: int, key: Array) -> tuple[Array, Array]:
        return genes["usual"], genes["lateral"]

    def answer(self, genes: Genes, state: tuple[Array, Array], heard: Vector) -> Vector:
        usual, lateral = state
        x = heard - usual
        bound = 1 + jnp.max(jnp.sum(jnp.abs(lateral), axis=1))  # no smaller than the largest eigenvalue of 1 + M

        def settle(_: int, y: Array) -> Array:
            return y + (x - y - lateral @ y) / bound

        return jax.lax.fori_loop(0, SETTLING, settle, x / bound)

    def learn(self, genes: Genes, state: tuple[Array, Array], heard: Vector, answer: Vector, told: Vector) -> Any:
        usual, lateral = state
        change = jnp.outer(answer, answer) - jnp.eye(answer.shape[0], dtype=answer.dtype)
        return usual + genes["pace"] * (heard - usual), lateral + genes["pace"] * change


SETTLING = 60
"""Steps in which lateral inhibition comes to rest."""


class Chain(Area):
    """Areas one after the other: each hears what the one before answers."""

    areas: tuple[Area, ...]

    def sizes(self, heard: int) -> list[int]:
        """What each area hears, and what the last one answers."""
        out = [heard]
        for area in self.areas:
            out.append(area.size(out[-1]))
        return out

    def size(self, heard: int) -> int:
        return self.sizes(heard)[-1]

    def found(self, key: Array, heard: int) -> list[Any]:
        keys, sizes = jax.random.split(key, len(self.areas)), self.sizes(heard)
        return [area.found(k, n) for area, k, n in zip(self.areas, keys, sizes[:-1], strict=True)]

    def begin(self, genes: Any, heard: int, key: Array) -> list[Any]:
        keys, sizes = jax.random.split(key, len(self.areas)), self.sizes(heard)
        return [area.begin(g, n, k) for area, g, n, k in zip(self.areas, genes, sizes[:-1], keys, strict=True)]

    def passed(self, genes: Any, state: Any, heard: Vector) -> list[Vector]:
        """What is heard, then what each area answers."""
        out = [heard]
        for area, g, s in zip(self.areas, genes, state, strict=True):
            out.append(area.answer(g, s, out[-1]))
        return out

    def answer(self, genes: Any, state: Any, heard: Vector) -> Vector:
        return self.passed(genes, state, heard)[-1]

    def learn(self, genes: Any, state: Any, heard: Vector, answer: Vector, told: Vector) -> list[Any]:
        return self.learnt(genes, state, self.passed(genes, state, heard), told)

    def learnt(self, genes: Any, state: Any, passed: list[Vector], told: Vector) -> list[Any]:
        """The state after an example of which it is known what every area answered."""
        parts = zip(self.areas, genes, state, passed[:-1], passed[1:], strict=True)
        return [area.learn(g, s, h, a, told) for area, g, s, h, a in parts]


class Beside(Area):
    """Areas side by side: all hear the same, and their answers are told one after the other."""

    areas: tuple[Area, ...]

    def size(self, heard: int) -> int:
        return sum(area.size(heard) for area in self.areas)

    def found(self, key: Array, heard: int) -> list[Any]:
        return [a.found(k, heard) for a, k in zip(self.areas, jax.random.split(key, len(self.areas)), strict=True)]

    def begin(self, genes: Any, heard: int, key: Array) -> list[Any]:
        keys = jax.random.split(key, len(self.areas))
        return [a.begin(g, heard, k) for a, g, k in zip(self.areas, genes, keys, strict=True)]

    def answer(self, genes: Any, state: Any, heard: Vector) -> Vector:
        return jnp.concatenate([a.answer(g, s, heard) for a, g, s in zip(self.areas, genes, state, strict=True)])

    def learn(self, genes: Any, state: Any, heard: Vector, answer: Vector, told: Vector) -> list[Any]:
        ends = np.cumsum([area.size(heard.shape[0]) for area in self.areas])[:-1]
        parts = zip(self.areas, genes, state, jnp.split(answer, ends), strict=True)
        return [area.learn(g, s, heard, a, told) for area, g, s, a in parts]


__all__ = ["Area", "Beside", "Chain", "Decorrelating", "Innate", "Oriented", "Retina", "Upright"]
