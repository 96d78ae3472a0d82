"""Counter-based random bits: Threefry-2x32 with 20 rounds, addressed by (seed, replicate, tick, index, purpose).

Nothing is split or passed around: the same address always gives the same bits, whatever else is drawn, whatever the
chunk, the batch or the number of slots. The rounds are written inline so that XLA fuses them with their users.

Reference: J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float32, Int, UInt32

from mesocosm.core.arrays import materialise

FOUNDING = 0xFFFFFFFF
"""The tick in the address of what is drawn when a replicate is founded; real ticks stay below 2^31."""

Words = UInt32[Array, "..."]

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
PARITY = 0x1BD11BDA  # Skein's key-schedule constant


@jax.jit  # traced once for each shape; XLA writes it into its caller, and a translator knows it by its name
def threefry2x32(key: tuple[Words, Words], counter: tuple[Words, Words]) -> tuple[Words, Words]:
    """The Threefry-2x32-20 block function: two words of key, two of counter, two of random bits.

    Shapes broadcast between scalars and one array shape. Tested on the known-answer vectors of Random123.
    """
    k0, k1 = key
    schedule = (k0, k1, k0 ^ k1 ^ jnp.uint32(PARITY))
    x0, x1 = counter[0] + k0, counter[1] + k1
    for i in range(5):
        for r in ROTATIONS[i % 2]:
            x0 = x0 + x1
            x1 = ((x1 << r) | (x1 >> (32 - r))) ^ x0
        x0 = x0 + schedule[(i + 1) % 3]
        x1 = x1 + schedule[(i + 2) % 3] + jnp.uint32(i + 1)
    return x0, x1


def _no_bits() -> Bits:
    return Bits(jnp.uint32(0), jnp.uint32(0), jnp.int32(0))


class Bits(eqx.Module):
    """All random bits of one replicate in one tick.

    `tick` is the same for all replicates of a batch and is never batched, so a branch on it stays a branch.
    """

    k0: UInt32[Array, ""]
    k1: UInt32[Array, ""]
    tick: Int[Array, ""]

    @staticmethod
    def at(seed: UInt32[Array, "2"], replicate: UInt32[Array, ""], tick: Int[Array, ""]) -> Bits:
        """The bits of `replicate` in `tick` of the run with this seed (low word, high word)."""
        k0, k1 = materialise(tick, threefry2x32, (seed[0], seed[1]), (replicate, tick.astype(jnp.uint32)))
        return Bits(k0, k1, tick)

    @staticmethod
    def founding(seed: UInt32[Array, "2"], replicate: UInt32[Array, ""]) -> Bits:
        """The bits from which `replicate` is founded. Their address is no tick's."""
        k0, k1 = threefry2x32((seed[0], seed[1]), (replicate, jnp.uint32(FOUNDING)))
        return Bits(k0, k1, jnp.int32(-1))

    @staticmethod
    def shapes() -> Bits:
        """Stands for bits where only shapes are asked for."""
        return jax.eval_shape(_no_bits)

    def of(self, index: Array, purpose: int | Array) -> tuple[Words, Words]:
        """64 bits for each index (an individual's id, a number of a source...) and purpose.

        Args:
          index: integers of any shape; never a slot.
          purpose: what the bits are for, a constant of the law (or an array that broadcasts by rank 0).
        """
        c0 = index.astype(jnp.uint32)
        c1 = jnp.asarray(purpose, jnp.uint32)
        return materialise(self.tick, threefry2x32, (self.k0, self.k1), (c0, c1))

    def normals(self, purpose: int, n: int) -> Float32[Array, " n"]:
        """n normal numbers, by the method of G. Box and M. Muller (1958): two from the 64 bits of each address.

        None is further out than 5.9. Compiled far sooner than `jax.random.normal`.
        """
        a, b = self.of(jnp.arange(-(-n // 2), dtype=jnp.uint32), purpose)
        uniform = (a >> 8).astype(jnp.float32) * 2.0**-24 + 2.0**-25  # above 0; the topmost rounds to 1
        radius, angle = jnp.sqrt(-2 * jnp.log(uniform)), (b >> 8).astype(jnp.float32) * (2.0**-23 * jnp.pi)
        return jnp.concatenate([radius * jnp.cos(angle), radius * jnp.sin(angle)])[:n]

    def key(self, purpose: int) -> Array:
        """A jax key made from the same address, for experiments in floating point."""
        a, b = self.of(jnp.uint32(0), purpose)
        return jax.random.wrap_key_data(jnp.stack([a, b]), impl="threefry2x32")


def seed_words(seed: int) -> UInt32[Array, "2"]:
    """A seed of 64 bits as (low word, high word)."""
    if not 0 <= seed < 2**64:
        raise ValueError(f"seed = {seed}: must be 0 ... 2^64 - 1")
    return jnp.array([seed & 0xFFFFFFFF, seed >> 32], jnp.uint32)


def mix32(z: UInt32[Array, "*n"]) -> UInt32[Array, "*n"]:
    """A bijection of 32-bit words with good avalanche (C. Wellons, "lowbias32")."""
    z = (z ^ (z >> 16)) * jnp.uint32(0x7FEB352D)
    z = (z ^ (z >> 15)) * jnp.uint32(0x846CA68B)
    return z ^ (z >> 16)


def unmix32(z: UInt32[Array, "*n"]) -> UInt32[Array, "*n"]:
    """The inverse of `mix32`."""
    z = (z ^ (z >> 16)) * jnp.uint32(0x43021123)
    z = (z ^ (z >> 15) ^ (z >> 30)) * jnp.uint32(0x1D69E2A5)
    return z ^ (z >> 16)


def threshold16(probability: float) -> int:
    """A probability as a threshold against 16 random bits: 0 is never, 65536 always."""
    return int(65536 * probability + 0.5)
