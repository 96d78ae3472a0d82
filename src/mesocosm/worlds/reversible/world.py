"""What every world that may run both ways is: collide, move, and the turning round of velocities.

A tick is `S = P C`: collisions C at rest, then motion P. Turning all velocities round, V, undoes each of them apart,
`V P V = P^-1` and `V C V = C^-1`, but not the tick: `V S V` collides after it has moved. What undoes it is the reversor
`R = V C`: `R S R = S^-1`, and `R R = 1` (J. S. W. Lamb and J. A. G. Roberts, "Time-reversal symmetry in dynamical
systems: a survey", Physica D 112, 1998).
"""

from __future__ import annotations

import math
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Int32, UInt32

from mesocosm.core import Bits, Scene

PER_BIT = 64
"""Entropies are added up in this part of a bit, in integers."""

FOUND, CHANCE = 0, 64
"""Purposes of random bits: the founding takes those from FOUND on, collisions by chance those from CHANCE on."""


class World(eqx.Module):
    """A law for one replicate, whose microstate is an array of 32-bit words. Subclasses are final.

    `table` and `whole` give the coarse entropy, that is the logarithm of the number of microstates that look alike:
    `whole + sum of table[n]` over the numbers n in the coarse cells, in 1/64 bit.
    """

    is_reversible: ClassVar[bool] = True
    chance_unit: ClassVar[str] = ""
    table: eqx.AbstractVar[Int32[Array, " n"]]
    whole: eqx.AbstractVar[Int32[Array, ""]]

    def found(self, bits: Bits, is_prepared: Bool[Array, ""]) -> UInt32[Array, "..."]:
        """A prepared start of low entropy, or one as it looks long afterwards."""
        raise NotImplementedError

    def collide(self, bits: Bits, now: UInt32[Array, "..."], by_chance: Bool[Array, ""]) -> UInt32[Array, "..."]:
        """C: what happens at rest. By chance, its outcomes are drawn anew in every tick, and there is no way back."""
        return now

    def move(self, now: UInt32[Array, "..."]) -> UInt32[Array, "..."]:
        """P: motion without collisions."""
        return now

    def turned(self, now: UInt32[Array, "..."]) -> UInt32[Array, "..."]:
        """V: all velocities turned round."""
        return now

    def reversed(self, now: UInt32[Array, "..."]) -> UInt32[Array, "..."]:
        """R = V C: from here the law runs back."""
        return self.turned(self.collide(_no_bits(), now, jnp.bool_(False)))

    def step(self, bits: Bits, now: UInt32[Array, "..."], by_chance: Bool[Array, ""]) -> UInt32[Array, "..."]:
        """S = P C: one tick."""
        return self.move(self.collide(bits, now, by_chance))

    def flipped(self, now: UInt32[Array, "..."], draw: UInt32[Array, ""], n: Int32[Array, ""]) -> UInt32[Array, "..."]:
        """The smallest disturbance: n bits flipped, at places that `draw` chooses."""
        raise NotImplementedError

    def counts(self, now: UInt32[Array, "..."]) -> Int32[Array, " cells"]:
        """The macrostate: how many are in each coarse cell."""
        raise NotImplementedError

    def counts_shape(self) -> tuple[int, ...]:
        """Of the macrostate."""
        shape = jax.eval_shape(lambda: self.counts(self.found(_no_bits(), jnp.bool_(True)))).shape
        return tuple(shape)

    def probe(self, now: UInt32[Array, "..."]) -> UInt32[Array, ""]:
        """32 bits of what happens at one place; neither a collision nor turning round may change them."""
        raise NotImplementedError

    def conserved(self, now: UInt32[Array, "..."]) -> dict[str, Int32[Array, ""]]:
        """What no tick may change, summed from the state itself."""
        return {}

    def apart(self, a: UInt32[Array, "..."], b: UInt32[Array, "..."]) -> Int32[Array, ""]:
        """How far two states are from each other: bits that differ, unless the world knows a distance."""
        return wrong_bits(a, b)

    def picture(self, now: UInt32[Array, "..."]) -> Scene:
        """What a person looks at, without numbers."""
        raise NotImplementedError

    def entropy(self, now: UInt32[Array, "..."]) -> Int32[Array, ""]:
        """The coarse entropy in 1/64 bit."""
        return self.whole + jnp.sum(self.table[self.counts(now)], dtype=jnp.int32)


def _no_bits() -> Bits:
    """For what draws nothing."""
    return Bits(jnp.uint32(0), jnp.uint32(0), jnp.int32(0))


def wrong_bits(a: UInt32[Array, "..."], b: UInt32[Array, "..."]) -> Int32[Array, ""]:
    """How many bits differ."""
    return jnp.sum(lax.population_count(a ^ b), dtype=jnp.int32)


def binomials(n: int) -> np.ndarray:
    """log2 of n over k, for k = 0 ... n, in 1/64 bit: the ways to fill k of n places. [n + 1]"""
    k = np.arange(1, n + 1)
    return np.rint(PER_BIT * np.concatenate([[0.0], np.cumsum(np.log2((n + 1 - k) / k))])).astype(np.int32)


def permutations(n: int) -> tuple[np.ndarray, int]:
    """-log2 k! for k = 0 ... n, and log2 n!, in 1/64 bit: n things that are told apart, in cells. [n + 1]"""
    table = np.array([-math.lgamma(k + 1) / math.log(2) for k in range(n + 1)])
    return np.rint(PER_BIT * table).astype(np.int32), round(-PER_BIT * table[-1])
