"""The lattice gas HPP with its bits packed into words, beside the same in NumPy, and in Numba by words and by sites."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numba import njit

from mesocosm.core import Bits
from mesocosm.core.random import seed_words
from mesocosm.worlds.reversible.build import world_of
from mesocosm.worlds.reversible.packed import bits_of
from mesocosm.worlds.reversible.parameters import GasParameters

SIDE, TICKS, ROUNDS = 1024, 64, 9


@jax.jit
def packed(world: Any, now: Any, n: Any) -> Any:
    """Ours: ticks in one program."""
    bits = Bits(jnp.uint32(0), jnp.uint32(0), jnp.int32(0))  # nothing is drawn
    return jax.lax.fori_loop(0, n, lambda _, now: world.step(bits, now, jnp.bool_(False)), now)


def in_numpy(planes: np.ndarray, ticks: int) -> np.ndarray:
    """Packed words: [4, side, words]."""
    for _ in range(ticks):
        e, n, w, s = planes
        meet = (e & w & ~(n | s)) | (n & s & ~(e | w))
        e, n, w, s = e ^ meet, n ^ meet, w ^ meet, s ^ meet
        on = (e << 1) | (np.roll(e, 1, 1) >> 31)
        back = (w >> 1) | (np.roll(w, -1, 1) << 31)
        planes = np.array([on, np.roll(n, 1, 0), back, np.roll(s, -1, 0)])
    return planes


@njit(cache=True)
def in_numba(planes: np.ndarray, ticks: int) -> np.ndarray:
    """Packed words, a word at a time: collided, then sent to where it goes."""
    _, side, words = planes.shape
    one = planes.copy()
    out = np.empty_like(one)
    for _ in range(ticks):
        for y in range(side):
            for k in range(words):
                e, n, w, s = one[0, y, k], one[1, y, k], one[2, y, k], one[3, y, k]
                meet = (e & w & ~(n | s)) | (n & s & ~(e | w))
                one[0, y, k], one[2, y, k] = e ^ meet, w ^ meet
                out[1, (y + 1) % side, k] = n ^ meet
                out[3, (y - 1) % side, k] = s ^ meet
            for k in range(words):
                out[0, y, k] = (one[0, y, k] << np.uint32(1)) | (one[0, y, k - 1] >> np.uint32(31))
                out[2, y, k] = (one[2, y, k] >> np.uint32(1)) | (one[2, y, (k + 1) % words] << np.uint32(31))
        one, out = out, one
    return one


@njit(cache=True)
def by_sites(sites: np.ndarray, ticks: int) -> np.ndarray:
    """A byte a site, its four low bits the channels: as one would write it first."""
    side = sites.shape[0]
    one = sites.copy()
    out = np.empty_like(one)
    for _ in range(ticks):
        for y in range(side):
            for x in range(side):
                e, n = one[y, x - 1], one[y - 1, x]
                w, s = one[y, (x + 1) % side], one[(y + 1) % side, x]
                e = e ^ 15 if e == 5 or e == 10 else e
                n = n ^ 15 if n == 5 or n == 10 else n
                w = w ^ 15 if w == 5 or w == 10 else w
                s = s ^ 15 if s == 5 or s == 10 else s
                out[y, x] = (e & 1) | (n & 2) | (w & 4) | (s & 8)
        one, out = out, one
    return one


def sides() -> dict[str, Callable[[int], Any]]:
    """The four, from one start; they must come to the same state."""
    world = world_of("hpp", gas=GasParameters(side=SIDE))
    start = jax.jit(lambda world: world.found(Bits.founding(seed_words(0), jnp.uint32(0)), jnp.bool_(False)))(world)
    planes = np.asarray(start)
    sites = (np.asarray(bits_of(start)) << np.arange(4)[:, None, None]).sum(axis=0).astype(np.uint8)
    forms = {
        "packed, ours": lambda n: packed(world, start, jnp.int32(n)).block_until_ready(),
        "packed, NumPy": lambda n: in_numpy(planes, n),
        "packed, Numba": lambda n: in_numba(planes, n),
        "a byte a site, Numba": lambda n: by_sites(sites, n),
    }
    ended = {name: form(7) for name, form in forms.items()}
    assert all(np.array_equal(ended["packed, ours"], ended[name]) for name in ("packed, NumPy", "packed, Numba"))
    whole = (np.asarray(bits_of(ended["packed, ours"])) << np.arange(4)[:, None, None]).sum(axis=0)
    assert np.array_equal(whole, ended["a byte a site, Numba"])
    return forms


def rates() -> dict[str, list[float]]:
    """Site updates a second of the processor, in turns."""
    forms = sides()
    out: dict[str, list[float]] = {name: [] for name in forms}
    for form in forms.values():
        form(TICKS)
    for _ in range(ROUNDS):
        for name, form in forms.items():
            ticks = TICKS if "site" not in name and "NumPy" not in name else TICKS // 8
            began = time.process_time()
            form(ticks)
            out[name].append(SIDE**2 * ticks / (time.process_time() - began))
    return out
