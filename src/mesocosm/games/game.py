"""What a game of learners is: players that each move numbers of their own, by a velocity that depends on everybody's.

The velocity is what each player follows when it minds itself alone, `v = (-dL_1/dx_1, -dL_2/dx_2)`; its Jacobian
`J = Dv` splits into a symmetric part S and an antisymmetric part A (D. Balduzzi et al., "The mechanics of n-player
differentiable games", ICML 2018). Where the players go down one function together, A is 0 and nothing can circle. Where
one's gain is the other's loss, the way a player is moved by the other is all in A.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Numbers = Float[Array, " d"]
"""The numbers of all players, one after the other."""


class Game(eqx.Module):
    """Players and their velocity. Fields are the game's parameters: numbers, which `single` turns into arrays.

    A game needs `sizes` and `velocity`; from losses both derive (`LossGame`), from payoffs too (`MatrixGame`).
    """

    sizes: ClassVar[tuple[int, ...]] = (1, 1)
    """How many numbers each player moves."""
    names: ClassVar[tuple[str, ...]] = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
    """What the players are called."""

    def velocity(self, z: Numbers) -> Numbers:
        """Where everybody is drawn, at once; per unit of time."""
        raise NotImplementedError

    @property
    def rest(self) -> Numbers:
        """Where nobody moves: play begins around it."""
        return jnp.zeros(sum(self.sizes))

    def shown(self, z: Numbers) -> tuple[Array, ...]:
        """What each player's numbers mean to a person, an array a player; the numbers as they are unless said."""
        return self.parts(z)

    def earned(self, z: Numbers, others: Numbers) -> Float[Array, " players"]:
        """What each player of z earns if all but itself are those of `others`."""
        raise NotImplementedError

    def parts(self, z: Numbers) -> tuple[Array, ...]:
        """The numbers of each player."""
        return tuple(z[piece] for piece in self.pieces())

    def pieces(self) -> tuple[slice, ...]:
        """Where the numbers of each player stand."""
        ends = tuple(accumulate(self.sizes))
        return tuple(slice(end - size, end) for size, end in zip(self.sizes, ends, strict=True))


class LossGame(Game):
    """A game in which every player goes down a loss of its own."""

    def losses(self, *parts: Array) -> tuple[Array, ...]:
        """The loss of each player, from the numbers of all."""
        raise NotImplementedError

    def velocity(self, z: Numbers) -> Numbers:
        parts = self.parts(z)

        def uphill(k: int) -> Array:
            return jax.grad(lambda own: self.losses(*parts[:k], own, *parts[k + 1 :])[k])(parts[k])

        return -jnp.concatenate([uphill(k) for k in range(len(parts))])

    def earned(self, z: Numbers, others: Numbers) -> Float[Array, " players"]:
        among = self.parts(others)
        losses = [self.losses(*among[:k], own, *among[k + 1 :])[k] for k, own in enumerate(self.parts(z))]
        return -jnp.stack(losses)


class MatrixGame(LossGame):
    """Players who choose among acts. Their numbers are logits, with which they mix: `x = softmax(u)`."""

    def payoffs(self) -> tuple[Array, ...]:
        """What each player gets: an array a player, [acts of the first, acts of the second, ...]."""
        raise NotImplementedError

    @property
    def sizes(self) -> tuple[int, ...]:  # type: ignore[override]  # derives from the payoffs
        return jax.eval_shape(self.payoffs)[0].shape

    def shown(self, z: Numbers) -> tuple[Array, ...]:
        """The probability of each act."""
        return tuple(jax.nn.softmax(part) for part in self.parts(z))

    def losses(self, *parts: Array) -> tuple[Array, ...]:
        mixed = [jax.nn.softmax(part) for part in parts]
        return tuple(-expected(payoff, mixed) for payoff in self.payoffs())

    def fitness(self, z: Numbers) -> Numbers:
        """What each act of each player would earn now."""
        mixed = self.shown(z)
        return jnp.concatenate([earned(payoff, mixed, k) for k, payoff in enumerate(self.payoffs())])


def earned(payoff: Array, mixed: Sequence[Array], player: int) -> Array:
    """What each act of a player earns against the mixed acts of all others. [acts of the player]"""
    left = jnp.moveaxis(payoff, player, 0)
    for k in reversed([k for k in range(len(mixed)) if k != player]):
        left = left @ mixed[k]  # the last axis that is left is that of the last player
    return left


def expected(payoff: Array, mixed: Sequence[Array]) -> Array:
    """What is earned in the mean."""
    return jnp.dot(earned(payoff, mixed, 0), mixed[0])


def single(part: Any, dtype: Any = jnp.float32) -> Any:
    """The same game or learner with its parameters as arrays of this type."""
    return jax.tree.map(lambda x: jnp.asarray(x, dtype), part)


def jacobian(game: Game, z: Numbers) -> Float[Array, "d d"]:
    """Dv: how the velocity of each number (row) depends on each number (column)."""
    return jax.jacfwd(game.velocity)(z)


def vorticity(matrix: Float[Array, "d d"]) -> Float[Array, ""]:
    """The share `|A|^2 / |J|^2` of the antisymmetric part in a matrix, 0 ... 1; 0 of a matrix of zeros.

    >>> float(vorticity(jnp.array([[0.0, 1.0], [-1.0, 0.0]]))), float(vorticity(jnp.eye(2)))
    (1.0, 0.0)
    """
    curl = (matrix - matrix.T) / 2
    whole = jnp.sum(matrix**2)
    return jnp.where(whole > 0, jnp.sum(curl**2) / jnp.where(whole > 0, whole, 1), 0)


__all__ = ["Game", "LossGame", "MatrixGame", "Numbers", "earned", "expected", "jacobian", "single", "vorticity"]
