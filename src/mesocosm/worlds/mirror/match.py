"""A match of two populations of genomes in `mirror`: one stands on all even places, the other on all odd ones."""

from __future__ import annotations

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int32, UInt32

from mesocosm.core import Bits
from mesocosm.worlds.mirror.law import Colony, Mirror
from mesocosm.worlds.mirror.play import colours

PURSE = 30_000
"""Quanta that each holds at first, and may hold: nobody comes to an end of it in a match."""


def frozen(law: Mirror) -> Mirror:
    """The law without births, deaths, mutation, upkeep and visitors: what is left is play between two sides."""
    nothing = ("hazard", "mutation", "cost", "metabolism", "ration", "keep_every", "visitors")
    at = dict.fromkeys(nothing, 0) | {"founding_energy": PURSE, "division_energy": 2**30, "ceiling": 2**30}
    return replace(law, numbers={**law.numbers, **{name: jnp.int32(value) for name, value in at.items()}})


def longest(law: Mirror) -> int:
    """Ticks after which somebody could have lost its purse, or what all won be more than int32 holds; 1 at least."""
    rounds = int(law.rules.rounds)
    most = int(jnp.max(jnp.maximum(-law.rules.pays, 0))) * rounds
    in_all = law.n * rounds * max(1, int(jnp.max(jnp.abs(law.rules.pays))))
    summed = (2**31 - 1) // in_all  # 1 in the largest world that can be configured
    return min(PURSE // most, summed) if most else summed


@eqx.filter_jit
def won(
    law: Mirror,
    even: Int32[Array, "pairs 4 n"],
    odd: Int32[Array, "pairs 4 n"],
    seed: UInt32[Array, "2"],
    replicate: UInt32[Array, ""],
    ticks: Int32[Array, ""],
) -> Array:
    """What those of role 0 win in a round, less what those of role 1 do, in the mean, in quanta. [pairs] float

    Args:
      law: a `frozen` one.
      even, odd: genes of whoever stands at each place, if it has role 0, or role 1.
    """
    role = colours(law.side)

    def one(genes0: Array, genes1: Array) -> Array:
        state = law.init(Bits.founding(seed, replicate))
        genes = jnp.where((role == 0)[None, :], genes0, genes1)
        state = replace(state, genome=jnp.stack([genes, genes]))

        def step(t: Array, carry: tuple[Colony, Array]) -> tuple[Colony, Array]:
            state, _ = law.tick(Bits.at(seed, replicate, t), carry[0])
            return state, carry[1] + jnp.sum(state.met, dtype=jnp.int32)

        state, met = jax.lax.fori_loop(0, ticks, step, (state, jnp.int32(0)))
        gained = state.energy - PURSE
        less = jnp.sum(jnp.where(role == 0, gained, -gained), dtype=jnp.int32)
        return less.astype(jnp.float32) / jnp.maximum(met, 1).astype(jnp.float32)

    return jax.lax.map(lambda genes: one(*genes), (even, odd))
