"""The law of `soup` for one replicate, phase by phase as in `docs/worlds/soup.md`."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Int32, UInt8, UInt32

from mesocosm.core import Bits, Events, Experiment, Scene, Tick
from mesocosm.core.arrays import in_turn, sum32
from mesocosm.core.random import threefry2x32
from mesocosm.record import Status
from mesocosm.worlds.soup.language import TAPE, actions, replicator, written
from mesocosm.worlds.soup.machine import PAIR, run_pairs
from mesocosm.worlds.soup.parameters import MOST_TOKENS, SoupParameters
from mesocosm.worlds.soup.seen import scene_of

# Purposes of random bits, section 2 of the page.
FOUNDING, COUNT, STRIKE, MEETING, DEALING = range(5)

ROUNDS = 10
"""Rounds of the mixing that pairs and deals; `tests/reference/test_soup.py` asks whether partners are uniform."""

HALF = TAPE // 2
"""Bytes of a tape that must come from its partner for it to be a copy."""

KILO = 1024
"""Reads are counted in units of so many."""


class Tapes(eqx.Module):
    """The state of a soup, tapes in the order of their places.

    Args:
      bytes: what is written.
      tokens: who each byte descends from: a byte of a founder, or one that was struck. Copied with the byte.
      ids, depth: of each tape: the individual that it is, and the copies between it and a founder.
      next_id, next_token: which come next; none is given twice.
      rest: reads that are not yet a unit of 1,024.
    """

    bytes: UInt8[Array, "n 64"]
    tokens: Int32[Array, "n 64"]
    ids: Int32[Array, " n"]
    depth: Int32[Array, " n"]
    next_id: Int32[Array, ""]
    next_token: Int32[Array, ""]
    rest: Int32[Array, ""]


def mixed(places: Int32[Array, "*n"], keys: tuple[Array, Array], size: int) -> Int32[Array, "*n"]:
    """A permutation of 0 ... size - 1 (a power of two), drawn by the keys: an affine map and a fold, ten times.

    Args:
      keys: two words a round, the rounds last. [..., ROUNDS]
    """
    bits = size.bit_length() - 1
    x = places.astype(jnp.uint32)
    for r in range(ROUNDS):
        x = (x * (keys[0][..., r] | 1) + keys[1][..., r]) & (size - 1)
        x = x ^ (x >> ((bits + 1) // 2))
    return x.astype(jnp.int32)


@in_turn
def _struck(
    data: UInt8[Array, "m"],
    tokens: Int32[Array, "m"],
    first: Int32[Array, ""],
    n: Int32[Array, ""],
    key: UInt32[Array, "2"],
) -> tuple[UInt8[Array, "m"], Int32[Array, "m"]]:
    """The soup after `n` strikes, one after the other; their tokens count from `first` on."""

    def one(k, carry):
        data, tokens = carry
        a, b = threefry2x32((key[0], key[1]), (k.astype(jnp.uint32), jnp.uint32(STRIKE)))
        at = (a & jnp.uint32(data.shape[0] - 1)).astype(jnp.int32)
        data = lax.dynamic_update_slice(data, (b & 255).astype(jnp.uint8)[None], (at,))
        return data, lax.dynamic_update_slice(tokens, (first + k)[None], (at,))

    return lax.fori_loop(0, n, one, (data, tokens))


class Soup(Experiment):
    """Tapes that meet, run on each other, and part. Parameters are arrays: every control is the same program."""

    exact: ClassVar[bool] = True
    endings: ClassVar[dict[int, str]] = {Status.OVERFLOW: f"more than {MOST_TOKENS} tokens or tapes"}

    table: UInt32[Array, "256"]  # the action of each byte
    steps: Int32[Array, ""]
    strikes: Int32[Array, "2"]  # in an epoch: so many, and one more with this probability in 1/65536
    seeded: Int32[Array, ""]
    sown: UInt8[Array, "64"]
    dealing: Bool[Array, ""]
    depth: Int32[Array, ""]
    n: int = eqx.field(static=True)

    @staticmethod
    def of(parameters: SoupParameters) -> Soup:
        p = parameters
        return Soup(
            jnp.asarray(actions(p.copying)),
            jnp.int32(p.steps),
            jnp.array(p.strikes(), jnp.int32),
            jnp.int32(p.seeded),
            jnp.asarray(written(p.program.encode("latin-1")) if p.program else replicator()),
            jnp.bool_(p.dealing),
            jnp.int32(p.depth),
            p.tapes,
        )

    def init(self, bits: Bits) -> Tapes:
        words = jnp.stack(bits.of(jnp.arange(self.n * TAPE // 8, dtype=jnp.uint32), FOUNDING), axis=-1)
        drawn = (words[..., None] >> (8 * jnp.arange(4, dtype=jnp.uint32))[None, None, :]) & 255  # lowest byte first
        is_seeded = (jnp.arange(self.n) < self.seeded)[:, None]
        return Tapes(
            jnp.where(is_seeded, self.sown[None, :], drawn.reshape(self.n, TAPE).astype(jnp.uint8)),
            jnp.arange(1, self.n * TAPE + 1, dtype=jnp.int32).reshape(self.n, TAPE),
            jnp.arange(1, self.n + 1, dtype=jnp.int32),
            jnp.zeros(self.n, jnp.int32),
            jnp.int32(self.n + 1),
            jnp.int32(self.n * TAPE + 1),
            jnp.int32(0),
        )

    def tick(self, bits: Bits, state: Tapes) -> tuple[Tapes, Tick]:
        state, n_struck = self.strike(bits, state)
        state = self.deal(bits, state)
        meeting = self.meet(bits)
        cells, reads = self.run(state, meeting)
        return self.part(state, meeting, cells, reads, n_struck, bits.tick == 0)

    def strike(self, bits: Bits, state: Tapes) -> tuple[Tapes, Int32[Array, ""]]:
        """Some bytes become random ones, with tokens of their own."""
        draw, _ = bits.of(jnp.uint32(0), COUNT)
        n = self.strikes[0] + ((draw & 0xFFFF).astype(jnp.int32) < self.strikes[1]).astype(jnp.int32)
        key = jnp.stack([bits.k0, bits.k1])
        data, tokens = _struck(state.bytes.ravel(), state.tokens.ravel(), state.next_token, n, key)
        shape = (self.n, TAPE)
        new = (data.reshape(shape), tokens.reshape(shape), state.next_token + n)
        return eqx.tree_at(lambda s: (s.bytes, s.tokens, s.next_token), state, new), n

    def deal(self, bits: Bits, state: Tapes) -> Tapes:
        """The control without inheritance: in each column the bytes change tapes, as a permutation of its own says."""

        def dealt(data, tokens):
            number = jnp.arange(TAPE * ROUNDS, dtype=jnp.uint32)
            keys = [k.reshape(1, TAPE, ROUNDS) for k in bits.of(number, DEALING)]
            places = mixed(jnp.arange(self.n, dtype=jnp.int32)[:, None], (keys[0], keys[1]), self.n)
            columns = jnp.arange(TAPE, dtype=jnp.int32)[None, :]
            return data[places, columns], tokens[places, columns]

        new = lax.cond(self.dealing, dealt, lambda *same: same, state.bytes, state.tokens)
        return eqx.tree_at(lambda s: (s.bytes, s.tokens), state, new)

    def meet(self, bits: Bits) -> Int32[Array, " n"]:
        """Who meets whom: pair k are the tapes at the places 2k and 2k + 1 of this list, in this order."""
        keys = bits.of(jnp.arange(ROUNDS, dtype=jnp.uint32), MEETING)
        return mixed(jnp.arange(self.n, dtype=jnp.int32), keys, self.n)

    def run(self, state: Tapes, meeting: Array) -> tuple[UInt32[Array, "pairs 128"], Int32[Array, " pairs"]]:
        """Every pair runs; cells are source << 8 | byte."""
        met = jnp.take(state.bytes, meeting, axis=0, mode="clip").reshape(-1, PAIR)
        sources = jnp.arange(PAIR, dtype=jnp.uint32)[None, :] << 8
        return run_pairs(met.astype(jnp.uint32) | sources, self.table, self.steps)

    def part(self, state, meeting, cells, reads, n_struck, is_first) -> tuple[Tapes, Tick]:
        """Pairs part. A tape of which half the bytes come from the partner is a copy of it: a birth, and a death."""
        sources = (cells >> 8).astype(jnp.int32)
        strangers = (sources.reshape(-1, 2, TAPE) < TAPE) == jnp.array([False, True])[None, :, None]
        n_strange = jnp.sum(strangers, axis=2, dtype=jnp.int32).ravel()  # in the order of the meeting, as all below
        ids, depth = state.ids[meeting], state.depth[meeting]
        parent, deeper = _swapped(ids), _swapped(depth) + 1
        is_copy = n_strange >= HALF
        is_undone = is_copy & (self.depth > 0) & (deeper > self.depth)
        is_born = is_copy & ~is_undone

        before = jnp.take(state.bytes, meeting, axis=0, mode="clip")
        tokens = jnp.take(state.tokens, meeting, axis=0, mode="clip")
        written = (cells & 255).astype(jnp.uint8).reshape(self.n, TAPE)
        carried = jnp.take_along_axis(tokens.reshape(-1, PAIR), sources, axis=1, mode="clip").reshape(self.n, TAPE)
        undone = is_undone[:, None]
        born = state.next_id + jnp.cumsum(is_born, dtype=jnp.int32) - 1
        n_born = sum32(is_born)
        total = state.rest + sum32(reads)
        after = Tapes(
            _home(jnp.where(undone, before, written), meeting),
            _home(jnp.where(undone, tokens, carried), meeting),
            _home(jnp.where(is_born, born, ids), meeting),
            _home(jnp.where(is_born, deeper, depth), meeting),
            state.next_id + n_born,
            state.next_token,
            total & (KILO - 1),
        )
        flows = {
            "kiloreads": total >> 10,
            "births": n_born,
            "undone": sum32(is_undone),
            "strikes": n_struck,
            "crossed": sum32(jnp.where(is_undone, 0, n_strange)),
        }
        columns = {"id": born, "parent": parent, "place": meeting, "bytes": n_strange}
        births = _with_founders(Events(is_born, columns), is_first)
        return after, Tick(flows, {"births": births, "deaths": Events(is_born, {"id": ids})})

    def scene(self, state: Tapes) -> Scene:
        return scene_of(state.bytes, state.tokens, state.depth)

    def status(self, state: Tapes) -> Int32[Array, ""]:
        is_full = (state.next_token > MOST_TOKENS) | (state.next_id > MOST_TOKENS)
        return jnp.where(is_full, Status.OVERFLOW, Status.ALIVE).astype(jnp.int32)


def _home(values: Array, meeting: Int32[Array, " n"]) -> Array:
    """From the order in which tapes met back to that of their places."""
    return jnp.zeros_like(values).at[meeting].set(values, unique_indices=True, mode="promise_in_bounds")


def _with_founders(births: Events, is_first: Bool[Array, ""]) -> Events:
    """The births of an epoch; in the first one those of the founders before them, who have no parent."""
    n = births.happened.shape[0]
    place = jnp.arange(n, dtype=jnp.int32)
    founders = {"id": place + 1, "parent": jnp.zeros_like(place), "place": place, "bytes": jnp.zeros_like(place)}
    columns = {name: jnp.concatenate([founders[name], column]) for name, column in births.columns.items()}
    return Events(jnp.concatenate([jnp.broadcast_to(is_first, (n,)), births.happened]), columns)


def _swapped(values: Int32[Array, " n"]) -> Int32[Array, " n"]:
    """The value of the partner."""
    return values.reshape(-1, 2)[:, ::-1].ravel()
