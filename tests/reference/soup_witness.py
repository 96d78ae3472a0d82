"""The witness: a second implementation of the world `soup`, written from `docs/worlds/soup.md` alone.

It shares no code with the program and is built differently: an interpreter that reads byte after byte and looks for
brackets as the page says, tokens carried by the interpreter itself, no masks and no leaps. Numba, or plain Python where
`run.py_func` is called.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numba import njit

from tests.reference.petri_witness import threefry

REPLICATOR = np.frombuffer(b"[{.>]ABCDEFGHIJKLMNOPQRSTUVWXYZ0" + b"0ZYXWVUTSRQPONMLKJIHGFEDCBA]>.{[", np.uint8)
LEFT, RIGHT, LEFT_1, RIGHT_1, MINUS, PLUS, DOT, COMMA, OPEN, CLOSE = (ord(c) for c in "<>{}-+.,[]")
FOUNDING, COUNT, STRIKE, MEETING, DEALING = range(5)


@njit(cache=True)
def run(cells, sources, steps, copying=True):
    """Section 5: one pair, in place. Returns the reads."""
    i, h0, h1, reads = 0, 0, 0, 0
    while 0 <= i < 128 and reads < steps:
        c = cells[i]
        reads += 1
        if c == LEFT:
            h0 = (h0 - 1) % 128
        elif c == RIGHT:
            h0 = (h0 + 1) % 128
        elif c == LEFT_1:
            h1 = (h1 - 1) % 128
        elif c == RIGHT_1:
            h1 = (h1 + 1) % 128
        elif c == MINUS:
            cells[h0] = (cells[h0] + 255) & 255
        elif c == PLUS:
            cells[h0] = (cells[h0] + 1) & 255
        elif c == DOT and copying:
            cells[h1], sources[h1] = cells[h0], sources[h0]
        elif c == COMMA and copying:
            cells[h0], sources[h0] = cells[h1], sources[h1]
        elif (c == OPEN and cells[h0] == 0) or (c == CLOSE and cells[h0] != 0):
            way, other = (1, CLOSE) if c == OPEN else (-1, OPEN)
            depth, j = 1, i
            while depth > 0:
                j += way
                if not 0 <= j < 128:
                    return reads
                if cells[j] == c:
                    depth += 1
                elif cells[j] == other:
                    depth -= 1
            i = j
        i += 1
    return reads


@dataclass
class Soup:
    """The state of section 1, the key words of the run, and what was booked in the last epoch."""

    bytes: np.ndarray
    tokens: np.ndarray
    ids: np.ndarray
    depth: np.ndarray
    next_id: int
    next_token: int
    rest: int
    seed: tuple[int, int]
    replicate: int
    flows: dict[str, int]
    births: list[tuple[int, int, int, int, int]]

    @property
    def n(self) -> int:
        return len(self.bytes)


def bits(key: tuple[int, int], index: int, purpose: int) -> tuple[int, int]:
    return tuple(int(w) for w in threefry(*(np.uint32(x) for x in (*key, index, purpose))))


def key_of(seed: tuple[int, int], replicate: int, tick: int) -> tuple[int, int]:
    return bits(seed, replicate, tick)


def found(n: int, seed: int, replicate: int, seeded: int = 0) -> Soup:
    """Section 2."""
    words = (seed & 0xFFFFFFFF, seed >> 32)
    key = key_of(words, replicate, 0xFFFFFFFF)
    tapes = np.zeros((n, 64), np.uint8)
    for p in range(n):
        for k in range(8):
            a, b = bits(key, 8 * p + k, FOUNDING)
            tapes[p, 8 * k : 8 * k + 8] = list(a.to_bytes(4, "little") + b.to_bytes(4, "little"))
    tapes[:seeded] = REPLICATOR
    tokens = np.arange(1, 64 * n + 1).reshape(n, 64)
    return Soup(tapes, tokens, np.arange(1, n + 1), np.zeros(n, int), n + 1, 64 * n + 1, 0, words, replicate, {}, [])


def permutation(n: int, keys: list[tuple[int, int]]) -> list[int]:
    """Section 4."""
    m = n.bit_length() - 1
    out = []
    for i in range(n):
        x = i
        for a, b in keys:
            x = (x * (a | 1) + b) % n
            x ^= x >> ((m + 1) // 2)
        out.append(x)
    return out


def epoch(soup: Soup, tick: int, *, mutation=0.00024, steps=8192, copying=True, dealing=False, depth=0) -> None:
    """Sections 3 to 6, in place."""
    n, key = soup.n, key_of(soup.seed, soup.replicate, tick)
    m = int(64 * n * mutation * 65536 + 0.5)
    strikes = (m >> 16) + (bits(key, 0, COUNT)[0] & 0xFFFF < m & 0xFFFF)
    for k in range(strikes):
        a, b = bits(key, k, STRIKE)
        place, column = divmod(a & (64 * n - 1), 64)
        soup.bytes[place, column], soup.tokens[place, column] = b & 255, soup.next_token + k
    soup.next_token += strikes
    if dealing:
        for j in range(64):
            order = permutation(n, [bits(key, 10 * j + r, DEALING) for r in range(10)])
            soup.bytes[:, j], soup.tokens[:, j] = soup.bytes[order, j], soup.tokens[order, j]
    order = permutation(n, [bits(key, r, MEETING) for r in range(10)])
    soup.flows = dict(births=0, undone=0, crossed=0, strikes=strikes)
    soup.births = []
    for k in range(n // 2):
        _meet(soup, order[2 * k : 2 * k + 2], steps, copying, depth)
    soup.flows["kiloreads"], soup.rest = soup.rest >> 10, soup.rest & 1023


def _meet(soup: Soup, places: list[int], steps: int, copying: bool, most: int) -> None:
    cells, sources = soup.bytes[places].ravel().copy(), np.arange(128)
    tokens, before = soup.tokens[places].ravel(), soup.bytes[places].ravel().copy()
    ids, depths = soup.ids[places], soup.depth[places]
    soup.rest += run(cells, sources, steps, copying)
    for half in (0, 1):
        own, place = slice(64 * half, 64 * half + 64), places[half]
        strange = int(((sources[own] < 64) == (half == 1)).sum())
        deeper = int(depths[1 - half]) + 1
        if strange >= 32 and 0 < most < deeper:
            soup.bytes[place], soup.tokens[place] = before[own], tokens[own]
            soup.flows["undone"] += 1
            continue
        soup.bytes[place], soup.tokens[place] = cells[own], tokens[sources[own]]
        soup.flows["crossed"] += strange
        if strange >= 32:
            soup.births.append((soup.next_id, int(ids[1 - half]), place, int(ids[half]), strange))
            soup.ids[place], soup.depth[place] = soup.next_id, deeper
            soup.next_id += 1
            soup.flows["births"] += 1


def parse(data: bytes) -> tuple[int, int]:
    """Section 7: literals and matches."""
    table: dict[int, int] = {}
    i = literals = matches = 0
    while i < len(data):
        found = None
        if i + 4 <= len(data):
            slot = (int.from_bytes(data[i : i + 4], "little") * 0x9E3779B1 % 2**32) >> 18
            found, table[slot] = table.get(slot), i
        if found is not None and data[found : found + 4] == data[i : i + 4]:
            length = 4
            while length < 67 and i + length < len(data) and data[found + length] == data[i + length]:
                length += 1
            matches, i = matches + 1, i + length
        else:
            literals, i = literals + 1, i + 1
    return literals, matches


def shannon(data: bytes) -> float:
    """Bits a byte, in floating point."""
    p = np.bincount(np.frombuffer(data, np.uint8), minlength=256) / len(data)
    p = p[p > 0]
    return float(-(p * np.log2(p)).sum())


def zlib_order(data: bytes) -> float:
    """Higher-order entropy by another compressor, which knows nothing of ours."""
    return shannon(data) - 8 * len(zlib.compress(data, 9)) / len(data)


def order(data: bytes) -> float:
    """Section 7: higher-order entropy, in floating point."""
    literals, matches = parse(data)
    items = literals + matches
    which = items * np.log2(items) - sum(x * np.log2(x) for x in (literals, matches) if x)
    bits = literals * shannon(data) + matches * (np.log2(len(data)) + 6) + which
    return max(0.0, shannon(data) - float(bits) / len(data))
