"""The machine that runs a pair of tapes, as one loop of scalars: what a processor does with an interpreter.

A batch of pairs in lockstep would wait for its longest run (the median of a random soup is 128 reads, one pair in
twenty reads all 8,192), so pairs run one after the other. Three things make that fast, and change no bit:

* Comments are leapt over: two masks of 128 bits say where instructions and where brackets are.
* A loop that has come back to a state it was in, the tape unchanged since, goes on so for ever: it is taken to the end
  of its steps at once (R. P. Brent's search for cycles, at jumps back).
* Every read of an array comes after the write of the turn, at the end of the body. XLA then writes in place, and its
  compiler for the CPU makes one function of the loop: one that touches less than a kilobyte is not left for each turn.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Int32, UInt32

from mesocosm.core.arrays import in_turn
from mesocosm.worlds.soup.language import (
    ACTS,
    ADDED,
    CLOSES,
    HEAD_0,
    HEAD_1,
    IS_BRACKET,
    OPENS,
    TAPE,
    TO_HEAD_0,
    TO_HEAD_1,
)

PAIR = 2 * TAPE
_ENDED = -1
_WORDS = PAIR // 32


class Machine(NamedTuple):
    """A pair in the middle of its run. Scalars are int32 but for words, which are uint32."""

    cells: Array  # [128] uint32: where the byte stood when the pair met (source), and the byte: source << 8 | byte
    masks: Array  # [8] uint32: where instructions are (4 words), where brackets are (4 words)
    place: Array  # of the next byte that matters: an instruction, or a bracket while a partner is sought; -1: ended
    action: Array  # of that byte; 0 where a word of the mask held none
    at_0: Array  # the cell under head 0
    at_1: Array  # and under head 1
    reads: Array  # bytes read so far, those before `place` included
    heads: Array  # head 1 << 7 | head 0
    depth: Array  # of the search: 0: none; above: forwards, so many brackets are open; below: backwards
    seen: Array  # a state that is remembered: place << 14 | heads
    jumps: Array  # jumps back since the tape has changed


def _read(array: Array, index: Array) -> Array:
    return lax.dynamic_slice(array, (index,), (1,))[0]


def _write(array: Array, index: Array, value: Array) -> Array:
    return lax.dynamic_update_slice(array, value[None], (index,))


def _bit(word: Array, number: int) -> Array:
    return (word >> number) & 1


def masks_of(cells: UInt32[Array, "pairs 128"], table: UInt32[Array, "256"]) -> UInt32[Array, "pairs 8"]:
    """Where instructions and where brackets are."""
    actions = table.at[cells & 255].get(mode="promise_in_bounds").reshape(-1, _WORDS, 32)
    bits = (jnp.uint32(1) << jnp.arange(32, dtype=jnp.uint32))[None, None, :]
    packed = [jnp.sum(_bit(actions, flag) * bits, axis=2, dtype=jnp.uint32) for flag in (ACTS, IS_BRACKET)]
    return jnp.concatenate(packed, axis=1)


def _fetch(cells, masks, table, place, heads, depth, reads):
    """From `place` on to the next byte that matters (at most to the end of a word of the mask), and what is there."""
    seeks, back = depth != 0, depth < 0
    word = _read(masks, (place >> 5) + jnp.where(seeks, _WORDS, 0))
    low = place & 31
    ahead, behind = word >> low.astype(jnp.uint32), word << (31 - low).astype(jnp.uint32)
    is_there = jnp.where(back, behind, ahead) != 0
    up = 31 - lax.clz(ahead & (~ahead + 1)).astype(jnp.int32)  # zeros below the lowest bit
    down = lax.clz(behind).astype(jnp.int32)
    found = jnp.where(back, place - down, place + up)
    next_word = jnp.where(back, place - low - 1, place - low + 32)
    there = jnp.where(is_there, found, next_word)
    action = jnp.where(is_there, _read(table, (_read(cells, there) & 255).astype(jnp.int32)), jnp.uint32(0))
    reads = jnp.where(seeks, reads, reads + there - place)
    return there, action, _read(cells, heads & 127), _read(cells, heads >> 7), reads


def _masks_with(masks: Array, target: Array, action: Array) -> Array:
    """The masks after a byte was written, all eight words at once.

    Args:
      target: the place of the byte.
      action: what it does now.
    """
    words = jnp.arange(2 * _WORDS, dtype=jnp.int32)
    place = (target & 31).astype(jnp.uint32)
    flag = jnp.where(words < _WORDS, _bit(action, ACTS), _bit(action, IS_BRACKET))
    fresh = (masks & ~(jnp.uint32(1) << place)) | (flag << place)
    return jnp.where((words & (_WORDS - 1)) == target >> 5, fresh, masks)


def _turn(m: Machine, table: Array, steps: Array) -> Machine:
    """One instruction, or one bracket of a search, or the end of a word of the mask."""
    seeks, is_there, is_over = m.depth != 0, m.action != 0, m.reads >= steps
    acts = is_there & ~seeks & ~is_over
    action = jnp.where(acts, m.action, jnp.uint32(0))
    # What is written: at head 1 by `.`, at head 0 by all others, who write what is there already if they do not write.
    is_to_1, is_to_0 = _bit(m.action, TO_HEAD_1) > 0, _bit(action, TO_HEAD_0) > 0
    source = jnp.where(is_to_0, m.at_1, m.at_0)
    old = jnp.where(is_to_1, m.at_1, m.at_0)
    new = (source & ~jnp.uint32(255)) | ((source + ((action >> ADDED) & 255)) & 255)
    new = jnp.where(acts, new, old)
    target = jnp.where(is_to_1, m.heads >> 7, m.heads & 127)
    cells = _write(m.cells, target, new)
    masks = _masks_with(m.masks, target, _read(table, (new & 255).astype(jnp.int32)))
    # Brackets.
    is_zero, opens, closes = (m.at_0 & 255) == 0, _bit(m.action, OPENS) > 0, _bit(m.action, CLOSES) > 0
    begun = jnp.where(acts & opens & is_zero, 1, jnp.where(acts & closes & ~is_zero, -1, 0))
    depth = jnp.where(seeks, m.depth + opens.astype(jnp.int32) - closes.astype(jnp.int32), begun)
    has_jumped_back = (m.depth < 0) & (depth == 0)
    # Heads, and the place to go on from.
    head_0 = (m.heads + ((action >> HEAD_0) & 127).astype(jnp.int32)) & 127
    head_1 = (m.heads + (((action >> HEAD_1) & 127) << 7).astype(jnp.int32)) & (127 << 7)
    heads = head_0 | head_1
    on = jnp.where(is_there, jnp.where(depth < 0, m.place - 1, m.place + 1), m.place)
    reads = m.reads + acts.astype(jnp.int32)
    # A state that was there before, and nothing has changed since: it would come back until the steps are used up.
    here = (m.place << 14) | heads
    is_endless = has_jumped_back & (m.jumps > 0) & (here == m.seen)
    jumps = m.jumps + has_jumped_back.astype(jnp.int32)
    seen = jnp.where(has_jumped_back & ((jumps & m.jumps) == 0), here, m.seen)  # the 1st, 2nd, 4th, 8th ... jump
    jumps = jnp.where(new != old, 0, jumps)
    is_used_up = is_over | is_endless | (reads >= steps)
    reads = jnp.where(is_used_up, steps, reads)
    has_ended = is_used_up | (on >= PAIR) | (on < 0)
    there, next_action, at_0, at_1, reads_there = _fetch(cells, masks, table, on, heads, depth, reads)
    there = jnp.where(has_ended, _ENDED, there)
    reads = jnp.where(has_ended, reads, reads_there)
    return Machine(cells, masks, there, next_action, at_0, at_1, reads, heads, depth, seen, jumps)


def _run(cells: Array, masks: Array, table: Array, steps: Array) -> tuple[Array, Array]:
    """One pair to its end: its cells, and how many bytes it has read."""
    zero = jnp.int32(0)
    first = _fetch(cells, masks, table, zero, zero, zero, zero)
    start = Machine(cells, masks, *first, zero, zero, jnp.int32(-1), zero)
    ended = lax.while_loop(lambda m: m.place != _ENDED, lambda m: _turn(m, table, steps), start)
    return ended.cells, ended.reads


@in_turn
def run_pairs(
    cells: UInt32[Array, "pairs 128"], table: UInt32[Array, "256"], steps: Int32[Array, ""]
) -> tuple[UInt32[Array, "pairs 128"], Int32[Array, "pairs"]]:
    """Every pair to its end.

    Args:
      cells: source << 8 | byte, as in `Machine`.
      table: the action of each byte, `language.actions`.
      steps: reads at which a pair is stopped.

    Returns:
      the cells afterwards, and how many bytes each pair has read.
    """
    masks = masks_of(cells, table)

    def one(k, carry):
        cells, reads = carry
        own = lax.dynamic_slice(cells, (k, 0), (1, PAIR))[0]
        mask = lax.dynamic_slice(masks, (k, 0), (1, 2 * _WORDS))[0]
        own, n = _run(own, mask, table, steps)
        return lax.dynamic_update_slice(cells, own[None], (k, 0)), lax.dynamic_update_slice(reads, n[None], (k,))

    return lax.fori_loop(0, cells.shape[0], one, (cells, jnp.zeros(cells.shape[0], jnp.int32)))
