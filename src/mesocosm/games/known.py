"""The games that are known by name. Each is a few lines; one's own is a file (docs/tutorials/your-own-game.md)."""

from __future__ import annotations

from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array

from mesocosm.games.game import Game, LossGame, MatrixGame, Numbers

Number = Array | float


class Bilinear(LossGame):
    """`min over x, max over y of x y`: pure rotation."""

    def losses(self, x: Array, y: Array) -> tuple[Array, Array]:
        return x[0] * y[0], -x[0] * y[0]


class DiracGAN(LossGame):
    """The smallest GAN: truth is the point 0, the artist paints the point x, the critic is the line `D(p) = y p`.

    L. Mescheder, A. Geiger and S. Nowozin, "Which training methods for GANs do actually converge?", ICML 2018. `r1` is
    the weight of the penalty on the critic's slope at the truth.
    """

    r1: Number = 0.0

    def losses(self, x: Array, y: Array) -> tuple[Array, Array]:
        seen = -jax.nn.softplus(-x[0] * y[0])  # f(t) = -log(1 + exp(-t))
        return seen, -seen + self.r1 / 2 * y[0] ** 2


class Hopf(LossGame):
    """Two players whose play settles on the unit circle, in one turn each 2 pi: the normal form of E. Hopf 1942.

    `v = (x - y - x r^2, x + y - y r^2)`: rest is unstable, far away is too far, and in between is a limit cycle.
    """

    def losses(self, x: Array, y: Array) -> tuple[Array, Array]:
        a, b = x[0], y[0]
        own = a**2 * (a**2 / 4 + b**2 / 2 - 0.5) + a * b
        return own, b**2 * (b**2 / 4 + a**2 / 2 - 0.5) - a * b


class Potential(LossGame):
    """Two players who go down one function, `x^4/4 - x^2/2 + y^2/2 + pull x y`: nothing can circle."""

    pull: Number = 0.5

    def losses(self, x: Array, y: Array) -> tuple[Array, Array]:
        a, b = x[0], y[0]
        both = a**4 / 4 - a**2 / 2 + b**2 / 2 + self.pull * a * b
        return both, both


class Hunters(Game):
    """Prey and hunters (A. J. Lotka 1925, V. Volterra 1926), in logarithms of their numbers, so that none is negative.

    Small orbits take `2 pi / sqrt(growth * hunger)`: 9.4723.
    """

    growth: Number = 1.1
    caught: Number = 0.4
    gained: Number = 0.1
    hunger: Number = 0.4

    def velocity(self, z: Numbers) -> Numbers:
        prey, hunters = jnp.exp(z[0]), jnp.exp(z[1])
        return jnp.stack([self.growth - self.caught * hunters, self.gained * prey - self.hunger])

    @property
    def rest(self) -> Numbers:
        rest = jnp.stack([self.hunger / jnp.asarray(self.gained), self.growth / jnp.asarray(self.caught)])
        return jnp.log(rest)

    def shown(self, z: Numbers) -> tuple[Array, ...]:
        return self.parts(jnp.exp(z))


class Pennies(MatrixGame):
    """Matching pennies: the first wants to match, the second not to. Two acts each: no chaos."""

    stake: Number = 1.0

    def payoffs(self) -> tuple[Array, Array]:
        wins = self.stake * jnp.asarray([[1, -1], [-1, 1]], jnp.result_type(self.stake))
        return wins, -wins


class Coordination(MatrixGame):
    """Two who want to do the same, `better` of two things rather than the other: a potential game of acts."""

    better: Number = 2.0

    def payoffs(self) -> tuple[Array, Array]:
        zero, one = (jnp.full_like(jnp.asarray(self.better), k) for k in (0, 1))
        both = jnp.stack([jnp.stack([jnp.asarray(self.better), zero]), jnp.stack([zero, one])])
        return both, both


class RockPaperScissors(MatrixGame):
    """Rock, paper, scissors, where a tie pays `tie` to the first and takes it from the second.

    Near rest replicators run round on tori; far from it, and where ties pay most of all, they are chaotic (Y. Sato, E.
    Akiyama and J. D. Farmer, "Chaos in learning a simple two-person game", PNAS 99, 2002). `gift` is paid to both at a
    tie: then the game is no longer zero-sum.
    """

    tie: Number = 0.0
    gift: Number = 0.0
    WINS: ClassVar[tuple[tuple[int, ...], ...]] = ((0, -1, 1), (1, 0, -1), (-1, 1, 0))

    def payoffs(self) -> tuple[Array, Array]:
        dtype = jnp.result_type(self.tie)
        wins, ties = jnp.asarray(self.WINS, dtype), jnp.eye(3, dtype=dtype)
        return wins + (self.gift + self.tie) * ties, -wins + (self.gift - self.tie) * ties


GAMES: dict[str, Game] = {
    "bilinear": Bilinear(),
    "coordination": Coordination(),
    "dirac-gan": DiracGAN(),
    "hopf": Hopf(),
    "lotka-volterra": Hunters(),
    "pennies": Pennies(),
    "potential": Potential(),
    "rps": RockPaperScissors(),
}

__all__ = [
    "GAMES", "Bilinear", "Coordination", "DiracGAN", "Hopf", "Hunters", "Pennies", "Potential", "RockPaperScissors",
]  # fmt: skip
