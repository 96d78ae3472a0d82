"""How players learn: from where they are to where they are next. Learners are put together from three kinds of part.

A *direction* (what to follow), an *order* (all at once, or in turn) and a *scale* (how far in each number). So
`sga+rmsprop` is symplectic gradient adjustment whose steps RMSProp scales, `alternating+adam` is Adam in turn.
Everything a learner remembers is in its memory; `rate` is the step in the unit of the game's own time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from mesocosm.games.game import Game, MatrixGame, Numbers

Held = dict[str, Numbers]
"""What a part remembers, by name: a number for each of the players'."""

Move = Callable[[Numbers], Numbers]
"""From a direction to the step that would be made of it now."""


class Learner(eqx.Module):
    """A step of all players. Fields are its parameters: numbers."""

    def begin(self, game: Game, z: Numbers) -> Any:
        """What is remembered before the first step: a pytree of arrays."""
        return ()

    def step(self, game: Game, z: Numbers, memory: Any, rate: Array) -> tuple[Numbers, Any]:
        """The players' next numbers, and what is remembered then."""
        raise NotImplementedError

    def lacks(self, game: Game) -> str:
        """What the game lacks for it, in words; empty where nothing is lacking."""
        return ""


# -- directions --------------------------------------------------------------------------------------------------------


class Direction(eqx.Module):
    """What players follow."""

    def begin(self, game: Game, z: Numbers) -> Held:
        return {}

    def of(self, game: Game, z: Numbers, memory: Held, move: Move) -> tuple[Numbers, Held]:
        """The direction at z, and what is remembered of it."""
        raise NotImplementedError

    def lacks(self, game: Game) -> str:
        return ""


class Plain(Direction):
    """The velocity: each goes down its own loss."""

    def of(self, game: Game, z: Numbers, memory: Held, move: Move) -> tuple[Numbers, Held]:
        return game.velocity(z), memory


class Optimistic(Direction):
    """The velocity, and once more what it changed by (L. D. Popov 1980; C. Daskalakis et al., ICLR 2018)."""

    def begin(self, game: Game, z: Numbers) -> Held:
        return {"before": game.velocity(z)}

    def of(self, game: Game, z: Numbers, memory: Held, move: Move) -> tuple[Numbers, Held]:
        now = game.velocity(z)
        return 2 * now - memory["before"], {"before": now}


class Extragradient(Direction):
    """The velocity at the place that a first step would lead to (G. M. Korpelevich 1976)."""

    def of(self, game: Game, z: Numbers, memory: Held, move: Move) -> tuple[Numbers, Held]:
        return game.velocity(z + move(game.velocity(z))), memory


class Consensus(Direction):
    """The velocity, less `weight` times the gradient of half its square (L. Mescheder et al., NeurIPS 2017)."""

    weight: Array | float = 1.0

    def of(self, game: Game, z: Numbers, memory: Held, move: Move) -> tuple[Numbers, Held]:
        v, back = jax.vjp(game.velocity, z)
        return v - self.weight * back(v)[0], memory


class SGA(Direction):
    """Symplectic gradient adjustment: the velocity turned by its own curl, `v - w A^T v` (Balduzzi et al., ICML 2018).

    Aligned as they do: w changes its sign where that would lead towards an unstable rest.
    """

    weight: Array | float = 1.0
    ALIGNED_FROM = 0.1  # their epsilon: in doubt the adjustment is made

    def of(self, game: Game, z: Numbers, memory: Held, move: Move) -> tuple[Numbers, Held]:
        v, back = jax.vjp(game.velocity, z)
        square = back(v)[0]  # J^T v: the gradient of |v|^2 / 2
        turned = (square - jax.jvp(game.velocity, (z,), (v,))[1]) / 2
        agrees = jnp.dot(-v, square) * jnp.dot(turned, square) / z.size + self.ALIGNED_FROM
        return v - self.weight * jnp.sign(agrees) * turned, memory


class Payoff(Direction):
    """What each act would earn, less the mean over acts: logits that follow it are those of the replicator."""

    def of(self, game: Game, z: Numbers, memory: Held, move: Move) -> tuple[Numbers, Held]:
        assert isinstance(game, MatrixGame)
        return _centred(game, game.fitness(z)), memory

    def lacks(self, game: Game) -> str:
        return "" if isinstance(game, MatrixGame) else "follows payoffs of acts, so it needs a matrix game"


class Boltzmann(Payoff):
    """What Q-learners follow who explore by Boltzmann's rule (Y. Sato and J. P. Crutchfield 2003)."""

    temperature: Array | float = 1.0

    def of(self, game: Game, z: Numbers, memory: Held, move: Move) -> tuple[Numbers, Held]:
        earns, _ = super().of(game, z, memory, move)
        return earns / self.temperature - _centred(game, z), memory


def _centred(game: Game, z: Numbers) -> Numbers:
    return jnp.concatenate([part - jnp.mean(part) for part in game.parts(z)])


# -- scales ------------------------------------------------------------------------------------------------------------


class Scale(eqx.Module):
    """How far a direction is followed in each number."""

    def begin(self, z: Numbers) -> Held:
        return {}

    def scaled(self, d: Numbers, memory: Held) -> tuple[Numbers, Held]:
        return d, memory


class RMSProp(Scale):
    """Divided by the root of the mean square of the past (T. Tieleman and G. Hinton 2012)."""

    decay: Array | float = 0.9
    least: Array | float = 1e-8

    def begin(self, z: Numbers) -> Held:
        return {"square": jnp.zeros_like(z)}

    def scaled(self, d: Numbers, memory: Held) -> tuple[Numbers, Held]:
        square = self.decay * memory["square"] + (1 - self.decay) * d**2
        return d / (jnp.sqrt(square) + self.least), {"square": square}


class Adam(Scale):
    """Mean of the past divided by the root of its mean square, both freed of their bias (D. Kingma and J. Ba 2015)."""

    first: Array | float = 0.9
    second: Array | float = 0.999
    least: Array | float = 1e-8

    def begin(self, z: Numbers) -> Held:
        return {"mean": jnp.zeros_like(z), "square": jnp.zeros_like(z), "steps": jnp.zeros_like(z)}

    def scaled(self, d: Numbers, memory: Held) -> tuple[Numbers, Held]:
        steps = memory["steps"] + 1
        mean = self.first * memory["mean"] + (1 - self.first) * d
        square = self.second * memory["square"] + (1 - self.second) * d**2
        unbiased = mean / (1 - self.first**steps)
        spread = jnp.sqrt(square / (1 - self.second**steps))
        return unbiased / (spread + self.least), {"mean": mean, "square": square, "steps": steps}


# -- learners ----------------------------------------------------------------------------------------------------------


class Remembered(eqx.Module):
    """Of a composed learner."""

    direction: Held
    scale: Held


class Composed(Learner):
    """A direction, followed by all at once or in turn, in steps of a scale."""

    direction: Direction
    scale: Scale
    order: Literal["simultaneous", "alternating"] = eqx.field(static=True, default="simultaneous")

    def begin(self, game: Game, z: Numbers) -> Remembered:
        return Remembered(self.direction.begin(game, z), self.scale.begin(z))

    def step(self, game: Game, z: Numbers, memory: Remembered, rate: Array) -> tuple[Numbers, Remembered]:
        turns = game.pieces() if self.order == "alternating" else (slice(0, z.size),)
        for own in turns:  # who has moved is seen by whoever moves next
            z, memory = self._turn(game, z, memory, rate, own)
        return z, memory

    def _turn(self, game: Game, z: Numbers, memory: Remembered, rate: Array, own: slice) -> tuple[Numbers, Remembered]:
        """One player's step, or everybody's: the numbers `own` move, and what is remembered of them is renewed."""
        d, seen = self.direction.of(game, z, memory.direction, lambda d: rate * self.scale.scaled(d, memory.scale)[0])
        step, held = self.scale.scaled(d[own], {name: kept[own] for name, kept in memory.scale.items()})
        direction = {name: kept.at[own].set(seen[name][own]) for name, kept in memory.direction.items()}
        scale = {name: kept.at[own].set(held[name]) for name, kept in memory.scale.items()}
        return z.at[own].add(rate * step), Remembered(direction, scale)

    def lacks(self, game: Game) -> str:
        return self.direction.lacks(game)


class Flow(Learner):
    """A direction followed without steps: the classical Runge-Kutta method, exact to the fourth order of `rate`."""

    direction: Direction

    def step(self, game: Game, z: Numbers, memory: Any, rate: Array) -> tuple[Numbers, Any]:
        def v(at: Numbers) -> Numbers:
            return self.direction.of(game, at, {}, lambda d: rate * d)[0]

        k1 = v(z)
        k2 = v(z + rate / 2 * k1)
        k3 = v(z + rate / 2 * k2)
        k4 = v(z + rate * k3)
        return z + rate / 6 * (k1 + 2 * k2 + 2 * k3 + k4), memory

    def lacks(self, game: Game) -> str:
        return self.direction.lacks(game)


ORDERS = ("simultaneous", "alternating")
DIRECTIONS: dict[str, Direction] = {
    "optimistic": Optimistic(),
    "extragradient": Extragradient(),
    "consensus": Consensus(),
    "sga": SGA(),
    "hedge": Payoff(),
}
SCALES: dict[str, Scale] = {"rmsprop": RMSProp(), "adam": Adam()}
FLOWS: dict[str, Direction] = {"flow": Plain(), "replicator": Payoff(), "boltzmann": Boltzmann()}
LEARNERS = (*ORDERS, *DIRECTIONS, *SCALES, *FLOWS)
"""Every word of which the name of a learner can be made."""
