"""Streams of small integers as bytes, and the container that holds them: what `frames` is written with.

A file of frames is `MAGIC`, the length of the header (4 bytes, little end first), the header (JSON), and one zlib
stream with all planes one after the other. The header names the planes and their lengths in bytes.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from mesocosm.record.errors import MesocosmError

MAGIC = b"MESOFRM2"


class DamagedFrames(MesocosmError):
    """Bytes that are no recording, or only a part of one."""


def to_varints(values: np.ndarray) -> bytes:
    """Signed integers, |v| < 2^62, as zigzag and seven bits a byte, the lowest first."""
    signed = np.asarray(values, np.int64)
    left = ((signed << 1) ^ (signed >> 63)).astype(np.uint64)
    n_bytes = np.ones(left.size, np.int64)
    for k in range(1, 9):
        n_bytes += left >= (1 << (7 * k))
    ends = np.cumsum(n_bytes)
    out = np.zeros(int(ends[-1]) if ends.size else 0, np.uint8)
    starts = ends - n_bytes
    for k in range(9):
        has = n_bytes > k
        more = (n_bytes[has] > k + 1).astype(np.uint8) << 7
        out[starts[has] + k] = ((left[has] >> np.uint64(7 * k)) & np.uint64(127)).astype(np.uint8) | more
    return out.tobytes()


def from_varints(content: bytes) -> np.ndarray:
    """The inverse of `to_varints`: int64 [n].

    Raises:
      DamagedFrames: if the last number is cut off, or one is longer than nine bytes.
    """
    raw = np.frombuffer(content, np.uint8)
    if not raw.size:
        return np.zeros(0, np.int64)
    ends = np.flatnonzero(raw < 128)
    starts = np.concatenate([[0], ends[:-1] + 1]) if ends.size else ends
    if raw[-1] >= 128 or np.any(ends - starts > 8):
        raise DamagedFrames("a number in it is cut off")
    place = np.arange(raw.size) - np.repeat(starts, ends - starts + 1)
    parts = (raw & 127).astype(np.uint64) << (7 * place).astype(np.uint64)
    plain = np.add.reduceat(parts, starts)
    return (plain >> np.uint64(1)).astype(np.int64) ^ -(plain & np.uint64(1)).astype(np.int64)


def to_bits(values: np.ndarray, bits: int) -> bytes:
    """Values below 2^bits, `bits` bits each, the lowest bit first."""
    if bits == 0 or not values.size:
        return b""
    columns = (np.asarray(values, np.int64)[:, None] >> np.arange(bits)) & 1
    return np.packbits(columns.astype(np.uint8).ravel(), bitorder="little").tobytes()


def from_bits(content: bytes, bits: int, n: int) -> np.ndarray:
    """The inverse of `to_bits`: int64 [n].

    Raises:
      DamagedFrames: if there are not as many.
    """
    if bits == 0:
        return np.zeros(n, np.int64)
    flat = np.unpackbits(np.frombuffer(content, np.uint8), bitorder="little")
    if flat.size < n * bits:
        raise DamagedFrames("a column ends too early")
    return (flat[: n * bits].reshape(n, bits).astype(np.int64) << np.arange(bits)).sum(axis=1)


def seal(header: Mapping[str, Any], planes: Mapping[str, bytes]) -> bytes:
    """Header and planes as one file."""
    described = {**header, "planes": [[name, len(content)] for name, content in planes.items()]}
    text = json.dumps(described, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()
    return b"".join([MAGIC, len(text).to_bytes(4, "little"), text, zlib.compress(b"".join(planes.values()), 9)])


def unseal(content: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Header and planes of a file.

    Raises:
      DamagedFrames: if it is none, or torn, or changed.
    """
    if content[: len(MAGIC)] != MAGIC:
        raise DamagedFrames("these bytes are no recording of frames")
    begin = len(MAGIC) + 4
    end = begin + int.from_bytes(content[len(MAGIC) : begin], "little")
    try:
        header = json.loads(content[begin:end])
        lengths = {str(name): int(length) for name, length in header["planes"]}
        flat = zlib.decompress(content[end:])
    except (ValueError, KeyError, TypeError, zlib.error) as error:
        raise DamagedFrames(f"the recording is damaged ({error})") from None
    if sum(lengths.values()) != len(flat) or min(lengths.values(), default=0) < 0:
        raise DamagedFrames("the recording is damaged (its planes do not fill it)")
    planes, at = {}, 0
    for name, length in lengths.items():
        planes[name] = flat[at : at + length]
        at += length
    return header, planes
