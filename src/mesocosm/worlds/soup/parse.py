"""How far a soup repeats itself: a greedy Lempel-Ziv parse (LZ77, one candidate for each hash, as LZ4 does it).

Integers that a record can hold on any device, hence no compressor of a library; `measures.higher_order_entropy` makes
bits of them, and a test holds them against zlib.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Int32, UInt8

from mesocosm.core.arrays import in_turn

SHORTEST, LONGEST = 4, 67
"""Length of a match, in 64 steps."""
_HASH_BITS = 14


def _read(array: Array, index: Array) -> Array:
    return lax.dynamic_slice(array, (index,), (1,))[0]


def _key(data: Array, at: Array) -> Array:
    """The four bytes from here on."""
    word = jnp.uint32(0)
    for k in range(4):
        word = word | (_read(data, at + k).astype(jnp.uint32) << (8 * k))
    return word


class _Parse(NamedTuple):
    """A parse under way; all but `table` are scalars. As in `machine`, arrays are read at the end of a turn only."""

    table: Array  # [2^14] int32: where a word of this hash began last; -1: nowhere
    at: Array
    candidate: Array  # where the match began that is followed
    length: Array  # of the match so far; 0: none is followed
    literals: Array
    matches: Array
    slot: Array  # of the word that begins here
    found: Array  # what the table says of it
    is_same: Array  # whether the word there, or the next byte of the match, is the same as here


def _fetched(data: Array, table: Array, at: Array, candidate: Array, length: Array) -> tuple[Array, Array, Array]:
    """`slot`, `found` and `is_same` of this place."""
    n = data.shape[0]
    word = _key(data, jnp.minimum(at, n - SHORTEST))
    slot = (word * jnp.uint32(0x9E3779B1) >> (32 - _HASH_BITS)).astype(jnp.int32)
    found = _read(table, slot)
    follows = _read(data, jnp.minimum(candidate + length, n - 1)) == _read(data, jnp.minimum(at + length, n - 1))
    begins = (found >= 0) & (_key(data, jnp.maximum(found, 0)) == word)
    return slot, found, jnp.where(length > 0, follows, begins)


@in_turn
def parse(data: UInt8[Array, "n"]) -> Int32[Array, "2"]:
    """Literals and matches of the parse. Each turn looks at one place: a new word, or one more byte of a match."""
    n = data.shape[0]

    def turn(p: _Parse) -> _Parse:
        is_in_match, has_word = p.length > 0, (p.length == 0) & (p.at + SHORTEST <= n)
        goes_on = is_in_match & p.is_same & (p.length < LONGEST) & (p.at + p.length < n)
        is_match = has_word & p.is_same
        is_literal = ~is_in_match & ~is_match
        table = lax.dynamic_update_slice(p.table, jnp.where(has_word, p.at, p.found)[None], (p.slot,))
        candidate = jnp.where(is_match, p.found, p.candidate)
        at = p.at + jnp.where(is_in_match & ~goes_on, p.length, is_literal.astype(jnp.int32))
        length = jnp.where(goes_on, p.length + 1, jnp.where(is_match, SHORTEST, 0))
        literals, matches = p.literals + is_literal.astype(jnp.int32), p.matches + is_match.astype(jnp.int32)
        next_place = _fetched(data, table, at, candidate, length)
        return _Parse(table, at, candidate, length, literals, matches, *next_place)

    zero, table = jnp.int32(0), jnp.full(1 << _HASH_BITS, -1, jnp.int32)
    start = _Parse(table, zero, zero, zero, zero, zero, *_fetched(data, table, zero, zero, zero))
    end = lax.while_loop(lambda p: p.at < n, turn, start)
    return jnp.stack([end.literals, end.matches])
