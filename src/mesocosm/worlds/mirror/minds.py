"""Minds of `mirror`, many at once: contexts, counts, and what they play (`docs/worlds/mirror.md`, section 4)."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array, Bool, Int32, UInt32

from mesocosm.core.arrays import deposit, gather_cells

CONTEXTS = 64
"""Places of a table: contexts of 0 to 5 acts, each with a leading one; place 0 is nobody's."""
LOCI = ("order", "foresight", "prior", "noise")
PRIORS = 7
"""Values of the gene `prior`: 3 is neutral."""

Bodies = Int32[Array, " n"]


def push(history: Bodies, act: Bodies) -> Bodies:
    """The history with one act more, of which the last five are kept behind a leading one."""
    longer = (history << 1) | act
    return jnp.where(longer >= CONTEXTS, (CONTEXTS >> 1) | (longer & (CONTEXTS // 2 - 1)), longer)


def extended(history: Bodies, own: Bodies, other: Bodies, with_own: Bool[Array, ""]) -> Bodies:
    """The history after a round."""
    after = push(history, other)
    return jnp.where(with_own, push(after, own), after)


def context(history: Bodies, order: Bodies) -> Bodies:
    """The last `order` acts behind a leading one; all of them, where there are fewer."""
    top = jnp.int32(1) << order
    return jnp.where(history >= top, top | (history & (top - 1)), history)


def looked_up(table: Int32[Array, "n 64"], at: Bodies) -> Bodies:
    """One place of each body's table."""
    places = jnp.arange(table.shape[0], dtype=jnp.int32) * CONTEXTS + at
    return gather_cells(table.reshape(-1), places)


def weights(packed: Bodies, prior: Bodies, at: Bodies) -> tuple[Bodies, Bodies]:
    """How much speaks for each act in the context `at`: its count and one, and what the genome holds for it before.

    That is: how much one expects the newest act of the context again (one's own: that the other is as oneself).
    """
    echo = jnp.where(at > 1, prior - PRIORS // 2, 0)
    lean = jnp.where((at & 1) == 1, echo, -echo)
    w0 = 1 + (packed & 0xFFFF) + jnp.maximum(-lean, 0)
    return w0, 1 + (packed >> 16) + jnp.maximum(lean, 0)


def expected(packed: Bodies, prior: Bodies, at: Bodies, tie: Bodies) -> Bodies:
    """The act that is expected: the weightier one, by the coin where they are equal."""
    w0, w1 = weights(packed, prior, at)
    return jnp.where(w1 > w0, 1, jnp.where(w1 < w0, 0, tie))


def answer(
    table: Int32[Array, "n 64"],
    history: Bodies,
    genes: Sequence[Bodies],
    pays: Int32[Array, "2 2 n"],
    word: UInt32[Array, " n"],
    with_own: Bool[Array, ""],
    is_foresighted: bool,
) -> tuple[Bodies, Bodies]:
    """What each body plays, and what it expects the other to play.

    Args:
      genes: four, in the order of `LOCI`.
      pays: by own act and the other's, of each body's role.
      word: random bits: 0 to 3 whether noise decides, 4 its act, 5 ties of what is expected, 6 ties of acts.
    """
    order, foresight, prior, noise = genes
    bit = [((word >> k) & 1).astype(jnp.int32) for k in (4, 5, 6)]
    at = context(history, order)
    w0, w1 = weights(looked_up(table, at), prior, at)
    worth = [[pays[a, b] for b in (0, 1)] for a in (0, 1)]
    if is_foresighted:
        best = jnp.maximum(pays[0], pays[1])  # of the next round, by what the other plays then
        for a in (0, 1):
            for b in (0, 1):
                then = extended(history, jnp.full_like(history, a), jnp.full_like(history, b), with_own)
                there = context(then, order)
                theirs = expected(looked_up(table, there), prior, there, bit[1])
                worth[a][b] = worth[a][b] + foresight * jnp.where(theirs == 1, best[1], best[0])
    gain = w0 * (worth[1][0] - worth[0][0]) + w1 * (worth[1][1] - worth[0][1])
    act = jnp.where(gain > 0, 1, jnp.where(gain < 0, 0, bit[2]))
    is_noise = (word & 15).astype(jnp.int32) < noise
    theirs = jnp.where(w1 > w0, 1, jnp.where(w1 < w0, 0, bit[1]))
    return jnp.where(is_noise, bit[0], act), theirs


def counted(table: Int32[Array, "n 64"], at: Bodies, act: Bodies, memory: Array, counts: Array) -> Array:
    """The tables after one act more was seen in these contexts, by whom `counts` says."""
    old = looked_up(table, at)
    n0, n1 = (old & 0xFFFF) + (1 - act), (old >> 16) + act
    is_full = (n0 + n1 >= memory).astype(jnp.int32)
    new = (n0 >> is_full) | ((n1 >> is_full) << 16)
    places = jnp.arange(table.shape[0], dtype=jnp.int32) * CONTEXTS + at
    change = jnp.where(counts, new - old, 0)
    return deposit(table.reshape(-1), places, change).reshape(table.shape)
