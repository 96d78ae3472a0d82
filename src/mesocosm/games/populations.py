"""Dynamics of mixed populations on the simplex, for any number of populations: what learners of logits do to acts.

The replicator equation (P. D. Taylor and L. B. Jonker 1978), that of Q-learners who explore with Boltzmann's rule
(Y. Sato and J. P. Crutchfield 2003; K. Tuyls, P. J. 't Hoen and B. Vanschoenwinkel 2006), and that of policy gradients
(S. Srinivasan et al. 2018). Each gives the velocity of one population from its mix and what each of its acts earns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax.numpy as jnp
from jaxtyping import Array, Float

from mesocosm.games.game import earned

Mix = Float[Array, " acts"]
Dynamics = Callable[[Mix, Mix], Mix]


def replicator(x: Mix, fitness: Mix) -> Mix:
    """An act grows by what it earns above the mean."""
    return x * (fitness - jnp.dot(x, fitness))


def boltzmann(x: Mix, fitness: Mix, temperature: float = 1.0) -> Mix:
    """The replicator's, sharpened by 1/temperature, and a pull towards what is rarely done."""
    rarity = jnp.log(x)
    return replicator(x, fitness) / temperature - x * (rarity - jnp.dot(x, rarity))


def policy_gradient(x: Mix, fitness: Mix) -> Mix:
    """What plain gradients of logits do: common acts learn faster than rare ones."""
    regret = x * (fitness - jnp.dot(x, fitness))
    return x * (regret - jnp.dot(x, regret))


def velocities(payoffs: Sequence[Array], mixed: Sequence[Array], dynamics: Dynamics = replicator) -> tuple[Array, ...]:
    """The velocity of each population, from a payoff a population: [acts of the first, acts of the second, ...]."""
    return tuple(
        dynamics(x, earned(payoff, mixed, k)) for k, (payoff, x) in enumerate(zip(payoffs, mixed, strict=True))
    )


__all__ = ["Dynamics", "Mix", "boltzmann", "policy_gradient", "replicator", "velocities"]
