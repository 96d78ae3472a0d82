"""An artist and a critic (I. Goodfellow et al., "Generative adversarial nets", 2014), both small nets: a game of two.

The artist makes points out of noise, the critic tells them from true points: `L_critic = E softplus(-D(true)) +
E softplus(D(made)) + r1/2 E |grad D(true)|^2`. The artist's loss is `E softplus(-D(made))`, or with `zero_sum` what the
critic loses, `-E softplus(D(made))`. The penalty is R1 (L. Mescheder, A. Geiger and S. Nowozin, ICML 2018).
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from mesocosm.games.game import LossGame, Numbers

Points = Float[Array, "n 2"]


class Net(eqx.Module):
    """A dense net of so many neurons a level, tanh between them; its numbers stand in a row."""

    widths: tuple[int, ...] = eqx.field(static=True)

    @property
    def size(self) -> int:
        return sum((a + 1) * b for a, b in pairwise(self.widths))

    def found(self, drawn: Float[Array, " n"]) -> Float[Array, " n"]:
        """From normal numbers: weights of variance 1 / fan-in, biases of 0."""
        spread = [jnp.concatenate([jnp.full(a * b, 1 / math.sqrt(a)), jnp.zeros(b)]) for a, b in pairwise(self.widths)]
        return drawn * jnp.concatenate(spread)

    def __call__(self, numbers: Float[Array, " n"], x: Float[Array, "examples inputs"]) -> Float[Array, "examples out"]:
        begin = 0
        for a, b in pairwise(self.widths):
            weights = numbers[begin : begin + a * b].reshape(a, b)
            bias = numbers[begin + a * b : begin + (a + 1) * b]
            x = x if begin == 0 else jnp.tanh(x)
            x = x @ weights + bias[None, :]
            begin += (a + 1) * b
        return x


class Adversaries(LossGame):
    """The game on one batch: what is true, and the noise of which the artist makes its points."""

    names: ClassVar[tuple[str, ...]] = ("artist", "critic")
    artist: Net
    critic: Net
    r1: Array
    true: Points
    noise: Float[Array, "m latent"]
    zero_sum: bool = eqx.field(static=True, default=False)

    @property
    def sizes(self) -> tuple[int, int]:  # type: ignore[override]  # derives from the nets
        return self.artist.size, self.critic.size

    def losses(self, *parts: Array) -> tuple[Array, Array]:
        artist, critic = parts
        seen = self.seen(critic, self.artist(artist, self.noise))
        caught = jnp.mean(jax.nn.softplus(seen))
        fooled = jnp.mean(jax.nn.softplus(-seen))
        missed = jnp.mean(jax.nn.softplus(-self.seen(critic, self.true)))
        return -caught if self.zero_sum else fooled, missed + caught + self.r1 / 2 * self.steepness(critic)

    def seen(self, critic: Array, points: Points) -> Float[Array, " n"]:
        """What the critic says of points: above 0, that they are true."""
        return self.critic(critic, points)[:, 0]

    def steepness(self, critic: Array) -> Float[Array, ""]:
        """The mean square of the slope of what the critic says, at the truth."""
        slopes = jax.grad(lambda points: jnp.sum(self.seen(critic, points)))(self.true)
        return jnp.mean(jnp.sum(slopes**2, axis=1))

    def value(self, artist: Array, critic: Array) -> Float[Array, ""]:
        """What the critic earns against this artist, 0 for a coin: ln 4 less its loss, without the penalty."""
        seen = self.seen(critic, self.artist(artist, self.noise))
        missed = jnp.mean(jax.nn.softplus(-self.seen(critic, self.true)))
        return math.log(4) - missed - jnp.mean(jax.nn.softplus(seen))

    def earned(self, z: Numbers, others: Numbers) -> Float[Array, " players"]:
        """The artist what their critic does not, the critic what it does on their artist."""
        (artist, critic), (their_artist, their_critic) = self.parts(z), self.parts(others)
        return jnp.stack([-self.value(artist, their_critic), self.value(their_artist, critic)])

    def founders(self, drawn: Numbers) -> Numbers:
        """Both nets before they have learnt anything, from normal numbers."""
        artist, critic = self.parts(drawn)
        return jnp.concatenate([self.artist.found(artist), self.critic.found(critic)])


def ring(n: int = 8, radius: float = 2.0) -> np.ndarray:
    """n places on a circle. float32 [n, 2]"""
    angle = 2 * np.pi * np.arange(n) / n
    return (radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)).astype(np.float32)


def grid(side: int = 4, width: float = 4.0) -> np.ndarray:
    """side x side places in a square. float32 [side * side, 2]"""
    along = (np.arange(side) / (side - 1) - 0.5) * width
    return np.stack([np.tile(along, side), np.repeat(along, side)], axis=1).astype(np.float32)


__all__ = ["Adversaries", "Net", "Points", "grid", "ring"]
